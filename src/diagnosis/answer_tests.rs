//! Every reason why an address does not answer, each by one change of a healthy cluster.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Advertisement, Preference};
use super::testing::{Case, check, event, labels, pod, selector, session, without};
use crate::model::AnnouncementSource;

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
    case.l2().preferences = vec![Preference {
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
