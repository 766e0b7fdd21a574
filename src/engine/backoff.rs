//! The pauses between tries: growing, capped, and spread out so that many tunnels do not come back in one instant. Pure.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// The pause after `attempt` failures in a row (from 1). `spread` is a random number from 0 to 1: the pause is between half
/// and the whole of its nominal length, which doubles from half a second up to 30 s.
pub(super) fn pause(attempt: u32, spread: f64) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let nominal = FIRST.saturating_mul(1 << doublings).min(LONGEST);
    nominal.mul_f64(0.5 + spread.clamp(0.0, 1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_cap_and_are_spread_by_half() {
        for (attempt, spread, expected_ms) in [
            (1, 1.0, 500),
            (1, 0.0, 250),
            (2, 1.0, 1000),
            (6, 1.0, 16_000),
            (7, 1.0, 30_000),
            (7, 0.0, 15_000),
            (u32::MAX, 1.0, 30_000),
        ] {
            assert_eq!(
                pause(attempt, spread),
                Duration::from_millis(expected_ms),
                "attempt {attempt}, spread {spread}"
            );
        }
    }
}
