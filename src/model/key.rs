//! What a look at a private key file found, by name, and what to do about it.

use std::path::{Path, PathBuf};

use super::text::{printable, shell_quoted};
use super::words::{Words, words};

/// A private key file that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// The file as it was asked about, a leading `~/` included.
    pub asked: PathBuf,
    /// The file itself.
    pub file: PathBuf,
    /// What was found.
    pub verdict: KeyVerdict,
    /// What came of mending its permissions, where that was asked for: the system's reason where it did not work.
    pub mended: Option<Result<(), String>>,
}

/// What a private key file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyVerdict {
    /// A private key that Adit can log in with.
    Usable {
        /// Its type in a word, as `Ed25519` or `RSA`; none where only its passphrase would tell.
        kind: Option<&'static str>,
        /// How it is written down, as `OpenSSH` or `PEM`.
        format: &'static str,
        /// Whether it takes a passphrase.
        passphrase: Passphrase,
    },
    /// There is no such file.
    Missing,
    /// It cannot be read.
    Unreadable {
        /// The system's reason.
        reason: String,
    },
    /// Others have rights to it, which OpenSSH refuses and so does Adit.
    Exposed(Exposure),
    /// It is something else than a private key that can be used.
    Unusable {
        /// What it is.
        problem: KeyProblem,
        /// The private key that is likely meant, where one lies beside it.
        instead: Option<PathBuf>,
    },
}

/// Whether a key takes a passphrase, and whether the one that was tried fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passphrase {
    /// The key is not encrypted.
    None,
    /// It is encrypted, and no passphrase was tried.
    Needed,
    /// It is encrypted, and the passphrase that was tried opens it.
    Fits,
    /// It is encrypted, and the passphrase that was tried does not open it.
    Wrong,
}

/// Who else has rights to a key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// By Unix permissions.
    Mode {
        /// As they are.
        mode: u32,
        /// As they should be: 600, or 400 for a file that its owner may not write either.
        wanted: u32,
    },
    /// By a Windows access list.
    AccessList {
        /// The accounts and groups, by name or by number (`S-1-5-32-545`).
        others: Vec<String>,
    },
}

/// What a file is, instead of a private key that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// A folder.
    Directory,
    /// A device, a pipe or a socket.
    NotAFile,
    /// Empty.
    Empty,
    /// Larger than any key.
    TooLarge,
    /// The public half.
    PublicKey,
    /// A certificate.
    Certificate,
    /// PuTTY's format.
    Putty,
    /// The format of ssh.com and of RFC 4716.
    Ssh2,
    /// SSH protocol 1.
    Protocol1,
    /// DSA.
    Dsa,
    /// The handle of a security key.
    SecurityKey,
    /// Another type of key.
    UnknownType(String),
    /// Another kind of PEM.
    OtherPem(String),
    /// A key that is cut short or garbled.
    Damaged(&'static str),
    /// Nothing known.
    NotAKey,
}

