//! The loop of one session: one thread that owns the session, its socket and every connection through it.
//!
//! Nothing of the session is shared, so nothing is locked: the engine sends commands through a queue and a waker. The poll is
//! edge-triggered; each side remembers whether it may be readable or writable until the system says otherwise.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::TryRecvError;
use std::time::{Duration, Instant};

use mio::event::Source as _;
use mio::{Events, Interest, Poll, Token};

use super::connection::{Connection, Turn};
use super::exec::Execution;
use super::open_request::{OpenRequest, Purpose};
use super::raw::{Broken, RawChannel, RawSession};
use super::raw_open::{Begun, PendingChannel, Verdict};
use super::roster::Roster;
use super::session::{Inbox, IoCommand, Load};
use super::spares::Spares;
use super::transport::{Ended, QUEUE_LIMIT_BYTES, Transport};
use super::window::INITIAL_BYTES;
use crate::model::{Words, words};

const TRANSPORT: Token = Token(usize::MAX);
pub(super) const WAKER: Token = Token(usize::MAX - 1);

/// One read or write at a time: two of the largest packets.
const SCRATCH_BYTES: usize = 64 * 1024;

/// How many clients of one tunnel may wait for the server's answer at once: those of a target that does not answer leave room
/// for all others.
const OPENS_PER_TUNNEL: usize = 64;

/// How often channels that are being closed, whose confirmation may have come, are looked at.
const CLOSING_INTERVAL: Duration = Duration::from_millis(50);

/// How long a server has for a sign of life when it is in doubt, and how often it is asked meanwhile: libssh2 asks no more often
/// than every two seconds.
const VERIFY_LIMIT: Duration = Duration::from_secs(7);
const VERIFY_INTERVAL: Duration = Duration::from_millis(2500);

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

/// What a loop is told about its session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) liveness: Liveness,
    /// The path's round trip, as far as it is known.
    pub(super) round_trip: Duration,
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
    /// The shortest time in which the server has answered anything: an upper bound of the path's round trip.
    round_trip: Duration,
}

/// A channel that the server has been asked for.
struct Opening {
    channel: PendingChannel,
    request: OpenRequest,
    since: Instant,
}

/// The questions asked of a silent server.
struct Probes {
    unanswered: u32,
    last_sent: Instant,
    /// Since when it matters that the server gives a sign of life at once.
    verifying: Option<Instant>,
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

    /// Somebody wants a channel: one that waits for that, or a new one.
    fn wanted(&mut self, request: OpenRequest) -> Result<(), LoopEnd> {
        let spare = match (&mut self.spares, request.spare_for()) {
            (Some(spares), Some(spare_for)) => spares.take(spare_for, Instant::now()),
            _ => None,
        };
        let Some(channel) = spare else {
            self.waiting.push_back(request);
            return Ok(());
        };
        self.load.opened();
        self.opened(channel, request)
    }

