//! L1: what is remembered between runs and is no secret, in a TOML file of the person's configuration folder.
//!
//! The file is replaced whole, so that a crash leaves the old one or the new one. One that makes no sense, or that a newer Adit
//! wrote, is set aside under another name and said. Keys that this Adit does not know are kept. No host's address and no
//! secret is among it.

mod file;
#[cfg(test)]
mod fuzz_tests;
mod store;

pub use store::{Loaded, SettingsError, Store, config_dir};
