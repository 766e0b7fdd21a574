//! The connections of a session, and whose turn it is.
//!
//! libssh2 does not tell whom a packet was for. With few connections all are asked after every packet; with many, those that
//! have moved bytes lately come first, and the others are asked only when none of these had anything, or after a while.

use std::time::{Duration, Instant};

use slab::Slab;

use super::connection::{Connection, Progress, Turn};
use super::raw::Broken;
use super::transport::{QUEUE_LIMIT_BYTES, Transport};

/// Up to this many connections all are asked after every packet.
const FEW: usize = 32;

/// How long a connection that has moved bytes is asked first.
const BUSY_FOR: Duration = Duration::from_secs(1);

/// How long the others wait at most while the busy ones have enough to do.
const SWEEP_INTERVAL: Duration = Duration::from_millis(2);

/// Every connection of a session.
pub(super) struct Roster {
    all: Slab<Entry>,
    /// Those that have something to do, or may have.
    ready: Vec<usize>,
    /// Those that have moved bytes lately.
    busy: Vec<usize>,
    /// Packets have arrived since the last time that all were asked.
    owes_sweep: bool,
    swept: Instant,
}

struct Entry {
    connection: Connection,
    moved: Instant,
    is_ready: bool,
    is_busy: bool,
}

impl Roster {
    pub(super) fn new() -> Self {
        Self {
            all: Slab::new(),
            ready: Vec::new(),
            busy: Vec::new(),
            owes_sweep: false,
            swept: Instant::now(),
        }
    }

    /// The place that the next connection will have.
    pub(super) fn next_index(&self) -> usize {
        self.all.vacant_key()
    }

    /// Takes in a connection, which may have something to do at once.
    pub(super) fn insert(&mut self, connection: Connection) {
        let index = self.all.insert(Entry {
            connection,
            moved: Instant::now(),
            is_ready: false,
            is_busy: false,
        });
        self.mark_ready(index);
        self.mark_busy(index);
    }

    /// Takes note of what the poll reported about a connection, if it is still there.
    pub(super) fn note(&mut self, index: usize, readable: bool, writable: bool) {
        if let Some(entry) = self.all.get_mut(index) {
            entry.connection.note(readable, writable);
            self.mark_ready(index);
        }
    }

    /// Packets have arrived, for whomever.
    pub(super) fn packets_arrived(&mut self) {
        self.owes_sweep = true;
        if self.all.len() > FEW {
            for index in std::mem::take(&mut self.busy) {
                if let Some(entry) = self.all.get_mut(index) {
                    entry.is_busy = entry.moved.elapsed() < BUSY_FOR;
                    if entry.is_busy {
                        self.busy.push(index);
                        self.mark_ready(index);
                    }
                }
            }
        }
    }

    /// Whether somebody is known to have something to do.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// How long until all have to be asked again, if they have.
    pub(super) fn until_sweep(&self) -> Option<Duration> {
        self.owes_sweep
            .then(|| SWEEP_INTERVAL.saturating_sub(self.swept.elapsed()))
    }

    /// Lets everybody who may have something to do have their turn. Returns those that are finished.
    pub(super) fn serve(
        &mut self,
        turn: &mut Turn<'_>,
        transport: &Transport,
    ) -> Result<Vec<Connection>, Broken> {
        let mut finished = Vec::new();
        turn.moved = false;
        self.serve_ready(turn, transport, &mut finished)?;
        let enough =
            self.all.len() > FEW && turn.moved && self.until_sweep() != Some(Duration::ZERO);
        if self.owes_sweep && !enough {
            self.owes_sweep = false;
            self.swept = turn.now;
            for index in self.all.iter().map(|(index, _)| index).collect::<Vec<_>>() {
                self.mark_ready(index);
            }
            self.serve_ready(turn, transport, &mut finished)?;
        }
        Ok(finished)
    }

    fn serve_ready(
        &mut self,
        turn: &mut Turn<'_>,
        transport: &Transport,
        finished: &mut Vec<Connection>,
    ) -> Result<(), Broken> {
        let already_moved = turn.moved;
        let mut any_moved = false;
        for index in std::mem::take(&mut self.ready) {
            let Some(entry) = self.all.get_mut(index) else {
                continue;
            };
            entry.is_ready = false;
            turn.may_send = transport.queued_bytes() < QUEUE_LIMIT_BYTES;
            turn.moved = false;
            let progress = entry.connection.serve(turn)?;
            if turn.moved {
                any_moved = true;
                entry.moved = turn.now;
                self.mark_busy(index);
            }
            match progress {
                Progress::Idle if turn.may_send => {}
                Progress::Idle | Progress::More => self.mark_ready(index),
                Progress::Finished => finished.push(self.all.remove(index).connection),
            }
        }
        turn.moved = already_moved || any_moved;
        Ok(())
    }

    /// Takes out the connections of one tunnel.
    pub(super) fn take_tunnel(&mut self, tunnel: u64) -> Vec<Connection> {
        self.take(|connection| connection.tunnel == tunnel)
    }

    /// Takes out every connection.
    pub(super) fn take_all(&mut self) -> Vec<Connection> {
        self.take(|_| true)
    }

    fn take(&mut self, which: impl Fn(&Connection) -> bool) -> Vec<Connection> {
        let taken = self
            .all
            .iter()
            .filter(|(_, entry)| which(&entry.connection))
            .map(|(index, _)| index);
        let taken: Vec<usize> = taken.collect();
        taken
            .into_iter()
            .map(|index| self.all.remove(index).connection)
            .collect()
    }

    fn mark_ready(&mut self, index: usize) {
        if let Some(entry) = self.all.get_mut(index)
            && !std::mem::replace(&mut entry.is_ready, true)
        {
            self.ready.push(index);
        }
    }

    fn mark_busy(&mut self, index: usize) {
        if let Some(entry) = self.all.get_mut(index)
            && !std::mem::replace(&mut entry.is_busy, true)
        {
            self.busy.push(index);
        }
    }
}
