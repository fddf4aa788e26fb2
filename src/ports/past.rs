//! A stretch of the past, to ask a source for.

use std::time::Duration;

use crate::model::Timestamp;

/// Times one `step` apart, the first and the last of them included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRange {
    /// The first.
    pub from: Timestamp,
    /// The last.
    pub until: Timestamp,
    /// How far apart they are.
    pub step: Duration,
}

impl PastRange {
    /// The last `window` before `now`, in steps of `interval` or, where that were more than `most`, of a
    /// multiple of it.
    #[must_use]
    pub fn before(now: Timestamp, window: Duration, interval: Duration, most: u32) -> Self {
        let interval = interval.max(Duration::from_millis(1));
        let samples = window.as_millis().div_ceil(interval.as_millis()).max(1);
        let each = u32::try_from(samples.div_ceil(u128::from(most.max(1)))).unwrap_or(u32::MAX);
        let step = interval.saturating_mul(each);
        let steps = u32::try_from(samples / u128::from(each)).unwrap_or(u32::MAX).max(1);
        Self { from: now.minus(step.saturating_mul(steps - 1)), until: now, step }
    }

    /// The same stretch in at most so many steps.
    #[must_use]
    pub fn of_at_most(self, most: u32) -> Self {
        Self::before(self.until, self.window(), self.step, most)
    }

    /// How long it is, with what the first step stands for.
    #[must_use]
    pub fn window(self) -> Duration {
        self.until.since(self.from).saturating_add(self.step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_whole_intervals_and_not_too_many() {
        let now = Timestamp::from_millis(1_000_000_000);
        // (window, interval, most) -> (steps, step), in seconds
        for (window, interval, most, steps, step) in [
            (600, 15, 500, 40, 15),
            (600, 15, 40, 40, 15),
            (600, 15, 20, 20, 30),
            (600, 15, 39, 20, 30),
            (3600, 15, 60, 60, 60),
            (10, 15, 60, 1, 15),
            (604_800, 15, 5000, 4480, 135),
            (600, 15, 0, 1, 600),
        ] {
            let seconds = Duration::from_secs;
            let range = PastRange::before(now, seconds(window), seconds(interval), most);
            let count = now.since(range.from).as_secs() / range.step.as_secs() + 1;
            assert_eq!((count, range.step.as_secs()), (steps, step), "{window}s by {interval}s");
            assert!(range.window() >= seconds(window).min(seconds(interval)), "{window}");
        }
    }
}
