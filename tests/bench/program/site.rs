//! What stands behind the forwarder: an SSH server and the targets that it connects to.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use super::bulk::Bulk;
use super::family::Family;
use super::http;
use super::sshd::Sshd;

/// A server and its targets, which are reached from the server only.
pub(crate) struct Site {
    /// The SSH server.
    pub(crate) sshd: Sshd,
    /// The target of streams.
    pub(crate) bulk: Bulk,
    /// The HTTP server.
    pub(crate) http: SocketAddr,
}

impl Site {
    /// Starts all of it in this thread's network.
    pub(crate) fn start(folder: &Path, host: Ipv4Addr, family: &Family) -> anyhow::Result<Self> {
        Ok(Self {
            sshd: Sshd::start(folder, host, family)?,
            bulk: Bulk::start()?,
            http: http::start_origin()?,
        })
    }
}
