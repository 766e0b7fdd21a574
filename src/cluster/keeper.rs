//! The one task that owns the view: it connects, runs the feeds, and publishes what comes of them.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::model::{ClusterSource, ClusterState, ClusterStatus};

use super::access::Access;
use super::connect_fault::of_connect;
use super::connection::Connection;
use super::kubeconfig::Fingerprint;
use super::resource::Scope;
use super::session::{Ended, Session};
use super::timing::{Backoff, Timing};
use super::view::View;

/// Watches `source` until its task is dropped.
pub(super) async fn keep(
    source: ClusterSource,
    access: Arc<Access>,
    timing: Timing,
    status: watch::Sender<Arc<ClusterStatus>>,
) {
    let paths = access.paths().to_vec();
    let mut keeper = Keeper {
        view: View::default(),
        shown: ClusterStatus {
            source: source.clone(),
            state: ClusterState::Loading,
            ..ClusterStatus::default()
        },
        status,
        timing,
    };
    let mut backoff = Backoff::new(&timing);
    loop {
        let files = Fingerprint::of(&paths);
        // Asked for before the try, so that what changes during it is not missed.
        let changed = access.changed();
        match Connection::open(Arc::clone(&access), source.context.as_deref()).await {
            Ok(connection) => {
                backoff.reset();
                keeper.follow(Arc::new(connection), &paths, &files).await;
            }
            Err(error) => {
                let fault = of_connect(&error);
                tracing::debug!(%error, "no connection to the cluster");
                let pause = if error.takes_person() {
                    keeper.forget(ClusterState::Failed(fault));
                    error.look_again().then_some(timing.denied_retry)
                } else {
                    keeper.show(ClusterState::Stale(fault));
                    Some(backoff.next())
                };
                tokio::select! {
                    () = wait_for_change(&paths, &files, &timing, pause) => {}
                    () = changed => {}
                }
            }
        }
    }
}

/// Returns when the files differ from `files`, and after `pause` at the latest.
async fn wait_for_change(
    paths: &[std::path::PathBuf],
    files: &Fingerprint,
    timing: &Timing,
    pause: Option<Duration>,
) {
    let changed = async {
        while Fingerprint::of(paths) == *files {
            tokio::time::sleep(timing.file_poll).await;
        }
    };
    match pause {
        None => changed.await,
        Some(pause) => drop(timeout(pause, changed).await),
    }
}

/// The view and what was published of it.
pub(super) struct Keeper {
    pub(super) view: View,
    pub(super) shown: ClusterStatus,
    status: watch::Sender<Arc<ClusterStatus>>,
    pub(super) timing: Timing,
}

impl Keeper {
    /// Follows one cluster, first in all namespaces, then, if that is not allowed, in the context's own.
    async fn follow(
        &mut self,
        connection: Arc<Connection>,
        paths: &[std::path::PathBuf],
        files: &Fingerprint,
    ) {
        let server = printable(&connection.server);
        if self
            .shown
            .server
            .as_ref()
            .is_some_and(|known| *known != server)
        {
            // Another cluster: what is known is of the old one.
            self.forget(ClusterState::Loading);
        }
        self.shown.context = Some(printable(&connection.context));
        self.shown.server = Some(server);
        if matches!(self.shown.state, ClusterState::Failed(_)) {
            self.shown.state = ClusterState::Loading;
        }
        self.publish();
        let mut scope = Scope::All;
        loop {
            let is_narrow = scope != Scope::All;
            if self.view.is_narrow() != is_narrow {
                self.view = View::new(is_narrow);
            }
            let mut session = Session::start(connection.clone(), scope, self.timing);
            match session.run(self, paths, files).await {
                Ended::FilesChanged => return,
                Ended::Narrow => scope = Scope::Namespace(connection.namespace.clone()),
            }
        }
    }

    /// Drops the view.
    fn forget(&mut self, state: ClusterState) {
        self.view = View::default();
        self.shown = ClusterStatus {
            source: self.shown.source.clone(),
            state,
            ..ClusterStatus::default()
        };
        self.publish();
    }

    fn show(&mut self, state: ClusterState) {
        if self.shown.state != state {
            self.shown.state = state;
            self.publish();
        }
    }

    pub(super) fn publish(&self) {
        self.status.send_if_modified(|status| {
            let differs = **status != self.shown;
            if differs {
                *status = Arc::new(self.shown.clone());
            }
            differs
        });
    }
}

fn printable(text: &str) -> String {
    crate::model::printable(text).into_owned()
}
