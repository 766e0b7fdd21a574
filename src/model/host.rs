//! Host profiles: how an SSH host is reached and who it must prove to be.

use std::path::PathBuf;
use std::time::Duration;

use super::ids::HostId;

/// What to do about a host key that known_hosts does not hold (`StrictHostKeyChecking` in `ssh_config(5)`). A key that
/// differs from the one held is refused under every policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HostKeyPolicy {
    /// Ask the person, showing the fingerprint.
    #[default]
    Ask,
    /// Add it to known_hosts without asking.
    AcceptNew,
    /// Refuse the connection.
    Strict,
}

/// Everything needed to reach one SSH host and to log in there. Holds no secret: those are asked for, or come from the
/// keyring, when they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostProfile {
    /// What the person calls the host.
    pub id: HostId,
    /// Host name or IP address that is dialled.
    pub address: String,
    /// SSH port.
    pub port: u16,
    /// User name to log in as.
    pub user: String,
    /// Private key files, tried in this order.
    pub identities: Vec<PathBuf>,
    /// Whether keys that ssh-agent offers are tried besides `identities` (the opposite of `IdentitiesOnly`).
    pub use_agent: bool,
    /// The agent's socket, where it is not `SSH_AUTH_SOCK` (`IdentityAgent`).
    pub agent_socket: Option<PathBuf>,
    /// The person's known_hosts files: all are read, the first is written to.
    pub known_hosts: Vec<PathBuf>,
    /// The machine's known_hosts files: read only.
    pub global_known_hosts: Vec<PathBuf>,
    /// The name under which known_hosts holds the key, where it is not the address (`HostKeyAlias`).
    pub host_key_alias: Option<String>,
    /// What to do about an unknown host key.
    pub host_key_policy: HostKeyPolicy,
    /// The hosts on the way there, nearest first (`ProxyJump`).
    pub jumps: Vec<HostProfile>,
    /// How long each hop may take from the first packet to the end of the key exchange.
    pub connect_timeout: Duration,
    /// How long the server may be silent before it is asked for a sign of life.
    pub keepalive_interval: Duration,
    /// How many such questions may go unanswered before the connection counts as lost.
    pub keepalive_count_max: u32,
    /// Whether the transport asks for zlib compression.
    pub compression: bool,
    /// Ciphers, MACs, key exchanges and key types in order of preference, comma-separated as in ssh_config; none leaves
    /// the choice to Adit.
    pub ciphers: Option<String>,
    /// `MACs`.
    pub macs: Option<String>,
    /// `KexAlgorithms`.
    pub kex_algorithms: Option<String>,
    /// `HostKeyAlgorithms`.
    pub host_key_algorithms: Option<String>,
}

impl HostProfile {
    /// A profile of `user` at `address:port` with everything else at its default and no identity yet.
    #[must_use]
    pub fn new(user: &str, address: &str, port: u16) -> Self {
        Self {
            id: HostId::new(address),
            address: address.to_owned(),
            port,
            user: user.to_owned(),
            identities: Vec::new(),
            use_agent: true,
            agent_socket: None,
            known_hosts: Vec::new(),
            global_known_hosts: Vec::new(),
            host_key_alias: None,
            host_key_policy: HostKeyPolicy::Ask,
            jumps: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(5),
            keepalive_count_max: 2,
            compression: false,
            ciphers: None,
            macs: None,
            kex_algorithms: None,
            host_key_algorithms: None,
        }
    }

    /// `user@address`, with the port where it is not 22: how the host is named in messages.
    #[must_use]
    pub fn login(&self) -> String {
        let Self {
            user,
            address,
            port,
            ..
        } = self;
        if *port == 22 {
            format!("{user}@{address}")
        } else {
            format!("{user}@{address}:{port}")
        }
    }

    /// The name and port that known_hosts is searched for.
    #[must_use]
    pub fn known_hosts_name(&self) -> &str {
        self.host_key_alias.as_deref().unwrap_or(&self.address)
    }
}
