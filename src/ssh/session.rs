//! A session's handle: what the engine holds while the session's own thread does the work.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use mio::{Poll, Waker};
use tokio::sync::{Notify, oneshot, watch};

use super::channel_stream::ChannelStream;
use super::exec::{ExecError, ExecLimits, ExecOutput, ExecRequest};
use super::io_loop::WAKER;
use super::meter::Meter;
use super::open_request::{Elsewhere, NO_TUNNEL, OpenError, OpenRequest, Siblings};
use super::stream::{Socket, Stream};
use crate::model::{Destination, Fault, SessionFacts};

/// Numbers the sessions of this process.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A session that has logged in. Dropping the handle ends the session and cuts its connections.
#[derive(Debug)]
pub struct Session {
    mailbox: Mailbox,
    facts: SessionFacts,
    load: Arc<Load>,
    lost: watch::Receiver<Option<Fault>>,
    id: u64,
    /// The sessions to the jump hosts: they carry this one and end after it.
    jumps: Vec<Session>,
    /// Closed when the session's `ProxyCommand` has ended.
    proxy_ended: Option<Mutex<Receiver<()>>>,
}

/// A client that has connected to a tunnel.
pub struct Client {
    /// Its connection.
    pub socket: Socket,
    /// Where it came from, where it came by TCP.
    pub origin: Option<SocketAddr>,
    /// Which tunnel it connected to.
    pub tunnel: u64,
    /// What it waits to hear before the first byte of the other side; none where it expects nothing.
    pub preface: Option<Preface>,
    /// Who knows other sessions that may carry it, where this one is refused it.
    pub siblings: Option<Weak<dyn Siblings>>,
}

/// What a client that speaks a proxy's protocol is told once it is known what becomes of its channel.
pub struct Preface {
    /// The channel is open: this comes before the target's first byte.
    pub opened: Vec<u8>,
    /// It is not: this is the last that the client hears.
    pub failed: LastWords,
}

/// What is said of a failure.
pub type LastWords = Box<dyn FnOnce(&OpenError) -> Vec<u8> + Send>;

/// How long the end of a session waits for that of its `ProxyCommand`, so that none outlives the program.
const PROXY_END_LIMIT: Duration = Duration::from_secs(2);

/// What the loop is told.
pub(super) enum IoCommand {
    /// Open a channel.
    Open(OpenRequest),
    /// End every connection of this tunnel.
    CutTunnel(u64),
    /// Ask the server for a sign of life now.
    Check,
    /// The same, and count the session as lost unless it comes soon.
    Verify,
    /// End the session.
    End,
}

/// How busy a session is, for whoever chooses among several.
#[derive(Debug, Default)]
pub struct Load {
    pending_opens: AtomicU32,
    connections: AtomicU32,
    spares: AtomicU32,
    is_doubted: AtomicBool,
    /// Rung when a doubt is over.
    settled: Notify,
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

    pub(super) fn has_spares(&self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.spares.store(count, Ordering::Relaxed);
    }

    /// It is not known whether the server is still there.
    pub(super) fn doubt(&self) {
        self.is_doubted.store(true, Ordering::Relaxed);
    }

    /// The server has given a sign of life.
    pub(super) fn settle(&self) {
        if self.is_doubted.load(Ordering::Relaxed) {
            self.is_doubted.store(false, Ordering::Relaxed);
            self.settled.notify_waiters();
        }
    }

    /// Whether the server owes a sign of life: new connections had better go elsewhere.
    #[must_use]
    pub fn is_doubted(&self) -> bool {
        self.is_doubted.load(Ordering::Relaxed)
    }

    /// Resolves when a doubt that there is now is over because of a sign of life.
    pub async fn settled(&self) {
        self.settled.notified().await;
    }

