//! L1: SSH. Knows nothing of Kubernetes; what it dials is handed to it.

pub mod config;
pub mod key_blob;
pub mod key_file;
pub mod known_hosts;
mod pattern;
