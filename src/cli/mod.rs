//! L4: the command line. Reads what was typed, tells the engine, follows its snapshots, prints.
//!
//! It knows the engine and the model. What lies below the engine, the window and the demo's world are handed in by `main`
//! as a [`Wiring`], so that nothing in here can reach around the engine.

mod args;
mod background;
mod console;
mod demo;
mod diagram;
mod doctor;
mod events;
mod explain;
mod failure;
mod fetch;
#[cfg(test)]
mod fixtures;
mod foreign;
mod forward;
mod forward_args;
mod host;
mod host_query;
mod hosts;
mod hosts_args;
mod hosts_file;
mod instance;
mod key;
mod kubeconfig;
mod list;
mod list_json;
mod list_table;
mod logging;
mod pools;
mod probe;
mod probe_json;
mod remote;
mod remote_args;
mod remote_up;
mod run;
mod run_instance;
mod saved;
#[cfg(target_os = "linux")]
mod service_manager;
mod session;
mod source;
mod status;
mod table;
mod target;
mod terminal;
mod up;
mod words;

use std::any::Any;

use futures::future::BoxFuture;

pub use demo::DemoAccess;
pub use failure::{Failure, Usage};
pub use host::ResolvedHost;
pub use host_query::{ConfigFile, HostOption, HostQuery};
pub use run::main;

use crate::control::Faces;
use crate::engine::{Handle, Memory};
use crate::model::{Snapshot, TunnelId};

/// What `main` hands to the command line: the ways to the other layers.
#[derive(Clone, Copy)]
pub struct Wiring {
    /// Starts the engine with this much of a memory; called within a tokio runtime.
    pub start_engine: fn(Memory) -> anyhow::Result<Handle>,
    /// Opens the window on this thread and returns when it is closed; called within a tokio runtime's context. May be
    /// called again.
    pub open_window: fn(Handle, &Faces) -> anyhow::Result<()>,
    /// Starts the tray and the notifications, which end with what it returns; called within a tokio runtime's context.
    pub start_companions: fn(&Handle, &Faces) -> Box<dyn Any>,
    /// Tells the person something by the desktop: a title, and more words.
    pub notify: fn(&str, &str),
    /// Starts the demo's world.
    pub start_demo: fn() -> BoxFuture<'static, anyhow::Result<RunningDemo>>,
    /// Makes a profile of a host named on the command line.
    pub host_profile: fn(&HostQuery) -> anyhow::Result<ResolvedHost>,
    /// The names of the hosts in the person's own ssh_config.
    pub ssh_hosts: fn() -> anyhow::Result<Vec<String>>,
    /// Prints how a host is resolved, as `ssh -G` does.
    pub print_host: fn(&HostQuery) -> anyhow::Result<String>,
    /// The contents of font files for scripts that the built-in fonts lack, for pictures.
    pub fonts: fn() -> Vec<Vec<u8>>,
    /// Draws a tunnel's way in characters.
    pub diagram: fn(&Snapshot, &TunnelId) -> String,
}

/// The demo's world, which ends when this is dropped.
pub struct RunningDemo {
    /// How to reach it.
    pub access: DemoAccess,
    /// The world itself.
    pub world: Box<dyn Any + Send>,
}
