//! Plain records of what the reasoning looks at.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{ServiceKey, ServicePhase, ServicePort, ServiceType};

use super::selector::{Labels, Selector};
use crate::model::AddressRange;

/// What is read of a Service.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are as independent as in the Service"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// `metadata.uid` of `default/kubernetes`; of no other service.
    pub uid: Option<Arc<str>>,
    /// `spec.type`.
    pub service_type: ServiceType,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `spec.clusterIPs`, primary first; empty for a headless service.
    pub cluster_ips: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].ip`.
    pub load_balancer_ips: Vec<IpAddr>,
    /// `status.loadBalancer.ingress[].hostname`, or `spec.externalName`.
    pub hostnames: Vec<String>,
    /// `spec.ports`.
    pub ports: Vec<ServicePort>,
    /// `spec.selector`.
    pub selector: Labels,
    /// `spec.loadBalancerClass`.
    pub load_balancer_class: Option<String>,
    /// `spec.ipFamilyPolicy`.
    pub family_policy: FamilyPolicy,
    /// The annotation `metallb.io/ip-allocated-from-pool`.
    pub pool: Option<String>,
    /// The annotation `metallb.io/loadBalancerIPs`, as it is written.
    pub requested_ips: Option<String>,
    /// `spec.loadBalancerIP`, as it is written.
    pub requested_ip_field: Option<String>,
    /// The annotation `metallb.io/address-pool`.
    pub requested_pool: Option<String>,
    /// The annotation `metallb.io/allow-shared-ip`; may be there and empty.
    pub sharing_key: Option<String>,
    /// A request is made by an annotation of the deprecated prefix `metallb.universe.tf`.
    pub uses_deprecated_annotation: bool,
    /// `spec.externalTrafficPolicy` is Local.
    pub local_traffic_only: bool,
    /// `spec.internalTrafficPolicy` is Local.
    pub internal_local_only: bool,
    /// `spec.loadBalancerSourceRanges`.
    pub source_ranges: Vec<String>,
    /// It is being deleted.
    pub terminating: bool,
}

impl ServiceFacts {
    /// Whether MetalLB, or another load balancer, looks after it.
    #[must_use]
    pub const fn is_load_balancer(&self) -> bool {
        matches!(self.service_type, ServiceType::LoadBalancer)
    }

    /// Whether it has its address.
    #[must_use]
    pub const fn phase(&self) -> ServicePhase {
        if self.terminating {
            ServicePhase::Terminating
        } else if self.is_load_balancer()
            && self.load_balancer_ips.is_empty()
            && self.hostnames.is_empty()
        {
            ServicePhase::Pending
        } else {
            ServicePhase::Assigned
        }
    }
}

/// `spec.ipFamilyPolicy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyPolicy {
    /// One family.
    #[default]
    Single,
    /// Both where possible.
    PreferDual,
    /// Both.
    RequireDual,
}

/// An IPAddressPool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// MetalLB's namespace.
    pub namespace: Arc<str>,
    /// `metadata.labels`.
    pub labels: Labels,
    /// `spec.addresses`, as they are written.
    pub addresses: Vec<String>,
    /// Those of them that can be read.
    pub ranges: Vec<AddressRange>,
    /// `spec.autoAssign`; true where nothing is said.
    pub auto_assign: bool,
    /// `spec.avoidBuggyIPs`.
    pub avoid_buggy: bool,
    /// `spec.serviceAllocation`: whom it is for.
    pub allocation: Option<Allocation>,
    /// `status`, since MetalLB 0.15.
    pub counters: Option<Counters>,
}

/// Whom a pool is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allocation {
    /// Lower goes first; 0 goes last.
    pub priority: u32,
    /// Namespaces by name.
    pub namespaces: Vec<String>,
    /// Namespaces by label.
    pub namespace_selectors: Vec<Selector>,
    /// Services by label.
    pub service_selectors: Vec<Selector>,
}

/// MetalLB's own count of a pool's addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// IPv4 and IPv6 addresses that are given out.
    pub assigned: (u64, u64),
    /// IPv4 and IPv6 addresses that are free.
    pub available: (u64, u64),
}

/// An L2Advertisement or a BGPAdvertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advertisement {
    /// Pools by name.
    pub pools: Vec<String>,
    /// Pools by label. With no pool named and no selector it is for all pools.
    pub pool_selectors: Vec<Selector>,
    /// Nodes by label; all where there is none.
    pub node_selectors: Vec<Selector>,
    /// Services by label; all where there is none.
    pub service_selectors: Vec<Selector>,
    /// L2: the interfaces it is limited to; all where there is none.
    pub interfaces: Vec<String>,
    /// L2: nodes that are preferred, with a weight.
    pub preferences: Vec<Preference>,
    /// BGP: the peers it is limited to; all where there is none.
    pub peers: Vec<String>,
}

/// A node preference of an L2Advertisement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preference {
    /// Added to the score of each node that is selected.
    pub weight: i64,
    /// Which nodes.
    pub nodes: Selector,
}

/// A BGPPeer, without its password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BgpPeer {
    /// `spec.peerAddress`.
    pub address: String,
}

/// A BGPSessionState of frr-k8s.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BgpSession {
    /// The node it is of.
    pub node: String,
    /// The peer's address.
    pub peer: String,
    /// `status.bgpStatus`: `Established` where it stands.
    pub state: String,
}

/// A ConfigurationState: what a component of MetalLB makes of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationState {
    /// `status.result`: `Valid`, `Invalid` or `Unknown`.
    pub result: String,
    /// `status.errorSummary`.
    pub error: String,
}

