//! What the command line says about an SSH host, in ssh_config's own terms.

use std::path::PathBuf;

use super::args::ViaArgs;
use super::destination::Login;

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

/// A host as it was named on the command line, with all that was said about it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostQuery {
    /// The name that was typed: an alias of ssh_config, a host name or an address.
    pub host: String,
    /// Keywords of `ssh_config(5)` in lower case with their values, those that win first.
    pub options: Vec<(String, String)>,
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

    /// The value that wins.
    #[must_use]
    pub fn first(&self, key: &str) -> Option<&str> {
        let found = self.options.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Every value, for the keywords that add up (`IdentityFile`, `LocalForward`).
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.options
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a keyword that is yes or no.
    ///
    /// # Errors
    /// A sentence, where it is something else.
    pub fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        match self.first(key).map(str::to_ascii_lowercase).as_deref() {
            None => Ok(default),
            Some("yes" | "true") => Ok(true),
            Some("no" | "false") => Ok(false),
            Some(other) => Err(format!("-o {key}={other}: the value is yes or no")),
        }
    }

    pub(super) fn push(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value {
            self.options.push((key.to_owned(), value));
        }
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
        let login = Login::with_port(host)?;
        let mut query = Self::new(&login.host);
        query.push("user", login.user);
        query.push("port", login.port.map(|port| port.to_string()));
        if let Some(identity) = &via.identity {
            let path = identity
                .to_str()
                .ok_or_else(|| format!("the path {} is not UTF-8", identity.display()))?;
            query.push("identityfile", Some(path.to_owned()));
        }
        Ok(Some(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_flags_become_keywords() {
        let via = ViaArgs {
            host: Some("ubuntu@203.0.113.7:2222".to_owned()),
            identity: Some(PathBuf::from("key.pem")),
        };
        let query = HostQuery::of_via(&via).unwrap().unwrap();
        assert_eq!(query.host, "203.0.113.7");
        assert_eq!(query.first("user"), Some("ubuntu"));
        assert_eq!(query.first("port"), Some("2222"));
        assert_eq!(query.first("identityfile"), Some("key.pem"));
        assert_eq!(HostQuery::of_via(&ViaArgs::default()), Ok(None));
    }

    #[test]
    fn an_identity_needs_a_host() {
        let via = ViaArgs {
            host: None,
            identity: Some(PathBuf::from("key.pem")),
        };
        assert!(HostQuery::of_via(&via).unwrap_err().contains("--host"));
    }
}
