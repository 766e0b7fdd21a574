//! Which services have an address: an index that every change of a service keeps up to date. Pure.

use std::net::IpAddr;

use crate::diagnosis::{InUse, ServiceFacts};
use crate::model::ServiceKey;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Addresses {
    /// MetalLB's addresses.
    pub(super) load_balancer: InUse,
    /// ClusterIPs.
    pub(super) cluster: InUse,
}

impl Addresses {
    /// Takes in that a service is new, has changed or is gone. Returns the services with which it shared an address or does
    /// so now, and whether an address has moved.
    pub(super) fn update(
        &mut self,
        key: &ServiceKey,
        before: Option<&ServiceFacts>,
        after: Option<&ServiceFacts>,
    ) -> (Vec<ServiceKey>, bool) {
        let cluster = |facts: Option<&ServiceFacts>| owned(facts, |facts| &facts.cluster_ips);
        let given = |facts: Option<&ServiceFacts>| owned(facts, |facts| &facts.load_balancer_ips);
        let moved = given(before) != given(after);
        let mut others = self.others(key, &given(before));
        move_to(&mut self.cluster, key, &cluster(before), &cluster(after));
        move_to(&mut self.load_balancer, key, &given(before), &given(after));
        others.extend(self.others(key, &given(after)));
        (others, moved)
    }

    /// The other services that have one of these addresses.
    pub(super) fn others(&self, key: &ServiceKey, ips: &[IpAddr]) -> Vec<ServiceKey> {
        let mut others: Vec<ServiceKey> = ips
            .iter()
            .filter_map(|ip| self.load_balancer.get(ip))
            .flatten()
            .filter(|other| *other != key)
            .cloned()
            .collect();
        others.sort_unstable();
        others.dedup();
        others
    }
}

fn owned(facts: Option<&ServiceFacts>, ips: fn(&ServiceFacts) -> &Vec<IpAddr>) -> Vec<IpAddr> {
    facts.map(ips).into_iter().flatten().copied().collect()
}

fn move_to(index: &mut InUse, key: &ServiceKey, before: &[IpAddr], after: &[IpAddr]) {
    if before == after {
        return;
    }
    for ip in before {
        if let Some(services) = index.get_mut(ip) {
            services.remove(key);
            if services.is_empty() {
                index.remove(ip);
            }
        }
    }
    for ip in after {
        index.entry(*ip).or_default().insert(key.clone());
    }
}
