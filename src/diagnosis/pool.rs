//! A pool looked at by itself: how full it is, and what is wrong with it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{AddressCount, AddressRange, Family, Finding, PoolUsage};

use super::allocation::covers;
use super::announce::selects_pool;
use super::facts::{Advertisement, Node, Pool, Scene, World};
use super::words::{error, info, quote, warning};
use crate::model::{Part, is_buggy_ip, words};

/// Shared by the nodes of one subnet, as far as can be guessed: their masks are not in the API.
const V4_NEAR_BITS: u8 = 16;
const V6_NEAR_BITS: u8 = 64;

/// How many addresses are given out and free: by MetalLB's own counters, else counted, where all services are seen.
#[must_use]
pub fn usage(pool: &Pool, scene: Scene<'_>) -> Option<PoolUsage> {
    if let Some(counters) = pool.counters {
        let count = |(v4, v6)| AddressCount { v4, v6 };
        return Some(PoolUsage {
            assigned: count(counters.assigned),
            free: count(counters.available),
        });
    }
    if !scene.is_complete {
        return None;
    }
    let mut usage = PoolUsage::default();
    for range in &pool.ranges {
        let given = scene
            .in_use
            .range(range.first()..=range.last())
            .filter(|(ip, _)| !(pool.avoid_buggy && is_buggy_ip(**ip)))
            .count() as u64;
        let usable = u64::try_from(range.usable(pool.avoid_buggy)).unwrap_or(u64::MAX);
        let (assigned, free) = match range.family() {
            Family::V4 => (&mut usage.assigned.v4, &mut usage.free.v4),
            Family::V6 => (&mut usage.assigned.v6, &mut usage.free.v6),
        };
        *assigned += given;
        *free = free.saturating_add(usable.saturating_sub(given));
    }
    Some(usage)
}

/// The protocols by which the pool is announced; none where advertisements cannot be seen.
#[must_use]
pub fn protocols(name: &str, pool: &Pool, world: &World) -> Option<Vec<&'static str>> {
    let (l2, bgp) = world.l2.as_ref().zip(world.bgp.as_ref())?;
    let ways = [(l2, "layer2"), (bgp, "bgp")];
    let is_for_it = |ads: &BTreeMap<Arc<str>, Advertisement>| {
        ads.values().any(|ad| selects_pool(ad, name, pool))
    };
    let found = ways.into_iter().filter(|(ads, _)| is_for_it(ads));
    Some(found.map(|(_, protocol)| protocol).collect())
}

/// Everything that is wrong with the pool, the worst first.
#[must_use]
pub fn lint(name: &str, pool: &Pool, scene: Scene<'_>) -> Vec<Finding> {
    let world = scene.world;
    let mut found: Vec<Finding> = [
        bad_ranges(pool),
        node_addresses(pool, world),
        pod_addresses(pool, world),
        service_addresses(pool, scene),
        other_pools(name, pool, world),
        not_advertised(name, pool, world),
        exhausted(pool, scene),
        outside_subnets(name, pool, world),
    ]
    .into_iter()
    .flatten()
    .collect();
    found.sort_by_key(|finding| Reverse(finding.severity));
    found
}

fn bad_ranges(pool: &Pool) -> Option<Finding> {
    let bad: Vec<&String> = pool
        .addresses
        .iter()
        .filter(|text| text.parse::<AddressRange>().is_err())
        .collect();
    if !bad.is_empty() {
        return Some(error(
            "pool-bad-range",
            words!(
                "It has what is no range of addresses: {ranges}.",
                ranges = Part::list(bad)
            ),
            words!("Write 10.0.0.0/24 or 10.0.0.240-10.0.0.250; one address is 10.0.0.240/32."),
        ));
    }
    pool.addresses.is_empty().then(|| {
        error(
            "pool-bad-range",
            words!("It has no addresses."),
            words!("Give it some in spec.addresses."),
        )
    })
}

fn node_addresses(pool: &Pool, world: &World) -> Option<Finding> {
    let hit: Vec<Part> = world
        .nodes
        .iter()
        .flatten()
        .flat_map(|(name, node)| own_addresses(node).map(move |ip| (name, ip)))
        .filter(|(_, ip)| covers(pool, *ip))
        .map(|(name, ip)| words!("{ip} of {whose}", ip = ip, whose = quote(name)).into())
        .collect();
    (!hit.is_empty()).then(|| {
        error(
            "pool-has-node-ip",
            words!(
                "It holds addresses of nodes ({addresses}). A service that is given one cuts the node off, SSH included.",
                addresses = Part::several(hit)
            ),
            words!("Take the nodes' addresses out of spec.addresses before a service is given one."),
        )
    })
}

fn own_addresses(node: &Node) -> impl Iterator<Item = IpAddr> {
    node.internal_ips.iter().chain(&node.external_ips).copied()
}

