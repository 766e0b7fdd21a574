//! The cluster as Adit shows it: services with their ports, addresses and pods, and what was found out about them.
//!
//! These types stand here rather than in the `cluster` module because the faces read them in a Snapshot and may not know
//! the capability that fills them.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::fault::FaultCause;
use super::ids::{HostId, ServiceKey};
use super::words::{Words, words};

/// Which cluster to watch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterSource {
    /// Where the kubeconfig is.
    #[serde(default)]
    pub kubeconfig: Kubeconfig,
    /// The context within it; none means its `current-context`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// The SSH host through which the API server is reached; none dials it from this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<HostId>,
}

impl ClusterSource {
    /// The cluster of a kubeconfig file on this computer, or of kubectl's own where none is named.
    #[must_use]
    pub fn local(kubeconfig: Option<PathBuf>, context: Option<String>) -> Self {
        Self {
            kubeconfig: kubeconfig.map_or(Kubeconfig::Default, Kubeconfig::File),
            context,
            through: None,
        }
    }

    /// The cluster of the kubeconfig that is found on this SSH host, reached through it.
    #[must_use]
    pub fn on_host(host: HostId) -> Self {
        Self {
            kubeconfig: Kubeconfig::OnHost { path: None },
            context: None,
            through: Some(host),
        }
    }
}

/// Where a kubeconfig is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kubeconfig {
    /// On this computer: `KUBECONFIG` (a list of files), then `~/.kube/config`.
    #[default]
    Default,
    /// This file on this computer.
    File(PathBuf),
    /// On the SSH host through which the API server is reached; without a path, where clusters keep it.
    OnHost {
        /// The file there, or none to look for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
}

/// How current the view of the cluster is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ClusterState {
    /// No cluster is watched.
    #[default]
    Off,
    /// The first complete list has not arrived.
    Loading,
    /// The person has ended reading it before a list arrived.
    Stopped,
    /// The view follows the cluster.
    Live,
    /// The view is the last one known: the API cannot be reached or refuses, and is tried again.
    Stale(ClusterFault),
    /// There is no view, and it takes the person to change that (no kubeconfig, no such context).
    Failed(ClusterFault),
}

/// Why the cluster cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFault {
    /// A short name for programs: `kubeconfig`, `context`, `unreachable`, `ssh`, `tls`, `unauthorized`, `forbidden`, `server`.
    pub code: &'static str,
    /// What happened, where, in a sentence.
    pub message: Words,
    /// What to do next.
    pub hint: Words,
}

/// What keeps a service from being looked up.
impl From<&ClusterFault> for FaultCause {
    fn from(fault: &ClusterFault) -> Self {
        Self::ClusterUnavailable {
            reason: fault.message.clone(),
            hint: Some(Box::new(fault.hint.clone())),
        }
    }
}

impl FaultCause {
    /// Nothing can be looked up since a person has ended the reading of the cluster.
    #[must_use]
    pub fn reading_ended() -> Self {
        Self::ClusterUnavailable {
            reason: words!("reading the cluster was ended"),
            hint: Some(Box::new(words!(
                "Have the cluster read again, or choose another one."
            ))),
        }
    }
}

/// A part of the cluster that cannot be seen, while the rest can: what it would have told is unknown, not absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterGap {
    /// The resource as `kubectl` names it: `pods`, `endpointslices.discovery.k8s.io`.
    pub resource: &'static str,
    /// The verb that failed, as RBAC names it: `list` or `watch`.
    pub verb: &'static str,
    /// Why it cannot be seen.
    pub fault: ClusterFault,
}

/// `spec.type` of a Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceType {
    /// It has, or waits for, an address of the cluster's load balancer: MetalLB's, in the clusters that Adit is for.
    #[default]
    LoadBalancer,
    /// It has a port on every node.
    NodePort,
    /// It has an address within the cluster; a headless one has none.
    ClusterIp,
    /// It is another name for a host outside.
    ExternalName,
}

impl ServiceType {
    /// Every type, the one that Adit is about first.
    pub const ALL: [Self; 4] = [
        Self::LoadBalancer,
        Self::NodePort,
        Self::ClusterIp,
        Self::ExternalName,
    ];

    /// As Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LoadBalancer => "LoadBalancer",
            Self::NodePort => "NodePort",
            Self::ClusterIp => "ClusterIP",
            Self::ExternalName => "ExternalName",
        }
    }
}

/// A text that names no type of Service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a type of Service: use LoadBalancer, NodePort, ClusterIP or ExternalName")]
pub struct ParseServiceTypeError(pub String);

