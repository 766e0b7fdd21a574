//! The loop of one session: one thread that owns the session, its socket and every connection through it.
//!
//! Nothing of the session is shared, so nothing is locked: the engine sends commands through a queue and a waker. The poll is
//! edge-triggered; each side remembers whether it may be readable or writable until the system says otherwise.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use slab::Slab;

use super::connection::{Connection, INITIAL_WINDOW_BYTES, Progress};
use super::open_request::{OpenRequest, Purpose};
use super::raw::{Broken, Opening, RawChannel, RawSession};
use super::session::{IoCommand, Load};
use super::transport::{Ended, QUEUE_LIMIT_BYTES, Transport};

const TRANSPORT: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// One read or write at a time: two of the largest packets.
const SCRATCH_BYTES: usize = 64 * 1024;

/// How often channels that are being closed, whose confirmation may have come, are looked at.
const CLOSING_INTERVAL: Duration = Duration::from_millis(50);

/// How long a loop sleeps at most: polls take no longer times everywhere.
const NEVER: Duration = Duration::from_hours(24);

/// When a silent server is asked for a sign of life, and when it counts as gone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Liveness {
    /// How long it may be silent before it is asked, and between questions, at least two seconds; none never asks.
    pub(super) interval: Option<Duration>,
    /// How many questions may go unanswered.
    pub(super) count_max: u32,
}

/// The loop's whole state.
pub(super) struct IoLoop {
    // Channels are dropped before the session: they are listed first.
    connections: Slab<Connection>,
    closing: Vec<RawChannel>,
    opening: Option<OpenRequest>,
    waiting: VecDeque<OpenRequest>,
    session: RawSession,
    transport: Rc<Transport>,
    poll: Poll,
    commands: Receiver<IoCommand>,
    load: Arc<Load>,
    ready: Vec<usize>,
    scratch: Box<[u8]>,
    liveness: Liveness,
    probes: Probes,
}

/// The questions asked of a silent server.
struct Probes {
    unanswered: u32,
    last_sent: Instant,
}

/// Why a loop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoopEnd {
    /// It was told to.
    Asked,
    /// The session broke; how it was noticed.
    Lost(String),
}

impl From<Broken> for LoopEnd {
    fn from(Broken(reason): Broken) -> Self {
        Self::Lost(reason)
    }
}

impl IoLoop {
    pub(super) fn new(
        session: RawSession,
        transport: Rc<Transport>,
        poll: Poll,
        commands: Receiver<IoCommand>,
        load: Arc<Load>,
        liveness: Liveness,
    ) -> io::Result<Self> {
        transport.register(poll.registry(), TRANSPORT)?;
        session.arm_probes();
        Ok(Self {
            connections: Slab::new(),
            closing: Vec::new(),
            opening: None,
            waiting: VecDeque::new(),
            session,
            transport,
            poll,
            commands,
            load,
            ready: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            liveness,
            probes: Probes {
                unanswered: 0,
                last_sent: Instant::now(),
            },
        })
    }

