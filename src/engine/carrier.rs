//! The accepting side of a tunnel: clients come in, and are carried or reset.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::effects::report;
use super::happening::Happening;
use super::pool::Pool;
use super::socks;
use crate::model::{Destination, Outlet, TunnelId};
use crate::net::{Accepted, Arrival, Listener};
use crate::ssh::{Client, Meter, Preface, Socket};

/// Where clients are carried at the moment.
#[derive(Clone)]
pub(super) struct Carrier {
    pub(super) pool: Arc<Pool>,
    pub(super) outlet: Outlet,
    pub(super) tunnel: u64,
    pub(super) meter: Arc<Meter>,
}

/// The task that accepts a tunnel's clients.
pub(super) struct Accepting {
    task: JoinHandle<()>,
    carrier: watch::Sender<Option<Carrier>>,
}

impl Accepting {
    /// Starts accepting for this tunnel. Until it is told to carry, clients are reset: an open port that leads nowhere must not look
    /// open.
    pub(super) fn start(
        mut listener: Listener,
        id: TunnelId,
        happenings: mpsc::Sender<Happening>,
    ) -> Self {
        let (carrier, current) = watch::channel(None);
        let task = tokio::spawn(async move {
            // Clients that wait for a session go with the tunnel.
            let mut waiting = JoinSet::new();
            loop {
                let turned_away = match listener.next().await {
                    Arrival::Client(client) => {
                        while waiting.try_join_next().is_some() {}
                        let carrier = current.borrow().clone();
                        receive(client, carrier, &mut waiting);
                        continue;
                    }
                    Arrival::TurningAway(error) => Some(error.to_string()),
                    Arrival::Accepting => None,
                };
                report(&happenings, Happening::TurnedAway(id.clone(), turned_away)).await;
            }
        });
        Self { task, carrier }
    }

    /// From now on clients are carried so.
    pub(super) fn carry(&self, carrier: Carrier) {
        self.carrier.send_replace(Some(carrier));
    }

    /// From now on clients are reset.
    pub(super) fn stop_carrying(&self) {
        self.carrier.send_replace(None);
    }

    /// Stops accepting. When this returns the port is free.
    pub(super) async fn end(self) {
        self.task.abort();
        if let Err(error) = self.task.await
            && error.is_panic()
        {
            tracing::error!(%error, "the task that accepts clients had panicked");
        }
    }
}

fn receive(client: Accepted, carrier: Option<Carrier>, waiting: &mut JoinSet<()>) {
    let (socket, origin) = match client {
        Accepted::Tcp(stream, origin) => (Socket::Tcp(stream), Some(origin)),
        #[cfg(unix)]
        Accepted::Unix(stream) => (Socket::Unix(stream), None),
    };
    let Some(carrier) = carrier else {
        return socket.reset();
    };
    waiting.spawn(async move {
        match &carrier.outlet {
            Outlet::To(destination) => {
                carrier.hand_over(socket, origin, destination, None).await;
            }
            Outlet::Socks => socks::receive(socket, origin, carrier).await,
        }
    });
}

impl Carrier {
    /// Has a session carry a client to `destination`; without one the client is reset.
    pub(super) async fn hand_over(
        &self,
        socket: Socket,
        origin: Option<SocketAddr>,
        destination: &Destination,
        preface: Option<Preface>,
    ) {
        let Some(session) = self.pool.pick_for_client(destination).await else {
            self.meter.refused();
            return socket.reset();
        };
        let client = Client {
            socket,
            origin,
            tunnel: self.tunnel,
            preface,
            siblings: Some(Arc::<Pool>::downgrade(&self.pool)),
        };
        session.carry(client, destination, Arc::clone(&self.meter));
    }
}
