//! L2: the only owner of state. Takes [`Command`](crate::model::Command)s, publishes [`Snapshot`]s.
//!
//! `tunnel` and `link` are pure machines; `supervisor` owns them all, and is the one writer. Tasks and threads report
//! to it by messages and share nothing with it.

mod backoff;
mod candidates;
mod carrier;
mod checkup;
mod commands;
mod connections;
mod effects;
mod gateway;
mod handle;
mod happening;
mod home;
mod host;
mod host_book;
mod imports;
mod keeping;
mod keyring;
mod keys;
mod learn;
mod link;
mod log;
mod observers;
mod options;
mod outage;
mod pool;
mod probe;
mod probe_dial;
mod probe_run;
mod publish;
mod questions;
mod recall;
mod rehost;
mod saved;
mod saved_profile;
mod settings_keeper;
mod socks;
mod supervisor;
mod surroundings;
mod tunnel;
mod tunnel_entry;
mod turns;
mod usual_cluster;
mod wanted;

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

pub use checkup::{CheckupOptions, checkup};
pub use handle::{EngineEnded, Handle};
pub use host_book::{BookError, HostBook, KnownHost};
pub use options::{EngineOptions, Memory};
pub use outage::{Outages, Tidings};

use crate::model::Snapshot;
use supervisor::Supervisor;

/// Starts an engine that remembers nothing: see [`start_with`].
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn start() -> Handle {
    start_with(EngineOptions::default())
}

/// Starts the engine on the current tokio runtime. It ends by [`Command::Quit`](crate::model::Command::Quit), or when its
/// last handle is gone; the last snapshot then has `ended` set.
///
/// # Panics
/// Outside a tokio runtime.
#[must_use]
pub fn start_with(options: EngineOptions) -> Handle {
    let (command_sender, commands) = mpsc::unbounded_channel();
    let (snapshots, snapshot_receiver) = watch::channel(Arc::new(Snapshot::default()));
    tokio::spawn(Supervisor::new(options, commands, snapshots).run());
    Handle::new(command_sender, snapshot_receiver)
}
