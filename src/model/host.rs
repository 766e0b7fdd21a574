//! Host profiles: how an SSH host is reached and who it must prove to be.

use std::path::PathBuf;
use std::time::Duration;

use super::cluster::Family;
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

/// A way to log in (RFC 4252).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginMethod {
    /// `publickey`.
    PublicKey,
    /// `keyboard-interactive`.
    KeyboardInteractive,
    /// `password`.
    Password,
}

impl LoginMethod {
    /// Every method, in OpenSSH's order.
    pub const ALL: [Self; 3] = [Self::PublicKey, Self::KeyboardInteractive, Self::Password];

    /// The name that is sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PublicKey => "publickey",
            Self::KeyboardInteractive => "keyboard-interactive",
            Self::Password => "password",
        }
    }
}

/// Everything needed to reach one SSH host and to log in there. Holds no secret: those are asked for, or come from the
/// keyring, when they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are ssh_config's own flags"
)]
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
    /// OpenSSH certificates (`CertificateFile`), each for one of the identities or for a key in the agent.
    pub certificates: Vec<PathBuf>,
    /// Whether ssh-agent is asked at all (`IdentityAgent none` is no).
    pub use_agent: bool,
    /// Whether of the agent's keys only those are tried that `identities` or `certificates` name (`IdentitiesOnly`).
    pub identities_only: bool,
    /// The agent's socket, where it is not `SSH_AUTH_SOCK` (`IdentityAgent`).
    pub agent_socket: Option<PathBuf>,
    /// The ways to log in that may be tried, in this order.
    pub login_methods: Vec<LoginMethod>,
    /// How often a password may be asked for (`NumberOfPasswordPrompts`).
    pub password_prompts: u32,
    /// Whether the person must never be asked anything (`BatchMode`).
    pub batch_mode: bool,
    /// The key types and signatures that may be used to log in (`PubkeyAcceptedAlgorithms`), comma-separated.
    pub pubkey_accepted_algorithms: Option<String>,
    /// The person's known_hosts files: all are read, the first is written to.
    pub known_hosts: Vec<PathBuf>,
    /// The machine's known_hosts files: read only.
    pub global_known_hosts: Vec<PathBuf>,
    /// The name under which known_hosts holds the key, where it is not the address (`HostKeyAlias`).
    pub host_key_alias: Option<String>,
    /// Whether names are hashed when a host is added to known_hosts (`HashKnownHosts`).
    pub hash_known_hosts: bool,
    /// What to do about an unknown host key.
    pub host_key_policy: HostKeyPolicy,
    /// The hosts on the way there, nearest first (`ProxyJump`).
    pub jumps: Vec<HostProfile>,
    /// A command, ready for the shell, whose input and output take the place of the TCP connection to this host
    /// (`ProxyCommand`). Then there are no `jumps`.
    pub proxy_command: Option<String>,
    /// The only kind of address to dial (`AddressFamily`); none is either.
    pub address_family: Option<Family>,
    /// The local address to dial from (`BindAddress`).
    pub bind_address: Option<String>,
    /// How long each hop may take from the first packet to the end of the key exchange.
    pub connect_timeout: Duration,
    /// How long the server may be silent before it is asked for a sign of life; zero never asks.
    pub keepalive_interval: Duration,
    /// How many such questions may go unanswered before the connection counts as lost.
    pub keepalive_count_max: u32,
    /// How many sessions to the host may share the tunnels' connections (`AditSessions`). The first is made when a tunnel is opened, others
    /// when it has enough to do.
    pub max_sessions: usize,
    /// Whether channels may be opened ahead of need, for targets that clients connect to in quick succession over a long path
    /// (`AditOpenAhead`). The target sees connections that say nothing yet.
    pub opens_ahead: bool,
    /// Whether the command `true` is run on the host after each login (`AditNoDelay`): upon it sshd turns Nagle's algorithm off for
    /// the session, and small answers come one round trip sooner over a long path. None is where the host is asked about itself anyway,
    /// because a cluster is watched.
    pub no_delay: Option<bool>,
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
            certificates: Vec::new(),
            use_agent: true,
            identities_only: false,
            agent_socket: None,
            login_methods: LoginMethod::ALL.to_vec(),
            password_prompts: 3,
            batch_mode: false,
            pubkey_accepted_algorithms: None,
            known_hosts: Vec::new(),
            global_known_hosts: Vec::new(),
            host_key_alias: None,
            hash_known_hosts: false,
            host_key_policy: HostKeyPolicy::Ask,
            jumps: Vec::new(),
            proxy_command: None,
            address_family: None,
            bind_address: None,
            connect_timeout: Duration::from_secs(10),
            keepalive_interval: Duration::from_secs(5),
            keepalive_count_max: 2,
            max_sessions: 4,
            opens_ahead: true,
            no_delay: None,
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

    /// The name that known_hosts is searched for.
    #[must_use]
    pub fn known_hosts_name(&self) -> &str {
        self.host_key_alias.as_deref().unwrap_or(&self.address)
    }

    /// The port that known_hosts is searched for: an alias carries none, which is the same as 22.
    #[must_use]
    pub const fn known_hosts_port(&self) -> u16 {
        match self.host_key_alias {
            Some(_) => 22,
            None => self.port,
        }
    }
}
