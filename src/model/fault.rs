//! What can go wrong between a click and the bytes, by hop and by cause, with what to do next.
//!
//! Every layer below the engine has its own error type; each turns into a [`Fault`] at the engine's edge. Whether a fault
//! heals by waiting is decided here, once, by type.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::address::Destination;
use super::cluster::Route;
use super::ids::ServiceKey;
use super::words::Words;

/// Something that keeps a tunnel from working: where on the way it happened, and what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The hop that failed.
    pub hop: Hop,
    /// What happened there.
    pub cause: FaultCause,
}

/// A station on the way of the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hop {
    /// The listener on this computer.
    Local,
    /// An SSH server, as `user@address:port`: the host or one of its jump hosts.
    Ssh(String),
    /// The cluster's API, where addresses are looked up.
    Cluster,
    /// The destination behind the SSH host.
    Target(Destination),
}

/// How far an SSH session had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SshPhase {
    /// The two sides greet each other.
    Greeting,
    /// Keys are exchanged, and the host's is proved.
    KeyExchange,
    /// The account is logged in to.
    Login,
}

/// Why a host's key must not be accepted, not even by a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostKeyRefusal {
    /// It is marked `@revoked`.
    Revoked,
    /// Only a certificate authority vouches for the host (`@cert-authority`), and Adit verifies no certificates.
    CertAuthority {
        /// The name that the line is for.
        name: String,
    },
}

/// Who holds a local port, where the system tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortHolder {
    /// The process's id.
    pub pid: u32,
    /// The process's name.
    pub name: String,
}

/// A host's key that differs from the one that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedHostKey {
    /// The type of the key that was offered.
    pub key_type: String,
    /// The fingerprint of the key that was offered.
    pub fingerprint: String,
    /// The key that is held, as `ssh-ed25519 SHA256:…`.
    pub held: String,
    /// The name that known_hosts holds the host by, as `ssh-keygen -R` takes it.
    pub name: String,
    /// The file that holds another key.
    pub file: PathBuf,
    /// The line in that file, from 1.
    pub line: usize,
}

