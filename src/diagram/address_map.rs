//! Which addresses a cluster has and who has them: the nodes' own, the pods', the services' and the pools that MetalLB lends
//! from, with each address free, used or clashing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use crate::model::{
    AddressPool, AddressRange, ClusterNode, ClusterStatus, Family, Finding, ServiceKey, Snapshot,
    TunnelState, address_of, number_of,
};

/// The map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMap {
    /// The ways through the wall that are open now.
    pub doors: Vec<Door>,
    /// The nodes by name; none where they cannot be seen.
    pub nodes: Option<Vec<NodePlace>>,
    /// The smallest blocks that hold the nodes' own addresses: their subnets are at least so large.
    pub node_blocks: Vec<String>,
    /// The blocks that pods get their addresses from, each with its node; none where they cannot be seen.
    pub pod_blocks: Option<Vec<(String, Arc<str>)>>,
    /// The smallest blocks that hold every ClusterIP seen.
    pub service_blocks: Vec<String>,
    /// How many ClusterIPs were seen.
    pub cluster_ips: usize,
    /// The pools by name; none where they cannot be seen.
    pub pools: Option<Vec<PoolMap>>,
}

/// An open tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// Where it listens on this computer.
    pub local: String,
    /// What the SSH host dials.
    pub destination: String,
    /// What it is for.
    pub name: String,
}

/// A node and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlace {
    /// Its name.
    pub name: Arc<str>,
    /// Within the cluster's network.
    pub internal: Vec<IpAddr>,
    /// As seen from outside.
    pub external: Vec<IpAddr>,
    /// Whether it is ready, where that is told.
    pub ready: Option<bool>,
}

/// A pool and its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolMap {
    /// Its name.
    pub name: Arc<str>,
    /// Whether services get addresses of it without asking for it.
    pub auto_assign: bool,
    /// How it is announced; none where that is not known.
    pub protocols: Option<Vec<&'static str>>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// Its ranges, in the order in which they are written.
    pub ranges: Vec<RangeMap>,
}

/// One range of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeMap {
    /// As it is written.
    pub text: String,
    /// How many addresses it has; none where it is no range.
    pub count: Option<u128>,
    /// How many of them services have.
    pub used: usize,
    /// Its addresses from the first to the last; neighbours of the same use are one.
    pub slots: Vec<Slot>,
}

/// Neighbouring addresses of one use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which addresses.
    pub range: AddressRange,
    /// Who has them.
    pub state: SlotState,
}

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// Nobody, as far as can be seen.
    Free,
    /// These services.
    Used(Vec<ServiceKey>),
    /// Something that must not be in a pool, and maybe services, too.
    Clash {
        /// What else the address is.
        with: Clash,
        /// The services that have it.
        used_by: Vec<ServiceKey>,
    },
}

/// What an address of a pool is besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Clash {
    /// The own address of a node: a service that is given it cuts the node off.
    Node(Arc<str>),
    /// One of a pod of this node, or one that it may get.
    Pods(Arc<str>),
    /// The ClusterIP of a service.
    ClusterIp(ServiceKey),
    /// One of another pool.
    Pool(Arc<str>),
}

/// The map of what is seen.
#[must_use]
pub fn address_map(snapshot: &Snapshot) -> AddressMap {
    let cluster = &snapshot.cluster;
    let nodes = cluster.nodes.as_deref();
    let own = nodes
        .iter()
        .flat_map(|nodes| nodes.iter())
        .flat_map(|node| &node.internal_ips);
    let cluster_ips: BTreeSet<IpAddr> = cluster
        .services
        .values()
        .flat_map(|service| service.cluster_ips.iter().copied())
        .collect();
    AddressMap {
        doors: doors(snapshot),
        nodes: nodes.map(|nodes| nodes.iter().map(place).collect()),
        node_blocks: blocks(&own.copied()),
        pod_blocks: nodes.map(pod_blocks),
        service_blocks: blocks(&cluster_ips.iter().copied()),
        cluster_ips: cluster_ips.len(),
        pools: cluster.pools.as_deref().map(|pools| {
            let seen = Seen::of(cluster);
            pools
                .iter()
                .map(|pool| pool_map(pool, pools, &seen))
                .collect()
        }),
    }
}

fn doors(snapshot: &Snapshot) -> Vec<Door> {
    let open = snapshot
        .tunnels
        .values()
        .filter(|tunnel| matches!(tunnel.state, TunnelState::Open { .. }));
    open.filter_map(|tunnel| {
        Some(Door {
            local: tunnel.local_address()?.to_string(),
            destination: tunnel.destination.as_ref()?.to_string(),
            name: tunnel.spec.id.to_string(),
        })
    })
    .collect()
}

fn place(node: &ClusterNode) -> NodePlace {
    NodePlace {
        name: node.name.clone(),
        internal: node.internal_ips.clone(),
        external: node.external_ips.clone(),
        ready: node.ready,
    }
}

fn pod_blocks(nodes: &[ClusterNode]) -> Vec<(String, Arc<str>)> {
    nodes
        .iter()
        .flat_map(|node| {
            node.pod_cidrs
                .iter()
                .map(|cidr| (cidr.clone(), node.name.clone()))
        })
        .collect()
}

