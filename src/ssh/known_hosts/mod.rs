//! known_hosts files (`SSH_KNOWN_HOSTS FILE FORMAT` in sshd(8)): whether a host's key is the one that is held.
//!
//! libssh2's own reader knows neither `@revoked` nor `@cert-authority`, so Adit reads the files itself. Like OpenSSH since
//! 8.5 it looks a host up by name only (`CheckHostIP no`).
//!
//! Host certificates are not negotiated: a host that is only trusted through `@cert-authority` is refused, with the line as
//! the reason, and works once a plain key of it is held as well.

mod line;
mod store;
mod survey;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::key_blob::{HostKeyAlgorithm, KeyType, fingerprint, key_type, type_name};
use line::{Entry, Marker};
pub(super) use survey::survey;

use crate::model::{Words, printable, words};

/// Every known host of a set of files.
#[derive(Clone, Debug, Default)]
pub struct KnownHosts {
    /// In the order of the files and of their lines.
    entries: Vec<(Place, Entry)>,
}

/// A line of a known_hosts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1.
    pub line: usize,
}

/// What known_hosts says about the key that a host has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyVerdict {
    /// The host is known by this key.
    Known(Place),
    /// Nothing is held for the host.
    Unknown {
        /// Names under which this very key is held: likely the same machine at a new address (an EC2 instance after a
        /// stop and a start). A hashed name is given as such, with its place.
        known_as: Vec<String>,
    },
    /// Another key is held for the host, of the same type or of another one: like OpenSSH, Adit takes both for a change.
    Changed(Place),
    /// The key is marked `@revoked` for this host. This outweighs everything else.
    Revoked(Place),
    /// Only a certificate authority vouches for the host, which cannot be verified: the key must not be accepted, not even by asking.
    CertAuthority {
        /// The name that was looked up.
        name: String,
        /// The line that says so.
        place: Place,
    },
    /// The key is of a type that cannot be verified; its name.
    UnknownType(String),
}

/// Why a known_hosts file is of no use. What it says has no full stop.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub enum KnownHostsError {
    /// It exists and cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A key cannot be added to it.
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The name would not be read back as that name (it has a wildcard, a comma, a space, a quote …).
    HostName(String),
    /// The key is not a plain public key.
    Key(String),
}

impl KnownHostsError {
    /// What happened, for any language.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Read { path, source } => words!(
                "{path} cannot be read: {reason}",
                path = path.display().to_string(),
                reason = source.to_string()
            ),
            Self::Write { path, source } => words!(
                "the host's key cannot be added to {path}: {reason}",
                path = path.display().to_string(),
                reason = source.to_string()
            ),
            Self::HostName(name) => words!(
                "'{name}' cannot be written to known_hosts as a host name",
                name = printable(name)
            ),
            Self::Key(kind) => words!(
                "a key of type {kind} cannot be added to known_hosts",
                kind = kind
            ),
        }
    }
}

impl KnownHosts {
    /// Reads `user` and then `global` files. A file that does not exist is an empty one. Lines that make no sense are
    /// skipped, as OpenSSH does.
    ///
    /// # Errors
    /// [`KnownHostsError::Read`] if a file exists and cannot be read: then nothing can be said about any host.
    pub fn load(user: &[PathBuf], global: &[PathBuf]) -> Result<Self, KnownHostsError> {
        let mut known = Self::default();
        for path in user.iter().chain(global) {
            match fs::read(path) {
                Ok(text) => known.add_text(path, &text),
                Err(error) if is_absence(&error) => {}
                Err(source) => {
                    return Err(KnownHostsError::Read {
                        path: path.clone(),
                        source,
                    });
                }
            }
        }
        Ok(known)
    }

    /// Takes in the lines of one file's `text`.
    pub fn add_text(&mut self, file: &Path, text: &[u8]) {
        let lines = text.split(|byte| *byte == b'\n').enumerate();
        self.entries.extend(lines.filter_map(|(index, bytes)| {
            let place = Place {
                file: file.to_owned(),
                line: index + 1,
            };
            Some((place, line::parse(bytes)?))
        }));
    }

    /// What is held about `host`, which showed `key_blob`.
    ///
    /// A host with a `HostKeyAlias` is looked up by that, with port 22 whatever its port is: an alias carries no port. On
    /// another port than 22, a key held for the host without a port is good too; a different one there says nothing.
    #[must_use]
    pub fn verdict(&self, host: &str, port: u16, key_blob: &[u8]) -> HostKeyVerdict {
        if key_type(key_blob).is_none() {
            return HostKeyVerdict::UnknownType(type_name(key_blob));
        }
        let name = lookup_name(host, port);
        let by_name = self.verdict_by_name(&name, key_blob);
        if port == 22 {
            return by_name.unwrap_or_else(|| self.unknown(&name, key_blob));
        }
        match (
            by_name,
            self.verdict_by_name(&lookup_name(host, 22), key_blob),
        ) {
            (_, Some(verdict @ HostKeyVerdict::Revoked(_)))
            | (Some(verdict), _)
            | (
                None,
                Some(verdict @ (HostKeyVerdict::Known(_) | HostKeyVerdict::CertAuthority { .. })),
            ) => verdict,
            (None, _) => self.unknown(&name, key_blob),
        }
    }

