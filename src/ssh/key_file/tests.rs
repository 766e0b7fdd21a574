//! Keys made by the real `ssh-keygen` and `openssl`.

use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn run(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    output.stdout
}

/// A key by ssh-keygen, at a path in `folder`.
fn keygen(folder: &Path, kind: &str, bits: &str, format: &str, passphrase: &str) -> PathBuf {
    let path = folder.join(format!("{kind}-{bits}-{format}-{passphrase}"));
    let text = path.to_str().unwrap();
    let mut arguments = vec!["-q", "-t", kind, "-b", bits, "-N", passphrase, "-f", text];
    if !format.is_empty() {
        arguments.extend(["-m", format]);
    }
    run("ssh-keygen", &arguments);
    path
}

fn write(folder: &Path, name: &str, contents: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, contents).unwrap();
    #[cfg(unix)]
    set_mode(&path, 0o600);
    path
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn problem(path: &Path) -> KeyProblem {
    match inspect(path) {
        Err(KeyFileError::Unusable { problem, .. }) => problem,
        other => panic!("{}: {other:?}", path.display()),
    }
}

const TYPES: [(&str, &str, KeyType); 5] = [
    ("ed25519", "256", KeyType::Ed25519),
    ("rsa", "2048", KeyType::Rsa),
    ("ecdsa", "256", KeyType::EcdsaP256),
    ("ecdsa", "384", KeyType::EcdsaP384),
    ("ecdsa", "521", KeyType::EcdsaP521),
];

#[test]
fn openssh_keys_show_their_public_half() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits, expected) in TYPES {
        for passphrase in ["", "secret"] {
            let path = keygen(folder.path(), kind, bits, "", passphrase);
            let beside = public_half_beside(&path).unwrap();
            fs::remove_file(path.with_extension("pub")).ok();
            let facts = inspect(&path).unwrap();
            let cipher = if passphrase.is_empty() {
                "none"
            } else {
                "aes256-ctr"
            };
            assert_eq!(
                facts.format,
                KeyFormat::OpenSsh {
                    cipher: cipher.to_owned()
                }
            );
            assert_eq!(facts.encrypted, !passphrase.is_empty());
            assert_eq!(facts.key_type, Some(expected));
            assert_eq!(facts.public_blob, Some(beside));
        }
    }
}

#[test]
fn pem_and_pkcs8_keys_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, bits, expected) in &TYPES[1..] {
        for format in ["PEM", "PKCS8"] {
            for passphrase in ["", "secret"] {
                let path = keygen(folder.path(), kind, bits, format, passphrase);
                let beside = public_half_beside(&path).unwrap();
                let facts = inspect(&path).unwrap();
                assert_eq!(facts.public_blob, Some(beside));
                assert_eq!(facts.key_type, Some(*expected), "{}", path.display());
                assert_eq!(facts.encrypted, !passphrase.is_empty());
                let expected = match (format, passphrase) {
                    ("PKCS8", _) => KeyFormat::Pkcs8,
                    (_, "") => KeyFormat::Pem { cipher: None },
                    _ => KeyFormat::Pem {
                        cipher: Some("AES-128-CBC".to_owned()),
                    },
                };
                assert_eq!(facts.format, expected);
            }
        }
    }
}

#[test]
fn keys_of_openssl_without_a_public_half_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    for (arguments, expected) in [
        ("genpkey -algorithm ED25519", Some(KeyType::Ed25519)),
        (
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048",
            Some(KeyType::Rsa),
        ),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384",
            Some(KeyType::EcdsaP384),
        ),
        (
            "ecparam -name secp521r1 -genkey -noout",
            Some(KeyType::EcdsaP521),
        ),
        ("ecparam -name prime256v1 -genkey", Some(KeyType::EcdsaP256)),
        ("genrsa -traditional 2048", Some(KeyType::Rsa)),
        (
            "genrsa -traditional -aes256 -passout pass:secret 2048",
            Some(KeyType::Rsa),
        ),
        ("genpkey -algorithm ED25519 -aes256 -pass pass:secret", None),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let path = write(folder.path(), "key", &run("openssl", &words));
        match inspect(&path) {
            Ok(facts) => {
                assert_eq!(facts.key_type, expected, "{arguments:?}");
                assert_eq!(
                    facts.encrypted,
                    arguments.contains("-aes256"),
                    "{arguments:?}"
                );
                assert_eq!(facts.public_blob, None);
            }
            Err(error) => panic!("{arguments:?}: {error}"),
        }
    }
}

