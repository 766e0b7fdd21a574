//! MetalLB's own objects, and its choice of the node that announces an address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::catalogue::{Extra, NODES, Node};
use super::clock::rfc3339;
use super::state::{Service, State, suffix, uid};
use crate::demo::store::Key;

const NAMESPACE: &str = "metallb-system";

/// A pool: its name, its spec as JSON, and how many addresses of either family it has.
struct Pool {
    name: &'static str,
    spec: &'static str,
    sizes: [u32; 2],
}

#[rustfmt::skip]
const POOLS: &[Pool] = &[
    Pool { name: "first-pool", sizes: [11, 0],
        spec: r#"{"addresses":["10.0.0.240-10.0.0.250"],"autoAssign":true,"avoidBuggyIPs":false}"# },
    Pool { name: "tiny-pool", sizes: [2, 0],
        spec: r#"{"addresses":["10.0.5.10-10.0.5.11"],"autoAssign":false,"avoidBuggyIPs":false}"# },
    Pool { name: "dual-pool", sizes: [16, 16],
        spec: r#"{"addresses":["10.0.6.0/28","fd00:10:6::/124"],"autoAssign":false,"avoidBuggyIPs":false}"# },
    Pool { name: "manual-pool", sizes: [254, 0],
        spec: r#"{"addresses":["10.0.7.0/24"],"autoAssign":false,"avoidBuggyIPs":true}"# },
    Pool { name: "monitoring-pool", sizes: [21, 0],
        spec: r#"{"addresses":["10.0.8.100-10.0.8.120"],"autoAssign":true,"avoidBuggyIPs":false,"serviceAllocation":{
            "namespaceSelectors":[{"matchLabels":{"team":"platform"}}],"namespaces":["monitoring"],"priority":50}}"# },
    Pool { name: "edge-pool", sizes: [32, 0],
        spec: r#"{"addresses":["203.0.113.64/27"],"autoAssign":false,"avoidBuggyIPs":false}"# },
];

/// What does not move: resource, name, spec.
#[rustfmt::skip]
const FIXED: &[(&str, &str, &str)] = &[
    ("l2advertisements", "first-l2", r#"{"ipAddressPools":["first-pool","tiny-pool","manual-pool"]}"#),
    ("l2advertisements", "monitoring-l2", r#"{"interfaces":["eth0"],"ipAddressPools":["monitoring-pool","dual-pool"],
        "nodeSelectors":[{"matchLabels":{"kubernetes.io/hostname":"k8s-worker-2"}}]}"#),
    ("bgpadvertisements", "edge-bgp", r#"{"aggregationLength":32,"aggregationLengthV6":128,"communities":["no-export"],
        "ipAddressPoolSelectors":[{"matchLabels":{"zone":"edge"}}],"localPref":100,"peers":["tor-2"]}"#),
    ("bgppeers", "tor-1", r#"{"bfdProfile":"fast-bfd","disableMP":false,"dualStackAddressFamily":false,"holdTime":"1m30s",
        "myASN":64512,"nodeSelectors":[{"matchLabels":{"topology.kubernetes.io/zone":"rack-1"}}],"peerASN":64513,
        "peerAddress":"10.0.0.1","peerPort":179}"#),
    ("bgppeers", "tor-2", r#"{"disableMP":false,"dualStackAddressFamily":false,"myASN":64512,"peerASN":64513,
        "peerAddress":"10.0.0.2","peerPort":179}"#),
    ("bfdprofiles", "fast-bfd", r#"{"detectMultiplier":3,"receiveInterval":300,"transmitInterval":300}"#),
    ("communities", "communities", r#"{"communities":[{"name":"no-export","value":"65535:65281"}]}"#),
];

/// Adds every object of MetalLB.
pub(super) fn render(state: &State, all: &mut BTreeMap<Key, Value>) {
    for pool in POOLS {
        let mut object = custom(state, "ipaddresspools", pool.name, json(pool.spec));
        object["status"] = usage(state, pool);
        if pool.name == "edge-pool" {
            object["metadata"]["labels"] = json!({"zone": "edge"});
        }
        all.insert(Key::new("ipaddresspools", NAMESPACE, pool.name), object);
    }
    for &(resource, name, spec) in FIXED {
        let object = custom(state, resource, name, json(spec));
        all.insert(Key::new(resource, NAMESPACE, name), object);
    }
    for component in configuration_states() {
        let object = configuration_state(state, &component);
        all.insert(
            Key::new("configurationstates", NAMESPACE, &component),
            object,
        );
    }
    for service in &state.services {
        for (node, protocol) in announcers(state, service) {
            let (resource, name, object) = announcement(service, node, protocol);
            all.insert(Key::new(resource, NAMESPACE, &name), object);
        }
    }
}

/// The nodes that announce a service's address, and how (`layer2` or `bgp`); none where no endpoint is ready.
pub(super) fn announcers(state: &State, service: &Service) -> Vec<(&'static str, &'static str)> {
    let (Some(pool), Some(address)) = (service.pool, service.addresses.first()) else {
        return Vec::new();
    };
    let eligible: Vec<&'static Node> = NODES
        .iter()
        .filter(|node| {
            !node.control_plane && advertises(pool, node) && serves(state, service, node)
        })
        .collect();
    if pool == "edge-pool" {
        return eligible.iter().map(|node| (node.name, "bgp")).collect();
    }
    // The speakers agree without talking: each sorts the eligible nodes by the same hash.
    let first = eligible.iter().min_by_key(|node| rank(node.name, *address));
    first
        .map(|node| (node.name, "layer2"))
        .into_iter()
        .collect()
}

fn rank(node: &str, address: IpAddr) -> Vec<u8> {
    Sha256::digest(format!("{node}#{address}").as_bytes()).to_vec()
}

/// Whether an advertisement selects this pool on this node.
fn advertises(pool: &str, node: &Node) -> bool {
    !matches!(pool, "monitoring-pool" | "dual-pool") || node.name == "k8s-worker-2"
}

/// Whether the service has a ready endpoint that this node may use.
fn serves(state: &State, service: &Service, node: &Node) -> bool {
    let local = service
        .spec
        .extra
        .contains(&("externalTrafficPolicy", Extra::Text("Local")));
    state
        .pods_of(service.spec)
        .any(|pod| pod.is_ready() && (!local || pod.node.name == node.name))
}

fn usage(state: &State, pool: &Pool) -> Value {
    let mut taken: Vec<IpAddr> = state
        .services
        .iter()
        .filter(|service| service.pool == Some(pool.name))
        .flat_map(|service| service.addresses.iter().copied())
        .collect();
    taken.sort_unstable();
    // An address that is shared counts once.
    taken.dedup();
    let v6 = u32::try_from(taken.iter().filter(|ip| ip.is_ipv6()).count()).unwrap_or(0);
    let v4 = u32::try_from(taken.len()).unwrap_or(0) - v6;
    json!({
        "assignedIPv4": v4, "availableIPv4": pool.sizes[0].saturating_sub(v4),
        "assignedIPv6": v6, "availableIPv6": pool.sizes[1].saturating_sub(v6),
    })
}

fn configuration_states() -> Vec<String> {
    let speakers = NODES.iter().map(|node| format!("speaker-{}", node.name));
    std::iter::once("controller".to_owned())
        .chain(speakers)
        .collect()
}

fn configuration_state(state: &State, component: &str) -> Value {
    let kind = component.split('-').next().unwrap_or(component);
    let mut object = custom(state, "configurationstates", component, Value::Null);
    object["metadata"]["labels"] = json!({"metallb.io/component-type": kind});
    if let Some(node) = component.strip_prefix("speaker-") {
        object["metadata"]["labels"]["metallb.io/node-name"] = json!(node);
    }
    object["status"] = json!({
        "result": "Valid",
        "conditions": [{
            "type": if kind == "controller" { "poolReconcilerValid" } else { "configReconcilerValid" },
            "status": "True", "reason": "Reconciled", "message": "",
            "lastTransitionTime": rfc3339(state.born + 700),
        }],
    });
    object
}

fn announcement(service: &Service, node: &str, protocol: &str) -> (&'static str, String, Value) {
    let spec = service.spec;
    let bgp = protocol == "bgp";
    let (resource, prefix) = if bgp {
        ("servicebgpstatuses", "bgp-")
    } else {
        ("servicel2statuses", "l2-")
    };
    let seed = format!(
        "{}/{}/{node}/{}",
        spec.namespace, spec.name, service.incarnation
    );
    let name = format!("{prefix}{}", suffix(&seed));
    let mut status = json!({
        "node": node, "serviceName": spec.name, "serviceNamespace": spec.namespace,
    });
    if bgp {
        status["peers"] = json!(["tor-2"]);
    }
    let object = json!({
        "metadata": {
            "name": name, "generateName": prefix, "namespace": NAMESPACE, "generation": 1,
            "uid": uid(&seed), "creationTimestamp": rfc3339(service.created),
            "labels": {
                "metallb.io/node": node,
                "metallb.io/service-name": spec.name,
                "metallb.io/service-namespace": spec.namespace,
            },
        },
        "spec": {},
        "status": status,
    });
    (resource, name, object)
}

fn custom(state: &State, resource: &str, name: &str, spec: Value) -> Value {
    let mut object = json!({"metadata": {
        "name": name, "namespace": NAMESPACE, "generation": 1,
        "uid": uid(&format!("{resource}/{name}")), "creationTimestamp": rfc3339(state.born + 300),
    }});
    if !spec.is_null() {
        object["spec"] = spec;
    }
    object
}

/// The JSON of a constant of this file; the tests read every one of them.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}
