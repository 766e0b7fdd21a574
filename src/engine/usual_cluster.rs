//! The cluster that is watched where nobody has named one: kubectl's own. A person who has a kubeconfig on this computer sees its
//! services at once; one who has none is shown how to begin.

use super::effects::report;
use super::happening::Happening;
use super::supervisor::Supervisor;
use crate::cluster;
use crate::model::ClusterSource;

impl Supervisor {
    /// Looks whether there is such a cluster. Saved hosts come first: once they are known, or cannot be.
    pub(super) fn look_for_cluster(&self) {
        let Some(source) = self.remembered.options.usual_cluster.clone() else {
            return;
        };
        if self.cluster.is_some() {
            return;
        }
        let happenings = self.happenings.clone();
        tokio::spawn(async move {
            let named = source.clone();
            // One that makes no sense is left alone: whoever only forwards ports has no use for words about it.
            let look = tokio::task::spawn_blocking(move || cluster::makes_sense(&named));
            if look.await.is_ok_and(|makes_sense| makes_sense) {
                report(&happenings, Happening::UsualCluster(source)).await;
            }
        });
    }

    pub(super) async fn found_usual_cluster(&mut self, source: ClusterSource) {
        // One that was named meanwhile is what the person wants.
        if self.cluster.is_none() {
            self.use_cluster(source).await;
        }
    }
}
