use super::*;
use crate::diagram::testing::{fault, host, jump_host, key, pods, snapshot, tunnel, ui, ui_in, up};
use crate::diagram::{of_service, of_tunnel};
use crate::model::{Destination, FaultCause, Hop, Moment, TunnelId, TunnelState};

#[test]
fn an_open_tunnel() {
    let open = TunnelState::Open {
        since: Moment::START,
    };
    let graph = of_service(&ui_in(open), &key(), 80);
    let expected = "\
default/ui port 80

● This computer                   127.0.0.1:8080
│  SSH
● SSH host ubuntu@10.0.0.100      chacha20-poly1305 · 12 ms
│  10.0.0.241:80
● Service ui                      ClusterIP 10.108.202.210 · 80 → 8080 · NodePort 31126
│  ┄ 10.0.0.241                   MetalLB · first-pool · announced by k8s-worker-2 · L2
├─ ● 10.244.1.1                   ui-7d9f6c5b8-00001 · k8s-worker-2
├─ ● 10.244.1.2                   ui-7d9f6c5b8-00002 · k8s-worker-3
└─ ● 10.244.1.3                   ui-7d9f6c5b8-00003 · k8s-worker-1
";
    assert_eq!(render(&graph), expected, "\n{}", render(&graph));
}

#[test]
fn a_refused_target_behind_a_jump_host() {
    let mut service = ui();
    service.pods = pods(14, |index| index > 2);
    let mut snapshot = snapshot(vec![service], jump_host(up()));
    let state = TunnelState::Waiting {
        attempt: 1,
        retry_at: None,
        fault: fault(
            Hop::Target(Destination::tcp("10.0.0.241", 80)),
            FaultCause::TargetRefused,
        ),
    };
    tunnel(&mut snapshot, &key(), 80, state);
    let graph = of_service(&snapshot, &key(), 80);
    let expected = "\
default/ui port 80

● This computer                   127.0.0.1:8080
│  SSH
● jump host ec2-user@bastion.example.org  12 ms
│  SSH
● SSH host ubuntu@10.0.0.100      chacha20-poly1305
│  10.0.0.241:80
✗ Service ui                      ClusterIP 10.108.202.210 · 80 → 8080 · NodePort 31126
│    the SSH host cannot connect to 10.0.0.241:80: refused or no way there
│    → Likely the service has no ready pod, nothing listens there, or the SSH host is no cluster
│      node.
│  ┄ 10.0.0.241                   MetalLB · first-pool · announced by k8s-worker-2 · L2
├─ · 10.244.1.1                   ui-7d9f6c5b8-00001 · k8s-worker-2 · not ready
├─ · 10.244.1.2                   ui-7d9f6c5b8-00002 · k8s-worker-3 · not ready
├─ ○ 10.244.1.3                   ui-7d9f6c5b8-00003 · k8s-worker-1
├─ ○ 10.244.1.4                   ui-7d9f6c5b8-00004 · k8s-worker-2
├─ ○ 10.244.1.5                   ui-7d9f6c5b8-00005 · k8s-worker-3
├─ ○ 10.244.1.6                   ui-7d9f6c5b8-00006 · k8s-worker-1
├─ ○ 10.244.1.7                   ui-7d9f6c5b8-00007 · k8s-worker-2
├─ ○ 10.244.1.8                   ui-7d9f6c5b8-00008 · k8s-worker-3
├─ ○ 10.244.1.9                   ui-7d9f6c5b8-00009 · k8s-worker-1
├─ ○ 10.244.1.10                  ui-7d9f6c5b8-00010 · k8s-worker-2
├─ ○ 10.244.1.11                  ui-7d9f6c5b8-00011 · k8s-worker-3
├─ ○ 10.244.1.12                  ui-7d9f6c5b8-00012 · k8s-worker-1
└─ ○ +2 more, 2 ready
";
    assert_eq!(render(&graph), expected, "\n{}", render(&graph));
}

#[test]
fn no_line_is_too_wide_whatever_the_names_are() {
    let mut service = ui();
    service.pool = Some("아주긴이름".repeat(30));
    let snapshot = snapshot(vec![service], host(up()));
    let graph = of_tunnel(&snapshot, &TunnelId::service(key(), 80)).unwrap();
    for line in render(&graph).lines() {
        assert!(columns(line) <= WIDTH, "{} columns: {line}", columns(line));
    }
}
