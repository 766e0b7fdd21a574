//! Probes in words and codes.

use std::fmt;

use super::{
    LikelyCause, ProbeCheck, ProbeNote, ProbeOutcome, ProbeTarget, ProbeVerdict, SkipReason,
};

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

impl fmt::Display for ProbeCheck {
    /// What is tried, as the name of a row.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LocalPort(local) => write!(f, "listen on {local}"),
            Self::Name { host } => write!(f, "look up {host}"),
            Self::Connect { hop } => write!(f, "connect to {hop}"),
            Self::HostKey { hop } => write!(f, "host key of {hop}"),
            Self::Login { hop } => write!(f, "log in to {hop}"),
            Self::Forwarding => f.write_str("forwarding allowed"),
            Self::Service { service, port } => write!(f, "service {service}:{port}"),
            Self::Target {
                route,
                destination,
                name,
            } => {
                write!(f, "{route}")?;
                if let Some(destination) = destination {
                    write!(f, " {destination}")?;
                }
                match name {
                    Some(name) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
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

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenBefore => "not tried: an earlier hop is broken",
            Self::NotThere => "not tried: the service has none",
            Self::Cancelled => "not tried: cancelled",
        })
    }
}

impl fmt::Display for ProbeNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OwnTunnel => f.write_str("Adit's own tunnel listens there"),
            Self::PortMoved {
                holder: Some(holder),
                instead,
            } => write!(
                f,
                "taken by {} (process {}); Adit would take {instead}",
                holder.name, holder.pid
            ),
            Self::PortMoved {
                holder: None,
                instead,
            } => write!(f, "taken by another program; Adit would take {instead}"),
            Self::Addresses(addresses) => {
                let words: Vec<String> = addresses.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(", "))
            }
            Self::ResolvedElsewhere => f.write_str("not looked up on this computer"),
            Self::Fingerprint(text) | Self::LoggedInBy(text) => f.write_str(text),
            Self::Http(line) => write!(f, "answers: {line}"),
            Self::Tls => f.write_str("speaks TLS"),
            Self::Greeting(line) => write!(f, "says: {line}"),
            Self::Quiet => f.write_str("takes the connection"),
            Self::NoAnswer(after) => write!(
                f,
                "takes the connection, but answered no request within {} s",
                after.as_secs()
            ),
        }
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
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::ForwardingForbidden => {
                "Ask for `AllowTcpForwarding yes` (and a fitting `PermitOpen`) in the server's sshd_config, and no `restrict` \
                 or `no-port-forwarding` in authorized_keys."
            }
            Self::NoReadyEndpoint => {
                "See why the pods are not ready (kubectl describe pod), and that the service's selector fits their labels."
            }
            Self::WrongTargetPort => {
                "Compare the service's targetPort with the port that the container listens on, and that it does not listen on \
                 its own loopback only."
            }
            Self::SourceRanges => {
                "Add the SSH host's address to spec.loadBalancerSourceRanges, or take the ClusterIP: --route clusterip."
            }
            Self::NotANode => {
                "Go through a node of the cluster: give it as the SSH host, with this one as its jump host (ProxyJump), or take \
                 a NodePort."
            }
            Self::NoLocalEndpoint => {
                "Go through a node that has a pod of the service, or set the traffic policy to Cluster."
            }
            Self::KubeProxy => {
                "Look at kube-proxy on the SSH host (or at Cilium, where it takes its place): is it running, and what does it \
                 log?"
            }
            Self::Dropped => {
                "Look for a NetworkPolicy, a security group or a firewall between the SSH host and this address."
            }
            Self::TlsExpected => "Open it with https.",
            Self::NoAddress => "`adit explain` says why MetalLB has given it none.",
        }
    }
}

impl fmt::Display for LikelyCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForwardingForbidden => {
                "likely sshd's AllowTcpForwarding or PermitOpen forbids it"
            }
            Self::NoReadyEndpoint => "likely no pod of the service is ready",
            Self::WrongTargetPort => {
                "likely the service's targetPort is not the one its pods listen on"
            }
            Self::SourceRanges => "likely loadBalancerSourceRanges leave the SSH host out",
            Self::NotANode => "likely the SSH host is no node of the cluster",
            Self::NoLocalEndpoint => {
                "likely the traffic policy is Local and the node has no pod of the service"
            }
            Self::KubeProxy => "likely kube-proxy on the SSH host does not serve this address",
            Self::Dropped => "likely a network policy or a firewall drops the packets",
            Self::TlsExpected => "likely it expects TLS",
            Self::NoAddress => "MetalLB has given the service no address",
        })
    }
}
