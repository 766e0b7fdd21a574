//! EndpointSlices, derived from services and pods as the endpoint slice controller derives them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::catalogue::{PortSpec, Type, Workload, workload_of};
use super::clock::rfc3339;
use super::objects::pod_uid;
use super::state::{Pod, PodState, Service, State, service_uid, suffix, uid};
use crate::demo::store::Key;

/// Adds every EndpointSlice.
pub(super) fn render(state: &State, all: &mut BTreeMap<Key, Value>) {
    for service in &state.services {
        for family in families(service) {
            let (name, slice) = slice(state, service, family);
            let key = Key::new("endpointslices", service.spec.namespace, &name);
            all.insert(key, slice);
        }
    }
}

/// The families a service has slices for: those of its `clusterIPs`; IPv4 for a headless one.
fn families(service: &Service) -> Vec<&'static str> {
    match service.spec.kind {
        Type::ExternalName(_) => Vec::new(),
        Type::Headless => vec!["IPv4"],
        _ => service
            .spec
            .cluster_ips
            .iter()
            .map(|ip| family_of(ip))
            .collect(),
    }
}

/// `IPv4` or `IPv6`.
pub(super) fn family_of(ip: &str) -> &'static str {
    if ip.contains(':') { "IPv6" } else { "IPv4" }
}

fn slice(state: &State, service: &Service, family: &str) -> (String, Value) {
    let spec = service.spec;
    let by_hand = spec.app.is_empty();
    let name = if by_hand {
        spec.name.to_owned()
    } else {
        let seed = format!("{}/{}/{family}", spec.name, service.incarnation);
        format!("{}-{}", spec.name, suffix(&seed))
    };
    let endpoints = if by_hand {
        vec![json!({"addresses": ["10.0.0.100"], "conditions": {"ready": true}})]
    } else {
        endpoints(state, service, family)
    };
    let ports = if endpoints.is_empty() {
        Value::Null
    } else {
        ports(service)
    };
    let mut metadata = json!({
        "name": name,
        "namespace": spec.namespace,
        "uid": uid(&format!("slice/{}/{name}", spec.namespace)),
        "creationTimestamp": rfc3339(service.created),
        "labels": {"kubernetes.io/service-name": spec.name},
    });
    if !by_hand {
        metadata["generateName"] = json!(format!("{}-", spec.name));
        metadata["labels"]["endpointslice.kubernetes.io/managed-by"] =
            json!("endpointslice-controller.k8s.io");
        metadata["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "Service", "name": spec.name, "uid": service_uid(service),
            "controller": true, "blockOwnerDeletion": true,
        }]);
    }
    let slice = json!({
        "metadata": metadata, "addressType": family, "endpoints": endpoints, "ports": ports,
    });
    (name, slice)
}

fn endpoints(state: &State, service: &Service, family: &str) -> Vec<Value> {
    state
        .pods_of(service.spec)
        .filter(|pod| pod.state != PodState::Completed)
        .filter_map(|pod| {
            let wants_v6 = family == "IPv6";
            let address = pod
                .addresses()
                .into_iter()
                .find(|ip| ip.is_ipv6() == wants_v6)?;
            Some(endpoint(pod, address))
        })
        .collect()
}

fn endpoint(pod: &Pod, address: IpAddr) -> Value {
    let terminating = pod.state == PodState::Terminating;
    json!({
        "addresses": [address.to_string()],
        "conditions": {
            "ready": pod.is_ready(),
            "serving": pod.is_ready() || terminating,
            "terminating": terminating,
        },
        "targetRef": {
            "kind": "Pod", "namespace": pod.workload.namespace, "name": pod.name, "uid": pod_uid(pod),
        },
        "nodeName": pod.node.name,
        "zone": pod.node.zone,
    })
}

fn ports(service: &Service) -> Value {
    let workload = workload_of(service.spec.namespace, service.spec.app);
    service
        .spec
        .ports
        .iter()
        .filter_map(|port| {
            let number = target_number(port, workload)?;
            Some(json!({"name": port.name, "protocol": port.protocol, "port": number}))
        })
        .collect()
}

/// The number behind `targetPort`, which may be the name of a container's port.
fn target_number(port: &PortSpec, workload: Option<&'static Workload>) -> Option<u16> {
    if let Ok(number) = port.target.parse() {
        return Some(number);
    }
    let named = workload?.ports.iter().find(|p| p.name == port.target)?;
    Some(named.number)
}
