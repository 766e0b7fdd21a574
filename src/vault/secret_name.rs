//! What a secret is the answer to.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Question;

/// The question that a remembered secret answers, among those of one host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum SecretName {
    /// The passphrase of this key file.
    Passphrase {
        /// The file.
        path: PathBuf,
    },
    /// The account's password on this hop.
    Password {
        /// The hop, as `user@address:port`.
        hop: String,
    },
    /// The answer to these words of this hop's.
    Interactive {
        /// The hop, as `user@address:port`.
        hop: String,
        /// The server's own words.
        text: String,
    },
}

impl SecretName {
    /// What an answer to this question would be kept as; none where no answer is good for another time.
    #[must_use]
    pub fn of(hop: &str, question: &Question) -> Option<Self> {
        if !question.is_rememberable() {
            return None;
        }
        let hop = hop.to_owned();
        match question {
            Question::Passphrase { path, .. } => Some(Self::Passphrase { path: path.clone() }),
            Question::Password { .. } => Some(Self::Password { hop }),
            Question::Interactive { text, .. } => Some(Self::Interactive {
                hop,
                text: text.clone(),
            }),
            Question::UnknownHostKey { .. } | Question::Sudo { .. } => None,
        }
    }
}
