//! Why a pool gives a service no address, in words.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{Family, Finding};

use super::allocation::{Asking, covers};
use super::facts::Pool;
use super::words::{error, quote};
use crate::model::{Joint, Part, Words, is_buggy_ip, words};

/// Why a pool gives a service nothing; what comes later is nearer to success.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rejection {
    Family,
    AutoAssignOff,
    Namespace,
    ServiceLabels,
    Exhausted,
}

impl Asking<'_> {
    /// No pool has the addresses that were asked for.
    pub(super) fn outside(&self, ips: &[IpAddr]) -> Finding {
        let pools = self.scene.world.pools.iter().flatten();
        let avoided = ips.iter().find(|ip| {
            is_buggy_ip(**ip)
                && pools
                    .clone()
                    .any(|(_, pool)| pool.avoid_buggy && covers(pool, **ip))
        });
        if let Some(ip) = avoided {
            return error(
                "ip-outside-pools",
                words!(
                    "It asks for {ip}, which its pool leaves out: avoidBuggyIPs is on, and it ends in .0 or .255.",
                    ip = ip
                ),
                words!("Ask for another address, or turn avoidBuggyIPs off in the IPAddressPool."),
            );
        }
        let families: BTreeSet<bool> = ips.iter().map(IpAddr::is_ipv4).collect();
        let have = pools.map(|(name, pool)| format!("{name}: {}", pool.addresses.join(", ")));
        let have = Part::list(have);
        let ips = Part::list(ips);
        let message = if families.len() == 2 {
            words!(
                "It asks for {ips}, which no single IPAddressPool has both of ({pools}).",
                ips = ips,
                pools = have
            )
        } else {
            words!(
                "It asks for {ips}, which no IPAddressPool has ({pools}).",
                ips = ips,
                pools = have
            )
        };
        error(
            "ip-outside-pools",
            message,
            words!("Ask for an address of one of the pools, or add the address to one."),
        )
    }

    /// As `has no free address: its 2 addresses are held by shop/a and shop/b`.
    pub(super) fn full(&self, pool: &Pool) -> Words {
        let families = self.families();
        let ranges = pool
            .ranges
            .iter()
            .filter(|range| families.contains(&range.family()));
        let (mut size, mut holders) = (0_u128, BTreeSet::new());
        for range in ranges {
            size = size.saturating_add(range.usable(pool.avoid_buggy));
            for (ip, _) in self.scene.in_use.range(range.first()..=range.last()) {
                holders.extend(
                    self.scene
                        .holders(*ip, self.key)
                        .into_iter()
                        .map(|(key, _)| key),
                );
            }
        }
        let holders = if holders.is_empty() {
            words!("services of other namespaces").into()
        } else {
            Part::list(holders)
        };
        if size == 1 {
            words!(
                "has no free address: its 1 address is held by {holders}",
                holders = holders
            )
        } else {
            words!(
                "has no free address: its {size} addresses are held by {holders}",
                size = size,
                holders = holders
            )
        }
    }

    /// Why a pool gives nothing, after its name.
    pub(super) fn clause(&self, rejection: &Rejection, pool: &Pool) -> Words {
        match rejection {
            Rejection::Family => {
                words!(
                    "has no {family} addresses",
                    family = family_word(&self.families())
                )
            }
            Rejection::AutoAssignOff => {
                words!("gives addresses only on request (autoAssign is off)")
            }
            Rejection::Namespace => {
                words!(
                    "is not for the namespace {namespace}",
                    namespace = quote(self.key.namespace.as_str())
                )
            }
            Rejection::ServiceLabels => words!("is for services with other labels"),
            Rejection::Exhausted => self.full(pool),
        }
    }

    /// An address or a pool was asked for that is for others.
    pub(super) fn not_for_it(&self, name: &str, pool: &Pool, rejection: &Rejection) -> Finding {
        let (code, hint) = advice(rejection);
        let named = pool
            .allocation
            .iter()
            .flat_map(|allocation| &allocation.namespaces);
        let mut named = named.peekable();
        let is_named = named.peek().is_some() && *rejection == Rejection::Namespace;
        let (name, clause) = (quote(name), self.clause(rejection, pool));
        let message = if is_named {
            words!(
                "It asks for the pool '{pool}' or an address of it, which {clause} (it names {namespaces}).",
                pool = name,
                clause = clause,
                namespaces = Part::list(named)
            )
        } else {
            words!(
                "It asks for the pool '{pool}' or an address of it, which {clause}.",
                pool = name,
                clause = clause
            )
        };
        error(code, message, hint)
    }
}

pub(super) fn exhausted_hint() -> Words {
    words!(
        "Add addresses to the IPAddressPool, delete a service that is not needed, or let services share an address \
         (metallb.io/allow-shared-ip)."
    )
}

/// A rejection's code and what to do about it.
pub(super) fn advice(rejection: &Rejection) -> (&'static str, Words) {
    match rejection {
        Rejection::Family => (
            "no-pool-of-family",
            words!(
                "Make an IPAddressPool with addresses of the Service's family (spec.ipFamilies)."
            ),
        ),
        Rejection::AutoAssignOff => (
            "auto-assign-off",
            words!(
                "Ask for a pool with the annotation metallb.io/address-pool, or turn autoAssign on in the IPAddressPool."
            ),
        ),
        Rejection::Namespace => (
            "namespace-not-selected",
            words!(
                "Add the namespace to the pool's serviceAllocation (namespaces or namespaceSelectors), or use another pool."
            ),
        ),
        Rejection::ServiceLabels => (
            "service-not-selected",
            words!(
                "Give the Service the labels that the pool's serviceAllocation.serviceSelectors ask for, or use another pool."
            ),
        ),
        Rejection::Exhausted => ("pool-exhausted", exhausted_hint()),
    }
}

/// Clauses are few words each: more of them are named than in other lists.
pub(super) fn list_clauses(clauses: impl Iterator<Item = Words>) -> Part {
    const MOST: usize = 8;
    Part::strung(clauses.map(Part::from).collect(), Joint::Semicolon, MOST)
}

/// The families in a word.
pub(super) fn family_word(families: &[Family]) -> Part {
    match families {
        [Family::V4] => Part::from("IPv4"),
        [Family::V6] => Part::from("IPv6"),
        _ => Part::list(["IPv4", "IPv6"]),
    }
}