/// A Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// `metadata.labels`.
    pub labels: Labels,
    /// Its `InternalIP` addresses.
    pub internal_ips: Vec<IpAddr>,
    /// Its `ExternalIP` addresses.
    pub external_ips: Vec<IpAddr>,
    /// Its `Hostname`, `InternalDNS` and `ExternalDNS` names.
    pub names: Vec<String>,
    /// `spec.podCIDRs`, as they are written.
    pub pod_cidrs: Vec<String>,
    /// The condition `Ready`, where it is told.
    pub ready: Option<bool>,
    /// The condition `NetworkUnavailable` holds.
    pub network_unavailable: bool,
}

impl Node {
    /// Whether it is labelled to take no load balancer traffic.
    #[must_use]
    pub fn is_excluded(&self) -> bool {
        self.labels
            .contains_key("node.kubernetes.io/exclude-from-external-load-balancers")
    }
}

/// A pod that belongs to MetalLB or works against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// MetalLB's controller, with its `--lb-class`.
    Controller {
        /// The class of services that it looks after; none means those without a class.
        class: Option<String>,
    },
    /// MetalLB's speaker.
    Speaker,
    /// k3s's ServiceLB (klipper) for this service.
    ServiceLb(ServiceKey),
}

/// The pods of MetalLB that are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components {
    /// The controllers: `--lb-class`, and whether it is ready.
    pub controllers: Vec<(Option<String>, bool)>,
    /// The nodes with a speaker, and whether one of them is ready there.
    pub speakers: BTreeMap<Arc<str>, bool>,
    /// The services for which k3s's ServiceLB runs pods.
    pub service_lb: BTreeSet<ServiceKey>,
}

/// Whether MetalLB's API is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presence {
    /// It could not be found out.
    #[default]
    Unknown,
    /// The API server has no `metallb.io`.
    Missing,
    /// It is.
    Served,
}

/// Who announces a service, as the ServiceL2Statuses and ServiceBGPStatuses say. None where a kind cannot be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Speaking {
    /// Nodes, by ServiceL2Status.
    pub layer2: Option<BTreeSet<Arc<str>>>,
    /// Nodes, by ServiceBGPStatus.
    pub bgp: Option<BTreeSet<Arc<str>>>,
}

/// Which services have an address.
pub type InUse = BTreeMap<IpAddr, BTreeSet<ServiceKey>>;

/// Everything beyond the services. `None` where it cannot be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// Whether MetalLB's API is served.
    pub metallb: Presence,
    /// IPAddressPools by name.
    pub pools: Option<BTreeMap<Arc<str>, Pool>>,
    /// L2Advertisements by name.
    pub l2: Option<BTreeMap<Arc<str>, Advertisement>>,
    /// BGPAdvertisements by name.
    pub bgp: Option<BTreeMap<Arc<str>, Advertisement>>,
    /// BGPPeers by name.
    pub peers: Option<BTreeMap<Arc<str>, BgpPeer>>,
    /// BGPSessionStates by name.
    pub sessions: Option<BTreeMap<Arc<str>, BgpSession>>,
    /// ConfigurationStates by name: `controller`, `speaker-NODE`.
    pub configuration: Option<BTreeMap<Arc<str>, ConfigurationState>>,
    /// Nodes by name.
    pub nodes: Option<BTreeMap<Arc<str>, Node>>,
    /// The labels of namespaces by name.
    pub namespaces: Option<BTreeMap<Arc<str>, Labels>>,
    /// MetalLB's pods, where the pods of all namespaces can be seen.
    pub components: Option<Components>,
}

impl World {
    /// The classes that MetalLB's controllers look after; none where no controller is seen.
    fn classes(&self) -> Option<impl Iterator<Item = Option<&str>>> {
        let controllers = &self.components.as_ref()?.controllers;
        let classes = controllers.iter().map(|(class, _)| class.as_deref());
        (!controllers.is_empty()).then_some(classes)
    }

    /// Whether MetalLB looks after services of this class. Where its controller cannot be seen: those without one.
    pub(super) fn looks_after(&self, class: Option<&str>) -> bool {
        match self.classes() {
            Some(mut classes) => classes.any(|own| own == class),
            None => class.is_none(),
        }
    }

    /// The class that MetalLB's controller was set up for, where it is seen to be for one alone.
    pub(super) fn own_class(&self) -> Option<&str> {
        let mut classes = self.classes()?;
        let first = classes.next()??;
        classes.all(|class| class == Some(first)).then_some(first)
    }
}

/// Where services are looked up.
pub trait Services {
    /// The service of this key.
    fn facts(&self, key: &ServiceKey) -> Option<&ServiceFacts>;
}

impl Services for BTreeMap<ServiceKey, ServiceFacts> {
    fn facts(&self, key: &ServiceKey) -> Option<&ServiceFacts> {
        self.get(key)
    }
}

/// The services among which one is looked at.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Everything beyond the services.
    pub world: &'a World,
    /// Addresses and the services that have them.
    pub in_use: &'a InUse,
    /// ClusterIPs and the services that have them.
    pub cluster_ips: &'a InUse,
    /// The services themselves.
    pub services: &'a dyn Services,
    /// The services of all namespaces are seen.
    pub is_complete: bool,
}

impl<'a> Scene<'a> {
    /// The services to which MetalLB has given `ip`, other than `but`.
    pub(super) fn holders(
        &self,
        ip: IpAddr,
        but: &ServiceKey,
    ) -> Vec<(&'a ServiceKey, &'a ServiceFacts)> {
        let keys = self.in_use.get(&ip).into_iter().flatten();
        keys.filter(|key| *key != but)
            .filter_map(|key| Some((key, self.services.facts(key)?)))
            .filter(|(_, facts)| self.world.looks_after(facts.load_balancer_class.as_deref()))
            .collect()
    }
}
