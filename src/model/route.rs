//! Which address of a service the SSH host is asked to dial.

use std::net::{IpAddr, Ipv4Addr};

use super::address::Destination;
use super::cluster::{
    ClusterNode, Family, LbService, PodEndpoint, Protocol, Route, ServicePhase, ServicePort,
};
use super::fault::FaultCause;
use super::role::HostRole;
use super::words::{Joint, Part, Words, words};

/// A route that can be taken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRoute {
    /// By which of the service's addresses.
    pub route: Route,
    /// What is dialled.
    pub destination: Destination,
    /// Why this one, in a sentence.
    pub reason: Words,
}

/// From where a service is to be reached: what the SSH host is to the cluster, and the cluster's nodes where they are known.
#[derive(Clone, Copy, Debug)]
pub struct Vantage<'a> {
    /// What the SSH host is.
    pub role: &'a HostRole,
    /// The nodes.
    pub nodes: Option<&'a [ClusterNode]>,
}

impl Vantage<'static> {
    /// A host of which nothing is known.
    pub const UNKNOWN: Self = Self {
        role: &HostRole::Unknown,
        nodes: None,
    };
}

/// The route to `port` of `service`: the one that is `wanted`, or else the first that can be taken and is likely to work from
/// the SSH host. On a node, and on a host of which nothing is known, that is the order of [`Route::ALL`]. From anywhere else a
/// NodePort comes first, since a MetalLB IP is announced by ARP, which AWS and routed networks do not carry.
///
/// # Errors
/// What is missing: the port, or an address to dial.
pub fn choose_route(
    service: &LbService,
    port: u16,
    wanted: Option<Route>,
    from: Vantage<'_>,
) -> Result<ChosenRoute, FaultCause> {
    let port = find_port(service, port)?;
    if let Some(route) = wanted {
        let destination = destination(service, port, route, from);
        let destination = destination.map_err(|reason| FaultCause::RouteUnavailable {
            route: Some(route),
            reason,
        })?;
        return Ok(ChosenRoute {
            route,
            destination,
            reason: words!("You chose this route."),
        });
    }
    let mut missing = Vec::new();
    for route in order(from.role) {
        match destination(service, port, *route, from) {
            Ok(destination) => {
                return Ok(ChosenRoute {
                    route: *route,
                    destination,
                    reason: reason(*route, missing, from),
                });
            }
            Err(why) => missing.push(why),
        }
    }
    Err(FaultCause::RouteUnavailable {
        route: None,
        reason: words!("{missing}", missing = together(missing)),
    })
}

/// A ClusterIP means nothing outside of the nodes.
const fn order(role: &HostRole) -> &'static [Route] {
    match role {
        HostRole::Node(_) | HostRole::Unknown => &Route::ALL,
        HostRole::NotANode => &[Route::NodePort, Route::MetalLb, Route::Pod],
    }
}

/// The TCP port of this number.
pub(super) fn find_port(service: &LbService, number: u16) -> Result<&ServicePort, FaultCause> {
    if let Some(port) = service.tcp_port(number) {
        return Ok(port);
    }
    if service.ports.iter().any(|port| port.number == number) {
        return Err(FaultCause::NotTcp { port: number });
    }
    let tcp = service
        .ports
        .iter()
        .filter(|port| port.protocol == Protocol::Tcp);
    let has = tcp.map(|port| port.number).collect();
    Err(FaultCause::PortMissing {
        service: service.key.clone(),
        port: number,
        has,
    })
}

/// What is dialled on `route`, or what is missing for it.
fn destination(
    service: &LbService,
    port: &ServicePort,
    route: Route,
    from: Vantage<'_>,
) -> Result<Destination, Words> {
    match route {
        Route::MetalLb => {
            let ip = preferred(&service.load_balancer_ips).ok_or_else(|| match service.phase {
                _ if !service.is_load_balancer() => {
                    words!("it is of a type that has no MetalLB IP")
                }
                ServicePhase::Pending => words!("the service has no MetalLB IP yet"),
                ServicePhase::Assigned | ServicePhase::Terminating => {
                    words!("the service has no MetalLB IP")
                }
            })?;
            Ok(Destination::tcp(ip.to_string(), port.number))
        }
        Route::ClusterIp => {
            let ip =
                preferred(&service.cluster_ips).ok_or_else(|| words!("it has no ClusterIP"))?;
            Ok(Destination::tcp(ip.to_string(), port.number))
        }
        Route::NodePort => {
            let node_port = port
                .node_port
                .ok_or_else(|| words!("this port has no NodePort"))?;
            let ip = node_address(service, from)?;
            Ok(Destination::tcp(ip.to_string(), node_port))
        }
        Route::Pod => {
            let (ip, number) =
                ready_pod(service, port).ok_or_else(|| words!("it has no ready pod"))?;
            Ok(Destination::tcp(ip.to_string(), number))
        }
    }
}

