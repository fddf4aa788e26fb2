//! Apps times interval, and the orderly stop.

use std::cmp::min;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::{AppName, Timestamp};
use crate::ports::Clock;
use crate::reconcile::Reconciler;
use crate::status::{Board, Tick};
use crate::telemetry::events::{BackingOff, NotAwaited, TickBegan, TickSkipped};
use crate::telemetry::metrics::Metrics;

/// The longest that an app whose calls to Fly fail is left alone.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// What the loop of an app works with.
#[derive(Clone)]
pub struct Supervisor {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where each tick is shown.
    pub board: Board,
    /// Where each tick is counted.
    pub metrics: Arc<Metrics>,
    /// How often an app ticks.
    pub interval: Duration,
    /// How long a tick under way may go on after the stop.
    pub shutdown_timeout: Duration,
}

impl Supervisor {
    /// Ticks an app until `stop`. The first tick runs at once; the ticks of an app never overlap, and
    /// one that is due while another still runs is skipped and counted.
    pub async fn run(&self, mut reconciler: Reconciler, stop: CancellationToken) {
        let app = reconciler.app().clone();
        let mut pace = Pace::new(self.interval, self.clock.now());
        self.board.update(&app, |status| status.next_tick = Some(pace.due));
        while !stop.is_cancelled() {
            let began = self.clock.now();
            TickBegan { app: &app, lateness: began.since(pace.due) }.emit(&self.metrics);
            let Some(tick) = self.tick_until(&mut reconciler, &stop).await else { return };
            self.finish(&app, tick, &mut pace, began);
            let wait = pace.due.since(self.clock.now());
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep(wait) => {}
            }
        }
    }

    /// Runs one tick. After the stop it may go on for the shutdown timeout; `None` if it took longer.
    async fn tick_until(
        &self,
        reconciler: &mut Reconciler,
        stop: &CancellationToken,
    ) -> Option<Tick> {
        let (app, under_way) = (reconciler.app().clone(), reconciler.under_way());
        let mut tick = std::pin::pin!(reconciler.tick());
        tokio::select! {
            tick = &mut tick => return Some(tick),
            () = stop.cancelled() => {}
        }
        let finished = tokio::time::timeout(self.shutdown_timeout, &mut tick).await.ok();
        let running = under_way.actions();
        if finished.is_none() {
            NotAwaited { app: &app, actions: &running }.emit(&self.metrics);
        }
        finished
    }

    fn finish(&self, app: &AppName, tick: Tick, pace: &mut Pace, began: Timestamp) {
        let now = self.clock.now();
        for _ in 0..pace.next(now, tick.fly_failed) {
            TickSkipped { app, running_for: now.since(began) }.emit(&self.metrics);
        }
        if pace.failures > 0 {
            BackingOff { app, failures: pace.failures, until: pace.due }.emit(&self.metrics);
        }
        let tick = Arc::new(tick);
        self.board.update(app, |status| {
            status.record(tick, now);
            status.next_tick = Some(pace.due);
        });
    }
}

/// When the next tick is due.
#[derive(Debug)]
struct Pace {
    interval: Duration,
    due: Timestamp,
    /// Ticks in a row in which calls to Fly failed.
    failures: u32,
}

impl Pace {
    fn new(interval: Duration, first: Timestamp) -> Self {
        Self { interval, due: first, failures: 0 }
    }

    /// Sets when the next tick is due, after one that ended at `now`; gives how many were missed.
    ///
    /// Ticks keep to the grid of the interval, so that a slow one does not push all later ones. While
    /// calls to Fly fail, the distance doubles up to [`LONGEST_BACKOFF`].
    fn next(&mut self, now: Timestamp, fly_failed: bool) -> u32 {
        if fly_failed {
            self.failures = self.failures.saturating_add(1);
            let factor = 2_u32.saturating_pow(min(self.failures - 1, 16));
            let longest = std::cmp::max(LONGEST_BACKOFF, self.interval);
            self.due = now.plus(min(self.interval.saturating_mul(factor), longest));
            return 0;
        }
        self.failures = 0;
        self.due = self.due.plus(self.interval);
        let late = now.since(self.due).as_millis() / std::cmp::max(self.interval.as_millis(), 1);
        let missed = u32::try_from(late).unwrap_or(u32::MAX);
        self.due = self.due.plus(self.interval.saturating_mul(missed));
        // A clock that was set back must not leave the app without ticks until it has caught up.
        if self.due.since(now) > self.interval {
            self.due = now.plus(self.interval);
        }
        missed
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
        let mut pace = Pace::new(Duration::from_secs(15), at(0));
        // (the tick ends at, missed, the next is due at)
        for (ended, missed, due) in
            [(1, 0, 15), (29, 0, 30), (46, 0, 45), (46, 0, 60), (100, 1, 90), (100, 0, 105)]
        {
            assert_eq!(pace.next(at(ended), false), missed, "ended at {ended}");
            assert_eq!(pace.due, at(due), "ended at {ended}");
        }
    }

    #[test]
    fn failing_calls_to_fly_double_the_distance_up_to_five_minutes() {
        let mut pace = Pace::new(Duration::from_secs(15), at(0));
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
    fn a_clock_that_was_set_back_does_not_stop_the_ticks() {
        let mut pace = Pace::new(Duration::from_secs(15), at(100_000));
        pace.next(at(50), false);
        assert_eq!(pace.due, at(65));
    }
}
