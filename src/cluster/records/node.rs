//! `v1` Node and Namespace.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::diagnosis::{self, Labels};

use super::{Identity, Interner, Metadata, Object, null_as_default, shown};

/// `v1` Node.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Node {
    metadata: Metadata<IgnoredAny, Labels>,
    #[serde(default)]
    spec: NodeSpec,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeSpec {
    #[serde(rename = "podCIDR")]
    pod_cidr: String,
    #[serde(rename = "podCIDRs", deserialize_with = "null_as_default")]
    pod_cidrs: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus {
    #[serde(deserialize_with = "null_as_default")]
    addresses: Vec<NodeAddress>,
    #[serde(deserialize_with = "null_as_default")]
    conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct NodeAddress {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

/// A condition of any object.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// Whether the condition `kind` holds; none where it is not told.
pub(super) fn holds(conditions: &[Condition], kind: &str) -> Option<bool> {
    let condition = conditions.iter().find(|condition| condition.kind == kind)?;
    match condition.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

impl Object for Node {
    type Kept = diagnosis::Node;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<diagnosis::Node> {
        let conditions = &self.status.conditions;
        let mut node = diagnosis::Node {
            labels: self.metadata.labels,
            pod_cidrs: self.spec.pod_cidrs,
            ready: holds(conditions, "Ready"),
            network_unavailable: holds(conditions, "NetworkUnavailable") == Some(true),
            ..diagnosis::Node::default()
        };
        if node.pod_cidrs.is_empty() && !self.spec.pod_cidr.is_empty() {
            node.pod_cidrs.push(self.spec.pod_cidr);
        }
        for NodeAddress { kind, address } in self.status.addresses {
            match (kind.as_str(), address.parse::<IpAddr>()) {
                ("InternalIP", Ok(ip)) => node.internal_ips.push(ip),
                ("ExternalIP", Ok(ip)) => node.external_ips.push(ip),
                _ => {
                    let name = shown(address);
                    if !node.names.contains(&name) {
                        node.names.push(name);
                    }
                }
            }
        }
        Some(node)
    }
}

/// `v1` Namespace.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct NamespaceObject {
    metadata: Metadata<IgnoredAny, Labels>,
}

impl Object for NamespaceObject {
    type Kept = Labels;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<Labels> {
        Some(self.metadata.labels)
    }
}