/// The node whose NodePort is dialled, by its address in the cluster's network: kube-proxy's nftables mode answers on no
/// loopback address. Only where no node is known is loopback all there is.
fn node_address(service: &LbService, from: Vantage<'_>) -> Result<IpAddr, Words> {
    let Some(nodes) = from.nodes.filter(|nodes| !nodes.is_empty()) else {
        return Ok(Ipv4Addr::LOCALHOST.into());
    };
    let own = from.role.node();
    let has_pod = |node: &ClusterNode| {
        let here = |pod: &&PodEndpoint| pod.ready && pod.node.as_ref() == Some(&node.name);
        service.pods.iter().any(|pod| here(&pod))
    };
    // What begins on a node itself counts as the cluster's own: externalTrafficPolicy Local does not bind it.
    let can = |node: &&ClusterNode| {
        let is_own = own == Some(&node.name);
        let answers = is_own || !service.local_traffic_only || has_pod(node);
        answers && !node.internal_ips.is_empty()
    };
    let preference = |node: &&ClusterNode| {
        (
            own != Some(&node.name),
            node.ready == Some(false),
            !has_pod(node),
            node.name.clone(),
        )
    };
    let best = nodes.iter().filter(can).min_by_key(preference);
    best.and_then(|node| preferred(&node.internal_ips))
        .ok_or_else(|| {
            if service.local_traffic_only {
                words!(
                    "no node with a ready pod of it answers on the NodePort (externalTrafficPolicy Local)"
                )
            } else {
                words!("no node has an address")
            }
        })
}

/// IPv4 where there is a choice: it is what a node's own sshd can dial nearly everywhere.
fn preferred(ips: &[IpAddr]) -> Option<IpAddr> {
    ips.iter()
        .find(|ip| Family::of(**ip) == Family::V4)
        .or_else(|| ips.first())
        .copied()
}

fn ready_pod(service: &LbService, port: &ServicePort) -> Option<(IpAddr, u16)> {
    let reachable = |pod: &&PodEndpoint| pod.ready && pod.port_behind(port).is_some();
    let pod = service
        .pods
        .iter()
        .filter(reachable)
        .min_by_key(|pod| (Family::of(pod.ip) == Family::V6, pod.name.clone(), pod.ip))?;
    Some((pod.ip, pod.port_behind(port)?))
}

/// Clauses one after the other.
fn together(clauses: Vec<Words>) -> Part {
    let parts = clauses.into_iter().map(Part::from).collect();
    Part::strung(parts, Joint::Comma, usize::MAX)
}

fn reason(route: Route, missing: Vec<Words>, from: Vantage<'_>) -> Words {
    let why = match from.role {
        HostRole::Node(name) => on_node(route, name),
        HostRole::Unknown => perhaps_on_node(route),
        HostRole::NotANode => elsewhere(route),
    };
    let reason = if missing.is_empty() {
        words!("{why}.", why = why)
    } else {
        words!(
            "{why}, and {missing}.",
            why = why,
            missing = together(missing)
        )
    };
    let jump = match from.role {
        HostRole::NotANode => jump_to(from.nodes),
        HostRole::Node(_) | HostRole::Unknown => None,
    };
    match jump {
        Some(ip) => words!(
            "{reason} A jump through it to a node ({ip}) would make every address of the service reachable.",
            reason = reason,
            ip = ip
        ),
        None => reason,
    }
}

