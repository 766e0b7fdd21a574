//! Whether the server is still there: a silent one is asked for a sign of life, and given up when it gives none.

use std::time::{Duration, Instant};

use super::{IoLoop, LoopEnd};
use crate::model::words;

/// How long a server has for a sign of life when it is in doubt, and how often it is asked meanwhile: libssh2 asks no more often
/// than every two seconds.
const VERIFY_LIMIT: Duration = Duration::from_secs(7);
pub(super) const VERIFY_INTERVAL: Duration = Duration::from_millis(2500);

/// When a silent server is asked for a sign of life, and when it counts as gone.
#[derive(Clone, Copy, Debug)]
pub(in crate::ssh) struct Liveness {
    /// How long it may be silent before it is asked, and between questions, at least two seconds; none never asks.
    pub(in crate::ssh) interval: Option<Duration>,
    /// How many questions may go unanswered.
    pub(in crate::ssh) count_max: u32,
}

/// The questions asked of a silent server.
pub(super) struct Probes {
    pub(super) unanswered: u32,
    pub(super) last_sent: Instant,
    /// Since when it matters that the server gives a sign of life at once.
    pub(super) verifying: Option<Instant>,
}

impl IoLoop {
    pub(super) fn note_life(&mut self) {
        self.probes.verifying = None;
        self.load.settle();
        if self.probes.unanswered > 0 {
            self.session.discard_probe_replies();
            self.probes.unanswered = 0;
        }
    }

    pub(super) fn probe_if_silent(&mut self) -> Result<(), LoopEnd> {
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

    pub(super) fn verify(&mut self) -> Result<(), LoopEnd> {
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
    pub(super) fn go_on_verifying(&mut self) -> Result<(), LoopEnd> {
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

    pub(super) fn probe(&mut self) -> Result<(), LoopEnd> {
        self.session.probe()?;
        if self.probes.unanswered > 0 || self.probes.verifying.is_some() {
            self.load.doubt();
        }
        self.probes.unanswered += 1;
        self.probes.last_sent = Instant::now();
        Ok(())
    }
}