/// What happened. Times are those that were waited; texts of others are cleaned of control characters by their makers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultCause {
    /// The local port is taken.
    PortInUse {
        /// The address that could not be bound.
        address: SocketAddr,
        /// The process that holds it, if known.
        holder: Option<PortHolder>,
        /// A port near it that was free a moment ago.
        free_port: Option<u16>,
    },
    /// The local address cannot be bound for another reason (a privileged port, an address of another machine).
    BindFailed {
        /// The address as it was asked for.
        address: String,
        /// The system's reason.
        reason: Words,
    },
    /// The host's name does not resolve.
    NameNotFound {
        /// The name.
        host: String,
        /// The resolver's reason.
        reason: Words,
    },
    /// The SSH port refuses connections.
    ConnectRefused,
    /// The connection was reset as soon as it stood.
    ConnectReset,
    /// Nothing answered in time.
    ConnectTimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The connection cannot be made for another reason (no route, network down).
    ConnectFailed {
        /// The system's reason.
        reason: Words,
    },
    /// This computer lets Adit open no more files and sockets.
    TooManyFiles,
    /// The connection stands, and no session comes of it.
    HandshakeFailed {
        /// How far it had come.
        phase: SshPhase,
        /// What happened then.
        reason: Words,
    },
    /// The two sides share no algorithm of one kind.
    NoCommonAlgorithm {
        /// The kind, as ssh_config names it in the singular (`cipher`).
        kind: &'static str,
        /// What Adit offers.
        ours: Vec<String>,
        /// What the server offers.
        theirs: Vec<String>,
    },
    /// This jump host could not connect to the next host on the way: RFC 4254 reason code 2.
    NextHopUnreachable {
        /// The next host's SSH port.
        next: Destination,
    },
    /// This jump host forbids the way to the next host (`AllowTcpForwarding no`, `PermitOpen`): RFC 4254 reason code 1.
    NextHopForbidden {
        /// The next host's SSH port.
        next: Destination,
    },
    /// known_hosts could not be read or understood, so nothing can be verified.
    KnownHostsUnreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: Words,
    },
    /// The host's key is unknown and was not accepted.
    HostKeyUnknown {
        /// The key's type.
        key_type: String,
        /// Its SHA256 fingerprint.
        fingerprint: String,
        /// Names under which known_hosts holds this very key.
        known_as: Vec<String>,
    },
    /// The host's key differs from the one in known_hosts: possibly somebody in between.
    HostKeyChanged(Box<ChangedHostKey>),
    /// A line of known_hosts forbids the host's key.
    HostKeyRefused {
        /// In which way.
        why: HostKeyRefusal,
        /// The file that says so.
        file: PathBuf,
        /// The line in that file, from 1.
        line: usize,
    },
    /// A private key file cannot be read.
    KeyUnreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: Words,
    },
    /// A private key file can be read by others, which OpenSSH and Adit refuse.
    KeyPermissions {
        /// The file.
        path: PathBuf,
        /// Its permission bits, as in chmod.
        mode: u32,
    },
    /// A private key file is not one (a public key, a PuTTY .ppk, an unknown type).
    KeyFormat {
        /// The file.
        path: PathBuf,
        /// What it is instead: the rest of a sentence that begins with the file's name.
        reason: Words,
        /// What to do, where that is known.
        hint: Option<Box<Words>>,
    },
    /// A passphrase was wrong, or the question for it was cancelled.
    PassphraseRefused {
        /// The key file.
        path: PathBuf,
    },
    /// The server accepted none of the ways to log in.
    AuthRejected {
        /// The keys and methods that were tried, in order.
        tried: Vec<Words>,
        /// The methods that the server would accept, as it lists them.
        accepted: Vec<String>,
    },
    /// There was no key, agent or other way to log in to try at all.
    NothingToAuthenticateWith {
        /// The methods that the server would accept.
        accepted: Vec<String>,
    },
    /// The server forbids forwarding (`AllowTcpForwarding no`, `PermitOpen`): RFC 4254 reason code 1.
    ForwardingProhibited,
    /// The SSH server could not connect to the target: RFC 4254 reason code 2. libssh2 keeps only the code.
    TargetRefused,
    /// The SSH server did not say in time whether the target answers.
    TargetTimedOut {
        /// How long was waited.
        after: Duration,
    },
    /// The target took the connection and hung up without a word.
    TargetHungUp,
    /// The SSH server has no resources for another channel (`MaxSessions` and the like): RFC 4254 reason code 4.
    ServerExhausted,
    /// The SSH server does not know this kind of forwarding: RFC 4254 reason code 3.
    ForwardingUnsupported,
    /// The SSH connection was lost.
    SessionLost {
        /// How it was noticed.
        reason: Words,
    },
    /// The cluster has no such service (now).
    ServiceMissing {
        /// The service.
        service: ServiceKey,
    },
    /// The service has no such TCP port.
    PortMissing {
        /// The service.
        service: ServiceKey,
        /// The port asked for.
        port: u16,
        /// The TCP ports it does have.
        has: Vec<u16>,
    },
    /// The service's port is UDP or SCTP, which SSH cannot carry.
    NotTcp {
        /// The port.
        port: u16,
    },
    /// The service has nothing that the route needs (no MetalLB IP yet, no ready pod, no NodePort).
    RouteUnavailable {
        /// The route that was chosen, if one was.
        route: Option<Route>,
        /// What is missing, in words.
        reason: Words,
    },
    /// No cluster is chosen in which the service could be looked up.
    NoCluster,
    /// The cluster's API cannot be asked.
    ClusterUnavailable {
        /// Why, in words.
        reason: Words,
        /// What to do, where that is known.
        hint: Option<Box<Words>>,
    },
    /// Something in the profile or its options cannot be used.
    Config {
        /// What, and what to do about it.
        reason: Words,
    },
}

/// How a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// By itself, perhaps: Adit tries again with growing pauses, for ever.
    Retry,
    /// When the cluster changes: the next change of the service is waited for.
    WaitForCluster,
    /// Only when the person does something.
    NeedsPerson,
}

