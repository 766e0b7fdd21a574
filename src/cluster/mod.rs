//! L1: a live view of one cluster's LoadBalancer services, from any kubeconfig.
//!
//! [`watch()`] starts a task that owns the view and publishes it as immutable [`ClusterStatus`]es. It heals by itself: what
//! cannot be reached or is refused is tried again, and only what takes the person (no kubeconfig, no such context) waits for
//! the kubeconfig to change.
//!
//! From the outside in: `kubeconfig` and `exec` find out where and as whom to ask; `dial` opens sockets, `gateway` streams
//! through an SSH host, where `remote` reads the kubeconfig too; `access` is that choice; `connection` makes
//! a client on top of any dialler; `discovery` finds out which of MetalLB's kinds there are; a `feed` follows one resource,
//! with a fault of its own, over `wire`, which reads with limits; `records` says what is kept of an object; `view`,
//! `surroundings` and `assemble` are pure and turn records into services, with what [`crate::diagnosis`] finds out about
//! them; a `session` runs the feeds, and `keeper` the sessions.
//!
//! This module knows nothing of SSH: where the API is to be reached through a host, it is handed a dialler for that.

mod access;
mod addresses;
mod assemble;
mod certificate;
mod checkup;
mod connect_fault;
mod connection;
mod dial;
mod discovery;
mod exec;
mod export;
mod fault;
mod feed;
mod feed_error;
mod gateway;
mod keeper;
mod kubeconfig;
mod pulse;
mod records;
mod remote;
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
mod remote_tests;
#[cfg(test)]
mod surroundings_tests;
#[cfg(test)]
mod tls_tests;
#[cfg(test)]
mod watch_tests;
#[cfg(test)]
mod way_tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::model::{ClusterFault, ClusterSource, ClusterState, ClusterStatus, Secret};

use access::Access;
use timing::Timing;

pub use checkup::checkup;
pub use gateway::{ByteStream, Gateway, GatewayError, Ran};
pub use kubeconfig::makes_sense;

/// A cluster that is being watched. Dropping it ends everything that was started for it.
#[derive(Debug)]
pub struct Watcher {
    status: watch::Receiver<Arc<ClusterStatus>>,
    access: Arc<Access>,
    task: AbortHandle,
}

impl Watcher {
    /// The view, and every later one. A receiver that looks seldom misses steps in between, never the newest.
    #[must_use]
    pub fn status(&self) -> watch::Receiver<Arc<ClusterStatus>> {
        self.status.clone()
    }

    /// A kubeconfig for other programs, by which they reach the API server through a port of this computer that leads there.
    /// It holds all credentials of the context, and nothing else.
    ///
    /// # Errors
    /// What keeps the kubeconfig from being read.
    pub fn kubeconfig_by(
        &self,
        local: SocketAddr,
    ) -> impl Future<Output = Result<Secret, ClusterFault>> + Send + use<> {
        let access = Arc::clone(&self.access);
        let context = self.status.borrow().source.context.clone();
        async move { export::by_port(&access, context.as_deref(), local).await }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts to watch the cluster that `source` names, and returns at once. With a `gateway` its API server is reached through
/// that, and a kubeconfig that is on the host is read there.
///
/// # Panics
/// Outside of a tokio runtime.
#[must_use]
pub fn watch(source: ClusterSource, gateway: Option<Arc<dyn Gateway>>) -> Watcher {
    watch_with(source, gateway, Timing::default())
}

fn watch_with(source: ClusterSource, gateway: Option<Arc<dyn Gateway>>, timing: Timing) -> Watcher {
    let first = ClusterStatus {
        source: source.clone(),
        state: ClusterState::Loading,
        ..ClusterStatus::default()
    };
    let (sender, status) = watch::channel(Arc::new(first));
    let access = Arc::new(Access::new(&source, gateway));
    let keep = keeper::keep(source, Arc::clone(&access), timing, sender);
    let task = tokio::spawn(keep).abort_handle();
    Watcher {
        status,
        access,
        task,
    }
}
