//! Which address of a service the SSH host is asked to dial.

use std::net::IpAddr;

use super::address::Destination;
use super::cluster::{Family, LbService, PodEndpoint, Protocol, Route, ServicePhase, ServicePort};
use super::fault::FaultCause;

/// A route that can be taken now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenRoute {
    /// By which of the service's addresses.
    pub route: Route,
    /// What is dialled.
    pub destination: Destination,
    /// Why this one, in a sentence.
    pub reason: String,
}

/// The route to `port` of `service`: the one that is `wanted`, or else the first that can be taken, in the order of
/// [`Route::ALL`].
///
/// # Errors
/// What is missing: the port, or an address to dial.
pub fn choose_route(
    service: &LbService,
    port: u16,
    wanted: Option<Route>,
) -> Result<ChosenRoute, FaultCause> {
    let port = find_port(service, port)?;
    if let Some(route) = wanted {
        let destination =
            destination(service, port, route).map_err(|reason| FaultCause::RouteUnavailable {
                route: Some(route),
                reason: reason.to_owned(),
            })?;
        return Ok(ChosenRoute {
            route,
            destination,
            reason: "You chose this route.".to_owned(),
        });
    }
    let mut missing = Vec::new();
    for route in Route::ALL {
        match destination(service, port, route) {
            Ok(destination) => {
                return Ok(ChosenRoute {
                    route,
                    destination,
                    reason: reason(route, &missing),
                });
            }
            Err(why) => missing.push(why),
        }
    }
    Err(FaultCause::RouteUnavailable {
        route: None,
        reason: missing.join(", "),
    })
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
) -> Result<Destination, &'static str> {
    match route {
        Route::MetalLb => {
            let ip = preferred(&service.load_balancer_ips).ok_or(match service.phase {
                _ if !service.is_load_balancer() => "it is of a type that has no MetalLB IP",
                ServicePhase::Pending => "the service has no MetalLB IP yet",
                ServicePhase::Assigned | ServicePhase::Terminating => {
                    "the service has no MetalLB IP"
                }
            })?;
            Ok(Destination::tcp(ip.to_string(), port.number))
        }
        Route::ClusterIp => {
            let ip = preferred(&service.cluster_ips).ok_or("it has no ClusterIP")?;
            Ok(Destination::tcp(ip.to_string(), port.number))
        }
        Route::NodePort => {
            let node_port = port.node_port.ok_or("this port has no NodePort")?;
            Ok(Destination::tcp("127.0.0.1", node_port))
        }
        Route::Pod => {
            let (ip, number) = ready_pod(service, port).ok_or("it has no ready pod")?;
            Ok(Destination::tcp(ip.to_string(), number))
        }
    }
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

fn reason(route: Route, missing: &[&str]) -> String {
    let why = match route {
        Route::MetalLb => "kube-proxy on a cluster node takes up the MetalLB IP",
        Route::ClusterIp => "kube-proxy on a cluster node takes up the ClusterIP",
        Route::NodePort => "a cluster node answers on the NodePort",
        Route::Pod => "the pod network is routed on a cluster node",
    };
    if missing.is_empty() {
        format!("Chosen because {why}.")
    } else {
        format!("Chosen because {why}, and {}.", missing.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{ServiceKey, ServiceType};

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
            key: ServiceKey::new("default", "ui"),
            service_type: ServiceType::LoadBalancer,
            load_balancer_class: None,
            cluster_ips: vec!["10.101.165.62".parse().unwrap()],
            load_balancer_ips: vec!["fd00:10::5".parse().unwrap(), "10.0.0.241".parse().unwrap()],
            hostnames: Vec::new(),
            ports: vec![
                port(80, Protocol::Tcp, Some(31126)),
                port(53, Protocol::Udp, None),
            ],
            pods: Arc::from([
                pod("ui-a", "10.244.1.6", false),
                pod("ui-b", "10.244.1.7", true),
            ]),
            pool: None,
            announced_by: None,
            phase: ServicePhase::Assigned,
            local_traffic_only: false,
            internal_local_only: false,
            source_ranges: Vec::new(),
            shared_with: Vec::new(),
            findings: Vec::new(),
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
            let chosen = choose_route(&service(), 80, Some(route)).unwrap();
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
            choose_route(&service, 80, None).unwrap().route,
            Route::MetalLb
        );
        service.load_balancer_ips.clear();
        service.phase = ServicePhase::Pending;
        let chosen = choose_route(&service, 80, None).unwrap();
        assert_eq!(chosen.route, Route::ClusterIp);
        assert!(
            chosen.reason.contains("no MetalLB IP yet"),
            "{}",
            chosen.reason
        );
        service.cluster_ips.clear();
        assert_eq!(
            choose_route(&service, 80, None).unwrap().route,
            Route::NodePort
        );
        service.ports[0].node_port = None;
        assert_eq!(choose_route(&service, 80, None).unwrap().route, Route::Pod);
        service.pods = Arc::from([]);
        let fault = choose_route(&service, 80, None).unwrap_err();
        assert!(
            matches!(fault, FaultCause::RouteUnavailable { route: None, .. }),
            "{fault:?}"
        );
    }

    #[test]
    fn ports_that_cannot_be_had_are_told_apart() {
        assert_eq!(
            choose_route(&service(), 53, None),
            Err(FaultCause::NotTcp { port: 53 })
        );
        let missing = choose_route(&service(), 81, None).unwrap_err();
        assert!(
            matches!(missing, FaultCause::PortMissing { port: 81, ref has, .. } if *has == [80]),
            "{missing:?}"
        );
    }
}
