//! How much a server may send ahead of what the client has taken. Pure: time comes in as an argument.
//!
//! One window has to arrive in each round trip, so a long path needs a large one; on a short path a large one only makes sshd
//! slower. So the window starts at what ssh(1) has always, or at what a good line of that length carries, and doubles as long as a
//! whole one arrives within two round trips.

use std::time::{Duration, Instant};

/// The receive window a channel starts with. Small, so that what a stalled reader leaves in libssh2's queue, which every
/// read of the session has to search, stays small too.
pub(super) const INITIAL_BYTES: usize = 64 * 1024;

/// The window of a reader that keeps up, on a short path.
const STEADY_BYTES: usize = 2 * 1024 * 1024;

/// The window at most: 320 MB/s over a round trip of 100 ms.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The window of one channel.
#[derive(Debug)]
pub(super) struct Window {
    target_bytes: usize,
    /// When the window that is being counted began to arrive, and how much of it has.
    counted: Option<(Instant, usize)>,
}

/// What a path is taken to carry until it shows more: it sets the window to begin with on a long path. More makes sshd pile up
/// what TCP does not take yet, and with several streams it then spends its time on moving that.
const EXPECTED_BYTES_PER_MS: usize = 40 * 1000;

impl Window {
    /// The window of a channel over a path of this round trip.
    pub(super) fn over(round_trip: Duration) -> Self {
        let round_trip_ms = usize::try_from(round_trip.as_millis()).unwrap_or(usize::MAX);
        let expected_bytes = round_trip_ms.saturating_mul(EXPECTED_BYTES_PER_MS);
        Self {
            target_bytes: expected_bytes.clamp(STEADY_BYTES, MAX_BYTES / 2),
            counted: None,
        }
    }

    /// What the server should be allowed to send ahead.
    pub(super) fn target_bytes(&self) -> usize {
        self.target_bytes
    }

    /// Something has arrived. Until then a larger window than the initial one is not worth its packet.
    pub(super) fn is_in_use(&self) -> bool {
        self.counted.is_some()
    }

    /// Takes note of `bytes` that have arrived over a path of this round trip.
    pub(super) fn received(&mut self, bytes: usize, now: Instant, round_trip: Duration) {
        let (began, count) = self.counted.unwrap_or((now, 0));
        let count = count + bytes;
        if count < self.target_bytes {
            self.counted = Some((began, count));
            return;
        }
        if now.duration_since(began) < round_trip * 2 {
            self.target_bytes = (self.target_bytes * 2).min(MAX_BYTES);
        }
        self.counted = Some((now, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The window after `windows` of them have arrived, each within `each`, over a path of `round_trip`.
    fn after(windows: u32, each: Duration, round_trip: Duration) -> usize {
        let mut window = Window::over(Duration::ZERO);
        let mut now = Instant::now();
        for _ in 0..windows {
            let half = window.target_bytes() / 2;
            window.received(half, now, round_trip);
            now += each;
            window.received(half, now, round_trip);
        }
        window.target_bytes()
    }

    #[test]
    fn a_window_grows_where_it_arrives_in_a_round_trip_and_only_there() {
        assert_eq!(
            after(20, 20 * MS, Duration::from_micros(50)),
            STEADY_BYTES,
            "loopback"
        );
        assert_eq!(
            after(20, 500 * MS, 100 * MS),
            STEADY_BYTES,
            "a slow server on a long path"
        );
        assert_eq!(
            after(2, 100 * MS, 100 * MS),
            4 * STEADY_BYTES,
            "a fast server on a long path"
        );
        assert_eq!(
            after(20, 100 * MS, 100 * MS),
            MAX_BYTES,
            "there is an end to it"
        );
    }

    #[test]
    fn an_idle_channel_keeps_its_small_window() {
        assert!(!Window::over(100 * MS).is_in_use());
    }

    #[test]
    fn a_long_path_begins_with_a_larger_window() {
        assert_eq!(Window::over(5 * MS).target_bytes(), STEADY_BYTES);
        assert_eq!(Window::over(100 * MS).target_bytes(), 4_000_000);
        assert_eq!(Window::over(10_000 * MS).target_bytes(), MAX_BYTES / 2);
    }
}
