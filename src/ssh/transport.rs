//! The socket under an SSH session, as libssh2's callbacks see it.
//!
//! libssh2 never touches the socket itself once a session carries tunnels: what it sends is queued here and never refused
//! (a refusal would leave it with half a packet, see `LIBSSH2_ERROR_EAGAIN` in its manual), and what it receives is
//! metered, so that one turn of the loop cannot be swallowed by a fast server.

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::time::Instant;

use mio::event::Source;
use mio::{Interest, Registry, Token};

use super::stream::Stream;
use crate::model::{Words, words};

/// How much may be received in one turn of the loop before the connections are served.
const RECEIVE_BUDGET_BYTES: usize = 512 * 1024;

/// Packets of at least this size skip the queue when it is empty: a copy costs more than a system call.
const DIRECT_SEND_BYTES: usize = 8 * 1024;

/// Up to this much in one turn is a dialogue, not a download.
const SMALL_RECEPTION_BYTES: usize = 16 * 1024;

/// How many queued bytes make the loop stop taking more from local clients.
pub(super) const QUEUE_LIMIT_BYTES: usize = 1024 * 1024;

/// The socket and what is known about it. Shared between the loop and libssh2's callbacks, which run within the loop's own
/// calls on the same thread; hence cells and no lock.
pub(super) struct Transport {
    stream: RefCell<Stream>,
    queue: RefCell<SendQueue>,
    may_receive: Cell<bool>,
    may_send: Cell<bool>,
    budget_bytes: Cell<usize>,
    last_received: Cell<Instant>,
    ended: Cell<Option<Ended>>,
}

/// Why nothing more comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The server closed the connection.
    Closed,
    /// The system reported an error.
    Error(io::ErrorKind),
    /// The loop gave the session up.
    GivenUp,
}

#[derive(Default)]
struct SendQueue {
    bytes: Vec<u8>,
    sent: usize,
}

