//! What can be wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Words, words};

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

/// Why a configuration cannot be resolved. What it says has no full stop.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.words())]
pub enum ConfigError {
    /// A line makes no sense.
    Line {
        /// Where it is.
        origin: Origin,
        /// What is wrong with it.
        problem: Words,
    },
    /// A file cannot be read.
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file could have been written by somebody else, who could then run commands as this person.
    Permissions(PathBuf),
    /// Files include each other too deeply.
    TooDeep(PathBuf),
    /// A value makes no sense once everything is known.
    Value {
        /// The option.
        option: &'static str,
        /// What is wrong with its value.
        problem: Words,
    },
    /// A host name is not found, where the configuration asks that it be.
    NotCanonical(String),
    /// What was given as the host is none.
    Destination(String),
    /// The configuration forbids to connect (`RefuseConnection`).
    Refused {
        /// The host.
        host: String,
        /// The reason given there.
        reason: String,
    },
    /// A chain of jump hosts leads back to itself, or on for ever.
    JumpLoop(String),
}

impl ConfigError {
    /// What is wrong, for any language.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::Line { origin, problem } => match origin {
                Origin::CommandLine => of_option(&origin.to_string(), problem.clone()),
                Origin::File { path, line, .. } => words!(
                    "{path}, line {line}: {problem}",
                    path = shown(path),
                    line = *line,
                    problem = problem
                ),
            },
            Self::Read { path, source } => words!(
                "the SSH configuration {path} cannot be read: {reason}",
                path = shown(path),
                reason = source.to_string()
            ),
            Self::Permissions(path) => words!(
                "the SSH configuration {path} must belong to you or root and be writable by nobody else; run: chmod go-w on it",
                path = shown(path)
            ),
            Self::TooDeep(path) => words!(
                "{path} is included more than 16 levels deep: files that include each other?",
                path = shown(path)
            ),
            Self::Value { option, problem } => of_option(option, problem.clone()),
            Self::NotCanonical(host) => words!(
                "the host name '{host}' does not resolve, and CanonicalizeFallbackLocal is no",
                host = host
            ),
            Self::Destination(text) => words!(
                "'{text}' is not a host: use [USER@]HOST or ssh://[USER@]HOST[:PORT]",
                text = text
            ),
            Self::Refused { host, reason } => words!(
                "ssh_config refuses connections to {host} (RefuseConnection): {reason}",
                host = host,
                reason = reason
            ),
            Self::JumpLoop(host) => words!(
                "the jump hosts (ProxyJump) of {host} lead in a circle, or through more than 16 hosts",
                host = host
            ),
        }
    }
}

/// What is wrong with the value of an option.
pub(super) fn of_option(option: &str, problem: Words) -> Words {
    words!("{option}: {problem}", option = option, problem = problem)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
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
