//! The hosts of the person's own ssh_config, to choose from.

use super::forward::ForwardSpec;
use super::words::Words;

/// What there is to choose from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SshHosts {
    /// The file that was read, as `~/.ssh/config`.
    pub file: String,
    /// Its hosts that are named without wildcards, in its order.
    pub hosts: Vec<SshHost>,
    /// What keeps the file from being read.
    pub problem: Option<Words>,
}

/// A host of ssh_config.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshHost {
    /// The name that `Host` gives it.
    pub alias: String,
    /// What ssh_config makes of it, or why that makes no sense.
    pub resolved: Result<ResolvedSshHost, Words>,
}

/// What ssh_config makes of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolvedSshHost {
    /// `user@address:port`.
    pub login: String,
    /// Its private key files that exist or are named.
    pub identities: Vec<String>,
    /// The jump hosts on the way, nearest first, as `user@address`.
    pub via: Vec<String>,
    /// Its `LocalForward`s.
    pub forwards: Vec<ForwardSpec>,
}
