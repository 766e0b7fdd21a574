//! How fast bytes move, from the counters of one snapshot after another.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::model::{Moment, Snapshot, Traffic, TunnelId};

/// After this long without a change nothing moves any more.
const QUIET_AFTER: Duration = Duration::from_millis(1200);

/// How many rates are remembered: ten seconds of them.
const REMEMBERED: usize = 40;

/// Bytes a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rate {
    /// To this computer.
    pub(super) down: u64,
    /// From this computer.
    pub(super) up: u64,
}

#[derive(Clone, Debug)]
struct Reading {
    traffic: Traffic,
    at: Moment,
    rate: Rate,
    moved_at: Option<Moment>,
    /// The last rates, both ways together, oldest first.
    lately: VecDeque<u64>,
}

/// The rates of all tunnels.
#[derive(Debug, Default)]
pub(super) struct Meter {
    readings: HashMap<TunnelId, Reading>,
}

impl Meter {
    /// Reads the counters of a new snapshot.
    pub(super) fn read(&mut self, snapshot: &Snapshot) {
        let at = snapshot.now;
        self.readings
            .retain(|id, _| snapshot.tunnels.contains_key(id));
        for (id, tunnel) in &snapshot.tunnels {
            let traffic = tunnel.traffic;
            let Some(before) = self.readings.get_mut(id) else {
                let reading = Reading {
                    traffic,
                    at,
                    rate: Rate::default(),
                    moved_at: None,
                    lately: VecDeque::new(),
                };
                self.readings.insert(id.clone(), reading);
                continue;
            };
            before.read(traffic, at);
        }
    }

    /// How fast bytes moved lately, both ways together, oldest first; empty if they never did.
    pub(super) fn lately(&self, id: &TunnelId) -> Vec<u64> {
        let reading = self.readings.get(id);
        reading.map_or_else(Vec::new, |reading| reading.lately.iter().copied().collect())
    }

    /// How fast bytes move through this tunnel; none if they do not.
    pub(super) fn rate(&self, id: &TunnelId, now: Moment) -> Option<Rate> {
        let reading = self.readings.get(id)?;
        let moved_at = reading.moved_at?;
        (now.since(moved_at) < QUIET_AFTER).then_some(reading.rate)
    }
}

impl Reading {
    fn read(&mut self, traffic: Traffic, at: Moment) {
        let elapsed_ms = u64::try_from(at.since(self.at).as_millis()).unwrap_or(u64::MAX);
        if elapsed_ms == 0 {
            return;
        }
        let per_second = |now: u64, before: u64| now.saturating_sub(before) * 1000 / elapsed_ms;
        self.rate = Rate {
            down: per_second(traffic.down_bytes, self.traffic.down_bytes),
            up: per_second(traffic.up_bytes, self.traffic.up_bytes),
        };
        if self.rate != Rate::default() {
            self.moved_at = Some(at);
        }
        // Before anything has moved there is no line to draw.
        if self.moved_at.is_some() {
            if self.lately.len() == REMEMBERED {
                self.lately.pop_front();
            }
            self.lately
                .push_back(self.rate.down.saturating_add(self.rate.up));
        }
        self.traffic = traffic;
        self.at = at;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::diagram::testing::{key, ui_in};
    use crate::model::{TunnelState, TunnelStatus};

    fn after(ms: u64, down_bytes: u64) -> Snapshot {
        let mut snapshot = ui_in(TunnelState::Off);
        snapshot.now = Moment::after_start(Duration::from_millis(ms));
        let id = TunnelId::service(key(), 80);
        let mut tunnel = TunnelStatus::clone(&snapshot.tunnels[&id]);
        tunnel.traffic.down_bytes = down_bytes;
        snapshot.tunnels.insert(id, Arc::new(tunnel));
        snapshot
    }

    #[test]
    fn rates_come_and_go() {
        let id = TunnelId::service(key(), 80);
        let at = |ms| Moment::after_start(Duration::from_millis(ms));
        let mut meter = Meter::default();
        meter.read(&after(0, 1_000));
        assert_eq!(meter.rate(&id, at(0)), None, "there is nothing to compare");
        meter.read(&after(250, 2_000));
        let rate = Rate { down: 4_000, up: 0 };
        assert_eq!(meter.rate(&id, at(300)), Some(rate));
        assert_eq!(meter.rate(&id, at(2_000)), None, "it is quiet");
        meter.read(&after(3_000, 2_000));
        assert_eq!(meter.rate(&id, at(3_000)), None, "nothing moved");
    }
}
