//! The records as they are kept: JSON with a version.

use std::io::{self, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::error::VaultError;
use super::secret_name::SecretName;
use crate::model::{SavedHost, Secret, Words, words};

/// The version that this Adit writes. It reads this one and those before it.
const VERSION: u64 = 1;

/// What every record begins with.
#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u64,
    #[serde(flatten)]
    body: T,
}

/// Only the version, whatever else there is.
#[derive(Deserialize)]
struct VersionOnly {
    version: u64,
}

/// A host's record.
#[derive(Serialize, Deserialize)]
pub(super) struct HostBody {
    pub(super) host: SavedHost,
}

/// The record of the names of all hosts.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct IndexBody {
    pub(super) hosts: Vec<String>,
}

/// The record of a host's secrets.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct SecretsBody {
    pub(super) secrets: Vec<KeptSecret>,
}

/// A secret and what it answers.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptSecret {
    #[serde(flatten)]
    pub(super) name: SecretName,
    #[serde(serialize_with = "expose", deserialize_with = "take")]
    pub(super) value: Secret,
}

/// The one place where a secret is written out: into bytes that are wiped, on their way to the keyring.
fn expose<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn take<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

/// Counts what is written.
struct Count(usize);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a record; `what` is its name in words.
pub(super) fn encode<T: Serialize>(
    body: T,
    what: &Words,
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let record = Versioned {
        version: VERSION,
        body,
    };
    let failed = |error: serde_json::Error| {
        VaultError::Failed(words!(
            "{what} cannot be written as JSON: {error}",
            what = what,
            error = error.to_string()
        ))
    };
    // Measured first: a buffer that grew would leave copies of secrets behind.
    let mut count = Count(0);
    serde_json::to_writer(&mut count, &record).map_err(failed)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(count.0));
    serde_json::to_writer(&mut *bytes, &record).map_err(failed)?;
    Ok(bytes)
}

/// Reads a record; `what` is its name in words.
pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8], what: &Words) -> Result<T, VaultError> {
    // Where it breaks is told, never what stands there.
    let damaged = |error: &serde_json::Error| VaultError::Damaged {
        what: what.clone(),
        problem: words!(
            "no record of a known form, at line {line}, column {column}",
            line = error.line(),
            column = error.column()
        ),
    };
    let VersionOnly { version } = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    if version > VERSION {
        return Err(VaultError::Newer {
            what: what.clone(),
            version,
        });
    }
    let record: Versioned<T> = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
    Ok(record.body)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn decode_host(text: &str) -> Result<SavedHost, VaultError> {
        decode::<HostBody>(text.as_bytes(), &Words::quoted("the host x")).map(|body| body.host)
    }

    #[test]
    fn a_host_is_read_as_it_was_written() {
        let host = SavedHost {
            user: Some("ubuntu".to_owned()),
            port: Some(2222),
            identities: vec![PathBuf::from("~/.ssh/prod.pem")],
            jumps: vec!["bastion".to_owned()],
            options: vec!["Compression=yes".to_owned()],
            cluster: Some(crate::model::ClusterSource::local(
                None,
                Some("prod".to_owned()),
            )),
            ..SavedHost::new("서울", "203.0.113.7")
        };
        let bytes = encode(HostBody { host: host.clone() }, &Words::quoted("x")).unwrap();
        assert_eq!(decode_host(std::str::from_utf8(&bytes).unwrap()), Ok(host));
    }

    #[test]
    fn the_form_of_version_1_stays_readable() {
        let text = r#"{"version":1,"host":{"name":"prod","address":"203.0.113.7","user":"ubuntu","port":2222,
            "identities":["~/.ssh/prod.pem"],"cluster":{"kubeconfig":{"on-host":{"path":"/etc/k"}},"through":"prod"},
            "of a later 1.x":true},"besides":1}"#;
        let host = decode_host(text).unwrap();
        assert_eq!((host.id.as_str(), host.port), ("prod", Some(2222)));
        assert_eq!(host.cluster.unwrap().through.unwrap().as_str(), "prod");
    }

    #[test]
    fn a_newer_record_and_a_damaged_one_are_told_apart_and_not_quoted() {
        assert!(matches!(
            decode_host(r#"{"version":2,"anything":[]}"#),
            Err(VaultError::Newer { version: 2, .. })
        ));
        for text in [
            "",
            "hunter2",
            "{}",
            r#"{"version":"hunter2"}"#,
            r#"{"version":1}"#,
            r#"{"version":1,"host":{"name":"x","address":"y","port":"hunter2"}}"#,
        ] {
            let error = decode_host(text).unwrap_err();
            assert!(
                matches!(error, VaultError::Damaged { .. }),
                "{text}: {error}"
            );
            assert!(
                !format!("{error} {error:?}").contains("hunter2"),
                "{error:?}"
            );
        }
    }
}
