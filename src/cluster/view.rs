//! The cluster as it is known: records by name, the links between them, and the services made of them. Pure.
//!
//! A change of one object marks the services that it touches, through links kept for that purpose; [`View::refresh`]
//! assembles those anew and no others. Its cost is that of the services touched, whatever the size of the cluster. What
//! concerns all services (a pool's ranges, an advertisement, a node) changes seldom, and marks them all.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use imbl::OrdMap;

use crate::diagnosis::{Scene, ServiceFacts, Services};
use crate::model::{AddressPool, ClusterNode, LbService, ServiceKey, ServicePhase};

use super::addresses::Addresses;
use super::assemble::{Known, assemble};
use super::records::{KeptPod, KeptService, KeptSlice, ObjectKey};
use super::resource::Kind;
use super::sight;
use super::surroundings::{Surroundings, Touched};
use super::update::{Seen, Update};

/// All that is known of the cluster.
#[derive(Debug, Default)]
pub(super) struct View {
    services: HashMap<ObjectKey, KeptService>,
    /// None until the first complete list: until then a service without slices is not one without endpoints.
    slices: Option<HashMap<ObjectKey, KeptSlice>>,
    pods: HashMap<ObjectKey, KeptPod>,
    /// The names of a service's slices, which live in its namespace.
    slices_of: HashMap<ObjectKey, BTreeSet<Arc<str>>>,
    /// The services whose slices name a pod, each with the number of endpoints that do.
    services_of: HashMap<ObjectKey, HashMap<Arc<str>, usize>>,
    addresses: Addresses,
    /// The services that wait for an address: a change elsewhere may give them one.
    pending: HashSet<ObjectKey>,
    surroundings: Surroundings,
    /// The custom kinds that the server has, once that is known.
    served: Option<BTreeSet<Kind>>,
    /// Only one namespace is seen.
    is_narrow: bool,
    are_pods_seen: bool,
    changed: HashSet<ObjectKey>,
    touched: Touched,
    published: OrdMap<ServiceKey, Arc<LbService>>,
    pools: Option<Arc<[AddressPool]>>,
    nodes: Option<Arc<[ClusterNode]>>,
}

impl View {
    /// A view of one namespace, or of all.
    pub(super) fn new(is_narrow: bool) -> Self {
        Self {
            is_narrow,
            ..Self::default()
        }
    }

    /// Whether it is of one namespace.
    pub(super) const fn is_narrow(&self) -> bool {
        self.is_narrow
    }

    /// Takes in what a feed has seen.
    pub(super) fn take(&mut self, seen: Seen) {
        match seen {
            Seen::Services(update) => self.update_services(update),
            Seen::Slices(update) => self.update_slices(update),
            Seen::Pods(update) => self.update_pods(update),
            seen => {
                let touched = self.surroundings.take(seen);
                self.touch(touched);
            }
        }
    }

    /// Takes in which custom kinds the server has.
    pub(super) fn found(&mut self, served: BTreeSet<Kind>) {
        if self.served.as_ref() == Some(&served) {
            return;
        }
        self.surroundings.found(&served, self.served.as_ref());
        self.served = Some(served);
        self.touch(Touched {
            all: true,
            pools: true,
            ..Touched::default()
        });
    }

    fn touch(&mut self, touched: Touched) {
        self.touched.all |= touched.all;
        self.touched.pending |= touched.pending;
        self.touched.pools |= touched.pools;
        self.touched.nodes |= touched.nodes;
        self.changed.extend(touched.services);
    }

    /// Takes in what was seen of Services.
    pub(super) fn update_services(&mut self, update: Update<KeptService>) {
        match update {
            Update::Replaced(all) => {
                let names: HashSet<ObjectKey> = all.iter().map(|(key, _)| key.clone()).collect();
                for gone in missing(&self.services, &names) {
                    self.delete_service(gone);
                }
                for (key, service) in all {
                    self.apply_service(key, service);
                }
            }
            Update::Applied(key, service) => self.apply_service(key, service),
            Update::Deleted(key) => self.delete_service(key),
        }
    }

    /// Takes in what was seen of EndpointSlices.
    pub(super) fn update_slices(&mut self, update: Update<KeptSlice>) {
        match update {
            Update::Replaced(all) => {
                if self.slices.is_none() {
                    self.slices = Some(HashMap::with_capacity(all.len()));
                    self.changed.extend(self.services.keys().cloned());
                }
                let names: HashSet<ObjectKey> = all.iter().map(|(key, _)| key.clone()).collect();
                let gone = self.slices.as_ref().map(|slices| missing(slices, &names));
                for key in gone.unwrap_or_default() {
                    self.delete_slice(&key);
                }
                for (key, slice) in all {
                    self.apply_slice(key, slice);
                }
            }
            Update::Applied(key, slice) => self.apply_slice(key, slice),
            Update::Deleted(key) => self.delete_slice(&key),
        }
    }

