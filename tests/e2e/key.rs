//! `adit key check`: the doctor for private key files, at a terminal and without one.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::support::adit::{command, run, text};
use crate::support::person::asked;
use crate::support::sshd::make_key;

fn exposed_key(folder: &Path) -> String {
    let key = folder.join("key.pem");
    make_key(&key);
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    key.to_str().unwrap().to_owned()
}

fn mode(path: &str) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn permissions_are_mended_after_a_yes_and_only_then() {
    let folder = tempfile::tempdir().unwrap();
    let key = exposed_key(folder.path());
    for (answer, after, code) in [("", 0o644, 1), ("n", 0o644, 1), ("y", 0o600, 0)] {
        let mut adit = command(folder.path());
        adit.args(["key", "check", "--fix", &key]);
        let (mut running, person) = asked(adit, &[("[y/N] ", answer)]);
        let seen = person.seen();
        assert!(seen.contains("0644") && seen.contains("0600"), "{seen}");
        assert_eq!(running.wait().code(), Some(code), "{answer:?}");
        assert_eq!(mode(&key), after, "{answer:?}");
    }
}

#[test]
fn without_a_terminal_nothing_is_changed_unless_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let key = exposed_key(folder.path());
    let plain = run(folder.path(), &["key", "check", &key]);
    assert_eq!(plain.status.code(), Some(1));
    let words = text(&plain.stderr[..]);
    assert!(words.contains(&format!("chmod 600 {key}")), "{words}");

    let asks = run(folder.path(), &["key", "check", "--fix", &key]);
    assert_eq!(asks.status.code(), Some(2));
    assert_eq!(mode(&key), 0o644);

    let json = ["key", "check", "--fix", "--yes", "-o", "json", &key];
    let mended = run(folder.path(), &json);
    assert_eq!(mended.status.code(), Some(0));
    let report: Value = serde_json::from_slice(&mended.stdout).unwrap();
    assert_eq!(report["verdict"], "usable");
    assert_eq!(report["fixed"], true);
    assert_eq!(report["kind"], "Ed25519");
    assert_eq!(mode(&key), 0o600);
}

#[test]
fn a_wrong_passphrase_is_named_and_appears_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("id");
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "the-right-one", "-f"])
        .arg(&key)
        .status()
        .unwrap();
    assert!(made.success());
    for (typed, code) in [("not-this-one", 1), ("the-right-one", 0)] {
        let mut adit = command(folder.path());
        adit.args(["key", "check", "--passphrase"]).arg(&key);
        let (mut running, person) = asked(adit, &[("Passphrase", typed)]);
        let seen = person.seen();
        assert_eq!(running.wait().code(), Some(code), "{typed}");
        let words = running.words();
        assert!(
            !seen.contains(typed) && !words.contains(typed),
            "{seen}{words}"
        );
        assert_eq!(words.contains("does not open it"), code == 1, "{words}");
    }
}
