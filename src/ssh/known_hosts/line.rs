//! One line of a known_hosts file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use super::Place;
use crate::model::printable;
use crate::ssh::key_blob::{KeyType, key_type};
use crate::ssh::pattern;

/// The length of a hashed name's salt and of its digest: SHA-1's.
pub(super) const HASH_BYTES: usize = 20;

/// A line that makes sense.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) marker: Marker,
    pub(super) hosts: Hosts,
    pub(super) key_type: KeyType,
    pub(super) blob: Vec<u8>,
}

/// The word with an `@` before the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    None,
    CertAuthority,
    Revoked,
}

/// The hosts that a line is about.
#[derive(Clone, Debug)]
pub(super) enum Hosts {
    /// Names and patterns, comma-separated.
    Patterns(String),
    /// One name, of which only a keyed digest is held.
    Hashed {
        salt: [u8; HASH_BYTES],
        digest: [u8; HASH_BYTES],
    },
}

impl Hosts {
    /// Whether the line is about `name`, which is in lower case.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Patterns(list) => pattern::matches_host(name, list),
            Self::Hashed { salt, digest } => hash(salt, name) == *digest,
        }
    }

    /// The names, made safe to show.
    pub(super) fn shown(&self, place: &Place) -> Vec<String> {
        match self {
            Self::Patterns(list) => list
                .split(',')
                .filter(|name| !name.is_empty() && !name.starts_with('!'))
                .map(|name| printable(name).into_owned())
                .collect(),
            Self::Hashed { .. } => {
                let file = place.file.to_string_lossy();
                vec![format!(
                    "a hashed name ({}, line {})",
                    printable(&file),
                    place.line
                )]
            }
        }
    }
}

/// The keyed digest by which a hashed line holds `name`.
pub(super) fn hash(salt: &[u8; HASH_BYTES], name: &str) -> [u8; HASH_BYTES] {
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(salt) else {
        unreachable!("HMAC takes keys of any length");
    };
    mac.update(name.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Reads a line without its line feed; none for a comment, an empty line and one that makes no sense.
pub(super) fn parse(line: &[u8]) -> Option<Entry> {
    // Comments may be in any encoding; what matters is ASCII.
    let line = String::from_utf8_lossy(line);
    let mut rest = line.trim_matches([' ', '\t', '\r']);
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let mut marker = Marker::None;
    if rest.starts_with('@') {
        let word = next_word(&mut rest)?;
        marker = match word {
            "@cert-authority" => Marker::CertAuthority,
            "@revoked" => Marker::Revoked,
            _ => return None,
        };
    }
    let names = next_word(&mut rest)?;
    let hosts = if names.starts_with('|') {
        hashed(names)?
    } else {
        Hosts::Patterns(names.to_owned())
    };
    let kind = named_type(next_word(&mut rest)?)?;
    let blob = STANDARD.decode(next_word(&mut rest)?).ok()?;
    // A line that says one type and holds another is no key at all.
    (key_type(&blob)? == kind).then_some(Entry {
        marker,
        hosts,
        key_type: kind,
        blob,
    })
}

/// OpenSSH takes the names of RSA's signature algorithms for the key's own too.
fn named_type(name: &str) -> Option<KeyType> {
    match name {
        "rsa-sha2-256" | "rsa-sha2-512" => Some(KeyType::Rsa),
        _ => KeyType::from_name(name),
    }
}

/// Takes the next word off `rest`; none at its end.
fn next_word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start_matches([' ', '\t']);
    let (word, after) = text.split_at(text.find([' ', '\t']).unwrap_or(text.len()));
    *rest = after.trim_start_matches([' ', '\t']);
    (!word.is_empty()).then_some(word)
}

/// Reads `|1|SALT|DIGEST`.
fn hashed(names: &str) -> Option<Hosts> {
    let (salt, digest) = names.strip_prefix("|1|")?.split_once('|')?;
    let bytes = |text: &str| STANDARD.decode(text).ok()?.try_into().ok();
    Some(Hosts::Hashed {
        salt: bytes(salt)?,
        digest: bytes(digest)?,
    })
}
