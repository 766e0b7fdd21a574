//! Every reason why no pool gives a service an address, each by one change of a healthy cluster.

use super::facts::{Allocation, Counters, FamilyPolicy};
use super::testing::{Case, check, event, pool, port, selector, take_all, without};

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
