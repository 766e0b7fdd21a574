use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::diagram::NodeKind;
use crate::diagram::testing::{fault, host, jump_host, key, pods, snapshot, tunnel, ui, ui_in, up};
use crate::model::{FaultCause, Finding, Hop, LinkStatus, LocalBind, Moment, Severity, TunnelSpec};

const OPEN: TunnelState = TunnelState::Open {
    since: Moment::START,
};

fn titles(graph: &Graph) -> Vec<&str> {
    graph.nodes.iter().map(|node| node.title.as_str()).collect()
}

fn broken_title(graph: &Graph) -> Option<&str> {
    graph
        .first_broken
        .map(|index| graph.nodes[index].title.as_str())
}

#[test]
fn the_way_runs_from_this_computer_to_the_pods() {
    let graph = of_service(&ui_in(OPEN), &key(), 80);
    assert_eq!(graph.title, "default/ui port 80");
    assert_eq!(
        titles(&graph),
        [
            "This computer",
            "ubuntu@10.0.0.100",
            "10.0.0.241",
            "ui",
            "10.244.1.1",
            "10.244.1.2",
            "10.244.1.3"
        ]
    );
    let data: Vec<_> = graph
        .edges
        .iter()
        .filter(|edge| edge.kind == EdgeKind::Data)
        .map(|edge| (edge.from, edge.to, edge.label.as_str()))
        .collect();
    assert_eq!(
        data,
        [
            (0, 1, "SSH"),
            (1, 3, "10.0.0.241:80"),
            (3, 4, ""),
            (3, 5, ""),
            (3, 6, "")
        ]
    );
    let relation = graph
        .edges
        .iter()
        .find(|edge| edge.kind == EdgeKind::Relation);
    assert_eq!(
        relation.map(|edge| (edge.from, edge.to, edge.label.as_str())),
        Some((2, 3, "k8s-worker-2 · L2"))
    );
    assert!(
        graph
            .edges
            .iter()
            .filter(|edge| edge.kind == EdgeKind::Data)
            .all(|edge| edge.status == Status::Working)
    );
    assert_eq!(graph.first_broken, None);
    assert_eq!(graph.nodes[1].lines, ["chacha20-poly1305 · 12 ms"]);
    assert_eq!(graph.nodes[0].copy.as_deref(), Some("127.0.0.1:8080"));
}

#[test]
fn the_fault_marks_its_own_station_even_if_others_are_broken_too() {
    let mut service = ui();
    service.pods = pods(2, |_| false);
    let waiting = |hop, cause| TunnelState::Waiting {
        attempt: 2,
        retry_at: None,
        fault: fault(hop, cause),
    };
    let lost = waiting(
        Hop::Ssh("ubuntu@10.0.0.100".to_owned()),
        FaultCause::SessionLost {
            reason: "no sign of life".to_owned().into(),
        },
    );
    let refused = waiting(
        Hop::Target(Destination::tcp("10.0.0.241", 80)),
        FaultCause::TargetRefused,
    );
    for (state, expected) in [
        (lost, Some("ubuntu@10.0.0.100")),
        (refused, Some("ui")),
        (TunnelState::Off, Some("10.244.1.1")),
        (OPEN, None),
    ] {
        let mut snapshot = snapshot(vec![service.clone()], host(up()));
        tunnel(&mut snapshot, &key(), 80, state.clone());
        let graph = of_service(&snapshot, &key(), 80);
        assert_eq!(broken_title(&graph), expected, "{state:?}");
    }
}

#[test]
fn a_pending_service_shows_why_it_has_no_address() {
    let mut service = ui();
    service.load_balancer_ips.clear();
    service.phase = ServicePhase::Pending;
    service.findings = vec![Finding {
        code: "pool-exhausted",
        severity: Severity::Error,
        message: "first-pool has no free address".to_owned().into(),
        hint: "Widen it.".to_owned().into(),
    }];
    let graph = of_service(
        &snapshot(vec![service.clone()], host(LinkStatus::Idle)),
        &key(),
        80,
    );
    assert_eq!(broken_title(&graph), Some("no address yet"));
    // Without an address the ClusterIP is what the host would dial.
    assert!(
        graph
            .edges
            .iter()
            .any(|edge| edge.label == "10.108.202.210:80")
    );
    service.findings.clear();
    let graph = of_service(&snapshot(vec![service], host(LinkStatus::Idle)), &key(), 80);
    let address = graph.find(NodeKind::MetalLb).unwrap();
    assert_eq!(graph.nodes[address].status, Status::InProgress);
    assert_eq!(graph.first_broken, None);
}

