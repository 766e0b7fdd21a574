//! `v1` Pod: what EndpointSlices do not tell of it.

use std::sync::Arc;

use serde::Deserialize;

use super::{Identity, Interner, Metadata, Object, null_as_default};

/// `v1` Pod.
#[derive(Clone, Debug, Deserialize)]
pub(in crate::cluster) struct Pod {
    metadata: Metadata,
    #[serde(default)]
    spec: PodSpec,
    #[serde(default)]
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    node_name: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    #[serde(deserialize_with = "null_as_default")]
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

/// What is kept of a Pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cluster) struct KeptPod {
    pub(in crate::cluster) node: Option<Arc<str>>,
    /// What it is doing, in the word `kubectl get pods` uses: `Running`, `Pending`, `CrashLoopBackOff`, `Terminating`.
    pub(in crate::cluster) doing: Arc<str>,
}

impl Object for Pod {
    type Kept = KeptPod;

    fn identity(&self) -> Identity<'_> {
        self.metadata.identity()
    }

    fn keep(self, names: &mut Interner) -> Option<KeptPod> {
        let waiting = self
            .status
            .container_statuses
            .into_iter()
            .find_map(|container| container.state.waiting);
        let doing = if self.metadata.deletion_timestamp.is_some() {
            "Terminating"
        } else if let Some(waiting) = waiting
            .as_ref()
            .filter(|waiting| !waiting.reason.is_empty())
        {
            &waiting.reason
        } else {
            &self.status.phase
        };
        Some(KeptPod {
            node: self.spec.node_name.map(|node| names.share(&node)),
            doing: names.share(doing),
        })
    }
}
