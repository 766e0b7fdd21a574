//! What a key file is, for a person who asks; and its permissions put right, once the person has said yes.

use std::io;
use std::path::{Path, PathBuf};

use super::{KeyFileError, KeyFileFacts, KeyFormat, inspect, read_private};
use crate::model::{Exposure, KeyProblem, KeyVerdict, Passphrase, Secret};
use crate::ssh::key_blob::KeyType;
use crate::ssh::login_raw;

/// Looks at the private key `path`, and tries `passphrase` on it where there is one.
#[must_use]
pub fn check(path: &Path, passphrase: Option<&Secret>) -> KeyVerdict {
    let facts = match inspect(path) {
        Ok(facts) => facts,
        Err(error) => return failure(path, &error),
    };
    if let Some(exposure) = exposure_by_list(path) {
        return KeyVerdict::Exposed(exposure);
    }
    let opens = match (facts.encrypted, passphrase) {
        (true, None) => None,
        (_, passphrase) => match read_private(path) {
            Ok(private) => Some(login_raw::public_half_of(&private, passphrase).is_some()),
            Err(error) => return failure(path, &error),
        },
    };
    let passphrase = match (facts.encrypted, opens) {
        (false, Some(false)) => {
            return unusable(path, KeyProblem::Damaged("its private half cannot be read"));
        }
        (false, _) => Passphrase::None,
        (true, None) => Passphrase::Needed,
        (true, Some(true)) => Passphrase::Fits,
        (true, Some(false)) => Passphrase::Wrong,
    };
    usable(&facts, passphrase)
}

fn usable(facts: &KeyFileFacts, passphrase: Passphrase) -> KeyVerdict {
    KeyVerdict::Usable {
        kind: facts.key_type.map(in_a_word),
        format: match facts.format {
            KeyFormat::OpenSsh { .. } => "OpenSSH",
            KeyFormat::Pem { .. } => "PEM",
            KeyFormat::Pkcs8 => "PKCS#8",
        },
        passphrase,
    }
}

const fn in_a_word(kind: KeyType) -> &'static str {
    match kind {
        KeyType::Ed25519 => "Ed25519",
        KeyType::EcdsaP256 => "ECDSA P-256",
        KeyType::EcdsaP384 => "ECDSA P-384",
        KeyType::EcdsaP521 => "ECDSA P-521",
        KeyType::Rsa => "RSA",
        KeyType::Dsa => "DSA",
        KeyType::SkEd25519 | KeyType::SkEcdsaP256 => "security key",
    }
}

fn failure(path: &Path, error: &KeyFileError) -> KeyVerdict {
    match error {
        KeyFileError::Missing(_) => KeyVerdict::Missing,
        KeyFileError::Unreadable { source, .. } => KeyVerdict::Unreadable {
            reason: source.to_string(),
        },
        KeyFileError::Permissions { mode, .. } => KeyVerdict::Exposed(Exposure::Mode {
            mode: *mode,
            wanted: tightened(*mode),
        }),
        KeyFileError::Unusable { problem, .. } => unusable(path, problem.clone()),
    }
}

fn unusable(path: &Path, problem: KeyProblem) -> KeyVerdict {
    let instead = match problem {
        KeyProblem::PublicKey | KeyProblem::Certificate => private_beside(path),
        _ => None,
    };
    KeyVerdict::Unusable { problem, instead }
}

/// The private key that `NAME.pub` or `NAME-cert.pub` belongs to, if it lies beside it.
fn private_beside(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".pub")?;
    let stem = stem.strip_suffix("-cert").unwrap_or(stem);
    let private = path.with_file_name(stem);
    match inspect(&private) {
        Ok(_) | Err(KeyFileError::Permissions { .. }) => Some(private),
        Err(_) => None,
    }
}

/// The owner's own rights to read and write, and nothing else: reading at least.
const fn tightened(mode: u32) -> u32 {
    (mode & 0o600) | 0o400
}

/// Takes everybody else's rights to the private key `path` away.
///
/// # Errors
/// The system's reason; also where the file is no private key, which is left as it is.
pub fn mend(path: &Path) -> io::Result<()> {
    match check(path, None) {
        KeyVerdict::Exposed(exposure) => tighten(path, &exposure),
        KeyVerdict::Usable { .. } => Ok(()),
        KeyVerdict::Missing => Err(io::ErrorKind::NotFound.into()),
        other => Err(io::Error::other(format!("the file {}", other.words()))),
    }
}

#[cfg(unix)]
fn tighten(path: &Path, exposure: &Exposure) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let Exposure::Mode { wanted, .. } = exposure else {
        return Ok(());
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(*wanted))
}

#[cfg(windows)]
fn tighten(path: &Path, exposure: &Exposure) -> io::Result<()> {
    use super::access_list;
    let Exposure::AccessList { .. } = exposure else {
        return Ok(());
    };
    let own = access_list::own_account()?;
    let others = access_list::others(&access_list::read(path, &scratch(path))?, &own);
    access_list::change(path, &access_list::mending(&own, &others))
}

/// Windows has access lists in place of modes.
#[cfg(windows)]
fn exposure_by_list(path: &Path) -> Option<Exposure> {
    use super::access_list;
    let listed = access_list::own_account().and_then(|own| {
        let list = access_list::read(path, &scratch(path))?;
        Ok(access_list::others(&list, &own))
    });
    match listed {
        Ok(others) if others.is_empty() => None,
        Ok(others) => Some(Exposure::AccessList {
            others: others
                .iter()
                .map(|other| access_list::name(other))
                .collect(),
        }),
        Err(error) => {
            tracing::warn!(%error, "the key's access list cannot be read");
            None
        }
    }
}

#[cfg(windows)]
fn scratch(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    std::env::temp_dir().join(format!("adit-{}-{name}.acl", std::process::id()))
}

/// Elsewhere the mode says it all, and `inspect` has looked at it.
#[cfg(not(windows))]
#[expect(clippy::missing_const_for_fn, reason = "Windows' own cannot be one")]
fn exposure_by_list(_path: &Path) -> Option<Exposure> {
    None
}
