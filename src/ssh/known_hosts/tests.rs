//! Tables over the parser, and comparisons with the real `ssh-keygen`.

use std::process::Command;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::ssh::key_blob::fingerprint;

const FILE: &str = "known_hosts";

/// A key of this type that differs by `seed`.
fn key(name: &str, seed: u8) -> Vec<u8> {
    let fields: &[&[u8]] = match name {
        "ssh-ed25519" => &[&[seed; 32]],
        _ => &[b"\x01\x00\x01", &[seed; 64]],
    };
    let mut blob = Vec::new();
    for field in [&[name.as_bytes()], fields].concat() {
        blob.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        blob.extend(field);
    }
    blob
}

fn ed(seed: u8) -> Vec<u8> {
    key("ssh-ed25519", seed)
}

fn rsa(seed: u8) -> Vec<u8> {
    key("ssh-rsa", seed)
}

fn line(before: &str, blob: &[u8]) -> String {
    format!("{before} {} {}", type_name(blob), STANDARD.encode(blob))
}

fn hosts(text: &str) -> KnownHosts {
    let mut known = KnownHosts::default();
    known.add_text(Path::new(FILE), text.as_bytes());
    known
}

fn place(line: usize) -> Place {
    Place {
        file: FILE.into(),
        line,
    }
}

fn unknown() -> HostKeyVerdict {
    HostKeyVerdict::Unknown { known_as: vec![] }
}

#[test]
fn names_patterns_and_ports() {
    for (names, host, port, known) in [
        ("web.example", "web.example", 22, true),
        ("web.example", "WEB.Example", 22, true),
        ("WEB.example", "web.example", 22, true),
        ("web.example", "web.example.org", 22, false),
        ("a,web.example,10.0.0.1", "10.0.0.1", 22, true),
        ("*.example", "web.example", 22, true),
        ("web-?.example", "web-1.example", 22, true),
        ("*.example,!web.example", "web.example", 22, false),
        ("!web.example,*.example", "web.example", 22, false),
        ("!db.example", "web.example", 22, false),
        ("[web.example]:2222", "web.example", 2222, true),
        ("[web.example]:2222", "web.example", 22, false),
        ("[web.example]:2222", "web.example", 2223, false),
        ("web.example", "web.example", 2222, true),
        ("fd00::1", "fd00::1", 22, true),
        ("[fd00::1]:2222", "fd00::1", 2222, true),
    ] {
        let verdict = hosts(&line(names, &ed(1))).verdict(host, port, &ed(1));
        let found = verdict == HostKeyVerdict::Known(place(1));
        assert_eq!(found, known, "{names} for {host}:{port}: {verdict:?}");
    }
}

#[test]
fn a_different_key_is_a_change_whatever_its_type() {
    let text = [line("h", &rsa(1)), line("h", &ed(1))].join("\n");
    let known = hosts(&text);
    assert_eq!(
        known.verdict("h", 22, &ed(1)),
        HostKeyVerdict::Known(place(2))
    );
    assert_eq!(
        known.verdict("h", 22, &ed(2)),
        HostKeyVerdict::Changed(place(2))
    );
    assert_eq!(
        known.verdict("h", 22, &rsa(2)),
        HostKeyVerdict::Changed(place(1))
    );
    let rsa_only = hosts(&line("h", &rsa(1)));
    assert_eq!(
        rsa_only.verdict("h", 22, &ed(1)),
        HostKeyVerdict::Changed(place(1))
    );
}

#[test]
fn a_key_held_without_a_port_says_nothing_against_another_on_a_port() {
    let known = hosts(&line("h", &ed(1)));
    assert_eq!(
        known.verdict("h", 2222, &ed(1)),
        HostKeyVerdict::Known(place(1))
    );
    assert_eq!(known.verdict("h", 2222, &ed(2)), unknown());
    assert_eq!(known.algorithms_for("h", 2222), []);
}

