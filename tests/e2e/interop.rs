//! Every server with the keys and the ciphers that it can do: connect, forward, and carry bytes both ways unharmed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::adit::{Running, command};
use crate::support::peer::{KeyKind, Peer, key, make_key_of};
use crate::support::servers::{digest, echo, exchange, noise, to};
use crate::support::sshd::Sshd;

const MIB: usize = 1 << 20;

const ED25519: KeyKind = key(&["-t", "ed25519"]);
const P256: KeyKind = key(&["-t", "ecdsa", "-b", "256"]);
const P384: KeyKind = key(&["-t", "ecdsa", "-b", "384"]);
const P521: KeyKind = key(&["-t", "ecdsa", "-b", "521"]);
const RSA: KeyKind = key(&["-t", "rsa", "-b", "2048"]);
const HOST_KEYS: [KeyKind; 5] = [ED25519, P256, P384, P521, RSA];

/// The client's keys, in every format that ssh-keygen writes.
const KEYS: [KeyKind; 12] = [
    ED25519,
    P256,
    P384,
    P521,
    RSA,
    pem(P256),
    pem(P384),
    pem(P521),
    pem(RSA),
    pkcs8(P256),
    pkcs8(P521),
    pkcs8(RSA),
];

const GCM: [&str; 2] = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"];
const CHACHA: &str = "chacha20-poly1305@openssh.com";
const CTR: [&str; 2] = ["aes128-ctr", "aes256-ctr"];

const HOST_KEY_ALGORITHMS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

const fn pem(kind: KeyKind) -> KeyKind {
    KeyKind {
        format: "PEM",
        ..kind
    }
}

const fn pkcs8(kind: KeyKind) -> KeyKind {
    KeyKind {
        format: "PKCS8",
        ..kind
    }
}

fn carries(adit: &Running, what: &str) {
    let data = noise(2 * MIB);
    let sent = digest(&data);
    let back = exchange(adit.listening(0), data);
    assert_eq!(digest(&back), sent, "{what}");
}

/// One connection for each row of the longest column: each kind of host key, each client key and each cipher has its turn.
fn matrix(peer: &Peer, keys: &[KeyKind], host_keys: &[&str], ciphers: &[&str]) {
    let keys: Vec<PathBuf> = keys
        .iter()
        .enumerate()
        .map(|(index, kind)| peer.make_key(&format!("key{index}"), *kind))
        .collect();
    let target = to(echo());
    let rows = keys.len().max(host_keys.len()).max(ciphers.len());
    for row in 0..rows {
        let key = &keys[row % keys.len()];
        let host_key = format!("HostKeyAlgorithms={}", host_keys[row % host_keys.len()]);
        let cipher = ciphers[row % ciphers.len()];
        let key = key.to_str().unwrap();
        let words = ["-i", key, "-o", &host_key, "-c", cipher, "-L", &target];
        let adit = peer.forward(&words);
        carries(&adit, &format!("{words:?}"));
        assert!(adit.interrupt().success(), "{words:?}");
    }
}

#[test]
fn dropbear() {
    let peer = Peer::dropbear(&[ED25519, P256, RSA], &[]);
    let host_keys = ["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-256"];
    matrix(
        &peer,
        &[ED25519, P256, P384, P521, pem(RSA)],
        &host_keys,
        &[CHACHA, CTR[0], CTR[1]],
    );
}

#[test]
fn asyncssh() {
    let peer = Peer::python("asyncssh", &HOST_KEYS, &["keys"]);
    let ciphers = [GCM[0], GCM[1], CHACHA, CTR[0], CTR[1]];
    let keys = [ED25519, P256, P384, pem(P521), RSA, pkcs8(RSA)];
    matrix(&peer, &keys, &HOST_KEY_ALGORITHMS, &ciphers);
}

