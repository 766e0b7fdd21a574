//! A session's handle: what the engine holds while the session's own thread does the work.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mio::{Poll, Waker};
use tokio::sync::{oneshot, watch};

use super::io_loop::WAKER;
use super::meter::Meter;
use super::open_request::{OpenError, OpenRequest};
use super::stream::{Socket, Stream};
use crate::model::{Destination, Fault, SessionFacts};

/// A session that has logged in. Dropping the handle ends the session and cuts its connections.
#[derive(Debug)]
pub struct Session {
    mailbox: Mailbox,
    facts: SessionFacts,
    load: Arc<Load>,
    lost: watch::Receiver<Option<Fault>>,
    /// The sessions to the jump hosts: they carry this one and end after it.
    jumps: Vec<Session>,
    /// Closed when the session's `ProxyCommand` has ended.
    proxy_ended: Option<Mutex<Receiver<()>>>,
}

/// How long the end of a session waits for that of its `ProxyCommand`, so that none outlives the program.
const PROXY_END_LIMIT: Duration = Duration::from_secs(2);

/// What the loop is told.
pub(super) enum IoCommand {
    /// Open a channel.
    Open(OpenRequest),
    /// End every connection of this tunnel.
    CutTunnel(u64),
    /// End the session.
    End,
}

/// How busy a session is, for whoever chooses among several.
#[derive(Debug, Default)]
pub struct Load {
    pending_opens: AtomicU32,
    connections: AtomicU32,
}

impl Load {
    fn opening(&self) {
        self.pending_opens.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn opened(&self) {
        self.pending_opens.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn connected(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn disconnected(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    /// Channels that were asked for and not answered.
    #[must_use]
    pub fn pending_opens(&self) -> u32 {
        self.pending_opens.load(Ordering::Relaxed)
    }

    /// Connections that are open.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The queue into a loop and the means to wake it.
#[derive(Clone)]
pub(super) struct Mailbox {
    commands: Sender<IoCommand>,
    waker: Arc<Waker>,
}

impl std::fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailbox")
    }
}

impl Mailbox {
    /// A mailbox, and what the loop needs to read it.
    pub(super) fn new() -> io::Result<(Self, Poll, Receiver<IoCommand>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (commands, receiver) = std::sync::mpsc::channel();
        Ok((Self { commands, waker }, poll, receiver))
    }

    /// A loop that has ended drops what it is sent, and with it whoever waits sees an end.
    fn send(&self, command: IoCommand) {
        if self.commands.send(command).is_err() {
            return;
        }
        if let Err(error) = self.waker.wake() {
            tracing::warn!(%error, "a session's loop could not be woken");
        }
    }
}

impl Session {
    pub(super) fn new(
        mailbox: Mailbox,
        facts: SessionFacts,
        load: Arc<Load>,
        lost: watch::Receiver<Option<Fault>>,
    ) -> Self {
        Self {
            mailbox,
            facts,
            load,
            lost,
            jumps: Vec::new(),
            proxy_ended: None,
        }
    }

    /// The session goes by a command, whose end closes `ended`.
    pub(super) fn by_proxy(mut self, ended: Receiver<()>) -> Self {
        self.proxy_ended = Some(Mutex::new(ended));
        self
    }

    /// Keeps the sessions that carry this one as long as it lives. The one nearest to its host comes first.
    pub(super) fn carried_by(mut self, jumps: Vec<Self>) -> Self {
        self.jumps = jumps;
        self
    }

    /// What is known of it.
    #[must_use]
    pub const fn facts(&self) -> &SessionFacts {
        &self.facts
    }

    /// How busy it is.
    #[must_use]
    pub fn load(&self) -> &Load {
        &self.load
    }

    /// Carries a client's connection to `destination`, counted by `meter`. If that cannot be done the client's connection is
    /// reset, as it would be without a tunnel.
    pub fn carry(
        &self,
        client: Socket,
        origin: Option<SocketAddr>,
        destination: &Destination,
        tunnel: u64,
        meter: Arc<Meter>,
    ) {
        match Stream::new(client) {
            Ok(local) => {
                self.load.opening();
                self.mailbox.send(IoCommand::Open(OpenRequest::connection(
                    destination,
                    origin,
                    local,
                    tunnel,
                    meter,
                )));
            }
            Err(error) => {
                meter.refused();
                tracing::warn!(%error, "a client's connection cannot be used");
            }
        }
    }

    /// Carries the connection to the next hop's SSH server. The answer, if there ever is one, is why it could not be.
    pub(super) fn carry_hop(
        &self,
        near: Socket,
        destination: &Destination,
    ) -> oneshot::Receiver<OpenError> {
        let (refused, answer) = oneshot::channel();
        match Stream::new(near) {
            Ok(local) => {
                self.load.opening();
                let request = OpenRequest::connection(
                    destination,
                    None,
                    local,
                    u64::MAX,
                    Arc::new(Meter::default()),
                );
                self.mailbox.send(IoCommand::Open(request.telling(refused)));
            }
            Err(error) => tracing::warn!(%error, "the way to the next hop cannot be used"),
        }
        answer
    }

    /// Opens a channel to `destination` and closes it again: proof that the target answers. Returns how long the server took.
    ///
    /// # Errors
    /// [`OpenError`] if the server refused, or the session ended first.
    pub async fn prove(&self, destination: &Destination) -> Result<Duration, OpenError> {
        let (reply, answer) = oneshot::channel();
        self.load.opening();
        self.mailbox
            .send(IoCommand::Open(OpenRequest::proof(destination, reply)));
        answer.await.unwrap_or(Err(OpenError::SessionEnded))
    }

    /// Ends every connection of this tunnel.
    pub fn cut(&self, tunnel: u64) {
        self.mailbox.send(IoCommand::CutTunnel(tunnel));
    }

    /// Resolves when the session is lost, with how that was noticed. A session that was ended on purpose is lost too.
    #[must_use]
    pub fn lost(&self) -> watch::Receiver<Option<Fault>> {
        self.lost.clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.mailbox.send(IoCommand::End);
        if let Some(Ok(ended)) = self.proxy_ended.take().map(Mutex::into_inner) {
            // An error is the end that was waited for; in time or not, the command is killed.
            let _ended = ended.recv_timeout(PROXY_END_LIMIT);
        }
        self.jumps.clear();
    }
}