    /// The verdict of the lines that name `name`, or none where there is no such line.
    fn verdict_by_name(&self, name: &str, key_blob: &[u8]) -> Option<HostKeyVerdict> {
        let held = || self.lines_for(name);
        let of = |marker: Marker| held().filter(move |(_, entry)| entry.marker == marker);
        if let Some((place, _)) = of(Marker::Revoked).find(|(_, entry)| entry.blob == key_blob) {
            return Some(HostKeyVerdict::Revoked(place.clone()));
        }
        if let Some((place, _)) = of(Marker::None).find(|(_, entry)| entry.blob == key_blob) {
            return Some(HostKeyVerdict::Known(place.clone()));
        }
        // The line to name is one with a key of the same type, where there is one: it is the one to correct.
        let same_type = |entry: &Entry| Some(entry.key_type) == key_type(key_blob);
        let other = of(Marker::None)
            .find(|(_, entry)| same_type(entry))
            .or_else(|| of(Marker::None).next());
        if let Some((place, _)) = other {
            return Some(HostKeyVerdict::Changed(place.clone()));
        }
        let (place, _) = of(Marker::CertAuthority).next()?;
        Some(HostKeyVerdict::CertAuthority {
            name: name.to_owned(),
            place: place.clone(),
        })
    }

    fn unknown(&self, name: &str, key_blob: &[u8]) -> HostKeyVerdict {
        let elsewhere = self.entries.iter().filter(|(_, entry)| {
            entry.marker == Marker::None && entry.blob == key_blob && !entry.hosts.matches(name)
        });
        let mut known_as: Vec<String> = Vec::new();
        for name in elsewhere.flat_map(|(place, entry)| entry.hosts.shown(place)) {
            if !known_as.contains(&name) {
                known_as.push(name);
            }
        }
        HostKeyVerdict::Unknown { known_as }
    }

    /// The algorithms that match the keys held for the host, in OpenSSH's order of preference: to be negotiated before all
    /// others, so that the host shows a key that can be compared. Empty for an unknown host.
    #[must_use]
    pub fn algorithms_for(&self, host: &str, port: u16) -> Vec<HostKeyAlgorithm> {
        let name = lookup_name(host, port);
        let held: Vec<KeyType> = self
            .lines_for(&name)
            .filter(|(_, entry)| entry.marker == Marker::None)
            .map(|(_, entry)| entry.key_type)
            .collect();
        let is_held = |algorithm: &HostKeyAlgorithm| {
            held.iter()
                .any(|kind| kind.host_key_algorithms().contains(algorithm))
        };
        HostKeyAlgorithm::ALL.into_iter().filter(is_held).collect()
    }

    /// `allowed` (`HostKeyAlgorithms`, comma-separated; none means all) in the order to negotiate for this host: what
    /// matches a held key first, the order otherwise kept. Certificates and what Adit cannot verify are left out.
    #[must_use]
    pub fn preference_for(
        &self,
        host: &str,
        port: u16,
        allowed: Option<&str>,
    ) -> Vec<HostKeyAlgorithm> {
        let held = self.algorithms_for(host, port);
        let by_name = |name: &str| {
            HostKeyAlgorithm::ALL
                .into_iter()
                .find(|algorithm| algorithm.name() == name)
        };
        let allowed: Vec<HostKeyAlgorithm> = match allowed {
            Some(list) => list.split(',').filter_map(by_name).collect(),
            None => HostKeyAlgorithm::ALL.to_vec(),
        };
        let (first, last): (Vec<_>, Vec<_>) = allowed
            .into_iter()
            .partition(|algorithm| held.contains(algorithm));
        first.into_iter().chain(last).collect()
    }

    /// Appends the key of `host` to the file at `path`, which is made (mode 0600, its folder 0700) if it does not exist;
    /// the name is hashed if `hash` is set (`HashKnownHosts`). One write, so that two processes can do it at once.
    ///
    /// # Errors
    /// [`KnownHostsError`] if the name or the key cannot stand in a known_hosts file, or the file cannot be written.
    pub fn add(
        path: &Path,
        host: &str,
        port: u16,
        key_blob: &[u8],
        hash: bool,
    ) -> Result<(), KnownHostsError> {
        store::add(path, host, port, key_blob, hash)
    }

    /// The key in a line, as `ssh-ed25519 SHA256:…`; nothing where there is no such line.
    #[must_use]
    pub fn key_at(&self, place: &Place) -> String {
        let found = self.entries.iter().find(|(known, _)| known == place);
        found.map_or_else(String::new, |(_, entry)| {
            format!("{} {}", type_name(&entry.blob), fingerprint(&entry.blob))
        })
    }

    fn lines_for(&self, name: &str) -> impl Iterator<Item = &(Place, Entry)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.hosts.matches(name))
    }
}

/// The name that known_hosts holds a host by: in lower case, `[host]:port` where the port is not 22.
#[must_use]
pub fn lookup_name(host: &str, port: u16) -> String {
    let host = host.to_ascii_lowercase();
    if port == 22 {
        host
    } else {
        format!("[{host}]:{port}")
    }
}

/// A file whose folder is a file, or does not exist, is as absent as one that was never made.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(test)]
mod tests;
