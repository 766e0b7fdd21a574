//! The objects of a large cluster, of about the size that real ones have.

use serde_json::{Value, json};

const NAMESPACES: usize = 100;
const NODES: usize = 50;
pub(crate) const PODS_PER_SERVICE: usize = 4;

fn namespace(service: usize) -> String {
    format!("team-{}", service % NAMESPACES)
}

/// What every object carries along: nothing of it is used, all of it is sent.
fn metadata(name: &str, namespace: &str, version: usize, fields: usize) -> Value {
    let mut owned = serde_json::Map::new();
    for field in 0..fields {
        owned.insert(
            format!("f:field-{field}"),
            json!({".": {}, "f:name": {}, "f:value": {}}),
        );
    }
    json!({
        "name": name, "namespace": namespace, "uid": format!("00000000-0000-0000-0000-{version:012}"),
        "resourceVersion": version.to_string(), "creationTimestamp": "2026-11-22T19:18:02Z",
        "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": {"f:spec": owned}}],
    })
}

pub(crate) fn service(index: usize) -> Value {
    let (name, namespace) = (format!("service-{index}"), namespace(index));
    let mut metadata = metadata(&name, &namespace, index + 1, 20);
    metadata["labels"] = json!({"app": name, "team": namespace});
    metadata["annotations"] = json!({"metallb.io/ip-allocated-from-pool": "main"});
    json!({
        "metadata": metadata,
        "spec": {
            "type": "LoadBalancer", "clusterIP": ip(96, index), "clusterIPs": [ip(96, index)],
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "selector": {"app": name},
            "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
            "ports": [{"name": "http", "port": 80, "protocol": "TCP", "targetPort": "http", "nodePort": 30000 + index % 2768}],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": ip(64, index), "ipMode": "VIP"}]}},
    })
}

pub(crate) fn slice(index: usize) -> Value {
    let name = format!("service-{index}");
    let mut metadata = metadata(&format!("{name}-abcde"), &namespace(index), index + 1, 15);
    metadata["labels"] = json!({"kubernetes.io/service-name": name});
    let endpoints: Vec<Value> = (0..PODS_PER_SERVICE)
        .map(|number| {
            let pod = index * PODS_PER_SERVICE + number;
            json!({
                "addresses": [ip(244, pod)], "nodeName": node_name(pod),
                "conditions": {"ready": true, "serving": true, "terminating": false},
                "targetRef": {"kind": "Pod", "namespace": namespace(index), "name": format!("pod-{pod}")},
            })
        })
        .collect();
    json!({
        "metadata": metadata, "addressType": "IPv4", "endpoints": endpoints,
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    })
}

/// A pod; `waiting` is what its container waits for.
pub(crate) fn pod(index: usize, version: usize, waiting: Option<&str>) -> Value {
    let mut metadata = metadata(
        &format!("pod-{index}"),
        &namespace(index / PODS_PER_SERVICE),
        version,
        60,
    );
    metadata["labels"] = json!({"app": format!("service-{}", index / PODS_PER_SERVICE), "pod-template-hash": "5bdf7c6f9c"});
    let environment: Vec<Value> = (0..10)
        .map(|number| json!({"name": format!("SETTING_{number}"), "value": "a value of usual length"}))
        .collect();
    let state = match waiting {
        Some(reason) => json!({"waiting": {"reason": reason}}),
        None => json!({"running": {"startedAt": "2026-11-22T19:18:02Z"}}),
    };
    json!({
        "metadata": metadata,
        "spec": {
            "nodeName": node_name(index), "serviceAccountName": "default",
            "containers": [{"name": "app", "image": "registry.example.com/app:2.0.1", "env": environment}],
            "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
        },
        "status": {
            "phase": "Running", "podIP": ip(244, index), "podIPs": [{"ip": ip(244, index)}],
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-22T19:18:02Z"}],
            "containerStatuses": [{"name": "app", "ready": waiting.is_none(), "restartCount": 0, "state": state}],
        },
    })
}

pub(crate) fn nodes() -> Vec<Value> {
    (0..NODES)
        .map(|index| {
            json!({
                "metadata": metadata(&node_name(index), "", index + 1, 60),
                "status": {
                    "addresses": [{"type": "InternalIP", "address": ip(0, index)}],
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            })
        })
        .collect()
}

pub(crate) fn namespaces() -> Vec<Value> {
    (0..NAMESPACES)
        .map(|index| json!({"metadata": metadata(&namespace(index), "", index + 1, 2)}))
        .collect()
}

pub(crate) fn pools(services: usize) -> Vec<Value> {
    vec![json!({
        "metadata": metadata("main", "metallb-system", 1, 2),
        "spec": {"addresses": ["10.64.0.0/16"], "autoAssign": true},
        "status": {"assignedIPv4": services, "availableIPv4": 65536 - services, "assignedIPv6": 0, "availableIPv6": 0},
    })]
}

pub(crate) fn advertisements() -> Vec<Value> {
    vec![json!({"metadata": metadata("main", "metallb-system", 1, 2), "spec": {}})]
}

pub(crate) fn status(index: usize) -> Value {
    json!({
        "metadata": metadata(&format!("l2-{index}"), "metallb-system", index + 1, 4),
        "status": {
            "node": node_name(index), "serviceName": format!("service-{index}"), "serviceNamespace": namespace(index),
        },
    })
}

fn node_name(index: usize) -> String {
    format!("node-{}", index % NODES)
}

fn ip(second: u8, index: usize) -> String {
    format!("10.{second}.{}.{}", index / 256, index % 256)
}