fn pod_addresses(pool: &Pool, world: &World) -> Option<Finding> {
    let hit: BTreeSet<&String> = world
        .nodes
        .iter()
        .flatten()
        .flat_map(|(_, node)| &node.pod_cidrs)
        .filter(|cidr| overlaps(pool, cidr))
        .collect();
    (!hit.is_empty()).then(|| {
        error(
            "pool-overlaps-pods",
            words!(
                "It overlaps the addresses of pods ({addresses}).",
                addresses = Part::list(hit)
            ),
            words!("Take addresses that neither pods nor services of the cluster use."),
        )
    })
}

fn overlaps(pool: &Pool, cidr: &str) -> bool {
    let Ok(other) = cidr.parse::<AddressRange>() else {
        return false;
    };
    pool.ranges.iter().any(|range| range.overlaps(&other))
}

/// Which addresses ClusterIPs are taken from is not in the API everywhere; one of them within the pool is proof enough.
fn service_addresses(pool: &Pool, scene: Scene<'_>) -> Option<Finding> {
    let hit: Vec<Part> = pool
        .ranges
        .iter()
        .flat_map(|range| scene.cluster_ips.range(range.first()..=range.last()))
        .flat_map(|(ip, services)| {
            let of_key =
                move |key| words!("{ip} of {whose}", ip = ip, whose = quote(&format!("{key}")));
            services.iter().map(of_key).map(Part::from)
        })
        .collect();
    (!hit.is_empty()).then(|| {
        error(
            "pool-overlaps-services",
            words!(
                "It overlaps the ClusterIPs of services ({addresses}).",
                addresses = Part::several(hit)
            ),
            words!("Take addresses that neither pods nor services of the cluster use."),
        )
    })
}

fn other_pools(name: &str, pool: &Pool, world: &World) -> Option<Finding> {
    let hit: Vec<&Arc<str>> = world
        .pools
        .iter()
        .flatten()
        .filter(|(other, _)| ***other != *name)
        .filter(|(_, other)| {
            let mut ranges = other.ranges.iter();
            ranges.any(|range| pool.ranges.iter().any(|own| own.overlaps(range)))
        })
        .map(|(other, _)| other)
        .collect();
    (!hit.is_empty()).then(|| {
        error(
            "pool-overlaps-pool",
            words!(
                "It has addresses in common with {pools}. MetalLB takes no configuration with such pools and stays with the \
                 last that was valid.",
                pools = Part::list(hit)
            ),
            words!("Let each address be in one pool alone."),
        )
    })
}

fn not_advertised(name: &str, pool: &Pool, world: &World) -> Option<Finding> {
    if !protocols(name, pool, world)?.is_empty() {
        return None;
    }
    Some(warning(
        "pool-not-advertised",
        words!(
            "No L2Advertisement or BGPAdvertisement is for it: its addresses are announced nowhere."
        ),
        words!(
            "Make an L2Advertisement (or BGPAdvertisement) with ipAddressPools: [{pool}].",
            pool = quote(name)
        ),
    ))
}

fn exhausted(pool: &Pool, scene: Scene<'_>) -> Option<Finding> {
    let usage = usage(pool, scene)?;
    let used_up = |assigned: u64, free: u64| assigned > 0 && free == 0;
    let families: Vec<&str> = [
        (used_up(usage.assigned.v4, usage.free.v4), "IPv4"),
        (used_up(usage.assigned.v6, usage.free.v6), "IPv6"),
    ]
    .into_iter()
    .filter_map(|(is_used_up, family)| is_used_up.then_some(family))
    .collect();
    (!families.is_empty()).then(|| {
        warning(
            "pool-used-up",
            words!(
                "It has no free {family} address: the next service that wants one stays pending.",
                family = Part::list(families)
            ),
            words!("Add addresses to it, or delete services that are not needed."),
        )
    })
}

/// Layer 2 answers for an address within the nodes' own subnet.
fn outside_subnets(name: &str, pool: &Pool, world: &World) -> Option<Finding> {
    let (l2, nodes) = world.l2.as_ref().zip(world.nodes.as_ref())?;
    if !l2.values().any(|ad| selects_pool(ad, name, pool)) {
        return None;
    }
    let ips: Vec<IpAddr> = nodes
        .values()
        .flat_map(|node| node.internal_ips.iter().copied())
        .collect();
    let is_far = |range: &&AddressRange| {
        let bits = match range.family() {
            Family::V4 => V4_NEAR_BITS,
            Family::V6 => V6_NEAR_BITS,
        };
        let mut own = ips
            .iter()
            .filter(|ip| Family::of(**ip) == range.family())
            .peekable();
        own.peek().is_some() && !own.any(|ip| range.is_near(*ip, bits))
    };
    let far: Vec<String> = pool
        .ranges
        .iter()
        .filter(is_far)
        .map(ToString::to_string)
        .collect();
    (!far.is_empty()).then(|| {
        info(
            "pool-outside-subnets",
            words!(
                "{ranges} most likely lies outside the subnets of all nodes: announced by layer 2, it is reached only if \
                 routers and clients look for it there.",
                ranges = Part::list(far)
            ),
            words!("Take addresses of the nodes' own subnet, route the range to it, or announce the pool by BGP."),
        )
    })
}
