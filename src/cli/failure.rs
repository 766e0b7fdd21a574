//! How a command ends that did not do what it was asked to.

use std::fmt;

use crate::model::{ClusterFault, Fault, without_stop};

/// A failure that a person can act on: exit code 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Failure {
    /// A short name for programs.
    pub(super) code: &'static str,
    /// What happened and where, without a full stop.
    pub(super) what: String,
    /// What to do next, in sentences.
    pub(super) next: String,
}

impl Failure {
    /// A failure in words of one's own: what happened without a full stop, what to do next in sentences.
    pub fn new(code: &'static str, what: impl Into<String>, next: impl Into<String>) -> Self {
        Self {
            code,
            what: without_stop(&what.into()).to_owned(),
            next: next.into(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.", self.what)?;
        if !self.next.is_empty() {
            write!(f, " {}", self.next)?;
        }
        Ok(())
    }
}

impl From<&Fault> for Failure {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.cause.code(), fault.to_string(), fault.next_step())
    }
}

impl From<&ClusterFault> for Failure {
    fn from(fault: &ClusterFault) -> Self {
        Self::new(
            fault.code,
            fault.message.to_string(),
            fault.hint.to_string(),
        )
    }
}

/// What was typed cannot be meant: exit code 2, as clap has it for what it finds itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// Whoever read stdout has gone: the command ends without a word, and that is no failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the output any more")]
pub(super) struct OutputClosed;
