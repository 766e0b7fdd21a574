//! Namespaces, nodes, services, pods and events as the API writes them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::catalogue::{Extra, NAMESPACES, NODES, Node, PortSpec, Type};
use super::clock::{Seconds, rfc3339};
use super::slices::family_of;
use super::state::{Event, Pod, PodState, Service, State, service_uid, uid};
use crate::demo::store::Key;

/// Adds the objects of the core group.
pub(super) fn render(state: &State, all: &mut BTreeMap<Key, Value>) {
    for &(name, label) in NAMESPACES {
        all.insert(
            Key::new("namespaces", "", name),
            namespace(state, name, label),
        );
    }
    for machine in &NODES {
        all.insert(Key::new("nodes", "", machine.name), node(state, machine));
    }
    for one in &state.services {
        let key = Key::new("services", one.spec.namespace, one.spec.name);
        all.insert(key, service(one));
    }
    for one in &state.pods {
        let key = Key::new("pods", one.workload.namespace, &one.name);
        all.insert(key, pod(one));
    }
    for one in &state.events {
        let name = event_name(one);
        all.insert(Key::new("events", one.namespace, &name), event(one, &name));
    }
}

fn namespace(state: &State, name: &str, label: Option<(&str, &str)>) -> Value {
    let mut labels = Map::from_iter([("kubernetes.io/metadata.name".to_owned(), json!(name))]);
    if let Some((key, value)) = label {
        labels.insert(key.to_owned(), json!(value));
    }
    json!({
        "metadata": {
            "name": name, "uid": uid(&format!("namespace/{name}")),
            "creationTimestamp": rfc3339(state.born), "labels": labels,
        },
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    })
}

fn node(state: &State, node: &Node) -> Value {
    let mut labels = json!({
        "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux", "kubernetes.io/hostname": node.name,
        "topology.kubernetes.io/region": "homelab", "topology.kubernetes.io/zone": node.zone,
    });
    let mut spec = json!({
        "podCIDR": format!("10.244.{}.0/24", node.index),
        "podCIDRs": [format!("10.244.{}.0/24", node.index), format!("fd00:10:244:{}::/64", node.index)],
    });
    if node.control_plane {
        labels["node-role.kubernetes.io/control-plane"] = json!("");
        labels["node.kubernetes.io/exclude-from-external-load-balancers"] = json!("");
        spec["taints"] =
            json!([{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}]);
    }
    json!({
        "metadata": {
            "name": node.name, "uid": uid(&format!("node/{}", node.name)),
            "creationTimestamp": rfc3339(state.born), "labels": labels,
        },
        "spec": spec,
        "status": node_status(state, node),
    })
}

fn node_status(state: &State, node: &Node) -> Value {
    let at = rfc3339(state.born + 60);
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({"type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": at, "lastTransitionTime": at})
    };
    json!({
        "capacity": {"cpu": "4", "ephemeral-storage": "102350Mi", "memory": "16000Mi", "pods": "110"},
        "allocatable": {"cpu": "4", "ephemeral-storage": "96589578081", "memory": "15900Mi", "pods": "110"},
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "addresses": [
            {"type": "InternalIP", "address": format!("10.0.0.10{}", node.index)},
            {"type": "InternalIP", "address": format!("fd00:10::10{}", node.index)},
            {"type": "ExternalIP", "address": node.external_ip},
            {"type": "Hostname", "address": node.name},
        ],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
            "machineID": "", "systemUUID": "", "bootID": "", "kernelVersion": "6.12.48+deb13-amd64",
            "osImage": "Debian GNU/Linux 13 (trixie)", "containerRuntimeVersion": "containerd://2.1.4",
            "kubeletVersion": "v1.36.2", "kubeProxyVersion": "", "operatingSystem": "linux", "architecture": "amd64",
        },
    })
}

fn service(service: &Service) -> Value {
    let spec = service.spec;
    let mut annotations: Map<String, Value> = spec
        .annotations
        .iter()
        .map(|&(key, value)| (key.to_owned(), json!(value)))
        .collect();
    if let Some(pool) = service.pool {
        annotations.insert("metallb.io/ip-allocated-from-pool".to_owned(), json!(pool));
    }
    let mut metadata = json!({
        "name": spec.name, "namespace": spec.namespace, "uid": service_uid(service),
        "creationTimestamp": rfc3339(service.created),
    });
    if !spec.app.is_empty() {
        metadata["labels"] = json!({"app": spec.app});
    }
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    if spec.terminating {
        metadata["deletionTimestamp"] = json!(rfc3339(service.created + 3600));
        metadata["deletionGracePeriodSeconds"] = json!(0);
        metadata["finalizers"] = json!(["service.kubernetes.io/load-balancer-cleanup"]);
    }
    let ingress: Vec<Value> = service
        .addresses
        .iter()
        .map(|ip| json!({"ip": ip.to_string(), "ipMode": "VIP"}))
        .collect();
    let balancer = if ingress.is_empty() {
        json!({})
    } else {
        json!({ "ingress": ingress })
    };
    json!({"metadata": metadata, "spec": service_spec(service), "status": {"loadBalancer": balancer}})
}