impl FromStr for ServiceType {
    type Err = ParseServiceTypeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().eq_ignore_ascii_case(text))
            .ok_or_else(|| ParseServiceTypeError(text.to_owned()))
    }
}

/// A Service, of whatever type; what it is about for Adit are those of type LoadBalancer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LbService {
    /// Namespace and name.
    pub key: ServiceKey,
    /// `metadata.uid` of `default/kubernetes`, by which a cluster is told from others; of no other service.
    pub uid: Option<Arc<str>>,
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `spec.loadBalancerClass`; none means the cluster's default, which MetalLB takes.
    pub load_balancer_class: Option<String>,
    /// `spec.clusterIPs`, primary first; empty for a headless service.
    pub cluster_ips: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].ip`.
    pub load_balancer_ips: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].hostname`.
    pub hostnames: Vec<String>,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// Endpoints of all its EndpointSlices, sorted by name and address.
    pub pods: Arc<[PodEndpoint]>,
    /// The MetalLB pool its address is from, where MetalLB says so.
    pub pool: Option<String>,
    /// The nodes that announce its address, where that is known.
    pub announced_by: Option<Vec<Announcement>>,
    /// Whether it has an address.
    pub phase: ServicePhase,
    /// `spec.externalTrafficPolicy` is Local.
    pub local_traffic_only: bool,
    /// `spec.internalTrafficPolicy` is Local.
    pub internal_local_only: bool,
    /// `spec.loadBalancerSourceRanges`: who may dial its address; anybody where it is empty.
    pub source_ranges: Vec<String>,
    /// Other services with one of its addresses.
    pub shared_with: Vec<ServiceKey>,
    /// What was found out about it.
    pub findings: Vec<Finding>,
    /// The newest of the cluster's events about it, newest first; empty where there are none or they cannot be seen.
    pub events: Vec<ServiceEvent>,
}

/// An event about a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceEvent {
    /// `reason`.
    pub reason: String,
    /// `message`.
    pub message: String,
    /// When it happened last, as RFC 3339.
    pub at: String,
    /// Its `type` is Warning.
    pub is_warning: bool,
}

impl LbService {
    /// A LoadBalancer service of this name that waits for its address and of which nothing else is known.
    #[must_use]
    pub fn new(key: ServiceKey) -> Self {
        Self {
            key,
            uid: None,
            service_type: ServiceType::LoadBalancer,
            load_balancer_class: None,
            cluster_ips: Vec::new(),
            load_balancer_ips: Vec::new(),
            hostnames: Vec::new(),
            ports: Vec::new(),
            pods: Arc::from([]),
            pool: None,
            announced_by: None,
            phase: ServicePhase::Pending,
            local_traffic_only: false,
            internal_local_only: false,
            source_ranges: Vec::new(),
            shared_with: Vec::new(),
            findings: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Whether it is of type LoadBalancer: what the faces show where nobody asks for more.
    #[must_use]
    pub const fn is_load_balancer(&self) -> bool {
        matches!(self.service_type, ServiceType::LoadBalancer)
    }

    /// Whether it has no address of its own, only its pods'.
    #[must_use]
    pub const fn is_headless(&self) -> bool {
        matches!(self.service_type, ServiceType::ClusterIp) && self.cluster_ips.is_empty()
    }

    /// The port with this number that SSH can carry.
    #[must_use]
    pub fn tcp_port(&self, number: u16) -> Option<&ServicePort> {
        self.ports
            .iter()
            .find(|port| port.number == number && port.protocol == Protocol::Tcp)
    }
}

/// One of a Service's ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// Its name; may be empty where there is only one.
    pub name: String,
    /// `port`: what clients of the Service dial.
    pub number: u16,
    /// Its transport.
    pub protocol: Protocol,
    /// `targetPort`, a number or the name of a container port.
    pub target_port: String,
    /// `nodePort`, where one is allocated.
    pub node_port: Option<u16>,
    /// `appProtocol`, where it is said: what is spoken on it.
    pub app_protocol: Option<Arc<str>>,
}

/// The transport of a Service's port. Only TCP can be tunnelled through SSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// As Kubernetes writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }
}

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of `ip`.
    #[must_use]
    pub const fn of(ip: IpAddr) -> Self {
        match ip {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// One endpoint of a Service: usually a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PodEndpoint {
    /// The pod's name; the address where an endpoint has no pod behind it.
    pub name: Arc<str>,
    /// Its address.
    pub ip: IpAddr,
    /// The node it runs on, if known.
    pub node: Option<Arc<str>>,
    /// Whether it takes traffic (`conditions.ready`; not said means yes).
    pub ready: bool,
    /// The real port behind each Service port: (`ServicePort::name`, number).
    pub ports: Arc<[(String, u16)]>,
}

impl PodEndpoint {
    /// The number of the pod's own port behind `port` of its Service.
    #[must_use]
    pub fn port_behind(&self, port: &ServicePort) -> Option<u16> {
        self.ports
            .iter()
            .find(|(name, _)| *name == port.name)
            .map(|(_, number)| *number)
    }
}

/// A node that announces a service's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// The node.
    pub node: String,
    /// `layer2` or `bgp`.
    pub protocol: String,
    /// How that is known.
    pub source: AnnouncementSource,
}

