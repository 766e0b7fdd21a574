//! What becomes of a host that was named: its profile, and what ssh_config says of its forwards.

use crate::model::{ForwardSpec, HostProfile, LocalBind};

/// A host as ssh's configuration has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolvedHost {
    /// The profile.
    pub profile: HostProfile,
    /// What to forward: `-L`, then `LocalForward`; nothing with `ClearAllForwardings`.
    pub forwards: Vec<ForwardSpec>,
    /// Where to listen for SOCKS clients: `-D`, then `DynamicForward`; nowhere with `ClearAllForwardings`.
    pub dynamic: Vec<LocalBind>,
    /// `ExitOnForwardFailure`, where it was set.
    pub exit_on_forward_failure: Option<bool>,
    /// What the person should know: options that are not honoured as they stand.
    pub notes: Vec<String>,
}
