//! Who is connected to a tunnel: gathered while bytes move, named when a face asks.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::happening::Happening;
use super::supervisor::Supervisor;
use crate::model::{CONNECTIONS_SHOWN, Client, Connection, ListenAddress, Moment, TunnelId};
use crate::net;
use crate::ssh::Meter;

/// The connections of one tunnel.
#[derive(Default)]
pub(super) struct Clients {
    shown: Arc<[Connection]>,
    /// What is known of clients that are connected.
    named: HashMap<SocketAddr, Client>,
    /// Some are being looked for.
    is_naming: bool,
}

impl Clients {
    /// The newest ones, as they were read last.
    pub(super) const fn shown(&self) -> &Arc<[Connection]> {
        &self.shown
    }

    /// Reads them anew. The counters keep the system's time, the snapshot the engine's, which is `now`.
    pub(super) fn read(&mut self, meter: &Meter, now: Moment) {
        let newest = meter.newest(CONNECTIONS_SHOWN);
        if newest.is_empty() && self.shown.is_empty() {
            return;
        }
        let peers: Vec<SocketAddr> = newest.iter().filter_map(|counted| counted.peer()).collect();
        self.named.retain(|peer, _| peers.contains(peer));
        let connection = |counted: &crate::ssh::Counted| {
            let known = counted
                .peer()
                .map_or(Some(&Client::Unknown), |peer| self.named.get(&peer));
            Connection {
                peer: counted.peer(),
                client: known.cloned().unwrap_or_default(),
                since: now.before(counted.opened().elapsed()),
                down_bytes: counted.down_bytes(),
                up_bytes: counted.up_bytes(),
            }
        };
        self.shown = newest.iter().map(|counted| connection(counted)).collect();
    }

    /// The clients to look for now; none while some are looked for.
    fn unnamed(&mut self) -> Vec<SocketAddr> {
        if self.is_naming {
            return Vec::new();
        }
        let unasked = self
            .shown
            .iter()
            .filter(|shown| shown.client == Client::Unasked);
        let unasked: Vec<SocketAddr> = unasked.filter_map(|shown| shown.peer).collect();
        self.is_naming = !unasked.is_empty();
        unasked
    }

    fn name(&mut self, named: Vec<(SocketAddr, Client)>) {
        self.is_naming = false;
        self.named.extend(named);
        let name = |shown: &Connection| {
            let known = shown.peer.and_then(|peer| self.named.get(&peer));
            Connection {
                client: known.unwrap_or(&shown.client).clone(),
                ..shown.clone()
            }
        };
        self.shown = self.shown.iter().map(name).collect();
    }
}

impl Supervisor {
    /// Looks for the programs behind a tunnel's connections, off this thread: it reads what every process has open.
    pub(super) fn name_clients(&mut self, id: &TunnelId) {
        let Some(entry) = self.tunnels.get_mut(id) else {
            return;
        };
        let peers = entry.clients.unnamed();
        if peers.is_empty() {
            return;
        }
        let listening = entry.listening.iter().filter_map(|listen| match listen {
            ListenAddress::Tcp(address) => Some(address.port()),
            ListenAddress::Socket(_) => None,
        });
        let ports: Vec<u16> = listening.collect();
        let (happenings, id) = (self.happenings.clone(), id.clone());
        spawn_blocking(move || {
            let named = net::programs_of(&peers, &ports);
            if happenings
                .blocking_send(Happening::ClientsNamed(id, named))
                .is_err()
            {
                tracing::debug!("clients were named after the engine's end");
            }
        });
    }

    pub(super) fn clients_named(&mut self, id: &TunnelId, named: Vec<(SocketAddr, Client)>) {
        if let Some(entry) = self.tunnels.get_mut(id) {
            entry.clients.name(named);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PortHolder;

    fn program() -> Client {
        Client::Program(PortHolder {
            pid: 7,
            name: "curl".to_owned(),
        })
    }

    #[test]
    fn clients_are_asked_for_once_and_keep_their_names() {
        let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
        let connection = |client| Connection {
            peer: Some(peer),
            client,
            since: Moment::START,
            down_bytes: 0,
            up_bytes: 0,
        };
        let mut clients = Clients {
            shown: [connection(Client::Unasked)].into(),
            ..Clients::default()
        };
        assert_eq!(clients.unnamed(), [peer]);
        assert!(clients.unnamed().is_empty(), "one search at a time");
        clients.name(vec![(peer, program())]);
        assert_eq!(*clients.shown, [connection(program())]);
        assert!(clients.unnamed().is_empty(), "it is known");
    }
}
