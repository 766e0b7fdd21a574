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
const CTR: [&str; 3] = ["aes128-ctr", "aes192-ctr", "aes256-ctr"];
const MACS: [&str; 4] = [
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
];
const KEXES: [&str; 8] = [
    "curve25519-sha256@libssh.org",
    "curve25519-sha256",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group14-sha256",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group-exchange-sha256",
];

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

/// One connection for each key exchange and each MAC. A cipher that needs a MAC has every one of them used.
fn exchanges(peer: &Peer, kexes: &[&str], macs: &[&str]) {
    let key = peer.make_key("exchanging", ED25519);
    let target = to(echo());
    for row in 0..kexes.len().max(macs.len()) {
        let kex = format!("KexAlgorithms={}", kexes[row % kexes.len()]);
        let mac = macs[row % macs.len()];
        let key = key.to_str().unwrap();
        let words = [
            "-i", key, "-o", &kex, "-c", CTR[0], "-m", mac, "-L", &target,
        ];
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
        &[CHACHA, CTR[0], CTR[2]],
    );
    exchanges(&peer, &KEXES[..6], &["hmac-sha2-256"]);
    // It holds one elliptic curve at a time.
    for (kind, algorithm) in [
        (P384, HOST_KEY_ALGORITHMS[2]),
        (P521, HOST_KEY_ALGORITHMS[3]),
    ] {
        let peer = Peer::dropbear(&[kind], &[]);
        matrix(&peer, &[ED25519], &[algorithm], &[CHACHA]);
    }
}

#[test]
fn asyncssh() {
    let peer = Peer::python("asyncssh", &HOST_KEYS, &["keys"]);
    let ciphers = [GCM[0], GCM[1], CHACHA, CTR[0], CTR[1], CTR[2]];
    let keys = [ED25519, P256, P384, pem(P521), RSA, pkcs8(RSA)];
    matrix(&peer, &keys, &HOST_KEY_ALGORITHMS, &ciphers);
    exchanges(&peer, &KEXES, &MACS);
}

#[test]
fn paramiko() {
    let peer = Peer::python("paramiko", &HOST_KEYS[..1], &[]);
    let ciphers = [GCM[0], GCM[1], CTR[0], CTR[1], CTR[2]];
    let keys = [ED25519, P256, pem(P384), P521, RSA];
    matrix(&peer, &keys, &["ssh-ed25519"], &ciphers);
    // Without a list of primes of its own it offers no exchange of groups.
    let kexes = [KEXES[0], KEXES[2], KEXES[3], KEXES[4], KEXES[5], KEXES[6]];
    exchanges(&peer, &kexes, &MACS);
    // It holds one elliptic curve at a time.
    for (kind, algorithm) in [
        (P256, HOST_KEY_ALGORITHMS[1]),
        (P384, HOST_KEY_ALGORITHMS[2]),
        (P521, HOST_KEY_ALGORITHMS[3]),
        (RSA, HOST_KEY_ALGORITHMS[5]),
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
    let ciphers = [GCM[0], GCM[1], CHACHA, CTR[0], CTR[1], CTR[2]];
    for (row, key) in keys.iter().enumerate() {
        let host_key = HOST_KEY_ALGORITHMS[row % HOST_KEY_ALGORITHMS.len()];
        let (cipher, mac) = (ciphers[row % ciphers.len()], MACS[row % MACS.len()]);
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
    for kex in KEXES {
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

/// A server on the way: as a `Host` of ssh_config, and let in by `key`.
trait Station {
    fn lines(&self, name: &str, key: &Path) -> String;
}

impl Station for Peer {
    fn lines(&self, name: &str, key: &Path) -> String {
        self.authorize(&[key]);
        self.host_lines(name, key)
    }
}

impl Station for Sshd {
    fn lines(&self, name: &str, key: &Path) -> String {
        let public = fs::read_to_string(key.with_extension("pub")).unwrap();
        fs::write(self.path("authorized_keys"), public).unwrap();
        format!(
            "Host {name}\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n UserKnownHostsFile {}\n GlobalKnownHostsFile none\n",
            self.port(),
            key.display(),
            self.known_hosts().display()
        )
    }
}

/// `adit forward` to the last of these, each reached through the one before it.
fn through(stations: &[&dyn Station]) -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    make_key_of(ED25519, &key, "");
    let mut text = String::new();
    for (index, station) in stations.iter().enumerate() {
        text += &station.lines(&format!("s{index}"), &key);
        if index > 0 {
            writeln!(text, " ProxyJump s{}", index - 1).unwrap();
        }
    }
    let config = folder.path().join("ssh_config");
    fs::write(&config, text).unwrap();
    let mut command = command(folder.path());
    command
        .args(["forward", "--json", "-F"])
        .arg(&config)
        .args(["-o", "BatchMode=yes", "-L", &to(echo())])
        .arg(format!("s{}", stations.len() - 1));
    (folder, Running::spawn(command))
}

#[test]
fn chains_of_different_servers() {
    let dropbear = Peer::dropbear(&[ED25519], &[]);
    let asyncssh = Peer::python("asyncssh", &[ED25519], &["keys"]);
    let paramiko = Peer::python("paramiko", &[ED25519], &[]);
    let sshd = Sshd::start(&[]);
    let chains: [&[&dyn Station]; 7] = [
        &[&dropbear, &asyncssh],
        &[&asyncssh, &dropbear],
        &[&sshd, &dropbear],
        &[&dropbear, &sshd],
        &[&paramiko, &sshd],
        &[&sshd, &paramiko],
        &[&sshd, &dropbear, &asyncssh],
    ];
    for (number, chain) in chains.into_iter().enumerate() {
        let (_folder, adit) = through(chain);
        carries(&adit, &format!("chain {number}"));
        assert!(adit.interrupt().success(), "chain {number}");
    }
    // It forwards nothing, and neither does it where it comes last: the login works, and what it lacks is said.
    let tinysshd = Peer::tinysshd();
    let (_folder, adit) = through(&[&sshd, &tinysshd]);
    assert_eq!(adit.failed()["code"], "forwarding-prohibited");
    let (_folder, adit) = through(&[&tinysshd, &sshd]);
    assert_eq!(adit.failed()["code"], "next-hop-forbidden");
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
