//! How long the watcher waits, and for what.

use std::time::Duration;

/// The watcher's times; tests shorten them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// The first pause after a failure, and the longest.
    pub(super) retry_min: Duration,
    pub(super) retry_max: Duration,
    /// Between two tries of what is forbidden or not there: only an administrator changes that.
    pub(super) denied_retry: Duration,
    /// Between two signs of life that are asked of the server.
    pub(super) pulse_every: Duration,
    /// How long one of them may take. With the pause before it, the time in which a silent server is found out.
    pub(super) pulse_limit: Duration,
    /// Between two looks at the kubeconfig files while the cluster cannot be watched.
    pub(super) file_poll: Duration,
    /// Between two publications while changes keep coming.
    pub(super) publish_gap: Duration,
    /// Between two looks at which kinds the server has.
    pub(super) discover_every: Duration,
    /// How long what is good to know may hold up the first view once the services are there.
    pub(super) first_view_grace: Duration,
    /// For a page of a list to arrive.
    pub(super) list_limit: Duration,
    /// For a watch to be accepted.
    pub(super) watch_limit: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            retry_min: Duration::from_millis(500),
            retry_max: Duration::from_secs(15),
            denied_retry: Duration::from_secs(30),
            pulse_every: Duration::from_secs(15),
            pulse_limit: Duration::from_secs(10),
            file_poll: Duration::from_secs(3),
            publish_gap: Duration::from_millis(50),
            discover_every: Duration::from_mins(1),
            first_view_grace: Duration::from_secs(3),
            list_limit: Duration::from_mins(1),
            watch_limit: Duration::from_secs(20),
        }
    }
}

/// The pauses between tries: each up to twice as long as the one before, never twice the same for many clients at once.
#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    min: Duration,
    max: Duration,
}

impl Backoff {
    pub(super) const fn new(timing: &Timing) -> Self {
        Self {
            failures: 0,
            min: timing.retry_min,
            max: timing.retry_max,
        }
    }

    /// The pause before the next try.
    pub(super) fn next(&mut self) -> Duration {
        let pause = self.nth(self.failures, fastrand::f64());
        self.failures = self.failures.saturating_add(1);
        pause
    }

    /// It worked: the next failure is a first one.
    pub(super) const fn reset(&mut self) {
        self.failures = 0;
    }

    /// `chance` (0 to 1) spreads the pause over the upper half of its range.
    fn nth(&self, failures: u32, chance: f64) -> Duration {
        let full = self.min.saturating_mul(1 << failures.min(16)).min(self.max);
        full.mul_f64(0.5 + chance / 2.0).max(self.min.mul_f64(0.5))
    }
}

/// `full`, give or take a quarter.
pub(super) fn about(full: Duration) -> Duration {
    full.mul_f64(0.75 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_cap() {
        let backoff = Backoff::new(&Timing::default());
        for (failures, chance, expected_ms) in [
            (0, 0.0, 250),
            (0, 1.0, 500),
            (1, 1.0, 1000),
            (4, 1.0, 8000),
            (5, 1.0, 15000),
            (5, 0.0, 7500),
            (400, 1.0, 15000),
        ] {
            assert_eq!(
                backoff.nth(failures, chance),
                Duration::from_millis(expected_ms),
                "{failures} {chance}"
            );
        }
    }

    #[test]
    fn success_starts_over() {
        let mut backoff = Backoff::new(&Timing::default());
        for _ in 0..10 {
            backoff.next();
        }
        assert!(backoff.next() > Duration::from_secs(7));
        backoff.reset();
        assert!(backoff.next() <= Duration::from_millis(500));
    }
}
