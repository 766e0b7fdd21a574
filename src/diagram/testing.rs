//! Snapshots for the tests of what is drawn from them.

use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{
    Announcement, AnnouncementSource, ClusterState, Destination, Fault, FaultCause, Hop,
    HostProfile, HostRole, HostStatus, Intent, LbService, LinkStatus, ListenAddress, LocalBind,
    Moment, PodEndpoint, Protocol, Route, ServiceKey, ServicePhase, ServicePort, SessionFacts,
    Snapshot, Target, TunnelId, TunnelSpec, TunnelState, TunnelStatus, words,
};

pub(crate) fn fault(hop: Hop, cause: FaultCause) -> Fault {
    Fault { hop, cause }
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn up() -> LinkStatus {
    LinkStatus::Up {
        since: Moment::START,
        session: SessionFacts {
            server: "SSH-2.0-OpenSSH_9.2p1".to_owned(),
            cipher: "chacha20-poly1305@openssh.com".to_owned(),
            host_key: "SHA256:uNiVztksCsDhcc0u9e8BrXw9Vp".to_owned(),
            authenticated_by: "the key /home/me/key.pem".to_owned(),
            via: Vec::new(),
            connect_micros: 11_300,
        },
    }
}

pub(crate) fn host(link: LinkStatus) -> HostStatus {
    HostStatus {
        profile: HostProfile::new("ubuntu", "10.0.0.100", 22),
        link,
        role: HostRole::Unknown,
    }
}

pub(crate) fn jump_host(link: LinkStatus) -> HostStatus {
    let mut host = host(link);
    host.profile.jumps = vec![HostProfile::new("ec2-user", "bastion.example.org", 22)];
    host
}

pub(crate) fn port(number: u16) -> ServicePort {
    ServicePort {
        name: String::new(),
        number,
        protocol: Protocol::Tcp,
        target_port: "8080".to_owned(),
        node_port: Some(31126),
        app_protocol: None,
    }
}

pub(crate) fn pods(count: u8, ready: impl Fn(u8) -> bool) -> Arc<[PodEndpoint]> {
    (1..=count)
        .map(|index| PodEndpoint {
            name: format!("ui-7d9f6c5b8-{index:05}").into(),
            ip: IpAddr::from([10, 244, 1, index]),
            node: Some(format!("k8s-worker-{}", index % 3 + 1).into()),
            ready: ready(index),
            ports: [(String::new(), 8080)].into(),
        })
        .collect()
}

/// `default/ui`, port 80, 10.0.0.241, three ready pods.
pub(crate) fn ui() -> LbService {
    LbService {
        cluster_ips: vec![ip("10.108.202.210")],
        load_balancer_ips: vec![ip("10.0.0.241")],
        ports: vec![port(80)],
        pods: pods(3, |_| true),
        pool: Some("first-pool".to_owned()),
        announced_by: Some(vec![Announcement {
            node: "k8s-worker-2".to_owned(),
            protocol: "layer2".to_owned(),
            source: AnnouncementSource::Status,
        }]),
        phase: ServicePhase::Assigned,
        ..LbService::new(key())
    }
}

pub(crate) fn key() -> ServiceKey {
    ServiceKey::new("default", "ui")
}

pub(crate) fn snapshot(services: Vec<LbService>, host: HostStatus) -> Snapshot {
    let mut snapshot = Snapshot {
        now: Moment::START,
        selected_host: Some(host.profile.id.clone()),
        hosts: vec![Arc::new(host)],
        ..Snapshot::default()
    };
    snapshot.cluster.state = ClusterState::Live;
    snapshot.cluster.context = Some("home".to_owned());
    for service in services {
        snapshot
            .cluster
            .services
            .insert(service.key.clone(), Arc::new(service));
    }
    snapshot
}

/// Adds the tunnel of this port of this service.
pub(crate) fn tunnel(snapshot: &mut Snapshot, key: &ServiceKey, port: u16, state: TunnelState) {
    let id = TunnelId::service(key.clone(), port);
    let bound = !matches!(
        state,
        TunnelState::Off | TunnelState::Binding | TunnelState::Failed(_)
    );
    let address = "127.0.0.1:8080".parse().unwrap();
    let status = TunnelStatus {
        intent: if state == TunnelState::Off {
            Intent::Down
        } else {
            Intent::Up
        },
        state,
        listening: if bound {
            vec![ListenAddress::Tcp(address)]
        } else {
            Vec::new()
        },
        destination: Some(Destination::tcp("10.0.0.241", port)),
        route: Some(Route::MetalLb),
        route_reason: Some(words!(
            "Chosen because kube-proxy on a cluster node takes up the MetalLB IP"
        )),
        ..TunnelStatus::new(TunnelSpec {
            id: id.clone(),
            host: snapshot.hosts[0].profile.id.clone(),
            local: LocalBind::preferred_for(port),
            target: Target::Service {
                service: key.clone(),
                port,
                route: None,
            },
        })
    };
    snapshot.tunnels.insert(id, Arc::new(status));
}

/// `default/ui` by the host `10.0.0.100`, with its tunnel in this state.
pub(crate) fn ui_in(state: TunnelState) -> Snapshot {
    let mut snapshot = snapshot(vec![ui()], host(up()));
    tunnel(&mut snapshot, &key(), 80, state);
    snapshot
}