#[test]
fn revocation_outweighs_everything() {
    let text = [line("h", &ed(1)), line("@revoked *", &ed(1))].join("\n");
    assert_eq!(
        hosts(&text).verdict("h", 22, &ed(1)),
        HostKeyVerdict::Revoked(place(2))
    );
    assert_eq!(
        hosts(&text).verdict("h", 2222, &ed(1)),
        HostKeyVerdict::Revoked(place(2))
    );
    assert_eq!(
        hosts(&text).verdict("h", 22, &ed(2)),
        HostKeyVerdict::Changed(place(1))
    );
    let plain_name = hosts(&line("@revoked\th", &ed(1)));
    assert_eq!(
        plain_name.verdict("h", 22, &ed(1)),
        HostKeyVerdict::Revoked(place(1))
    );
    assert_eq!(
        plain_name.verdict("h", 2222, &ed(1)),
        HostKeyVerdict::Revoked(place(1))
    );
    assert_eq!(plain_name.verdict("g", 22, &ed(1)), unknown());
    let text = [line("[h]:2222", &ed(1)), line("@revoked h", &ed(1))].join("\n");
    assert_eq!(
        hosts(&text).verdict("h", 2222, &ed(1)),
        HostKeyVerdict::Revoked(place(2))
    );
}

#[test]
fn a_certificate_authority_alone_is_refused_with_its_line() {
    let authority = line("@cert-authority *.example", &ed(9));
    let verdict = hosts(&authority).verdict("web.example", 22, &ed(1));
    let alone = HostKeyVerdict::CertAuthority {
        name: "web.example".to_owned(),
        place: place(1),
    };
    assert_eq!(verdict, alone);
    assert_eq!(
        hosts(&authority).verdict("elsewhere", 22, &ed(1)),
        unknown()
    );
    let both = hosts(&[authority, line("web.example", &ed(1))].join("\n"));
    assert_eq!(
        both.verdict("web.example", 22, &ed(1)),
        HostKeyVerdict::Known(place(2))
    );
    assert_eq!(
        both.algorithms_for("web.example", 22),
        [HostKeyAlgorithm::Ed25519]
    );
}

#[test]
fn a_certificate_or_a_broken_key_is_refused() {
    for blob in [
        key("ssh-ed25519-cert-v01@openssh.com", 1),
        b"junk".to_vec(),
        vec![],
    ] {
        let verdict = hosts(&line("h", &ed(1))).verdict("h", 22, &blob);
        assert!(
            matches!(verdict, HostKeyVerdict::UnknownType(_)),
            "{verdict:?}"
        );
    }
}

#[test]
fn junk_is_skipped_and_lines_keep_their_numbers() {
    let good = line("h", &ed(1));
    let text = [
        "# comment".to_owned(),
        String::new(),
        "h".to_owned(),
        "h ssh-ed25519".to_owned(),
        "h ssh-ed25519 !!!!".to_owned(),
        format!("h ssh-rsa {}", STANDARD.encode(ed(1))),
        format!("@nonsense {good}"),
        format!("@revoked @revoked {good}"),
        "|1|AAAA|BBBB ssh-ed25519 x".to_owned(),
        "h 2048 65537 123456".to_owned(),
        format!(" \t{}  a comment\r", good.replace(' ', " \t ")),
    ]
    .join("\n");
    assert_eq!(
        hosts(&text).verdict("h", 22, &ed(1)),
        HostKeyVerdict::Known(place(11))
    );
    assert_eq!(
        hosts(&text).verdict("h", 22, &ed(2)),
        HostKeyVerdict::Changed(place(11))
    );
}

#[test]
fn the_same_key_under_other_names_is_told() {
    let mut text = [
        line("3.120.1.1,ec2-old.example,*.pattern,!not.this", &ed(1)),
        line("@cert-authority ca.example", &ed(1)),
        line("[3.120.1.1]:2222", &ed(1)),
        line("other", &ed(2)),
    ]
    .join("\n");
    let hash = STANDARD.encode(line::hash(&[7; 20], "hidden"));
    text.push_str(&line(
        &format!("\n|1|{}|{hash}", STANDARD.encode([7; 20])),
        &ed(1),
    ));
    let HostKeyVerdict::Unknown { known_as } = hosts(&text).verdict("3.120.9.9", 22, &ed(1)) else {
        panic!("known");
    };
    assert_eq!(
        known_as,
        [
            "3.120.1.1",
            "ec2-old.example",
            "*.pattern",
            "[3.120.1.1]:2222",
            "a hashed name (known_hosts, line 5)"
        ]
    );
    assert_eq!(
        hosts(&text).verdict("hidden", 22, &ed(1)),
        HostKeyVerdict::Known(place(5))
    );
}

