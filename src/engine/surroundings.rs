//! What follows when this computer wakes from sleep or its network changes: nobody waits for what can be tried now.

use super::happening::Happening;
use super::link::{LinkEvent, LinkPhase};
use super::supervisor::Supervisor;
use crate::model::{HostId, Surroundings};
use crate::net::Sensor;

impl Supervisor {
    /// The surroundings are watched while a link is wanted, and only then: an idle program does not wake up.
    pub(super) fn mind_surroundings(&mut self) {
        let is_idle = |phase: &LinkPhase| matches!(phase, LinkPhase::Idle | LinkPhase::Failed(_));
        if self.hosts.iter().all(|host| is_idle(&host.link.phase)) {
            self.sensor = None;
        } else if self.sensor.is_none() {
            let happenings = self.happenings.clone();
            self.sensor = Some(Sensor::start(move |change| {
                let happenings = happenings.clone();
                async move {
                    happenings
                        .send(Happening::Surroundings(change))
                        .await
                        .is_ok()
                }
            }));
        }
    }

    /// Links that wait are tried at once; of those that stand a sign of life is asked, and it had better come soon.
    pub(super) async fn surroundings_changed(&mut self, change: Surroundings) {
        tracing::info!(?change, "the surroundings have changed");
        let mut waiting: Vec<HostId> = Vec::new();
        for host in &self.hosts {
            match &host.link.phase {
                LinkPhase::Waiting { .. } => waiting.push(host.profile.id.clone()),
                LinkPhase::Up { .. } => {
                    let sessions = host.pool.iter().flat_map(|pool| pool.sessions().to_vec());
                    sessions.for_each(|session| session.verify());
                }
                LinkPhase::Idle | LinkPhase::Dialing { .. } | LinkPhase::Failed(_) => {}
            }
        }
        for id in waiting {
            self.turns.take(id.clone());
            self.step_link(&id, LinkEvent::Retry).await;
        }
    }
}
