//! Several hosts that lead to the same cluster: where one cannot be reached, the first of the others that can takes its
//! tunnels, and the way to the API.
//!
//! While a host that is in use is in trouble, all others of its group are dialled beside it, each with the pauses of its own
//! link; the one that stands first wins, and the rest are let go. A tunnel that has moved stays where it is until that host
//! fails in turn, so that a host which comes and goes cuts nobody's connections.

use super::link::LinkPhase;
use super::supervisor::Supervisor;
use super::tunnel::Event;
use super::tunnel_entry::TunnelEntry;
use crate::model::{Fault, HostId, HostRole, Target, TunnelId, words};

impl Supervisor {
    /// These hosts stand in for one another, in this order.
    pub(super) fn set_candidates(&mut self, hosts: Vec<HostId>) {
        self.candidates = hosts;
    }

    /// Moves what goes through a host that is in trouble to one that stands.
    pub(super) async fn take_next_hosts(&mut self) {
        for index in 0..self.hosts.len() {
            let id = self.hosts[index].profile.id.clone();
            let Some(fault) = self.trouble_of(&id) else {
                continue;
            };
            let next = self
                .group_of(&id)
                .into_iter()
                .find(|other| self.host(other).is_some_and(|host| host.link.is_up()));
            if let Some(next) = next.filter(|_| self.could_move(&id)) {
                self.move_to(&id, &next, &fault).await;
            }
        }
    }

    /// Whether a link is needed: by a tunnel, by the way to the cluster, or since it may have to stand in for another.
    pub(super) fn needs(&self, id: &HostId) -> bool {
        let by_tunnel = |entry: &TunnelEntry| entry.spec.host == *id && entry.machine.needs_link();
        self.could_move(id)
            || self.tunnels.values().any(by_tunnel)
            || self.hosts.iter().any(|host| {
                let other = &host.profile.id;
                other != id
                    && self.trouble_of(other).is_some()
                    && self.could_move(other)
                    && self.group_of(other).contains(id)
            })
    }

    /// Whether something goes through the host, or would, that may go through another as well.
    fn could_move(&self, id: &HostId) -> bool {
        let through = self
            .cluster
            .as_ref()
            .and_then(|cluster| cluster.through.as_ref());
        through.is_some_and(|through| through.host == *id) || !self.tunnels_by(id).is_empty()
    }

    fn trouble_of(&self, id: &HostId) -> Option<Fault> {
        match &self.host(id)?.link.phase {
            LinkPhase::Waiting { fault, .. } | LinkPhase::Failed(fault) => Some(fault.clone()),
            LinkPhase::Idle | LinkPhase::Dialing { .. } | LinkPhase::Up { .. } => None,
        }
    }

    /// The hosts that may stand in for this one: those that were named as candidates together with it, then those that are
    /// nodes of the cluster as it is.
    fn group_of(&self, id: &HostId) -> Vec<HostId> {
        let mut group = if self.candidates.contains(id) {
            self.candidates.clone()
        } else {
            Vec::new()
        };
        let is_node = |id: &HostId| {
            let role = self.host(id).map(|host| self.role_of(host));
            matches!(role, Some(HostRole::Node(_)))
        };
        if is_node(id) {
            let hosts = self.hosts.iter().map(|host| host.profile.id.clone());
            let nodes: Vec<HostId> = hosts
                .filter(|other| !group.contains(other) && is_node(other))
                .collect();
            group.extend(nodes);
        }
        group.retain(|other| other != id);
        group
    }

    async fn move_to(&mut self, from: &HostId, to: &HostId, fault: &Fault) {
        let mut moved = 0_usize;
        let through = self
            .cluster
            .as_mut()
            .and_then(|cluster| cluster.through.as_mut());
        if let Some(through) = through.filter(|through| through.host == *from) {
            through.host = to.clone();
        }
        for id in self.tunnels_by(from) {
            if let Some(entry) = self.tunnels.get_mut(&id) {
                entry.spec.host = to.clone();
                moved += 1;
            }
            self.step_tunnel(&id, Event::LinkUp).await;
            // Another host may need another route.
            self.resolve(&id).await;
        }
        let text = match moved {
            0 => words!(
                "{fault}. The way to the cluster goes through {host} now.",
                fault = fault,
                host = to.as_str()
            ),
            1 => words!(
                "{fault}. One tunnel goes through {host} now.",
                fault = fault,
                host = to.as_str()
            ),
            more => words!(
                "{fault}. {count} tunnels go through {host} now.",
                fault = fault,
                count = more,
                host = to.as_str()
            ),
        };
        self.note(None, text);
    }

    /// The tunnels of services that want the link of this host.
    fn tunnels_by(&self, host: &HostId) -> Vec<TunnelId> {
        self.tunnels
            .iter()
            .filter(|(_, entry)| {
                entry.spec.host == *host
                    && entry.machine.needs_link()
                    && matches!(entry.spec.target, Target::Service { .. })
            })
            .map(|(id, _)| id.clone())
            .collect()
    }
}
