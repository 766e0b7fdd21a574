//! Adit makes the LoadBalancer services of a self-managed Kubernetes cluster reachable from this computer, through SSH.
//!
//! `ARCHITECTURE.md` is the map: what each module is for, what it must not know, and one click followed through the code.

pub mod cli;
pub mod cluster;
pub mod control;
pub mod demo;
pub mod diagnosis;
pub mod diagram;
pub mod engine;
pub mod l10n;
pub mod model;
pub mod net;
pub mod settings;
pub mod ssh;
#[cfg(test)]
mod testing;
pub mod tray;
pub mod ui;
pub mod vault;
