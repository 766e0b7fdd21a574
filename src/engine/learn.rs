//! What a host says of itself: asked once for each host while a cluster is watched, since whether it is a node decides which
//! route works. A host that only forwards, for `adit forward`, is never asked anything.

use std::sync::Arc;

use super::effects::report;
use super::happening::Happening;
use super::host::Host;
use super::supervisor::Supervisor;
use crate::model::{HostFacts, HostId};
use crate::ssh::{ExecLimits, Session};

/// More than the addresses of any host.
const OUTPUT_BYTES: usize = 64 * 1024;

/// Whether a host has been asked.
#[derive(Debug, Default)]
pub(super) enum Said {
    /// Not yet.
    #[default]
    Nothing,
    /// The answer is on its way.
    Asked,
    /// This; empty, where the host does not run commands.
    Facts(HostFacts),
}

impl Said {
    pub(super) const fn facts(&self) -> Option<&HostFacts> {
        match self {
            Self::Facts(facts) => Some(facts),
            Self::Nothing | Self::Asked => None,
        }
    }
}

impl Supervisor {
    /// Asks each host whose link stands and that was not asked.
    pub(super) fn ask_hosts(&mut self) {
        if self.cluster.is_none() {
            return;
        }
        let happenings = &self.happenings;
        for host in &mut self.hosts {
            let Some(session) = session_to_ask(host) else {
                continue;
            };
            let limits = ExecLimits {
                output_bytes: OUTPUT_BYTES,
                ..ExecLimits::default()
            };
            let running = session.exec(HostFacts::COMMAND, limits);
            drop(session);
            host.said = Said::Asked;
            let (id, happenings) = (host.profile.id.clone(), happenings.clone());
            host.spawn(async move {
                let facts = match running.await {
                    Ok(output) => HostFacts::parse(&String::from_utf8_lossy(&output.stdout)),
                    Err(error) => {
                        tracing::debug!(%error, "{id} does not tell its addresses");
                        HostFacts::default()
                    }
                };
                report(&happenings, Happening::Said(id, facts)).await;
            });
        }
    }

    /// A host has told its addresses: other routes may be the ones that work.
    pub(super) async fn said(&mut self, id: &HostId, facts: HostFacts) {
        if let Some(host) = self.host_mut(id) {
            host.said = Said::Facts(facts);
            self.targets_may_have_moved().await;
        }
    }
}

fn session_to_ask(host: &Host) -> Option<Arc<Session>> {
    match (&host.said, &host.pool) {
        (Said::Nothing, Some(pool)) => pool.pick(None),
        _ => None,
    }
}
