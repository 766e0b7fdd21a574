//! What the watcher's tests share: a server on loopback, a kubeconfig that leads to it, and eyes on what is published.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::watch;

use crate::model::{ClusterFault, ClusterSource, ClusterState, ClusterStatus, ServiceKey};

use super::Watcher;
use super::fake_api::FakeApi;
use super::timing::Timing;

/// Longer than any step takes; a test that waits for so long has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn quick() -> Timing {
    Timing {
        retry_min: Duration::from_millis(20),
        retry_max: Duration::from_millis(100),
        denied_retry: Duration::from_millis(50),
        file_poll: Duration::from_millis(20),
        ..Timing::default()
    }
}

pub(super) struct Bench {
    pub(super) api: FakeApi,
    pub(super) folder: TempDir,
}

impl Bench {
    pub(super) async fn new() -> Self {
        let bench = Self::over(FakeApi::start().await);
        bench.write_kubeconfig("token: good");
        bench
    }

    /// Without a kubeconfig.
    pub(super) fn over(api: FakeApi) -> Self {
        let folder = TempDir::new().unwrap();
        Self { api, folder }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub(super) fn write_kubeconfig(&self, user: &str) {
        write_kubeconfig(&self.path(), &format!("http://{}", self.api.address), user);
    }

    pub(super) fn source(&self) -> ClusterSource {
        ClusterSource::local(Some(self.path()), None)
    }

    pub(super) fn watch(&self) -> Seen {
        self.watch_with(quick())
    }

    pub(super) fn watch_with(&self, timing: Timing) -> Seen {
        Seen::of(super::watch_with(self.source(), None, timing))
    }
}

pub(super) fn write_kubeconfig(path: &Path, server: &str, user: &str) {
    let text = format!(
        "current-context: lab\n\
         clusters: [{{name: c, cluster: {{server: '{server}'}}}}]\n\
         contexts: [{{name: lab, context: {{cluster: c, user: u, namespace: shop}}}}]\n\
         users: [{{name: u, user: {{{user}}}}}]\n"
    );
    // Renamed into place, as kubectl does: nobody ever reads half a file.
    let draft = path.with_extension("draft");
    fs::write(&draft, text).unwrap();
    fs::rename(draft, path).unwrap();
}

pub(super) struct Seen {
    pub(super) status: watch::Receiver<Arc<ClusterStatus>>,
    _watcher: Watcher,
}

impl Seen {
    pub(super) fn of(watcher: Watcher) -> Self {
        Self {
            status: watcher.status(),
            _watcher: watcher,
        }
    }

    pub(super) async fn until(
        &mut self,
        what: &str,
        wanted: impl Fn(&ClusterStatus) -> bool,
    ) -> Arc<ClusterStatus> {
        let waiting = self.status.wait_for(|status| wanted(status));
        if let Ok(status) = tokio::time::timeout(PATIENCE, waiting).await {
            return status.unwrap().clone();
        }
        let last = self.status.borrow().clone();
        panic!(
            "{what}: {:?}, {} services, gaps {:?}",
            last.state,
            last.services.len(),
            last.gaps
        );
    }

    pub(super) async fn live(&mut self) -> Arc<ClusterStatus> {
        self.until("live", |status| status.state == ClusterState::Live)
            .await
    }

    pub(super) async fn stale(&mut self) -> (Arc<ClusterStatus>, ClusterFault) {
        let status = self
            .until("stale", |status| {
                matches!(status.state, ClusterState::Stale(_))
            })
            .await;
        let ClusterState::Stale(fault) = status.state.clone() else {
            unreachable!("it was waited for");
        };
        (status, fault)
    }
}

pub(super) fn ready(status: &ClusterStatus, name: &str) -> Option<usize> {
    let key: ServiceKey = name.parse().unwrap();
    let service = status.services.get(&key)?;
    Some(service.pods.iter().filter(|pod| pod.ready).count())
}

/// Services in the recorded lists, of which 28 are of type LoadBalancer.
pub(super) const ALL_SERVICES: usize = 37;
