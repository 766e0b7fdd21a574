//! The socket itself, which only this person can reach: a Unix socket, or a named pipe on Windows.

#[cfg(unix)]
#[path = "transport/unix.rs"]
mod system;
#[cfg(windows)]
#[path = "transport/windows.rs"]
mod system;

pub(super) use system::{Listener, Stream, connect};
