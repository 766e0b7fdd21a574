//! What a probe tries, in the order of the way.

use std::net::IpAddr;

use super::{ProbeCheck, ProbeStep, ProbeTarget, Talk};
use crate::model::fault::Fault;
use crate::model::{
    ClusterNode, Destination, Family, FaultCause, HostProfile, HostRole, LbService, LocalBind,
    PodEndpoint, ProbeOutcome, Route, ServicePort, SkipReason, Words, words,
};

/// How many ready pods are tried at most: each one that does not answer takes its time.
pub const PODS_PROBED: usize = 5;

/// What is known of a service and its host that helps to judge a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeFacts {
    /// It has `loadBalancerSourceRanges`.
    pub has_source_ranges: bool,
    /// How many of its pods are ready.
    pub ready_pods: usize,
    /// Its external or internal traffic policy is Local.
    pub local_only: bool,
    /// Whether the SSH host is a node of the cluster, where that is known.
    pub is_node: Option<bool>,
    /// How the port is spoken to.
    pub talk: Option<Talk>,
}

/// The steps to an SSH host, through its jump hosts. A probe of a service begins with where its tunnel would listen; a probe
/// of the host ends with whether it forwards.
#[must_use]
pub fn host_steps(
    target: &ProbeTarget,
    local: Option<LocalBind>,
    profile: &HostProfile,
) -> Vec<ProbeStep> {
    let mut checks: Vec<ProbeCheck> = local.map(ProbeCheck::LocalPort).into_iter().collect();
    let first = profile.jumps.first().unwrap_or(profile);
    checks.push(ProbeCheck::Name {
        host: first.address.clone(),
    });
    for hop in profile.jumps.iter().chain([profile]) {
        let hop = hop.login();
        checks.push(ProbeCheck::Connect { hop: hop.clone() });
        checks.push(ProbeCheck::HostKey { hop: hop.clone() });
        checks.push(ProbeCheck::Login { hop });
    }
    checks.push(match target {
        ProbeTarget::Service { service, port } => ProbeCheck::Service {
            service: service.clone(),
            port: *port,
        },
        ProbeTarget::Host(_) => ProbeCheck::Forwarding,
    });
    checks.into_iter().map(ProbeStep::pending).collect()
}

/// The steps behind the SSH host, and how many ready pods are left out.
///
/// # Errors
/// What is wrong with the service's port.
pub fn service_steps(
    service: &LbService,
    port: u16,
    nodes: &[ClusterNode],
    role: &HostRole,
) -> Result<(Vec<ProbeStep>, usize), FaultCause> {
    let port = crate::model::route::find_port(service, port)?;
    let mut steps = vec![metallb(service, port), cluster_ip(service, port)];
    steps.push(node_port(service, port, nodes, role));
    let ready = ready_pods(service, port);
    let left_out = ready.len().saturating_sub(PODS_PROBED);
    if ready.is_empty() {
        let reason = words!("it has no ready pod");
        steps.push(failing(Route::Pod, reason));
    }
    steps.extend(ready.into_iter().take(PODS_PROBED).map(|(pod, number)| {
        let destination = Destination::tcp(pod.ip.to_string(), number);
        step(Route::Pod, destination, Some(pod.name.clone()))
    }));
    Ok((steps, left_out))
}

impl ProbeFacts {
    /// What is known of `port` of `service`, reached through a host of this role.
    #[must_use]
    pub fn of(service: &LbService, port: u16, role: &HostRole) -> Self {
        let talk = service
            .tcp_port(port)
            .map(|port| Talk::for_port(port.app_protocol.as_deref(), &port.name, port.number));
        Self {
            has_source_ranges: !service.source_ranges.is_empty(),
            ready_pods: service.pods.iter().filter(|pod| pod.ready).count(),
            local_only: service.local_traffic_only || service.internal_local_only,
            is_node: match role {
                HostRole::Unknown => None,
                HostRole::Node(_) => Some(true),
                HostRole::NotANode => Some(false),
            },
            talk,
        }
    }
}

fn step(route: Route, destination: Destination, name: Option<std::sync::Arc<str>>) -> ProbeStep {
    ProbeStep::pending(ProbeCheck::Target {
        route,
        destination: Some(destination),
        name,
    })
}

