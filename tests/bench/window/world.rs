//! A cluster with many services, as the engine would publish it.

use std::net::IpAddr;
use std::sync::Arc;

use adit::model::{
    Announcement, AnnouncementSource, ClusterState, Destination, HostProfile, HostRole, HostStatus,
    Intent, LbService, LinkStatus, ListenAddress, LocalBind, Moment, PodEndpoint, Protocol, Route,
    ServiceKey, ServicePhase, ServicePort, SessionFacts, Snapshot, Target, Traffic, TunnelId,
    TunnelSpec, TunnelState, TunnelStatus,
};

pub(crate) const SERVICES: usize = 10_000;
pub(crate) const TUNNELS: usize = 300;
const NAMESPACES: usize = 100;

/// The cluster, with no tunnel.
pub(crate) fn world() -> Snapshot {
    let host = HostStatus {
        profile: HostProfile::new("ubuntu", "10.0.0.100", 22),
        link: LinkStatus::Up {
            since: Moment::START,
            session: SessionFacts::default(),
        },
        role: HostRole::Unknown,
    };
    let mut snapshot = Snapshot {
        selected_host: Some(host.profile.id.clone()),
        hosts: vec![Arc::new(host)],
        ..Snapshot::default()
    };
    snapshot.cluster.state = ClusterState::Live;
    snapshot.cluster.context = Some("large".to_owned());
    for index in 0..SERVICES {
        put(&mut snapshot, service(index, "main"));
    }
    snapshot
}

pub(crate) fn put(snapshot: &mut Snapshot, service: LbService) {
    let services = &mut snapshot.cluster.services;
    services.insert(service.key.clone(), Arc::new(service));
}

fn key(index: usize) -> ServiceKey {
    ServiceKey::new(
        &format!("team-{:02}", index % NAMESPACES),
        &format!("service-{index:05}"),
    )
}

pub(crate) fn service(index: usize, pool: &str) -> LbService {
    let pods = (0..4).map(|pod| PodEndpoint {
        name: format!("service-{index:05}-7d9f6c5b8-{pod:05}").into(),
        ip: ip(244, index * 4 + pod),
        node: Some(format!("node-{}", (index + pod) % 50).into()),
        ready: pod > 0 || !index.is_multiple_of(5),
        ports: [("http".to_owned(), 8080)].into(),
    });
    LbService {
        cluster_ips: vec![ip(96, index)],
        load_balancer_ips: vec![ip(64, index)],
        ports: vec![ServicePort {
            name: "http".to_owned(),
            number: 80,
            protocol: Protocol::Tcp,
            target_port: "8080".to_owned(),
            node_port: Some(31_022),
            app_protocol: None,
        }],
        pods: pods.collect(),
        pool: Some(pool.to_owned()),
        announced_by: Some(vec![Announcement {
            node: format!("node-{}", index % 50),
            protocol: "layer2".to_owned(),
            source: AnnouncementSource::Status,
        }]),
        phase: ServicePhase::Assigned,
        ..LbService::new(key(index))
    }
}

fn ip(second: u8, index: usize) -> IpAddr {
    let byte = |shift: usize| u8::try_from(index >> shift & 0xff).unwrap();
    IpAddr::from([10, second.wrapping_add(byte(16)), byte(8), byte(0)])
}

/// Opens tunnels; those in view are among them. `sent` bytes have gone through each.
pub(crate) fn open(snapshot: &mut Snapshot, sent: u64) {
    for number in 0..TUNNELS {
        // A namespace's services are a hundred apart.
        let index = number * NAMESPACES % SERVICES + number * NAMESPACES / SERVICES;
        let port = 8080 + u16::try_from(number).unwrap();
        let id = TunnelId::service(key(index), 80);
        let local = LocalBind::loopback(port);
        let status = TunnelStatus {
            intent: Intent::Up,
            state: TunnelState::Open {
                since: Moment::START,
            },
            listening: vec![ListenAddress::Tcp(([127, 0, 0, 1], port).into())],
            destination: Some(Destination::tcp("10.64.0.1", 80)),
            route: Some(Route::MetalLb),
            route_reason: Some(
                "it has a MetalLB IP and the SSH host is a cluster node"
                    .to_owned()
                    .into(),
            ),
            traffic: Traffic {
                down_bytes: sent * (1 + number as u64),
                ..Traffic::default()
            },
            ..TunnelStatus::new(TunnelSpec {
                id: id.clone(),
                host: snapshot.hosts[0].profile.id.clone(),
                local,
                target: Target::Service {
                    service: key(index),
                    port: 80,
                    route: None,
                },
            })
        };
        snapshot.tunnels.insert(id, Arc::new(status));
    }
}
