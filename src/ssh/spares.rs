//! Channels opened ahead of need, for targets that clients connect to in quick succession over a long path.
//!
//! A new connection through SSH takes a round trip for its channel before its first byte can go. Where several came within the
//! last second, a few more are opened beforehand and given to the next clients. The target sees them as connections that say
//! nothing yet; one that nobody takes is closed after two seconds, and one that the target has ended without a word is
//! given to nobody.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::raw::RawChannel;
use crate::model::Destination;

/// On a shorter path a round trip is not worth it.
const LONG_PATH: Duration = Duration::from_millis(5);

/// How far back clients are counted, and from how many on there is a succession.
const LOOK_BACK: Duration = Duration::from_secs(1);
const SUCCESSION: usize = 4;

/// How many at most wait for clients of one target.
const MOST: usize = 6;

/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a target that has refused one is left alone.
const RESTRAINT: Duration = Duration::from_secs(30);

/// Where a spare channel leads, and whose clients may have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SpareFor {
    pub(super) tunnel: u64,
    pub(super) destination: Destination,
}

/// The spare channels of a session.
pub(super) struct Spares {
    targets: Vec<Target>,
}

struct Target {
    purpose: SpareFor,
    /// When clients came, the latest last.
    clients: VecDeque<Instant>,
    ready: VecDeque<(Instant, RawChannel)>,
    coming: usize,
    barred: Option<Instant>,
}

impl Spares {
    pub(super) const fn new() -> Self {
        Self {
            targets: Vec::new(),
        }
    }

    /// Notes that a client wants a channel, and gives it one that is there.
    pub(super) fn take(&mut self, purpose: &SpareFor, now: Instant) -> Option<RawChannel> {
        let known = self.targets.iter().position(|t| t.purpose == *purpose);
        let index = known.unwrap_or_else(|| {
            self.targets.push(Target::new(purpose.clone()));
            self.targets.len() - 1
        });
        let target = &mut self.targets[index];
        target.clients.push_back(now);
        target.forget_before(now);
        let alive = target
            .ready
            .iter()
            .position(|(_, channel)| !channel.has_ended());
        target.ready.remove(alive?).map(|(_, channel)| channel)
    }

    /// Those that are to be opened now, over a path of this round trip.
    pub(super) fn wanted(&mut self, now: Instant, round_trip: Duration) -> Vec<SpareFor> {
        let mut wanted = Vec::new();
        if round_trip < LONG_PATH {
            return wanted;
        }
        for target in &mut self.targets {
            target.forget_before(now);
            let enough = target.enough(now, round_trip);
            let there = target.ready.len() + target.coming;
            // Few answers that come together are sooner here than many that come one by one (Nagle's algorithm in sshd).
            if there <= enough / 2 {
                target.coming += enough - there;
                wanted.extend(std::iter::repeat_n(target.purpose.clone(), enough - there));
            }
        }
        wanted
    }

    /// One has come. It comes back where nobody can want it any more.
    pub(super) fn arrived(
        &mut self,
        purpose: &SpareFor,
        channel: RawChannel,
    ) -> Option<RawChannel> {
        let Some(target) = self.targets.iter_mut().find(|t| t.purpose == *purpose) else {
            return Some(channel);
        };
        target.coming = target.coming.saturating_sub(1);
        target.ready.push_back((Instant::now(), channel));
        None
    }

    /// One was refused: the clients are to find out for themselves.
    pub(super) fn refused(&mut self, purpose: &SpareFor) {
        if let Some(target) = self.targets.iter_mut().find(|t| t.purpose == *purpose) {
            target.coming = target.coming.saturating_sub(1);
            target.barred = Some(Instant::now());
        }
    }

