//! What can go wrong with a keyring.

use std::fmt;
use std::time::Duration;

use crate::model::{Words, words};

/// Why the vault could not do what it was asked to. What it says has no full stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// There is no keyring, or none that answers.
    Absent {
        /// What was found missing, in the system's own words.
        reason: String,
        /// What to do about it on this desktop.
        remedy: Words,
    },
    /// It is locked, and the person did not unlock it.
    Locked,
    /// It did not answer in time; perhaps its prompt still waits.
    TimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// A record was written by a newer Adit.
    Newer {
        /// Which record.
        what: Words,
        /// The version it has.
        version: u64,
    },
    /// A record makes no sense.
    Damaged {
        /// Which record.
        what: Words,
        /// What is wrong with it. Never its content.
        problem: Words,
    },
    /// A record is longer than any keyring should be asked to hold.
    TooLong {
        /// Which record.
        what: Words,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        limit: usize,
    },
    /// Something else, mostly in the keyring's own words.
    Failed(Words),
}

impl VaultError {
    /// What happened, for any language.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Absent { reason, .. } => {
                words!("there is no keyring: {reason}", reason = reason.as_str())
            }
            Self::Locked => words!("the keyring is locked and was not unlocked"),
            Self::TimedOut { after } => words!(
                "the keyring did not answer within {seconds} s",
                seconds = after.as_secs()
            ),
            Self::Newer { what, version } => words!(
                "{what} was saved by a newer Adit (format {version}) and is left as it is",
                what = what,
                version = *version
            ),
            Self::Damaged { what, problem } => words!(
                "{what} is damaged in the keyring ({problem}) and is left as it is",
                what = what,
                problem = problem
            ),
            Self::TooLong { what, bytes, limit } => words!(
                "{what} takes {bytes} bytes, more than the {limit} that are kept of one record",
                what = what,
                bytes = *bytes,
                limit = *limit
            ),
            Self::Failed(reason) => words!("the keyring failed: {reason}", reason = reason),
        }
    }
}

impl fmt::Display for VaultError {
    /// In English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}
