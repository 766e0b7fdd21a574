//! What a look at this computer found: everything that Adit needs before it dials anything.

use std::fmt::Display;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckArea {
    /// The ssh_config files.
    SshConfig,
    /// The known_hosts files.
    KnownHosts,
    /// ssh-agent.
    Agent,
    /// A private key.
    Key,
    /// The OS keyring.
    Keyring,
    /// A kubeconfig.
    Kubeconfig,
    /// What Adit remembers of its tunnels and its window.
    Settings,
    /// The local port of a tunnel that is wanted.
    Port,
    /// A limit of the system's.
    Limit,
}

impl CheckArea {
    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::SshConfig => "ssh-config",
            Self::KnownHosts => "known-hosts",
            Self::Agent => "ssh-agent",
            Self::Key => "key",
            Self::Keyring => "keyring",
            Self::Kubeconfig => "kubeconfig",
            Self::Settings => "settings",
            Self::Port => "port",
            Self::Limit => "limit",
        }
    }
}

/// How it stands, from good to bad.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckStatus {
    /// As it should be.
    #[default]
    Ok,
    /// It works, or works without it, but will surprise somebody.
    Warning,
    /// Something will not work until it is put right.
    Problem,
}

impl CheckStatus {
    /// One word for programs and people, stable between releases.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub area: CheckArea,
    /// How it stands.
    pub status: CheckStatus,
    /// The file, socket or address; none where there is no place to name.
    pub place: Option<String>,
    /// What was found and where, without a full stop.
    pub what: String,
    /// What to do about it, in sentences; none where it is fine as it is.
    pub hint: Option<String>,
}

impl Check {
    /// Something that is as it should be.
    pub fn ok(area: CheckArea, what: impl Into<String>) -> Self {
        Self {
            area,
            status: CheckStatus::Ok,
            place: None,
            what: what.into(),
            hint: None,
        }
    }

    /// Something that works but will surprise somebody, and what to do about it.
    pub fn warning(area: CheckArea, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Warning,
            hint: Some(hint.into()),
            ..Self::ok(area, what)
        }
    }

    /// Something that will not work, and what to do about it.
    pub fn problem(area: CheckArea, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: CheckStatus::Problem,
            ..Self::warning(area, what, hint)
        }
    }

    /// The same at this place.
    #[must_use]
    pub fn at(mut self, place: &dyn Display) -> Self {
        self.place = Some(place.to_string());
        self
    }
}

/// The worst of these; ok where there are none.
#[must_use]
pub fn worst_check(checks: &[Check]) -> CheckStatus {
    checks
        .iter()
        .map(|check| check.status)
        .max()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_check_counts() {
        let ok = Check::ok(CheckArea::Agent, "fine");
        let warning = Check::warning(CheckArea::Key, "odd", "Look.");
        let problem = Check::problem(CheckArea::Port, "taken", "Free it.").at(&"127.0.0.1:80");
        assert_eq!(worst_check(&[]), CheckStatus::Ok);
        assert_eq!(
            worst_check(&[warning.clone(), ok.clone()]),
            CheckStatus::Warning
        );
        assert_eq!(
            worst_check(&[ok, problem.clone(), warning]),
            CheckStatus::Problem
        );
        assert_eq!(problem.place.as_deref(), Some("127.0.0.1:80"));
    }
}
