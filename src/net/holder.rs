//! Which process holds a port.

use std::net::SocketAddr;

use crate::model::{PortHolder, printable};

/// The process that listens on `address`, where the system tells: other users' processes are often hidden.
pub(super) fn holder_of(address: SocketAddr) -> Option<PortHolder> {
    let all = listeners::get_all()
        .inspect_err(|error| tracing::debug!(%error, "the holder of a port cannot be found out"))
        .ok()?;
    let covers = |held: SocketAddr| {
        held.port() == address.port() && (held.ip() == address.ip() || held.ip().is_unspecified())
    };
    let listener = all.into_iter().find(|listener| covers(listener.socket))?;
    Some(PortHolder {
        pid: listener.process.pid,
        name: printable(&listener.process.name).into_owned(),
    })
}
