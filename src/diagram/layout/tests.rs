use std::sync::Arc;

use super::*;
use crate::diagram::testing::{fault, host, jump_host, key, pods, snapshot, tunnel, ui, up};
use crate::diagram::{EdgeKind, of_service};
use crate::model::{
    Destination, FaultCause, Finding, Hop, LinkStatus, Moment, Route, ServicePhase, Severity,
    Snapshot, TunnelId, TunnelState, TunnelStatus,
};

/// Letters of equal width, titles a little larger.
fn letters(text: &str, role: Role) -> Size {
    #[expect(clippy::cast_precision_loss, reason = "short texts")]
    let count = text.chars().count() as f32;
    let (width, height) = match role {
        Role::Title => (7.4, 17.0),
        Role::Line => (6.4, 15.0),
        Role::Label => (6.0, 14.0),
    };
    Size {
        width: count * width,
        height,
    }
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let close = 0.1;
    a.left() + close < b.right()
        && b.left() + close < a.right()
        && a.top() + close < b.bottom()
        && b.top() + close < a.bottom()
}

/// The area a line from `a` to `b` covers, made a little thick so that it can overlap.
fn segment(a: Point, b: Point) -> Rect {
    let (left, top) = (a.x.min(b.x), a.y.min(b.y));
    Rect::new(
        left - 0.2,
        top - 0.2,
        (a.x - b.x).abs() + 0.4,
        (a.y - b.y).abs() + 0.4,
    )
}

fn on_border(point: Point, rect: &Rect) -> bool {
    let close = |a: f32, b: f32| (a - b).abs() < 0.6;
    let in_x = point.x > rect.left() - 0.6 && point.x < rect.right() + 0.6;
    let in_y = point.y > rect.top() - 0.6 && point.y < rect.bottom() + 0.6;
    (in_x && in_y)
        && (close(point.x, rect.left())
            || close(point.x, rect.right())
            || close(point.y, rect.top())
            || close(point.y, rect.bottom()))
}

fn check(graph: &Graph, layout: &Layout, width: f32, case: &str) {
    assert_eq!(layout.boxes.len(), graph.nodes.len(), "{case}");
    assert_eq!(layout.edges.len(), graph.edges.len(), "{case}");
    assert!(
        layout.size.width <= width + 0.5,
        "{case}: {} is wider than {width}",
        layout.size.width
    );
    for (index, rect) in layout.boxes.iter().enumerate() {
        let name = &graph.nodes[index].title;
        assert!(
            rect.left() >= -0.1 && rect.top() >= -0.1 && rect.size.width > 40.0,
            "{case}: {name} lies at {rect:?}"
        );
        assert!(
            rect.right() <= layout.size.width + 0.5 && rect.bottom() <= layout.size.height + 0.5,
            "{case}: {name} sticks out"
        );
        for (other, second) in layout.boxes.iter().enumerate().skip(index + 1) {
            assert!(
                !overlap(rect, second),
                "{case}: {name} and {} overlap",
                graph.nodes[other].title
            );
        }
    }
    for path in &layout.edges {
        check_path(graph, layout, path, case);
    }
    check_note(graph, layout, case);
}

fn check_note(graph: &Graph, layout: &Layout, case: &str) {
    assert_eq!(
        layout.note.as_ref().map(|note| note.node),
        graph.first_broken,
        "{case}"
    );
    let Some(note) = &layout.note else { return };
    for (index, rect) in layout.boxes.iter().enumerate() {
        assert!(
            !overlap(&note.rect, rect),
            "{case}: the note covers {}",
            graph.nodes[index].title
        );
    }
    for line in &note.lines {
        assert!(
            line.rect.right() <= note.rect.right() + 0.1
                && line.rect.bottom() <= note.rect.bottom() + 0.1,
            "{case}: '{}' sticks out of the note",
            line.text
        );
    }
    for path in &layout.edges {
        let crosses = path
            .points
            .windows(2)
            .any(|pair| overlap(&segment(pair[0], pair[1]), &note.rect));
        assert!(!crosses, "{case}: a line runs through the note");
        assert!(
            path.label.is_none_or(|label| !overlap(&label, &note.rect)),
            "{case}: the note covers a leg's words"
        );
    }
}

fn check_path(graph: &Graph, layout: &Layout, path: &EdgePath, case: &str) {
    let edge = &graph.edges[path.edge];
    let name = format!(
        "{case}: {} to {}",
        graph.nodes[edge.from].title, graph.nodes[edge.to].title
    );
    let (first, last) = (path.points[0], *path.points.last().unwrap());
    assert!(
        on_border(first, &layout.boxes[edge.from]),
        "{name} begins at {first:?}"
    );
    assert!(
        on_border(last, &layout.boxes[edge.to]),
        "{name} ends at {last:?}"
    );
    for pair in path.points.windows(2) {
        let level = (pair[0].x - pair[1].x).abs() < 0.1 || (pair[0].y - pair[1].y).abs() < 0.1;
        assert!(level, "{name} runs aslant");
        for (index, rect) in layout.boxes.iter().enumerate() {
            if index != edge.from && index != edge.to {
                assert!(
                    !overlap(&segment(pair[0], pair[1]), rect),
                    "{name} crosses {}",
                    graph.nodes[index].title
                );
            }
        }
    }
    if let Some(label) = &path.label {
        for (index, rect) in layout.boxes.iter().enumerate() {
            assert!(
                !overlap(label, rect),
                "{name}: its words cover {}",
                graph.nodes[index].title
            );
        }
    }
}

