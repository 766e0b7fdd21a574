//! Who announces an address: as MetalLB says, or else by its own rules.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::{Announcement, AnnouncementSource, PodEndpoint, ServiceEvent};

use super::allocation::covers;
use super::facts::{Advertisement, Node, Pool, ServiceFacts, Speaking, World};
use super::selector;

const LAYER2: &str = "layer2";
const BGP: &str = "bgp";

/// Who announces the service's address. None where that cannot be told; empty where nobody does.
#[must_use]
pub fn announcers(
    service: &ServiceFacts,
    world: &World,
    pods: Option<&[PodEndpoint]>,
    speaking: &Speaking,
    events: &[ServiceEvent],
) -> Option<Vec<Announcement>> {
    if service.load_balancer_ips.is_empty() {
        return Some(Vec::new());
    }
    let told: Vec<Announcement> = [(LAYER2, &speaking.layer2), (BGP, &speaking.bgp)]
        .into_iter()
        .flat_map(|(protocol, nodes)| nodes.iter().flatten().map(move |node| (node, protocol)))
        .map(|(node, protocol)| announcement(node, protocol, AnnouncementSource::Status))
        .collect();
    if !told.is_empty() || (speaking.layer2.is_some() && speaking.bgp.is_some()) {
        return Some(told);
    }
    let by_events = from_events(events, speaking);
    if !by_events.is_empty() {
        return Some(by_events);
    }
    predicted(service, world, pods?)
}

fn announcement(node: &str, protocol: &str, source: AnnouncementSource) -> Announcement {
    Announcement {
        node: node.to_owned(),
        protocol: protocol.to_owned(),
        source,
    }
}

/// By the newest `nodeAssigned` events, for protocols whose statuses cannot be seen: one node for layer 2, each for BGP.
fn from_events(events: &[ServiceEvent], speaking: &Speaking) -> Vec<Announcement> {
    let mut assigned: Vec<(&str, &str, &str)> = events
        .iter()
        .filter(|event| event.reason == "nodeAssigned")
        .filter_map(|event| {
            let (node, protocol) = assigned_node(&event.message)?;
            Some((event.at.as_str(), node, protocol))
        })
        .collect();
    assigned.sort_unstable();
    let mut found = Vec::new();
    if speaking.layer2.is_none() {
        let newest = assigned
            .iter()
            .rfind(|(_, _, protocol)| *protocol == LAYER2);
        found.extend(newest.map(|(_, node, _)| *node).map(|node| (node, LAYER2)));
    }
    if speaking.bgp.is_none() {
        let nodes: BTreeSet<&str> = assigned
            .iter()
            .filter(|(_, _, protocol)| *protocol == BGP)
            .map(|(_, node, _)| *node)
            .collect();
        found.extend(nodes.into_iter().map(|node| (node, BGP)));
    }
    found
        .into_iter()
        .map(|(node, protocol)| announcement(node, protocol, AnnouncementSource::Event))
        .collect()
}

/// Node and protocol out of `announcing from node "n" with protocol "p"`.
fn assigned_node(message: &str) -> Option<(&str, &str)> {
    let mut quoted = message.split('"');
    let node = quoted.nth(1)?;
    let protocol = quoted.nth(1)?;
    Some((node, protocol))
}

/// By MetalLB's own rules: for layer 2 the eligible node that comes first, for BGP every eligible node.
fn predicted(
    service: &ServiceFacts,
    world: &World,
    pods: &[PodEndpoint],
) -> Option<Vec<Announcement>> {
    let way = Way::of(service, world)?;
    let ip = *service.load_balancer_ips.first()?;
    if !pods.iter().any(|pod| pod.ready) {
        return Some(Vec::new());
    }
    let candidates = |ads: &[&Advertisement]| -> Vec<&Arc<str>> {
        way.nodes(ads)
            .into_iter()
            .filter(|(name, node)| is_usable(world, name, node))
            .filter(|(name, _)| !service.local_traffic_only || runs_on(pods, name))
            .map(|(name, _)| name)
            .collect()
    };
    let first = candidates(&way.l2)
        .into_iter()
        .min_by_key(|node| (-way.score(node), rank(node, ip)));
    let layer2 = first
        .filter(|_| !way.is_shared_with_selectors(service))
        .map(|node| (node, LAYER2));
    let bgp = candidates(&way.bgp).into_iter().map(|node| (node, BGP));
    Some(
        layer2
            .into_iter()
            .chain(bgp)
            .map(|(node, protocol)| announcement(node, protocol, AnnouncementSource::Predicted))
            .collect(),
    )
}

