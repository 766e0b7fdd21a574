//! The socket under a session until its login is done, as libssh2's callbacks see it.
//!
//! libssh2 says of most ways to fail only that it failed. What the server sent in clear before the keys were exchanged, how
//! the connection ended, and the server's own goodbye are kept here, so that a fault can name its cause.

use std::cell::{Cell, RefCell};
use std::io;

use super::key_blob::Fields;
use super::stream::Socket;
use super::transport::broken_by;
use crate::model::{Words, printable, words};

/// More than any server says before the keys are exchanged.
const CLEAR_BYTES: usize = 48 * 1024;

/// `SSH_MSG_KEXINIT` (RFC 4253, 7.1).
const KEXINIT: u8 = 20;

/// The socket, and what was noticed about it. Used by one thread only.
pub(super) struct Wire {
    socket: Socket,
    clear: RefCell<Vec<u8>>,
    is_clear: Cell<bool>,
    ended: Cell<Option<Ended>>,
    goodbye: RefCell<Option<String>>,
}

/// How the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The server closed it.
    Closed,
    /// The system reported an error, a reset above all.
    Error(io::ErrorKind),
}

/// The algorithms that a server offers, by their place in `SSH_MSG_KEXINIT`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) kex: Vec<String>,
    pub(super) host_keys: Vec<String>,
    pub(super) ciphers: Vec<String>,
    pub(super) macs: Vec<String>,
}

impl Wire {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            clear: RefCell::default(),
            is_clear: Cell::new(true),
            ended: Cell::new(None),
            goodbye: RefCell::default(),
        }
    }

    /// libssh2 hands over bytes.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes).map_err(|error| self.note(error))
    }

    /// libssh2 wants bytes.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.socket.receive(buffer) {
            Ok(0) => {
                self.ended.set(Some(Ended::Closed));
                Ok(0)
            }
            Ok(count) => {
                self.keep(&buffer[..count]);
                Ok(count)
            }
            Err(error) => Err(self.note(error)),
        }
    }

    fn note(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        if kind != io::ErrorKind::WouldBlock && kind != io::ErrorKind::Interrupted {
            self.ended.set(Some(Ended::Error(kind)));
        }
        error
    }

    fn keep(&self, bytes: &[u8]) {
        if self.is_clear.get() {
            let mut clear = self.clear.borrow_mut();
            let room = CLEAR_BYTES.saturating_sub(clear.len()).min(bytes.len());
            clear.extend_from_slice(&bytes[..room]);
        }
    }

    /// Whether the keys are still to be exchanged.
    pub(super) fn is_clear(&self) -> bool {
        self.is_clear.get()
    }

    /// The keys are exchanged: nothing is kept from now on.
    pub(super) fn forget_clear(&self) {
        self.is_clear.set(false);
        self.clear.take();
    }

    /// The server has said why it ends the session (`SSH_MSG_DISCONNECT`).
    pub(super) fn said_goodbye(&self, words: &[u8]) {
        let words = String::from_utf8_lossy(words);
        let words = printable(words.trim()).into_owned();
        self.goodbye.replace(Some(words));
    }

    /// The server's reason for ending the session, if it gave one; it may be empty.
    pub(super) fn goodbye(&self) -> Option<String> {
        self.goodbye.borrow().clone()
    }

    /// Whether the session is over, whatever libssh2 says.
    pub(super) fn is_over(&self) -> bool {
        self.ended.get().is_some() || self.goodbye.borrow().is_some()
    }

    /// How it ended.
    pub(super) fn end_in_words(&self) -> Option<Words> {
        if let Some(said) = self.goodbye().filter(|said| !said.is_empty()) {
            return Some(words!("the server ended it: {said}", said = said));
        }
        match self.ended.get()? {
            Ended::Closed => Some(words!("the server closed the connection")),
            Ended::Error(kind) => Some(broken_by(kind)),
        }
    }

    /// What the server has said so far.
    pub(super) fn heard(&self) -> Heard {
        heard(&self.clear.borrow())
    }
}

/// What a server has said before the keys were exchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing at all.
    Nothing,
    /// Something that no SSH server says; its first line.
    Foreign(String),
    /// That it speaks SSH; and its algorithms, if it came to that.
    Ssh(Option<Offer>),
}

fn heard(clear: &[u8]) -> Heard {
    if clear.is_empty() {
        return Heard::Nothing;
    }
    // RFC 4253, 4.2: other lines may stand before the one that begins with "SSH-".
    let mut rest = clear;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let (line, after) = rest.split_at(end + 1);
        if line.starts_with(b"SSH-") {
            return Heard::Ssh(offer(after));
        }
        rest = after;
    }
    if rest.starts_with(b"SSH-") {
        return Heard::Ssh(None);
    }
    let first = clear.split(|byte| *byte == b'\n').next();
    let first = String::from_utf8_lossy(first.unwrap_or_default());
    let first: String = first.trim().chars().take(80).collect();
    Heard::Foreign(printable(&first).into_owned())
}

/// The name lists of a packet with `SSH_MSG_KEXINIT`.
fn offer(packet: &[u8]) -> Option<Offer> {
    let (head, rest) = packet.split_at_checked(4 + 1 + 1 + 16)?;
    if head[5] != KEXINIT {
        return None;
    }
    let mut fields = Fields(rest);
    let mut list = || {
        let names = String::from_utf8_lossy(fields.next_field()?);
        let names = names.split(',').filter(|name| !name.is_empty());
        Some(
            names
                .map(|name| printable(name).into_owned())
                .collect::<Vec<_>>(),
        )
    };
    let (kex, host_keys, _to_server) = (list()?, list()?, list()?);
    let (ciphers, _to_server) = (list()?, list()?);
    Some(Offer {
        kex,
        host_keys,
        ciphers,
        macs: list()?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kexinit(lists: &[&str]) -> Vec<u8> {
        let mut packet = vec![0, 0, 0, 0, 0, KEXINIT];
        packet.extend([7; 16]);
        for list in lists {
            packet.extend(u32::try_from(list.len()).unwrap().to_be_bytes());
            packet.extend(list.as_bytes());
        }
        packet
    }

    #[test]
    fn what_was_heard_tells_ssh_from_everything_else() {
        assert_eq!(heard(b""), Heard::Nothing);
        let http = b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n";
        let foreign = Heard::Foreign("HTTP/1.1 400 Bad Request".to_owned());
        assert_eq!(heard(http), foreign);
        assert_eq!(heard(b"\x1b[2J"), Heard::Foreign("\u{fffd}[2J".to_owned()));
        assert_eq!(heard(b"SSH-2.0-x"), Heard::Ssh(None));
        assert_eq!(heard(b"welcome\nSSH-2.0-x\r\n"), Heard::Ssh(None));
    }

    #[test]
    fn the_servers_lists_are_read_where_they_stand() {
        let mut clear = b"hello\r\nSSH-2.0-x\r\n".to_vec();
        clear.extend(kexinit(&["k1,k2", "h1", "up", "c1,c2", "up", "m1", "none"]));
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        let offer = Offer {
            kex: names(&["k1", "k2"]),
            host_keys: names(&["h1"]),
            ciphers: names(&["c1", "c2"]),
            macs: names(&["m1"]),
        };
        assert_eq!(heard(&clear), Heard::Ssh(Some(offer)));
        assert_eq!(heard(&clear[..clear.len() - 20]), Heard::Ssh(None));
    }

    proptest! {
        #[test]
        fn nothing_that_is_heard_panics(bytes: Vec<u8>) {
            let _heard = (heard(&bytes), offer(&bytes));
        }
    }
}