#[test]
fn the_preference_follows_what_is_held() {
    use HostKeyAlgorithm::{EcdsaP256, Ed25519, RsaSha256, RsaSha512};
    let known = hosts(&line("h", &rsa(1)));
    assert_eq!(known.algorithms_for("h", 22), [RsaSha512, RsaSha256]);
    assert_eq!(known.algorithms_for("g", 22), []);
    let allowed =
        "ssh-ed25519-cert-v01@openssh.com,ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256,ssh-rsa";
    assert_eq!(
        known.preference_for("h", 22, Some(allowed)),
        [RsaSha256, Ed25519, EcdsaP256]
    );
    assert_eq!(
        known.preference_for("h", 22, None)[..3],
        [RsaSha512, RsaSha256, Ed25519]
    );
    assert_eq!(known.preference_for("g", 22, None), HostKeyAlgorithm::ALL);
}

#[test]
fn absent_files_are_empty_and_unreadable_ones_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let absent = [folder.path().join("a"), folder.path().join("b/c")];
    assert_eq!(
        KnownHosts::load(&absent, &[])
            .unwrap()
            .verdict("h", 22, &ed(1)),
        unknown()
    );
    let error = KnownHosts::load(&[folder.path().to_owned()], &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains(&folder.path().display().to_string()),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn adding_makes_a_private_file_and_ends_an_open_line() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(".ssh/known_hosts");
    KnownHosts::add(&path, "Web.Example", 22, &ed(1), false).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
    fs::write(&path, "# no line feed").unwrap();
    KnownHosts::add(&path, "h", 2222, &rsa(1), true).unwrap();
    KnownHosts::add(&path, "fd00::1", 22, &rsa(2), false).unwrap();
    let known = KnownHosts::load(std::slice::from_ref(&path), &[]).unwrap();
    let at = |line| {
        HostKeyVerdict::Known(Place {
            file: path.clone(),
            line,
        })
    };
    assert_eq!(known.verdict("h", 2222, &rsa(1)), at(2));
    assert_eq!(known.verdict("fd00::1", 22, &rsa(2)), at(3));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("2222") && text.ends_with('\n'), "{text}");
}

#[test]
fn what_would_be_read_back_differently_is_not_added() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    for name in ["", "a,b", "*", "a b", "a\nb", "!a", "[a]", "@a", "|1|", "#"] {
        let result = KnownHosts::add(&path, name, 22, &ed(1), false);
        assert!(
            matches!(result, Err(KnownHostsError::HostName(_))),
            "{name}"
        );
    }
    let result = KnownHosts::add(&path, "h", 22, b"junk", false);
    assert!(matches!(result, Err(KnownHostsError::Key(_))));
    assert!(!path.exists());
}

#[cfg(unix)]
#[test]
fn dev_null_takes_everything_and_holds_nothing() {
    let path = PathBuf::from("/dev/null");
    KnownHosts::add(&path, "h", 22, &ed(1), false).unwrap();
    assert_eq!(
        KnownHosts::load(&[path], &[])
            .unwrap()
            .verdict("h", 22, &ed(1)),
        unknown()
    );
}

#[test]
fn many_writers_at_once_corrupt_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("known_hosts");
    fs::write(&path, "# open").unwrap();
    thread::scope(|scope| {
        for writer in 0..8 {
            let path = &path;
            scope.spawn(move || {
                for index in 0..25 {
                    let host = format!("h{writer}-{index}");
                    KnownHosts::add(path, &host, 22, &ed(writer), index % 2 == 0).unwrap();
                }
            });
        }
    });
    let known = KnownHosts::load(&[path], &[]).unwrap();
    assert_eq!(known.entries.len(), 200);
}

fn keygen(arguments: &[&str]) -> String {
    let output = Command::new("ssh-keygen")
        .args(arguments)
        .output()
        .expect("ssh-keygen is needed");
    assert!(
        output.status.success(),
        "ssh-keygen {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// A real public key: its blob and its `type base64` text.
fn real_key(folder: &Path, kind: &str, bits: &str) -> (Vec<u8>, String) {
    let path = folder.join(format!("{kind}{bits}"));
    let path = path.to_str().unwrap();
    keygen(&["-q", "-t", kind, "-b", bits, "-N", "", "-C", "", "-f", path]);
    let text = fs::read_to_string(format!("{path}.pub"))
        .unwrap()
        .trim()
        .to_owned();
    (
        STANDARD.decode(text.split(' ').nth(1).unwrap()).unwrap(),
        text,
    )
}

#[test]
fn fingerprints_and_types_are_those_of_ssh_keygen() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits) in [
        ("ed25519", "256"),
        ("ecdsa", "256"),
        ("ecdsa", "384"),
        ("ecdsa", "521"),
        ("rsa", "2048"),
    ] {
        let (blob, text) = real_key(folder.path(), kind, bits);
        let path = folder.path().join(format!("{kind}{bits}"));
        let listed = keygen(&["-l", "-E", "sha256", "-f", path.to_str().unwrap()]);
        assert_eq!(listed.split(' ').nth(1), Some(fingerprint(&blob).as_str()));
        assert_eq!(text.split(' ').next(), key_type(&blob).map(KeyType::name));
    }
}

