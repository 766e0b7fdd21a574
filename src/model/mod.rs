//! L0: plain types and pure rules, shared by every layer above.
//!
//! Nothing in here does I/O, reads a clock, spawns a task or knows a library of the outside world (ssh2, kube, egui).
//! Time comes in as a [`Moment`], which is an argument like any other.

mod address;
mod address_range;
mod checkup;
mod cluster;
mod command;
mod fault;
mod fault_words;
mod forward;
mod host;
mod ids;
mod key;
mod login;
mod matching;
mod probe;
mod prompt;
mod remote;
mod role;
mod route;
mod saved_host;
mod secret;
mod settings;
mod snapshot;
pub mod ssh_command;
mod ssh_hosts;
mod surroundings;
mod text;
mod time;
mod vault_status;
mod words;

pub use address::{BindAddress, Destination, LocalBind, Outlet, ParseAddressError, Target};
pub use address_range::{AddressRange, ParseRangeError, address_of, is_buggy_ip, number_of};
pub use checkup::{Check, CheckArea, CheckStatus, worst_check};
pub use cluster::{
    AddressCount, AddressPool, Announcement, AnnouncementSource, ClusterFault, ClusterGap,
    ClusterNode, ClusterSource, ClusterState, Family, Finding, Kubeconfig, LbService,
    ParseRouteError, ParseServiceTypeError, PodEndpoint, PoolUsage, Protocol, Route, ServiceEvent,
    ServicePhase, ServicePort, ServiceType, Severity,
};
pub use command::Command;
pub use fault::{
    ChangedHostKey, Fault, FaultCause, Hop, HostKeyRefusal, PortHolder, Recovery, SshPhase,
};
pub(crate) use fault_words::{algorithm_option, asks_a_person, host_key_file, quoted};
pub use forward::{ForwardSpec, ParseForwardError};
pub use host::{HostKeyPolicy, HostProfile, LoginMethod};
pub use ids::{HostId, Namespace, ParseServiceError, ServiceKey, TunnelId};
pub use key::{Exposure, KeyCheck, KeyProblem, KeyVerdict, Passphrase};
pub use login::Login;
pub use matching::{ForwardMatch, match_forward};
pub use probe::{
    Heard, LikelyCause, PODS_PROBED, ProbeCheck, ProbeFacts, ProbeId, ProbeNote, ProbeOutcome,
    ProbeReport, ProbeStep, ProbeTarget, ProbeVerdict, SkipReason, Talk, host_steps, judge,
    service_steps,
};
pub use prompt::{Answer, Prompt, PromptId, Question};
pub use remote::{
    FoundKubeconfig, KUBECONFIG_PLACES, find_kubeconfig, found_kubeconfig, read_file,
};
pub use role::{HostFacts, HostRole, host_role};
pub use route::{ChosenRoute, Vantage, choose_route};
pub use saved_host::{HostNameError, SavedHost};
pub use secret::Secret;
pub use settings::{
    Behaviour, Language, ListFilter, Settings, SettingsChange, Theme, WantedTarget, WantedTunnel,
    WindowSettings,
};
pub use snapshot::{
    CONNECTIONS_SHOWN, Client, ClusterStatus, Connection, HostStatus, Intent, LOG_KEPT, Light,
    LinkStatus, ListenAddress, LogEntry, LogLevel, LogSubject, Notice, SessionFacts, Snapshot,
    Traffic, TunnelSpec, TunnelState, TunnelStatus,
};
pub use ssh_hosts::{ResolvedSshHost, SshHost, SshHosts};
pub use surroundings::Surroundings;
pub use text::{capitalised, printable, shell_quoted, without_stop};
pub use time::Moment;
pub use vault_status::VaultStatus;
pub(crate) use words::words;
pub use words::{Joint, Part, Words, places};