#[test]
fn pods_beyond_a_dozen_fold_but_the_dialled_one_stays() {
    let mut service = ui();
    service.pods = pods(24, |index| index != 20);
    let mut snapshot = snapshot(vec![service], host(up()));
    let graph = of_service(&snapshot, &key(), 80);
    let more = graph.find(NodeKind::MorePods).unwrap();
    assert_eq!(graph.nodes[more].title, "+12 more, 11 ready");
    let count = graph
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Pod)
        .count();
    assert_eq!(count, 12);

    tunnel(&mut snapshot, &key(), 80, OPEN);
    let id = TunnelId::service(key(), 80);
    let mut status = TunnelStatus::clone(&snapshot.tunnels[&id]);
    status.route = Some(Route::Pod);
    status.destination = Some(Destination::tcp("10.244.1.24", 8080));
    snapshot.tunnels.insert(id, Arc::new(status));
    let graph = of_service(&snapshot, &key(), 80);
    let dialled: Vec<_> = graph
        .edges
        .iter()
        .filter(|edge| edge.kind == EdgeKind::Data)
        .map(|edge| graph.nodes[edge.to].title.as_str())
        .collect();
    assert_eq!(dialled, ["ubuntu@10.0.0.100", "10.244.1.24"]);
}

#[test]
fn jump_hosts_come_first() {
    let snapshot = snapshot(vec![ui()], jump_host(up()));
    let graph = of_service(&snapshot, &key(), 80);
    assert_eq!(graph.nodes[1].kind, NodeKind::Jump);
    assert_eq!(graph.nodes[1].title, "ec2-user@bastion.example.org");
    assert_eq!(graph.nodes[1].lines, ["jump host · 12 ms"]);
    assert_eq!(graph.nodes[2].lines, ["chacha20-poly1305"]);
}

#[test]
fn what_the_cluster_lacks_and_who_has_no_host_is_drawn_too() {
    let mut snapshot = snapshot(Vec::new(), host(LinkStatus::Idle));
    snapshot.selected_host = None;
    let graph = of_service(&snapshot, &key(), 80);
    assert_eq!(titles(&graph), ["This computer", "SSH host", "default/ui"]);
    assert_eq!(graph.nodes[2].lines, ["not in the cluster"]);
}

#[test]
fn a_forward_ends_at_its_destination() {
    let mut snapshot = snapshot(Vec::new(), host(up()));
    let id = TunnelId::Forward(0);
    let status = TunnelStatus {
        intent: crate::model::Intent::Up,
        state: TunnelState::Waiting {
            attempt: 1,
            retry_at: None,
            fault: fault(
                Hop::Target(Destination::tcp("db.internal", 5432)),
                FaultCause::TargetTimedOut {
                    after: Duration::from_secs(9),
                },
            ),
        },
        ..TunnelStatus::new(TunnelSpec {
            id: id.clone(),
            host: snapshot.hosts[0].profile.id.clone(),
            local: LocalBind::loopback(5432),
            target: Target::Fixed(Destination::tcp("db.internal", 5432)),
        })
    };
    snapshot.tunnels.insert(id.clone(), Arc::new(status));
    let graph = of_tunnel(&snapshot, &id).unwrap();
    assert_eq!(
        titles(&graph),
        ["This computer", "ubuntu@10.0.0.100", "db.internal:5432"]
    );
    assert_eq!(broken_title(&graph), Some("db.internal:5432"));
    assert_eq!(of_tunnel(&snapshot, &TunnelId::Forward(1)), None);
}

#[test]
fn names_from_the_network_are_made_safe() {
    let mut service = ui();
    service.pool = Some("po\u{1b}[31mol".to_owned());
    let graph = of_service(&snapshot(vec![service], host(up())), &key(), 80);
    let address = graph.find(NodeKind::MetalLb).unwrap();
    assert_eq!(graph.nodes[address].lines, ["MetalLB · po\u{fffd}[31mol"]);
}