fn service_spec(service: &Service) -> Value {
    let spec = service.spec;
    if let Type::ExternalName(name) = spec.kind {
        return json!({"type": "ExternalName", "sessionAffinity": "None", "externalName": name});
    }
    let headless = ["None"];
    let ips: &[&str] = if spec.kind == Type::Headless {
        &headless
    } else {
        spec.cluster_ips
    };
    let families: Vec<&str> = ips.iter().map(|ip| family_of(ip)).collect();
    let mut out = json!({
        "type": type_name(spec.kind),
        "clusterIP": ips[0], "clusterIPs": ips,
        "ipFamilies": families, "ipFamilyPolicy": "SingleStack",
        "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
        "ports": spec.ports.iter().map(service_port).collect::<Vec<_>>(),
    });
    if !spec.app.is_empty() {
        out["selector"] = json!({"app": spec.app});
    }
    match spec.kind {
        Type::LoadBalancer(_) => {
            out["externalTrafficPolicy"] = json!("Cluster");
            out["allocateLoadBalancerNodePorts"] = json!(true);
        }
        Type::NodePort => out["externalTrafficPolicy"] = json!("Cluster"),
        _ => {}
    }
    for &(field, value) in spec.extra {
        out[field] = match value {
            Extra::Text(text) => json!(text),
            Extra::List(list) => json!(list),
            Extra::Number(number) => json!(number),
            Extra::Flag(flag) => json!(flag),
        };
    }
    out
}

const fn type_name(kind: Type) -> &'static str {
    match kind {
        Type::ClusterIp | Type::Headless => "ClusterIP",
        Type::NodePort => "NodePort",
        Type::ExternalName(_) => "ExternalName",
        Type::LoadBalancer(_) => "LoadBalancer",
    }
}

fn service_port(port: &PortSpec) -> Value {
    let target = port
        .target
        .parse::<u16>()
        .map_or_else(|_| json!(port.target), |number| json!(number));
    let mut out = json!({"protocol": port.protocol, "port": port.number, "targetPort": target});
    if !port.name.is_empty() {
        out["name"] = json!(port.name);
    }
    if port.node_port != 0 {
        out["nodePort"] = json!(port.node_port);
    }
    out
}

/// The uid of a pod.
pub(super) fn pod_uid(pod: &Pod) -> String {
    uid(&format!("pod/{}/{}", pod.workload.namespace, pod.name))
}

fn pod(pod: &Pod) -> Value {
    let workload = pod.workload;
    let owner = if workload.hash.is_empty() {
        ("DaemonSet", workload.name.to_owned())
    } else {
        ("ReplicaSet", format!("{}-{}", workload.name, workload.hash))
    };
    let mut labels = if workload.namespace == "metallb-system" {
        json!({"app": "metallb", "component": workload.name})
    } else {
        json!({"app": workload.name})
    };
    if !workload.hash.is_empty() {
        labels["pod-template-hash"] = json!(workload.hash);
    }
    let mut metadata = json!({
        "name": pod.name, "generateName": format!("{}-", owner.1), "namespace": workload.namespace,
        "uid": pod_uid(pod), "creationTimestamp": rfc3339(pod.created), "labels": labels,
        "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": owner.0, "name": owner.1,
            "uid": uid(&format!("{}/{}/{}", owner.0, workload.namespace, owner.1)),
            "controller": true, "blockOwnerDeletion": true,
        }],
    });
    if pod.state == PodState::Terminating {
        metadata["deletionTimestamp"] = json!(rfc3339(pod.changed + 30));
        metadata["deletionGracePeriodSeconds"] = json!(30);
    }
    json!({"metadata": metadata, "spec": pod_spec(pod), "status": pod_status(pod)})
}

fn image(pod: &Pod) -> String {
    format!("registry.example.com/{}:2.0.1", pod.workload.name)
}