    /// Takes in what was seen of Pods.
    pub(super) fn update_pods(&mut self, update: Update<KeptPod>) {
        match update {
            Update::Replaced(all) => {
                let names: HashSet<ObjectKey> = all.iter().map(|(key, _)| key.clone()).collect();
                for gone in missing(&self.pods, &names) {
                    self.delete_pod(&gone);
                }
                for (key, pod) in all {
                    self.apply_pod(key, pod);
                }
                if !self.are_pods_seen {
                    self.are_pods_seen = true;
                    self.recount_pods();
                }
            }
            Update::Applied(key, pod) => self.apply_pod(key, pod),
            Update::Deleted(key) => self.delete_pod(&key),
        }
    }

    /// Assembles the services that were touched since the last time, and tells whether any of them looks different now.
    pub(super) fn refresh(&mut self) -> bool {
        let mut differs = false;
        if std::mem::take(&mut self.touched.all) {
            // What concerns all of them concerns those that MetalLB looks after.
            let services = self.services.iter();
            let touched = services.filter(|(_, service)| service.is_load_balancer());
            self.changed.extend(touched.map(|(key, _)| key.clone()));
        } else if std::mem::take(&mut self.touched.pending) {
            self.changed.extend(self.pending.iter().cloned());
        }
        for key in std::mem::take(&mut self.changed) {
            let name = key.service();
            match self.assembled(&key, &name) {
                None => differs |= self.published.remove(&name).is_some(),
                Some(service) => {
                    if self.published.get(&name).is_none_or(|old| **old != service) {
                        self.published.insert(name, Arc::new(service));
                        differs = true;
                    }
                }
            }
        }
        differs
    }

    /// The services of all types as of the last refresh. Cheap: the map is persistent.
    pub(super) fn services(&self) -> OrdMap<ServiceKey, Arc<LbService>> {
        self.published.clone()
    }

    /// MetalLB's pools; none where they are not known. Made anew only if something has touched them.
    pub(super) fn pools(&mut self) -> Option<Arc<[AddressPool]>> {
        if std::mem::take(&mut self.touched.pools) {
            let pools = sight::pools(self.scene());
            if pools.as_deref() != self.pools.as_deref() {
                self.pools = pools.map(Arc::from);
            }
        }
        self.pools.clone()
    }

    /// The nodes; none where they are not known. Made anew only if something has touched them.
    pub(super) fn nodes(&mut self) -> Option<Arc<[ClusterNode]>> {
        if std::mem::take(&mut self.touched.nodes) {
            let nodes = sight::nodes(&self.surroundings.world);
            if nodes.as_deref() != self.nodes.as_deref() {
                self.nodes = nodes.map(Arc::from);
            }
        }
        self.nodes.clone()
    }

