//! Which cluster a tunnel to a service belongs to: a service of the same name in another cluster is another service.
//!
//! A tunnel is at home in the cluster in which its service was found first after a person opened it. While another one is
//! watched, nothing new is known of it: it leads where it led.

use std::sync::{Arc, LazyLock};

use super::supervisor::Supervisor;
use crate::model::{
    ClusterSource, ClusterStatus, Fault, FaultCause, HostId, Intent, Outlet, ServiceKey, Target,
    TunnelId, Words, words,
};

/// The API server's own service, which is there in every cluster, and whose uid no two clusters share.
static API_SERVICE: LazyLock<ServiceKey> =
    LazyLock::new(|| ServiceKey::new("default", "kubernetes"));

/// A cluster, told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Home {
    /// None for one of an earlier run.
    source: Option<ClusterSource>,
    /// None where the API server's service may not be seen.
    uid: Option<Arc<str>>,
}

impl Home {
    /// As it is remembered.
    pub(super) fn remembered(uid: &str) -> Self {
        Self {
            source: None,
            uid: Some(uid.into()),
        }
    }

    fn of(cluster: &ClusterStatus) -> Self {
        Self {
            source: Some(cluster.source.clone()),
            uid: uid(cluster),
        }
    }

    /// What is remembered of it.
    pub(super) fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    /// Whether this is the cluster. Two kubeconfigs may lead to one cluster, and one to another than before, so that where
    /// it came from counts only while there is nothing better.
    fn is(&self, cluster: &ClusterStatus) -> bool {
        match (&self.uid, uid(cluster)) {
            (Some(own), Some(watched)) => *own == watched,
            _ => self.source.as_ref() == Some(&cluster.source),
        }
    }
}

fn uid(cluster: &ClusterStatus) -> Option<Arc<str>> {
    cluster.services.get(&*API_SERVICE)?.uid.clone()
}

impl Supervisor {
    /// A person wants the tunnel: where it is closed, it will belong to the cluster that they see.
    pub(super) fn leave_home(&mut self, id: &TunnelId, intent: Intent) {
        if let Some(entry) = self.tunnels.get_mut(id)
            && intent == Intent::Up
            && entry.machine.intent == Intent::Down
        {
            entry.home = None;
            entry.led_to = None;
        }
    }

    /// Where a tunnel leads that belongs to another cluster than the one that is watched; none where it does not.
    pub(super) fn led_elsewhere(&mut self, id: &TunnelId) -> Option<Result<Outlet, Fault>> {
        let cluster = &self.cluster.as_ref()?.current;
        let entry = self.tunnels.get_mut(id)?;
        let is_unread = cluster.services.is_empty() && entry.led_to.is_none();
        if is_unread || entry.home.as_ref()?.is(cluster) {
            return None;
        }
        let reason = belongs_elsewhere(&entry.spec.host);
        if let Some((_, why)) = &mut entry.route {
            why.clone_from(&reason);
        }
        Some(match &entry.led_to {
            Some(outlet) => Ok(outlet.clone()),
            None => Err(Fault::cluster(FaultCause::ClusterUnavailable {
                reason,
                hint: None,
            })),
        })
    }

    /// The service of a tunnel was found: it is at home where that was.
    pub(super) fn found_at_home(&mut self, id: &TunnelId, outlet: &Outlet) {
        let Some(cluster) = &self.cluster else {
            return;
        };
        let home = Home::of(&cluster.current);
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        if !matches!(entry.spec.target, Target::Service { .. }) {
            return;
        }
        entry.led_to = Some(outlet.clone());
        if entry.home.as_ref() != Some(&home) {
            entry.home = Some(home);
            self.note_wanted(id);
        }
    }
}

fn belongs_elsewhere(host: &HostId) -> Words {
    words!(
        "it belongs to the cluster that was shown when it was opened through {host}, not to the one that is shown now",
        host = host.as_str()
    )
}
