//! Counters of one tunnel, written by the sessions' threads and read by the engine.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::model::Traffic;

/// One connection of a tunnel and what has gone through it.
#[derive(Debug)]
pub struct Counted {
    number: u64,
    peer: Option<SocketAddr>,
    opened: Instant,
    down_bytes: AtomicU64,
    up_bytes: AtomicU64,
}

impl Counted {
    /// Where the client is, where it came by TCP.
    #[must_use]
    pub const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// When its channel was opened.
    #[must_use]
    pub const fn opened(&self) -> Instant {
        self.opened
    }

    /// Bytes from the target to the client.
    #[must_use]
    pub fn down_bytes(&self) -> u64 {
        self.down_bytes.load(Ordering::Relaxed)
    }

    /// Bytes from the client to the target.
    #[must_use]
    pub fn up_bytes(&self) -> u64 {
        self.up_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn add_down(&self, bytes: usize) {
        self.down_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn add_up(&self, bytes: usize) {
        self.up_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What has gone through one tunnel. Counters only: no other memory is published through them, so relaxed order is enough.
#[derive(Debug, Default)]
pub struct Meter {
    /// The connections that are open, oldest first. Locked when one begins or ends, and never while bytes move.
    open: Mutex<BTreeMap<u64, Arc<Counted>>>,
    down_bytes: AtomicU64,
    up_bytes: AtomicU64,
    connections: AtomicU32,
    connections_total: AtomicU64,
    refused_total: AtomicU64,
    /// Whoever reads the counters has stopped doing so, and wants to be told when they move again.
    resting: AtomicBool,
    stirred: Arc<Notify>,
}

impl Meter {
    /// Counters at zero. `stirred` is rung when they move after [`Self::rest`].
    #[must_use]
    pub fn new(stirred: Arc<Notify>) -> Self {
        Self {
            resting: AtomicBool::new(true),
            stirred,
            ..Self::default()
        }
    }

    /// The reader will not look again until it is told.
    pub fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
    }

    fn stir(&self) {
        if self.resting.load(Ordering::Relaxed) && self.resting.swap(false, Ordering::SeqCst) {
            self.stirred.notify_one();
        }
    }

    /// The counters as they are now.
    #[must_use]
    pub fn read(&self) -> Traffic {
        Traffic {
            down_bytes: self.down_bytes.load(Ordering::Relaxed),
            up_bytes: self.up_bytes.load(Ordering::Relaxed),
            connections: self.connections.load(Ordering::Relaxed),
            connections_total: self.connections_total.load(Ordering::Relaxed),
            refused_total: self.refused_total.load(Ordering::Relaxed),
        }
    }

    pub(super) fn add_down(&self, bytes: usize) {
        self.down_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.stir();
    }

    pub(super) fn add_up(&self, bytes: usize) {
        self.up_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.stir();
    }

    /// A connection could not be carried to the target.
    pub fn refused(&self) {
        self.refused_total.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    /// The newest connections that are open, newest first.
    #[must_use]
    pub fn newest(&self, most: usize) -> Vec<Arc<Counted>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().rev().take(most).cloned().collect()
    }

    pub(super) fn opened(&self, peer: Option<SocketAddr>) -> Arc<Counted> {
        self.connections.fetch_add(1, Ordering::Relaxed);
        let number = self.connections_total.fetch_add(1, Ordering::Relaxed);
        let counted = Arc::new(Counted {
            number,
            peer,
            opened: Instant::now(),
            down_bytes: AtomicU64::new(0),
            up_bytes: AtomicU64::new(0),
        });
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(number, Arc::clone(&counted));
        drop(open);
        self.stir();
        counted
    }

    pub(super) fn closed(&self, counted: &Counted) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(&counted.number);
        drop(open);
        self.connections.fetch_sub(1, Ordering::Relaxed);
        self.stir();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_connections_come_first_and_ended_ones_go() {
        let meter = Meter::new(Arc::default());
        let peers: Vec<SocketAddr> = (1..=4)
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .collect();
        let open: Vec<_> = peers.iter().map(|peer| meter.opened(Some(*peer))).collect();
        meter.closed(&open[2]);
        open[3].add_down(5);
        open[3].add_up(7);
        let newest = meter.newest(2);
        let shown: Vec<_> = newest.iter().map(|counted| counted.peer()).collect();
        assert_eq!(shown, [Some(peers[3]), Some(peers[1])]);
        assert_eq!((newest[0].down_bytes(), newest[0].up_bytes()), (5, 7));
        assert_eq!(meter.read().connections, 3);
    }
}
