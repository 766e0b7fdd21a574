//! Public keys as SSH sends and stores them (RFC 4253, 6.6): what type they are, and their fingerprint. No I/O.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The type of a plain public key, as the blob itself names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`.
    EcdsaP521,
    /// `ssh-rsa`, whatever the signatures are made with.
    Rsa,
    /// `ssh-dss`: too weak, and offered by no current OpenSSH.
    Dsa,
    /// `sk-ssh-ed25519@openssh.com`: held by a security key.
    SkEd25519,
    /// `sk-ecdsa-sha2-nistp256@openssh.com`: held by a security key.
    SkEcdsaP256,
}

impl KeyType {
    const ALL: [Self; 8] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa,
        Self::Dsa,
        Self::SkEd25519,
        Self::SkEcdsaP256,
    ];

    /// The name inside the blob.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::Rsa => "ssh-rsa",
            Self::Dsa => "ssh-dss",
            Self::SkEd25519 => "sk-ssh-ed25519@openssh.com",
            Self::SkEcdsaP256 => "sk-ecdsa-sha2-nistp256@openssh.com",
        }
    }

    /// The type of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether the private half can only be used through an agent or a security key.
    #[must_use]
    pub const fn is_security_key(self) -> bool {
        matches!(self, Self::SkEd25519 | Self::SkEcdsaP256)
    }

    /// How many fields follow the name in a blob of this type.
    const fn field_count(self) -> usize {
        match self {
            Self::Ed25519 => 1,
            Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 | Self::Rsa | Self::SkEd25519 => 2,
            Self::SkEcdsaP256 => 3,
            Self::Dsa => 4,
        }
    }

    /// The signature algorithms by which a server can prove to hold a key of this type, best first. Neither DSA nor RSA
    /// with SHA-1 is among them, as with OpenSSH's defaults; security keys hold no host keys.
    #[must_use]
    pub const fn host_key_algorithms(self) -> &'static [HostKeyAlgorithm] {
        match self {
            Self::Ed25519 => &[HostKeyAlgorithm::Ed25519],
            Self::EcdsaP256 => &[HostKeyAlgorithm::EcdsaP256],
            Self::EcdsaP384 => &[HostKeyAlgorithm::EcdsaP384],
            Self::EcdsaP521 => &[HostKeyAlgorithm::EcdsaP521],
            Self::Rsa => &[HostKeyAlgorithm::RsaSha512, HostKeyAlgorithm::RsaSha256],
            Self::Dsa | Self::SkEd25519 | Self::SkEcdsaP256 => &[],
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A host key algorithm to negotiate (RFC 4253, 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HostKeyAlgorithm {
    /// `ssh-ed25519`.
    Ed25519,
    /// `ecdsa-sha2-nistp256`.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`.
    EcdsaP521,
    /// `rsa-sha2-512` (RFC 8332).
    RsaSha512,
    /// `rsa-sha2-256` (RFC 8332).
    RsaSha256,
}

impl HostKeyAlgorithm {
    /// Every algorithm, in OpenSSH's order of preference.
    pub const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::RsaSha512,
        Self::RsaSha256,
    ];

    /// The name that is negotiated.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::RsaSha512 => "rsa-sha2-512",
            Self::RsaSha256 => "rsa-sha2-256",
        }
    }
}

/// The type of a key blob: none if it is malformed, has bytes to spare, is a certificate or of a type unknown here.
#[must_use]
pub fn key_type(blob: &[u8]) -> Option<KeyType> {
    let mut fields = Fields(blob);
    let kind = KeyType::from_name(std::str::from_utf8(fields.next_field()?).ok()?)?;
    for _ in 0..kind.field_count() {
        if fields.next_field()?.is_empty() {
            return None;
        }
    }
    fields.0.is_empty().then_some(kind)
}

