//! One forwarded connection: a local stream on one side, a channel on the other, two directions that end on their own.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::meter::{Counted, Meter};
use super::raw::{Broken, RawChannel, Received};
use super::stream::Stream;
use super::window::{INITIAL_BYTES, Window};

/// How much one connection may move in one direction before the others have their turn.
const SHARE_BYTES: usize = 256 * 1024;

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// It waits for one of its sides.
    Idle,
    /// It has used up its share and has more to do.
    More,
    /// Both directions have ended, or one side is gone.
    Finished,
}

/// What the loop lends to a connection for one turn, and learns from it.
pub(super) struct Turn<'a> {
    /// A buffer for one read or write.
    pub(super) scratch: &'a mut [u8],
    /// False while too much waits for the SSH socket.
    pub(super) may_send: bool,
    /// The time, taken once for all connections.
    pub(super) now: Instant,
    /// The path's round trip, as far as it is known.
    pub(super) round_trip: Duration,
    /// Set when bytes have moved.
    pub(super) moved: bool,
}

/// A connection and the bytes on their way through it.
pub(super) struct Connection {
    channel: RawChannel,
    local: Stream,
    meter: Arc<Meter>,
    /// Its own counters.
    counted: Arc<Counted>,
    /// Which tunnel it belongs to.
    pub(super) tunnel: u64,
    down: Down,
    up: Up,
    local_readable: bool,
    local_writable: bool,
}

/// From the target to the local client.
struct Down {
    /// Received and not yet taken by the client.
    pending: Vec<u8>,
    taken: usize,
    window: Window,
    state: Direction,
}

/// From the local client to the target.
#[derive(Default)]
struct Up {
    /// Read from the client and not yet taken by libssh2, which must be offered the very same bytes again.
    pending: Vec<u8>,
    taken: usize,
    state: Direction,
}

/// Each direction ends on its own (RFC 4254, 5.3; TCP's half-close).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Direction {
    /// More may come.
    #[default]
    Flowing,
    /// Its source has ended; what is pending is still delivered.
    Ending,
    /// Its sink has been told the end.
    Ended,
}

impl Connection {
    pub(super) fn new(
        channel: RawChannel,
        local: Stream,
        tunnel: u64,
        meter: Arc<Meter>,
        round_trip: Duration,
    ) -> Self {
        let counted = meter.opened(local.peer());
        Self {
            channel,
            local,
            meter,
            counted,
            tunnel,
            down: Down {
                pending: Vec::new(),
                taken: 0,
                window: Window::over(round_trip),
                state: Direction::Flowing,
            },
            up: Up::default(),
            local_readable: true,
            local_writable: true,
        }
    }

    /// The client hears this before anything from the target.
    pub(super) fn tell_first(&mut self, bytes: Vec<u8>) {
        self.down.pending = bytes;
    }

    /// The local stream, to be registered with the poll.
    pub(super) fn local_mut(&mut self) -> &mut Stream {
        &mut self.local
    }

    /// Takes note of what the poll reported.
    pub(super) fn note(&mut self, readable: bool, writable: bool) {
        self.local_readable |= readable;
        self.local_writable |= writable;
    }

    /// Moves what can be moved.
    ///
    /// # Errors
    /// [`Broken`] if the session, not just this connection, is at its end.
    pub(super) fn serve(&mut self, turn: &mut Turn<'_>) -> Result<Progress, Broken> {
        let down = self.serve_down(turn)?;
        if down == Progress::Finished {
            return Ok(down);
        }
        let up = if turn.may_send {
            self.serve_up(turn)?
        } else {
            Progress::Idle
        };
        if up == Progress::Finished || (self.down.state == Direction::Ended && self.is_up_over()) {
            return Ok(Progress::Finished);
        }
        Ok(if down == Progress::More || up == Progress::More {
            Progress::More
        } else {
            Progress::Idle
        })
    }

    /// The target needs no more from us: it was told the end, or it has closed the channel.
    fn is_up_over(&self) -> bool {
        self.up.state == Direction::Ended || self.channel.is_closed_by_server()
    }

    fn serve_down(&mut self, turn: &mut Turn<'_>) -> Result<Progress, Broken> {
        let mut share = SHARE_BYTES;
        loop {
            if !self.deliver_down() {
                return Ok(Progress::Finished);
            }
            if self.down.state != Direction::Flowing {
                break;
            }
            let mut window = self.channel.window_bytes();
            let target = self.down.window.target_bytes();
            if self.down.wants_more() && window < target / 2 {
                self.channel.grant(target - window)?;
                // No larger yet while keys are exchanged.
                window = self.channel.window_bytes();
            }
            let room = drainable(window).min(turn.scratch.len());
            if room == 0 {
                break;
            }
            if share == 0 {
                return Ok(Progress::More);
            }
            match self.channel.read(&mut turn.scratch[..room])? {
                Received::Bytes(count) => {
                    share = share.saturating_sub(count);
                    self.meter.add_down(count);
                    self.counted.add_down(count);
                    self.down.window.received(count, turn.now, turn.round_trip);
                    turn.moved = true;
                    if !self.receive_down(&turn.scratch[..count]) {
                        return Ok(Progress::Finished);
                    }
                }
                Received::Nothing => break,
                Received::End => self.down.state = Direction::Ending,
            }
        }
        if self.down.state == Direction::Ending && self.down.is_empty() {
            self.local.shut_down_writing();
            self.down.state = Direction::Ended;
        }
        Ok(Progress::Idle)
    }