    /// Channels that are open and wait for clients.
    #[must_use]
    pub fn spares(&self) -> u32 {
        self.spares.load(Ordering::Relaxed)
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

/// The loop's side of a mailbox. A waker that is gone wakes nobody, so the loop keeps it: else the end of the last handle,
/// which is said just before the handle is dropped, could go unheard.
pub(super) struct Inbox {
    commands: Receiver<IoCommand>,
    _waker: Arc<Waker>,
}

impl Inbox {
    /// The next command, if there is one.
    pub(super) fn take(&self) -> Result<IoCommand, TryRecvError> {
        self.commands.try_recv()
    }
}

impl Mailbox {
    /// A mailbox, and what the loop needs to read it.
    pub(super) fn new() -> io::Result<(Self, Poll, Inbox)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let (sender, commands) = std::sync::mpsc::channel();
        let inbox = Inbox {
            commands,
            _waker: Arc::clone(&waker),
        };
        let mailbox = Self {
            commands: sender,
            waker,
        };
        Ok((mailbox, poll, inbox))
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
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
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

    /// Tells this session from every other one of this process.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
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
    pub fn carry(&self, client: Client, destination: &Destination, meter: Arc<Meter>) {
        let Client {
            socket,
            origin,
            tunnel,
            preface,
            siblings,
        } = client;
        let elsewhere =
            siblings.map(|siblings| Elsewhere::than(self.id, siblings, destination.clone()));
        match Stream::new(socket) {
            Ok(local) => {
                self.open(
                    OpenRequest::connection(destination, origin, local, tunnel, meter)
                        .with_preface(preface)
                        .or(elsewhere),
                );
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
    ) -> oneshot::Receiver<Result<(), OpenError>> {
        let (told, answer) = oneshot::channel();
        match Stream::new(near) {
            Ok(local) => {
                let request = OpenRequest::connection(
                    destination,
                    None,
                    local,
                    NO_TUNNEL,
                    Arc::new(Meter::default()),
                );
                self.open(request.telling(told));
            }
            Err(error) => tracing::warn!(%error, "the way to the next hop cannot be used"),
        }
        answer
    }

    /// Opens a channel to `destination` and closes it again. Resolves to how long the server took to open it, its own connect
    /// included.
    ///
    /// # Errors
    /// [`OpenError`] if the server refused or took longer than `limit`, or the session ended first.
    pub fn time_open(
        &self,
        destination: &Destination,
        limit: Duration,
    ) -> impl Future<Output = Result<Duration, OpenError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.open(OpenRequest::proof(destination, reply));
        async move { within(limit, answer).await? }
    }

    /// Opens a channel to `destination` as a stream of bytes, which is there once the server has connected. Its two directions
    /// end on their own; a reader that stalls holds up the server, and a server that stalls the writer.
    ///
    /// # Errors
    /// [`OpenError`] if the server refused or took longer than `limit`, or the session ended first.
    pub fn open_stream(
        &self,
        destination: &Destination,
        limit: Duration,
    ) -> impl Future<Output = Result<ChannelStream, OpenError>> + Send + use<> {
        let made = ChannelStream::pair().and_then(|(stream, far)| Ok((stream, Stream::new(far)?)));
        let made = made.map(|(stream, local)| {
            let (told, answer) = oneshot::channel();
            let meter = Arc::new(Meter::default());
            let request = OpenRequest::connection(destination, None, local, NO_TUNNEL, meter);
            self.open(request.telling(told));
            (stream, answer)
        });
        async move {
            let (stream, answer) = made.map_err(|error| OpenError::Local {
                reason: error.to_string(),
            })?;
            within(limit, answer).await??;
            Ok(stream)
        }
    }

    /// Runs `command` by the account's shell on the host, without input or terminal, and waits for its end.
    ///
    /// # Errors
    /// [`ExecError`] if the server does not run commands, or the command exceeds one of the limits.
    pub fn exec(
        &self,
        command: &str,
        limits: ExecLimits,
    ) -> impl Future<Output = Result<ExecOutput, ExecError>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        self.open(OpenRequest::exec(ExecRequest::new(
            command,
            limits,
            Some(reply),
        )));
        async move {
            match tokio::time::timeout(limits.time, answer).await {
                Ok(answer) => answer.unwrap_or(Err(ExecError::SessionEnded)),
                Err(_elapsed) => Err(ExecError::TimedOut { after: limits.time }),
            }
        }
    }

    /// Has OpenSSH's sshd send small packets at once: upon any command it turns Nagle's algorithm off for the session
    /// (`ssh_packet_set_interactive`, called in its session.c).
    pub(super) fn ask_for_no_delay(&self) {
        let request = ExecRequest::new("true", ExecLimits::default(), None);
        self.open(OpenRequest::exec(request));
    }

    pub(super) fn open(&self, request: OpenRequest) {
        self.load.opening();
        self.mailbox.send(IoCommand::Open(request));
    }

    /// Asks the server for a sign of life now, in place of after its next silence.
    pub fn check(&self) {
        self.mailbox.send(IoCommand::Check);
    }

    /// Asks the server for a sign of life now, and gives the session up unless it comes within seconds: the network has changed.
    pub fn verify(&self) {
        self.mailbox.send(IoCommand::Verify);
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

/// The answer, if it comes in time.
async fn within<T>(limit: Duration, answer: oneshot::Receiver<T>) -> Result<T, OpenError> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|_dropped| OpenError::SessionEnded),
        Err(_elapsed) => Err(OpenError::TimedOut { after: limit }),
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
