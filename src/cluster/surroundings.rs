//! What is known beyond the services themselves: MetalLB's objects, nodes, namespaces, and what MetalLB wrote about services.
//! Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::diagnosis::{Component, Components, Presence, Speaking, World};

use crate::model::ServiceEvent;

use super::records::{KeptEvent, KeptPod, KeptStatus, ObjectKey, Role};
use super::resource::{Kind, METALLB};
use super::update::{Seen, Update};

/// Whom a change concerns.
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are independent of each other"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Touched {
    /// Every service.
    pub(super) all: bool,
    /// The services that wait for an address.
    pub(super) pending: bool,
    /// The pools as they are shown.
    pub(super) pools: bool,
    /// The nodes as they are shown.
    pub(super) nodes: bool,
    /// These services.
    pub(super) services: Vec<ObjectKey>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) world: World,
    events: ByService<ServiceEvent>,
    layer2: Option<ByService<Arc<str>>>,
    bgp: Option<ByService<Arc<str>>>,
    /// MetalLB's pods, and those of its rival.
    roles: HashMap<ObjectKey, (Role, Option<Arc<str>>)>,
}

impl Surroundings {
    /// What MetalLB wrote about a service.
    pub(super) fn events_of(&self, service: &ObjectKey) -> Vec<ServiceEvent> {
        self.events.of(service).cloned().collect()
    }

    /// Who announces a service, as MetalLB says.
    pub(super) fn speaking_of(&self, service: &ObjectKey) -> Speaking {
        let nodes = |statuses: &Option<ByService<Arc<str>>>| {
            let statuses = statuses.as_ref()?;
            Some(statuses.of(service).cloned().collect())
        };
        Speaking {
            layer2: nodes(&self.layer2),
            bgp: nodes(&self.bgp),
        }
    }

    /// Takes in what was seen of anything but services, slices and pods.
    pub(super) fn take(&mut self, seen: Seen) -> Touched {
        let world = &mut self.world;
        match seen {
            Seen::Pools(update) => take_pools(&mut world.pools, update),
            Seen::L2Advertisements(update) => everybody(named(&mut world.l2, update)),
            Seen::BgpAdvertisements(update) => everybody(named(&mut world.bgp, update)),
            Seen::BgpPeers(update) => everybody(named(&mut world.peers, update)),
            Seen::BgpSessions(update) => everybody(named(&mut world.sessions, update)),
            Seen::Configurations(update) => waiting(named(&mut world.configuration, update)),
            Seen::Namespaces(update) => waiting(named(&mut world.namespaces, update)),
            Seen::Nodes(update) => Touched {
                nodes: true,
                ..everybody(named(&mut world.nodes, update))
            },
            Seen::Events(update) => services(self.events.update(update, owner_of_event)),
            Seen::L2Statuses(update) => {
                let statuses = self.layer2.get_or_insert_default();
                services(statuses.update(update, owner_of_status))
            }
            Seen::BgpStatuses(update) => {
                let statuses = self.bgp.get_or_insert_default();
                services(statuses.update(update, owner_of_status))
            }
            Seen::Services(_) | Seen::Slices(_) | Seen::Pods(_) => Touched::default(),
        }
    }

    /// Takes in that a pod is new, has changed or is gone. True if that concerns MetalLB.
    pub(super) fn take_pod(&mut self, key: &ObjectKey, pod: Option<&KeptPod>) -> bool {
        let role = pod.and_then(|pod| Some((pod.role.as_deref()?.clone(), pod.node.clone())));
        if self.roles.get(key) == role.as_ref() {
            return false;
        }
        match role {
            Some(role) => self.roles.insert(key.clone(), role),
            None => self.roles.remove(key),
        };
        true
    }

    /// Counts MetalLB's pods anew; they can be, where the pods of all namespaces are seen.
    pub(super) fn count_pods(&mut self, are_all_seen: bool) {
        self.world.components = are_all_seen.then(|| {
            let mut found = Components::default();
            for (role, node) in self.roles.values() {
                match &role.component {
                    Component::Controller { class } => {
                        found.controllers.push((class.clone(), role.ready));
                    }
                    Component::Speaker => {
                        if let Some(node) = node {
                            *found.speakers.entry(node.clone()).or_default() |= role.ready;
                        }
                    }
                    Component::ServiceLb(service) => {
                        found.service_lb.insert(service.clone());
                    }
                }
            }
            found.controllers.sort_unstable();
            found
        });
    }

    /// Takes in which kinds the server has: what it has not is absent, what it has is unknown until it was listed.
    pub(super) fn found(&mut self, served: &BTreeSet<Kind>, before: Option<&BTreeSet<Kind>>) {
        let has_metallb = served.iter().any(|kind| kind.resource().group == METALLB);
        self.world.metallb = if has_metallb {
            Presence::Served
        } else {
            Presence::Missing
        };
        for kind in Kind::ALL.into_iter().filter(|kind| kind.is_custom()) {
            let is_served = served.contains(&kind);
            if before.map(|before| before.contains(&kind)) != Some(is_served) {
                self.reset(kind, is_served);
            }
        }
    }

