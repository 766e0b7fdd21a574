//! `v1` Service. Of those that are not of type LoadBalancer only what leads to them is kept.

use std::net::IpAddr;

use serde::Deserialize;

use crate::diagnosis::{FamilyPolicy, Labels, ServiceFacts};
use crate::model::{Protocol, ServicePort, ServiceType};

use super::{Identity, Interner, Metadata, Object, all_shown, null_as_default, shown};

/// `v1` Service.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Service {
    metadata: Metadata<ServiceAnnotations, Labels>,
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
    #[serde(rename = "metallb.io/allow-shared-ip")]
    sharing_key: Option<String>,
    #[serde(rename = "metallb.universe.tf/allow-shared-ip")]
    old_sharing_key: Option<String>,
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
    external_name: Option<String>,
    #[serde(rename = "loadBalancerIP")]
    load_balancer_ip: String,
    external_traffic_policy: String,
    internal_traffic_policy: String,
    ip_family_policy: String,
    #[serde(deserialize_with = "null_as_default")]
    load_balancer_source_ranges: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    selector: Labels,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "they are named as the API names them"
)]
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
    #[serde(default)]
    app_protocol: Option<String>,
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

/// What is kept of a Service.
pub(in crate::cluster) type KeptService = ServiceFacts;

impl Object for Service {
    type Kept = KeptService;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<KeptService> {
        let service_type = service_type(&self.spec.kind);
        if service_type != ServiceType::LoadBalancer {
            return Some(self.keep_other(service_type));
        }
        let uses_deprecated_annotation = self.metadata.annotations.uses_deprecated();
        let annotations = self.metadata.annotations;
        let ingress = self.status.load_balancer.ingress;
        Some(ServiceFacts {
            uid: None,
            service_type,
            labels: self.metadata.labels,
            cluster_ips: addresses(self.spec.cluster_ips, self.spec.cluster_ip),
            load_balancer_ips: ingress
                .iter()
                .filter_map(|ingress| ingress.ip.as_deref()?.parse().ok())
                .collect(),
            hostnames: ingress
                .into_iter()
                .filter_map(|ingress| said(ingress.hostname))
                .collect(),
            ports: self.spec.ports.into_iter().map(Port::keep).collect(),
            // Which pods are selected matters to MetalLB where only nodes with pods take traffic.
            selector: if self.spec.external_traffic_policy == LOCAL {
                self.spec.selector
            } else {
                Labels::new()
            },
            load_balancer_class: self.spec.load_balancer_class.map(shown),
            family_policy: family_policy(&self.spec.ip_family_policy),
            pool: said(annotations.pool.or(annotations.old_pool)),
            requested_ips: said(annotations.requested_ips.or(annotations.old_requested_ips)),
            requested_ip_field: said(Some(self.spec.load_balancer_ip)),
            requested_pool: said(
                annotations
                    .requested_pool
                    .or(annotations.old_requested_pool),
            ),
            sharing_key: annotations
                .sharing_key
                .or(annotations.old_sharing_key)
                .map(shown),
            uses_deprecated_annotation,
            local_traffic_only: self.spec.external_traffic_policy == LOCAL,
            internal_local_only: self.spec.internal_traffic_policy == LOCAL,
            source_ranges: all_shown(self.spec.load_balancer_source_ranges),
            terminating: self.metadata.deletion_timestamp.is_some(),
        })
    }
}

impl Service {
    /// MetalLB does not look after it: what MetalLB reads is of no interest.
    fn keep_other(self, service_type: ServiceType) -> ServiceFacts {
        let is_api = self.metadata.namespace == "default" && self.metadata.name == "kubernetes";
        let uid = is_api.then(|| self.metadata.uid.into());
        ServiceFacts {
            service_type,
            cluster_ips: addresses(self.spec.cluster_ips, self.spec.cluster_ip),
            hostnames: said(self.spec.external_name).into_iter().collect(),
            ports: self.spec.ports.into_iter().map(Port::keep).collect(),
            local_traffic_only: self.spec.external_traffic_policy == LOCAL,
            internal_local_only: self.spec.internal_traffic_policy == LOCAL,
            terminating: self.metadata.deletion_timestamp.is_some(),
            uid,
            ..ServiceFacts::default()
        }
    }
}

/// `clusterIPs`, or `clusterIP` from before there were several. "None" marks a headless service; it is no address, and so left
/// out.
fn addresses(mut all: Vec<String>, first: String) -> Vec<IpAddr> {
    if all.is_empty() {
        all.push(first);
    }
    all.iter().filter_map(|ip| ip.parse().ok()).collect()
}

/// Kubernetes fills the type in; what it does not know yet has an address within the cluster, like all that came before.
fn service_type(text: &str) -> ServiceType {
    text.parse().unwrap_or(ServiceType::ClusterIp)
}

const LOCAL: &str = "Local";

/// A text, where one is given and not empty, safe to show.
fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(shown)
}

fn family_policy(text: &str) -> FamilyPolicy {
    match text {
        "PreferDualStack" => FamilyPolicy::PreferDual,
        "RequireDualStack" => FamilyPolicy::RequireDual,
        _ => FamilyPolicy::Single,
    }
}

impl ServiceAnnotations {
    fn uses_deprecated(&self) -> bool {
        self.old_requested_ips.is_some()
            || self.old_requested_pool.is_some()
            || self.old_sharing_key.is_some()
    }
}

impl Port {
    fn keep(self) -> ServicePort {
        ServicePort {
            target_port: match self.target_port {
                Some(IntOrString::String(name)) => shown(name),
                Some(IntOrString::Int(0)) | None => self.port.to_string(),
                Some(IntOrString::Int(number)) => number.to_string(),
            },
            name: shown(self.name),
            number: self.port,
            protocol: protocol(&self.protocol),
            node_port: self.node_port.filter(|port| *port != 0),
            app_protocol: said(self.app_protocol).map(Into::into),
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
