//! Every reason why a service waits for its address or does not answer, each by one change of a healthy cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Advertisement, Allocation, Counters, FamilyPolicy, Presence};
use super::testing::{Case, event, labels, pod, pool, port, selector, service, session, without};
use crate::model::{AnnouncementSource, ServiceKey};

type Change = fn(&mut Case);

/// Gives out what is free of the ten addresses; `shop/other` has the first.
fn take_all(case: &mut Case) {
    let rest: Vec<String> = (241..250).map(|last| format!("10.0.0.{last}")).collect();
    case.take(&rest.iter().map(String::as_str).collect::<Vec<_>>());
}

/// Name, change, the codes that are found, and a part of the first message.
type Row = (&'static str, Change, &'static [&'static str], &'static str);

fn check(start: &Case, rows: &[Row]) {
    for (name, change, codes, part) in rows {
        let found = start.clone().with(change).findings();
        let own: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(own, *codes, "{name}: {found:?}");
        let said = found
            .first()
            .map_or_else(String::new, |finding| finding.message.to_string());
        assert!(said.contains(part), "{name}: {said}");
        assert!(
            found.iter().all(|finding| !finding.hint.is_empty()),
            "{name}"
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn metallb_itself_may_be_the_cause() {
    check(
        &Case::pending(),
        &[
            (
                "nothing is wrong",
                |_| {},
                &["waiting"],
                "nothing that is seen",
            ),
            (
                "missing",
                |case| case.world.metallb = Presence::Missing,
                &["metallb-missing"],
                "not installed",
            ),
            (
                "not known to be there",
                |case| {
                    case.world.metallb = Presence::Unknown;
                    case.world.pools = None;
                },
                &["pending"],
                "no address yet",
            ),
            (
                "controller not ready",
                |case| {
                    let components = case.world.components.as_mut().unwrap();
                    components.controllers = vec![(None, false)];
                },
                &["controller-down"],
                "not ready",
            ),
            (
                "no controller",
                |case| {
                    case.world.components.as_mut().unwrap().controllers.clear();
                    case.world.configuration = Some(BTreeMap::new());
                },
                &["controller-down"],
                "most likely",
            ),
            (
                "a controller whose labels are not the usual ones",
                |case| case.world.components.as_mut().unwrap().controllers.clear(),
                &["waiting"],
                "",
            ),
            (
                "pods of others are not seen",
                |case| case.world.components = None,
                &["waiting"],
                "",
            ),
            (
                "invalid configuration",
                |case| {
                    let states = case.world.configuration.as_mut().unwrap();
                    let state = states.get_mut("controller").unwrap();
                    state.result = "Invalid".to_owned();
                    state.error = "CIDR overlaps".to_owned();
                },
                &["invalid-config"],
                "CIDR overlaps",
            ),
            (
                "no pool",
                |case| case.world.pools = Some(BTreeMap::new()),
                &["no-pool"],
                "no IPAddressPool",
            ),
            (
                "headless",
                |case| case.web.cluster_ips.clear(),
                &["no-cluster-ip"],
                "no ClusterIP",
            ),
            (
                "a class of another",
                |case| case.web.load_balancer_class = Some("cloud".to_owned()),
                &["other-class"],
                "'cloud'",
            ),
            (
                "MetalLB's own class",
                |case| {
                    case.web.load_balancer_class = Some("metallb".to_owned());
                    let components = case.world.components.as_mut().unwrap();
                    components.controllers = vec![(Some("metallb".to_owned()), true)];
                },
                &["waiting"],
                "",
            ),
            (
                "MetalLB is for a class",
                |case| {
                    let components = case.world.components.as_mut().unwrap();
                    components.controllers = vec![(Some("metallb".to_owned()), true)];
                },
                &["other-class"],
                "'metallb' alone",
            ),
            (
                "k3s has its own",
                |case| {
                    let components = case.world.components.as_mut().unwrap();
                    components.service_lb.insert(ServiceKey::new("shop", "web"));
                },
                &["servicelb-fights", "waiting"],
                "svclb",
            ),
            (
                "MetalLB says more than is seen",
                |case| {
                    case.events = vec![
                        event("AllocationFailed", "old", "2026-01-01T00:00:00Z"),
                        event("AllocationFailed", "new\u{1b}[2J", "2026-01-02T00:00:00Z"),
                    ];
                },
                &["allocation-failed"],
                "MetalLB said last: new\u{fffd}[2J",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn an_address_that_is_asked_for_may_not_be_had() {
    check(
        &Case::pending().with(|case| case.web.requested_ips = Some("10.0.0.245".to_owned())),
        &[
            ("free", |_| {}, &["waiting"], ""),
            (
                "asked twice",
                |case| case.web.requested_ip_field = Some("10.0.0.245".to_owned()),
                &["both-requests"],
                "twice",
            ),
            (
                "no address",
                |case| case.web.requested_ips = Some("any".to_owned()),
                &["bad-request"],
                "'any'",
            ),
            (
                "two of one family",
                |case| case.web.requested_ips = Some("10.0.0.245, 10.0.0.246".to_owned()),
                &["bad-request"],
                "each family",
            ),
            (
                "of the other family",
                |case| case.web.requested_ips = Some("fd00::1".to_owned()),
                &["wrong-family"],
                "the Service is IPv4",
            ),
            (
                "outside",
                |case| case.web.requested_ips = Some("10.9.9.9".to_owned()),
                &["ip-outside-pools"],
                "main: 10.0.0.240-10.0.0.249",
            ),
            (
                "left out as buggy",
                |case| {
                    case.add_pool("wide", pool(&["10.0.7.0/24"]));
                    let pools = case.world.pools.as_mut().unwrap();
                    pools.get_mut("wide").unwrap().avoid_buggy = true;
                    case.web.requested_ips = Some("10.0.7.0".to_owned());
                },
                &["ip-outside-pools"],
                "avoidBuggyIPs",
            ),
            (
                "in use",
                |case| case.web.requested_ips = Some("10.0.0.240".to_owned()),
                &["ip-in-use"],
                "shop/other",
            ),
            (
                "of another pool than asked for",
                |case| case.web.requested_pool = Some("second".to_owned()),
                &["pool-mismatch"],
                "'main'",
            ),
            (
                "of a pool for others",
                |case| {
                    case.main_pool().allocation = Some(Allocation {
                        namespaces: vec!["bank".to_owned()],
                        ..Allocation::default()
                    });
                },
                &["namespace-not-selected"],
                "it names bank",
            ),
            (
                "in use by who is not seen",
                |case| case.is_complete = false,
                &["pending"],
                "the address 10.0.0.245",
            ),
            (
                "held by a service that is not MetalLB's",
                |case| {
                    let mut foreign = service("10.96.0.7", &["10.0.0.245"]);
                    foreign.load_balancer_class = Some("cloud".to_owned());
                    case.others.insert(ServiceKey::new("a", "b"), foreign);
                },
                &["waiting"],
                "",
            ),
        ],
    );
}

fn other(case: &mut Case) -> &mut super::facts::ServiceFacts {
    case.others
        .get_mut(&ServiceKey::new("shop", "other"))
        .unwrap()
}

#[test]
fn sharing_has_its_rules() {
    let start = Case::pending().with(|case| {
        case.web.requested_ips = Some("10.0.0.240".to_owned());
        case.web.sharing_key = Some("k".to_owned());
        case.web.ports = vec![port(81)];
        other(case).sharing_key = Some("k".to_owned());
    });
    check(
        &start,
        &[
            ("shared", |_| {}, &["waiting"], ""),
            (
                "other keys",
                |case| other(case).sharing_key = Some("x".to_owned()),
                &["sharing-key-clash"],
                "not the same",
            ),
            (
                "one without a key",
                |case| other(case).sharing_key = None,
                &["sharing-key-clash"],
                "shop/other",
            ),
            (
                "the same port",
                |case| case.web.ports = vec![port(79), port(80)],
                &["port-clash"],
                "TCP/80",
            ),
            (
                "policy Local and other pods",
                |case| {
                    case.web.local_traffic_only = true;
                    case.web.selector = labels(&[("app", "web")]);
                    case.pods = None;
                },
                &["sharing-key-clash"],
                "select the same pods",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn a_pool_that_is_asked_for_may_not_give() {
    check(
        &Case::pending().with(|case| case.web.requested_pool = Some("main".to_owned())),
        &[
            ("gives", |_| {}, &["waiting"], ""),
            (
                "unknown",
                |case| case.web.requested_pool = Some("mian".to_owned()),
                &["unknown-pool"],
                "There are main",
            ),
            (
                "on request only",
                |case| case.main_pool().auto_assign = false,
                &["waiting"],
                "",
            ),
            (
                "exhausted",
                take_all,
                &["pool-exhausted"],
                "10 addresses are held by shop/other, taken/s0, taken/s1, taken/s2 and 6 more",
            ),
            (
                "of the other family",
                |case| *case.main_pool() = pool(&["fd00::/124"]),
                &["no-pool-of-family"],
                "no IPv4 addresses",
            ),
            (
                "for other services",
                |case| {
                    case.main_pool().allocation = Some(Allocation {
                        service_selectors: vec![selector("tier", "db")],
                        ..Allocation::default()
                    });
                },
                &["service-not-selected"],
                "other labels",
            ),
            (
                "both families, one of them used up",
                |case| {
                    *case.main_pool() = pool(&["10.0.0.240/32", "fd00::/124"]);
                    case.web.cluster_ips.push("fd10::1".parse().unwrap());
                    case.web.family_policy = FamilyPolicy::RequireDual;
                },
                &["pool-exhausted"],
                "held by shop/other",
            ),
            (
                "the other family will do",
                |case| {
                    *case.main_pool() = pool(&["10.0.0.240/32", "fd00::/124"]);
                    case.web.cluster_ips.push("fd10::1".parse().unwrap());
                    case.web.family_policy = FamilyPolicy::PreferDual;
                },
                &["waiting"],
                "",
            ),
            (
                "exhausted by services that are not seen",
                |case| {
                    case.is_complete = false;
                    case.main_pool().counters = Some(Counters {
                        assigned: (10, 0),
                        available: (0, 0),
                    });
                },
                &["pool-exhausted"],
                "no free address",
            ),
            (
                "perhaps exhausted by services that are not seen",
                |case| case.is_complete = false,
                &["pending"],
                "the pool 'main'",
            ),
        ],
    );
}

fn allocation(case: &mut Case) -> &mut Allocation {
    case.main_pool().allocation.get_or_insert_default()
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn no_available_ips_has_many_causes() {
    check(
        &Case::pending().with(|case| {
            case.events = vec![event("AllocationFailed", "no available IPs", "2026")];
        }),
        &[
            (
                "exhausted",
                take_all,
                &["pool-exhausted"],
                "main has no free address",
            ),
            (
                "exhausted, but the address can be shared",
                |case| {
                    take_all(case);
                    case.web.sharing_key = Some("k".to_owned());
                    case.web.ports = vec![port(81)];
                    for holder in case.others.values_mut() {
                        holder.sharing_key = Some("k".to_owned());
                    }
                },
                &["allocation-failed"],
                "Nothing that is seen",
            ),
            (
                "on request only",
                |case| case.main_pool().auto_assign = false,
                &["auto-assign-off"],
                "main gives addresses only on request",
            ),
            (
                "for another namespace",
                |case| allocation(case).namespaces = vec!["bank".to_owned()],
                &["namespace-not-selected"],
                "main is not for the namespace shop",
            ),
            (
                "for another namespace, by label",
                |case| allocation(case).namespace_selectors = vec![selector("team", "bank")],
                &["namespace-not-selected"],
                "No pool",
            ),
            (
                "for this namespace, by label",
                |case| allocation(case).namespace_selectors = vec![selector("team", "shop")],
                &["allocation-failed"],
                "",
            ),
            (
                "perhaps for another namespace",
                |case| {
                    allocation(case).namespace_selectors = vec![selector("team", "bank")];
                    case.world.namespaces = None;
                },
                &["namespace-not-selected"],
                "Most likely no pool",
            ),
            (
                "for other services",
                |case| allocation(case).service_selectors = vec![selector("tier", "db")],
                &["service-not-selected"],
                "other labels",
            ),
            (
                "for these services, by an expression",
                |case| allocation(case).service_selectors = vec![without("tier")],
                &["allocation-failed"],
                "",
            ),
            (
                "a priority alone keeps nobody out",
                |case| allocation(case).priority = 7,
                &["allocation-failed"],
                "",
            ),
            (
                "of the other family",
                |case| *case.main_pool() = pool(&["fd00::/124"]),
                &["no-pool-of-family"],
                "no IPv4 addresses",
            ),
            (
                "several pools: the nearest is advised on, each is told of",
                |case| {
                    take_all(case);
                    case.add_pool("manual", pool(&["10.0.1.0/24"]));
                    let pools = case.world.pools.as_mut().unwrap();
                    pools.get_mut("manual").unwrap().auto_assign = false;
                },
                &["pool-exhausted"],
                "; manual gives addresses only on request",
            ),
        ],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn an_address_may_not_answer() {
    check(
        &Case::assigned(),
        &[
            ("healthy", |_| {}, &[], ""),
            (
                "no pods",
                |case| case.pods = Some(Vec::new()),
                &["no-ready-endpoints"],
                "no pod stands behind it",
            ),
            (
                "no ready pod",
                |case| case.pods = Some(vec![pod("web-1", "n1", false)]),
                &["no-ready-endpoints"],
                "1 unready",
            ),
            ("pods are not seen", |case| case.pods = None, &[], ""),
            (
                "no advertisement",
                |case| case.l2().pools = vec!["other".to_owned()],
                &["no-advertisement"],
                "'main'",
            ),
            (
                "BGP advertisements are not seen",
                |case| {
                    case.l2().pools = vec!["other".to_owned()];
                    case.world.bgp = None;
                },
                &[],
                "",
            ),
            (
                "an advertisement for other services",
                |case| case.l2().service_selectors = vec![selector("tier", "db")],
                &["no-advertisement"],
                "nobody announces",
            ),
            (
                "no node",
                |case| case.l2().node_selectors = vec![selector("zone", "a")],
                &["no-node-selected"],
                "select no node",
            ),
            (
                "shared, with selectors",
                |case| {
                    case.l2().service_selectors = vec![without("tier")];
                    case.web.sharing_key = Some(String::new());
                },
                &["shared-with-selectors"],
                "shares its address",
            ),
            (
                "all nodes excluded",
                |case| exclude(case, &["n1", "n2"]),
                &["nodes-excluded"],
                "n1 and n2",
            ),
            ("one node excluded", |case| exclude(case, &["n1"]), &[], ""),
            (
                "one excluded, one without a network",
                |case| {
                    exclude(case, &["n1"]);
                    case.node("n2").network_unavailable = true;
                },
                &["nodes-unavailable"],
                "n1 and n2",
            ),
            (
                "no speakers where they should be",
                |case| {
                    let components = case.world.components.as_mut().unwrap();
                    components.speakers.remove("n1");
                    *components.speakers.get_mut("n2").unwrap() = false;
                },
                &["speaker-down"],
                "n1 and n2",
            ),
            (
                "Local, and the pod is on a node that may announce",
                |case| case.web.local_traffic_only = true,
                &["local-policy"],
                "(n1)",
            ),
            (
                "Local, and it is on another",
                |case| {
                    case.web.local_traffic_only = true;
                    exclude(case, &["n1"]);
                },
                &["no-local-pod", "local-policy"],
                "run on n1, which may not announce it; n2 may",
            ),
            (
                "its pool is gone",
                |case| {
                    case.world.pools = Some(BTreeMap::new());
                },
                &["pool-gone"],
                "'main'",
            ),
            (
                "interfaces that are not there",
                |case| {
                    case.speaking.layer2 = Some(BTreeSet::new());
                    case.speaking.bgp = Some(BTreeSet::new());
                    case.events = vec![event("announceFailed", "the interfaces \"x\"", "2026")];
                },
                &["announce-failed"],
                "interfaces",
            ),
            (
                "no BGP session",
                |case| {
                    case.world.bgp = case.world.l2.replace(BTreeMap::new());
                    let sessions = [("a".into(), session("n1", "Active"))];
                    case.world.sessions = Some(BTreeMap::from(sessions));
                },
                &["bgp-down"],
                "n1 to 10.0.0.1: Active",
            ),
            (
                "a BGP session",
                |case| {
                    case.world.bgp = case.world.l2.replace(BTreeMap::new());
                    let sessions = [
                        ("a".into(), session("n1", "Active")),
                        ("b".into(), session("n2", "Established")),
                    ];
                    case.world.sessions = Some(BTreeMap::from(sessions));
                },
                &[],
                "",
            ),
            (
                "source ranges without the nodes",
                |case| case.web.source_ranges = vec!["198.51.100.0/24".to_owned()],
                &["source-ranges"],
                "n1 and n2 most likely hang",
            ),
            (
                "source ranges with the nodes",
                |case| case.web.source_ranges = vec!["10.0.0.0/24".to_owned()],
                &[],
                "",
            ),
            (
                "it is not MetalLB's",
                |case| {
                    case.web.load_balancer_class = Some("cloud".to_owned());
                    case.world.l2 = Some(BTreeMap::new());
                },
                &[],
                "",
            ),
            (
                "a deprecated annotation",
                |case| case.web.uses_deprecated_annotation = true,
                &["deprecated-annotation"],
                "metallb.universe.tf",
            ),
            (
                "on its way out",
                |case| {
                    case.web.terminating = true;
                    case.pods = Some(Vec::new());
                },
                &[],
                "",
            ),
        ],
    );
}

fn exclude(case: &mut Case, nodes: &[&str]) {
    for name in nodes {
        let label = "node.kubernetes.io/exclude-from-external-load-balancers";
        case.node(name).labels = labels(&[(label, "")]);
    }
}

#[test]
fn preferred_nodes_go_before_the_hash() {
    let mut case = Case::assigned();
    let first = case.announced_by().unwrap()[0].clone();
    assert_eq!(first.source, AnnouncementSource::Predicted);
    let second = if first.node == "n1" { "n2" } else { "n1" };
    case.node(second).labels = labels(&[("fast", "yes")]);
    case.l2().preferences = vec![super::facts::Preference {
        weight: 10,
        nodes: selector("fast", "yes"),
    }];
    assert_eq!(case.announced_by().unwrap()[0].node, second);
}

#[test]
fn over_bgp_every_eligible_node_announces() {
    let mut case = Case::assigned();
    case.world.bgp = case.world.l2.replace(BTreeMap::new());
    let told = |case: &Case| -> Vec<String> {
        let by = case.announced_by().unwrap();
        by.into_iter()
            .map(|by| format!("{} {}", by.node, by.protocol))
            .collect()
    };
    assert_eq!(told(&case), ["n1 bgp", "n2 bgp"]);
    case.web.local_traffic_only = true;
    assert_eq!(told(&case), ["n1 bgp"]);
    case.world.nodes = None;
    assert_eq!(case.announced_by(), None, "it cannot be told");
    let ads = case.world.bgp.as_mut().unwrap();
    ads.insert("more".into(), Advertisement::default());
    case.web.load_balancer_ips.clear();
    assert_eq!(case.announced_by(), Some(Vec::new()));
}

#[test]
fn a_list_of_reasons_begins_with_the_worst() {
    let mut case = Case::assigned();
    case.pods = Some(Vec::new());
    case.web.source_ranges = vec!["198.51.100.0/24".to_owned()];
    case.web.uses_deprecated_annotation = true;
    assert_eq!(
        case.codes(),
        [
            "no-ready-endpoints",
            "source-ranges",
            "deprecated-annotation"
        ]
    );
}
