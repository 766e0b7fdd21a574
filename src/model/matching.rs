//! Which service a forward leads to: the address that `ssh -L` names, found among the cluster's own.

use std::net::IpAddr;
use std::sync::Arc;

use super::address::Destination;
use super::cluster::{ClusterNode, LbService, Protocol, Route, ServicePort};
use super::ids::ServiceKey;
use super::snapshot::ClusterStatus;

/// The port of a service that a forward leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForwardMatch {
    /// The service.
    pub service: ServiceKey,
    /// Its port's number.
    pub port: u16,
    /// By which of its addresses the forward leads there.
    pub route: Route,
}

/// The service's port that `destination` is an address of, as the cluster is seen now. Of several the one with the surest
/// address wins, in the order of [`Route::ALL`].
#[must_use]
pub fn match_forward(cluster: &ClusterStatus, destination: &Destination) -> Option<ForwardMatch> {
    let Destination::Tcp { host, port } = destination else {
        return None;
    };
    let nodes = cluster.nodes.as_deref().unwrap_or_default();
    Route::ALL.into_iter().find_map(|route| {
        let of = |service: &Arc<LbService>| {
            let leads = |candidate: &&ServicePort| {
                candidate.protocol == Protocol::Tcp
                    && leads_to(service, candidate, route, host, *port, nodes)
            };
            let found = service.ports.iter().find(leads)?;
            Some(ForwardMatch {
                service: service.key.clone(),
                port: found.number,
                route,
            })
        };
        cluster.services.values().find_map(of)
    })
}

/// Whether `host:port` is the address of `candidate` by `route`.
fn leads_to(
    service: &LbService,
    candidate: &ServicePort,
    route: Route,
    host: &str,
    port: u16,
    nodes: &[ClusterNode],
) -> bool {
    let ip: Option<IpAddr> = host.parse().ok();
    let is_one_of = |ips: &[IpAddr]| ip.is_some_and(|ip| ips.contains(&ip));
    match route {
        Route::MetalLb => {
            candidate.number == port
                && (is_one_of(&service.load_balancer_ips)
                    || service.hostnames.iter().any(|name| name == host))
        }
        Route::ClusterIp => {
            candidate.number == port
                && (is_one_of(&service.cluster_ips) || is_dns_name(&service.key, host))
        }
        // kube-proxy serves it on every node, and on the node itself by localhost as well.
        Route::NodePort => {
            candidate.node_port == Some(port)
                && (host == "localhost"
                    || ip.is_some_and(|ip| ip.is_loopback())
                    || nodes.iter().any(|node| {
                        is_one_of(&node.internal_ips)
                            || is_one_of(&node.external_ips)
                            || *node.name == *host
                    }))
        }
        Route::Pod => service
            .pods
            .iter()
            .any(|pod| ip == Some(pod.ip) && pod.port_behind(candidate) == Some(port)),
    }
}

/// `SVC.NS`, `SVC.NS.svc` and `SVC.NS.svc.DOMAIN`: the names of cluster DNS.
fn is_dns_name(key: &ServiceKey, host: &str) -> bool {
    let mut labels = host.trim_end_matches('.').split('.');
    labels.next() == Some(&*key.name)
        && labels.next() == Some(key.namespace.as_str())
        && matches!(labels.next(), None | Some("svc"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PodEndpoint;

    fn service(name: &str, vip: &str) -> LbService {
        let mut service = LbService::new(ServiceKey::new("default", name));
        service.load_balancer_ips = vec![vip.parse().unwrap()];
        service.cluster_ips = vec!["10.108.202.210".parse().unwrap()];
        service.ports = vec![ServicePort {
            name: "http".to_owned(),
            number: 80,
            protocol: Protocol::Tcp,
            target_port: "8080".to_owned(),
            node_port: Some(30080),
            app_protocol: None,
        }];
        service.pods = Arc::from([PodEndpoint {
            name: "ui-1".into(),
            ip: "10.244.1.7".parse().unwrap(),
            node: None,
            ready: true,
            ports: Arc::from([("http".to_owned(), 8080)]),
        }]);
        service
    }

    fn cluster() -> ClusterStatus {
        let mut cluster = ClusterStatus::default();
        let mut udp = service("dns", "10.0.0.242");
        udp.cluster_ips.clear();
        udp.pods = Arc::from([]);
        udp.ports[0].protocol = Protocol::Udp;
        for service in [service("ui", "10.0.0.241"), udp] {
            let key = service.key.clone();
            cluster.services.insert(key, Arc::new(service));
        }
        cluster.nodes = Some(Arc::from([ClusterNode {
            name: "node-1".into(),
            internal_ips: vec!["10.0.0.100".parse().unwrap()],
            ..ClusterNode::default()
        }]));
        cluster
    }

    #[test]
    fn every_address_of_a_service_leads_to_it_and_no_other() {
        let cluster = cluster();
        for (host, port, route) in [
            ("10.0.0.241", 80, Some(Route::MetalLb)),
            ("10.108.202.210", 80, Some(Route::ClusterIp)),
            ("ui.default.svc.cluster.local", 80, Some(Route::ClusterIp)),
            ("ui.default", 80, Some(Route::ClusterIp)),
            ("10.0.0.100", 30080, Some(Route::NodePort)),
            ("node-1", 30080, Some(Route::NodePort)),
            ("localhost", 30080, Some(Route::NodePort)),
            ("10.244.1.7", 8080, Some(Route::Pod)),
            ("10.0.0.241", 81, None),
            ("10.0.0.241", 8080, None),
            ("10.244.1.7", 80, None),
            ("10.0.0.242", 80, None),
            ("10.0.0.100", 80, None),
            ("ui.other", 80, None),
            ("ui.default.example", 80, None),
        ] {
            let found = match_forward(&cluster, &Destination::tcp(host, port));
            let expected = route.map(|route| ForwardMatch {
                service: ServiceKey::new("default", "ui"),
                port: 80,
                route,
            });
            assert_eq!(found, expected, "{host}:{port}");
        }
        let socket = Destination::Socket("/run/docker.sock".into());
        assert_eq!(match_forward(&cluster, &socket), None);
    }
}
