//! What the engine may read and write of what is remembered between runs.

use std::path::PathBuf;

use crate::model::ClusterSource;
use crate::vault::VaultOptions;

/// What is remembered between runs. One-shot commands must not touch what the window and the agent keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// Nothing is read or written: the demo, and tests.
    #[default]
    Nothing,
    /// Hosts and secrets of the keyring, each when it is needed, but no settings: a command in a terminal.
    Hosts,
    /// Everything, tunnels that are wanted included: the window and the agent.
    Everything,
}

/// How the engine starts.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// What is remembered.
    pub memory: Memory,
    /// Where in the keyring; none is where the environment says.
    pub vault: Option<VaultOptions>,
    /// The folder of the settings; none is where the environment says.
    pub config_dir: Option<PathBuf>,
    /// The cluster to watch where the person has named none and no saved host has one, if its kubeconfig makes sense.
    pub usual_cluster: Option<ClusterSource>,
}

impl EngineOptions {
    /// Options with this memory, in the places that the environment names.
    #[must_use]
    pub fn of_environment(memory: Memory) -> Self {
        Self {
            memory,
            // Who runs one command says what it is about.
            usual_cluster: (memory == Memory::Everything).then(ClusterSource::default),
            ..Self::default()
        }
    }
}
