//! The states that a person can meet.

use std::sync::Arc;
use std::time::Duration;

use super::super::view::Page;
use super::Shot;
use crate::diagram::testing::{
    fault, host, ip, jump_host, key, pods, port, snapshot, tunnel, ui, up,
};
use crate::model::{
    AddressPool, ClusterFault, ClusterGap, ClusterNode, ClusterState, Destination, Fault,
    FaultCause, Finding, Hop, Language, LbService, Light, LinkStatus, Moment, Notice, Part,
    PortHolder, Prompt, PromptId, Question, ServiceEvent, ServiceKey, ServicePhase, ServiceType,
    Severity, Snapshot, TunnelState, Words, words,
};

const OPEN: TunnelState = TunnelState::Open {
    since: Moment::START,
};
const USUAL: [f32; 2] = [960.0, 600.0];

pub(super) fn all() -> Vec<Shot> {
    let lists = [
        ("welcome", Snapshot::default()),
        ("no-load-balancer", no_load_balancer()),
        ("groups", groups()),
        ("nothing-found", nothing_found()),
        ("question", question()),
        ("korean", in_korean(broken())),
        ("korean-nothing-found", in_korean(nothing_found())),
    ];
    let lists = lists.map(|(name, snapshot)| list(name, snapshot));
    lists.into_iter().chain(others()).collect()
}

/// The list, with nothing selected.
fn list(name: &'static str, snapshot: Snapshot) -> Shot {
    Shot {
        name,
        size: USUAL,
        page: Page::Services,
        selected: 0,
        clicks: &[],
        snapshot,
    }
}

fn others() -> Vec<Shot> {
    vec![
        list("empty", snapshot(Vec::new(), host(LinkStatus::Idle))),
        list("loading", in_state(ClusterState::Loading)),
        list("offline", in_state(ClusterState::Stale(unreachable()))),
        list("out-of-date", out_of_date()),
        list("no-permission", no_permission()),
        list("metallb-missing", metallb_missing()),
        list("hundreds", hundreds()),
        list("long-names", long_names()),
        Shot {
            selected: 1,
            ..list("ipv6", ipv6())
        },
        Shot {
            size: [1280.0, 760.0],
            selected: 2,
            ..list("demo", demo())
        },
        Shot {
            selected: 1,
            ..list("broken", broken())
        },
        Shot {
            // Four inches at 96 points each.
            size: [760.0, 384.0],
            selected: 1,
            ..list("low-window", demo())
        },
        Shot {
            size: [1000.0, 384.0],
            selected: 1,
            ..list("low-middle", demo())
        },
        Shot {
            size: [1600.0, 400.0],
            selected: 1,
            ..list("low-wide", demo())
        },
        list("stopped", in_state(ClusterState::Stopped)),
        Shot {
            selected: 1,
            ..list("in-trouble", in_trouble())
        },
        Shot {
            selected: 1,
            size: [760.0, 384.0],
            ..list("low-window-in-trouble", in_trouble())
        },
        Shot {
            page: Page::Map,
            size: [1000.0, 760.0],
            ..list("map", demo())
        },
        Shot {
            page: Page::Hosts,
            ..list("hosts", demo())
        },
        Shot {
            page: Page::Hosts,
            clicks: &["Fill in a host"],
            ..list("host-form", demo())
        },
        Shot {
            page: Page::Settings,
            size: [960.0, 760.0],
            ..list("settings", demo())
        },
    ]
}

fn in_state(state: ClusterState) -> Snapshot {
    let mut snapshot = snapshot(Vec::new(), host(LinkStatus::Idle));
    snapshot.cluster.state = state;
    snapshot
}

fn out_of_date() -> Snapshot {
    let mut snapshot = demo();
    snapshot.cluster.state = ClusterState::Stale(unreachable());
    snapshot
}

fn unreachable() -> ClusterFault {
    ClusterFault {
        code: "unreachable",
        message: words!(
            "The API server {server} did not answer within {seconds} s.",
            server = "https://10.0.0.100:6443",
            seconds = 10_u64
        ),
        hint: words!("Check the network, the VPN, and that the cluster runs."),
    }
}

