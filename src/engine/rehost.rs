//! A tunnel that moves to another host.

use super::supervisor::Supervisor;
use super::tunnel::Event;
use crate::model::{HostId, TunnelId};

impl Supervisor {
    /// Has another host carry a tunnel. One that is up loses its connections and comes back through the new host.
    pub(super) async fn set_tunnel_host(&mut self, id: &TunnelId, host: HostId) {
        if let Some(entry) = self.tunnels.get_mut(id)
            && entry.spec.host != host
        {
            entry.spec.host = host;
            self.step_tunnel(id, Event::Moved).await;
        }
    }
}
