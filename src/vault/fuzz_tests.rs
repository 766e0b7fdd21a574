//! Records of a keyring, spoiled.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::book;
use super::error::VaultError;
use super::parts::Slots as _;
use super::secret_name::SecretName;
use super::testing::Drawer;
use crate::model::{HostId, SavedHost, Secret};
use crate::testing::{JSON, spoiled};

const RECORDS: &[&str] = &[
    "\"version\":1",
    "\"version\":2",
    "\"host\":",
    "\"secrets\":",
    "\"parts\":",
    "\"generation\":",
    "\"kind\":\"password\"",
    "\"name\":\"prod\"",
    "18446744073709551615",
];

fn record() -> impl Strategy<Value = Vec<u8>> {
    spoiled(&["corpus/vault"], "", &[JSON, RECORDS])
}

/// A record that makes no sense concerns itself alone, and is not quoted.
fn is_said(error: &VaultError) -> bool {
    matches!(error, VaultError::Damaged { .. } | VaultError::Newer { .. })
        && !format!("{error} {error:?}").contains("hunter2")
}

proptest! {
    /// Whatever stands in the keyring's entries: what can be read is, what cannot is said without quoting it, left alone by what
    /// would keep something in its place, and gone when the person wants that.
    #[test]
    fn fuzz_vault_records(
        entries in (record(), record(), record(), record()),
        limit in prop::sample::select(vec![40_usize, 2560, usize::MAX]),
    ) {
        let (host, secrets, index, part) = entries;
        let id = HostId::new("prod");
        let name = SecretName::Passphrase { path: "~/.ssh/prod.pem".into() };
        let drawer = Drawer::with_limit(limit);
        for (entry, value) in [
            (book::host_entry("prod"), &host),
            (book::secrets_entry("prod"), &secrets),
            ("index".to_owned(), &index),
            (format!("{}~1.0", book::host_entry("prod")), &part),
        ] {
            drawer.set(&entry, value).unwrap();
        }
        let found = BTreeSet::from(["prod".to_owned()]);
        let contents = book::load(&drawer, &found).unwrap();
        for note in &contents.notes {
            prop_assert!(!note.contains("hunter2"), "{note}");
        }
        let new = Some(Secret::new("new".to_owned()));
        for result in [
            book::secret(&drawer, &id, &name).map(drop),
            book::set_secret(&drawer, &id, name.clone(), new),
            book::save_host(&drawer, SavedHost::new("prod", "203.0.113.7")),
        ] {
            prop_assert!(result.as_ref().err().is_none_or(is_said), "{result:?}");
        }
        book::forget_secrets(&drawer, &id).unwrap();
        prop_assert!(book::secret(&drawer, &id, &name).unwrap().is_none());
        book::remove_host(&drawer, &id).unwrap();
        prop_assert_eq!(book::host(&drawer, "prod"), Ok(None));
    }
}