fn pod_spec(pod: &Pod) -> Value {
    let ports: Vec<Value> = pod
        .workload
        .ports
        .iter()
        .map(|port| {
            let mut out = json!({"containerPort": port.number, "protocol": port.protocol});
            if !port.name.is_empty() {
                out["name"] = json!(port.name);
            }
            out
        })
        .collect();
    let mut spec = json!({
        "containers": [{
            "name": pod.workload.name, "image": image(pod), "ports": ports,
            "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}}, "imagePullPolicy": "IfNotPresent",
        }],
        "restartPolicy": if pod.state == PodState::Completed { "Never" } else { "Always" },
        "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "serviceAccountName": "default",
        "securityContext": {}, "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true,
    });
    if pod.state != PodState::Unschedulable {
        spec["nodeName"] = json!(pod.node.name);
    }
    if pod.on_host_network() {
        spec["hostNetwork"] = json!(true);
    }
    spec
}

fn pod_status(pod: &Pod) -> Value {
    let at = rfc3339(pod.changed);
    if pod.state == PodState::Unschedulable {
        return json!({"phase": "Pending", "qosClass": "Burstable", "conditions": [{
            "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": at,
            "reason": "Unschedulable",
            "message": "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient memory.",
        }]});
    }
    let mut status = json!({
        "phase": match pod.state {
            PodState::Creating => "Pending",
            PodState::Completed => "Succeeded",
            _ => "Running",
        },
        "qosClass": "Burstable", "startTime": rfc3339(pod.created),
        "hostIP": format!("10.0.0.10{}", pod.node.index),
        "hostIPs": [{"ip": format!("10.0.0.10{}", pod.node.index)}],
        "conditions": conditions(pod, &at),
        "containerStatuses": [container_status(pod, &at)],
    });
    let ips = pod.addresses();
    if let Some(first) = ips.first() {
        status["podIP"] = json!(first.to_string());
        status["podIPs"] = ips.iter().map(|ip| json!({"ip": ip.to_string()})).collect();
    }
    status
}

fn conditions(pod: &Pod, at: &str) -> Value {
    let serves = pod.is_ready() || pod.state == PodState::Terminating;
    let condition = |kind: &str, holds: bool| {
        let mut out = json!({
            "type": kind, "status": if holds { "True" } else { "False" },
            "lastProbeTime": null, "lastTransitionTime": at,
        });
        if !holds && pod.state == PodState::Completed {
            out["reason"] = json!("PodCompleted");
        } else if !holds {
            out["reason"] = json!("ContainersNotReady");
            out["message"] = json!(format!(
                "containers with unready status: [{}]",
                pod.workload.name
            ));
        }
        out
    };
    json!([
        condition("Initialized", true),
        condition("Ready", serves),
        condition("ContainersReady", serves),
        condition("PodScheduled", true),
    ])
}

fn container_status(pod: &Pod, at: &str) -> Value {
    let crashed = pod.state == PodState::Crashing;
    let state = match pod.state {
        PodState::Creating => json!({"waiting": {"reason": "ContainerCreating"}}),
        PodState::Crashing => json!({"waiting": {
            "reason": "CrashLoopBackOff",
            "message": format!("back-off 5m0s restarting failed container={}", pod.workload.name),
        }}),
        PodState::Completed => json!({"terminated": {
            "exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at,
        }}),
        _ => json!({"running": {"startedAt": at}}),
    };
    let running = state.get("running").is_some();
    json!({
        "name": pod.workload.name, "image": image(pod), "imageID": "", "state": state, "lastState": {},
        "ready": pod.is_ready() || pod.state == PodState::Terminating,
        "started": running, "restartCount": if crashed { 42 } else { 0 },
    })
}

fn event_name(event: &Event) -> String {
    // Real names end in the nanoseconds of the first occurrence.
    let nanos = event.at * 1_000_000_000 + Seconds::from(event.serial);
    format!("{}.{nanos:x}", event.service)
}

fn event(event: &Event, name: &str) -> Value {
    let at = rfc3339(event.at);
    json!({
        "metadata": {
            "name": name, "namespace": event.namespace,
            "uid": uid(&format!("event/{name}")), "creationTimestamp": at,
        },
        "involvedObject": {
            "kind": "Service", "namespace": event.namespace, "name": event.service,
            "uid": event.service_uid, "apiVersion": "v1",
        },
        "reason": event.reason, "message": event.message, "source": {"component": event.component},
        "firstTimestamp": at, "lastTimestamp": at, "count": 1,
        "type": if event.warning { "Warning" } else { "Normal" },
        "eventTime": null, "reportingComponent": event.component, "reportingInstance": "",
    })
}
