//! From records to a service as it is shown. Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::diagnosis::{self, Scene, Speaking, Subject, Unready};
use crate::model::{LbService, PodEndpoint, ServiceEvent, ServiceKey};

use super::records::{KeptPod, KeptService, KeptSlice};

/// The reasons of MetalLB's events that the diagnosis makes something of.
const TELLING: [&str; 4] = [
    "AllocationFailed",
    "LoadBalancerFailed",
    "nodeAssigned",
    "announceFailed",
];

/// How many events of a service are shown.
const EVENTS_SHOWN: usize = 8;

/// What is known of a service beyond its own record.
pub(super) struct Known<'a> {
    /// Its EndpointSlices; none if they are unknown (not allowed, not yet arrived), which is not the same as no slices.
    pub(super) slices: Option<Vec<&'a KeptSlice>>,
    /// The pod of this name in the service's namespace, if it is known.
    pub(super) pod: &'a dyn Fn(&Arc<str>) -> Option<&'a KeptPod>,
    /// The cluster's events about it.
    pub(super) events: &'a [ServiceEvent],
    /// Who announces it, as MetalLB says.
    pub(super) speaking: &'a Speaking,
    /// The other services with one of its addresses.
    pub(super) shared_with: Vec<ServiceKey>,
    /// Everything else.
    pub(super) scene: Scene<'a>,
}

/// The service of this key, made of all that is known of it.
pub(super) fn assemble(key: &ServiceKey, service: &KeptService, known: &Known<'_>) -> LbService {
    let pods = known
        .slices
        .as_deref()
        .map(|slices| merge(slices, known.pod));
    let telling: Vec<ServiceEvent> = known
        .events
        .iter()
        .filter(|event| is_telling(event))
        .cloned()
        .collect();
    let announced_by = if service.is_load_balancer() {
        diagnosis::announcers(
            service,
            known.scene.world,
            pods.as_deref(),
            known.speaking,
            &telling,
        )
    } else {
        Some(Vec::new())
    };
    let unready = |name: &Arc<str>| Unready {
        doing: (known.pod)(name).map(|pod| pod.doing.clone()),
    };
    let findings = diagnosis::findings(
        &Subject {
            key,
            service,
            pods: pods.as_deref(),
            unready: &unready,
            events: &telling,
            announced_by: announced_by.as_deref(),
        },
        known.scene,
    );
    LbService {
        uid: service.uid.clone(),
        service_type: service.service_type,
        load_balancer_class: service.load_balancer_class.clone(),
        cluster_ips: service.cluster_ips.clone(),
        load_balancer_ips: service.load_balancer_ips.clone(),
        hostnames: service.hostnames.clone(),
        ports: service.ports.clone(),
        pods: pods.unwrap_or_default().into(),
        pool: diagnosis::pool_name(service, known.scene.world),
        announced_by,
        phase: service.phase(),
        local_traffic_only: service.local_traffic_only,
        internal_local_only: service.internal_local_only,
        source_ranges: service.source_ranges.clone(),
        shared_with: known.shared_with.clone(),
        findings,
        events: newest(known.events),
        ..LbService::new(key.clone())
    }
}

/// Whether the diagnosis makes something of it.
fn is_telling(event: &ServiceEvent) -> bool {
    TELLING.contains(&event.reason.as_str())
}

/// The newest few, newest first.
fn newest(events: &[ServiceEvent]) -> Vec<ServiceEvent> {
    let mut sorted: Vec<&ServiceEvent> = events.iter().collect();
    sorted.sort_by(|a, b| b.at.cmp(&a.at));
    sorted.into_iter().take(EVENTS_SHOWN).cloned().collect()
}

/// The endpoints of all slices, each address once. The slices of one service differ in address family, in the numbers
/// behind named ports, or in nothing but room; while the controller moves an endpoint from one to another it is in both.
fn merge<'a>(
    slices: &[&KeptSlice],
    pod: &dyn Fn(&Arc<str>) -> Option<&'a KeptPod>,
) -> Vec<PodEndpoint> {
    let mut merged: BTreeMap<(Arc<str>, IpAddr), PodEndpoint> = BTreeMap::new();
    for slice in slices {
        for endpoint in &slice.endpoints {
            let name = endpoint
                .pod
                .clone()
                .unwrap_or_else(|| endpoint.ip.to_string().into());
            let known = || endpoint.pod.as_ref().and_then(pod);
            let node = || endpoint.node.clone().or_else(|| known()?.node.clone());
            merged
                .entry((name.clone(), endpoint.ip))
                .and_modify(|same| {
                    same.ready |= endpoint.ready;
                    same.ports = union(&same.ports, &slice.ports);
                })
                .or_insert_with(|| PodEndpoint {
                    name,
                    ip: endpoint.ip,
                    node: node(),
                    ready: endpoint.ready,
                    ports: slice.ports.clone(),
                });
        }
    }
    merged.into_values().collect()
}

/// Both lists' ports, each once.
fn union(left: &Arc<[(String, u16)]>, right: &Arc<[(String, u16)]>) -> Arc<[(String, u16)]> {
    if right.iter().all(|port| left.contains(port)) {
        return left.clone();
    }
    let new = right.iter().filter(|port| !left.contains(port));
    left.iter().chain(new).cloned().collect()
}
