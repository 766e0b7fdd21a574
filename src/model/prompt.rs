//! Questions to the person, and their answers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::ids::HostId;
use super::secret::Secret;

/// Identifies one question; an answer to a question that is no longer asked is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PromptId(pub u64);

/// A question that waits for the person, in the window or in the terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// What an answer names.
    pub id: PromptId,
    /// The host on whose behalf it is asked.
    pub host: HostId,
    /// The hop that asks, as `user@address:port`: the host itself or one of its jump hosts.
    pub hop: String,
    /// What is asked.
    pub question: Question,
    /// The keyring held an answer and it was refused: a new one that is remembered takes its place.
    pub was_refused: bool,
}

/// What is asked. A changed host key is deliberately not among these: it is refused, never one click away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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

impl Question {
    /// Whether an answer can be of use another time: a passphrase or a password is, a code that is good for once is not.
    #[must_use]
    pub fn is_rememberable(&self) -> bool {
        match self {
            Self::Passphrase { .. } | Self::Password { .. } => true,
            Self::UnknownHostKey { .. }
            | Self::Interactive { echo: true, .. }
            | Self::Sudo { .. } => false,
            Self::Interactive { text, echo: false } => asks_for_password(text),
        }
    }
}

/// Whether a server's own words ask for the account's password, and for nothing besides.
fn asks_for_password(text: &str) -> bool {
    let text = text.to_lowercase();
    let is_in = |words: &[&str]| words.iter().any(|word| text.contains(word));
    is_in(&["password", "passphrase", "암호", "비밀번호"])
        && !is_in(&[
            "one-time",
            "one time",
            "otp",
            "code",
            "token",
            "new password",
            "verification",
            "일회용",
        ])
}

/// The person's answer.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No, or cancel: always safe.
    No,
    /// A secret that was typed.
    Secret {
        /// The secret.
        secret: Secret,
        /// Whether to keep it in the keyring once it has turned out to be right.
        remember: bool,
    },
}

impl Answer {
    /// A secret that is used once and forgotten.
    #[must_use]
    pub const fn once(secret: Secret) -> Self {
        Self::Secret {
            secret,
            remember: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interactive(text: &str, echo: bool) -> Question {
        Question::Interactive {
            text: text.to_owned(),
            echo,
        }
    }

    #[test]
    fn only_what_is_good_for_another_time_can_be_remembered() {
        for question in [
            Question::Password { again: false },
            Question::Passphrase {
                path: PathBuf::from("k"),
                again: true,
            },
            interactive("Password:", false),
            interactive("(ubuntu@node) Password:", false),
            interactive("ubuntu의 암호:", false),
        ] {
            assert!(question.is_rememberable(), "{question:?}");
        }
        for question in [
            interactive("Password:", true),
            interactive("Verification code:", false),
            interactive("One-time password (OATH) for `me':", false),
            interactive("New password:", false),
            interactive("Favourite colour?", false),
            Question::UnknownHostKey {
                host: String::new(),
                key_type: String::new(),
                fingerprint: String::new(),
                known_as: Vec::new(),
            },
        ] {
            assert!(!question.is_rememberable(), "{question:?}");
        }
    }
}
