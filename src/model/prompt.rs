//! Questions to the person, and their answers.

use std::path::PathBuf;

use super::ids::HostId;
use super::secret::Secret;

/// Identifies one question; an answer to a question that is no longer asked is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromptId(pub u64);

/// A question that waits for the person, in the window or in the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What an answer names.
    pub id: PromptId,
    /// The host on whose behalf it is asked.
    pub host: HostId,
    /// The hop that asks, as `user@address:port`: the host itself or one of its jump hosts.
    pub hop: String,
    /// What is asked.
    pub question: Question,
}

/// What is asked. A changed host key is deliberately not among these: it is refused, never one click away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The host's key is in no known_hosts file: is it the right one? Answered by yes or no.
    UnknownHostKey {
        /// Name or address, with the port where it is not 22.
        host: String,
        /// The key's type, as `ssh-ed25519`.
        key_type: String,
        /// `SHA256:` and the unpadded Base64 of the key's digest, as `ssh-keygen -l` prints it.
        fingerprint: String,
        /// Names under which known_hosts already holds this very key: a sign that the host's address has changed.
        known_as: Vec<String>,
    },
    /// The passphrase of a private key file. Answered by a secret.
    Passphrase {
        /// The key file.
        path: PathBuf,
        /// Whether an earlier answer was wrong.
        again: bool,
    },
    /// The account's password. Answered by a secret.
    Password {
        /// Whether an earlier answer was wrong.
        again: bool,
    },
    /// Whether a file on the host may be read as root, by `sudo`, since this account may not. Answered by yes or no.
    Sudo {
        /// The file.
        file: String,
    },
    /// One line of a keyboard-interactive exchange (RFC 4256). Answered by a secret.
    Interactive {
        /// The server's own words, with control characters removed.
        text: String,
        /// Whether the answer may be shown while it is typed.
        echo: bool,
    },
}

/// The person's answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, or cancel: always safe.
    No,
    /// A secret that was typed.
    Secret(Secret),
}