impl KeyVerdict {
    /// Whether one can log in with it.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        match self {
            Self::Usable { passphrase, .. } => !matches!(passphrase, Passphrase::Wrong),
            _ => false,
        }
    }

    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Usable {
                passphrase: Passphrase::Wrong,
                ..
            } => "wrong-passphrase",
            Self::Usable { .. } => "usable",
            Self::Missing => "missing",
            Self::Unreadable { .. } => "unreadable",
            Self::Exposed(_) => "permissions",
            Self::Unusable { problem, .. } => problem.code(),
        }
    }

    /// What was found, as the rest of a sentence that begins with the file's name.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Usable {
                kind,
                format,
                passphrase,
            } => usable_words(*kind, format, *passphrase),
            Self::Missing => words!("does not exist"),
            Self::Unreadable { reason } => {
                words!("cannot be read: {reason}", reason = printable(reason))
            }
            Self::Exposed(Exposure::Mode { mode, .. }) => words!(
                "can be read or changed by others (mode {mode}); neither ssh nor Adit takes such a key",
                mode = format!("{mode:04o}")
            ),
            Self::Exposed(Exposure::AccessList { others }) => words!(
                "can be read or changed by {others}; ssh takes no such key",
                others = printable(&others.join(", "))
            ),
            Self::Unusable { problem, .. } => problem.words(),
        }
    }

    /// What to do next with the key `file`; nothing where it is fine.
    #[must_use]
    pub fn next_step(&self, file: &Path) -> Option<Words> {
        let quoted = shell_quoted(&file.to_string_lossy());
        match self {
            Self::Usable {
                passphrase: Passphrase::Wrong,
                ..
            } => Some(words!(
                "Type it again. `ssh-keygen -y -f {file}` asks for it too; nobody can recover a lost one",
                file = quoted
            )),
            Self::Usable { .. } => None,
            Self::Missing => Some(words!("Check the path; `ls ~/.ssh` shows the usual ones")),
            Self::Unreadable { .. } => Some(words!(
                "Check whose it is: ls -l {file}. A key must be your own",
                file = quoted
            )),
            Self::Exposed(Exposure::Mode { wanted, .. }) => Some(words!(
                "Run: chmod {mode} {file}",
                mode = format!("{wanted:o}"),
                file = quoted
            )),
            Self::Exposed(Exposure::AccessList { .. }) => Some(words!(
                "Run: icacls {file} /inheritance:r /grant:r %USERNAME%:F, and remove the others",
                file = quoted
            )),
            Self::Unusable { problem, instead } => Some(match instead {
                Some(private) => words!(
                    "Use the private key beside it: {file}",
                    file = printable(&private.to_string_lossy())
                ),
                None => problem.next_step(&quoted),
            }),
        }
    }
}

fn usable_words(kind: Option<&str>, format: &str, passphrase: Passphrase) -> Words {
    let kind = kind.map_or_else(|| format.to_owned(), |kind| format!("{kind}, {format}"));
    match passphrase {
        Passphrase::None => words!("is a private key ({kind})", kind = kind),
        Passphrase::Needed => words!(
            "is a private key ({kind}); its passphrase is asked for when it is used",
            kind = kind
        ),
        Passphrase::Fits => words!(
            "is a private key ({kind}), and the passphrase opens it",
            kind = kind
        ),
        Passphrase::Wrong => words!(
            "is a private key ({kind}), and the passphrase does not open it",
            kind = kind
        ),
    }
}