fn no_permission() -> Snapshot {
    let mut snapshot = demo();
    let gap = |resource| ClusterGap {
        resource,
        verb: "list",
        fault: ClusterFault {
            code: "forbidden",
            message: words!(
                "The API server {server} does not allow you to {verb} {name} {everywhere}.",
                server = "https://10.0.0.100:6443",
                verb = "list",
                name = resource,
                everywhere = words!("of the cluster")
            ),
            hint: words!(
                "Ask for a Role with the verbs get, list and watch on {name}; if you have one in another namespace, make that \
                 the context's: kubectl config set-context --current --namespace=NAMESPACE",
                name = resource
            ),
        },
    };
    snapshot.cluster.gaps = vec![gap("nodes"), gap("ipaddresspools.metallb.io")];
    snapshot.cluster.missing_role = Some("kind: ClusterRole".into());
    snapshot.cluster.nodes = None;
    snapshot.cluster.pools = None;
    snapshot
}

fn named(namespace: &str, name: &str) -> LbService {
    LbService {
        key: ServiceKey::new(namespace, name),
        ..ui()
    }
}

fn pending(
    namespace: &str,
    name: &str,
    code: &'static str,
    message: Words,
    hint: Words,
) -> LbService {
    LbService {
        load_balancer_ips: Vec::new(),
        pool: None,
        announced_by: Some(Vec::new()),
        phase: ServicePhase::Pending,
        findings: vec![Finding {
            code,
            severity: Severity::Error,
            message,
            hint,
        }],
        ..named(namespace, name)
    }
}

fn metallb_missing() -> Snapshot {
    let service = |name| {
        pending(
            "shop",
            name,
            "metallb-missing",
            words!(
                "MetalLB is not installed: the API server knows no metallb.io. Nobody else has given the service an address \
                 either."
            ),
            words!(
                "Install MetalLB (metallb.io/installation) and give it an IPAddressPool, or the load balancer of your provider."
            ),
        )
    };
    snapshot(vec![service("api"), service("web")], host(up()))
}

/// A small cluster with something of everything.
pub(super) fn demo() -> Snapshot {
    let mut web = named("shop", "web");
    web.load_balancer_ips = vec![ip("10.0.0.242")];
    web.ports = vec![port(80), port(9000)];
    web.pods = pods(5, |index| index != 2);
    web.events = vec![ServiceEvent {
        reason: "nodeAssigned".to_owned(),
        message: "announcing from node \"k8s-worker-2\" with protocol \"layer2\"".to_owned(),
        at: "2026-07-01T08:15:00Z".to_owned(),
        is_warning: false,
    }];
    let mut many = named("shop", "search");
    many.load_balancer_ips = vec![ip("10.0.0.243")];
    many.pods = pods(24, |_| true);
    let waits = pending(
        "shop",
        "late",
        "pool-exhausted",
        words!(
            "The pool '{pool}' that it asks for {full}.",
            pool = "tiny-pool",
            full = words!(
                "has no free address: its {size} addresses are held by {holders}",
                size = 2_usize,
                holders = Part::list(["shop/a", "shop/b"])
            )
        ),
        words!(
            "Add addresses to the IPAddressPool, delete a service that is not needed, or let services share an address \
             (metallb.io/allow-shared-ip)."
        ),
    );
    let mut snapshot = snapshot(vec![ui(), waits, many, web], jump_host(up()));
    snapshot.cluster.pools = Some(
        [
            pool("first-pool", "10.0.0.240-10.0.0.250"),
            AddressPool {
                findings: vec![Finding {
                    code: "pool-has-node-ip",
                    severity: Severity::Error,
                    message: words!(
                        "It holds addresses of nodes ({addresses}). A service that is given one cuts the node off, SSH included.",
                        addresses = words!("{ip} of {whose}", ip = "10.0.0.101", whose = "k8s-worker-1")
                    ),
                    hint: words!(
                        "Take the nodes' addresses out of spec.addresses before a service is given one."
                    ),
                }],
                ..pool("risky-pool", "10.0.0.100-10.0.0.110")
            },
            pool("wide-pool", "10.0.4.0/22"),
        ]
        .into(),
    );
    snapshot.cluster.nodes =
        Some([node("k8s-worker-1", 101, 1), node("k8s-worker-2", 102, 2)].into());
    tunnel(&mut snapshot, &key(), 80, OPEN);
    tunnel(&mut snapshot, &ServiceKey::new("shop", "web"), 80, OPEN);
    snapshot
}

