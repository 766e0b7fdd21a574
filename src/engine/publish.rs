//! The snapshot, made from the supervisor's state. What has not changed is shared with the snapshot before.

use std::sync::Arc;

use super::host::Host;
use super::log;
use super::supervisor::Supervisor;
use crate::model::{
    ClusterStatus, Fault, FaultCause, HostId, HostRole, HostStatus, LinkStatus, PromptId, Snapshot,
    TunnelId, TunnelStatus, host_role, words,
};

impl Supervisor {
    /// The picture as it is now, or none if it is the one before.
    pub(super) fn snapshot_if_changed(&self, before: &Snapshot) -> Option<Snapshot> {
        let mut next = before.clone();
        let mut changed = self.update_cluster(&mut next);
        changed |= self.update_hosts(&mut next);
        changed |= self.update_tunnels(&mut next);
        changed |= self.update_prompts(&mut next);
        changed |= self.update_notices(&mut next);
        changed |= self.update_connections(&mut next);
        changed |= replace(&mut next.probes, self.probes.reports());
        changed |= replace(&mut next.selected_host, self.selected_host.clone());
        changed |= self.update_saved_hosts(&mut next);
        changed |= replace(&mut next.vault, self.remembered.vault.clone());
        changed |= replace(&mut next.ssh_hosts, self.imports.ssh_hosts.clone());
        changed |= replace(&mut next.host_problems, self.imports.problems.clone());
        changed |= replace(&mut next.key_checks, self.key_checks.clone());
        changed |= replace(&mut next.settings, Arc::clone(&self.settings));
        changed |= replace(&mut next.ended, self.ended);
        next.now = self.now();
        if changed {
            log::note_changes(before, &mut next);
        }
        changed.then_some(next)
    }

    fn update_cluster(&self, next: &mut Snapshot) -> bool {
        let current = match &self.cluster {
            Some(cluster) => cluster.current.as_ref(),
            // The last view stays on show while everything ends.
            None => return false,
        };
        if same_cluster(&next.cluster, current) {
            return false;
        }
        next.cluster = current.clone();
        true
    }

    /// What a host is to the cluster that is watched.
    pub(super) fn role_of(&self, host: &Host) -> HostRole {
        let cluster = self.cluster.as_ref();
        let nodes = cluster.and_then(|cluster| cluster.current.nodes.as_deref());
        host_role(&host.profile.address, host.said.facts(), nodes)
    }

    fn update_hosts(&self, next: &mut Snapshot) -> bool {
        let statuses: Vec<HostStatus> = self
            .hosts
            .iter()
            .map(|host| HostStatus {
                profile: host.profile.clone(),
                link: host.status(self.question_of(host)),
                role: self.role_of(host),
            })
            .collect();
        if next.hosts.len() == statuses.len()
            && next
                .hosts
                .iter()
                .zip(&statuses)
                .all(|(old, new)| **old == *new)
        {
            return false;
        }
        next.hosts = statuses.into_iter().map(Arc::new).collect();
        true
    }

    fn update_saved_hosts(&self, next: &mut Snapshot) -> bool {
        if next.saved_hosts.ptr_eq(&self.remembered.hosts) {
            return false;
        }
        next.saved_hosts = self.remembered.hosts.clone();
        true
    }

    /// The question that the dial of this host's link waits for.
    fn question_of(&self, host: &Host) -> Option<PromptId> {
        self.prompts
            .iter()
            .find(|(_, asked)| {
                asked.prompt.host == host.profile.id
                    && asked.dial == host.link.dial
                    && !asked.is_held
            })
            .map(|(id, _)| *id)
    }

    fn update_tunnels(&self, next: &mut Snapshot) -> bool {
        let mut changed = false;
        let gone = |id: &&TunnelId| !self.tunnels.contains_key(*id);
        let gone: Vec<TunnelId> = next.tunnels.keys().filter(gone).cloned().collect();
        for id in gone {
            next.tunnels.remove(&id);
            changed = true;
        }
        for (id, entry) in &self.tunnels {
            let status = entry.status(&self.link_status(&entry.spec.host));
            changed |= update_tunnel(next, id, status);
        }
        changed
    }

    fn link_status(&self, id: &HostId) -> LinkStatus {
        match self.host(id) {
            Some(host) => host.status(self.question_of(host)),
            None => LinkStatus::Failed(no_host(id)),
        }
    }

    fn update_connections(&self, next: &mut Snapshot) -> bool {
        let mut changed = false;
        for (id, entry) in &self.tunnels {
            let now = entry.clients.shown();
            let same = match next.connections.get(id) {
                Some(before) => Arc::ptr_eq(before, now),
                None => now.is_empty(),
            };
            if same {
                continue;
            }
            changed = true;
            if now.is_empty() {
                next.connections.remove(id);
            } else {
                next.connections.insert(id.clone(), Arc::clone(now));
            }
        }
        changed
    }

    fn update_prompts(&self, next: &mut Snapshot) -> bool {
        let prompts = self
            .prompts
            .values()
            .filter(|asked| !asked.is_held)
            .map(|asked| asked.prompt.clone())
            .collect();
        replace(&mut next.prompts, prompts)
    }

    fn update_notices(&self, next: &mut Snapshot) -> bool {
        replace(&mut next.notices, self.notices.iter().cloned().collect())
    }
}

/// There is no host of this id.
pub(super) fn no_host(id: &HostId) -> Fault {
    Fault::local(FaultCause::Config {
        reason: match id.as_str() {
            "" => words!("there is no SSH host yet to go through"),
            name => words!("there is no SSH host named {name}", name = name),
        },
    })
}

fn update_tunnel(next: &mut Snapshot, id: &TunnelId, status: TunnelStatus) -> bool {
    if next.tunnels.get(id).is_some_and(|old| **old == status) {
        return false;
    }
    next.tunnels.insert(id.clone(), Arc::new(status));
    true
}

/// Compares without looking at every service: a map that was not changed is the very same map. Every field is named, so that
/// one that is added later is not forgotten here.
fn same_cluster(old: &ClusterStatus, new: &ClusterStatus) -> bool {
    let ClusterStatus {
        source,
        context,
        server,
        state,
        limited_to,
        gaps,
        missing_role,
        pools,
        nodes,
        services,
    } = new;
    old.services.ptr_eq(services)
        && old.source == *source
        && old.context == *context
        && old.server == *server
        && old.state == *state
        && old.limited_to == *limited_to
        && old.gaps == *gaps
        && old.missing_role == *missing_role
        && old.pools == *pools
        && old.nodes == *nodes
}

fn replace<T: PartialEq>(old: &mut T, new: T) -> bool {
    if *old == new {
        return false;
    }
    *old = new;
    true
}