impl Transport {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream: RefCell::new(stream),
            queue: RefCell::default(),
            may_receive: Cell::new(true),
            may_send: Cell::new(true),
            budget_bytes: Cell::new(RECEIVE_BUDGET_BYTES),
            last_received: Cell::new(Instant::now()),
            ended: Cell::new(None),
        }
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream
            .borrow_mut()
            .register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// As [`Stream::deserted`].
    pub(super) fn deserted(&self) -> Option<IpAddr> {
        self.stream.borrow().deserted()
    }

    /// Takes note of what the poll reported and grants the next turn its budget.
    pub(super) fn begin_turn(&self, readable: bool, writable: bool) {
        if readable {
            self.may_receive.set(true);
        }
        if writable {
            self.may_send.set(true);
        }
        self.budget_bytes.set(RECEIVE_BUDGET_BYTES);
    }

    /// Has the system acknowledge at once what was received, where that was little: until then sshd, which leaves Nagle's
    /// algorithm on for sessions that only forward, holds the next small packet back. The option lasts for one reception.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn acknowledge_small(&self) {
        let received = RECEIVE_BUDGET_BYTES - self.budget_bytes.get();
        if received == 0 || received > SMALL_RECEPTION_BYTES {
            return;
        }
        if let Stream::Tcp(stream) = &*self.stream.borrow()
            && let Err(error) = socket2::SockRef::from(stream).set_tcp_quickack(true)
        {
            tracing::debug!(%error, "TCP_QUICKACK could not be set");
        }
    }

    /// As above; other systems have no such option.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn acknowledge_small(&self) {
        let _unused = SMALL_RECEPTION_BYTES;
    }

    /// Nothing more is received in this turn: what arrives is received by the pump alone, so that no packet is queued behind
    /// the loop's back.
    pub(super) fn end_receiving(&self) {
        self.budget_bytes.set(0);
    }

    /// Whether the socket may hold more that this turn's budget still allows to be read.
    pub(super) fn may_receive_now(&self) -> bool {
        self.may_receive.get() && self.budget_bytes.get() > 0 && self.ended.get().is_none()
    }

    /// Whether the socket may hold more than this turn has read.
    pub(super) fn has_more(&self) -> bool {
        self.may_receive.get() && self.ended.get().is_none()
    }

    /// Bytes that wait to be sent.
    pub(super) fn queued_bytes(&self) -> usize {
        let queue = self.queue.borrow();
        queue.bytes.len() - queue.sent
    }

    pub(super) fn last_received(&self) -> Instant {
        self.last_received.get()
    }

    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended.get()
    }

    /// From now on libssh2 is told that the connection is gone, so that it frees what it holds without waiting.
    pub(super) fn give_up(&self) {
        if self.ended.get().is_none() {
            self.ended.set(Some(Ended::GivenUp));
        }
    }

    /// libssh2 wants bytes. `WouldBlock` where there are none, or no budget.
    pub(super) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(ended) = self.ended.get() {
            return Err(ended.error());
        }
        if !self.may_receive_now() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        loop {
            match self.stream.borrow_mut().read(buffer) {
                Ok(0) => {
                    self.ended.set(Some(Ended::Closed));
                    return Ok(0);
                }
                Ok(count) => {
                    self.budget_bytes
                        .set(self.budget_bytes.get().saturating_sub(count));
                    self.last_received.set(Instant::now());
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.note_read_error(error)),
            }
        }
    }

    fn note_read_error(&self, error: io::Error) -> io::Error {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.may_receive.set(false),
            kind => self.ended.set(Some(Ended::Error(kind))),
        }
        error
    }

    /// libssh2 hands over bytes: all are taken, always, unless the connection has ended.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(ended) = self.ended.get() {
            return Err(ended.error());
        }
        let direct = bytes.len() >= DIRECT_SEND_BYTES && self.queued_bytes() == 0;
        let sent = if direct { self.send_some(bytes)? } else { 0 };
        self.queue
            .borrow_mut()
            .bytes
            .extend_from_slice(&bytes[sent..]);
        Ok(bytes.len())
    }

    /// Sends what is queued, as far as the socket takes it.
    pub(super) fn flush(&self) -> io::Result<()> {
        if let Some(ended) = self.ended.get() {
            return Err(ended.error());
        }
        let mut queue = self.queue.borrow_mut();
        while queue.sent < queue.bytes.len() {
            let sent = self.send_some(&queue.bytes[queue.sent..])?;
            if sent == 0 {
                break;
            }
            queue.sent += sent;
        }
        queue.compact();
        Ok(())
    }

    /// One attempt to send; zero where the socket takes nothing now.
    fn send_some(&self, bytes: &[u8]) -> io::Result<usize> {
        if !self.may_send.get() {
            return Ok(0);
        }
        loop {
            match self.stream.borrow_mut().write(bytes) {
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.may_send.set(false);
                    return Ok(0);
                }
                Err(error) => {
                    self.ended.set(Some(Ended::Error(error.kind())));
                    return Err(error);
                }
            }
        }
    }
}

impl SendQueue {
    /// Frees what was sent: at once when all was, else only when it is most of the buffer, to move few bytes. A buffer that
    /// one burst made large is not kept.
    fn compact(&mut self) {
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            if self.bytes.capacity() > QUEUE_LIMIT_BYTES / 4 {
                self.bytes = Vec::new();
            }
            self.sent = 0;
        } else if self.sent > QUEUE_LIMIT_BYTES / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }
}

impl Ended {
    fn error(self) -> io::Error {
        match self {
            Self::Closed => io::ErrorKind::ConnectionReset.into(),
            Self::Error(kind) => kind.into(),
            Self::GivenUp => io::ErrorKind::ConnectionAborted.into(),
        }
    }

    /// How the loss was noticed, in words.
    pub(super) fn reason(self) -> Words {
        match self {
            Self::Closed => words!("the server closed the connection"),
            Self::Error(kind) => broken_by(kind),
            Self::GivenUp => words!("it was closed here"),
        }
    }
}

/// What an error of the system's means for a connection that stood.
pub(super) fn broken_by(kind: io::ErrorKind) -> Words {
    match kind {
        io::ErrorKind::ConnectionReset => words!("the connection was reset"),
        io::ErrorKind::BrokenPipe => words!("the server closed the connection"),
        io::ErrorKind::TimedOut => words!("nothing that was sent has arrived for a while"),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => words!("there is no route to it any more"),
        kind => words!("the connection broke ({reason})", reason = kind.to_string()),
    }
}
