//! L1: a live view of one cluster's LoadBalancer services, from any kubeconfig.
//!
//! [`watch()`] starts a task that owns the view and publishes it as immutable [`ClusterStatus`]es. It heals by itself: what
//! cannot be reached or is refused is tried again, and only what takes the person (no kubeconfig, no such context) waits for
//! the kubeconfig to change.
//!
//! From the outside in: `kubeconfig` and `exec` find out where and as whom to ask; `dial` opens sockets; `connection` makes
//! a client on top of any dialler; `discovery` finds out which of MetalLB's kinds there are; a `feed` follows one resource,
//! with a fault of its own, over `wire`, which reads with limits; `records` says what is kept of an object; `view`,
//! `surroundings` and `assemble` are pure and turn records into services, with what [`crate::diagnosis`] finds out about
//! them; a `session` runs the feeds, and `keeper` the sessions.
//!
//! This module knows nothing of SSH: where the API is to be reached through a host, it is handed a dialler for that.

mod addresses;
mod assemble;
mod connect_fault;
mod connection;
mod dial;
mod discovery;
mod exec;
mod fault;
mod feed;
mod feed_error;
mod keeper;
mod kubeconfig;
mod pulse;
mod records;
mod report;
mod resource;
mod role;
mod session;
mod sight;
mod streaming;
mod surroundings;
mod timing;
mod update;
mod view;
mod wire;

#[cfg(test)]
mod access_tests;
#[cfg(test)]
mod bench_tests;
#[cfg(test)]
mod fake_api;
#[cfg(test)]
mod fuzz_tests;
#[cfg(test)]
mod metallb_tests;
#[cfg(test)]
mod recorded_tests;
#[cfg(test)]
mod surroundings_tests;
#[cfg(test)]
mod tls_tests;
#[cfg(test)]
mod watch_tests;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::model::{ClusterSource, ClusterState, ClusterStatus};

use timing::Timing;

/// A cluster that is being watched. Dropping it ends everything that was started for it.
#[derive(Debug)]
pub struct Watcher {
    status: watch::Receiver<Arc<ClusterStatus>>,
    task: AbortHandle,
}

impl Watcher {
    /// The view, and every later one. A receiver that looks seldom misses steps in between, never the newest.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Arc<ClusterStatus>> {
        self.status.clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts to watch the cluster that `source` names, and returns at once.
///
/// # Panics
/// Outside of a tokio runtime.
#[must_use]
pub fn watch(source: ClusterSource) -> Watcher {
    watch_with(source, Timing::default())
}

fn watch_with(source: ClusterSource, timing: Timing) -> Watcher {
    let first = ClusterStatus {
        source: source.clone(),
        state: ClusterState::Loading,
        ..ClusterStatus::default()
    };
    let (sender, status) = watch::channel(Arc::new(first));
    let task = tokio::spawn(keeper::keep(source, timing, sender)).abort_handle();
    Watcher { status, task }
}
