//! Hosts and secrets as records: one for each host, one for each host's secrets, and an index of the hosts.
//!
//! The index names at least every host that is kept: it is written before a new host's record and after a removed one's. A name
//! without a record behind it means that a write was cut short, and is passed over.

use std::collections::BTreeSet;

use super::error::VaultError;
use super::parts::{self, Slots};
use super::record::{HostBody, IndexBody, KeptSecret, SecretsBody, decode, encode};
use super::secret_name::SecretName;
use crate::model::{HostId, SavedHost, Secret, Words, words};

/// The record of the hosts' names.
const INDEX: &str = "index";

/// What the index is called.
fn index_words() -> Words {
    words!("the list of hosts")
}

/// All hosts that are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Those that can be read, by name.
    pub hosts: Vec<SavedHost>,
    /// What the person should know: records that cannot be read and were left alone.
    pub notes: Vec<Words>,
}

/// The entry of a host.
pub(super) fn host_entry(id: &str) -> String {
    format!("host:{id}")
}

/// The entry of a host's secrets.
pub(super) fn secrets_entry(id: &str) -> String {
    format!("secrets:{id}")
}

fn host_words(id: &str) -> Words {
    words!("the host {host}", host = id)
}

fn secrets_words(id: &str) -> Words {
    words!("what is remembered for {host}", host = id)
}

/// Reads every host. `found` are names that were found another way, should the index have lost them.
pub(super) fn load(slots: &dyn Slots, found: &BTreeSet<String>) -> Result<Contents, VaultError> {
    let mut contents = Contents::default();
    let mut names = found.clone();
    match index(slots) {
        Ok(listed) => names.extend(listed),
        Err(error) => contents.take_note(error)?,
    }
    for name in names {
        match host(slots, &name) {
            Ok(Some(host)) => contents.hosts.push(host),
            Ok(None) => {}
            Err(error) => contents.take_note(error)?,
        }
    }
    Ok(contents)
}

impl Contents {
    /// A record that cannot be read concerns itself alone; anything else concerns the keyring.
    fn take_note(&mut self, error: VaultError) -> Result<(), VaultError> {
        match error {
            VaultError::Newer { .. } | VaultError::Damaged { .. } => {
                self.notes.push(error.words());
                Ok(())
            }
            error => Err(error),
        }
    }
}

fn index(slots: &dyn Slots) -> Result<BTreeSet<String>, VaultError> {
    match parts::read(slots, INDEX, &index_words())? {
        Some(bytes) => {
            let body: IndexBody = decode(&bytes, &index_words())?;
            Ok(body.hosts.into_iter().collect())
        }
        None => Ok(BTreeSet::new()),
    }
}

fn write_index(slots: &dyn Slots, names: BTreeSet<String>) -> Result<(), VaultError> {
    let body = IndexBody {
        hosts: names.into_iter().collect(),
    };
    parts::write(slots, INDEX, &encode(body, &index_words())?, &index_words())
}

/// Reads one host.
pub(super) fn host(slots: &dyn Slots, id: &str) -> Result<Option<SavedHost>, VaultError> {
    let what = host_words(id);
    let Some(bytes) = parts::read(slots, &host_entry(id), &what)? else {
        return Ok(None);
    };
    let body: HostBody = decode(&bytes, &what)?;
    if body.host.id.as_str() != id {
        return Err(VaultError::Damaged {
            what,
            problem: words!("it holds another host"),
        });
    }
    Ok(Some(body.host))
}

/// Keeps a host. A record in its place that cannot be read is not overwritten.
pub(super) fn save_host(slots: &dyn Slots, saved: SavedHost) -> Result<(), VaultError> {
    let id = saved.id.clone();
    let (id, what) = (id.as_str(), host_words(id.as_str()));
    host(slots, id)?;
    let bytes = encode(HostBody { host: saved }, &what)?;
    let mut names = index(slots)?;
    if names.insert(id.to_owned()) {
        write_index(slots, names)?;
    }
    parts::write(slots, &host_entry(id), &bytes, &what)
}