    /// Runs until it is told to end or the session is lost.
    pub(super) fn run(mut self) -> LoopEnd {
        let mut events = Events::with_capacity(1024);
        let end = loop {
            if let Err(error) = self.poll.poll(&mut events, Some(self.timeout()))
                && error.kind() != io::ErrorKind::Interrupted
            {
                break LoopEnd::Lost(format!("the system's poll failed: {error}"));
            }
            match self.turn(&events) {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        self.finish(&end);
        end
    }

    /// How long nothing needs to be done unless something happens.
    fn timeout(&self) -> Duration {
        let may_send = self.transport.queued_bytes() < QUEUE_LIMIT_BYTES;
        if self.transport.has_more() || (may_send && !self.ready.is_empty()) {
            return Duration::ZERO;
        }
        let silence = self
            .transport
            .last_received()
            .max(self.probes.last_sent)
            .elapsed();
        let until_probe = self.liveness.interval.map_or(NEVER, |interval| {
            interval
                .saturating_sub(silence)
                .max(Duration::from_millis(1))
        });
        if self.closing.is_empty() {
            until_probe
        } else {
            until_probe.min(CLOSING_INTERVAL)
        }
    }

    fn turn(&mut self, events: &Events) -> Result<(), LoopEnd> {
        let may_receive = self.note_events(events)?;
        let packets = if may_receive { self.session.pump()? } else { 0 };
        self.transport.end_receiving();
        if packets > 0 {
            self.note_life();
            // Any of them may have something new to read or more room to write.
            self.ready = self.connections.iter().map(|(index, _)| index).collect();
        }
        self.serve_ready()?;
        self.open_channels()?;
        self.close_channels();
        self.probe_if_silent()?;
        self.transport.flush().map_err(|_error| self.lost())
    }

    /// Notes what the poll reported. Returns whether there may be something to receive.
    fn note_events(&mut self, events: &Events) -> Result<bool, LoopEnd> {
        let (mut readable, mut writable, mut woken) = (false, false, false);
        for event in events {
            match event.token() {
                TRANSPORT => {
                    readable |= event.is_readable() || event.is_read_closed() || event.is_error();
                    writable |= event.is_writable();
                }
                WAKER => woken = true,
                Token(index) => {
                    if let Some(connection) = self.connections.get_mut(index) {
                        let gone = event.is_error();
                        connection.note(event.is_readable() || gone, event.is_writable() || gone);
                        self.ready.push(index);
                    }
                }
            }
        }
        self.transport.begin_turn(readable, writable);
        if woken {
            self.take_commands()?;
        }
        Ok(self.transport.may_receive_now())
    }

    fn take_commands(&mut self) -> Result<(), LoopEnd> {
        loop {
            match self.commands.try_recv() {
                Ok(IoCommand::Open(request)) => self.waiting.push_back(request),
                Ok(IoCommand::CutTunnel(tunnel)) => self.cut(tunnel),
                Ok(IoCommand::End) | Err(TryRecvError::Disconnected) => return Err(LoopEnd::Asked),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// Ends the connections of one tunnel, those that wait included.
    fn cut(&mut self, tunnel: u64) {
        let cut: Vec<usize> = self
            .connections
            .iter()
            .filter(|(_, connection)| connection.tunnel == tunnel)
            .map(|(i, _)| i)
            .collect();
        for index in cut {
            self.end_connection(index);
        }
        let (gone, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|request| request.tunnel() == Some(tunnel));
        self.waiting = kept;
        let gone: VecDeque<OpenRequest> = gone;
        for request in gone {
            self.load.opened();
            request.abandon();
        }
        if let Some(request) = &mut self.opening
            && request.tunnel() == Some(tunnel)
        {
            // libssh2 cannot take back an open that the server has not answered: the channel is closed when it comes.
            request.forget_client();
        }
    }

    fn serve_ready(&mut self) -> Result<(), LoopEnd> {
        let mut ready = std::mem::take(&mut self.ready);
        ready.sort_unstable();
        ready.dedup();
        for index in ready {
            let Some(connection) = self.connections.get_mut(index) else {
                continue;
            };
            let may_send = self.transport.queued_bytes() < QUEUE_LIMIT_BYTES;
            match connection.serve(&mut self.scratch, may_send)? {
                Progress::Idle if may_send => {}
                Progress::Idle | Progress::More => self.ready.push(index),
                Progress::Finished => self.end_connection(index),
            }
        }
        Ok(())
    }

    fn end_connection(&mut self, index: usize) {
        let connection = self.connections.remove(index);
        let channel = connection.into_channel(self.poll.registry());
        self.closing.extend(channel.close());
        self.load.disconnected();
    }

    /// Opens channels one after the other, as libssh2 demands.
    fn open_channels(&mut self) -> Result<(), LoopEnd> {
        loop {
            if self.opening.is_none() {
                self.opening = self.waiting.pop_front();
            }
            let Some(request) = &self.opening else {
                return Ok(());
            };
            match self
                .session
                .open(request.kind(), INITIAL_WINDOW_BYTES, request.message())?
            {
                Opening::Pending => return Ok(()),
                Opening::Open(channel) => self.opened(channel)?,
                Opening::Refused(refusal) => {
                    self.load.opened();
                    if let Some(request) = self.opening.take() {
                        request.refuse(refusal);
                    }
                }
            }
        }
    }

    fn opened(&mut self, channel: RawChannel) -> Result<(), LoopEnd> {
        self.load.opened();
        let Some(request) = self.opening.take() else {
            return Ok(());
        };
        match request.into_purpose() {
            Purpose::Proof(proof) => {
                proof.succeed();
                self.closing.extend(channel.close());
            }
            Purpose::Forgotten => self.closing.extend(channel.close()),
            Purpose::Connection {
                local,
                tunnel,
                meter,
            } => {
                let mut connection = Connection::new(channel, local, tunnel, meter);
                let entry = self.connections.vacant_entry();
                let index = entry.key();
                let interest = mio::Interest::READABLE | mio::Interest::WRITABLE;
                let registered = mio::event::Source::register(
                    connection.local_mut(),
                    self.poll.registry(),
                    Token(index),
                    interest,
                );
                entry.insert(connection);
                self.load.connected();
                match registered {
                    Ok(()) => self.serve_new(index)?,
                    Err(error) => {
                        tracing::warn!(%error, "a connection cannot be watched and is cut");
                        self.end_connection(index);
                    }
                }
            }
        }
        Ok(())
    }

    /// The client may have sent its request long before its channel was open.
    fn serve_new(&mut self, index: usize) -> Result<(), LoopEnd> {
        self.ready.push(index);
        self.serve_ready()
    }

    fn close_channels(&mut self) {
        self.closing = std::mem::take(&mut self.closing)
            .into_iter()
            .filter_map(RawChannel::close)
            .collect();
    }

    fn note_life(&mut self) {
        if self.probes.unanswered > 0 {
            self.session.discard_probe_replies();
            self.probes.unanswered = 0;
        }
    }

    fn probe_if_silent(&mut self) -> Result<(), LoopEnd> {
        let silence = self
            .transport
            .last_received()
            .max(self.probes.last_sent)
            .elapsed();
        if self
            .liveness
            .interval
            .is_none_or(|interval| silence < interval)
        {
            return Ok(());
        }
        if self.probes.unanswered >= self.liveness.count_max {
            let seconds = self.transport.last_received().elapsed().as_secs();
            return Err(LoopEnd::Lost(format!(
                "the server has been silent for {seconds} s"
            )));
        }
        self.session.probe()?;
        self.probes.unanswered += 1;
        self.probes.last_sent = Instant::now();
        Ok(())
    }

    fn lost(&self) -> LoopEnd {
        LoopEnd::Lost(
            self.transport
                .ended()
                .map_or_else(|| "the connection broke".to_owned(), Ended::reason),
        )
    }

    /// Nothing is left behind: clients see their connections cut, and whoever waits is told.
    fn finish(&mut self, end: &LoopEnd) {
        if *end == LoopEnd::Asked {
            self.session.say_goodbye();
            if let Err(error) = self.transport.flush() {
                tracing::debug!(%error, "the goodbye was not sent");
            }
        }
        self.transport.give_up();
        for index in self
            .connections
            .iter()
            .map(|(index, _)| index)
            .collect::<Vec<_>>()
        {
            self.end_connection(index);
        }
        self.close_channels();
        for request in self
            .opening
            .take()
            .into_iter()
            .chain(self.waiting.drain(..))
        {
            self.load.opened();
            request.abandon();
        }
    }
}
