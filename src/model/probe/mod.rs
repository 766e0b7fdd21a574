//! Probes: one look at every hop of the way to a service, or to an SSH host alone, and which of them is broken.
//!
//! The engine fills a [`ProbeReport`] step by step; the faces only read it. What is tried is planned by `plan`, what a failure
//! likely means is judged by `verdict`; both are pure.

mod plan;
mod talk;
mod verdict;
mod words;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::address::{Destination, LocalBind};
use super::cluster::Route;
use super::fault::{Fault, PortHolder};
use super::ids::{HostId, ServiceKey};
use super::time::Moment;

pub use plan::{PODS_PROBED, ProbeFacts, host_steps, service_steps};
pub use talk::{Heard, Talk};
pub use verdict::judge;

/// Identifies one run of a probe. A later run of the same target has a higher one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProbeId(pub u64);

/// What a probe leads to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProbeTarget {
    /// A TCP port of a service, with all that lies on the way.
    Service {
        /// The service.
        service: ServiceKey,
        /// Its port's number.
        port: u16,
    },
    /// An SSH host alone, up to whether it lets Adit forward.
    Host(HostId),
}

/// A probe as far as it has come. Its steps are in the order of the way; they are all there from the start, or from the
/// moment when the cluster has been read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeReport {
    /// Which run this is.
    pub id: ProbeId,
    /// What it leads to.
    pub target: ProbeTarget,
    /// The SSH host it goes through, as `user@address`; none where there is no host to go through.
    pub host: Option<String>,
    /// When it was begun.
    pub started: Moment,
    /// What is tried, and what came of it.
    pub steps: Vec<ProbeStep>,
    /// Ready pods beyond those that are tried.
    pub pods_left_out: usize,
    /// What it all means.
    pub verdict: ProbeVerdict,
}

/// One thing that is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeStep {
    /// What.
    pub check: ProbeCheck,
    /// What came of it.
    pub outcome: ProbeOutcome,
}

/// What a step tries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeCheck {
    /// Listening on this computer, where the tunnel would.
    LocalPort(LocalBind),
    /// Finding the addresses of the first host on the way, on this computer.
    Name {
        /// The name, or the address itself.
        host: String,
    },
    /// The connection to an SSH server, by TCP or by what `ProxyCommand` and `ProxyJump` put in its place.
    Connect {
        /// The server, as `user@address`.
        hop: String,
    },
    /// The server's key against known_hosts, after the key exchange.
    HostKey {
        /// The server, as `user@address`.
        hop: String,
    },
    /// Logging in.
    Login {
        /// The server, as `user@address`.
        hop: String,
    },
    /// Whether the server forwards at all, by a channel to its own SSH port.
    Forwarding,
    /// What the cluster knows of the service.
    Service {
        /// The service.
        service: ServiceKey,
        /// Its port's number.
        port: u16,
    },
    /// One of the service's addresses, dialled by the SSH host.
    Target {
        /// The kind of address.
        route: Route,
        /// The address; none where the service has none of this kind.
        destination: Option<Destination>,
        /// The pod or the node behind it, where it is one's own.
        name: Option<Arc<str>>,
    },
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProbeOutcome {
    /// It has not been tried yet.
    #[default]
    Pending,
    /// It is being tried.
    Running,
    /// It works.
    Passed {
        /// How long it took, where that means something.
        micros: Option<u64>,
        /// What was learnt on the way.
        note: Option<ProbeNote>,
    },
    /// It does not.
    Failed {
        /// What happened, with a next step in its words.
        fault: Fault,
        /// What the failure likely comes from, where more than the fault itself is known.
        likely: Option<LikelyCause>,
    },
    /// It was not tried.
    Skipped(SkipReason),
}

/// Why a step was not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// A step before it failed.
    BrokenBefore,
    /// The service has no address of this kind, and need not have one.
    NotThere,
    /// The probe was cancelled.
    Cancelled,
}

/// What a step that works has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeNote {
    /// Adit's own tunnel listens there already.
    OwnTunnel,
    /// The port that is preferred is taken, and Adit would listen on another.
    PortMoved {
        /// Who holds it, where the system tells.
        holder: Option<PortHolder>,
        /// The port in its place.
        instead: u16,
    },
    /// The addresses of a name, as many as are worth showing.
    Addresses(Vec<IpAddr>),
    /// A jump host, or a `ProxyCommand`, looks the name up or takes its place.
    ResolvedElsewhere,
    /// The fingerprint of the key that was verified.
    Fingerprint(String),
    /// How the login went, in ssh's words.
    LoggedInBy(String),
    /// The first line of an answer to a request by HTTP.
    Http(String),
    /// It speaks TLS.
    Tls,
    /// What the target said by itself, its first line.
    Greeting(String),
    /// It waits for its client to speak first.
    Quiet,
    /// It did not answer a request in this time, though it took the connection.
    NoAnswer(Duration),
}

/// What a failure likely comes from. Seen with kube-proxy's iptables mode; others can differ, so it is never certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LikelyCause {
    /// sshd's `AllowTcpForwarding`, `PermitOpen`, or a key's `restrict`.
    ForwardingForbidden,
    /// No pod of the service is ready, so that kube-proxy rejects its addresses.
    NoReadyEndpoint,
    /// The pods do not listen on the service's `targetPort`.
    WrongTargetPort,
    /// The service's `loadBalancerSourceRanges` leave the SSH host out.
    SourceRanges,
    /// The SSH host is no node of the cluster.
    NotANode,
    /// A traffic policy is Local, and the node has no pod of the service.
    NoLocalEndpoint,
    /// kube-proxy, or what takes its place, does not serve this address on the SSH host.
    KubeProxy,
    /// A network policy, a firewall or a broken pod network drops the packets.
    Dropped,
    /// The port expects TLS.
    TlsExpected,
    /// MetalLB has given the service no address.
    NoAddress,
}

/// What a probe has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// It goes on.
    #[default]
    Running,
    /// Every hop works.
    Works,
    /// The service can be reached, though not by every way.
    Partly {
        /// The index of the first step that failed.
        first: usize,
        /// The routes that work.
        works_by: Vec<Route>,
    },
    /// The way is broken.
    Broken {
        /// The index of the first step that failed.
        first: usize,
    },
    /// It was cancelled before it had shown anything.
    Cancelled,
}

impl ProbeReport {
    /// The first hop that is broken, once the probe has ended.
    #[must_use]
    pub fn first_broken(&self) -> Option<&ProbeStep> {
        match &self.verdict {
            ProbeVerdict::Partly { first, .. } | ProbeVerdict::Broken { first } => {
                self.steps.get(*first)
            }
            ProbeVerdict::Running | ProbeVerdict::Works | ProbeVerdict::Cancelled => None,
        }
    }

    /// Whether it has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.verdict != ProbeVerdict::Running
    }
}

impl ProbeStep {
    /// A step that waits to be tried.
    #[must_use]
    pub const fn pending(check: ProbeCheck) -> Self {
        Self {
            check,
            outcome: ProbeOutcome::Pending,
        }
    }

    /// The route that this step tries, where it tries one.
    #[must_use]
    pub const fn route(&self) -> Option<Route> {
        match &self.check {
            ProbeCheck::Target { route, .. } => Some(*route),
            _ => None,
        }
    }

    /// Whether it failed.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        matches!(self.outcome, ProbeOutcome::Failed { .. })
    }

    /// Whether it works.
    #[must_use]
    pub const fn has_passed(&self) -> bool {
        matches!(self.outcome, ProbeOutcome::Passed { .. })
    }
}