#[test]
fn ssh_keygen_finds_what_adit_adds_and_the_other_way_round() {
    let folder = tempfile::tempdir().unwrap();
    let (blob, text) = real_key(folder.path(), "ed25519", "256");
    let file = folder.path().join("known_hosts");
    let path = file.to_str().unwrap();
    let names = [
        ("plain.example", 22, false),
        ("hashed.example", 22, true),
        ("port.example", 2222, true),
    ];
    for (host, port, hash) in names {
        KnownHosts::add(&file, host, port, &blob, hash).unwrap();
        let found = keygen(&["-F", &lookup_name(host, port), "-f", path]);
        assert!(found.contains(&text), "{host}: {found}");
    }
    fs::write(
        &file,
        format!("a.example,b.example,[c.example]:2200 {text}\n"),
    )
    .unwrap();
    keygen(&["-H", "-f", path]);
    assert!(!fs::read_to_string(&file).unwrap().contains("example"));
    let known = KnownHosts::load(std::slice::from_ref(&file), &[]).unwrap();
    for (host, port) in [("a.example", 22), ("b.example", 22), ("c.example", 2200)] {
        assert!(
            matches!(known.verdict(host, port, &blob), HostKeyVerdict::Known(_)),
            "{host}"
        );
    }
    assert!(
        matches!(known.verdict("d.example", 22, &blob), HostKeyVerdict::Unknown { known_as } if known_as.len() == 3)
    );
}

proptest! {
    #[test]
    fn no_file_panics(bytes: Vec<u8>, host in ".*", port: u16) {
        let mut known = KnownHosts::default();
        known.add_text(Path::new(FILE), &bytes);
        let _verdict = (known.verdict(&host, port, &bytes), known.algorithms_for(&host, port));
    }

    #[test]
    fn no_line_panics(text in "(@revoked |@cert-authority |\\|1\\||[a*?!,]){0,3}[ \t]{0,2}(ssh-ed25519|ssh-rsa)? ?[A-Za-z0-9+/=]{0,80}") {
        let _verdict = hosts(&text).verdict("a", 22, &ed(1));
    }

    #[test]
    fn what_is_added_is_found_again(host in "[a-z0-9.:-]{1,30}", port in 1u16.., hash: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_hosts");
        KnownHosts::add(&path, &host, port, &ed(3), hash).unwrap();
        let known = KnownHosts::load(&[path], &[]).unwrap();
        prop_assert!(matches!(known.verdict(&host, port, &ed(3)), HostKeyVerdict::Known(_)));
    }
}

const WORDS: &[&str] = &[
    "@revoked ",
    "@cert-authority ",
    "|1|",
    "*",
    "!",
    "?",
    ",",
    "[",
    "]:2222",
    " ",
    "\t",
    "\n",
    "#",
    "=",
    "ssh-ed25519 ",
    "ssh-rsa ",
    "AAAAC3NzaC1lZDI1NTE5AAAAI",
];

proptest! {
    /// A spoiled file never panics, and never makes a stranger's key one that is known.
    #[test]
    fn fuzz_known_hosts(text in crate::testing::spoiled(&["corpus/known_hosts"], "", &[WORDS])) {
        let mut known = KnownHosts::default();
        known.add_text(Path::new(FILE), &text);
        for host in ["node-1.example", "10.0.0.1", "x.corp.example", "fd00::101"] {
            let verdict = known.verdict(host, 2222, &ed(9));
            prop_assert!(!matches!(verdict, HostKeyVerdict::Known(_)), "{verdict:?}");
            let _order = known.algorithms_for(host, 22);
        }
    }
}
