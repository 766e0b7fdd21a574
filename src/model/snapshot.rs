//! What the faces see: one immutable picture of everything, replaced as a whole when anything changes.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use imbl::{OrdMap, Vector};

use super::address::{Destination, LocalBind, Target};
use super::cluster::{
    AddressPool, ClusterGap, ClusterNode, ClusterSource, ClusterState, LbService, Route,
};
use super::fault::{Fault, PortHolder};
use super::host::HostProfile;
use super::ids::{HostId, Namespace, ServiceKey, TunnelId};
use super::key::KeyCheck;
use super::probe::{ProbeReport, ProbeTarget};
use super::prompt::{Prompt, PromptId};
use super::role::HostRole;
use super::saved_host::SavedHost;
use super::settings::Settings;
use super::ssh_hosts::SshHosts;
use super::time::Moment;
use super::vault_status::VaultStatus;
use super::words::Words;

/// How many connections of a tunnel are shown.
pub const CONNECTIONS_SHOWN: usize = 100;

/// How many entries the log has.
pub const LOG_KEPT: usize = 400;

/// What is wanted of a tunnel. The only thing about it that is stored; all else follows from it and from the facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Intent {
    /// Open, and kept open.
    Up,
    /// Closed.
    #[default]
    Down,
}

/// A tunnel as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelSpec {
    /// Its id.
    pub id: TunnelId,
    /// The SSH host that carries it.
    pub host: HostId,
    /// Where it listens.
    pub local: LocalBind,
    /// What it leads to.
    pub target: Target,
}

/// Where a tunnel stands. Each variant owns what is known in that state, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TunnelState {
    /// Closed, its port free.
    #[default]
    Off,
    /// The local port is being bound.
    Binding,
    /// The target's address is being looked up.
    Resolving,
    /// The SSH connection is being made.
    Dialing {
        /// The hop that is being dialled, as `user@address`.
        hop: String,
    },
    /// A question waits for the person.
    Asking(PromptId),
    /// A channel to the target is being opened, to know that it answers.
    Proving,
    /// A channel to the target was opened: it works.
    Open {
        /// When that was first known.
        since: Moment,
    },
    /// It broke, or has not worked yet, and is tried again.
    Waiting {
        /// How many tries have failed in a row, from 1.
        attempt: u32,
        /// When it is tried again; none where a change of the cluster is waited for.
        retry_at: Option<Moment>,
        /// What broke.
        fault: Fault,
    },
    /// It takes the person to go on.
    Failed(Fault),
}

/// A tunnel's state in one colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Light {
    /// Off.
    Grey,
    /// On its way, or on its way back.
    Amber,
    /// Proved to work.
    Green,
    /// Needs the person.
    Red,
}

impl TunnelState {
    /// Green for [`TunnelState::Open`] alone.
    #[must_use]
    pub const fn light(&self) -> Light {
        match self {
            Self::Off => Light::Grey,
            Self::Open { .. } => Light::Green,
            Self::Failed(_) => Light::Red,
            Self::Binding
            | Self::Resolving
            | Self::Dialing { .. }
            | Self::Asking(_)
            | Self::Proving
            | Self::Waiting { .. } => Light::Amber,
        }
    }

    /// What is wrong, where something is.
    #[must_use]
    pub const fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Waiting { fault, .. } | Self::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    /// One word for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Binding => "binding",
            Self::Resolving => "resolving",
            Self::Dialing { .. } => "dialing",
            Self::Asking(_) => "asking",
            Self::Proving => "proving",
            Self::Open { .. } => "open",
            Self::Waiting { .. } => "waiting",
            Self::Failed(_) => "failed",
        }
    }
}

/// What has gone through a tunnel since the engine started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes from the target to local clients.
    pub down_bytes: u64,
    /// Bytes from local clients to the target.
    pub up_bytes: u64,
    /// Connections that are open now.
    pub connections: u32,
    /// Connections that were ever accepted.
    pub connections_total: u64,
    /// Connections whose channel could not be opened.
    pub refused_total: u64,
}

/// A connection that goes through a tunnel now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where the client is; none where it came by a Unix socket.
    pub peer: Option<SocketAddr>,
    /// The program that opened it, as far as that was asked for and the system tells.
    pub client: Client,
    /// Since when.
    pub since: Moment,
    /// Bytes from the target to the client.
    pub down_bytes: u64,
    /// Bytes from the client to the target.
    pub up_bytes: u64,
}

/// Which program a connection belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// The system does not tell.
    Unknown,
    /// This one.
    Program(PortHolder),
}

