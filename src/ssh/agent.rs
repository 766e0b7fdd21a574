//! A client of ssh-agent (draft-ietf-sshm-ssh-agent).
//!
//! libssh2 has one, but it drops what a security key adds to its signature, and asks for SHA-1 where an RSA certificate is
//! to be used.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::key_blob::Fields;
use super::login_raw::Signed;
use crate::model::printable;

const REQUEST_IDENTITIES: u8 = 11;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_REQUEST: u8 = 13;
const SIGN_RESPONSE: u8 = 14;
const RSA_SHA2_256: u32 = 2;
const RSA_SHA2_512: u32 = 4;

/// OpenSSH's own limit of a message.
const MAX_MESSAGE_BYTES: usize = 256 * 1024;

/// How long an agent may take to list its keys: it may have to be unlocked first.
const LIST_LIMIT: Duration = Duration::from_secs(20);

/// How long it may take to sign: the person may have to touch a security key, or to confirm.
const SIGN_LIMIT: Duration = Duration::from_mins(2);

/// A key or a certificate that an agent holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AgentKey {
    /// The public key or the certificate.
    pub(super) blob: Vec<u8>,
    /// What the agent calls it, safe to show.
    pub(super) comment: String,
}

/// A connection to an agent.
pub(super) struct Agent {
    stream: AgentStream,
    keys: Vec<AgentKey>,
}

impl Agent {
    /// Asks the agent at `socket`, or where the environment says it is, for its keys. None where there is no agent.
    ///
    /// # Errors
    /// The agent cannot be reached, or does not answer as an agent does.
    pub(super) fn connect(socket: Option<&Path>) -> io::Result<Option<Self>> {
        let Some(path) = socket.map(Path::to_owned).or_else(default_socket) else {
            return Ok(None);
        };
        let mut agent = Self {
            stream: open(&path)?,
            keys: Vec::new(),
        };
        set_limit(&agent.stream, LIST_LIMIT)?;
        let answer = agent.ask(&[REQUEST_IDENTITIES])?;
        agent.keys = identities(&answer).ok_or_else(garbled)?;
        Ok(Some(agent))
    }

    /// What it holds, in its order.
    pub(super) fn keys(&self) -> &[AgentKey] {
        &self.keys
    }

    /// Has the agent sign `data`, which is a login request of RFC 4252, 7, with the key `blob`.
    pub(super) fn sign(&mut self, blob: &[u8], data: &[u8]) -> Signed {
        match self.try_sign(blob, data) {
            Ok(signed) => signed,
            Err(error) => {
                tracing::warn!(%error, "ssh-agent did not sign");
                Signed::Failed
            }
        }
    }

