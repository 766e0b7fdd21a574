//! Probes in words and codes.

use std::fmt;

use super::{
    LikelyCause, ProbeCheck, ProbeNote, ProbeOutcome, ProbeTarget, ProbeVerdict, SkipReason,
};
use crate::model::{Joint, Part, Words, words};

impl fmt::Display for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service { service, port } => write!(f, "{service}:{port}"),
            Self::Host(host) => write!(f, "{host}"),
        }
    }
}

impl ProbeCheck {
    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LocalPort(_) => "local-port",
            Self::Name { .. } => "name",
            Self::Connect { .. } => "connect",
            Self::HostKey { .. } => "host-key",
            Self::Login { .. } => "login",
            Self::Forwarding => "forwarding",
            Self::Service { .. } => "service",
            Self::Target { .. } => "target",
        }
    }
}

impl ProbeCheck {
    /// What is tried, as the name of a row.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::LocalPort(local) => words!("listen on {address}", address = local),
            Self::Name { host } => words!("look up {host}", host = host),
            Self::Connect { hop } => words!("connect to {hop}", hop = hop),
            Self::HostKey { hop } => words!("host key of {hop}", hop = hop),
            Self::Login { hop } => words!("log in to {hop}", hop = hop),
            Self::Forwarding => words!("forwarding allowed"),
            Self::Service { service, port } => {
                words!("service {service}:{port}", service = service, port = *port)
            }
            Self::Target {
                route,
                destination,
                name,
            } => {
                let mut text = route.to_string();
                if let Some(destination) = destination {
                    text = format!("{text} {destination}");
                }
                if let Some(name) = name {
                    text = format!("{text} ({name})");
                }
                Words::quoted(&text)
            }
        }
    }
}

impl fmt::Display for ProbeCheck {
    /// What is tried, in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl ProbeCheck {
    /// What the step is about: an address, a host, a service.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::LocalPort(local) => local.to_string(),
            Self::Name { host } => host.clone(),
            Self::Connect { hop } | Self::HostKey { hop } | Self::Login { hop } => hop.clone(),
            Self::Forwarding => String::new(),
            Self::Service { service, port } => format!("{service}:{port}"),
            Self::Target { destination, .. } => destination
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        }
    }
}

impl ProbeOutcome {
    /// One word for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Passed { .. } => "passed",
            Self::Failed { .. } => "failed",
            Self::Skipped(_) => "skipped",
        }
    }
}

impl ProbeVerdict {
    /// One word for programs, stable between releases.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Works => "works",
            Self::Partly { .. } => "partly",
            Self::Broken { .. } => "broken",
            Self::Cancelled => "cancelled",
        }
    }
}

impl SkipReason {
    /// Why, in a sentence without a full stop.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::BrokenBefore => words!("not tried: an earlier hop is broken"),
            Self::NotThere => words!("not tried: the service has none"),
            Self::Cancelled => words!("not tried: cancelled"),
        }
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl ProbeNote {
    /// What was shown, in a few words.
    #[must_use]
    pub fn words(&self) -> Words {
        match self {
            Self::OwnTunnel => words!("Adit's own tunnel listens there"),
            Self::PortMoved {
                holder: Some(holder),
                instead,
            } => words!(
                "taken by {program} (process {pid}); Adit would take {instead}",
                program = &holder.name,
                pid = holder.pid,
                instead = *instead
            ),
            Self::PortMoved {
                holder: None,
                instead,
            } => words!(
                "taken by another program; Adit would take {instead}",
                instead = *instead
            ),
            Self::Addresses(addresses) => {
                let named = addresses.iter().map(Part::from).collect();
                let addresses = Part::strung(named, Joint::Comma, usize::MAX);
                words!("{addresses}", addresses = addresses)
            }
            Self::ResolvedElsewhere => words!("not looked up on this computer"),
            Self::Fingerprint(text) | Self::LoggedInBy(text) => Words::quoted(text),
            Self::Http(line) => words!("answers: {line}", line = line),
            Self::Tls => words!("speaks TLS"),
            Self::Greeting(line) => words!("says: {line}", line = line),
            Self::Quiet => words!("takes the connection"),
            Self::NoAnswer(after) => words!(
                "takes the connection, but answered no request within {seconds} s",
                seconds = after.as_secs()
            ),
        }
    }
}

impl fmt::Display for ProbeNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}

impl LikelyCause {
    /// A short name for programs, stable between releases.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::ForwardingForbidden => "forwarding-forbidden",
            Self::NoReadyEndpoint => "no-ready-endpoint",
            Self::WrongTargetPort => "wrong-target-port",
            Self::SourceRanges => "source-ranges",
            Self::NotANode => "not-a-node",
            Self::NoLocalEndpoint => "no-local-endpoint",
            Self::KubeProxy => "kube-proxy",
            Self::Dropped => "dropped",
            Self::TlsExpected => "tls-expected",
            Self::NoAddress => "no-address",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> Words {
        match self {
            Self::ForwardingForbidden => words!(
                "Ask for `AllowTcpForwarding yes` (and a fitting `PermitOpen`) in the server's sshd_config, and no `restrict` \
                 or `no-port-forwarding` in authorized_keys."
            ),
            Self::NoReadyEndpoint => words!(
                "See why the pods are not ready (kubectl describe pod), and that the service's selector fits their labels."
            ),
            Self::WrongTargetPort => words!(
                "Compare the service's targetPort with the port that the container listens on, and that it does not listen on \
                 its own loopback only."
            ),
            Self::SourceRanges => words!(
                "Add the SSH host's address to spec.loadBalancerSourceRanges, or take the ClusterIP: --route clusterip."
            ),
            Self::NotANode => words!(
                "Go through a node of the cluster: give it as the SSH host, with this one as its jump host (ProxyJump), or take \
                 a NodePort."
            ),
            Self::NoLocalEndpoint => words!(
                "Go through a node that has a pod of the service, or set the traffic policy to Cluster."
            ),
            Self::KubeProxy => words!(
                "Look at kube-proxy on the SSH host (or at Cilium, where it takes its place): is it running, and what does it \
                 log?"
            ),
            Self::Dropped => words!(
                "Look for a NetworkPolicy, a security group or a firewall between the SSH host and this address."
            ),
            Self::TlsExpected => words!("Open it with https."),
            Self::NoAddress => words!("`adit explain` says why MetalLB has given it none."),
        }
    }
}

impl LikelyCause {
    /// What it is, in a sentence without a full stop.
    #[must_use]
    pub fn words(self) -> Words {
        match self {
            Self::ForwardingForbidden => {
                words!("likely sshd's AllowTcpForwarding or PermitOpen forbids it")
            }
            Self::NoReadyEndpoint => words!("likely no pod of the service is ready"),
            Self::WrongTargetPort => {
                words!("likely the service's targetPort is not the one its pods listen on")
            }
            Self::SourceRanges => words!("likely loadBalancerSourceRanges leave the SSH host out"),
            Self::NotANode => words!("likely the SSH host is no node of the cluster"),
            Self::NoLocalEndpoint => {
                words!("likely the traffic policy is Local and the node has no pod of the service")
            }
            Self::KubeProxy => {
                words!("likely kube-proxy on the SSH host does not serve this address")
            }
            Self::Dropped => words!("likely a network policy or a firewall drops the packets"),
            Self::TlsExpected => words!("likely it expects TLS"),
            Self::NoAddress => words!("MetalLB has given the service no address"),
        }
    }
}

impl fmt::Display for LikelyCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.words().fmt(f)
    }
}
