//! An engine within the test's own process, and waiting for what it comes to.

use std::sync::Arc;

use adit::engine::Handle;
use adit::model::{ClusterState, HostId, HostProfile, Snapshot};

use super::LIMIT;
use super::sshd::{Sshd, user};

/// How the test's sshd is logged in to, as the host `name`.
pub(crate) fn profile(sshd: &Sshd, name: &str) -> HostProfile {
    HostProfile {
        id: HostId::new(name),
        identities: vec![sshd.key()],
        use_agent: false,
        known_hosts: vec![sshd.known_hosts()],
        ..HostProfile::new(&user(), "127.0.0.1", sshd.port())
    }
}

/// Waits until the engine has come to what is wanted.
pub(crate) async fn until(
    handle: &mut Handle,
    what: &str,
    wanted: impl Fn(&Snapshot) -> bool,
) -> Arc<Snapshot> {
    let waiting = async {
        let mut snapshot = handle.snapshot();
        while !wanted(&snapshot) {
            snapshot = handle.changed().await.unwrap();
        }
        snapshot
    };
    let snapshot = tokio::time::timeout(LIMIT * 2, waiting).await;
    snapshot.unwrap_or_else(|_elapsed| panic!("{what}: {:?}", handle.snapshot()))
}

/// Whether the cluster is followed.
pub(crate) fn is_live(snapshot: &Snapshot) -> bool {
    snapshot.cluster.state == ClusterState::Live
}