    fn try_sign(&mut self, blob: &[u8], data: &[u8]) -> io::Result<Signed> {
        let algorithm = algorithm_of(data).ok_or_else(garbled)?;
        let flags = match algorithm.as_str() {
            "rsa-sha2-512" => RSA_SHA2_512,
            "rsa-sha2-256" => RSA_SHA2_256,
            _ => 0,
        };
        let mut request = vec![SIGN_REQUEST];
        put(&mut request, blob);
        put(&mut request, data);
        request.extend(flags.to_be_bytes());
        set_limit(&self.stream, SIGN_LIMIT)?;
        let answer = self.ask(&request)?;
        let Some(body) = answer.strip_prefix(&[SIGN_RESPONSE]) else {
            return Err(io::Error::other("it refused to sign"));
        };
        let signature = Fields(body).next_field().ok_or_else(garbled)?;
        let mut fields = Fields(signature);
        let made_by = fields.next_field().ok_or_else(garbled)?;
        if made_by != algorithm.as_bytes() {
            return Ok(Signed::OtherAlgorithm);
        }
        // What a security key adds (flags and counter) stands behind the signature proper; then libssh2 takes the whole.
        let with_length = fields.0;
        let bytes = fields.next_field().ok_or_else(garbled)?;
        Ok(Signed::Signature(if algorithm.starts_with("sk-") {
            with_length.to_vec()
        } else {
            bytes.to_vec()
        }))
    }

    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        let mut message = Vec::with_capacity(request.len() + 4);
        put(&mut message, request);
        self.stream.write_all(&message)?;
        let mut length = [0; 4];
        self.stream.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MAX_MESSAGE_BYTES {
            return Err(garbled());
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn identities(answer: &[u8]) -> Option<Vec<AgentKey>> {
    let mut fields = Fields(answer.strip_prefix(&[IDENTITIES_ANSWER])?);
    let count = fields.next_u32()?;
    let mut keys = Vec::new();
    for _ in 0..count {
        let blob = fields.next_field()?.to_vec();
        let comment = String::from_utf8_lossy(fields.next_field()?);
        keys.push(AgentKey {
            blob,
            comment: printable(&comment).into_owned(),
        });
    }
    Some(keys)
}

/// The signature's algorithm in a login request (RFC 4252, 7), without a certificate's part of the name.
fn algorithm_of(data: &[u8]) -> Option<String> {
    let mut fields = Fields(data);
    let _session = fields.next_field()?;
    fields.0 = fields.0.get(1..)?;
    let (_user, _service, _method) = (
        fields.next_field()?,
        fields.next_field()?,
        fields.next_field()?,
    );
    fields.0 = fields.0.get(1..)?;
    let name = std::str::from_utf8(fields.next_field()?).ok()?;
    Some(match name.strip_suffix("-cert-v01@openssh.com") {
        // The names of security keys carry OpenSSH's domain themselves.
        Some(plain) if plain.starts_with("sk-") => format!("{plain}@openssh.com"),
        Some(plain) => plain.to_owned(),
        None => name.to_owned(),
    })
}

fn put(message: &mut Vec<u8>, field: &[u8]) {
    message.extend(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
    message.extend_from_slice(field);
}

fn garbled() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "its answer is not that of an agent",
    )
}

#[cfg(unix)]
type AgentStream = std::os::unix::net::UnixStream;

#[cfg(unix)]
pub(super) fn default_socket() -> Option<PathBuf> {
    let path = std::env::var_os("SSH_AUTH_SOCK")?;
    (!path.is_empty()).then(|| path.into())
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<AgentStream> {
    AgentStream::connect(path)
}

#[cfg(unix)]
fn set_limit(stream: &AgentStream, limit: Duration) -> io::Result<()> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))
}

/// The agent of Windows listens on a named pipe, which is opened as a file.
#[cfg(not(unix))]
type AgentStream = std::fs::File;

#[cfg(not(unix))]
pub(super) fn default_socket() -> Option<PathBuf> {
    let path = std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty());
    let path = path.map_or_else(
        || PathBuf::from(r"\\.\pipe\openssh-ssh-agent"),
        PathBuf::from,
    );
    path.exists().then_some(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<AgentStream> {
    std::fs::File::options().read(true).write(true).open(path)
}

/// A pipe that is opened as a file knows no limits.
#[cfg(not(unix))]
fn set_limit(_stream: &AgentStream, _limit: Duration) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(algorithm: &str) -> Vec<u8> {
        let mut data = Vec::new();
        put(&mut data, b"session");
        data.push(50);
        for field in ["user", "ssh-connection", "publickey"] {
            put(&mut data, field.as_bytes());
        }
        data.push(1);
        put(&mut data, algorithm.as_bytes());
        put(&mut data, b"blob");
        data
    }

    #[test]
    fn the_algorithm_is_read_out_of_what_is_to_be_signed() {
        for (asked, plain) in [
            ("ssh-ed25519", "ssh-ed25519"),
            ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512"),
            ("sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com"),
            (
                "sk-ssh-ed25519-cert-v01@openssh.com",
                "sk-ssh-ed25519@openssh.com",
            ),
        ] {
            assert_eq!(algorithm_of(&request(asked)).as_deref(), Some(plain));
        }
        assert_eq!(algorithm_of(b"nonsense"), None);
    }

    #[test]
    fn an_agents_list_is_read_and_made_safe_to_show() {
        let mut answer = vec![IDENTITIES_ANSWER, 0, 0, 0, 1];
        put(&mut answer, b"blob");
        put(&mut answer, b"my\x1bkey");
        let key = AgentKey {
            blob: b"blob".to_vec(),
            comment: "my\u{fffd}key".to_owned(),
        };
        assert_eq!(identities(&answer), Some(vec![key]));
        assert_eq!(identities(&answer[..12]), None);
        assert_eq!(identities(&[5]), None);
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>) {
            let _answer = (identities(&bytes), algorithm_of(&bytes));
        }
    }
}
