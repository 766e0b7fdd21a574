//! What can go wrong with a keyring.

use std::time::Duration;

/// Why the vault could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no keyring, or none that answers.
    #[error("there is no keyring: {reason}")]
    Absent {
        /// What was found missing.
        reason: String,
        /// What to do about it on this desktop.
        remedy: String,
    },
    /// It is locked, and the person did not unlock it.
    #[error("the keyring is locked and was not unlocked")]
    Locked,
    /// It did not answer in time; perhaps its prompt still waits.
    #[error("the keyring did not answer within {} s", after.as_secs())]
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// A record was written by a newer Adit.
    #[error("{what} was saved by a newer Adit (format {version}) and is left as it is")]
    Newer {
        /// Which record, in words.
        what: String,
        /// The version it has.
        version: u64,
    },
    /// A record makes no sense.
    #[error("{what} is damaged in the keyring ({problem}) and is left as it is")]
    Damaged {
        /// Which record, in words.
        what: String,
        /// What is wrong with it. Never its content.
        problem: String,
    },
    /// A record is longer than any keyring should be asked to hold.
    #[error("{what} takes {bytes} bytes, more than the {limit} that are kept of one record")]
    TooLong {
        /// Which record, in words.
        what: String,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Something else, in the keyring's own words.
    #[error("the keyring failed: {0}")]
    Failed(String),
}
