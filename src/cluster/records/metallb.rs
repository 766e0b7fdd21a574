//! MetalLB's own objects: `metallb.io`, and `frrk8s.metallb.io` for BGP sessions.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::diagnosis::{
    self, Advertisement, Allocation, BgpPeer, BgpSession, ConfigurationState, Counters, Labels,
    Preference, Selector,
};

use super::{Identity, Interner, Metadata, Object, ObjectKey, all_shown, null_as_default, shown};

/// IPAddressPool.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Pool {
    metadata: Metadata<IgnoredAny, Labels>,
    #[serde(default)]
    spec: PoolSpec,
    #[serde(default)]
    status: Option<PoolStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PoolSpec {
    #[serde(deserialize_with = "null_as_default")]
    addresses: Vec<String>,
    auto_assign: Option<bool>,
    #[serde(rename = "avoidBuggyIPs")]
    avoid_buggy: bool,
    service_allocation: Option<PoolAllocation>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PoolAllocation {
    priority: u32,
    #[serde(deserialize_with = "null_as_default")]
    namespaces: Vec<String>,
    #[serde(deserialize_with = "null_as_default")]
    namespace_selectors: Vec<Selector>,
    #[serde(deserialize_with = "null_as_default")]
    service_selectors: Vec<Selector>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
struct PoolStatus {
    #[serde(rename = "assignedIPv4")]
    assigned_v4: i64,
    #[serde(rename = "assignedIPv6")]
    assigned_v6: i64,
    #[serde(rename = "availableIPv4")]
    available_v4: i64,
    #[serde(rename = "availableIPv6")]
    available_v6: i64,
}

impl Object for Pool {
    type Kept = diagnosis::Pool;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<diagnosis::Pool> {
        let ranges = self.spec.addresses.iter();
        Some(diagnosis::Pool {
            namespace: names.share(&self.metadata.namespace),
            ranges: ranges.filter_map(|text| text.parse().ok()).collect(),
            labels: self.metadata.labels,
            addresses: all_shown(self.spec.addresses),
            auto_assign: self.spec.auto_assign.unwrap_or(true),
            avoid_buggy: self.spec.avoid_buggy,
            allocation: self.spec.service_allocation.map(|allocation| Allocation {
                priority: allocation.priority,
                namespaces: allocation.namespaces,
                namespace_selectors: allocation.namespace_selectors,
                service_selectors: allocation.service_selectors,
            }),
            counters: self.status.map(PoolStatus::keep),
        })
    }
}

impl PoolStatus {
    fn keep(self) -> Counters {
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Counters {
            assigned: (count(self.assigned_v4), count(self.assigned_v6)),
            available: (count(self.available_v4), count(self.available_v6)),
        }
    }
}

/// L2Advertisement or BGPAdvertisement.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct AdvertisementObject {
    metadata: Metadata,
    #[serde(default)]
    spec: AdvertisementSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AdvertisementSpec {
    #[serde(rename = "ipAddressPools", deserialize_with = "null_as_default")]
    pools: Vec<String>,
    #[serde(
        rename = "ipAddressPoolSelectors",
        deserialize_with = "null_as_default"
    )]
    pool_selectors: Vec<Selector>,
    #[serde(deserialize_with = "null_as_default")]
    node_selectors: Vec<Selector>,
    #[serde(deserialize_with = "null_as_default")]
    service_selectors: Vec<Selector>,
    #[serde(deserialize_with = "null_as_default")]
    interfaces: Vec<String>,
    #[serde(
        rename = "preferredNodeSelectors",
        deserialize_with = "null_as_default"
    )]
    preferences: Vec<PreferredNodes>,
    #[serde(deserialize_with = "null_as_default")]
    peers: Vec<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct PreferredNodes {
    weight: i32,
    preference: Selector,
}

impl Object for AdvertisementObject {
    type Kept = Advertisement;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<Advertisement> {
        let preferences = self.spec.preferences.into_iter();
        Some(Advertisement {
            preferences: preferences
                .map(|preferred| Preference {
                    weight: preferred.weight.into(),
                    nodes: preferred.preference,
                })
                .collect(),
            pools: all_shown(self.spec.pools),
            pool_selectors: self.spec.pool_selectors,
            node_selectors: self.spec.node_selectors,
            service_selectors: self.spec.service_selectors,
            interfaces: all_shown(self.spec.interfaces),
            peers: all_shown(self.spec.peers),
        })
    }
}

/// BGPPeer. Its password is not named here, and so skipped as the text is read.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Peer {
    metadata: Metadata,
    #[serde(default)]
    spec: PeerSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PeerSpec {
    peer_address: String,
}

impl Object for Peer {
    type Kept = BgpPeer;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<BgpPeer> {
        Some(BgpPeer {
            address: shown(self.spec.peer_address),
        })
    }
}

/// ServiceL2Status or ServiceBGPStatus: one for each service and node.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct ServiceStatus {
    metadata: Metadata<IgnoredAny, StatusLabels>,
    #[serde(default)]
    status: StatusFields,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct StatusLabels {
    #[serde(rename = "metallb.io/service-name")]
    name: String,
    #[serde(rename = "metallb.io/service-namespace")]
    namespace: String,
    #[serde(rename = "metallb.io/node")]
    node: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusFields {
    node: String,
    service_name: String,
    service_namespace: String,
}

/// What is kept of a service's status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct KeptStatus {
    pub(in crate::cluster) service: ObjectKey,
    pub(in crate::cluster) node: Arc<str>,
}

impl Object for ServiceStatus {
    type Kept = KeptStatus;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptStatus> {
        let first = |field: String, label: String| if field.is_empty() { label } else { field };
        let (fields, labels) = (self.status, self.metadata.labels);
        let namespace = first(fields.service_namespace, labels.namespace);
        let name = first(fields.service_name, labels.name);
        let node = first(fields.node, labels.node);
        (!name.is_empty() && !node.is_empty()).then(|| KeptStatus {
            service: ObjectKey::new(&namespace, &name),
            node: names.share(&node),
        })
    }
}

/// ConfigurationState.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct ConfigurationObject {
    metadata: Metadata,
    #[serde(default)]
    status: ConfigurationStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConfigurationStatus {
    result: String,
    error_summary: String,
}

impl Object for ConfigurationObject {
    type Kept = ConfigurationState;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<ConfigurationState> {
        Some(ConfigurationState {
            result: shown(self.status.result),
            error: shown(self.status.error_summary),
        })
    }
}

/// BGPSessionState of frr-k8s.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Session {
    metadata: Metadata,
    #[serde(default)]
    status: SessionStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SessionStatus {
    bgp_status: String,
    node: String,
    peer: String,
}

impl Object for Session {
    type Kept = BgpSession;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, _names: &mut Interner) -> Option<BgpSession> {
        Some(BgpSession {
            node: shown(self.status.node),
            peer: shown(self.status.peer),
            state: shown(self.status.bgp_status),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_of_frr_k8s_is_read_and_its_words_can_be_shown() {
        let text = r#"{"metadata": {"name": "node-1-x", "namespace": "frr-k8s-system", "resourceVersion": "7"},
            "status": {"bgpStatus": "Active\u001b[2J", "bfdStatus": "N/A", "node": "node-1", "peer": "10.0.0.1", "vrf": ""}}"#;
        let session: Session = serde_json::from_str(text).unwrap();
        assert_eq!(session.identity().version, "7");
        let kept = session.keep(&mut Interner::default()).unwrap();
        assert_eq!((&*kept.node, &*kept.peer), ("node-1", "10.0.0.1"));
        assert_eq!(kept.state, "Active\u{fffd}[2J");
    }
}