impl KeyProblem {
    const fn code(&self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::NotAFile => "not-a-file",
            Self::Empty => "empty",
            Self::TooLarge => "too-large",
            Self::PublicKey => "public-key",
            Self::Certificate => "certificate",
            Self::Putty => "putty",
            Self::Ssh2 => "ssh2",
            Self::Protocol1 => "protocol-1",
            Self::Dsa => "dsa",
            Self::SecurityKey => "security-key",
            Self::UnknownType(_) => "unknown-type",
            Self::OtherPem(_) => "other-pem",
            Self::Damaged(_) => "damaged",
            Self::NotAKey => "not-a-key",
        }
    }

    /// What the file is, as the rest of a sentence that begins with its name.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Directory => words!("is a folder, not a key file"),
            Self::NotAFile => words!("is a device, a pipe or a socket, not a key file"),
            Self::Empty => words!("is empty"),
            Self::TooLarge => words!("is larger than 1 MiB, which no key is"),
            Self::PublicKey => words!("is a public key; to log in takes the private one"),
            Self::Certificate => {
                words!("is a certificate; to log in takes the private key it belongs to")
            }
            Self::Putty => words!("is in PuTTY's .ppk format, which ssh and Adit do not read"),
            Self::Ssh2 => {
                words!("is in the SSH2 format of RFC 4716, which ssh and Adit do not read")
            }
            Self::Protocol1 => {
                words!("is a key for SSH protocol 1, which no server speaks any more")
            }
            Self::Dsa => words!("is a DSA key, which current SSH servers do not accept any more"),
            Self::SecurityKey => {
                words!("belongs to a security key, which Adit can use through ssh-agent only")
            }
            Self::NotAKey => words!("is in no format of private keys that is known"),
            Self::UnknownType(kind) => words!(
                "has a key of the type {kind}, which Adit does not know",
                kind = printable(kind)
            ),
            Self::OtherPem(label) => words!(
                "holds no private key but: {label}",
                label = printable(label)
            ),
            Self::Damaged(what) => words!("is damaged: {what}", what = *what),
        }
    }

    /// What to do next with the key `file`, which is quoted as a shell takes it.
    #[must_use]
    pub fn next_step(&self, file: &str) -> Words {
        match self {
            Self::Directory => words!("Name the key file in it"),
            Self::NotAFile => words!("Name a regular file"),
            Self::Empty | Self::Damaged(_) => words!(
                "Copy the key again from where you have it: download or mail may have cut it short"
            ),
            Self::PublicKey => words!("Name the private key, usually the same name without .pub"),
            Self::Certificate => words!(
                "Name the private key, and the certificate beside it with -o CertificateFile={file}",
                file = file
            ),
            Self::Putty => words!(
                "Convert it: puttygen {file} -O private-openssh -o {file}.pem, or in PuTTYgen's menu Conversions",
                file = file
            ),
            Self::Ssh2 => words!(
                "Convert it: ssh-keygen -i -f {file} > {file}.pem",
                file = file
            ),
            Self::Protocol1 | Self::Dsa => words!(
                "Make a new key (ssh-keygen -t ed25519) and have its public half put on the host"
            ),
            Self::SecurityKey => words!("Add it to the agent: ssh-add {file}", file = file),
            Self::UnknownType(_) => words!("Make one of a usual type: ssh-keygen -t ed25519"),
            Self::TooLarge | Self::OtherPem(_) | Self::NotAKey => words!(
                "Name the private key, as id_ed25519 in ~/.ssh, or the .pem file that EC2 gave you"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts() -> Vec<KeyVerdict> {
        let problems = [
            KeyProblem::Directory,
            KeyProblem::NotAFile,
            KeyProblem::Empty,
            KeyProblem::TooLarge,
            KeyProblem::PublicKey,
            KeyProblem::Certificate,
            KeyProblem::Putty,
            KeyProblem::Ssh2,
            KeyProblem::Protocol1,
            KeyProblem::Dsa,
            KeyProblem::SecurityKey,
            KeyProblem::UnknownType("x".to_owned()),
            KeyProblem::OtherPem("x".to_owned()),
            KeyProblem::Damaged("x"),
            KeyProblem::NotAKey,
        ];
        let unusable = problems.into_iter().map(|problem| KeyVerdict::Unusable {
            problem,
            instead: None,
        });
        let others = [
            KeyVerdict::Missing,
            KeyVerdict::Unreadable {
                reason: "x".to_owned(),
            },
            KeyVerdict::Exposed(Exposure::Mode {
                mode: 0o644,
                wanted: 0o600,
            }),
            KeyVerdict::Usable {
                kind: Some("RSA"),
                format: "PEM",
                passphrase: Passphrase::Wrong,
            },
        ];
        unusable.chain(others).collect()
    }

    #[test]
    fn every_verdict_but_a_good_one_has_a_code_of_its_own_and_a_next_step() {
        let file = Path::new("/home/a b/key.pem");
        let mut codes = std::collections::BTreeSet::new();
        for verdict in verdicts() {
            assert!(!verdict.is_usable(), "{verdict:?}");
            assert!(codes.insert(verdict.code()), "{verdict:?}");
            let next = verdict.next_step(file).unwrap().to_string();
            assert!(!next.is_empty() && !next.ends_with('.'), "{next}");
        }
    }

    #[test]
    fn a_command_to_copy_quotes_the_file() {
        let exposed = KeyVerdict::Exposed(Exposure::Mode {
            mode: 0o444,
            wanted: 0o400,
        });
        let next = exposed.next_step(Path::new("/home/a b/key.pem")).unwrap();
        assert_eq!(next.to_string(), "Run: chmod 400 '/home/a b/key.pem'");
        assert!(exposed.words().to_string().contains("mode 0444"));
    }

    #[test]
    fn a_key_beside_a_public_one_is_named() {
        let public = KeyVerdict::Unusable {
            problem: KeyProblem::PublicKey,
            instead: Some("/k/id".into()),
        };
        let next = public.next_step(Path::new("/k/id.pub")).unwrap();
        assert_eq!(next.to_string(), "Use the private key beside it: /k/id");
    }
}