impl FaultCause {
    /// Whether trying again can help.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        match self {
            Self::NameNotFound { .. }
            | Self::ConnectRefused
            | Self::ConnectReset
            | Self::ConnectTimedOut { .. }
            | Self::ConnectFailed { .. }
            | Self::TooManyFiles
            | Self::HandshakeFailed { .. }
            | Self::NextHopUnreachable { .. }
            | Self::TargetRefused
            | Self::TargetTimedOut { .. }
            | Self::TargetHungUp
            | Self::ServerExhausted
            | Self::SessionLost { .. } => Recovery::Retry,
            Self::ServiceMissing { .. }
            | Self::PortMissing { .. }
            | Self::RouteUnavailable { .. }
            | Self::NoCluster
            | Self::ClusterUnavailable { .. } => Recovery::WaitForCluster,
            Self::PortInUse { .. }
            | Self::BindFailed { .. }
            | Self::NoCommonAlgorithm { .. }
            | Self::NextHopForbidden { .. }
            | Self::KnownHostsUnreadable { .. }
            | Self::HostKeyUnknown { .. }
            | Self::HostKeyChanged(_)
            | Self::HostKeyRefused { .. }
            | Self::KeyUnreadable { .. }
            | Self::KeyPermissions { .. }
            | Self::KeyFormat { .. }
            | Self::PassphraseRefused { .. }
            | Self::AuthRejected { .. }
            | Self::NothingToAuthenticateWith { .. }
            | Self::ForwardingProhibited
            | Self::ForwardingUnsupported
            | Self::NotTcp { .. }
            | Self::Config { .. } => Recovery::NeedsPerson,
        }
    }

    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::PortInUse { .. } => "port-in-use",
            Self::BindFailed { .. } => "bind-failed",
            Self::NameNotFound { .. } => "name-not-found",
            Self::ConnectRefused => "connect-refused",
            Self::ConnectReset => "connect-reset",
            Self::ConnectTimedOut { .. } => "connect-timed-out",
            Self::ConnectFailed { .. } => "connect-failed",
            Self::TooManyFiles => "too-many-files",
            Self::HandshakeFailed { .. } => "handshake-failed",
            Self::NoCommonAlgorithm { .. } => "no-common-algorithm",
            Self::NextHopUnreachable { .. } => "next-hop-unreachable",
            Self::NextHopForbidden { .. } => "next-hop-forbidden",
            Self::KnownHostsUnreadable { .. } => "known-hosts-unreadable",
            Self::HostKeyUnknown { .. } => "host-key-unknown",
            Self::HostKeyChanged(_) => "host-key-changed",
            Self::HostKeyRefused { .. } => "host-key-refused",
            Self::KeyUnreadable { .. } => "key-unreadable",
            Self::KeyPermissions { .. } => "key-permissions",
            Self::KeyFormat { .. } => "key-format",
            Self::PassphraseRefused { .. } => "passphrase-refused",
            Self::AuthRejected { .. } => "auth-rejected",
            Self::NothingToAuthenticateWith { .. } => "nothing-to-authenticate-with",
            Self::ForwardingProhibited => "forwarding-prohibited",
            Self::TargetRefused => "target-refused",
            Self::TargetTimedOut { .. } => "target-timed-out",
            Self::TargetHungUp => "target-hung-up",
            Self::ServerExhausted => "server-exhausted",
            Self::ForwardingUnsupported => "forwarding-unsupported",
            Self::SessionLost { .. } => "session-lost",
            Self::ServiceMissing { .. } => "service-missing",
            Self::PortMissing { .. } => "port-missing",
            Self::NotTcp { .. } => "not-tcp",
            Self::RouteUnavailable { .. } => "route-unavailable",
            Self::NoCluster => "no-cluster",
            Self::ClusterUnavailable { .. } => "cluster-unavailable",
            Self::Config { .. } => "config",
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("this computer"),
            Self::Ssh(login) => f.write_str(login),
            Self::Cluster => f.write_str("the cluster"),
            Self::Target(destination) => write!(f, "{destination}"),
        }
    }
}
