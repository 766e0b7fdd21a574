//! What can be wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where an option was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    CommandLine,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Whether it is the machine's configuration rather than the person's.
        system: bool,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::File { path, line, .. } => write!(f, "{}, line {line}", path.display()),
        }
    }
}

/// Why a configuration cannot be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A line makes no sense.
    #[error("{origin}: {problem}")]
    Line {
        /// Where it is.
        origin: Origin,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be read.
    #[error("the SSH configuration {} cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file could have been written by somebody else, who could then run commands as this person.
    #[error(
        "the SSH configuration {} must belong to you or root and be writable by nobody else; run: chmod go-w on it",
        .0.display()
    )]
    Permissions(PathBuf),
    /// Files include each other too deeply.
    #[error("{} is included more than 16 levels deep: files that include each other?", .0.display())]
    TooDeep(PathBuf),
    /// A value makes no sense once everything is known.
    #[error("{option}: {problem}")]
    Value {
        /// The option.
        option: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// A host name is not found, where the configuration asks that it be.
    #[error("the host name '{0}' does not resolve, and CanonicalizeFallbackLocal is no")]
    NotCanonical(String),
    /// What was given as the host is none.
    #[error("'{0}' is not a host: use [USER@]HOST or ssh://[USER@]HOST[:PORT]")]
    Destination(String),
    /// The configuration forbids to connect (`RefuseConnection`).
    #[error("ssh_config refuses connections to {host} (RefuseConnection): {reason}")]
    Refused {
        /// The host.
        host: String,
        /// The reason given there.
        reason: String,
    },
    /// A chain of jump hosts leads back to itself, or on for ever.
    #[error("the jump hosts (ProxyJump) of {0} lead in a circle, or through more than 16 hosts")]
    JumpLoop(String),
}

/// An option that is set and that Adit does not honour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    /// The option, as `ssh_config(5)` spells it.
    pub option: &'static str,
    /// Its value.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
    /// Why it is not honoured.
    pub why: &'static str,
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            option,
            value,
            origin,
            why,
        } = self;
        let value = crate::model::printable(value);
        write!(f, "{option} {value} ({origin}) is not honoured: {why}")
    }
}
