//! What the tests stand on: an sshd of their own, small servers behind it, and the built program.

pub(crate) mod adit;
pub(crate) mod api;
#[cfg(target_os = "linux")]
pub(crate) mod computer;
#[cfg(target_os = "linux")]
pub(crate) mod desktop;
#[allow(dead_code, reason = "not all tests that share this ask for it")]
pub(crate) mod engine;
pub(crate) mod inetd;
pub(crate) mod instance;
#[cfg(target_os = "linux")]
pub(crate) mod keyring;
#[cfg(target_os = "linux")]
pub(crate) mod network;
#[cfg(target_os = "linux")]
pub(crate) mod notes;
#[cfg(target_os = "linux")]
pub(crate) mod panel;
pub(crate) mod peer;
pub(crate) mod person;
#[cfg(target_os = "linux")]
pub(crate) mod processes;
#[cfg(target_os = "linux")]
pub(crate) mod relay;
pub(crate) mod servers;
pub(crate) mod sshd;
pub(crate) mod tiny_api;
#[cfg(target_os = "linux")]
pub(crate) mod world;
#[cfg(target_os = "linux")]
pub(crate) mod x11;

use std::time::Duration;

/// How long anything may take before a test gives up: much longer than it takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