/// A tunnel as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelStatus {
    /// As it was asked for.
    pub spec: TunnelSpec,
    /// What is wanted.
    pub intent: Intent,
    /// Where it stands.
    pub state: TunnelState,
    /// The addresses it listens on; empty while it is not bound.
    pub listening: Vec<ListenAddress>,
    /// What the SSH host dials for it, once known.
    pub destination: Option<Destination>,
    /// The route that `destination` takes, for tunnels of services.
    pub route: Option<Route>,
    /// Why that route, in a sentence.
    pub route_reason: Option<Words>,
    /// Whether it belongs to another cluster than the one that is watched, whose service has the same name.
    pub is_elsewhere: bool,
    /// What has gone through it.
    pub traffic: Traffic,
}

impl TunnelStatus {
    /// A tunnel that nobody has wanted yet.
    #[must_use]
    pub fn new(spec: TunnelSpec) -> Self {
        Self {
            spec,
            intent: Intent::Down,
            state: TunnelState::Off,
            listening: Vec::new(),
            destination: None,
            route: None,
            route_reason: None,
            is_elsewhere: false,
            traffic: Traffic::default(),
        }
    }

    /// The first TCP address it listens on.
    #[must_use]
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.listening.iter().find_map(|listen| match listen {
            ListenAddress::Tcp(address) => Some(*address),
            ListenAddress::Socket(_) => None,
        })
    }
}

/// An address that a tunnel listens on now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Socket(PathBuf),
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// Where the SSH connection to a host stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum LinkStatus {
    /// Nobody needs it.
    #[default]
    Idle,
    /// It is being made.
    Dialing {
        /// The hop that is being dialled.
        hop: String,
    },
    /// A question waits for the person.
    Asking(PromptId),
    /// It stands.
    Up {
        /// Since when.
        since: Moment,
        /// Facts about the session.
        session: SessionFacts,
    },
    /// It broke and is tried again.
    Waiting {
        /// How many tries have failed in a row, from 1.
        attempt: u32,
        /// When it is tried again.
        retry_at: Moment,
        /// What broke.
        fault: Fault,
    },
    /// It takes the person to go on.
    Failed(Fault),
}

/// What is known of an SSH session that stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionFacts {
    /// The server's identification, as `SSH-2.0-OpenSSH_9.2p1`, cleaned of control characters.
    pub server: String,
    /// The cipher of the direction towards this computer.
    pub cipher: String,
    /// The fingerprint of the host key that was verified.
    pub host_key: String,
    /// The way the person was authenticated, in words.
    pub authenticated_by: String,
    /// The jump hosts on the way, as `user@address`, nearest first.
    pub via: Vec<String>,
    /// How long the TCP connection to the first hop took to be made, in microseconds: about one round trip. 0 where there is none.
    pub connect_micros: u64,
}

/// A host and its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostStatus {
    /// The profile.
    pub profile: HostProfile,
    /// Its connection.
    pub link: LinkStatus,
    /// What it is to the cluster that is watched.
    pub role: HostRole,
}

/// The cluster that is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterStatus {
    /// As it was asked for.
    pub source: ClusterSource,
    /// The context's name, once the kubeconfig was read.
    pub context: Option<String>,
    /// The API server's URL, once the kubeconfig was read.
    pub server: Option<String>,
    /// How current the view is.
    pub state: ClusterState,
    /// The one namespace that is watched, where this person may not list services of them all.
    pub limited_to: Option<Namespace>,
    /// What cannot be seen although the services can.
    pub gaps: Vec<ClusterGap>,
    /// A Role or `ClusterRole` that would grant exactly what is not allowed, as YAML to copy; none where nothing is refused.
    pub missing_role: Option<Arc<str>>,
    /// MetalLB's pools by name; none where they are not known.
    pub pools: Option<Arc<[AddressPool]>>,
    /// The nodes by name; none where they are not known.
    pub nodes: Option<Arc<[ClusterNode]>>,
    /// The services of all types, by namespace and name.
    pub services: OrdMap<ServiceKey, Arc<LbService>>,
}

/// Something the person is told once, that no row or hop shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: Moment,
    /// What it is about, where it is about a tunnel.
    pub tunnel: Option<TunnelId>,
    /// What happened.
    pub text: Words,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// When.
    pub at: Moment,
    /// How much it matters.
    pub level: LogLevel,
    /// What it is about.
    pub about: LogSubject,
    /// What happened.
    pub text: Words,
}

