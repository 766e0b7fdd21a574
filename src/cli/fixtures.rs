//! Facts that the tests of several commands share.

use std::sync::Arc;

use crate::model::{
    AddressCount, AddressPool, Announcement, AnnouncementSource, ClusterState, Destination, Fault,
    FaultCause, Finding, Hop, HostId, HostProfile, HostRole, HostStatus, Intent, LbService,
    LinkStatus, ListenAddress, LocalBind, PodEndpoint, PoolUsage, Protocol, ServiceKey,
    ServicePhase, ServicePort, Severity, Snapshot, Target, TunnelId, TunnelSpec, TunnelState,
    TunnelStatus,
};

pub(super) fn session_lost() -> Fault {
    Fault {
        hop: Hop::Ssh("u@h".to_owned()),
        cause: FaultCause::SessionLost {
            reason: "it was closed".to_owned().into(),
        },
    }
}

pub(super) fn auth_rejected() -> Fault {
    Fault {
        hop: Hop::Ssh("u@h".to_owned()),
        cause: FaultCause::AuthRejected {
            tried: vec!["key.pem".to_owned().into()],
            accepted: vec!["publickey".to_owned()],
        },
    }
}

/// Forward `index`, which listens on 127.0.0.1:8080 where its state lets it.
pub(super) fn forward_status(index: u16, state: TunnelState) -> TunnelStatus {
    let destination = Destination::tcp("10.0.0.241", 80);
    status(TunnelId::Forward(index), Target::Fixed(destination), state)
}

pub(super) fn status(id: TunnelId, target: Target, state: TunnelState) -> TunnelStatus {
    let bound = !matches!(
        state,
        TunnelState::Off | TunnelState::Binding | TunnelState::Failed(_)
    );
    let listening = ListenAddress::Tcp("127.0.0.1:8080".parse().unwrap());
    TunnelStatus {
        intent: Intent::Up,
        state,
        listening: bound.then_some(listening).into_iter().collect(),
        destination: Some(Destination::tcp("10.0.0.241", 80)),
        ..TunnelStatus::new(TunnelSpec {
            id,
            host: HostId::new("h"),
            local: LocalBind::loopback(8080),
            target,
        })
    }
}

pub(super) fn put(snapshot: &mut Snapshot, status: TunnelStatus) {
    snapshot
        .tunnels
        .insert(status.spec.id.clone(), Arc::new(status));
}

/// Host `h`, known and idle.
pub(super) fn put_host(snapshot: &mut Snapshot) {
    snapshot.hosts = vec![Arc::new(HostStatus {
        profile: HostProfile::new("u", "h", 22),
        link: LinkStatus::Idle,
        role: HostRole::Unknown,
    })];
}

fn port(name: &str, number: u16, protocol: Protocol) -> ServicePort {
    ServicePort {
        name: name.to_owned(),
        number,
        protocol,
        target_port: "8080".to_owned(),
        node_port: Some(31126),
        app_protocol: None,
    }
}

fn service(key: ServiceKey, ports: Vec<ServicePort>) -> LbService {
    LbService {
        cluster_ips: vec!["10.108.202.210".parse().unwrap()],
        ports,
        ..LbService::new(key)
    }
}

/// One service with everything known, one of which little is known and whose texts are odd.
pub(super) fn services() -> [LbService; 2] {
    let ui = LbService {
        load_balancer_ips: vec!["10.0.0.241".parse().unwrap()],
        pods: Arc::new([
            PodEndpoint {
                name: "ui-1".into(),
                ip: "10.244.1.7".parse().unwrap(),
                node: Some("k8s-worker-1".into()),
                ready: true,
                ports: Arc::new([]),
            },
            PodEndpoint {
                name: "ui-2".into(),
                ip: "10.244.2.9".parse().unwrap(),
                node: None,
                ready: false,
                ports: Arc::new([]),
            },
        ]),
        pool: Some("first-pool".to_owned()),
        announced_by: Some(vec![Announcement {
            node: "k8s-worker-2".to_owned(),
            protocol: "layer2".to_owned(),
            source: AnnouncementSource::Status,
        }]),
        phase: ServicePhase::Assigned,
        ..service(
            ServiceKey::new("default", "ui"),
            vec![port("", 80, Protocol::Tcp)],
        )
    };
    let mut metrics = port("dns", 53, Protocol::Udp);
    metrics.node_port = None;
    let dns = LbService {
        load_balancer_class: Some("example.com/other\u{1b}[2J".to_owned()),
        local_traffic_only: true,
        source_ranges: vec!["198.51.100.0/24".to_owned()],
        shared_with: vec![ServiceKey::new("shop", "dns-tcp")],
        findings: vec![Finding {
            code: "no-pool",
            severity: Severity::Error,
            message: "주소 풀이 없습니다.".to_owned().into(),
            hint: "Make an IPAddressPool.".to_owned().into(),
        }],
        ..service(
            ServiceKey::new("shop", "dns"),
            vec![port("dns-tcp", 53, Protocol::Tcp), metrics],
        )
    };
    [ui, dns]
}

/// One pool with everything known, and one that is wrong and of which little is known.
pub(super) fn pools() -> [AddressPool; 2] {
    let count = |v4, v6| AddressCount { v4, v6 };
    let first = AddressPool {
        name: "first-pool".into(),
        namespace: "metallb-system".into(),
        addresses: vec!["10.0.0.240-10.0.0.250".to_owned(), "fd00::/124".to_owned()],
        auto_assign: true,
        protocols: Some(vec!["layer2"]),
        usage: Some(PoolUsage {
            assigned: count(10, 0),
            free: count(1, 16),
        }),
        findings: Vec::new(),
    };
    let odd = AddressPool {
        name: "odd\u{1b}[2J".into(),
        namespace: "metallb-system".into(),
        addresses: vec!["10.0.0.1-10.0.0.9".to_owned()],
        findings: vec![Finding {
            code: "pool-has-node-ip",
            severity: Severity::Error,
            message: "It holds addresses of nodes (10.0.0.1 of n1)."
                .to_owned()
                .into(),
            hint: "Take them out.".to_owned().into(),
        }],
        ..AddressPool::default()
    };
    [first, odd]
}

/// A live cluster with [`services`].
pub(super) fn put_services(snapshot: &mut Snapshot) {
    snapshot.cluster.state = ClusterState::Live;
    snapshot.cluster.services = services()
        .into_iter()
        .map(|service| (service.key.clone(), Arc::new(service)))
        .collect();
}