#[test]
fn paramiko() {
    let peer = Peer::python("paramiko", &HOST_KEYS[..1], &[]);
    let ciphers = [GCM[0], GCM[1], CTR[0], CTR[1]];
    let keys = [ED25519, P256, pem(P384), P521, RSA];
    matrix(&peer, &keys, &["ssh-ed25519"], &ciphers);
    // It holds one elliptic curve at a time.
    for (kind, algorithm) in [
        (P256, HOST_KEY_ALGORITHMS[1]),
        (P521, HOST_KEY_ALGORITHMS[3]),
        (RSA, HOST_KEY_ALGORITHMS[4]),
    ] {
        let peer = Peer::python("paramiko", &[kind], &[]);
        matrix(&peer, &[ED25519], &[algorithm], &[CTR[0]]);
    }
}

/// tinysshd forwards nothing: the login works, and what it lacks is said.
#[test]
fn tinysshd_logs_in_and_is_said_to_forward_nothing() {
    let peer = Peer::tinysshd();
    let key = peer.make_key("key", ED25519);
    let adit = peer.forward(&["-i", key.to_str().unwrap(), "-L", &to(echo())]);
    let fault = adit.failed();
    assert_eq!(fault["code"], "forwarding-prohibited", "{fault}");
}

/// OpenSSH's sshd, whose log tells what was used.
#[test]
fn openssh_with_every_key_and_cipher() {
    let sshd = Sshd::start(&["LogLevel DEBUG1"]);
    let mut config = fs::read_to_string(sshd.path("sshd_config")).unwrap();
    let mut known = String::new();
    for (index, kind) in HOST_KEYS.iter().enumerate() {
        let path = sshd.path(&format!("host_key{index}"));
        make_key_of(*kind, &path, "");
        writeln!(config, "HostKey {}", path.display()).unwrap();
        let public = fs::read_to_string(sshd.path(&format!("host_key{index}.pub"))).unwrap();
        write!(known, "{} {public}", sshd.known_name()).unwrap();
    }
    config = config.replace(
        &format!("HostKey {}\n", sshd.path("host_key").display()),
        "",
    );
    fs::write(sshd.path("sshd_config"), config).unwrap();
    fs::write(sshd.known_hosts(), known).unwrap();
    let mut authorized = String::new();
    let keys: Vec<PathBuf> = (0..)
        .zip(KEYS)
        .map(|(index, kind)| {
            let path = sshd.path(&format!("client{index}"));
            make_key_of(kind, &path, "");
            authorized += &fs::read_to_string(path.with_extension("pub")).unwrap();
            path
        })
        .collect();
    fs::write(sshd.path("authorized_keys"), authorized).unwrap();

    let target = to(echo());
    let ciphers = [GCM[0], GCM[1], CHACHA, CTR[0], CTR[1]];
    let macs = [
        "hmac-sha2-256-etm@openssh.com",
        "hmac-sha2-512",
        "hmac-sha2-512-etm@openssh.com",
        "hmac-sha2-256",
    ];
    for (row, key) in keys.iter().enumerate() {
        let host_key = HOST_KEY_ALGORITHMS[row % HOST_KEY_ALGORITHMS.len()];
        let (cipher, mac) = (ciphers[row % ciphers.len()], macs[row % macs.len()]);
        fs::copy(key, sshd.key()).unwrap();
        let host_key_option = format!("HostKeyAlgorithms={host_key}");
        let words = [
            "-o",
            &host_key_option,
            "-c",
            cipher,
            "-m",
            mac,
            "-L",
            &target,
        ];
        let adit = Running::forward(&sshd, &words);
        carries(&adit, &format!("{key:?} {words:?}"));
        assert!(adit.interrupt().success(), "{words:?}");
        let log = sshd.log();
        for part in [
            format!("kex: host key algorithm: {host_key}"),
            format!("cipher: {cipher}"),
        ] {
            assert!(log.contains(&part), "{part}: {log}");
        }
        fs::write(sshd.path("log"), "").unwrap();
    }
}

