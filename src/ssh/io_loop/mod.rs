//! The loop of one session: one thread that owns the session, its socket and every connection through it.
//!
//! Nothing of the session is shared, so nothing is locked: the engine sends commands through a queue and a waker. The poll is
//! edge-triggered; each side remembers whether it may be readable or writable until the system says otherwise.

mod liveness;
mod opening;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

use super::connection::{Connection, Turn};
use super::exec::Execution;
use super::open_request::OpenRequest;
use super::raw::{Broken, RawChannel, RawSession};
use super::roster::Roster;
use super::session::{Inbox, IoCommand, Load};
use super::spares::Spares;
use super::transport::{Ended, QUEUE_LIMIT_BYTES, Transport};
use crate::model::{Words, words};
pub(super) use liveness::Liveness;
use liveness::{Probes, VERIFY_INTERVAL};
use opening::Opening;

const TRANSPORT: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// One read or write at a time: two of the largest packets.
const SCRATCH_BYTES: usize = 64 * 1024;

/// How often channels that are being closed, whose confirmation may have come, are looked at.
const CLOSING_INTERVAL: Duration = Duration::from_millis(50);

/// How long a loop sleeps at most: polls take no longer times everywhere.
const NEVER: Duration = Duration::from_hours(24);

/// What a loop is told about its session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) liveness: Liveness,
    /// The path's round trip, where it is known: not behind a jump host or a command.
    pub(super) round_trip: Option<Duration>,
    /// Whether channels may be opened ahead of need.
    pub(super) opens_ahead: bool,
}

/// The loop's whole state.
pub(super) struct IoLoop {
    // Channels are dropped before the session: they are listed first.
    roster: Roster,
    /// Commands that run on the host.
    executions: Vec<Execution>,
    closing: Vec<RawChannel>,
    /// Channels that wait for clients; none where none are to be opened ahead of need.
    spares: Option<Spares>,
    /// The channels that the server has been asked for, by their numbers.
    opening: HashMap<u32, Opening>,
    /// A channel that is to be asked for before any other, once keys have been exchanged.
    held_up: Option<OpenRequest>,
    waiting: VecDeque<OpenRequest>,
    session: RawSession,
    transport: Rc<Transport>,
    poll: Poll,
    commands: Inbox,
    load: Arc<Load>,
    scratch: Box<[u8]>,
    liveness: Liveness,
    probes: Probes,
    /// The shortest time in which the server has answered anything, once it has: an upper bound of the path's round trip.
    round_trip: Option<Duration>,
}

