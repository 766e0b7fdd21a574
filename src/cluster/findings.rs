//! What can be said about a service from the Service, its EndpointSlices and its pods alone. Pure.
//!
//! MetalLB's own objects are not looked at here, so nothing is claimed about pools or announcements: a finding states what
//! was seen, and says where to look for the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Finding, PodEndpoint, Protocol, ServicePhase, Severity, printable};

use super::records::KeptService;

/// What is known of a pod that takes no traffic.
pub(super) struct Unready {
    /// The word `kubectl get pods` shows for it, if pods can be seen.
    pub(super) doing: Option<Arc<str>>,
}

/// Everything found out about `service`, the worst first. `pods` is none where its endpoints are unknown.
pub(super) fn of_service(
    service: &KeptService,
    phase: ServicePhase,
    pods: Option<&[PodEndpoint]>,
    unready: &dyn Fn(&Arc<str>) -> Unready,
) -> Vec<Finding> {
    let mut found: Vec<Finding> = [
        pods.and_then(|pods| no_ready_endpoints(phase, pods, unready)),
        pending(service, phase),
        local_policy(service, pods),
        udp(service),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    found
}

fn no_ready_endpoints(
    phase: ServicePhase,
    pods: &[PodEndpoint],
    unready: &dyn Fn(&Arc<str>) -> Unready,
) -> Option<Finding> {
    if phase != ServicePhase::Assigned || pods.iter().any(|pod| pod.ready) {
        return None;
    }
    let (message, hint) = if pods.is_empty() {
        (
            "It has an address, but no pod stands behind it: connections are refused.".to_owned(),
            "Check that the Service's selector matches the labels of running pods (kubectl describe service), and that \
             the workload is scaled above zero.",
        )
    } else {
        (
            format!(
                "It has an address, but none of its endpoints is ready ({}): connections are refused.",
                count_unready(pods, unready)
            ),
            "See why the pods are not ready: kubectl describe pod, kubectl logs.",
        )
    };
    Some(Finding {
        code: "no-ready-endpoints",
        severity: Severity::Error,
        message,
        hint: hint.to_owned(),
    })
}

/// As `3 unready: 2 CrashLoopBackOff, 1 Pending`. A dual-stack pod has two endpoints and counts once.
fn count_unready(pods: &[PodEndpoint], unready: &dyn Fn(&Arc<str>) -> Unready) -> String {
    let names: BTreeSet<&Arc<str>> = pods.iter().map(|pod| &pod.name).collect();
    let mut by_state: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    for name in &names {
        if let Some(doing) = unready(name).doing {
            *by_state.entry(doing).or_default() += 1;
        }
    }
    let states: Vec<String> = by_state
        .iter()
        .map(|(state, count)| format!("{count} {}", printable(state)))
        .collect();
    if states.is_empty() {
        format!("{} unready", names.len())
    } else {
        format!("{} unready: {}", names.len(), states.join(", "))
    }
}

fn pending(service: &KeptService, phase: ServicePhase) -> Option<Finding> {
    if phase != ServicePhase::Pending {
        return None;
    }
    let finding = |severity, message: String, hint: &str| {
        Some(Finding {
            code: "pending",
            severity,
            message,
            hint: hint.to_owned(),
        })
    };
    if let Some(class) = &service.load_balancer_class {
        return finding(
            Severity::Warning,
            format!(
                "It has no address yet. Its loadBalancerClass is '{}'; a MetalLB that was not set up for that class \
                 leaves the service alone.",
                printable(class)
            ),
            "If MetalLB should serve it, create the Service anew without spec.loadBalancerClass (it cannot be changed); \
             else see that the controller of that class runs.",
        );
    }
    let asked: Vec<String> = [
        service
            .requested_ips
            .as_ref()
            .map(|ips| format!("the address {}", printable(ips))),
        service
            .requested_pool
            .as_ref()
            .map(|pool| format!("the pool '{}'", printable(pool))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let message = if asked.is_empty() {
        "It has no address yet.".to_owned()
    } else {
        format!("It has no address yet. It asks for {}.", asked.join(" of "))
    };
    finding(
        Severity::Error,
        message,
        "The events of the Service say what MetalLB makes of it (kubectl describe service); no event at all means that \
         no controller looks after it.",
    )
}

fn local_policy(service: &KeptService, pods: Option<&[PodEndpoint]>) -> Option<Finding> {
    if !service.local_traffic_only {
        return None;
    }
    let nodes: BTreeSet<&str> = pods?
        .iter()
        .filter(|pod| pod.ready)
        .filter_map(|pod| pod.node.as_deref())
        .collect();
    if nodes.is_empty() {
        return None;
    }
    let list: Vec<_> = nodes.iter().map(|node| printable(node)).collect();
    Some(Finding {
        code: "local-policy",
        severity: Severity::Info,
        message: format!(
            "externalTrafficPolicy is Local: traffic from outside the cluster is taken only by nodes that run a ready pod \
             of it ({}).",
            list.join(", ")
        ),
        hint: "If its address does not answer through a node, take another of these nodes as the SSH host, or the \
               ClusterIP as the route."
            .to_owned(),
    })
}

fn udp(service: &KeptService) -> Option<Finding> {
    let ports: Vec<String> = service
        .ports
        .iter()
        .filter(|port| port.protocol != Protocol::Tcp)
        .map(|port| format!("{}/{}", port.number, port.protocol.as_str()))
        .collect();
    if ports.is_empty() {
        return None;
    }
    Some(Finding {
        code: "udp-not-tunnellable",
        severity: Severity::Info,
        message: format!(
            "{} cannot be tunnelled: SSH carries TCP only.",
            ports.join(", ")
        ),
        hint: "Reach it from inside the cluster's network.".to_owned(),
    })
}
