//! The demo world: an SSH server and a small Kubernetes API on loopback, for a first look and for tests.
//!
//! It imports nothing of the program but `model`. The rest of the program meets it over sockets alone, with the host-key and
//! TLS checks it always makes, and cannot tell it from a real cluster: there is no shortcut into it.

mod access;
mod api;
mod cluster;
mod keys;
mod listener;
mod net;
mod resources;
mod ssh;
mod store;
mod world;

pub use access::{DemoAccess, FolderError};
pub use keys::KeyError;
pub use ssh::SshCounts;
pub use world::{DemoError, DemoOptions, DemoWorld, Pace};