    /// Those that nobody took in time, and those that their targets have ended.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<RawChannel> {
        let mut expired = Vec::new();
        for target in &mut self.targets {
            let is_good = |(since, channel): &(Instant, RawChannel)| {
                now.duration_since(*since) < PATIENCE && !channel.has_ended()
            };
            let (good, bad): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut target.ready)
                .into_iter()
                .partition(is_good);
            target.ready = good;
            expired.extend(bad.into_iter().map(|(_, channel)| channel));
            target.forget_before(now);
        }
        self.targets.retain(|target| !target.is_forgotten(now));
        expired
    }

    /// How long until one has waited in vain.
    pub(super) fn until_expiry(&self) -> Option<Duration> {
        let first = self.targets.iter().filter_map(|t| t.ready.front());
        let first = first.map(|(since, _)| PATIENCE.saturating_sub(since.elapsed()));
        first.min()
    }

    /// How many wait for clients.
    pub(super) fn count(&self) -> usize {
        self.targets.iter().map(|target| target.ready.len()).sum()
    }

    /// Those of a tunnel that has ended, or of all of them.
    pub(super) fn end(&mut self, tunnel: Option<u64>) -> Vec<RawChannel> {
        let is_meant = |target: &Target| tunnel.is_none_or(|it| it == target.purpose.tunnel);
        let (ended, kept) = std::mem::take(&mut self.targets)
            .into_iter()
            .partition(is_meant);
        self.targets = kept;
        let ended: Vec<Target> = ended;
        let channels = ended.into_iter().flat_map(|target| target.ready);
        channels.map(|(_, channel)| channel).collect()
    }
}

impl Target {
    fn new(purpose: SpareFor) -> Self {
        Self {
            purpose,
            clients: VecDeque::new(),
            ready: VecDeque::new(),
            coming: 0,
            barred: None,
        }
    }

    fn forget_before(&mut self, now: Instant) {
        while self
            .clients
            .front()
            .is_some_and(|came| now.duration_since(*came) >= LOOK_BACK)
        {
            self.clients.pop_front();
        }
    }

    /// How many should wait: those that come while others are on their way there and back, twice over.
    fn enough(&self, now: Instant, round_trip: Duration) -> usize {
        if self.is_barred(now) || self.clients.len() < SUCCESSION {
            return 0;
        }
        let each_second = u32::try_from(self.clients.len()).unwrap_or(u32::MAX);
        let meanwhile = (round_trip * 2).saturating_mul(each_second).as_millis() / 1000;
        usize::try_from(meanwhile).map_or(MOST, |count| (count + 1).min(MOST))
    }

    fn is_barred(&self, now: Instant) -> bool {
        self.barred
            .is_some_and(|since| now.duration_since(since) < RESTRAINT)
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.clients.is_empty() && self.ready.is_empty() && self.coming == 0 && !self.is_barred(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RTT: Duration = Duration::from_millis(20);

    fn purpose() -> SpareFor {
        SpareFor {
            tunnel: 1,
            destination: Destination::tcp("10.0.0.241", 80),
        }
    }

    /// Spares after `count` clients, one every ten milliseconds, and the time of the last.
    fn after(count: u32) -> (Spares, Instant) {
        let (mut spares, start) = (Spares::new(), Instant::now());
        let mut now = start;
        for number in 0..count {
            now = start + Duration::from_millis(10) * number;
            assert!(spares.take(&purpose(), now).is_none());
        }
        (spares, now)
    }

    #[test]
    fn a_few_clients_or_a_short_path_open_nothing() {
        let (mut spares, now) = after(3);
        assert_eq!(spares.wanted(now, RTT), []);
        let (mut spares, now) = after(100);
        assert_eq!(spares.wanted(now, Duration::from_millis(1)), []);
    }

    #[test]
    fn a_succession_has_as_many_opened_as_come_meanwhile_and_no_more() {
        let (mut spares, now) = after(100);
        // One every ten milliseconds, for two round trips, and one more.
        assert_eq!(spares.wanted(now, RTT).len(), 5);
        assert_eq!(spares.wanted(now, RTT), [], "they are on their way");
        let (mut spares, now) = after(100);
        assert_eq!(spares.wanted(now, RTT * 20).len(), MOST);
    }

    #[test]
    fn nothing_is_opened_once_clients_stay_away_or_a_target_refuses() {
        let (mut spares, now) = after(100);
        assert_eq!(spares.wanted(now + LOOK_BACK, RTT), []);
        let (mut spares, now) = after(100);
        let asked = spares.wanted(now, RTT).len();
        (0..asked).for_each(|_| spares.refused(&purpose()));
        assert_eq!(spares.wanted(Instant::now(), RTT), []);
    }

    #[test]
    fn what_is_not_used_any_more_is_forgotten() {
        let (mut spares, now) = after(2);
        assert!(spares.expired(now).is_empty());
        assert_eq!(spares.targets.len(), 1);
        assert!(spares.expired(now + LOOK_BACK).is_empty());
        assert_eq!(spares.targets.len(), 0);
        assert_eq!(spares.until_expiry(), None);
    }
}
