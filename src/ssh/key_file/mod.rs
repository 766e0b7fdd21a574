//! A look at a private key file before libssh2 sees it, so that what is wrong with it can be said by name.
//!
//! Only what stands in clear is read: the kind of file, whether it is encrypted, and the public half. What was read is
//! wiped before the answer is given, whatever the answer is.

#[cfg(any(windows, test))]
mod access_list;
mod doctor;
mod format;

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

pub use doctor::{check, mend};

use super::key_blob::{KeyType, key_type};
use crate::model::{FaultCause, KeyProblem, shell_quoted, words};

/// Far above any real key: 16384-bit RSA takes 13 KiB.
const MAX_BYTES: u64 = 1 << 20;

/// What is known about a private key file that looks usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFileFacts {
    /// How the key is written down.
    pub format: KeyFormat,
    /// The key's type, where the file or the `.pub` beside it says so in clear.
    pub key_type: Option<KeyType>,
    /// Whether a passphrase is needed.
    pub encrypted: bool,
    /// The public half, as it is sent to the server: from the file itself in OpenSSH's format, else from the `.pub` beside
    /// it, if there is one.
    pub public_blob: Option<Vec<u8>>,
}

/// How a private key is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFormat {
    /// `BEGIN OPENSSH PRIVATE KEY` (OpenSSH's PROTOCOL.key), with the name of the cipher (`none`, `aes256-ctr`).
    OpenSsh {
        /// The cipher.
        cipher: String,
    },
    /// `BEGIN RSA PRIVATE KEY` or `BEGIN EC PRIVATE KEY`: what `ssh-keygen -m PEM` and EC2 make.
    Pem {
        /// The cipher of `DEK-Info`, if it is encrypted.
        cipher: Option<String>,
    },
    /// `BEGIN PRIVATE KEY` or `BEGIN ENCRYPTED PRIVATE KEY` (RFC 5958): what `openssl genpkey` makes.
    Pkcs8,
}

/// Why a file cannot serve as a private key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// There is no such file.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It belongs to the person and others may read it, which OpenSSH refuses too.
    #[error("{} can be read by others (mode {mode:04o})", path.display())]
    Permissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is something else than a private key that can be used.
    #[error("{} {}", path.display(), problem.words())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        problem: KeyProblem,
    },
}

impl KeyFileError {
    /// The fault that is shown for it.
    #[must_use]
    pub fn cause(&self) -> FaultCause {
        match self {
            Self::Missing(path) => FaultCause::KeyUnreadable {
                path: path.clone(),
                reason: words!("it does not exist"),
            },
            Self::Unreadable { path, source } => FaultCause::KeyUnreadable {
                path: path.clone(),
                reason: source.to_string().into(),
            },
            Self::Permissions { path, mode } => FaultCause::KeyPermissions {
                path: path.clone(),
                mode: *mode,
            },
            Self::Unusable { path, problem } => FaultCause::KeyFormat {
                path: path.clone(),
                reason: problem.words(),
                hint: Some(Box::new(
                    problem.next_step(&shell_quoted(&path.to_string_lossy())),
                )),
            },
        }
    }
}

/// Looks at the private key file at `path`.
///
/// # Errors
/// [`KeyFileError`] if it cannot be read, can be read by others, or is nothing that Adit can log in with.
pub fn inspect(path: &Path) -> Result<KeyFileFacts, KeyFileError> {
    let unusable = |problem| KeyFileError::Unusable {
        path: path.to_owned(),
        problem,
    };
    let (contents, loose_mode) = read(path)?;
    // A public key may well be readable by all, so what the file is comes before who may read it.
    let mut facts = format::recognise(&contents).map_err(unusable)?;
    if let Some(mode) = loose_mode {
        return Err(KeyFileError::Permissions {
            path: path.to_owned(),
            mode,
        });
    }
    if facts.public_blob.is_none() {
        facts.public_blob = public_half_beside(path);
        facts.key_type = facts
            .key_type
            .or_else(|| facts.public_blob.as_deref().and_then(key_type));
    }
    Ok(facts)
}

/// The file's contents, and its mode if others may read it.
fn read(path: &Path) -> Result<(Zeroizing<Vec<u8>>, Option<u32>), KeyFileError> {
    let unusable = |problem| KeyFileError::Unusable {
        path: path.to_owned(),
        problem,
    };
    let unreadable = |source: io::Error| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            KeyFileError::Missing(path.to_owned())
        }
        _ => KeyFileError::Unreadable {
            path: path.to_owned(),
            source,
        },
    };
    // A pipe is not opened: that would wait for its other end.
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if facts.is_dir() {
        return Err(unusable(KeyProblem::Directory));
    }
    if !facts.is_file() {
        return Err(unusable(KeyProblem::NotAFile));
    }
    let file = File::open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if facts.len() > MAX_BYTES {
        return Err(unusable(KeyProblem::TooLarge));
    }
    // The whole size at once: a buffer that grows would leave unwiped copies behind.
    let size = usize::try_from(facts.len()).unwrap_or(0);
    let mut contents = Zeroizing::new(Vec::with_capacity(size + 1));
    file.take(facts.len())
        .read_to_end(&mut contents)
        .map_err(unreadable)?;
    if contents.is_empty() {
        return Err(unusable(KeyProblem::Empty));
    }
    Ok((contents, loose_mode(&facts)))
}

/// The permission bits, if the file is the person's own and others have any right to it: OpenSSH's rule.
#[cfg(unix)]
fn loose_mode(facts: &Metadata) -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    let mode = facts.mode() & 0o7777;
    (facts.uid() == nix::unistd::getuid().as_raw() && mode & 0o077 != 0).then_some(mode)
}

/// Windows has access lists in place of modes; they are not looked at.
#[cfg(not(unix))]
fn loose_mode(_facts: &Metadata) -> Option<u32> {
    None
}

/// The key in `PATH.pub`, if there is one.
fn public_half_beside(path: &Path) -> Option<Vec<u8>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    public_key(Path::new(&name))
}

/// The public key that `path` stands for without its private half, which an agent may hold: the file is a public key
/// itself, or has one beside it.
#[must_use]
pub fn public_half(path: &Path) -> Option<Vec<u8>> {
    public_key(path).or_else(|| public_half_beside(path))
}

fn public_key(path: &Path) -> Option<Vec<u8>> {
    let (_line, blob) = public_line(path)?;
    key_type(&blob).map(|_| blob)
}

/// The first line of a public key file or of a certificate's, and the blob in it.
#[must_use]
pub fn public_line(path: &Path) -> Option<(String, Vec<u8>)> {
    let facts = std::fs::metadata(path).ok()?;
    if !facts.is_file() || facts.len() > MAX_BYTES {
        return None;
    }
    let text = std::fs::read(path).ok()?;
    let text = String::from_utf8(text).ok()?;
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let blob = STANDARD
        .decode(line.split_ascii_whitespace().nth(1)?)
        .ok()?;
    Some((line.to_owned(), blob))
}

/// The whole of the private key file at `path`, in memory that is wiped.
///
/// # Errors
/// As [`inspect`] has them for reading and for rights.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let (contents, loose_mode) = read(path)?;
    match loose_mode {
        Some(mode) => Err(KeyFileError::Permissions {
            path: path.to_owned(),
            mode,
        }),
        None => Ok(contents),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod doctor_tests;
#[cfg(test)]
mod tests;
