//! Going on with another configuration while apps tick.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::pace::Pace;
use super::work::{State, Work};
use crate::model::{AppName, Timestamp};
use crate::reconcile::Reconciler;

/// Makes what scales an app.
pub type Make = Arc<dyn Fn(AppName) -> Reconciler + Send + Sync>;

/// How apps are scaled from now on. Which apps, only a restart changes.
#[derive(Clone)]
pub struct Renewal {
    /// What scales one of them; it goes on from what did so far.
    pub make: Make,
    /// How often an app ticks.
    pub interval: Duration,
    /// How long ticks under way may go on after the stop.
    pub shutdown_timeout: Duration,
    /// How often the list of apps is read, where there is one.
    pub refresh: Duration,
    /// How many apps are worked on at once, where there may be many.
    pub concurrency: usize,
    /// See [`Fleet::is_spread`](super::Fleet::is_spread).
    pub is_spread: bool,
}

/// What makes reconcilers by the configuration in force.
#[derive(Default)]
pub(super) struct Current {
    /// `None`: they were made by it, which is the first.
    make: Option<Make>,
    /// The how-manieth it is, from 0.
    pub(super) generation: u64,
}

impl Current {
    /// What scales an app by the configuration in force, in place of `reconciler`, which goes by that of
    /// `generation`.
    pub(super) fn bring_up(
        &self,
        reconciler: Box<Reconciler>,
        generation: &mut u64,
    ) -> Box<Reconciler> {
        let is_behind = std::mem::replace(generation, self.generation) < self.generation;
        match &self.make {
            Some(make) if is_behind => {
                Box::new(make(reconciler.app().clone()).going_on_from(*reconciler))
            }
            _ => reconciler,
        }
    }
}

impl Work<'_> {
    /// Goes on with `renewal`: each app from its next tick on, so that none is missed and none is cut short.
    pub(super) fn renew(&mut self, renewal: Renewal) {
        let Renewal { interval, is_spread, concurrency, shutdown_timeout, .. } = renewal;
        self.current.generation += 1;
        self.shutdown_timeout = shutdown_timeout;
        if let Some(listing) = &mut self.listing {
            listing.renew(&renewal, self.supervisor.clock.now());
            self.resize(concurrency);
        }
        self.current.make = Some(renewal.make);
        if (interval, is_spread) != (self.interval, self.is_spread) {
            (self.interval, self.is_spread) = (interval, is_spread);
            self.move_to_new_grid();
        }
    }

    /// Has each app tick on the grid of the new interval: no later than it would have, where it is not backing
    /// off.
    fn move_to_new_grid(&mut self) {
        let now = self.supervisor.clock.now();
        let mut queue = BTreeSet::new();
        for (name, app) in &mut self.apps {
            let offset = if self.is_spread { name.share_of(self.interval) } else { Duration::ZERO };
            app.pace.move_to(self.interval, self.grid.plus(offset), now);
            if matches!(app.state, State::Waiting(_)) {
                let due = app.pace.due;
                queue.insert((due, name.clone()));
                self.supervisor.board.update(name, |status| status.next_tick = Some(due));
            }
        }
        self.queue = queue;
    }

    /// Has so many apps worked on at once. Where these are fewer than before, as others end.
    fn resize(&mut self, concurrency: usize) {
        let (before, after) = (Self::places_of(self.concurrency), Self::places_of(concurrency));
        self.concurrency = concurrency;
        for (places, (before, after)) in
            [&self.places, &self.failing_places].into_iter().zip(before.into_iter().zip(after))
        {
            match after.checked_sub(before) {
                Some(more) => places.add_permits(more),
                None => take_away(places, before - after),
            }
        }
    }
}

/// Takes away so many places: those that are free at once, the others one by one, each in turn with those who
/// wait for one, so that meanwhile turns go on.
fn take_away(places: &Arc<Semaphore>, count: usize) {
    let left = count - places.forget_permits(count);
    let places = Arc::clone(places);
    tokio::spawn(async move {
        for _ in 0..left {
            // Closed when the process ends.
            let Ok(taken) = places.acquire().await else { return };
            taken.forget();
        }
    });
}

impl Pace {
    /// Goes over to the grid of `interval` through `grid`: the next tick is no later than it was to be, and no
    /// later than the next one there. While calls to Fly fail it stays as it is.
    pub(super) fn move_to(&mut self, interval: Duration, grid: Timestamp, now: Timestamp) {
        if self.failures > 0 {
            self.interval = interval;
            return;
        }
        // The last time on the grid before now, and one interval on.
        let next = Self::new(interval, now, grid).on_grid.plus(interval);
        *self = Self::new(interval, self.due.min(next), grid);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_next_tick_is_no_later_than_by_either_interval() {
        // Every 15 s from 0, the next one at 60; now, the new interval, its grid, the next ones.
        let table = [
            (50, 15, 0, [60, 75]),
            (50, 5, 0, [55, 60]),
            (59, 5, 0, [60, 65]),
            (50, 3600, 0, [60, 3600]),
            (50, 40, 0, [60, 80]),
            // Another offset on the same interval.
            (50, 15, 7, [52, 67]),
        ];
        for (now, interval, grid, wanted) in table {
            let mut pace = Pace::new(Duration::from_secs(15), at(45), at(0));
            pace.next(at(46), false);
            assert_eq!(pace.due, at(60));
            pace.move_to(Duration::from_secs(interval), at(grid), at(now));
            let first = pace.due;
            pace.next(first, false);
            assert_eq!([first, pace.due], wanted.map(at), "{now} {interval} {grid}");
        }
    }

    #[test]
    fn who_backs_off_goes_on_doing_so() {
        let mut pace = Pace::new(Duration::from_secs(15), at(0), at(0));
        for _ in 0..4 {
            pace.next(pace.due, true);
        }
        let due = pace.due;
        pace.move_to(Duration::from_secs(10), at(0), at(100));
        assert_eq!((pace.due, pace.failures), (due, 4));
        pace.next(due, true);
        assert_eq!(pace.due.since(due), Duration::from_secs(160));
    }

    #[tokio::test]
    async fn places_that_are_taken_away_go_as_soon_as_they_are_free() {
        let places = Arc::new(Semaphore::new(4));
        let taken = places.acquire_many(3).await.expect("open");
        take_away(&places, 3);
        tokio::task::yield_now().await;
        assert_eq!(places.available_permits(), 0, "the others are at work");
        drop(taken);
        tokio::task::yield_now().await;
        assert_eq!(places.available_permits(), 1);
    }

    #[tokio::test]
    async fn while_places_are_taken_away_turns_go_on() {
        let places = Arc::new(Semaphore::new(4));
        let mut at_work: Vec<_> =
            (0..4).map(|_| places.try_acquire().expect("there are four")).collect();
        take_away(&places, 3);
        tokio::task::yield_now().await;
        let mut waiting = std::pin::pin!(places.acquire());
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        // The first that comes free is taken away, and the second is for the one that waits.
        at_work.pop();
        tokio::task::yield_now().await;
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        at_work.pop();
        tokio::task::yield_now().await;
        assert!(futures::poll!(waiting.as_mut()).is_ready());
        at_work.clear();
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(places.available_permits(), 1);
    }
}
