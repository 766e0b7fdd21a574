//! What the command line says about an SSH host, in ssh's own terms.

use std::path::{Path, PathBuf};

use super::args::ViaArgs;
use crate::model::Login;

/// Which configuration files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ConfigFile {
    /// `~/.ssh/config`, then the machine's.
    #[default]
    Default,
    /// None at all (`-F none`).
    None,
    /// This one alone (`-F FILE`).
    File(PathBuf),
}

/// An option about a host, as ssh's command line has it. What it means is for ssh_config to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostOption {
    /// `-o KEY=VALUE`.
    Option(String),
    /// `-l`.
    User(String),
    /// `-p`.
    Port(u16),
    /// `-J`.
    Jump(String),
    /// `-i`.
    Identity(String),
    /// `-L`.
    LocalForward(String),
    /// `-D`.
    DynamicForward(String),
}

/// A host as it was named on the command line, with all that was said about it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostQuery {
    /// The name that was typed: an alias of ssh_config, a host name or an address.
    pub host: String,
    /// What was said about it, what wins first.
    pub options: Vec<HostOption>,
    /// The files that fill in what is not said here.
    pub config: ConfigFile,
}

impl HostQuery {
    /// A host of which only the name is known.
    #[must_use]
    pub fn new(host: &str) -> Self {
        Self {
            host: host.to_owned(),
            options: Vec::new(),
            config: ConfigFile::Default,
        }
    }

    /// The key files that were named on the command line.
    pub fn identities(&self) -> impl Iterator<Item = &str> {
        self.options.iter().filter_map(|option| match option {
            HostOption::Identity(path) => Some(path.as_str()),
            _ => None,
        })
    }

    /// Adds an option, if it was given.
    pub(super) fn push<T>(&mut self, option: fn(T) -> HostOption, value: Option<T>) {
        self.options.extend(value.map(option));
    }

    /// Adds an option of ssh_config, if it has a value.
    pub(super) fn set(&mut self, key: &str, value: Option<&str>) {
        let option = value.map(|value| HostOption::Option(format!("{key}={value}")));
        self.options.extend(option);
    }

    /// Adds a key file.
    ///
    /// # Errors
    /// A sentence, where the path cannot stand in ssh_config.
    pub(super) fn add_identity(&mut self, path: &Path) -> Result<(), String> {
        let text = path
            .to_str()
            .ok_or_else(|| format!("the path {} is not UTF-8", path.display()))?;
        self.options.push(HostOption::Identity(text.to_owned()));
        Ok(())
    }

    /// The host of `--host` and `--identity`, if there is one.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub(super) fn of_via(via: &ViaArgs) -> Result<Option<Self>, String> {
        let Some(host) = &via.host else {
            return match &via.identity {
                Some(_) => {
                    Err("--identity says how to log in to a host: name it with --host".to_owned())
                }
                None => Ok(None),
            };
        };
        Self::of_login(host, via).map(Some)
    }

    /// The hosts of `--fallback-host`, to which the same key leads.
    ///
    /// # Errors
    /// A sentence that says what is wrong with one.
    pub(super) fn of_fallbacks(via: &ViaArgs) -> Result<Vec<Self>, String> {
        let hosts = via.fallback_host.iter();
        hosts.map(|host| Self::of_login(host, via)).collect()
    }

    fn of_login(host: &str, via: &ViaArgs) -> Result<Self, String> {
        let login = Login::with_port(host)?;
        let mut query = Self::new(&login.host);
        query.push(HostOption::User, login.user);
        query.push(HostOption::Port, login.port);
        if let Some(identity) = &via.identity {
            query.add_identity(identity)?;
        }
        if let Some(file) = &via.ssh_config {
            query.config = ConfigFile::File(file.clone());
        }
        Ok(query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_flags_become_options() {
        let via = ViaArgs {
            host: Some("ubuntu@203.0.113.7:2222".to_owned()),
            identity: Some(PathBuf::from("key.pem")),
            ..ViaArgs::default()
        };
        let query = HostQuery::of_via(&via).unwrap().unwrap();
        assert_eq!(query.host, "203.0.113.7");
        let options = [
            HostOption::User("ubuntu".to_owned()),
            HostOption::Port(2222),
            HostOption::Identity("key.pem".to_owned()),
        ];
        assert_eq!(query.options, options);
        assert_eq!(query.identities().collect::<Vec<_>>(), ["key.pem"]);
        assert_eq!(HostQuery::of_via(&ViaArgs::default()), Ok(None));
    }

    #[test]
    fn an_identity_needs_a_host() {
        let via = ViaArgs {
            host: None,
            identity: Some(PathBuf::from("key.pem")),
            ..ViaArgs::default()
        };
        assert!(HostQuery::of_via(&via).unwrap_err().contains("--host"));
    }
}