fn pool(name: &str, addresses: &str) -> AddressPool {
    AddressPool {
        name: name.into(),
        addresses: vec![addresses.to_owned()],
        auto_assign: true,
        protocols: Some(vec!["layer2"]),
        ..AddressPool::default()
    }
}

fn node(name: &str, last: u8, pods: u8) -> ClusterNode {
    ClusterNode {
        name: name.into(),
        internal_ips: vec![ip(&format!("10.0.0.{last}"))],
        pod_cidrs: vec![format!("10.244.{pods}.0/24")],
        ready: Some(true),
        ..ClusterNode::default()
    }
}

pub(super) fn broken() -> Snapshot {
    let mut snapshot = demo();
    let waiting = TunnelState::Waiting {
        attempt: 3,
        retry_at: Some(Moment::after_start(Duration::from_secs(30))),
        fault: fault(
            Hop::Target(Destination::tcp("10.0.0.241", 80)),
            FaultCause::TargetRefused,
        ),
    };
    tunnel(&mut snapshot, &key(), 80, waiting);
    snapshot
}

fn no_load_balancer() -> Snapshot {
    let mut inner = named("shop", "inner");
    inner.service_type = ServiceType::ClusterIp;
    snapshot(vec![inner], host(LinkStatus::Idle))
}

fn groups() -> Snapshot {
    let mut snapshot = demo();
    let settings = Arc::make_mut(&mut snapshot.settings);
    settings.favourites.insert(ServiceKey::new("shop", "web"));
    settings.window.grouped = true;
    settings.window.filter.folded.insert("default".to_owned());
    snapshot
}

fn nothing_found() -> Snapshot {
    let mut snapshot = demo();
    let settings = Arc::make_mut(&mut snapshot.settings);
    settings.window.filter.light = Some(Light::Red);
    snapshot
}

fn question() -> Snapshot {
    let mut snapshot = demo();
    snapshot.prompts.push(Prompt {
        id: PromptId(1),
        host: snapshot.hosts[0].profile.id.clone(),
        hop: "ubuntu@10.0.0.100:22".to_owned(),
        question: Question::UnknownHostKey {
            host: "10.0.0.100".to_owned(),
            key_type: "ssh-ed25519".to_owned(),
            fingerprint: "SHA256:uNiVztksCsDhcc0u9e8BrXw9VpU7Jd1yJ1pJm6e1XQY".to_owned(),
            known_as: vec!["old-name".to_owned()],
        },
        was_refused: false,
    });
    snapshot
}

/// A port that another program has, and something to tell.
fn in_trouble() -> Snapshot {
    let mut snapshot = demo();
    let cause = FaultCause::PortInUse {
        address: ([127, 0, 0, 1], 8080).into(),
        holder: Some(PortHolder {
            pid: 4242,
            name: "nginx".to_owned(),
        }),
        free_port: Some(8081),
    };
    let failed = TunnelState::Failed(Fault::local(cause));
    tunnel(&mut snapshot, &key(), 80, failed);
    snapshot.notices.push(Notice {
        at: Moment::START,
        tunnel: None,
        text: "The settings cannot be written: no space is left on the device."
            .to_owned()
            .into(),
    });
    snapshot
}

fn in_korean(mut snapshot: Snapshot) -> Snapshot {
    Arc::make_mut(&mut snapshot.settings).window.language = Language::Korean;
    snapshot
}

fn hundreds() -> Snapshot {
    let services = (0..400).map(|index| named("load", &format!("service-{index:03}")));
    let mut snapshot = snapshot(services.collect(), host(up()));
    for index in 0..300 {
        let key = ServiceKey::new("load", &format!("service-{index:03}"));
        tunnel(&mut snapshot, &key, 80, OPEN);
    }
    snapshot
}

fn long_names() -> Snapshot {
    let mut long = named(&"namespace-".repeat(6), &"service-with-a-name-".repeat(3));
    long.pool = Some("a-pool-whose-name-goes-on-and-on-and-on-without-an-end".to_owned());
    snapshot(vec![ui(), long], host(up()))
}

fn ipv6() -> Snapshot {
    let mut v6 = named("shop", "six");
    v6.load_balancer_ips = vec![ip("fd00:10:0:ffff:1234:5678:9abc:247")];
    v6.cluster_ips = vec![ip("fd00:10:96::43df")];
    let mut six = snapshot(vec![v6], host(up()));
    tunnel(&mut six, &ServiceKey::new("shop", "six"), 80, OPEN);
    six
}