    fn scene(&self) -> Scene<'_> {
        Scene {
            world: &self.surroundings.world,
            in_use: &self.addresses.load_balancer,
            cluster_ips: &self.addresses.cluster,
            services: &self.services,
            is_complete: !self.is_narrow,
        }
    }

    fn assembled(&self, key: &ObjectKey, name: &ServiceKey) -> Option<LbService> {
        let service = self.services.get(key)?;
        let slices = self.slices.as_ref().map(|slices| {
            let own = self.slices_of.get(key).into_iter().flatten();
            own.filter_map(|slice| slices.get(&sibling(key, slice)))
                .collect()
        });
        let pod = |pod: &Arc<str>| self.pods.get(&sibling(key, pod));
        let known = Known {
            slices,
            pod: &pod,
            events: &self.surroundings.events_of(key),
            speaking: &self.surroundings.speaking_of(key),
            shared_with: self.addresses.others(name, &service.load_balancer_ips),
            scene: self.scene(),
        };
        Some(assemble(name, service, &known))
    }

    fn apply_service(&mut self, key: ObjectKey, service: KeptService) {
        if self.services.get(&key) == Some(&service) {
            return;
        }
        self.readdress(&key, Some(&service));
        if service.phase() == ServicePhase::Pending {
            self.pending.insert(key.clone());
        } else {
            self.pending.remove(&key);
        }
        self.changed.insert(key.clone());
        self.services.insert(key, service);
    }

    fn delete_service(&mut self, key: ObjectKey) {
        if self.services.contains_key(&key) {
            self.readdress(&key, None);
            self.services.remove(&key);
            self.pending.remove(&key);
            self.changed.insert(key);
        }
    }

    /// Keeps the index of addresses, and marks whom a service's new addresses concern: those that share them, and all that
    /// wait for one.
    fn readdress(&mut self, key: &ObjectKey, after: Option<&KeptService>) {
        let before = self.services.get(key);
        let (others, moved) = self.addresses.update(&key.service(), before, after);
        self.changed.extend(others.iter().map(ObjectKey::of));
        self.touched.pending |= moved || shares_differently(before, after);
        self.touched.pools |= moved || before.is_none();
    }

    fn apply_slice(&mut self, key: ObjectKey, slice: KeptSlice) {
        let slices = self.slices.get_or_insert_default();
        if slices.get(&key) == Some(&slice) {
            return;
        }
        self.delete_slice(&key);
        let owner = sibling(&key, &slice.service);
        for pod in slice
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.pod.as_ref())
        {
            let links = self.services_of.entry(sibling(&key, pod)).or_default();
            *links.entry(slice.service.clone()).or_default() += 1;
        }
        self.slices_of
            .entry(owner.clone())
            .or_default()
            .insert(key.name.clone());
        self.slices.get_or_insert_default().insert(key, slice);
        self.changed.insert(owner);
    }

    fn delete_slice(&mut self, key: &ObjectKey) {
        let Some(slice) = self.slices.as_mut().and_then(|slices| slices.remove(key)) else {
            return;
        };
        let owner = sibling(key, &slice.service);
        for pod in slice
            .endpoints
            .iter()
            .filter_map(|endpoint| endpoint.pod.as_ref())
        {
            self.unlink(&sibling(key, pod), &slice.service);
        }
        if let Some(names) = self.slices_of.get_mut(&owner) {
            names.remove(&key.name);
            if names.is_empty() {
                self.slices_of.remove(&owner);
            }
        }
        self.changed.insert(owner);
    }

    /// Takes away one endpoint's link from `pod` to `service`.
    fn unlink(&mut self, pod: &ObjectKey, service: &Arc<str>) {
        let Some(links) = self.services_of.get_mut(pod) else {
            return;
        };
        if let Some(count) = links.get_mut(service) {
            *count -= 1;
            if *count == 0 {
                links.remove(service);
            }
        }
        if links.is_empty() {
            self.services_of.remove(pod);
        }
    }

    fn apply_pod(&mut self, key: ObjectKey, pod: KeptPod) {
        if self.pods.get(&key) != Some(&pod) {
            self.touch_services_of(&key);
            if self.surroundings.take_pod(&key, Some(&pod)) && self.are_pods_seen {
                self.recount_pods();
            }
            self.pods.insert(key, pod);
        }
    }

    fn delete_pod(&mut self, key: &ObjectKey) {
        if self.pods.remove(key).is_some() {
            self.touch_services_of(key);
            if self.surroundings.take_pod(key, None) && self.are_pods_seen {
                self.recount_pods();
            }
        }
    }

    fn recount_pods(&mut self) {
        self.surroundings.count_pods(!self.is_narrow);
        self.touched.all = true;
    }

    fn touch_services_of(&mut self, pod: &ObjectKey) {
        let services = self
            .services_of
            .get(pod)
            .into_iter()
            .flat_map(HashMap::keys);
        self.changed
            .extend(services.map(|service| sibling(pod, service)));
    }
}

/// The object of this name in the namespace of `key`.
fn sibling(key: &ObjectKey, name: &Arc<str>) -> ObjectKey {
    ObjectKey {
        namespace: key.namespace.clone(),
        name: name.clone(),
    }
}

/// The keys of `known` that are not in `names`.
fn missing<K, S: BuildHasher>(
    known: &HashMap<ObjectKey, K, S>,
    names: &HashSet<ObjectKey>,
) -> Vec<ObjectKey> {
    known
        .keys()
        .filter(|key| !names.contains(*key))
        .cloned()
        .collect()
}

impl<S: BuildHasher> Services for HashMap<ObjectKey, ServiceFacts, S> {
    fn facts(&self, key: &ServiceKey) -> Option<&ServiceFacts> {
        self.get(&ObjectKey::of(key))
    }
}

/// Whether others could share its address before, but not now, or the other way round.
fn shares_differently(before: Option<&KeptService>, after: Option<&KeptService>) -> bool {
    let Some((before, after)) = before.zip(after) else {
        return false;
    };
    let differs = before.sharing_key != after.sharing_key
        || before.ports != after.ports
        || before.local_traffic_only != after.local_traffic_only
        || before.selector != after.selector;
    differs && !after.load_balancer_ips.is_empty()
}
