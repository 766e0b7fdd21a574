//! Certificates, and keys that a passphrase locks.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Agent, ED25519, authorize, bare, public, works};
use crate::support::adit::command;
use crate::support::peer::{KeyKind, key, make_key_of};
use crate::support::person::asked;
use crate::support::servers::{echo, to};
use crate::support::sshd::{Sshd, make_key};

const RSA: KeyKind = key(&["-t", "rsa", "-b", "2048"]);
const P256: KeyKind = key(&["-t", "ecdsa", "-b", "256"]);

/// A certificate authority, and certificates by it for the keys.
fn certify(folder: &Path, keys: &[&Path]) -> PathBuf {
    let authority = folder.join("authority");
    make_key(&authority);
    for key in keys {
        let mut public = key.as_os_str().to_owned();
        public.push(".pub");
        let made = Command::new("ssh-keygen")
            .args(["-q", "-s"])
            .arg(&authority)
            .args(["-I", "test", "-n", &crate::support::sshd::user()])
            .arg(public)
            .status()
            .unwrap();
        assert!(made.success());
    }
    folder.join("authority.pub")
}

#[test]
fn certificates_are_offered_from_files_and_from_the_agent() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = [
        ("ed25519", ED25519),
        ("rsa", RSA),
        ("p256", P256),
        (
            "rsapem",
            KeyKind {
                format: "PEM",
                ..RSA
            },
        ),
    ];
    let keys: Vec<PathBuf> = kinds
        .iter()
        .map(|(name, kind)| {
            let path = folder.path().join(name);
            make_key_of(*kind, &path, "");
            path
        })
        .collect();
    let paths: Vec<&Path> = keys.iter().map(PathBuf::as_path).collect();
    let authority = certify(folder.path(), &paths);
    let sshd = Sshd::start(&[&format!("TrustedUserCAKeys {}", authority.display())]);
    authorize(&sshd, &[]);
    let target = to(echo());
    for key in &keys {
        let text = key.to_str().unwrap();
        // KEY-cert.pub beside the key.
        works(&bare(&sshd, &["-i", text, "-L", &target]));

        // The key and the certificate in the agent.
        let agent = Agent::start(&sshd.path(""));
        agent.add(key);
        works(&bare(&sshd, &["-o", &agent.option(), "-L", &target]));

        // The key in the agent, the certificate in a file of another name.
        let agent = Agent::start(&folder.path().join(""));
        let alone = folder.path().join("alone");
        fs::copy(key, &alone).unwrap();
        agent.add(&alone);
        let certificate = format!("CertificateFile={text}-cert.pub");
        let words = ["-o", &agent.option(), "-o", &certificate, "-L", &target];
        works(&bare(&sshd, &words));
    }
    let log = sshd.log();
    // No key is authorized by itself.
    assert_eq!(log.matches("Accepted publickey").count(), 12, "{log}");
}

#[test]
fn encrypted_keys_of_every_format_ask_for_their_passphrase() {
    let sshd = Sshd::start(&[]);
    let kinds = [
        ED25519,
        RSA,
        KeyKind {
            format: "PEM",
            ..RSA
        },
        KeyKind {
            format: "PKCS8",
            ..P256
        },
    ];
    for (index, kind) in kinds.into_iter().enumerate() {
        let path = sshd.path(&format!("locked{index}"));
        make_key_of(kind, &path, "open sesame");
        authorize(&sshd, &[public(&path)]);
        let mut command = command(&sshd.home());
        let known_hosts = format!("UserKnownHostsFile={}", sshd.known_hosts().display());
        command
            .args(["forward", "--json", "-F", "none", "-i"])
            .arg(&path)
            .args(["-p", &sshd.port().to_string(), "-L", &to(echo())])
            .args(["-o", &known_hosts, "-o", "GlobalKnownHostsFile=none"])
            .arg(Sshd::login());
        let script = [
            ("Passphrase of the key", "wrong"),
            ("That was not it", "open sesame"),
        ];
        let (adit, person) = asked(command, &script);
        works(&adit);
        let seen = person.seen();
        assert!(!seen.contains("sesame"), "{kind:?}: {seen}");
    }
}
