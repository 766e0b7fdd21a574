//! What is read of each object, and what is kept of it.
//!
//! The serde types name only the fields that are used, so that the rest (`managedFields`, volumes, probes) is skipped while
//! the text is parsed and never held. A [`Kept`] record is smaller still: it is what the view stores for as long as the
//! object lives.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::model::{Namespace, Protocol, ServicePort};

/// Namespace and name of any object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ObjectKey {
    pub(super) namespace: Namespace,
    pub(super) name: Arc<str>,
}

impl ObjectKey {
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        Self {
            namespace: Namespace::new(namespace),
            name: name.into(),
        }
    }
}

/// Strings that many objects share (namespaces, nodes, port names), held once.
#[derive(Debug, Default)]
pub(super) struct Interner(HashSet<Arc<str>>);

impl Interner {
    /// At this many different strings the shared ones are forgotten, so that names of things long gone do not pile up.
    const CAPACITY: usize = 4096;

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        if self.0.len() >= Self::CAPACITY {
            self.0.clear();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(shared.clone());
        shared
    }
}

/// An object as it comes from the API.
pub(super) trait Object: DeserializeOwned + Clone + Send + 'static {
    /// What is kept of it.
    type Kept: Clone + PartialEq + Send + 'static;

    /// Its name, namespace and version.
    fn identity(&self) -> Identity<'_>;

    /// What is kept of it; none if it is of no interest (and so as good as deleted).
    fn keep(self, names: &mut Interner) -> Option<Self::Kept>;

    /// Namespace and name.
    fn key(&self) -> ObjectKey {
        let identity = self.identity();
        ObjectKey::new(identity.namespace, identity.name)
    }
}

/// What tells an object from others, and its states from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) version: &'a str,
}

/// `metadata`, with those annotations and labels that a kind has a use for. (No `flatten` in here: with it serde would
/// hold everything that is not named, `managedFields` first of all.)
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Metadata<A = IgnoredAny, L = IgnoredAny>
where
    A: Default,
    L: Default,
{
    name: String,
    namespace: String,
    resource_version: String,
    deletion_timestamp: Option<String>,
    annotations: A,
    labels: L,
}

impl<A: Default, L: Default> Metadata<A, L> {
    fn identity(&self) -> Identity<'_> {
        Identity {
            namespace: &self.namespace,
            name: &self.name,
            version: &self.resource_version,
        }
    }
}

/// A page of a list. kube's own `ObjectList` flattens its type fields, which makes serde hold every item twice.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: DeserializeOwned"))]
pub(super) struct Page<T> {
    #[serde(default)]
    pub(super) metadata: PageMetadata,
    #[serde(default, deserialize_with = "null_as_default")]
    pub(super) items: Vec<T>,
}

/// The part of a list's `metadata` that is used.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PageMetadata {
    pub(super) resource_version: String,
    #[serde(rename = "continue")]
    pub(super) next: String,
}

/// `v1` Service.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Service {
    metadata: Metadata<ServiceAnnotations>,
    #[serde(default)]
    spec: ServiceSpec,
    #[serde(default)]
    status: ServiceStatus,
}

