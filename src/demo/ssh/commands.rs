//! The commands that the SSH host knows. There is no shell behind it: what Adit asks of a host is known word for word, and all
//! else is not found.

use crate::demo::net::HOST_ADDRESSES;
use crate::model::{HostFacts, find_kubeconfig};

/// What the host calls itself.
const NAME: &str = "k8s-worker-1";
/// Where its account keeps the kubeconfig.
const KUBECONFIG: &str = "/home/demo/.kube/config";
const KUBECONFIG_FROM_HOME: &str = "~/.kube/config";

/// What a shell says of a command that it does not find.
const NOT_FOUND: u32 = 127;

/// The host's own files and facts.
pub(super) struct HostCommands {
    kubeconfig: String,
}

impl HostCommands {
    /// A host that keeps this kubeconfig.
    pub(super) const fn new(kubeconfig: String) -> Self {
        Self { kubeconfig }
    }

    /// What a command prints, and its exit code.
    pub(super) fn answer(&self, command: &[u8]) -> (String, u32) {
        let found = || format!("adit:found {KUBECONFIG}\n{}", self.kubeconfig);
        let finds = [None, Some(KUBECONFIG), Some(KUBECONFIG_FROM_HOME)];
        match std::str::from_utf8(command).unwrap_or_default() {
            "hostname -I" => (format!("{HOST_ADDRESSES}\n"), 0),
            "hostname" => (format!("{NAME}\n"), 0),
            "true" => (String::new(), 0),
            HostFacts::COMMAND => (format!("{NAME}\n{HOST_ADDRESSES}\n"), 0),
            other if finds.iter().any(|path| find_kubeconfig(*path) == other) => (found(), 0),
            _ => (String::new(), NOT_FOUND),
        }
    }
}
