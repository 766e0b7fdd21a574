//! The doctor, with keys made by the real `ssh-keygen` and judged by the real `ssh`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{check, mend};
use crate::model::{Exposure, KeyProblem, KeyVerdict, Passphrase, Secret};

fn keygen(folder: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = folder.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-f"])
        .arg(&path)
        .args(arguments)
        .status()
        .expect("ssh-keygen is needed: tests/run installs openssh-client");
    assert!(made.success());
    path
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Whether OpenSSH would take the file's permissions.
fn openssh_takes(path: &Path) -> bool {
    let output = Command::new("ssh-keygen")
        .args(["-y", "-P", "", "-f"])
        .arg(path)
        .output()
        .unwrap();
    !String::from_utf8_lossy(&output.stderr).contains("UNPROTECTED PRIVATE KEY FILE")
}

#[test]
fn permissions_are_judged_as_openssh_does_and_mended_with_the_least_change() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "key.pem", &["-t", "ed25519", "-N", ""]);
    for (before, after) in [
        (0o644, Some(0o600)),
        (0o640, Some(0o600)),
        (0o444, Some(0o400)),
        (0o777, Some(0o600)),
        (0o601, Some(0o600)),
        (0o600, None),
        (0o400, None),
        (0o700, None),
    ] {
        set_mode(&key, before);
        assert_eq!(openssh_takes(&key), after.is_none(), "{before:o}");
        let verdict = check(&key, None);
        let Some(after) = after else {
            assert!(verdict.is_usable(), "{before:o}: {verdict:?}");
            continue;
        };
        let exposed = Exposure::Mode {
            mode: before,
            wanted: after,
        };
        assert_eq!(verdict, KeyVerdict::Exposed(exposed), "{before:o}");
        mend(&key).unwrap();
        assert_eq!(mode(&key), after, "{before:o}");
        assert!(check(&key, None).is_usable() && openssh_takes(&key));
    }
}

#[test]
fn what_is_no_private_key_is_never_changed() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    let public = key.with_extension("pub");
    set_mode(&public, 0o644);
    let reason = mend(&public).unwrap_err().to_string();
    assert!(reason.contains("public key"), "{reason}");
    assert_eq!(mode(&public), 0o644);
    assert!(mend(&folder.path().join("missing")).is_err());
}

#[test]
fn a_passphrase_that_is_tried_fits_or_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("openssh", &["-t", "ed25519", "-N", "right one"][..]),
        (
            "pem",
            &["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "right one"],
        ),
        ("pkcs8", &["-t", "ecdsa", "-m", "PKCS8", "-N", "right one"]),
    ] {
        let key = keygen(folder.path(), name, arguments);
        for (tried, expected) in [
            (None, Passphrase::Needed),
            (Some("right one"), Passphrase::Fits),
            (Some("wrong one"), Passphrase::Wrong),
        ] {
            let secret = tried.map(|text| Secret::new(text.to_owned()));
            match check(&key, secret.as_ref()) {
                KeyVerdict::Usable { passphrase, .. } => assert_eq!(passphrase, expected, "{name}"),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_public_key_or_a_certificate_names_the_private_key_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "id", &["-t", "ed25519", "-N", ""]);
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-s"])
        .arg(&key)
        .args(["-I", "me", "-n", "me"])
        .arg(key.with_extension("pub"))
        .status()
        .unwrap();
    assert!(signed.success());
    for (name, problem) in [
        ("id.pub", KeyProblem::PublicKey),
        ("id-cert.pub", KeyProblem::Certificate),
    ] {
        let verdict = check(&folder.path().join(name), None);
        let expected = KeyVerdict::Unusable {
            problem,
            instead: Some(key.clone()),
        };
        assert_eq!(verdict, expected);
    }
    fs::remove_file(&key).unwrap();
    match check(&folder.path().join("id.pub"), None) {
        KeyVerdict::Unusable { instead, .. } => assert_eq!(instead, None),
        other => panic!("{other:?}"),
    }
}

#[test]
fn everything_else_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, contents: &str| {
        let path = folder.path().join(name);
        fs::write(&path, contents).unwrap();
        path
    };
    let code = |path: &Path| check(path, None).code();
    assert_eq!(code(folder.path()), "directory");
    assert_eq!(code(&folder.path().join("none")), "missing");
    assert_eq!(code(&write("empty", "")), "empty");
    let ppk = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n";
    assert_eq!(code(&write("key.ppk", ppk)), "putty");
    assert_eq!(code(&write("notes.txt", "hello\n")), "not-a-key");
    let dsa = "-----BEGIN DSA PRIVATE KEY-----\nMIIB\n-----END DSA PRIVATE KEY-----\n";
    assert_eq!(code(&write("dsa", dsa)), "dsa");
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    assert_eq!(code(&write("tls.pem", certificate)), "other-pem");

    // Its public half is whole, its private one is not.
    let key = keygen(
        folder.path(),
        "cut",
        &["-t", "rsa", "-b", "2048", "-N", "", "-m", "PEM"],
    );
    let text = fs::read_to_string(&key).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let cut = [&lines[..6], &lines[lines.len() - 1..]].concat().join("\n");
    fs::write(&key, cut).unwrap();
    assert_eq!(code(&key), "damaged");
}
