//! A host as the person saved it: what they said about it, not what ssh_config makes of that.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::cluster::ClusterSource;
use super::ids::HostId;
use super::words::{Words, words};

/// A saved host. What is not said here is filled in by ssh_config each time the host becomes known, as for `ssh`; so a
/// change of those files is followed. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedHost {
    /// What the person calls it; see [`SavedHost::check_name`].
    #[serde(rename = "name")]
    pub id: HostId,
    /// Host name, alias of ssh_config, or IP address (without brackets).
    pub address: String,
    /// The account; none leaves it to ssh_config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The SSH port; none leaves it to ssh_config.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Private key files, tried in this order. A path may begin with `~/`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identities: Vec<PathBuf>,
    /// The hosts on the way, nearest first: names of saved hosts, or `[USER@]HOST[:PORT]`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jumps: Vec<String>,
    /// Further options as ssh's `-o` takes them, `KEY=VALUE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The cluster to watch while this host is selected; none looks for a kubeconfig on the host itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterSource>,
}

/// Why a text cannot be the name of a saved host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.words())]
pub enum HostNameError {
    /// There is nothing in it.
    Empty,
    /// It has more than [`SavedHost::MAX_NAME_BYTES`].
    TooLong,
    /// It begins with something that would be taken for an option, or for a hidden file.
    Start,
    /// It holds something that would be taken for a user, a port or a path.
    Letter,
}

impl HostNameError {
    /// What is wrong, without a full stop.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::Empty => words!("the name is empty"),
            Self::TooLong => words!(
                "the name is too long: at most {bytes} bytes",
                bytes = SavedHost::MAX_NAME_BYTES
            ),
            Self::Start => words!("a name begins with a letter or a digit"),
            Self::Letter => words!("a name holds letters, digits, '.', '_' and '-' only"),
        }
    }
}

impl SavedHost {
    /// How long a name may be: Windows' keyring has a limit on names as well.
    pub const MAX_NAME_BYTES: usize = 100;

    /// A host of this name at this address, with all else left to ssh_config.
    #[must_use]
    pub fn new(name: &str, address: &str) -> Self {
        Self {
            id: HostId::new(name),
            address: address.to_owned(),
            user: None,
            port: None,
            identities: Vec::new(),
            jumps: Vec::new(),
            options: Vec::new(),
            cluster: None,
        }
    }

    /// Whether a text can be the name of a saved host. Letters of every script are, but nothing that `[USER@]HOST[:PORT]`
    /// needs: so a name is never taken for an address with a user or a port.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check_name(name: &str) -> Result<(), HostNameError> {
        if name.len() > Self::MAX_NAME_BYTES {
            return Err(HostNameError::TooLong);
        }
        let first = name.chars().next().ok_or(HostNameError::Empty)?;
        if !first.is_alphanumeric() {
            return Err(HostNameError::Start);
        }
        let is_good = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.chars().all(is_good) {
            Ok(())
        } else {
            Err(HostNameError::Letter)
        }
    }

    /// The cluster to watch while this host is selected.
    #[must_use]
    pub fn cluster_source(&self) -> ClusterSource {
        self.cluster
            .clone()
            .unwrap_or_else(|| ClusterSource::on_host(self.id.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_never_taken_for_addresses_or_options() {
        for name in ["node1", "prod.eu-1", "서울", "203.0.113.7", "a_b"] {
            assert_eq!(SavedHost::check_name(name), Ok(()), "{name}");
        }
        let long = "x".repeat(101);
        for (name, expected) in [
            ("", HostNameError::Empty),
            ("-oProxyCommand", HostNameError::Start),
            (".hidden", HostNameError::Start),
            ("ubuntu@host", HostNameError::Letter),
            ("host:22", HostNameError::Letter),
            ("a/b", HostNameError::Letter),
            ("a b", HostNameError::Letter),
            ("a\u{1b}[31m", HostNameError::Letter),
            (long.as_str(), HostNameError::TooLong),
        ] {
            assert_eq!(SavedHost::check_name(name), Err(expected), "{name}");
        }
    }
}