/// The speakers agree without talking: each sorts the eligible nodes by the same hash.
fn rank(node: &str, ip: IpAddr) -> Vec<u8> {
    Sha256::digest(format!("{node}#{ip}").as_bytes()).to_vec()
}

/// Whether a ready pod of the service runs on this node.
pub(super) fn runs_on(pods: &[PodEndpoint], node: &str) -> bool {
    pods.iter()
        .any(|pod| pod.ready && pod.node.as_deref() == Some(node))
}

/// Whether a speaker on this node would announce.
pub(super) fn is_usable(world: &World, name: &Arc<str>, node: &Node) -> bool {
    !node.is_excluded() && !node.network_unavailable && has_speaker(world, name) != Some(false)
}

/// Whether a speaker runs on this node; none where that cannot be seen.
pub(super) fn has_speaker(world: &World, node: &Arc<str>) -> Option<bool> {
    let speakers = &world.components.as_ref()?.speakers;
    (!speakers.is_empty()).then(|| speakers.get(node).copied().unwrap_or(false))
}

/// The advertisements that are for a service. Everything that they are made of is known.
pub(super) struct Way<'a> {
    pub(super) pool_name: &'a Arc<str>,
    pub(super) l2: Vec<&'a Advertisement>,
    pub(super) bgp: Vec<&'a Advertisement>,
    nodes: &'a std::collections::BTreeMap<Arc<str>, Node>,
}

impl<'a> Way<'a> {
    /// None where pools, advertisements or nodes cannot be seen, or the address is of no pool.
    pub(super) fn of(service: &ServiceFacts, world: &'a World) -> Option<Self> {
        let (pool_name, pool) = pool_of(service, world)?;
        let of_service = |ads: &'a std::collections::BTreeMap<Arc<str>, Advertisement>| {
            ads.values()
                .filter(|ad| selects_pool(ad, pool_name, pool))
                .filter(|ad| {
                    ad.service_selectors.is_empty()
                        || selector::any(&ad.service_selectors, &service.labels)
                })
                .collect()
        };
        Some(Self {
            pool_name,
            l2: of_service(world.l2.as_ref()?),
            bgp: of_service(world.bgp.as_ref()?),
            nodes: world.nodes.as_ref()?,
        })
    }

    /// The nodes that any of these advertisements selects.
    pub(super) fn nodes(&self, ads: &[&Advertisement]) -> Vec<(&'a Arc<str>, &'a Node)> {
        self.nodes
            .iter()
            .filter(|(_, node)| ads.iter().any(|ad| selects_node(ad, node)))
            .collect()
    }

    /// The speaker does not announce a shared address if a matching L2Advertisement has serviceSelectors.
    pub(super) fn is_shared_with_selectors(&self, service: &ServiceFacts) -> bool {
        service.sharing_key.is_some() && self.l2.iter().any(|ad| !ad.service_selectors.is_empty())
    }

    fn score(&self, node: &str) -> i64 {
        let Some(node) = self.nodes.get(node) else {
            return 0;
        };
        let preferences = self
            .l2
            .iter()
            .filter(|ad| selects_node(ad, node))
            .flat_map(|ad| &ad.preferences);
        preferences
            .filter(|preference| preference.nodes.matches(&node.labels))
            .map(|preference| preference.weight)
            .sum()
    }
}

/// The pool of the service's address: by its annotation, else by the address.
pub(super) fn pool_of<'a>(
    service: &ServiceFacts,
    world: &'a World,
) -> Option<(&'a Arc<str>, &'a Pool)> {
    let pools = world.pools.as_ref()?;
    let named = service.pool.as_deref();
    if let Some(found) = named.and_then(|name| pools.get_key_value(name)) {
        return Some(found);
    }
    let ip = *service.load_balancer_ips.first()?;
    pools.iter().find(|(_, pool)| covers(pool, ip))
}

/// The name of the pool that the service's address is of: by its annotation, else by the address.
#[must_use]
pub fn pool_name(service: &ServiceFacts, world: &World) -> Option<String> {
    let by_address = || pool_of(service, world).map(|(name, _)| (**name).to_owned());
    service.pool.clone().or_else(by_address)
}

/// Whether an advertisement is for this pool.
pub(super) fn selects_pool(ad: &Advertisement, name: &str, pool: &Pool) -> bool {
    if ad.pools.is_empty() && ad.pool_selectors.is_empty() {
        return true;
    }
    ad.pools.iter().any(|own| own == name) || selector::any(&ad.pool_selectors, &pool.labels)
}

fn selects_node(ad: &Advertisement, node: &Node) -> bool {
    ad.node_selectors.is_empty() || selector::any(&ad.node_selectors, &node.labels)
}
