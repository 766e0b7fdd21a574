//! The cluster as it is known: records by name, the links between them, and the services made of them. Pure.
//!
//! A change of one object marks the services that it touches, through links kept for that purpose; [`View::refresh`]
//! assembles those anew and no others. Its cost is that of the services touched, whatever the size of the cluster.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use imbl::OrdMap;

use crate::model::{LbService, ServiceKey};

use super::assemble::{Endpoints, assemble};
use super::records::{KeptPod, KeptService, KeptSlice, ObjectKey};

/// What a feed has seen of one kind of object.
#[derive(Clone, Debug)]
pub(super) enum Update<K> {
    /// Everything there is: whatever is not in here is gone.
    Replaced(Vec<(ObjectKey, K)>),
    /// One object is new or has changed.
    Applied(ObjectKey, K),
    /// One object is gone, or is of no interest any more.
    Deleted(ObjectKey),
}

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
    changed: HashSet<ObjectKey>,
    published: OrdMap<ServiceKey, Arc<LbService>>,
}

impl View {
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
            }
            Update::Applied(key, pod) => self.apply_pod(key, pod),
            Update::Deleted(key) => self.delete_pod(&key),
        }
    }

    /// Assembles the services that were touched since the last time, and tells whether any of them looks different now.
    pub(super) fn refresh(&mut self) -> bool {
        let mut differs = false;
        for key in std::mem::take(&mut self.changed) {
            let name = ServiceKey {
                namespace: key.namespace.clone(),
                name: key.name.clone(),
            };
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

    /// The LoadBalancer services as of the last refresh. Cheap: the map is persistent.
    pub(super) fn services(&self) -> OrdMap<ServiceKey, Arc<LbService>> {
        self.published.clone()
    }

    fn assembled(&self, key: &ObjectKey, name: &ServiceKey) -> Option<LbService> {
        let service = self.services.get(key)?;
        let slices = self.slices.as_ref().map(|slices| {
            let own = self.slices_of.get(key).into_iter().flatten();
            own.filter_map(|slice| slices.get(&sibling(key, slice)))
                .collect()
        });
        let pod = |pod: &Arc<str>| self.pods.get(&sibling(key, pod));
        Some(assemble(name, service, &Endpoints { slices, pod: &pod }))
    }

    fn apply_service(&mut self, key: ObjectKey, service: KeptService) {
        if self.services.get(&key) != Some(&service) {
            self.changed.insert(key.clone());
            self.services.insert(key, service);
        }
    }

    fn delete_service(&mut self, key: ObjectKey) {
        if self.services.remove(&key).is_some() {
            self.changed.insert(key);
        }
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
            self.pods.insert(key, pod);
        }
    }

    fn delete_pod(&mut self, key: &ObjectKey) {
        if self.pods.remove(key).is_some() {
            self.touch_services_of(key);
        }
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