/// Removes a host and its secrets, whether they can be read or not: the person wants them gone.
pub(super) fn remove_host(slots: &dyn Slots, id: &HostId) -> Result<(), VaultError> {
    let id = id.as_str();
    parts::remove(slots, &secrets_entry(id))?;
    parts::remove(slots, &host_entry(id))?;
    match index(slots) {
        Ok(mut names) => {
            if names.remove(id) {
                write_index(slots, names)?;
            }
            Ok(())
        }
        // The name is left over, which does no harm.
        Err(VaultError::Newer { .. } | VaultError::Damaged { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn secrets(slots: &dyn Slots, id: &str) -> Result<Vec<KeptSecret>, VaultError> {
    let what = secrets_words(id);
    match parts::read(slots, &secrets_entry(id), &what)? {
        Some(bytes) => Ok(decode::<SecretsBody>(&bytes, &what)?.secrets),
        None => Ok(Vec::new()),
    }
}

/// Reads one secret of a host's.
pub(super) fn secret(
    slots: &dyn Slots,
    id: &HostId,
    name: &SecretName,
) -> Result<Option<Secret>, VaultError> {
    let kept = secrets(slots, id.as_str())?;
    let found = kept.into_iter().find(|kept| kept.name == *name);
    Ok(found.map(|kept| kept.value))
}

/// Keeps a secret of a host's in place of the one of the same name; none removes that.
pub(super) fn set_secret(
    slots: &dyn Slots,
    id: &HostId,
    name: SecretName,
    value: Option<Secret>,
) -> Result<(), VaultError> {
    let id = id.as_str();
    let mut kept = secrets(slots, id)?;
    kept.retain(|kept| kept.name != name);
    kept.extend(value.map(|value| KeptSecret { name, value }));
    if kept.is_empty() {
        return parts::remove(slots, &secrets_entry(id));
    }
    let what = secrets_words(id);
    let bytes = encode(SecretsBody { secrets: kept }, &what)?;
    parts::write(slots, &secrets_entry(id), &bytes, &what)
}

/// Removes all secrets of a host, whether they can be read or not.
pub(super) fn forget_secrets(slots: &dyn Slots, id: &HostId) -> Result<(), VaultError> {
    parts::remove(slots, &secrets_entry(id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::Drawer;
    use super::*;

    fn hosts(drawer: &Drawer) -> Vec<String> {
        let contents = load(drawer, &BTreeSet::new()).unwrap();
        assert_eq!(contents.notes, []);
        let names = contents.hosts.iter().map(|host| host.id.to_string());
        names.collect()
    }

    fn password(hop: &str) -> SecretName {
        SecretName::Password {
            hop: hop.to_owned(),
        }
    }

    #[test]
    fn a_crash_at_any_write_loses_no_other_host_and_leaves_no_half_one() {
        let long = "x".repeat(9000);
        for writes in 0.. {
            let drawer = Drawer::with_limit(2560);
            save_host(&drawer, SavedHost::new("a", "1.1.1.1")).unwrap();
            drawer.crash_after(writes);
            let done = save_host(&drawer, SavedHost::new("b", &long)).is_ok();
            drawer.recover();
            let names = hosts(&drawer);
            assert!(names == ["a"] || names == ["a", "b"], "{writes}: {names:?}");

            drawer.crash_after(writes);
            let removed = remove_host(&drawer, &HostId::new("b")).is_ok();
            drawer.recover();
            let names = hosts(&drawer);
            assert!(names == ["a"] || names == ["a", "b"], "{writes}: {names:?}");
            remove_host(&drawer, &HostId::new("b")).unwrap();
            assert_eq!(hosts(&drawer), ["a"]);
            if done && removed {
                break;
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_and_left_alone_until_the_person_removes_it() {
        let drawer = Drawer::with_limit(2560);
        for name in ["a", "b", "c"] {
            save_host(&drawer, SavedHost::new(name, "1.1.1.1")).unwrap();
        }
        drawer.set("host:a", b"garbage").unwrap();
        drawer.set("host:b", br#"{"version":9}"#).unwrap();
        let contents = load(&drawer, &BTreeSet::new()).unwrap();
        assert_eq!(contents.hosts.len(), 1);
        assert_eq!(contents.notes.len(), 2);
        assert!(
            contents.notes[0].contains("the host a is damaged"),
            "{:?}",
            contents.notes
        );
        assert!(
            contents.notes[1].contains("newer Adit"),
            "{:?}",
            contents.notes
        );
        for name in ["a", "b"] {
            save_host(&drawer, SavedHost::new(name, "2.2.2.2")).unwrap_err();
            remove_host(&drawer, &HostId::new(name)).unwrap();
            save_host(&drawer, SavedHost::new(name, "2.2.2.2")).unwrap();
        }
        assert_eq!(hosts(&drawer), ["a", "b", "c"]);
    }

    #[test]
    fn hosts_that_the_index_lost_are_found_all_the_same() {
        let drawer = Drawer::with_limit(2560);
        save_host(&drawer, SavedHost::new("a", "1.1.1.1")).unwrap();
        drawer.set(INDEX, b"garbage").unwrap();
        let found = BTreeSet::from(["a".to_owned()]);
        let contents = load(&drawer, &found).unwrap();
        assert_eq!(contents.hosts.len(), 1);
        assert!(
            contents.notes[0].contains("the list of hosts"),
            "{:?}",
            contents.notes
        );
        save_host(&drawer, SavedHost::new("b", "1.1.1.1")).unwrap_err();
    }

    #[test]
    fn secrets_are_replaced_forgotten_and_gone_with_their_host() {
        let drawer = Drawer::with_limit(2560);
        let id = HostId::new("a");
        let read = |hop: &str| secret(&drawer, &id, &password(hop)).unwrap();
        save_host(&drawer, SavedHost::new("a", "1.1.1.1")).unwrap();
        for (hop, value) in [("u@a", "one"), ("u@b", "two"), ("u@a", "three")] {
            let value = Some(Secret::new(value.to_owned()));
            set_secret(&drawer, &id, password(hop), value).unwrap();
        }
        assert_eq!(read("u@a").unwrap().expose(), "three");
        assert_eq!(read("u@b").unwrap().expose(), "two");
        set_secret(&drawer, &id, password("u@a"), None).unwrap();
        assert!(read("u@a").is_none() && read("u@b").is_some());
        forget_secrets(&drawer, &id).unwrap();
        assert!(read("u@b").is_none());
        set_secret(
            &drawer,
            &id,
            password("u@a"),
            Some(Secret::new("x".to_owned())),
        )
        .unwrap();
        remove_host(&drawer, &id).unwrap();
        assert_eq!(drawer.names(), [INDEX]);
    }
}