    fn reset(&mut self, kind: Kind, is_served: bool) {
        let world = &mut self.world;
        match kind {
            Kind::Pools => world.pools = absent(is_served),
            Kind::L2Advertisements => world.l2 = absent(is_served),
            Kind::BgpAdvertisements => world.bgp = absent(is_served),
            Kind::BgpPeers => world.peers = absent(is_served),
            // An older MetalLB, or one without frr-k8s, writes none of these: without them nothing is known.
            Kind::Configurations => world.configuration = None,
            Kind::BgpSessions => world.sessions = None,
            Kind::L2Statuses => self.layer2 = None,
            Kind::BgpStatuses => self.bgp = None,
            _ => {}
        }
    }
}

/// Nothing where there cannot be any; unknown where there can.
fn absent<K>(is_served: bool) -> Option<BTreeMap<Arc<str>, K>> {
    (!is_served).then(BTreeMap::new)
}

fn everybody(changed: bool) -> Touched {
    Touched {
        all: changed,
        pending: changed,
        pools: changed,
        ..Touched::default()
    }
}

fn waiting(changed: bool) -> Touched {
    Touched {
        pending: changed,
        ..Touched::default()
    }
}

const fn services(services: Vec<ObjectKey>) -> Touched {
    Touched {
        all: false,
        pending: false,
        pools: false,
        nodes: false,
        services,
    }
}

/// Takes in what was seen of objects that are known by name alone; true if anything has changed.
fn named<K: PartialEq>(known: &mut Option<BTreeMap<Arc<str>, K>>, update: Update<K>) -> bool {
    match update {
        Update::Replaced(all) => {
            let all: BTreeMap<Arc<str>, K> = all
                .into_iter()
                .map(|(key, kept)| (key.name, kept))
                .collect();
            let changed = known.as_ref() != Some(&all);
            *known = Some(all);
            changed
        }
        Update::Applied(key, kept) => {
            let known = known.get_or_insert_default();
            let changed = known.get(&key.name) != Some(&kept);
            known.insert(key.name, kept);
            changed
        }
        Update::Deleted(key) => known
            .as_mut()
            .is_some_and(|known| known.remove(&key.name).is_some()),
    }
}

/// MetalLB counts a pool's addresses at every allocation: that alone concerns nobody who has an address.
fn take_pools(
    known: &mut Option<BTreeMap<Arc<str>, crate::diagnosis::Pool>>,
    update: Update<crate::diagnosis::Pool>,
) -> Touched {
    let only_counted = match &update {
        Update::Applied(key, pool) => known
            .as_ref()
            .and_then(|known| known.get(&key.name))
            .is_some_and(|before| {
                let mut same = before.clone();
                same.counters = pool.counters;
                same == *pool
            }),
        Update::Replaced(_) | Update::Deleted(_) => false,
    };
    let changed = named(known, update);
    Touched {
        all: changed && !only_counted,
        ..everybody(changed)
    }
}

fn owner_of_event(kept: KeptEvent) -> (ObjectKey, ServiceEvent) {
    (kept.service, kept.event)
}

fn owner_of_status(kept: KeptStatus) -> (ObjectKey, Arc<str>) {
    (kept.service, kept.node)
}

/// Small records about services, by the service.
#[derive(Debug)]
struct ByService<T> {
    owners: HashMap<ObjectKey, ObjectKey>,
    records: HashMap<ObjectKey, BTreeMap<ObjectKey, T>>,
}

impl<T> Default for ByService<T> {
    fn default() -> Self {
        Self {
            owners: HashMap::new(),
            records: HashMap::new(),
        }
    }
}

impl<T: PartialEq> ByService<T> {
    fn of(&self, service: &ObjectKey) -> impl Iterator<Item = &T> {
        self.records
            .get(service)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// Takes in what was seen, and returns the services that it concerns.
    fn update<K>(&mut self, update: Update<K>, split: fn(K) -> (ObjectKey, T)) -> Vec<ObjectKey> {
        let mut touched = Vec::new();
        match update {
            Update::Replaced(all) => {
                let names: std::collections::HashSet<&ObjectKey> =
                    all.iter().map(|(key, _)| key).collect();
                let gone: Vec<ObjectKey> = self
                    .owners
                    .keys()
                    .filter(|key| !names.contains(key))
                    .cloned()
                    .collect();
                for key in gone {
                    touched.extend(self.delete(&key));
                }
                for (key, kept) in all {
                    self.apply(key, split(kept), &mut touched);
                }
            }
            Update::Applied(key, kept) => self.apply(key, split(kept), &mut touched),
            Update::Deleted(key) => touched.extend(self.delete(&key)),
        }
        touched
    }

    fn apply(
        &mut self,
        key: ObjectKey,
        (owner, record): (ObjectKey, T),
        touched: &mut Vec<ObjectKey>,
    ) {
        if self.owners.get(&key).is_some_and(|before| *before != owner) {
            touched.extend(self.delete(&key));
        }
        self.owners.insert(key.clone(), owner.clone());
        let records = self.records.entry(owner.clone()).or_default();
        if records.get(&key) != Some(&record) {
            records.insert(key, record);
            touched.push(owner);
        }
    }

    fn delete(&mut self, key: &ObjectKey) -> Option<ObjectKey> {
        let owner = self.owners.remove(key)?;
        if let Some(records) = self.records.get_mut(&owner) {
            records.remove(key);
            if records.is_empty() {
                self.records.remove(&owner);
            }
        }
        Some(owner)
    }
}
