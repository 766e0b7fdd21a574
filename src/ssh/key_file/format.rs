//! Telling the formats of key files apart. Pure: bytes in, facts out; copies of what may be secret are wiped.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::{KeyFileFacts, KeyFormat, KeyProblem};
use crate::model::printable;
use crate::ssh::key_blob::{Fields, KeyType, key_type, type_name};

/// Base64 as PEM files have it, with or without padding.
const PEM_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the contents of a key file say in clear.
pub(super) fn recognise(contents: &[u8]) -> Result<KeyFileFacts, KeyProblem> {
    if contents.starts_with(b"SSH PRIVATE KEY FILE FORMAT 1.1\n") {
        return Err(KeyProblem::Protocol1);
    }
    // Borrowed where it is UTF-8, as every key file is; a garbled one is no secret worth wiping, but costs nothing.
    let text = match std::str::from_utf8(contents) {
        Ok(text) => text,
        Err(error) => {
            let (valid, _) = contents.split_at(error.valid_up_to());
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    let first = first.unwrap_or_default();
    if first.starts_with("PuTTY-User-Key-File-") {
        return Err(KeyProblem::Putty);
    }
    if first.starts_with("---- BEGIN SSH2") {
        return Err(KeyProblem::Ssh2);
    }
    if let Some(problem) = public_line(first) {
        return Err(problem);
    }
    // OpenSSL skips what stands before the first "BEGIN" line; so do the keys that mail programs and consoles hand out.
    // Parameters of the curve may stand before the key itself.
    let labels = || text.lines().map(str::trim).filter_map(pem_label);
    let private = labels().find(|label| label.ends_with("PRIVATE KEY"));
    let Some(label) = private.or_else(|| labels().next()) else {
        return Err(KeyProblem::NotAKey);
    };
    let body = body(text, label)?;
    match label {
        "OPENSSH PRIVATE KEY" => openssh(body),
        "RSA PRIVATE KEY" => pem(body, Some(KeyType::Rsa)),
        "EC PRIVATE KEY" => pem(body, None),
        "DSA PRIVATE KEY" => Err(KeyProblem::Dsa),
        "PRIVATE KEY" => pkcs8(body, false),
        "ENCRYPTED PRIVATE KEY" => pkcs8(body, true),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(KeyProblem::PublicKey),
        other => Err(KeyProblem::OtherPem(printable(other).into_owned())),
    }
}

/// What `-----BEGIN …-----` begins.
fn pem_label(line: &str) -> Option<&str> {
    line.strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

/// The text between the lines that begin and end `label`.
fn body<'a>(text: &'a str, label: &str) -> Result<&'a str, KeyProblem> {
    let begin = format!("-----BEGIN {label}-----");
    let end = format!("-----END {label}-----");
    let (_, after) = text
        .split_once(&begin)
        .ok_or(KeyProblem::Damaged("its first line is garbled"))?;
    let (body, _) = after.split_once(&end).ok_or(KeyProblem::Damaged(
        "its last line (-----END …-----) is missing",
    ))?;
    Ok(body)
}

/// `type base64 comment`, which is a public key or a certificate.
fn public_line(line: &str) -> Option<KeyProblem> {
    let kind = line.split_ascii_whitespace().next()?;
    if kind.contains("-cert-v01@openssh.com") {
        Some(KeyProblem::Certificate)
    } else {
        KeyType::from_name(kind).map(|_| KeyProblem::PublicKey)
    }
}

/// OpenSSH's own format, whose public half stands in clear before the private one (PROTOCOL.key).
fn openssh(body: &str) -> Result<KeyFileFacts, KeyProblem> {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    let garbled = KeyProblem::Damaged("its contents are garbled");
    let bytes = decode(body).ok_or(garbled.clone())?;
    let rest = bytes.strip_prefix(MAGIC).ok_or(garbled.clone())?;
    let (cipher, blob) = openssh_header(rest).ok_or(garbled)?;
    let kind = key_type(blob);
    match kind {
        Some(KeyType::Dsa) => return Err(KeyProblem::Dsa),
        Some(kind) if kind.is_security_key() => return Err(KeyProblem::SecurityKey),
        Some(_) => {}
        None => return Err(KeyProblem::UnknownType(type_name(blob))),
    }
    Ok(KeyFileFacts {
        encrypted: cipher != "none",
        format: KeyFormat::OpenSsh {
            cipher: printable(cipher).into_owned(),
        },
        key_type: kind,
        public_blob: Some(blob.to_vec()),
    })
}

/// The cipher's name and the public key.
fn openssh_header(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let mut fields = Fields(bytes);
    let cipher = std::str::from_utf8(fields.next_field()?).ok()?;
    let (_kdf, _kdf_options) = (fields.next_field()?, fields.next_field()?);
    let (_count, blob) = (fields.next_u32()?, fields.next_field()?);
    fields.next_field().map(|_private| (cipher, blob))
}

/// PEM as OpenSSL wrote it before PKCS#8, with RFC 1421's headers where it is encrypted.
fn pem(body: &str, kind: Option<KeyType>) -> Result<KeyFileFacts, KeyProblem> {
    let (headers, rest): (Vec<&str>, Vec<&str>) = body
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .partition(|line| line.contains(':'));
    if rest.is_empty() {
        return Err(KeyProblem::Damaged(
            "there is nothing between its first and its last line",
        ));
    }
    let header = |name: &str| {
        let of = |line: &&str| {
            Some(line.split_once(':')?)
                .filter(|(key, _)| *key == name)
                .map(|(_, value)| value.trim().to_owned())
        };
        headers.iter().find_map(of)
    };
    let encrypted = header("Proc-Type").is_some_and(|value| value.contains("ENCRYPTED"));
    let cipher = header("DEK-Info").and_then(|value| {
        value
            .split(',')
            .next()
            .map(|name| printable(name).into_owned())
    });
    if encrypted && cipher.is_none() {
        return Err(KeyProblem::Damaged(
            "it is encrypted and does not say how (DEK-Info)",
        ));
    }
    let kind = match kind {
        None if !encrypted => curve(body)?,
        kind => kind,
    };
    Ok(KeyFileFacts {
        format: KeyFormat::Pem { cipher },
        key_type: kind,
        encrypted,
        public_blob: None,
    })
}

/// PKCS#8. Unencrypted, it names its algorithm by an object identifier near its start.
fn pkcs8(body: &str, encrypted: bool) -> Result<KeyFileFacts, KeyProblem> {
    const RSA: &[u8] = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
    const DSA: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x38\x04\x01";
    let bytes = decode(body).ok_or(KeyProblem::Damaged("its contents are garbled"))?;
    if bytes.first() != Some(&0x30) {
        return Err(KeyProblem::Damaged("its contents are no ASN.1 sequence"));
    }
    let head = &bytes[..bytes.len().min(40)];
    let key_type = match () {
        () if encrypted => None,
        () if holds(head, RSA) => Some(KeyType::Rsa),
        () if holds(head, ED25519) => Some(KeyType::Ed25519),
        () if holds(head, DSA) => return Err(KeyProblem::Dsa),
        () => curve(body)?,
    };
    Ok(KeyFileFacts {
        format: KeyFormat::Pkcs8,
        key_type,
        encrypted,
        public_blob: None,
    })
}

/// The curve of an elliptic-curve key in clear, by its object identifier; none where it is not said by name.
fn curve(body: &str) -> Result<Option<KeyType>, KeyProblem> {
    let bytes = decode(body).ok_or(KeyProblem::Damaged("its contents are garbled"))?;
    let curves: [(&[u8], KeyType); 3] = [
        (
            b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07",
            KeyType::EcdsaP256,
        ),
        (b"\x06\x05\x2b\x81\x04\x00\x22", KeyType::EcdsaP384),
        (b"\x06\x05\x2b\x81\x04\x00\x23", KeyType::EcdsaP521),
    ];
    let found = curves.into_iter().find(|(id, _)| holds(&bytes, id));
    Ok(found.map(|(_, kind)| kind))
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The bytes of a PEM body, in memory that is wiped.
fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(body.len()));
    compact.extend(body.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; compact.len()]);
    let length = PEM_BASE64.decode_slice(&*compact, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}
