//! Why a pool gives a service no address, in words.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::model::{Family, Finding};

use super::allocation::{Asking, covers};
use super::facts::Pool;
use super::words::{count, error, list, quote};
use crate::model::is_buggy_ip;

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
                format!(
                    "It asks for {ip}, which its pool leaves out: avoidBuggyIPs is on, and it ends in .0 or .255."
                ),
                "Ask for another address, or turn avoidBuggyIPs off in the IPAddressPool.",
            );
        }
        let families: BTreeSet<bool> = ips.iter().map(IpAddr::is_ipv4).collect();
        let (subject, verb) = match ips {
            [_] => ("It asks for", "which no IPAddressPool has"),
            _ if families.len() == 2 => {
                ("It asks for", "which no single IPAddressPool has both of")
            }
            _ => ("It asks for", "which no IPAddressPool has"),
        };
        let have: Vec<String> = pools
            .map(|(name, pool)| format!("{name}: {}", pool.addresses.join(", ")))
            .collect();
        error(
            "ip-outside-pools",
            format!("{subject} {}, {verb} ({}).", list(ips), list(have)),
            "Ask for an address of one of the pools, or add the address to one.",
        )
    }

    /// As `has no free address: its 2 addresses are held by shop/a and shop/b`.
    pub(super) fn full(&self, pool: &Pool) -> String {
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
            "services of other namespaces".to_owned()
        } else {
            list(holders)
        };
        format!(
            "has no free address: {} held by {holders}",
            if size == 1 {
                "its 1 address is".to_owned()
            } else {
                format!("its {} are", count(size, "address", "addresses"))
            }
        )
    }

    /// Why a pool gives nothing, after its name.
    pub(super) fn clause(&self, rejection: &Rejection, pool: &Pool) -> String {
        match rejection {
            Rejection::Family => format!("has no {} addresses", family_word(&self.families())),
            Rejection::AutoAssignOff => {
                "gives addresses only on request (autoAssign is off)".to_owned()
            }
            Rejection::Namespace => {
                format!("is not for the namespace {}", self.key.namespace)
            }
            Rejection::ServiceLabels => "is for services with other labels".to_owned(),
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
        let namespaces = list(named);
        let only = if namespaces.is_empty() || *rejection != Rejection::Namespace {
            String::new()
        } else {
            format!(" (it names {namespaces})")
        };
        error(
            code,
            format!(
                "It asks for the pool '{}' or an address of it, which {}{only}.",
                quote(name),
                self.clause(rejection, pool)
            ),
            hint,
        )
    }
}

pub(super) const EXHAUSTED_HINT: &str = "Add addresses to the IPAddressPool, delete a service that is not needed, or let services share an \
     address (metallb.io/allow-shared-ip).";

/// A rejection's code and what to do about it.
pub(super) const fn advice(rejection: &Rejection) -> (&'static str, &'static str) {
    match rejection {
        Rejection::Family => (
            "no-pool-of-family",
            "Make an IPAddressPool with addresses of the Service's family (spec.ipFamilies).",
        ),
        Rejection::AutoAssignOff => (
            "auto-assign-off",
            "Ask for a pool with the annotation metallb.io/address-pool, or turn autoAssign on in the IPAddressPool.",
        ),
        Rejection::Namespace => (
            "namespace-not-selected",
            "Add the namespace to the pool's serviceAllocation (namespaces or namespaceSelectors), or use another pool.",
        ),
        Rejection::ServiceLabels => (
            "service-not-selected",
            "Give the Service the labels that the pool's serviceAllocation.serviceSelectors ask for, or use another pool.",
        ),
        Rejection::Exhausted => ("pool-exhausted", EXHAUSTED_HINT),
    }
}

/// Clauses are few words each: more of them are named than in other lists.
pub(super) fn list_clauses(clauses: &[String]) -> String {
    const MOST: usize = 8;
    let shown: Vec<String> = clauses
        .iter()
        .take(MOST)
        .map(|clause| quote(clause))
        .collect();
    let mut text = shown.join("; ");
    if clauses.len() > MOST {
        text.push_str("; and so on");
    }
    text
}

/// The families in a word.
pub(super) fn family_word(families: &[Family]) -> &'static str {
    match families {
        [Family::V4] => "IPv4",
        [Family::V6] => "IPv6",
        _ => "IPv4 and IPv6",
    }
}