fn cases() -> Vec<(&'static str, Snapshot)> {
    let one = |service| snapshot(vec![service], host(up()));
    let with = |change: &dyn Fn(&mut crate::model::LbService)| {
        let mut service = ui();
        change(&mut service);
        service
    };
    let long = "a-very-long-pool-name-that-nobody-should-ever-have-chosen-for-anything";
    vec![
        ("plain", one(ui())),
        ("jumps", snapshot(vec![ui()], jump_host(up()))),
        ("idle", snapshot(vec![ui()], host(LinkStatus::Idle))),
        (
            "no pods",
            one(with(&|service| service.pods = pods(0, |_| true))),
        ),
        (
            "24 pods",
            one(with(&|service| service.pods = pods(24, |_| true))),
        ),
        (
            "pending",
            one(with(&|service| {
                service.load_balancer_ips.clear();
                service.phase = ServicePhase::Pending;
            })),
        ),
        (
            "no address at all",
            one(with(&|service| service.load_balancer_ips.clear())),
        ),
        (
            "long names",
            one(with(&|service| service.pool = Some(long.to_owned()))),
        ),
        ("missing", snapshot(Vec::new(), host(up()))),
        ("by pod", by_pod()),
        ("no address to be had", broken_address()),
        (
            "no ready pod",
            one(with(&|service| service.pods = pods(5, |_| false))),
        ),
        ("by pod, pods gone", by_pod_broken()),
        ("a broken port", faulty(Hop::Local)),
        (
            "a broken jump",
            faulty(Hop::Ssh("ec2-user@bastion.example.org".to_owned())),
        ),
        (
            "a broken host",
            faulty(Hop::Ssh("ubuntu@10.0.0.100".to_owned())),
        ),
        (
            "a broken target",
            faulty(Hop::Target(Destination::tcp("10.0.0.241", 80))),
        ),
    ]
}

fn broken_address() -> Snapshot {
    let mut service = ui();
    service.load_balancer_ips.clear();
    service.phase = ServicePhase::Pending;
    service.findings = vec![Finding {
        code: "pool-exhausted",
        severity: Severity::Error,
        message: "first-pool has no free address".to_owned().into(),
        hint: "Widen it, or delete a service that is not needed. "
            .repeat(3)
            .into(),
    }];
    snapshot(vec![service], host(up()))
}

fn faulty(hop: Hop) -> Snapshot {
    let mut snapshot = snapshot(vec![ui()], jump_host(up()));
    let state = TunnelState::Waiting {
        attempt: 1,
        retry_at: None,
        fault: fault(hop, FaultCause::TargetRefused),
    };
    tunnel(&mut snapshot, &key(), 80, state);
    snapshot
}

fn by_pod_broken() -> Snapshot {
    let mut snapshot = by_pod();
    let mut service = ui();
    service.pods = pods(3, |_| false);
    snapshot.cluster.services.insert(key(), Arc::new(service));
    let id = TunnelId::service(key(), 80);
    let mut status = TunnelStatus::clone(&snapshot.tunnels[&id]);
    status.state = TunnelState::Off;
    snapshot.tunnels.insert(id, Arc::new(status));
    snapshot
}

fn by_pod() -> Snapshot {
    let mut snapshot = snapshot(vec![ui()], host(up()));
    let open = TunnelState::Open {
        since: Moment::START,
    };
    tunnel(&mut snapshot, &key(), 80, open);
    let id = TunnelId::service(key(), 80);
    let mut status = TunnelStatus::clone(&snapshot.tunnels[&id]);
    status.route = Some(Route::Pod);
    status.destination = Some(Destination::tcp("10.244.1.3", 8080));
    snapshot.tunnels.insert(id, Arc::new(status));
    snapshot
}

#[test]
fn nothing_overlaps_at_any_width() {
    for (name, snapshot) in cases() {
        let graph = of_service(&snapshot, &key(), 80);
        for width in [300.0, 380.0, 440.0, 640.0, 860.0, 1100.0, 1600.0, 3800.0] {
            let layout = lay_out(&graph, width, &letters);
            check(&graph, &layout, width, &format!("{name} at {width}"));
        }
    }
}

#[test]
fn it_runs_across_where_there_is_room_and_down_where_there_is_not() {
    let graph = of_service(&snapshot(vec![ui()], host(up())), &key(), 80);
    for (width, expected) in [
        (380.0, Direction::Down),
        (440.0, Direction::Down),
        (1000.0, Direction::Across),
        (1600.0, Direction::Across),
    ] {
        assert_eq!(
            lay_out(&graph, width, &letters).direction,
            expected,
            "{width}"
        );
    }
}

#[test]
fn the_path_of_the_bytes_is_straight_up_to_the_service() {
    let graph = of_service(&snapshot(vec![ui()], jump_host(up())), &key(), 80);
    let layout = lay_out(&graph, 1400.0, &letters);
    for path in &layout.edges {
        let edge = &graph.edges[path.edge];
        if edge.kind == EdgeKind::Data && !graph.nodes[edge.to].kind.is_row() {
            assert_eq!(path.points.len(), 2, "{:?}", path.points);
        }
    }
}
