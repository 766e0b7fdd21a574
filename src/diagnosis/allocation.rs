//! MetalLB's allocation, run again: would this service get an address, and if not, what stands in its way?

use std::net::IpAddr;

use crate::model::{Family, Finding, ServiceKey};

use super::facts::{FamilyPolicy, Pool, Scene, ServiceFacts};
use super::refusal::{Rejection, advice, exhausted_hint, family_word, list_clauses};
use super::selector;
use super::sharing::{clash, in_use};
use super::words::{error, quote};
use crate::model::{Part, Words, is_buggy_ip, words};

/// What comes of asking MetalLB for an address.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It would be given one.
    Free,
    /// It would not.
    Blocked(Finding),
    /// It cannot be told from what is seen.
    Unknown,
}

/// A service that asks.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) service: &'a ServiceFacts,
    pub(super) scene: Scene<'a>,
}

/// What a pool makes of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    Gives,
    Rejects(Rejection),
    /// It depends on what cannot be seen; if it rejects, then most likely so.
    Unclear(Rejection),
}

impl Asking<'_> {
    /// Runs the allocation; `pools` are all that there are.
    pub(super) fn allocate(&self) -> Outcome {
        let Some(pools) = &self.scene.world.pools else {
            return self.requested().err().map_or(Outcome::Unknown, blocked);
        };
        if pools.is_empty() {
            return blocked(error(
                "no-pool",
                words!("MetalLB has no IPAddressPool, so it has no address to give."),
                words!(
                    "Make an IPAddressPool with addresses of the nodes' network that nobody else uses, and an L2Advertisement."
                ),
            ));
        }
        match self.requested() {
            Err(finding) => blocked(finding),
            Ok(ips) if !ips.is_empty() => self.assign(&ips),
            Ok(_) => match &self.service.requested_pool {
                Some(pool) => self.of_pool(pool),
                None => self.of_any(),
            },
        }
    }

    /// The addresses it asks for.
    fn requested(&self) -> Result<Vec<IpAddr>, Finding> {
        let service = self.service;
        let text = match (&service.requested_ips, &service.requested_ip_field) {
            (None, None) => return Ok(Vec::new()),
            (Some(_), Some(_)) => {
                return Err(error(
                    "both-requests",
                    words!(
                        "It asks for an address twice, by the annotation metallb.io/loadBalancerIPs and by \
                         spec.loadBalancerIP; MetalLB takes neither."
                    ),
                    words!("Keep the annotation and remove spec.loadBalancerIP."),
                ));
            }
            (Some(text), None) | (None, Some(text)) => text,
        };
        let ips: Option<Vec<IpAddr>> = text
            .split(',')
            .map(|ip| ip.trim().parse().ok().map(|ip: IpAddr| ip.to_canonical()))
            .collect();
        let bad = |message: Words| {
            error(
                "bad-request",
                message,
                words!("Ask for one address, or for one of each family, separated by a comma."),
            )
        };
        let ips = ips.ok_or_else(|| {
            bad(words!(
                "It asks for '{text}', which is no list of IP addresses.",
                text = quote(text)
            ))
        })?;
        let families: Vec<Family> = ips.iter().copied().map(Family::of).collect();
        match families[..] {
            [_] => {}
            [one, other] if one != other => {}
            _ => {
                return Err(bad(words!(
                    "It asks for '{text}', which is more than one address of each family at most.",
                    text = quote(text)
                )));
            }
        }
        if !same_families(&families, &self.families()) {
            return Err(error(
                "wrong-family",
                words!(
                    "It asks for {ips}, but the Service is {family}.",
                    ips = Part::list(&ips),
                    family = family_word(&self.families())
                ),
                words!(
                    "Ask for an address of the Service's own family (spec.ipFamilies), or create the Service anew with another."
                ),
            ));
        }
        Ok(ips)
    }

    /// The families of the Service: those of its ClusterIPs.
    pub(super) fn families(&self) -> Vec<Family> {
        let families = self.service.cluster_ips.iter().copied().map(Family::of);
        families.take(2).collect()
    }

    /// Addresses that were asked for by name.
    fn assign(&self, ips: &[IpAddr]) -> Outcome {
        let pools = self.scene.world.pools.iter().flatten();
        let Some((name, pool)) = pools.clone().find(|(_, pool)| owns(pool, ips)) else {
            return blocked(self.outside(ips));
        };
        match self.restriction(pool) {
            Verdict::Gives => {}
            Verdict::Unclear(_) => return Outcome::Unknown,
            Verdict::Rejects(rejection) => {
                return blocked(self.not_for_it(name, pool, &rejection));
            }
        }
        for ip in ips {
            let holders = self.scene.holders(*ip, self.key);
            let found = holders
                .iter()
                .find_map(|(_, holder)| clash(self.service, holder));
            if let Some(clash) = found {
                return blocked(in_use(*ip, &holders, &clash));
            }
        }
        if let Some(wanted) = &self.service.requested_pool
            && **wanted != **name
        {
            return blocked(error(
                "pool-mismatch",
                words!(
                    "It asks for {ips} and for the pool '{wanted}', but that address is of the pool '{pool}'.",
                    ips = Part::list(ips),
                    wanted = quote(wanted),
                    pool = quote(name)
                ),
                words!("Remove one of the two annotations, or ask for an address of that pool."),
            ));
        }
        // Who else has an address may be out of sight.
        if self.scene.is_complete {
            Outcome::Free
        } else {
            Outcome::Unknown
        }
    }

    /// The one pool that was asked for.
    fn of_pool(&self, name: &str) -> Outcome {
        let pools = self.scene.world.pools.as_ref();
        let Some(pool) = pools.and_then(|pools| pools.get(name)) else {
            return blocked(error(
                "unknown-pool",
                words!(
                    "It asks for the pool '{pool}', and there is none of that name. There are {pools}.",
                    pool = quote(name),
                    pools = Part::list(pools.into_iter().flat_map(|pools| pools.keys()))
                ),
                words!(
                    "Correct the annotation metallb.io/address-pool, or make an IPAddressPool of that name."
                ),
            ));
        };
        // On request a pool is used even where autoAssign is off.
        match self.judge(pool, false) {
            Verdict::Gives => Outcome::Free,
            Verdict::Unclear(_) => Outcome::Unknown,
            Verdict::Rejects(rejection) => match rejection {
                Rejection::Exhausted => blocked(error(
                    "pool-exhausted",
                    words!(
                        "The pool '{pool}' that it asks for {full}.",
                        pool = quote(name),
                        full = self.full(pool)
                    ),
                    exhausted_hint(),
                )),
                Rejection::Family => blocked(error(
                    "no-pool-of-family",
                    words!(
                        "The pool '{pool}' that it asks for has no {family} addresses.",
                        pool = quote(name),
                        family = family_word(&self.families())
                    ),
                    words!("Add addresses of that family to the pool, or ask for another pool."),
                )),
                rejection => blocked(self.not_for_it(name, pool, &rejection)),
            },
        }
    }

    /// No wish: any pool that gives addresses by itself.
    fn of_any(&self) -> Outcome {
        let mut unclear = false;
        let mut rejections = Vec::new();
        for (name, pool) in self.scene.world.pools.iter().flatten() {
            match self.judge(pool, true) {
                Verdict::Gives => return Outcome::Free,
                Verdict::Rejects(rejection) => rejections.push((rejection, name, pool)),
                Verdict::Unclear(rejection) => {
                    unclear = true;
                    rejections.push((rejection, name, pool));
                }
            }
        }
        // The nearest pool first: that is the one worth changing.
        rejections.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(right.1)));
        let Some((nearest, _, _)) = rejections.first() else {
            return Outcome::Unknown;
        };
        let clauses = rejections.iter().map(|(rejection, name, pool)| {
            words!(
                "{pool} {clause}",
                pool = quote(name),
                clause = self.clause(rejection, pool)
            )
        });
        let clauses = list_clauses(clauses);
        let family = family_word(&self.families());
        let (code, hint) = advice(nearest);
        let message = if unclear {
            words!(
                "Most likely no pool gives it an {family} address by itself: {clauses}.",
                family = family,
                clauses = clauses
            )
        } else {
            words!(
                "No pool gives it an {family} address by itself: {clauses}.",
                family = family,
                clauses = clauses
            )
        };
        blocked(error(code, message, hint))
    }

    /// Whether `pool` has an address for this service; `by_itself` where the pool was not asked for.
    fn judge(&self, pool: &Pool, by_itself: bool) -> Verdict {
        if !self.has_families(pool) {
            return Verdict::Rejects(Rejection::Family);
        }
        if by_itself && !pool.auto_assign {
            return Verdict::Rejects(Rejection::AutoAssignOff);
        }
        let restriction = self.restriction(pool);
        if restriction != Verdict::Gives {
            return restriction;
        }
        // A pool with a serviceAllocation whose selectors name namespaces only, none of which exists, is nobody's.
        let is_nobodys = pool.allocation.as_ref().is_some_and(|allocation| {
            allocation.service_selectors.is_empty()
                && !(allocation.namespaces.is_empty() && allocation.namespace_selectors.is_empty())
                && self.in_namespaces(pool) == Some(false)
        });
        if by_itself && is_nobodys {
            return Verdict::Rejects(Rejection::Namespace);
        }
        self.room(pool)
    }

    fn has_families(&self, pool: &Pool) -> bool {
        let has = |family: &Family| pool.ranges.iter().any(|range| range.family() == *family);
        let families = self.families();
        match self.service.family_policy {
            FamilyPolicy::PreferDual => families.iter().any(has),
            FamilyPolicy::Single | FamilyPolicy::RequireDual => families.iter().all(has),
        }
    }

    /// Whether the pool's serviceAllocation admits the service.
    fn restriction(&self, pool: &Pool) -> Verdict {
        let Some(allocation) = &pool.allocation else {
            return Verdict::Gives;
        };
        let limits_namespaces =
            !allocation.namespaces.is_empty() || !allocation.namespace_selectors.is_empty();
        if limits_namespaces {
            match self.in_namespaces(pool) {
                Some(true) => {}
                Some(false) => return Verdict::Rejects(Rejection::Namespace),
                None => return Verdict::Unclear(Rejection::Namespace),
            }
        }
        let selectors = &allocation.service_selectors;
        if !selectors.is_empty() && !selector::any(selectors, &self.service.labels) {
            return Verdict::Rejects(Rejection::ServiceLabels);
        }
        Verdict::Gives
    }

    /// Whether the service's namespace is among those that the pool names or selects; none where that cannot be told.
    fn in_namespaces(&self, pool: &Pool) -> Option<bool> {
        let allocation = pool.allocation.as_ref()?;
        let name = self.key.namespace.as_str();
        if allocation.namespaces.iter().any(|own| own == name) {
            return Some(true);
        }
        if allocation.namespace_selectors.is_empty() {
            return Some(false);
        }
        let labels = self.scene.world.namespaces.as_ref()?.get(name)?;
        Some(selector::any(&allocation.namespace_selectors, labels))
    }

    /// Whether the pool has a free address of each family that is needed.
    fn room(&self, pool: &Pool) -> Verdict {
        let families = self.families();
        let has_room = |family: &Family| self.has_room(pool, *family);
        let enough = match self.service.family_policy {
            FamilyPolicy::PreferDual => families.iter().any(has_room),
            FamilyPolicy::Single | FamilyPolicy::RequireDual => families.iter().all(has_room),
        };
        match (enough, self.scene.is_complete, pool.counters) {
            (false, _, _) => Verdict::Rejects(Rejection::Exhausted),
            (true, true, _) => Verdict::Gives,
            // Services out of sight hold addresses, too; MetalLB's own counters know of them.
            (true, false, Some(counters)) => {
                let free = |family: &Family| match family {
                    Family::V4 => counters.available.0 > 0,
                    Family::V6 => counters.available.1 > 0,
                };
                if families.iter().all(free) {
                    Verdict::Gives
                } else {
                    Verdict::Rejects(Rejection::Exhausted)
                }
            }
            (true, false, None) => Verdict::Unclear(Rejection::Exhausted),
        }
    }

    fn has_room(&self, pool: &Pool, family: Family) -> bool {
        let ranges = pool.ranges.iter().filter(|range| range.family() == family);
        for range in ranges {
            let mut taken = 0_u128;
            for (ip, _) in self.scene.in_use.range(range.first()..=range.last()) {
                if pool.avoid_buggy && is_buggy_ip(*ip) {
                    continue;
                }
                let holders = self.scene.holders(*ip, self.key);
                if holders
                    .iter()
                    .any(|(_, holder)| clash(self.service, holder).is_some())
                {
                    taken += 1;
                }
            }
            if taken < range.usable(pool.avoid_buggy) {
                return true;
            }
        }
        false
    }
}

const fn blocked(finding: Finding) -> Outcome {
    Outcome::Blocked(finding)
}

fn same_families(left: &[Family], right: &[Family]) -> bool {
    left.len() == right.len() && left.iter().all(|family| right.contains(family))
}

/// Whether all of these addresses are the pool's to give.
fn owns(pool: &Pool, ips: &[IpAddr]) -> bool {
    ips.iter()
        .all(|ip| covers(pool, *ip) && !(pool.avoid_buggy && is_buggy_ip(*ip)))
}

/// Whether `ip` is in one of the pool's ranges.
pub(super) fn covers(pool: &Pool, ip: IpAddr) -> bool {
    pool.ranges.iter().any(|range| range.contains(ip))
}