/// MetalLB's annotations; those with the new prefix win over the deprecated ones.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ServiceAnnotations {
    #[serde(rename = "metallb.io/ip-allocated-from-pool")]
    pool: Option<String>,
    #[serde(rename = "metallb.universe.tf/ip-allocated-from-pool")]
    old_pool: Option<String>,
    #[serde(rename = "metallb.io/loadBalancerIPs")]
    requested_ips: Option<String>,
    #[serde(rename = "metallb.universe.tf/loadBalancerIPs")]
    old_requested_ips: Option<String>,
    #[serde(rename = "metallb.io/address-pool")]
    requested_pool: Option<String>,
    #[serde(rename = "metallb.universe.tf/address-pool")]
    old_requested_pool: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceSpec {
    #[serde(rename = "type")]
    kind: String,
    #[serde(rename = "clusterIP")]
    cluster_ip: String,
    #[serde(rename = "clusterIPs", deserialize_with = "null_as_default")]
    cluster_ips: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    ports: Vec<Port>,
    load_balancer_class: Option<String>,
    #[serde(rename = "loadBalancerIP")]
    load_balancer_ip: String,
    external_traffic_policy: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Port {
    #[serde(default)]
    name: String,
    port: u16,
    #[serde(default)]
    protocol: String,
    #[serde(default)]
    target_port: Option<IntOrString>,
    #[serde(default)]
    node_port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum IntOrString {
    Int(u16),
    String(String),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ServiceStatus {
    load_balancer: LoadBalancer,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LoadBalancer {
    #[serde(deserialize_with = "null_as_default")]
    ingress: Vec<Ingress>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Ingress {
    ip: Option<String>,
    hostname: Option<String>,
}

/// What is kept of a Service of type LoadBalancer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeptService {
    pub(super) cluster_ips: Vec<IpAddr>,
    pub(super) load_balancer_ips: Vec<IpAddr>,
    pub(super) hostnames: Vec<String>,
    pub(super) ports: Vec<ServicePort>,
    pub(super) load_balancer_class: Option<String>,
    pub(super) pool: Option<String>,
    /// Addresses that were asked for, as they were written.
    pub(super) requested_ips: Option<String>,
    /// The MetalLB pool that was asked for.
    pub(super) requested_pool: Option<String>,
    pub(super) local_traffic_only: bool,
    pub(super) terminating: bool,
}

impl Object for Service {
    type Kept = KeptService;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<KeptService> {
        if self.spec.kind != "LoadBalancer" {
            return None;
        }
        let annotations = self.metadata.annotations;
        let ingress = self.status.load_balancer.ingress;
        let mut cluster_ips = self.spec.cluster_ips;
        if cluster_ips.is_empty() {
            cluster_ips.push(self.spec.cluster_ip);
        }
        let from_field = Some(self.spec.load_balancer_ip).filter(|ip| !ip.is_empty());
        Some(KeptService {
            // "None" marks a headless service; it is no address, and so left out.
            cluster_ips: cluster_ips
                .iter()
                .filter_map(|ip| ip.parse().ok())
                .collect(),
            load_balancer_ips: ingress
                .iter()
                .filter_map(|ingress| ingress.ip.as_deref()?.parse().ok())
                .collect(),
            hostnames: ingress
                .into_iter()
                .filter_map(|ingress| ingress.hostname.filter(|name| !name.is_empty()))
                .collect(),
            ports: self.spec.ports.into_iter().map(Port::keep).collect(),
            load_balancer_class: self.spec.load_balancer_class,
            pool: annotations.pool.or(annotations.old_pool),
            requested_ips: annotations
                .requested_ips
                .or(annotations.old_requested_ips)
                .or(from_field),
            requested_pool: annotations
                .requested_pool
                .or(annotations.old_requested_pool),
            local_traffic_only: self.spec.external_traffic_policy == "Local",
            terminating: self.metadata.deletion_timestamp.is_some(),
        })
    }
}

impl Port {
    fn keep(self) -> ServicePort {
        ServicePort {
            target_port: match self.target_port {
                Some(IntOrString::String(name)) => name,
                Some(IntOrString::Int(0)) | None => self.port.to_string(),
                Some(IntOrString::Int(number)) => number.to_string(),
            },
            name: self.name,
            number: self.port,
            protocol: protocol(&self.protocol),
            node_port: self.node_port.filter(|port| *port != 0),
        }
    }
}

/// TCP is what Kubernetes means where nothing is said.
fn protocol(text: &str) -> Protocol {
    match text {
        "UDP" => Protocol::Udp,
        "SCTP" => Protocol::Sctp,
        _ => Protocol::Tcp,
    }
}

/// `discovery.k8s.io/v1` EndpointSlice.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct EndpointSlice {
    metadata: Metadata<IgnoredAny, SliceLabels>,
    #[serde(default, deserialize_with = "null_as_default")]
    endpoints: Vec<Endpoint>,
    #[serde(default, deserialize_with = "null_as_default")]
    ports: Vec<EndpointPort>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct SliceLabels {
    #[serde(rename = "kubernetes.io/service-name")]
    service: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    #[serde(default, deserialize_with = "null_as_default")]
    addresses: Vec<String>,
    #[serde(default)]
    conditions: EndpointConditions,
    #[serde(default)]
    target_ref: Option<TargetRef>,
    #[serde(default)]
    node_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct EndpointConditions {
    ready: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct TargetRef {
    kind: String,
    name: String,
}

#[derive(Clone, Debug, Deserialize)]
struct EndpointPort {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    port: Option<u16>,
}

/// What is kept of an EndpointSlice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptSlice {
    /// The Service it belongs to, in its own namespace.
    pub(super) service: Arc<str>,
    pub(super) endpoints: Box<[KeptEndpoint]>,
    /// Port name and number: the same for all endpoints of one slice.
    pub(super) ports: Arc<[(String, u16)]>,
}

/// An endpoint that has an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptEndpoint {
    pub(super) ip: IpAddr,
    /// The pod behind it, in the slice's namespace, if it is one.
    pub(super) pod: Option<Arc<str>>,
    pub(super) node: Option<Arc<str>>,
    pub(super) ready: bool,
}

impl Object for EndpointSlice {
    type Kept = KeptSlice;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptSlice> {
        let service = self.metadata.labels.service?;
        Some(KeptSlice {
            service: service.into(),
            endpoints: self
                .endpoints
                .into_iter()
                .filter_map(|endpoint| endpoint.keep(names))
                .collect(),
            ports: self
                .ports
                .into_iter()
                .filter_map(|port| Some((port.name.unwrap_or_default(), port.port?)))
                .collect(),
        })
    }
}

impl Endpoint {
    /// The API says that only an endpoint's first address counts; a slice of host names has none that could be dialled.
    fn keep(self, names: &mut Interner) -> Option<KeptEndpoint> {
        Some(KeptEndpoint {
            ip: self.addresses.first()?.parse().ok()?,
            pod: self
                .target_ref
                .filter(|target| target.kind == "Pod" && !target.name.is_empty())
                .map(|target| target.name.into()),
            node: self.node_name.map(|node| names.share(&node)),
            ready: self.conditions.ready.unwrap_or(true),
        })
    }
}

/// `v1` Pod.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(deserialize_with = "null_as_default")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

/// What is kept of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeptPod {
    pub(super) node: Option<Arc<str>>,
    /// What it is doing, in the word `kubectl get pods` uses: `Running`, `Pending`, `CrashLoopBackOff`, `Terminating`.
    pub(super) doing: Arc<str>,
}

impl Object for Pod {
    type Kept = KeptPod;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptPod> {
        let waiting = self
            .status
            .container_statuses
            .into_iter()
            .find_map(|container| container.state.waiting);
        let doing = if self.metadata.deletion_timestamp.is_some() {
            "Terminating"
        } else if let Some(waiting) = waiting
            .as_ref()
            .filter(|waiting| !waiting.reason.is_empty())
        {
            &waiting.reason
        } else {
            &self.status.phase
        };
        Some(KeptPod {
            node: self.spec.node_name.map(|node| names.share(&node)),
            doing: names.share(doing),
        })
    }
}

/// Go writes an empty list as `null` now and then.
fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
