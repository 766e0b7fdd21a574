//! `discovery.k8s.io/v1` EndpointSlice.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Identity, Interner, Metadata, Object, null_as_default, shown};

/// `discovery.k8s.io/v1` EndpointSlice.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct EndpointSlice {
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
pub(in crate::cluster) struct KeptSlice {
    /// The Service it belongs to, in its own namespace.
    pub(in crate::cluster) service: Arc<str>,
    pub(in crate::cluster) endpoints: Box<[KeptEndpoint]>,
    /// Port name and number: the same for all endpoints of one slice.
    pub(in crate::cluster) ports: Arc<[(String, u16)]>,
}

/// An endpoint that has an IP address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct KeptEndpoint {
    pub(in crate::cluster) ip: IpAddr,
    /// The pod behind it, in the slice's namespace, if it is one.
    pub(in crate::cluster) pod: Option<Arc<str>>,
    pub(in crate::cluster) node: Option<Arc<str>>,
    pub(in crate::cluster) ready: bool,
}

impl Object for EndpointSlice {
    type Kept = KeptSlice;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptSlice> {
        let service = self.metadata.labels.service?;
        Some(KeptSlice {
            service: names.share(&service),
            endpoints: self
                .endpoints
                .into_iter()
                .filter_map(|endpoint| endpoint.keep(names))
                .collect(),
            ports: self
                .ports
                .into_iter()
                .filter_map(|port| Some((shown(port.name.unwrap_or_default()), port.port?)))
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
                .map(|target| shown(target.name).into()),
            node: self.node_name.map(|node| names.share(&node)),
            ready: self.conditions.ready.unwrap_or(true),
        })
    }
}