    /// Keeps as many channels for clients that are likely to come as is right now.
    fn open_ahead(&mut self) {
        let Some(spares) = &mut self.spares else {
            return;
        };
        let now = Instant::now();
        self.closing.extend(
            spares
                .expired(now)
                .into_iter()
                .filter_map(RawChannel::close),
        );
        let wanted = spares.wanted(now, self.round_trip);
        self.waiting
            .extend(wanted.into_iter().map(OpenRequest::spare));
        self.load.has_spares(spares.count());
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
            round_trip: self.round_trip,
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

    /// Asks for the channels that are wanted.
    fn open_channels(&mut self) -> Result<(), LoopEnd> {
        while let Some(request) = self.held_up.take().or_else(|| self.next_wanted()) {
            let begun =
                self.session
                    .begin_open(request.kind(), INITIAL_BYTES, request.message())?;
            let Begun::Sent(channel) = begun else {
                self.held_up = Some(request);
                return Ok(());
            };
            let opening = Opening {
                request,
                since: Instant::now(),
                channel,
            };
            self.opening.insert(opening.channel.id(), opening);
        }
        Ok(())
    }

    /// The first that waits and whose tunnel has not too many on their way.
    fn next_wanted(&mut self) -> Option<OpenRequest> {
        let (opening, waiting) = (&self.opening, &mut self.waiting);
        let on_their_way = |tunnel| {
            let requests = opening.values().map(|opening| &opening.request);
            requests
                .filter(|request| request.tunnel() == tunnel)
                .count()
        };
        let has_room = |request: &OpenRequest| match request.tunnel() {
            Some(tunnel) => on_their_way(Some(tunnel)) < OPENS_PER_TUNNEL,
            None => true,
        };
        let index = waiting.iter().position(has_room)?;
        waiting.remove(index)
    }

    /// Takes in what the server says about the channels it was asked for.
    fn take_answers(&mut self) -> Result<(), LoopEnd> {
        while !self.opening.is_empty()
            && let Some(answer) = self.session.next_answer()?
        {
            let Some(Opening {
                channel,
                request,
                since,
            }) = self.opening.remove(&answer.id)
            else {
                return Err(LoopEnd::Lost(words!(
                    "the server answers what it was not asked"
                )));
            };
            if request.is_awaited() {
                self.load.opened();
            }
            match answer.verdict {
                Verdict::Open(end) => {
                    self.round_trip = self.round_trip.min(since.elapsed());
                    self.opened(channel.confirm(end), request)?;
                }
                Verdict::Refused(refusal, words) => {
                    channel.discard();
                    self.note_refusal(&request);
                    request.refuse(refusal, words);
                }
            }
        }
        Ok(())
    }

    fn note_refusal(&mut self, request: &OpenRequest) {
        if let (Some(spares), Purpose::Spare(spare_for)) = (&mut self.spares, request.purpose()) {
            spares.refused(spare_for);
        }
    }

    fn opened(&mut self, channel: RawChannel, request: OpenRequest) -> Result<(), LoopEnd> {
        match request.into_purpose() {
            Purpose::Proof(proof) => {
                proof.succeed();
                self.closing.extend(channel.close());
            }
            Purpose::Exec(request) => self.executions.push(Execution::new(channel, request)),
            Purpose::Forgotten => self.closing.extend(channel.close()),
            Purpose::Spare(spare_for) => {
                let unwanted = match &mut self.spares {
                    Some(spares) => spares.arrived(&spare_for, channel),
                    None => Some(channel),
                };
                self.closing.extend(unwanted.and_then(RawChannel::close));
            }
            Purpose::Connection {
                local,
                preface,
                tunnel,
                meter,
                elsewhere: _not_needed,
            } => {
                let mut connection =
                    Connection::new(channel, local, tunnel, meter, self.round_trip);
                if let Some(preface) = preface {
                    connection.tell_first(preface.opened);
                }
                self.begin(connection)?;
            }
        }
        Ok(())
    }

    /// Takes in a connection. Its client may have sent its request long before the channel was open.
    fn begin(&mut self, mut connection: Connection) -> Result<(), LoopEnd> {
        self.load.connected();
        let token = Token(self.roster.next_index());
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = connection
            .local_mut()
            .register(self.poll.registry(), token, interest)
        {
            tracing::warn!(%error, "a connection cannot be watched and is cut");
            self.end_connection(connection);
            return Ok(());
        }
        self.roster.insert(connection);
        self.serve()
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

    fn note_life(&mut self) {
        self.probes.verifying = None;
        self.load.settle();
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
            return Err(LoopEnd::Lost(words!(
                "the server has been silent for {seconds} s",
                seconds = seconds
            )));
        }
        self.probe()
    }

    fn verify(&mut self) -> Result<(), LoopEnd> {
        if let Some(address) = self.transport.deserted() {
            return Err(LoopEnd::Lost(words!(
                "it was made from {address}, which is no longer an address of this computer",
                address = address
            )));
        }
        self.probes.verifying.get_or_insert_with(Instant::now);
        self.probe()
    }

    /// A server in doubt is asked again, and given up after a while.
    fn go_on_verifying(&mut self) -> Result<(), LoopEnd> {
        let Some(since) = self.probes.verifying else {
            return Ok(());
        };
        if since.elapsed() >= VERIFY_LIMIT {
            let seconds = since.elapsed().as_secs();
            return Err(LoopEnd::Lost(words!(
                "the server has been silent for {seconds} s since the network changed or this computer woke",
                seconds = seconds
            )));
        }
        if self.probes.last_sent.elapsed() >= VERIFY_INTERVAL {
            return self.verify();
        }
        Ok(())
    }

    fn probe(&mut self) -> Result<(), LoopEnd> {
        self.session.probe()?;
        if self.probes.unanswered > 0 || self.probes.verifying.is_some() {
            self.load.doubt();
        }
        self.probes.unanswered += 1;
        self.probes.last_sent = Instant::now();
        Ok(())
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