fn on_node(route: Route, name: &str) -> Words {
    match route {
        Route::MetalLb => words!(
            "Chosen because the SSH host is the node {node}, where kube-proxy takes up the MetalLB IP",
            node = name
        ),
        Route::ClusterIp => words!(
            "Chosen because the SSH host is the node {node}, where kube-proxy takes up the ClusterIP",
            node = name
        ),
        Route::NodePort => words!(
            "Chosen because the SSH host is the node {node}, which answers on the NodePort",
            node = name
        ),
        Route::Pod => words!(
            "Chosen because the SSH host is the node {node}, where the pod network is routed",
            node = name
        ),
    }
}

fn perhaps_on_node(route: Route) -> Words {
    match route {
        Route::MetalLb => {
            words!("Chosen because kube-proxy on a cluster node takes up the MetalLB IP")
        }
        Route::ClusterIp => {
            words!("Chosen because kube-proxy on a cluster node takes up the ClusterIP")
        }
        Route::NodePort => words!("Chosen because a cluster node answers on the NodePort"),
        Route::Pod => words!("Chosen because the pod network is routed on a cluster node"),
    }
}

fn elsewhere(route: Route) -> Words {
    match route {
        Route::NodePort => words!(
            "Chosen because the SSH host is no cluster node, and a node answers on its NodePort to whoever reaches it"
        ),
        Route::MetalLb => words!(
            "Chosen although the SSH host is no cluster node, from where a MetalLB IP is reached only in the nodes' own \
             network, and never on AWS"
        ),
        Route::ClusterIp => words!(
            "Chosen although the SSH host is no cluster node, from where a ClusterIP is not reached"
        ),
        Route::Pod => words!(
            "Chosen although the SSH host is no cluster node, from where a pod is reached only if its network is routed"
        ),
    }
}

