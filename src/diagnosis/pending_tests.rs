//! Every reason why a service waits for an address, but those of the pools, each by one change of a healthy cluster.

use std::collections::BTreeMap;

use super::facts::{Allocation, Presence, ServiceFacts};
use super::testing::{Case, check, event, labels, pool, port, service};
use crate::model::ServiceKey;

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

fn other(case: &mut Case) -> &mut ServiceFacts {
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
