//! When an app's next tick is due.

use std::cmp::{max, min};
use std::time::Duration;

use crate::model::Timestamp;

/// The longest that an app whose calls to Fly fail is left alone.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// When the next tick is due.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) interval: Duration,
    pub(super) due: Timestamp,
    /// The time on the grid that `due` stands for, unless it is pushed back by failures.
    pub(super) on_grid: Timestamp,
    /// Ticks in a row in which calls to Fly failed.
    pub(super) failures: u32,
}

impl Pace {
    /// The first tick is due at `first`, the others on the grid of the interval through `grid`.
    pub(super) fn new(interval: Duration, first: Timestamp, grid: Timestamp) -> Self {
        let millis = max(i64::try_from(interval.as_millis()).unwrap_or(i64::MAX), 1);
        let past = first.as_millis().saturating_sub(grid.as_millis()).rem_euclid(millis);
        let on_grid = first.minus(Duration::from_millis(past.unsigned_abs()));
        Self { interval, due: first, on_grid, failures: 0 }
    }

    /// Moves everything that is due along with a clock that was set back by so much.
    pub(super) fn set_back(&mut self, back: Duration) {
        self.due = self.due.minus(back);
        self.on_grid = self.on_grid.minus(back);
    }

    /// Sets when the next tick is due, after one that ended at `now`; gives how many were missed.
    ///
    /// Ticks keep to the grid of the interval, so that a slow one does not push all later ones. While
    /// calls to Fly fail, the distance doubles up to [`LONGEST_BACKOFF`].
    pub(super) fn next(&mut self, now: Timestamp, fly_failed: bool) -> u32 {
        if fly_failed {
            self.failures = self.failures.saturating_add(1);
            let factor = 2_u32.saturating_pow(min(self.failures - 1, 16));
            let longest = max(LONGEST_BACKOFF, self.interval);
            self.on_grid = now.plus(min(self.interval.saturating_mul(factor), longest));
            self.due = self.on_grid;
            return 0;
        }
        self.failures = 0;
        self.on_grid = self.on_grid.plus(self.interval);
        let late = now.since(self.on_grid).as_millis() / max(self.interval.as_millis(), 1);
        let missed = u32::try_from(late).unwrap_or(u32::MAX);
        self.on_grid = self.on_grid.plus(self.interval.saturating_mul(missed));
        // A clock that was set back must not leave the app without ticks until it has caught up.
        if self.on_grid.since(now) > self.interval {
            self.on_grid = now.plus(self.interval);
        }
        self.due = self.on_grid;
        missed
    }
}

impl Pace {
    /// The same after a tick that was not due when it began: it changes when the next one is only where it was
    /// not already known how Fly answers.
    pub(super) fn extra(&mut self, now: Timestamp, fly_failed: bool) -> u32 {
        let is_as_before = fly_failed == (self.failures > 0);
        if is_as_before && self.due > now { 0 } else { self.next(now, fly_failed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn ticks_keep_to_the_grid() {
        let mut pace = Pace::new(Duration::from_secs(15), at(0), at(0));
        // (the tick ends at, missed, the next is due at)
        for (ended, missed, due) in
            [(1, 0, 15), (29, 0, 30), (46, 0, 45), (46, 0, 60), (100, 1, 90), (100, 0, 105)]
        {
            assert_eq!(pace.next(at(ended), false), missed, "ended at {ended}");
            assert_eq!(pace.due, at(due), "ended at {ended}");
        }
    }

    #[test]
    fn an_app_found_later_joins_the_grid_of_the_others() {
        // (first, the grid, then due at)
        for (first, grid, due) in [(7, 0, 15), (15, 0, 30), (7, 9, 9), (100, 9, 114), (7, 22, 22)] {
            let mut pace = Pace::new(Duration::from_secs(15), at(first), at(grid));
            assert_eq!(pace.due, at(first));
            pace.next(at(first), false);
            assert_eq!(pace.due, at(due), "{first} on {grid}");
        }
    }

    #[test]
    fn failing_calls_to_fly_double_the_distance_up_to_five_minutes() {
        let mut pace = Pace::new(Duration::from_secs(15), at(0), at(0));
        let mut waits = Vec::new();
        for _ in 0..7 {
            let now = pace.due;
            pace.next(now, true);
            waits.push(pace.due.since(now).as_secs());
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 300, 300]);
        let now = pace.due;
        pace.next(now, false);
        assert_eq!((pace.failures, pace.due.since(now).as_secs()), (0, 15));
    }

    #[test]
    fn a_tick_that_was_asked_for_does_not_move_the_others() {
        let mut pace = Pace::new(Duration::from_secs(15), at(0), at(0));
        pace.next(at(1), false);
        // (it ends at, whether Fly failed, the next is due at, failures in a row)
        for (ended, fly_failed, due, failures) in [
            (2, false, 15, 0),
            (14, false, 15, 0),
            (16, false, 30, 0),
            (20, true, 35, 1),
            (21, true, 35, 1),
            (36, true, 66, 2),
            (40, true, 66, 2),
            (50, false, 65, 0),
        ] {
            assert_eq!(pace.extra(at(ended), fly_failed), 0, "ended at {ended}");
            assert_eq!((pace.due, pace.failures), (at(due), failures), "ended at {ended}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_ticks() {
        let mut pace = Pace::new(Duration::from_secs(15), at(100_000), at(100_000));
        pace.next(at(50), false);
        assert_eq!(pace.due, at(65));
    }
}