/// An address that the service should have and does not.
fn failing(route: Route, reason: Words) -> ProbeStep {
    let fault = Fault::cluster(FaultCause::RouteUnavailable {
        route: Some(route),
        reason,
    });
    without(
        route,
        ProbeOutcome::Failed {
            fault,
            likely: None,
        },
    )
}

/// An address that a service can do without.
fn without(route: Route, outcome: ProbeOutcome) -> ProbeStep {
    ProbeStep {
        check: ProbeCheck::Target {
            route,
            destination: None,
            name: None,
        },
        outcome,
    }
}

fn metallb(service: &LbService, port: &ServicePort) -> ProbeStep {
    match preferred(&service.load_balancer_ips) {
        Some(ip) => step(
            Route::MetalLb,
            Destination::tcp(ip.to_string(), port.number),
            None,
        ),
        None if !service.is_load_balancer() => {
            without(Route::MetalLb, ProbeOutcome::Skipped(SkipReason::NotThere))
        }
        None => failing(Route::MetalLb, words!("the service has no MetalLB IP yet")),
    }
}

fn cluster_ip(service: &LbService, port: &ServicePort) -> ProbeStep {
    match preferred(&service.cluster_ips) {
        Some(ip) => step(
            Route::ClusterIp,
            Destination::tcp(ip.to_string(), port.number),
            None,
        ),
        None => without(
            Route::ClusterIp,
            ProbeOutcome::Skipped(SkipReason::NotThere),
        ),
    }
}

/// The NodePort of the SSH host, where it is known to be a node, else of a node that is ready, best one with a pod of the
/// service; of the SSH host itself where no node is known.
fn node_port(
    service: &LbService,
    port: &ServicePort,
    nodes: &[ClusterNode],
    role: &HostRole,
) -> ProbeStep {
    let Some(number) = port.node_port else {
        return without(Route::NodePort, ProbeOutcome::Skipped(SkipReason::NotThere));
    };
    let has_pod = |node: &ClusterNode| {
        let on_it = |pod: &PodEndpoint| pod.ready && pod.node.as_ref() == Some(&node.name);
        service.pods.iter().any(on_it)
    };
    let best = nodes
        .iter()
        .filter(|node| !node.internal_ips.is_empty())
        .min_by_key(|node| {
            (
                role.node() != Some(&node.name),
                node.ready == Some(false),
                !has_pod(node),
            )
        });
    match best.and_then(|node| Some((node, preferred(&node.internal_ips)?))) {
        Some((node, ip)) => step(
            Route::NodePort,
            Destination::tcp(ip.to_string(), number),
            Some(node.name.clone()),
        ),
        None => step(Route::NodePort, Destination::tcp("127.0.0.1", number), None),
    }
}

/// The ready pods with the number of the port behind the service's, by name; those of IPv4 first.
fn ready_pods<'a>(service: &'a LbService, port: &ServicePort) -> Vec<(&'a PodEndpoint, u16)> {
    let mut ready: Vec<(&PodEndpoint, u16)> = service
        .pods
        .iter()
        .filter(|pod| pod.ready)
        .filter_map(|pod| Some((pod, pod.port_behind(port)?)))
        .collect();
    ready.sort_by_key(|(pod, _)| Family::of(pod.ip) == Family::V6);
    ready
}