/// Why a loop ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LoopEnd {
    /// It was told to.
    Asked,
    /// The session broke; how it was noticed.
    Lost(Words),
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
        commands: Inbox,
        load: Arc<Load>,
        setup: Setup,
    ) -> io::Result<Self> {
        transport.register(poll.registry(), TRANSPORT)?;
        session.arm_probes();
        Ok(Self {
            roster: Roster::new(),
            executions: Vec::new(),
            closing: Vec::new(),
            spares: setup.opens_ahead.then(Spares::new),
            opening: HashMap::new(),
            held_up: None,
            waiting: VecDeque::new(),
            session,
            transport,
            poll,
            commands,
            load,
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
            liveness: setup.liveness,
            probes: Probes {
                unanswered: 0,
                last_sent: Instant::now(),
                verifying: None,
            },
            round_trip: setup.round_trip,
        })
    }

    /// Runs until it is told to end or the session is lost.
    pub(super) fn run(mut self) -> LoopEnd {
        let mut events = Events::with_capacity(1024);
        let end = loop {
            if let Err(error) = self.poll.poll(&mut events, Some(self.timeout()))
                && error.kind() != io::ErrorKind::Interrupted
            {
                break LoopEnd::Lost(words!(
                    "the system's poll failed: {error}",
                    error = error.to_string()
                ));
            }
            match self.turn(&events) {
                Ok(()) => {}
                // How the connection ended says more than what libssh2 was doing when it did.
                Err(LoopEnd::Lost(_)) if self.transport.ended().is_some() => break self.lost(),
                Err(end) => break end,
            }
        };
        self.finish(&end);
        end
    }

    /// How long nothing needs to be done unless something happens.
    fn timeout(&self) -> Duration {
        let may_send = self.transport.queued_bytes() < QUEUE_LIMIT_BYTES;
        if self.transport.has_more() || (may_send && self.roster.has_ready()) {
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
        let until_closed = (!self.closing.is_empty()).then_some(CLOSING_INTERVAL);
        let until_overdue = self.executions.iter().map(Execution::deadline).min();
        let until_overdue = until_overdue.map(|due| due.saturating_duration_since(Instant::now()));
        let until_verified = self
            .probes
            .verifying
            .map(|_| VERIFY_INTERVAL.saturating_sub(self.probes.last_sent.elapsed()));
        let others = [
            until_verified,
            until_closed,
            until_overdue,
            self.spares.as_ref().and_then(Spares::until_expiry),
            self.roster.until_sweep(),
        ];
        others
            .into_iter()
            .flatten()
            .fold(until_probe, Duration::min)
    }

    fn turn(&mut self, events: &Events) -> Result<(), LoopEnd> {
        let may_receive = self.note_events(events)?;
        let packets = if may_receive { self.session.pump()? } else { 0 };
        self.transport.acknowledge_small();
        self.transport.end_receiving();
        if packets > 0 {
            self.note_life();
            self.roster.packets_arrived();
            self.take_answers()?;
        }
        self.serve()?;
        self.open_ahead();
        self.open_channels()?;
        self.serve_executions()?;
        self.close_channels();
        self.go_on_verifying()?;
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
                    let gone = event.is_error();
                    let (readable, writable) = (event.is_readable(), event.is_writable());
                    self.roster.note(index, readable || gone, writable || gone);
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
            match self.commands.take() {
                Ok(IoCommand::Open(request)) => self.wanted(request)?,
                Ok(IoCommand::CutTunnel(tunnel)) => self.cut(tunnel),
                Ok(IoCommand::Check) => self.probe()?,
                Ok(IoCommand::Verify) => self.verify()?,
                Ok(IoCommand::End) | Err(TryRecvError::Disconnected) => return Err(LoopEnd::Asked),
                Err(TryRecvError::Empty) => return Ok(()),
            }
        }
    }

    /// Ends the connections of one tunnel, those that wait included.
    fn cut(&mut self, tunnel: u64) {
        for connection in self.roster.take_tunnel(tunnel) {
            self.end_connection(connection);
        }
        let spares = self.spares.as_mut().map(|spares| spares.end(Some(tunnel)));
        let spares = spares.into_iter().flatten();
        self.closing.extend(spares.filter_map(RawChannel::close));
        let (gone, kept) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|request| request.tunnel() == Some(tunnel));
        self.waiting = kept;
        let gone: VecDeque<OpenRequest> = gone;
        for request in gone {
            self.abandon(request);
        }
        // An open cannot be taken back once it is sent: the channel is closed when it comes.
        let sent = self
            .opening
            .values_mut()
            .map(|opening| &mut opening.request);
        let theirs = |request: &&mut OpenRequest| request.tunnel() == Some(tunnel);
        sent.chain(&mut self.held_up)
            .filter(theirs)
            .for_each(OpenRequest::forget_client);
    }

    fn serve(&mut self) -> Result<(), LoopEnd> {
        let mut turn = Turn {
            scratch: &mut self.scratch,
            may_send: true,
            now: Instant::now(),
            round_trip: self.round_trip.unwrap_or_default(),
            moved: false,
        };
        for connection in self.roster.serve(&mut turn, &self.transport)? {
            self.end_connection(connection);
        }
        Ok(())
    }

    fn end_connection(&mut self, connection: Connection) {
        let channel = connection.into_channel(self.poll.registry());
        self.closing.extend(channel.close());
        self.load.disconnected();
    }

    fn serve_executions(&mut self) -> Result<(), LoopEnd> {
        for execution in std::mem::take(&mut self.executions) {
            match execution.serve(&mut self.scratch)? {
                Ok(going_on) => self.executions.push(going_on),
                Err(channel) => self.closing.extend(channel.close()),
            }
        }
        Ok(())
    }

    fn close_channels(&mut self) {
        self.closing = std::mem::take(&mut self.closing)
            .into_iter()
            .filter_map(RawChannel::close)
            .collect();
    }

    fn lost(&self) -> LoopEnd {
        LoopEnd::Lost(
            self.transport
                .ended()
                .map_or_else(|| words!("the connection broke"), Ended::reason),
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
        for connection in self.roster.take_all() {
            self.end_connection(connection);
        }
        let spares = self.spares.as_mut().map(|spares| spares.end(None));
        let channels = self.executions.drain(..).map(Execution::into_channel);
        let channels = channels.chain(spares.into_iter().flatten());
        self.closing.extend(channels.filter_map(RawChannel::close));
        self.close_channels();
        let sent = self.opening.drain().map(|(_, opening)| opening.request);
        let others = self
            .held_up
            .take()
            .into_iter()
            .chain(self.waiting.drain(..));
        for request in sent.chain(others).collect::<Vec<_>>() {
            self.abandon(request);
        }
    }

    fn abandon(&self, request: OpenRequest) {
        if request.is_awaited() {
            self.load.opened();
        }
        request.abandon();
    }
}