/// The address of a node to jump to.
fn jump_to(nodes: Option<&[ClusterNode]>) -> Option<IpAddr> {
    let ready = nodes?.iter().filter(|node| node.ready != Some(false));
    let mut addresses = ready.filter_map(|node| preferred(&node.internal_ips));
    addresses.next()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::ServiceKey;

    fn nodes() -> Vec<ClusterNode> {
        let node = |name: &str, ip: &str| ClusterNode {
            name: name.into(),
            internal_ips: vec![ip.parse().unwrap()],
            ready: Some(true),
            ..ClusterNode::default()
        };
        vec![node("node-1", "10.0.0.5"), node("node-2", "10.0.0.6")]
    }

    fn port(number: u16, protocol: Protocol, node_port: Option<u16>) -> ServicePort {
        ServicePort {
            name: "web".to_owned(),
            number,
            protocol,
            target_port: "http".to_owned(),
            node_port,
            app_protocol: None,
        }
    }

    fn service() -> LbService {
        let pod = |name: &str, ip: &str, ready| PodEndpoint {
            name: name.into(),
            ip: ip.parse().unwrap(),
            node: None,
            ready,
            ports: Arc::from([("web".to_owned(), 8080)]),
        };
        LbService {
            cluster_ips: vec!["10.101.165.62".parse().unwrap()],
            load_balancer_ips: vec!["fd00:10::5".parse().unwrap(), "10.0.0.241".parse().unwrap()],
            ports: vec![
                port(80, Protocol::Tcp, Some(31126)),
                port(53, Protocol::Udp, None),
            ],
            pods: Arc::from([
                pod("ui-a", "10.244.1.6", false),
                pod("ui-b", "10.244.1.7", true),
            ]),
            phase: ServicePhase::Assigned,
            ..LbService::new(ServiceKey::new("default", "ui"))
        }
    }

    #[test]
    fn each_route_dials_its_own_address() {
        for (route, host, number) in [
            (Route::MetalLb, "10.0.0.241", 80),
            (Route::ClusterIp, "10.101.165.62", 80),
            (Route::NodePort, "127.0.0.1", 31126),
            (Route::Pod, "10.244.1.7", 8080),
        ] {
            let chosen = choose_route(&service(), 80, Some(route), Vantage::UNKNOWN).unwrap();
            assert_eq!(
                (chosen.route, chosen.destination),
                (route, Destination::tcp(host, number))
            );
        }
    }

    #[test]
    fn without_a_wish_the_first_possible_route_is_taken_and_explained() {
        let mut service = service();
        assert_eq!(
            choose_route(&service, 80, None, Vantage::UNKNOWN)
                .unwrap()
                .route,
            Route::MetalLb
        );
        service.load_balancer_ips.clear();
        service.phase = ServicePhase::Pending;
        let chosen = choose_route(&service, 80, None, Vantage::UNKNOWN).unwrap();
        assert_eq!(chosen.route, Route::ClusterIp);
        assert!(
            chosen.reason.to_string().contains("no MetalLB IP yet"),
            "{}",
            chosen.reason
        );
        service.cluster_ips.clear();
        assert_eq!(
            choose_route(&service, 80, None, Vantage::UNKNOWN)
                .unwrap()
                .route,
            Route::NodePort
        );
        service.ports[0].node_port = None;
        assert_eq!(
            choose_route(&service, 80, None, Vantage::UNKNOWN)
                .unwrap()
                .route,
            Route::Pod
        );
        service.pods = Arc::from([]);
        let fault = choose_route(&service, 80, None, Vantage::UNKNOWN).unwrap_err();
        assert!(
            matches!(fault, FaultCause::RouteUnavailable { route: None, .. }),
            "{fault:?}"
        );
    }

    #[test]
    fn ports_that_cannot_be_had_are_told_apart() {
        assert_eq!(
            choose_route(&service(), 53, None, Vantage::UNKNOWN),
            Err(FaultCause::NotTcp { port: 53 })
        );
        let missing = choose_route(&service(), 81, None, Vantage::UNKNOWN).unwrap_err();
        assert!(
            matches!(missing, FaultCause::PortMissing { port: 81, ref has, .. } if *has == [80]),
            "{missing:?}"
        );
    }

    #[test]
    fn a_node_port_is_dialled_on_a_nodes_own_address() {
        let nodes = nodes();
        let dialled = |service: &LbService, role: &HostRole| {
            let from = Vantage {
                role,
                nodes: Some(&nodes),
            };
            choose_route(service, 80, Some(Route::NodePort), from).map(|chosen| chosen.destination)
        };
        let at = |ip: &str| Ok(Destination::tcp(ip, 31126));
        let mut service = service();
        assert_eq!(dialled(&service, &HostRole::Unknown), at("10.0.0.5"));
        let second = HostRole::Node("node-2".into());
        assert_eq!(dialled(&service, &second), at("10.0.0.6"), "the host's own");
        let mut pod = service.pods[1].clone();
        pod.node = Some("node-2".into());
        service.pods = Arc::from([pod]);
        assert_eq!(
            dialled(&service, &HostRole::NotANode),
            at("10.0.0.6"),
            "where the pod is"
        );
        service.local_traffic_only = true;
        assert_eq!(dialled(&service, &HostRole::NotANode), at("10.0.0.6"));
        let first = HostRole::Node("node-1".into());
        assert_eq!(
            dialled(&service, &first),
            at("10.0.0.5"),
            "Local does not bind the node itself"
        );
        service.pods = Arc::from([]);
        let fault = dialled(&service, &HostRole::NotANode).unwrap_err();
        assert!(
            matches!(fault, FaultCause::RouteUnavailable { .. }),
            "{fault:?}"
        );
    }

    #[test]
    fn a_host_that_is_no_node_goes_by_a_nodes_port_and_is_told_of_the_jump() {
        let nodes = nodes();
        let from = Vantage {
            role: &HostRole::NotANode,
            nodes: Some(&nodes),
        };
        let mut service = service();
        let chosen = choose_route(&service, 80, None, from).unwrap();
        assert_eq!(chosen.route, Route::NodePort);
        assert_eq!(chosen.destination, Destination::tcp("10.0.0.5", 31126));
        for part in ["is no cluster node", "jump through it to a node (10.0.0.5)"] {
            assert!(
                chosen.reason.to_string().contains(part),
                "{}",
                chosen.reason
            );
        }
        service.ports[0].node_port = None;
        let chosen = choose_route(&service, 80, None, from).unwrap();
        assert_eq!(chosen.route, Route::MetalLb);
        assert!(
            chosen
                .reason
                .to_string()
                .contains("never on AWS, and this port has no NodePort"),
            "{}",
            chosen.reason
        );
        // Chosen by hand, what is unlikely is done all the same.
        let chosen = choose_route(&service, 80, Some(Route::ClusterIp), from).unwrap();
        assert_eq!(chosen.destination, Destination::tcp("10.101.165.62", 80));
    }
}