    /// New bytes from the target: straight to the client where nothing waits, else behind what waits. False if the client
    /// is gone.
    fn receive_down(&mut self, bytes: &[u8]) -> bool {
        let mut rest = bytes;
        if self.down.is_empty() {
            match write_some(&mut self.local, &mut self.local_writable, rest) {
                Ok(count) => rest = &rest[count..],
                Err(_gone) => return false,
            }
        }
        self.down.pending.extend_from_slice(rest);
        true
    }

    /// What waits for the client. False if the client is gone.
    fn deliver_down(&mut self) -> bool {
        while !self.down.is_empty() {
            match write_some(
                &mut self.local,
                &mut self.local_writable,
                &self.down.pending[self.down.taken..],
            ) {
                Ok(0) => return true,
                Ok(count) => self.down.take(count),
                Err(_gone) => return false,
            }
        }
        true
    }

    fn serve_up(&mut self, turn: &mut Turn<'_>) -> Result<Progress, Broken> {
        let mut share = SHARE_BYTES;
        while self.up.state == Direction::Flowing {
            if !self.deliver_up()? {
                return Ok(Progress::Idle);
            }
            let room = self.channel.room_bytes().min(turn.scratch.len());
            if room == 0 || !self.local_readable {
                return Ok(Progress::Idle);
            }
            if share == 0 {
                return Ok(Progress::More);
            }
            match self.local.read(&mut turn.scratch[..room]) {
                Ok(0) => self.up.state = Direction::Ending,
                Ok(count) => {
                    share = share.saturating_sub(count);
                    self.meter.add_up(count);
                    self.counted.add_up(count);
                    turn.moved = true;
                    self.send_up(&turn.scratch[..count])?;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.local_readable = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_reset) => return Ok(Progress::Finished),
            }
        }
        if self.up.state == Direction::Ending && self.deliver_up()? && self.channel.send_eof()? {
            self.up.state = Direction::Ended;
        }
        Ok(Progress::Idle)
    }

    fn send_up(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = self.channel.write(rest)?;
            if count == 0 {
                self.up.keep(rest);
                break;
            }
            rest = &rest[count..];
        }
        Ok(())
    }

    /// What waits for the channel. False if some still waits.
    fn deliver_up(&mut self) -> Result<bool, Broken> {
        while self.up.taken < self.up.pending.len() {
            let count = self.channel.write(&self.up.pending[self.up.taken..])?;
            if count == 0 {
                return Ok(false);
            }
            self.up.taken += count;
        }
        self.up.pending.clear();
        self.up.taken = 0;
        Ok(true)
    }

    /// Ends the local side. Unless both directions have ended in order the client sees a reset, never a short file.
    pub(super) fn into_channel(mut self, registry: &mio::Registry) -> RawChannel {
        if let Err(error) = mio::event::Source::deregister(&mut self.local, registry) {
            tracing::debug!(%error, "a connection was not registered");
        }
        if self.down.state == Direction::Ended {
            self.local.end_in_order();
        }
        self.meter.closed(&self.counted);
        self.channel
    }
}

/// How much of `window` can be read without libssh2 granting more on its own: it does below three quarters of the initial
/// window plus what is asked for.
fn drainable(window: usize) -> usize {
    window.saturating_sub(INITIAL_BYTES / 4 * 3)
}

/// Writes what the stream takes; none where it is full.
fn write_some(stream: &mut Stream, writable: &mut bool, bytes: &[u8]) -> io::Result<usize> {
    if !*writable {
        return Ok(0);
    }
    loop {
        match stream.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                *writable = false;
                return Ok(0);
            }
            result => return result,
        }
    }
}

impl Down {
    /// Only a reader that keeps up is granted more: back-pressure reaches the sender.
    fn wants_more(&self) -> bool {
        self.window.is_in_use() && self.pending.len() - self.taken < self.window.target_bytes() / 2
    }

    fn is_empty(&self) -> bool {
        self.taken == self.pending.len()
    }

    fn take(&mut self, count: usize) {
        self.taken += count;
        if self.is_empty() {
            // What a stalled reader piled up is given back to the system.
            self.pending = Vec::new();
            self.taken = 0;
        } else if self.taken > self.pending.len() / 2 && self.taken > SHARE_BYTES {
            self.pending.drain(..self.taken);
            self.taken = 0;
        }
    }
}

impl Up {
    fn keep(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }
}