/// How much an entry of the log matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogLevel {
    /// A step on the way.
    Detail,
    /// Something came or went, as it should.
    #[default]
    Info,
    /// Something broke that is tried again.
    Warning,
    /// It takes the person to go on.
    Error,
}

impl LogLevel {
    /// Every level, the least first.
    pub const ALL: [Self; 4] = [Self::Detail, Self::Info, Self::Warning, Self::Error];
}

/// What an entry of the log is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// A tunnel.
    Tunnel(TunnelId),
    /// The connection to a host.
    Host(HostId),
    /// The view of the cluster.
    Cluster,
    /// Adit itself.
    Adit,
}

/// One picture of everything. Cheap to clone: the maps are persistent and the rest is shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When it was taken.
    pub now: Moment,
    /// The cluster.
    pub cluster: ClusterStatus,
    /// The hosts, in the order in which they became known.
    pub hosts: Vec<Arc<HostStatus>>,
    /// The hosts that are saved, by name, as the person saved them. One that ssh_config makes no sense of is not among
    /// `hosts`.
    pub saved_hosts: OrdMap<HostId, Arc<SavedHost>>,
    /// Where the keyring stands, which keeps saved hosts and secrets.
    pub vault: VaultStatus,
    /// The host that carries the tunnels of services opened from now on.
    pub selected_host: Option<HostId>,
    /// Every tunnel that is, or was, wanted.
    pub tunnels: OrdMap<TunnelId, Arc<TunnelStatus>>,
    /// The newest connections of each tunnel that carries some, newest first; at most [`CONNECTIONS_SHOWN`] each.
    pub connections: OrdMap<TunnelId, Arc<[Connection]>>,
    /// What has happened, oldest first: the newest [`LOG_KEPT`].
    pub log: Vector<Arc<LogEntry>>,
    /// Questions, oldest first; the first is the one to show.
    pub prompts: Vec<Prompt>,
    /// The newest notices, oldest first.
    pub notices: Vec<Notice>,
    /// The newest probe of each target, oldest first; of those that are over only a few are kept.
    pub probes: Vec<Arc<ProbeReport>>,
    /// The hosts of ssh_config, once they were asked for.
    pub ssh_hosts: Option<Arc<SshHosts>>,
    /// Why hosts that were to be tried cannot be: ssh_config makes no sense of them.
    pub host_problems: Vec<(HostId, Words)>,
    /// The private key files that were looked at, each once, the latest last.
    pub key_checks: Vec<KeyCheck>,
    /// What is remembered between runs.
    pub settings: Arc<Settings>,
    /// The engine has been told to end and has closed everything.
    pub ended: bool,
}

impl Snapshot {
    /// The tunnel of this port of this service, if it was ever wanted.
    #[must_use]
    pub fn tunnel_of(&self, service: &ServiceKey, port: u16) -> Option<&Arc<TunnelStatus>> {
        self.tunnels.get(&TunnelId::service(service.clone(), port))
    }

    /// The newest probe of this target.
    #[must_use]
    pub fn probe_of(&self, target: &ProbeTarget) -> Option<&Arc<ProbeReport>> {
        self.probes.iter().find(|probe| probe.target == *target)
    }

    /// The notices after this one, or all of them; only the newest are kept, so that it may have gone meanwhile.
    #[must_use]
    pub fn notices_after(&self, last: Option<&Notice>) -> &[Notice] {
        let known = last.and_then(|last| self.notices.iter().rposition(|notice| notice == last));
        &self.notices[known.map_or(0, |place| place + 1)..]
    }

    /// The host of this id.
    #[must_use]
    pub fn host(&self, id: &HostId) -> Option<&Arc<HostStatus>> {
        self.hosts.iter().find(|host| host.profile.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_told_once() {
        let notice = |text: &str| Notice {
            at: Moment::default(),
            tunnel: None,
            text: text.to_owned().into(),
        };
        let mut snapshot = Snapshot {
            notices: vec![notice("a"), notice("b")],
            ..Snapshot::default()
        };
        assert_eq!(snapshot.notices_after(None).len(), 2);
        let last = snapshot.notices.last().cloned();
        assert_eq!(snapshot.notices_after(last.as_ref()), []);
        snapshot.notices.push(notice("c"));
        assert_eq!(snapshot.notices_after(last.as_ref()), [notice("c")]);
        snapshot.notices = vec![notice("d")];
        assert_eq!(snapshot.notices_after(last.as_ref()), [notice("d")]);
    }
}