#[test]
fn every_key_exchange_and_compression() {
    let sshd = Sshd::start(&["LogLevel DEBUG1"]);
    let target = to(echo());
    for kex in [
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
        "ecdh-sha2-nistp521",
        "diffie-hellman-group-exchange-sha256",
        "diffie-hellman-group14-sha256",
        "diffie-hellman-group16-sha512",
    ] {
        let option = format!("KexAlgorithms={kex}");
        let adit = Running::forward(&sshd, &["-o", &option, "-L", &target]);
        carries(&adit, kex);
        assert!(
            sshd.log().contains(&format!("kex: algorithm: {kex}")),
            "{kex}"
        );
    }
    let adit = Running::forward(&sshd, &["-C", "-L", &target]);
    carries(&adit, "compression");
    assert!(
        sshd.log().contains("compression: zlib@openssh.com"),
        "{}",
        sshd.log()
    );
}

#[test]
fn new_keys_in_the_middle_of_a_transfer() {
    let sshd = Sshd::start(&["RekeyLimit 1M", "LogLevel DEBUG1"]);
    for cipher in [GCM[0], CHACHA, CTR[0]] {
        let adit = Running::forward(&sshd, &["-c", cipher, "-L", &to(echo())]);
        let data = noise(8 * MIB);
        let sent = digest(&data);
        assert_eq!(digest(&exchange(adit.listening(0), data)), sent, "{cipher}");
        let log = sshd.log();
        let rekeyed = log.matches("SSH2_MSG_NEWKEYS received").count();
        assert!(rekeyed > 4, "{rekeyed}: {log}");
        fs::write(sshd.path("log"), "").unwrap();
    }
}

fn through_both(first: &Peer, last: &Peer, what: &str) {
    let key = first.make_key("key", ED25519);
    last.authorize(&[&key]);
    let config = first.path("ssh_config");
    let text = first.host_lines("first", &key)
        + &last.host_lines("last", &key)
        + "Host last\n ProxyJump first\n";
    fs::write(&config, text).unwrap();
    let mut command = command(&first.path("home"));
    command
        .args(["forward", "--json", "-F"])
        .arg(&config)
        .args(["-o", "BatchMode=yes", "-L", &to(echo()), "last"]);
    let adit = Running::spawn(command);
    carries(&adit, what);
}

#[test]
fn chains_of_two_different_servers() {
    let dropbear = || Peer::dropbear(&[ED25519], &[]);
    let asyncssh = || Peer::python("asyncssh", &[ED25519], &["keys"]);
    through_both(&dropbear(), &asyncssh(), "dropbear, asyncssh");
    through_both(&asyncssh(), &dropbear(), "asyncssh, dropbear");

    let (sshd, last) = (Sshd::start(&[]), dropbear());
    last.authorize(&[&sshd.key()]);
    let config = sshd.path("ssh_config");
    let text = last.host_lines("last", &sshd.key())
        + &format!(
            "Host last\n ProxyJump sshd\nHost sshd\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n UserKnownHostsFile {}\n",
            sshd.port(),
            sshd.key().display(),
            sshd.known_hosts().display()
        );
    fs::write(&config, text).unwrap();
    let mut command = command(&sshd.home());
    command
        .args(["forward", "--json", "-F"])
        .arg(&config)
        .args(["-o", "BatchMode=yes", "-L", &to(echo()), "last"]);
    carries(&Running::spawn(command), "sshd, dropbear");
}

/// Keeps the helper's signature honest: a path that is no key is an error of the test, not of the server.
#[test]
fn keys_are_made_in_the_format_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let begins = |kind: KeyKind, name: &str, words: &str| {
        let path: &Path = &folder.path().join(name);
        make_key_of(kind, path, "");
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(words), "{name}: {text}");
    };
    begins(ED25519, "a", "BEGIN OPENSSH PRIVATE KEY");
    begins(pem(RSA), "b", "BEGIN RSA PRIVATE KEY");
    begins(pkcs8(RSA), "c", "BEGIN PRIVATE KEY");
}