/// The name at the start of a key blob, whatever it is (`ssh-rsa-cert-v01@openssh.com`), made safe to show; `unknown` where
/// there is none.
#[must_use]
pub fn type_name(blob: &[u8]) -> String {
    let name = Fields(blob)
        .next_field()
        .filter(|name| !name.is_empty() && name.len() <= 64)
        .and_then(|name| std::str::from_utf8(name).ok());
    crate::model::printable(name.unwrap_or("unknown")).into_owned()
}

/// The plain public key that an OpenSSH certificate is for (PROTOCOL.certkeys); none if the blob is no certificate.
#[must_use]
pub fn certified_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let mut fields = Fields(certificate);
    let name = std::str::from_utf8(fields.next_field()?).ok()?;
    let plain = name.strip_suffix("-cert-v01@openssh.com")?;
    let kind = KeyType::from_name(plain)
        .or_else(|| KeyType::from_name(&format!("{plain}@openssh.com")))?;
    let _nonce = fields.next_field()?;
    let mut blob = Vec::with_capacity(certificate.len());
    let mut put = |field: &[u8]| {
        blob.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        blob.extend_from_slice(field);
    };
    put(kind.name().as_bytes());
    for _ in 0..kind.field_count() {
        put(fields.next_field()?);
    }
    Some(blob)
}

/// `SHA256:` and the unpadded Base64 of the blob's digest, as `ssh-keygen -l` prints it.
#[must_use]
pub fn fingerprint(blob: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(blob)))
}

/// The length-prefixed fields of RFC 4251, 5 (`string` and `mpint`).
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// Four bytes, big-endian.
    pub(super) fn next_u32(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    /// The next field's bytes.
    pub(super) fn next_field(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.next_u32()?).ok()?;
        let (field, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(field)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blob(fields: &[&[u8]]) -> Vec<u8> {
        fields
            .iter()
            .flat_map(|field| {
                let length = u32::try_from(field.len()).unwrap().to_be_bytes();
                [&length[..], field].concat()
            })
            .collect()
    }

    #[test]
    fn types_are_read_and_bytes_to_spare_refused() {
        let good = blob(&[b"ssh-ed25519", &[7; 32]]);
        assert_eq!(key_type(&good), Some(KeyType::Ed25519));
        assert_eq!(key_type(&good[..good.len() - 1]), None);
        assert_eq!(key_type(&[&good[..], b"x"].concat()), None);
        assert_eq!(key_type(&blob(&[b"ssh-rsa", b"e"])), None);
        assert_eq!(key_type(&blob(&[b"ssh-rsa", b"", b"n"])), None);
        assert_eq!(
            key_type(&blob(&[b"ssh-ed25519-cert-v01@openssh.com", b"x"])),
            None
        );
    }

    #[test]
    fn a_certificate_names_the_key_that_it_is_for() {
        let certificate = blob(&[
            b"ssh-ed25519-cert-v01@openssh.com",
            b"nonce",
            &[7; 32],
            b"the rest",
        ]);
        let key = blob(&[b"ssh-ed25519", &[7; 32]]);
        assert_eq!(certified_key(&certificate), Some(key.clone()));
        let held = [
            &b"sk-ssh-ed25519-cert-v01@openssh.com"[..],
            b"n",
            b"key",
            b"ssh:",
            b"rest",
        ];
        let plain = blob(&[b"sk-ssh-ed25519@openssh.com", b"key", b"ssh:"]);
        assert_eq!(certified_key(&blob(&held)), Some(plain));
        assert_eq!(certified_key(&key), None);
        assert_eq!(certified_key(&certificate[..50]), None);
    }

    #[test]
    fn type_names_are_safe_to_show() {
        assert_eq!(type_name(&blob(&[b"ssh-x\x1b[2J"])), "ssh-x\u{fffd}[2J");
        assert_eq!(type_name(b""), "unknown");
        assert_eq!(type_name(&[255; 40]), "unknown");
    }

    proptest! {
        #[test]
        fn no_blob_panics(bytes: Vec<u8>) {
            let _kind = (key_type(&bytes), type_name(&bytes), fingerprint(&bytes), certified_key(&bytes));
        }
    }
}