/// The smallest block around the addresses of each family, as CIDRs.
fn blocks(ips: &(impl Iterator<Item = IpAddr> + Clone)) -> Vec<String> {
    [Family::V4, Family::V6]
        .into_iter()
        .filter_map(|family| {
            let own = ips.clone().filter(|ip| Family::of(*ip) == family);
            let (block, bits) = AddressRange::covering(own)?;
            Some(format!("{}/{bits}", block.first()))
        })
        .collect()
}

/// Who has which address.
struct Seen {
    used: BTreeMap<IpAddr, Vec<ServiceKey>>,
    /// Single addresses that must not be in a pool.
    single: BTreeMap<IpAddr, Clash>,
    /// Ranges of such addresses.
    wide: Vec<(AddressRange, Clash)>,
}

impl Seen {
    fn of(cluster: &ClusterStatus) -> Self {
        let mut seen = Self {
            used: BTreeMap::new(),
            single: BTreeMap::new(),
            wide: Vec::new(),
        };
        for service in cluster.services.values() {
            for ip in &service.load_balancer_ips {
                seen.used.entry(*ip).or_default().push(service.key.clone());
            }
            for ip in &service.cluster_ips {
                seen.single
                    .insert(*ip, Clash::ClusterIp(service.key.clone()));
            }
        }
        for node in cluster.nodes.iter().flat_map(|nodes| nodes.iter()) {
            for ip in node.internal_ips.iter().chain(&node.external_ips) {
                seen.single.insert(*ip, Clash::Node(node.name.clone()));
            }
            let cidrs = node.pod_cidrs.iter().filter_map(|cidr| cidr.parse().ok());
            seen.wide
                .extend(cidrs.map(|cidr| (cidr, Clash::Pods(node.name.clone()))));
        }
        seen
    }
}

fn pool_map(pool: &AddressPool, all: &[AddressPool], seen: &Seen) -> PoolMap {
    let others = all.iter().filter(|other| other.name != pool.name);
    let foreign = others.flat_map(|other| {
        let ranges = other.addresses.iter().filter_map(|text| text.parse().ok());
        ranges.map(|range| (range, Clash::Pool(other.name.clone())))
    });
    let wide: Vec<(AddressRange, Clash)> = seen.wide.iter().cloned().chain(foreign).collect();
    PoolMap {
        name: pool.name.clone(),
        auto_assign: pool.auto_assign,
        protocols: pool.protocols.clone(),
        findings: pool.findings.clone(),
        ranges: pool
            .addresses
            .iter()
            .map(|text| range_map(text, seen, &wide))
            .collect(),
    }
}

fn range_map(text: &str, seen: &Seen, wide: &[(AddressRange, Clash)]) -> RangeMap {
    let Ok(range) = text.parse::<AddressRange>() else {
        return RangeMap {
            text: text.to_owned(),
            count: None,
            used: 0,
            slots: Vec::new(),
        };
    };
    let within = range.first()..=range.last();
    RangeMap {
        text: text.to_owned(),
        count: Some(range.count()),
        used: seen.used.range(within).count(),
        slots: slots(range, seen, wide),
    }
}

/// Cuts the range wherever the use changes.
fn slots(range: AddressRange, seen: &Seen, wide: &[(AddressRange, Clash)]) -> Vec<Slot> {
    let within = || range.first()..=range.last();
    let wide: Vec<&(AddressRange, Clash)> = wide
        .iter()
        .filter(|(other, _)| other.overlaps(&range))
        .collect();
    let singles = seen.used.range(within()).map(|(ip, _)| *ip);
    let singles = singles.chain(seen.single.range(within()).map(|(ip, _)| *ip));
    let mut cuts: BTreeSet<u128> = BTreeSet::new();
    cuts.insert(number_of(range.first()));
    for (first, last) in singles
        .map(|ip| (ip, ip))
        .chain(wide.iter().map(|(other, _)| (other.first(), other.last())))
    {
        cuts.insert(number_of(first.max(range.first())));
        if last < range.last() {
            cuts.insert(number_of(last) + 1);
        }
    }
    let firsts: Vec<u128> = cuts.into_iter().collect();
    let lasts = firsts.iter().skip(1).map(|next| next - 1);
    let lasts = lasts.chain([number_of(range.last())]);
    let mut slots: Vec<Slot> = Vec::new();
    for (first, last) in firsts.iter().copied().zip(lasts) {
        let address = |number| address_of(number, range.family());
        let part = address(first).zip(address(last));
        let Some(part) = part.and_then(|(first, last)| AddressRange::new(first, last)) else {
            continue;
        };
        let state = state(part.first(), seen, &wide);
        match slots.last_mut() {
            Some(before) if before.state == state && !matches!(state, SlotState::Used(_)) => {
                if let Some(joined) = AddressRange::new(before.range.first(), part.last()) {
                    before.range = joined;
                }
            }
            _ => slots.push(Slot { range: part, state }),
        }
    }
    slots
}

fn state(ip: IpAddr, seen: &Seen, wide: &[&(AddressRange, Clash)]) -> SlotState {
    let used_by = seen.used.get(&ip).cloned().unwrap_or_default();
    let around = || {
        wide.iter()
            .find(|(range, _)| range.contains(ip))
            .map(|(_, clash)| clash)
    };
    match seen.single.get(&ip).or_else(around).cloned() {
        Some(with) => SlotState::Clash { with, used_by },
        None if used_by.is_empty() => SlotState::Free,
        None => SlotState::Used(used_by),
    }
}

#[cfg(test)]
mod tests;
