//! A named pipe whose access list lets in its owner alone, and no other machine.
//!
//! Any program may make a pipe of any name, and wait there for what a client says. So each instance draws a new name, and
//! writes it into the folder that only this person can write to; a client believes it while the instance's lock is held, and
//! lets whoever listens there know who it is, but not act in its name (tokio's default, `SECURITY_IDENTIFICATION`).

use std::fs;
use std::io;

use interprocess::os::windows::ToWtf16 as _;
use interprocess::os::windows::named_pipe::tokio::{DuplexPipeStream, PipeListener};
use interprocess::os::windows::named_pipe::{PipeListenerOptions, pipe_mode::Bytes};
use interprocess::os::windows::security_descriptor::SecurityDescriptor;
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient};

use super::super::place::{Owner, Ownership, Place};

/// A client's end.
pub(in crate::control) type Stream = NamedPipeClient;

/// Protected from what is inherited; all rights for the owner (`OW`), none for anybody else. An instance that runs as
/// administrator is so out of reach for programs that do not.
const OWNER_ALONE: &str = "D:P(A;;GA;;;OW)";
/// All instances of the pipe are taken for a moment (`winerror.h`).
const ERROR_PIPE_BUSY: i32 = 231;

/// The instance's end, which takes the file with its name away when it is dropped.
#[derive(Debug)]
pub(in crate::control) struct Listener {
    listener: PipeListener<Bytes, Bytes>,
    // After the listener: the place is ours until the file is gone.
    ownership: Ownership,
}

impl Listener {
    /// Listens on a pipe with a new name, and writes the name into the place that is owned.
    pub(in crate::control) fn bind(ownership: Ownership) -> io::Result<Self> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!(r"\\.\pipe\adit-{:032x}", u128::from_ne_bytes(random));
        let list = OWNER_ALONE.to_wtf_16().map_err(io::Error::other)?;
        let listener = PipeListenerOptions::new()
            .path(name.as_str())
            .security_descriptor(Some(SecurityDescriptor::deserialize(&list)?))
            .create_tokio_duplex()?;
        // Written beside it and moved into place: half a name is never read.
        let file = ownership.place().socket();
        let draft = file.with_extension("new");
        fs::write(&draft, name)?;
        fs::rename(&draft, &file)?;
        Ok(Self {
            listener,
            ownership,
        })
    }

    /// The next connection of this person's.
    pub(in crate::control) async fn accept(&self) -> io::Result<DuplexPipeStream<Bytes>> {
        self.listener.accept().await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may be gone already, with the whole folder.
        let _gone = fs::remove_file(self.ownership.place().socket());
    }
}

/// Connects to the instance.
#[expect(clippy::unused_async, reason = "Unix's own waits")]
pub(in crate::control) async fn connect(place: &Place) -> io::Result<Stream> {
    if place.owner().map_err(io::Error::other)? == Owner::Nobody {
        return Err(io::ErrorKind::NotFound.into());
    }
    let name = fs::read_to_string(place.socket())?;
    ClientOptions::new().open(name).map_err(|error| {
        // It is looked for again, as one that is not there yet.
        if error.raw_os_error() == Some(ERROR_PIPE_BUSY) {
            io::ErrorKind::NotFound.into()
        } else {
            error
        }
    })
}
