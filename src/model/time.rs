//! Time as the pure parts see it: a count since the engine started, handed in by whoever owns a clock.

use std::ops::Add;
use std::time::Duration;

/// A point in time: how long the engine had been running. Monotonic, never wall-clock time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// The moment at which the engine started.
    pub const START: Self = Self(Duration::ZERO);

    /// The moment `since_start` after the engine's start.
    #[must_use]
    pub const fn after_start(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The moment that was `ago` before this one; the engine's start where there was none.
    #[must_use]
    pub const fn before(self, ago: Duration) -> Self {
        Self(self.0.saturating_sub(ago))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is in fact later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0 + rhs)
    }
}
