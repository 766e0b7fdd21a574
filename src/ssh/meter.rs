//! Counters of one tunnel, written by the sessions' threads and read by the engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::model::Traffic;

/// What has gone through one tunnel. Counters only: no other memory is published through them, so relaxed order is enough.
#[derive(Debug, Default)]
pub struct Meter {
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

    pub(super) fn opened(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
        self.connections_total.fetch_add(1, Ordering::Relaxed);
        self.stir();
    }

    pub(super) fn closed(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
        self.stir();
    }
}
