//! Everything that may be wrong with a pool.

use super::facts::Counters;
use super::selector::Labels;
use super::testing::{Case, pool, selector, service};
use crate::model::{AddressCount, PoolUsage, ServiceKey};

type Change = fn(&mut Case);

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn every_mistake_is_found() {
    let cases: &[(&str, Change, &[&str], &str)] = &[
        ("healthy", |_| {}, &[], ""),
        (
            "a node's own address",
            |case| case.node("n1").internal_ips = vec!["10.0.0.245".parse().unwrap()],
            &["pool-has-node-ip"],
            "10.0.0.245 of n1",
        ),
        (
            "a node's outer address",
            |case| case.node("n2").external_ips = vec!["10.0.0.249".parse().unwrap()],
            &["pool-has-node-ip"],
            "10.0.0.249 of n2",
        ),
        (
            "pods",
            |case| case.node("n1").pod_cidrs = vec!["10.0.0.0/24".to_owned()],
            &["pool-overlaps-pods"],
            "10.0.0.0/24",
        ),
        (
            "services",
            |case| {
                let inner = service("10.0.0.243", &[]);
                case.others.insert(ServiceKey::new("a", "b"), inner);
            },
            &["pool-overlaps-services"],
            "10.0.0.243 of a/b",
        ),
        (
            "another pool",
            |case| case.add_pool("twin", pool(&["10.0.0.248/30"])),
            &["pool-overlaps-pool"],
            "twin",
        ),
        (
            "not a range",
            |case| case.main_pool().addresses.push("10.0.0.7".to_owned()),
            &["pool-bad-range"],
            "10.0.0.7",
        ),
        (
            "no addresses",
            |case| *case.main_pool() = pool(&[]),
            &["pool-bad-range"],
            "no addresses",
        ),
        (
            "not advertised",
            |case| case.l2().pools = vec!["other".to_owned()],
            &["pool-not-advertised"],
            "announced nowhere",
        ),
        (
            "advertised by label",
            |case| {
                case.l2().pool_selectors = vec![selector("zone", "a")];
                case.main_pool().labels = Labels::from([("zone".to_owned(), "a".to_owned())]);
            },
            &[],
            "",
        ),
        (
            "used up",
            |case| *case.main_pool() = pool(&["10.0.0.240/32"]),
            &["pool-used-up"],
            "no free IPv4 address",
        ),
        (
            "far away",
            |case| *case.main_pool() = pool(&["192.168.7.0/24"]),
            &["pool-outside-subnets"],
            "most likely",
        ),
        (
            "far away, but by BGP",
            |case| {
                *case.main_pool() = pool(&["192.168.7.0/24"]);
                case.world.bgp = case.world.l2.replace(std::collections::BTreeMap::new());
            },
            &[],
            "",
        ),
    ];
    for (name, change, codes, part) in cases {
        let shown = Case::pending().with(change).shown_pool();
        let found: Vec<_> = shown.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(found, *codes, "{name}");
        let said = shown
            .findings
            .first()
            .map_or_else(String::new, |finding| finding.message.to_string());
        assert!(said.contains(part), "{name}: {said}");
    }
}

#[test]
fn what_is_not_seen_is_no_mistake() {
    let mut case = Case::pending();
    *case.main_pool() = pool(&["10.0.0.1-10.0.0.9"]);
    assert!(!case.shown_pool().findings.is_empty());
    case.world.nodes = None;
    case.world.l2 = None;
    assert_eq!(case.shown_pool().findings, []);
}

#[test]
fn usage_is_metallbs_own_count_or_ours_where_all_services_are_seen() {
    let usage = |assigned, free| {
        let count = |v4| AddressCount { v4, v6: 0 };
        Some(PoolUsage {
            assigned: count(assigned),
            free: count(free),
        })
    };
    let mut case = Case::assigned();
    assert_eq!(case.shown_pool().usage, usage(2, 8));
    case.is_complete = false;
    assert_eq!(case.shown_pool().usage, None);
    case.main_pool().counters = Some(Counters {
        assigned: (7, 0),
        available: (3, 0),
    });
    assert_eq!(case.shown_pool().usage, usage(7, 3));
}