/// IPv4 where there is a choice: it is what a node's own sshd can dial nearly everywhere.
fn preferred(ips: &[IpAddr]) -> Option<IpAddr> {
    ips.iter()
        .find(|ip| Family::of(**ip) == Family::V4)
        .or_else(|| ips.first())
        .copied()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{HostId, Protocol, ServiceKey};

    fn service() -> LbService {
        let pod = |name: &str, ip: &str, node: &str, ready| PodEndpoint {
            name: name.into(),
            ip: ip.parse().unwrap(),
            node: Some(node.into()),
            ready,
            ports: Arc::from([("web".to_owned(), 8080)]),
        };
        let mut service = LbService::new(ServiceKey::new("default", "ui"));
        service.cluster_ips = vec!["10.101.165.62".parse().unwrap()];
        service.load_balancer_ips = vec!["10.0.0.241".parse().unwrap()];
        service.ports = vec![ServicePort {
            name: "web".to_owned(),
            number: 80,
            protocol: Protocol::Tcp,
            target_port: "http".to_owned(),
            node_port: Some(31126),
            app_protocol: None,
        }];
        service.pods = (0..7)
            .map(|index| {
                let (name, ip) = (format!("ui-{index}"), format!("10.244.1.{index}"));
                pod(&name, &ip, "worker-2", index > 0)
            })
            .collect();
        service
    }

    fn node(name: &str, ip: &str) -> ClusterNode {
        ClusterNode {
            name: name.into(),
            internal_ips: vec![ip.parse().unwrap()],
            ready: Some(true),
            ..ClusterNode::default()
        }
    }

    fn words(steps: &[ProbeStep]) -> Vec<String> {
        let word = |step: &ProbeStep| format!("{} {}", step.outcome.code(), step.check);
        steps.iter().map(word).collect()
    }

    #[test]
    fn the_way_to_a_host_goes_hop_by_hop() {
        let mut profile = HostProfile::new("ubuntu", "node", 22);
        profile.jumps = vec![HostProfile::new("me", "bastion", 2222)];
        let host = ProbeTarget::Host(HostId::new("node"));
        let service = ProbeTarget::Service {
            service: ServiceKey::new("default", "ui"),
            port: 80,
        };
        let way = [
            "pending look up bastion",
            "pending connect to me@bastion:2222",
            "pending host key of me@bastion:2222",
            "pending log in to me@bastion:2222",
            "pending connect to ubuntu@node",
            "pending host key of ubuntu@node",
            "pending log in to ubuntu@node",
        ];
        let alone = words(&host_steps(&host, None, &profile));
        assert_eq!(alone, [&way[..], &["pending forwarding allowed"]].concat());
        let local = Some(LocalBind::preferred_for(80));
        let all = words(&host_steps(&service, local, &profile));
        let (first, last) = (
            "pending listen on 127.0.0.1:8080",
            "pending service default/ui:80",
        );
        assert_eq!(all, [&[first], &way[..], &[last]].concat());
    }

    #[test]
    fn every_address_is_tried_and_the_pods_are_capped() {
        let nodes = [node("worker-1", "10.0.0.1"), node("worker-2", "10.0.0.2")];
        let (steps, left_out) = service_steps(&service(), 80, &nodes, &HostRole::Unknown).unwrap();
        assert_eq!(
            words(&steps)[..4],
            [
                "pending MetalLB IP 10.0.0.241:80",
                "pending ClusterIP 10.101.165.62:80",
                "pending NodePort 10.0.0.2:31126 (worker-2)",
                "pending Pod IP 10.244.1.1:8080 (ui-1)",
            ]
        );
        assert_eq!((steps.len(), left_out), (3 + PODS_PROBED, 1));
        let at_node = HostRole::Node("worker-1".into());
        let (steps, _) = service_steps(&service(), 80, &nodes, &at_node).unwrap();
        assert_eq!(
            words(&steps)[2],
            "pending NodePort 10.0.0.1:31126 (worker-1)"
        );
        let (steps, _) = service_steps(&service(), 80, &[], &at_node).unwrap();
        assert_eq!(words(&steps)[2], "pending NodePort 127.0.0.1:31126");
    }

    #[test]
    fn what_a_service_lacks_is_broken_or_left_out() {
        let mut service = service();
        service.load_balancer_ips.clear();
        service.cluster_ips.clear();
        service.ports[0].node_port = None;
        service.pods = Arc::from([]);
        let (steps, _) = service_steps(&service, 80, &[], &HostRole::Unknown).unwrap();
        assert_eq!(
            words(&steps),
            [
                "failed MetalLB IP",
                "skipped ClusterIP",
                "skipped NodePort",
                "failed Pod IP"
            ]
        );
        let missing = service_steps(&service, 81, &[], &HostRole::Unknown).unwrap_err();
        assert_eq!(missing.code(), "port-missing");
    }
}
