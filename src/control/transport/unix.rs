//! A Unix socket in a folder that only this person can enter, with the peer's credentials checked as well.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;

use tokio::net::{UnixListener, UnixStream};

use super::super::place::{Ownership, Place, own_uid};

/// A connection between a program and the instance.
pub(in crate::control) type Stream = UnixStream;

/// The instance's end, which takes its file away when it is dropped.
#[derive(Debug)]
pub(in crate::control) struct Listener {
    listener: UnixListener,
    // After the listener: the place is ours until the file is gone.
    ownership: Ownership,
}

impl Listener {
    /// Listens in the place that is owned.
    pub(in crate::control) fn bind(ownership: Ownership) -> io::Result<Self> {
        let path = ownership.place().socket();
        let listener = UnixListener::bind(&path)?;
        // The folder keeps everybody else out already; this is for whoever looks at the file alone.
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Self {
            listener,
            ownership,
        })
    }

    /// The next connection of this person's.
    pub(in crate::control) async fn accept(&self) -> io::Result<Stream> {
        let (stream, _) = self.listener.accept().await?;
        check_peer(&stream)?;
        Ok(stream)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may be gone already, with the whole folder.
        let _gone = fs::remove_file(self.ownership.place().socket());
    }
}

/// Connects to the instance.
pub(in crate::control) async fn connect(place: &Place) -> io::Result<Stream> {
    let stream = UnixStream::connect(place.socket()).await?;
    check_peer(&stream)?;
    Ok(stream)
}

/// Whoever is at the other end must be the same user.
fn check_peer(stream: &Stream) -> io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer == own_uid() {
        return Ok(());
    }
    let message = format!("the other side is the user {peer}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, message))
}
