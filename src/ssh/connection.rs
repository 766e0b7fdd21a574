//! One forwarded connection: a local stream on one side, a channel on the other, two directions that end on their own.

use std::io::{self, Read, Write};
use std::sync::Arc;

use super::meter::Meter;
use super::raw::{Broken, RawChannel, Received};
use super::stream::Stream;

/// The receive window a channel starts with. Small, so that what a stalled reader leaves in libssh2's queue, which every
/// read of the session has to search, stays small too.
pub(super) const INITIAL_WINDOW_BYTES: u32 = 64 * 1024;

/// The window of a channel whose reader keeps up. Larger ones make sshd slower on a short path, not faster.
const WINDOW_BYTES: usize = 2 * 1024 * 1024;

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

/// A connection and the bytes on their way through it.
pub(super) struct Connection {
    channel: RawChannel,
    local: Stream,
    meter: Arc<Meter>,
    /// Which tunnel it belongs to.
    pub(super) tunnel: u64,
    down: Down,
    up: Up,
    local_readable: bool,
    local_writable: bool,
}

/// From the target to the local client.
#[derive(Default)]
struct Down {
    /// Received and not yet taken by the client.
    pending: Vec<u8>,
    taken: usize,
    /// Something was received, so that a larger window is worth its packet.
    has_begun: bool,
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
    pub(super) fn new(channel: RawChannel, local: Stream, tunnel: u64, meter: Arc<Meter>) -> Self {
        meter.opened();
        Self {
            channel,
            local,
            meter,
            tunnel,
            down: Down::default(),
            up: Up::default(),
            local_readable: true,
            local_writable: true,
        }
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

    /// Moves what can be moved. `scratch` is the loop's; `may_send` is false while too much waits for the SSH socket.
    ///
    /// # Errors
    /// [`Broken`] if the session, not just this connection, is at its end.
    pub(super) fn serve(&mut self, scratch: &mut [u8], may_send: bool) -> Result<Progress, Broken> {
        let down = self.serve_down(scratch)?;
        if down == Progress::Finished {
            return Ok(down);
        }
        let up = if may_send {
            self.serve_up(scratch)?
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

    fn serve_down(&mut self, scratch: &mut [u8]) -> Result<Progress, Broken> {
        let mut share = SHARE_BYTES;
        loop {
            if !self.deliver_down() {
                return Ok(Progress::Finished);
            }
            if self.down.state != Direction::Flowing {
                break;
            }
            let mut window = self.channel.window_bytes();
            if self.down.wants_more() && window < WINDOW_BYTES / 2 {
                self.channel
                    .grant(u32::try_from(WINDOW_BYTES - window).unwrap_or(INITIAL_WINDOW_BYTES))?;
                // No larger yet while keys are exchanged.
                window = self.channel.window_bytes();
            }
            let room = drainable(window).min(scratch.len());
            if room == 0 {
                break;
            }
            if share == 0 {
                return Ok(Progress::More);
            }
            match self.channel.read(&mut scratch[..room])? {
                Received::Bytes(count) => {
                    share = share.saturating_sub(count);
                    self.meter.add_down(count);
                    if !self.receive_down(&scratch[..count]) {
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
        self.down.has_begun = true;
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

    fn serve_up(&mut self, scratch: &mut [u8]) -> Result<Progress, Broken> {
        let mut share = SHARE_BYTES;
        while self.up.state == Direction::Flowing {
            if !self.deliver_up()? {
                return Ok(Progress::Idle);
            }
            let room = self.channel.room_bytes().min(scratch.len());
            if room == 0 || !self.local_readable {
                return Ok(Progress::Idle);
            }
            if share == 0 {
                return Ok(Progress::More);
            }
            match self.local.read(&mut scratch[..room]) {
                Ok(0) => self.up.state = Direction::Ending,
                Ok(count) => {
                    share = share.saturating_sub(count);
                    self.meter.add_up(count);
                    self.send_up(&scratch[..count])?;
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
        if self.down.state != Direction::Ended {
            self.local.reset_on_close();
        }
        self.meter.closed();
        self.channel
    }
}

/// How much of `window` can be read without libssh2 granting more on its own: it does below three quarters of the initial
/// window plus what is asked for.
fn drainable(window: usize) -> usize {
    window.saturating_sub(INITIAL_WINDOW_BYTES as usize / 4 * 3)
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
        self.has_begun && self.pending.len() - self.taken < WINDOW_BYTES / 2
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