#[test]
fn what_is_not_a_private_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let key = keygen(folder, "ed25519", "256", "", "");
    let public = fs::read(format!("{}.pub", key.display())).unwrap();
    let text = fs::read(&key).unwrap();
    let half = &text[..text.len() / 2];
    let garbled = String::from_utf8(text.clone())
        .unwrap()
        .replace("b3BlbnNzaC", "!!!!!!!!!!");
    let openssl = |arguments: &[&str]| run("openssl", arguments);
    let rsa = openssl(&["genrsa", "-traditional", "2048"]);
    let pem = write(folder, "rsa.pem", &rsa);
    let rsa_public = openssl(&["rsa", "-in", pem.to_str().unwrap(), "-pubout"]);
    for (name, contents, expected) in [
        ("empty", &b""[..], KeyProblem::Empty),
        ("public", &public, KeyProblem::PublicKey),
        ("pem public", &rsa_public, KeyProblem::PublicKey),
        (
            "ppk",
            b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: none\r\n",
            KeyProblem::Putty,
        ),
        (
            "ssh2",
            b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n",
            KeyProblem::Ssh2,
        ),
        (
            "protocol 1",
            b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0",
            KeyProblem::Protocol1,
        ),
        (
            "dsa",
            b"-----BEGIN DSA PRIVATE KEY-----\nAAAA\n-----END DSA PRIVATE KEY-----\n",
            KeyProblem::Dsa,
        ),
        (
            "crt",
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            KeyProblem::OtherPem("CERTIFICATE".to_owned()),
        ),
        ("text", b"hello", KeyProblem::NotAKey),
        ("binary", &[0xff, 0xfe, 0, 1, 2], KeyProblem::NotAKey),
        (
            "half",
            half,
            KeyProblem::Damaged("its last line (-----END …-----) is missing"),
        ),
        (
            "garbled",
            garbled.as_bytes(),
            KeyProblem::Damaged("its contents are garbled"),
        ),
    ] {
        assert_eq!(problem(&write(folder, name, contents)), expected, "{name}");
    }
    assert_eq!(problem(folder), KeyProblem::Directory);
    let huge = fs::File::create(folder.join("huge")).unwrap();
    huge.set_len(MAX_BYTES + 1).unwrap();
    assert_eq!(problem(&folder.join("huge")), KeyProblem::TooLarge);
    let missing = inspect(&folder.join("no/such")).unwrap_err();
    assert!(matches!(missing, KeyFileError::Missing(_)), "{missing}");
    assert!(matches!(missing.cause(), FaultCause::KeyUnreadable { .. }));
}

#[test]
fn a_certificate_given_for_a_key_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let authority = keygen(folder.path(), "ed25519", "256", "", "");
    let key = keygen(folder.path(), "ecdsa", "256", "", "");
    let (ca, path) = (authority.to_str().unwrap(), key.to_str().unwrap());
    run(
        "ssh-keygen",
        &[
            "-q",
            "-s",
            ca,
            "-I",
            "id",
            "-n",
            "me",
            &format!("{path}.pub"),
        ],
    );
    let certificate = PathBuf::from(format!("{path}-cert.pub"));
    assert_eq!(problem(&certificate), KeyProblem::Certificate);
}

#[test]
fn keys_that_cannot_be_used_are_named_by_type() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, expected) in [
        ("ssh-dss", KeyProblem::Dsa),
        ("sk-ssh-ed25519@openssh.com", KeyProblem::SecurityKey),
        (
            "ssh-xmss@openssh.com",
            KeyProblem::UnknownType("ssh-xmss@openssh.com".to_owned()),
        ),
    ] {
        let field = |bytes: &[u8]| {
            [
                &u32::try_from(bytes.len()).unwrap().to_be_bytes()[..],
                bytes,
            ]
            .concat()
        };
        let fields = if kind == "ssh-dss" { 4 } else { 2 };
        let blob = [field(kind.as_bytes()), field(&[1; 32]).repeat(fields)].concat();
        let bytes = [
            b"openssh-key-v1\0".to_vec(),
            field(b"none"),
            field(b"none"),
            field(b""),
            vec![0, 0, 0, 1],
            field(&blob),
            field(b"private"),
        ]
        .concat();
        let text = format!(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n{}\n-----END OPENSSH PRIVATE KEY-----\n",
            STANDARD.encode(bytes)
        );
        assert_eq!(
            problem(&write(folder.path(), "key", text.as_bytes())),
            expected
        );
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused_with_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "ed25519", "256", "", "");
    for (mode, refused) in [
        (0o600, false),
        (0o400, false),
        (0o700, false),
        (0o644, true),
        (0o610, true),
        (0o604, true),
    ] {
        set_mode(&key, mode);
        match inspect(&key) {
            Err(error @ KeyFileError::Permissions { mode: found, .. }) => {
                assert_eq!((found, refused), (mode, true));
                assert!(
                    error.to_string().contains(&format!("mode 0{mode:o}")),
                    "{error}"
                );
                assert!(matches!(error.cause(), FaultCause::KeyPermissions { .. }));
            }
            other => assert_eq!(other.is_ok(), !refused, "{mode:o}: {other:?}"),
        }
    }
    let public = PathBuf::from(format!("{}.pub", key.display()));
    set_mode(&public, 0o644);
    assert_eq!(problem(&public), KeyProblem::PublicKey);
}

#[test]
fn text_before_the_key_and_windows_line_ends_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let key = keygen(folder.path(), "rsa", "2048", "PEM", "");
    let text = fs::read_to_string(&key).unwrap();
    let dressed = format!("\nBag Attributes\r\n{}", text.replace('\n', "\r\n"));
    let facts = inspect(&write(folder.path(), "dressed", dressed.as_bytes())).unwrap();
    assert_eq!(facts.key_type, Some(KeyType::Rsa));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _facts = format::recognise(&bytes);
    }

    #[test]
    fn no_body_panics(label in "(OPENSSH |RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY", headers in "(Proc-Type: ?[A-Z4,]*\n)?(DEK-Info: ?[A-Z,]*\n)?", body: Vec<u8>) {
        let magic = [b"openssh-key-v1\0".to_vec(), body].concat();
        let text = format!("-----BEGIN {label}-----\n{headers}{}\n-----END {label}-----\n", STANDARD.encode(magic));
        let _facts = format::recognise(text.as_bytes());
    }
}