/// How it is known who announces an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AnnouncementSource {
    /// MetalLB says so in a ServiceL2Status or ServiceBGPStatus.
    #[default]
    Status,
    /// MetalLB said so in an event, which may be out of date.
    Event,
    /// It follows from MetalLB's rules; MetalLB itself was not heard.
    Predicted,
}

impl AnnouncementSource {
    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Event => "event",
            Self::Predicted => "predicted",
        }
    }
}

/// An IPAddressPool of MetalLB.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressPool {
    /// Its name.
    pub name: Arc<str>,
    /// MetalLB's namespace.
    pub namespace: Arc<str>,
    /// `spec.addresses`, as they are written: `10.0.0.0/24`, `10.0.0.240-10.0.0.250`.
    pub addresses: Vec<String>,
    /// `spec.autoAssign`: whether services get addresses of it without asking for it.
    pub auto_assign: bool,
    /// The protocols by which it is announced, `layer2` and `bgp`; none where that is not known.
    pub protocols: Option<Vec<&'static str>>,
    /// How full it is, where that is known.
    pub usage: Option<PoolUsage>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
}

/// How full a pool is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolUsage {
    /// Addresses that services have.
    pub assigned: AddressCount,
    /// Addresses that can be given out.
    pub free: AddressCount,
}

/// A number of addresses of each family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AddressCount {
    /// IPv4 addresses.
    pub v4: u64,
    /// IPv6 addresses; as many as fit, where there are more.
    pub v6: u64,
}

impl AddressCount {
    /// Of both families.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.v4.saturating_add(self.v6)
    }
}

/// A node of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterNode {
    /// Its name.
    pub name: Arc<str>,
    /// Its addresses within the cluster's network.
    pub internal_ips: Vec<IpAddr>,
    /// Its addresses as seen from outside.
    pub external_ips: Vec<IpAddr>,
    /// Its host names.
    pub host_names: Vec<String>,
    /// The addresses of its pods, as CIDRs.
    pub pod_cidrs: Vec<String>,
    /// Whether it is ready, where that is told.
    pub ready: Option<bool>,
    /// Labelled to take no load balancer traffic, as control planes are by default.
    pub excluded: bool,
}

/// Whether a Service has its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServicePhase {
    /// It has at least one IP address or host name, or is of a type that waits for none.
    Assigned,
    /// It waits for one.
    Pending,
    /// It is being deleted.
    Terminating,
}

impl ServicePhase {
    /// The word used in JSON and in the list.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Pending => "pending",
            Self::Terminating => "terminating",
        }
    }
}

/// Something that was found out about a service, with what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// A short name for programs, stable between releases.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the case and why, in a sentence or two.
    pub message: Words,
    /// What to do next.
    pub hint: Words,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Part of the traffic may not arrive.
    Warning,
    /// It cannot work like this.
    Error,
}

impl Severity {
    /// The word used in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The address of a service that the SSH host is asked to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Route {
    /// The address MetalLB gave it: works on cluster nodes, where kube-proxy takes it up.
    MetalLb,
    /// The ClusterIP: works on cluster nodes.
    ClusterIp,
    /// A NodePort on the SSH host or on a node it reaches.
    NodePort,
    /// A ready pod's own address: works where the pod network is routed.
    Pod,
}

impl Route {
    /// Every route, in the order in which Adit prefers them.
    pub const ALL: [Self; 4] = [Self::MetalLb, Self::ClusterIp, Self::NodePort, Self::Pod];

    /// The word used on the command line and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MetalLb => "metallb",
            Self::ClusterIp => "clusterip",
            Self::NodePort => "nodeport",
            Self::Pod => "pod",
        }
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MetalLb => "MetalLB IP",
            Self::ClusterIp => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::Pod => "Pod IP",
        })
    }
}

/// A text that names no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not a route: use metallb, clusterip, nodeport or pod")]
pub struct ParseRouteError(pub String);

impl FromStr for Route {
    type Err = ParseRouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|route| route.as_str() == text)
            .ok_or_else(|| ParseRouteError(text.to_owned()))
    }
}
