//! Fits models of series beside the ticks, which only read the last one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::forecast::{Fit, Next, Record, Refits, Seasons, Unfit};
use crate::model::{AppName, ProcessGroup, SeriesKey, Timestamp};
use crate::ports::Clock;
use crate::telemetry::Metrics;
use crate::telemetry::events::SeriesFitted;

/// Which series: of a metric, as a process group of an app reads it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FitKey {
    /// The app.
    pub app: AppName,
    /// The group.
    pub group: ProcessGroup,
    /// The metric, and the region.
    pub series: SeriesKey,
}

/// A fit, or why there is none. A clone costs nothing.
pub type LastFit = Result<Arc<Fit>, Unfit>;

/// What ticks record of a series, and fits read.
pub type SharedRecord = Arc<Mutex<Record>>;

/// The models of all series that expressions forecast. Ticks add series and read fits; [`Fits::run`] makes them,
/// one after the other.
pub struct Fits {
    state: Mutex<State>,
    added: Notify,
    at_once: Option<AtOnce>,
    make: Make,
}

type Make = fn(&[(Timestamp, f64)]) -> Result<Fit, Unfit>;

struct State {
    queue: Refits<FitKey>,
    series: BTreeMap<FitKey, Series>,
}

struct Series {
    record: SharedRecord,
    last: Option<LastFit>,
    /// How often it was fitted.
    number: u64,
}

/// Whoever asks for a fit makes it, for as long as there is time.
struct AtOnce {
    clock: Arc<dyn Clock>,
    within: Duration,
    /// When the time is over. It begins with the first fit.
    until: OnceLock<Timestamp>,
}

impl Default for Fits {
    /// No series yet. All fits together take no more than a tenth of a core.
    fn default() -> Self {
        Self::new(Refits::<FitKey>::SHARE)
    }
}

impl Fits {
    /// No series yet. All fits together take no more than `share` of a core.
    #[must_use]
    pub fn new(share: f64) -> Self {
        let state = State { queue: Refits::new(share), series: BTreeMap::new() };
        let make: Make = |points| Fit::of(points, &Seasons::Detected);
        Self { state: Mutex::new(state), added: Notify::new(), at_once: None, make }
    }

    /// For a process that answers once and ends: each series is fitted when it is first asked for, all of them
    /// `within` that time, by `clock`.
    #[must_use]
    pub fn at_once(clock: Arc<dyn Clock>, within: Duration) -> Self {
        let at_once = Some(AtOnce { clock, within, until: OnceLock::new() });
        Self { at_once, ..Self::new(1.0) }
    }

    /// The last fit of a series and how many there were; `None` before its first turn, which this call puts it in line
    /// for. Never waits for a fit that is made beside the ticks.
    pub fn last(
        &self,
        key: &FitKey,
        record: &SharedRecord,
        now: Timestamp,
    ) -> Option<(u64, LastFit)> {
        if let Some(own) = self.lock().series.get(key).filter(|own| own.last.is_some()) {
            return own.last.clone().map(|last| (own.number, last));
        }
        let own = Series { record: Arc::clone(record), last: None, number: 0 };
        match &self.at_once {
            Some(at_once) => {
                let last = at_once.has_time().then(|| (self.make)(&points_of(record)))?;
                let last = last.map(Arc::new);
                self.lock()
                    .series
                    .insert(key.clone(), Series { last: Some(last.clone()), number: 1, ..own });
                Some((1, last))
            }
            None => {
                let mut state = self.lock();
                state.queue.add(key.clone(), now);
                state.series.insert(key.clone(), own);
                self.added.notify_one();
                None
            }
        }
    }

    /// Forgets all series of `app` that are not to be `kept`.
    pub fn retain(&self, app: &AppName, kept: impl Fn(&FitKey) -> bool) {
        let mut state = self.lock();
        let stays = |key: &FitKey| key.app != *app || kept(key);
        state.queue.retain(stays);
        state.series.retain(|key, _| stays(key));
    }

    /// Fits whatever is due, for ever: dropping it ends it, after the fit at hand.
    pub async fn run(&self, clock: &dyn Clock, metrics: &Metrics) {
        loop {
            let now = clock.now();
            match self.make_due(clock, metrics).await {
                Some(then) => {
                    tokio::select! {
                        () = clock.sleep(then.since(now)) => {}
                        () = self.added.notified() => {}
                    }
                }
                None => self.added.notified().await,
            }
        }
    }

    /// Fits whatever is due by now. Gives when there will be more to do.
    pub async fn make_due(&self, clock: &dyn Clock, metrics: &Metrics) -> Option<Timestamp> {
        loop {
            let next = self.lock().queue.next(clock.now());
            match next {
                Next::Fit(key) => self.fit(key, clock, metrics).await,
                Next::At(then) => return Some(then),
                Next::Nothing => return None,
            }
        }
    }

    async fn fit(&self, key: FitKey, clock: &dyn Clock, metrics: &Metrics) {
        let record = self.lock().series.get(&key).map(|own| Arc::clone(&own.record));
        let Some(record) = record else { return };
        let (began, make) = (clock.now(), self.make);
        let fit = tokio::task::spawn_blocking(move || make(&points_of(&record))).await;
        // A panic of the library is caught before it gets here.
        let fit = fit.unwrap_or_else(|error| Err(Unfit::Library(error.to_string().into())));
        // Clocks count whole milliseconds: a fit that takes less is not free.
        let took = clock.now().since(began) + Duration::from_millis(1);
        let (app, metric, region) = (&key.app, &key.series.metric, key.series.region.as_ref());
        SeriesFitted { app, metric, region, fit: fit.as_ref(), took }.emit(metrics);
        let mut state = self.lock();
        state.queue.done(key.clone(), began, took, fit.is_ok());
        if let Some(own) = state.series.get_mut(&key) {
            own.last = Some(fit.map(Arc::new));
            own.number += 1;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole before the next can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AtOnce {
    fn has_time(&self) -> bool {
        let now = self.clock.now();
        now < *self.until.get_or_init(|| now.plus(self.within))
    }
}

/// A copy, so that nobody waits for the fit.
fn points_of(record: &Mutex<Record>) -> Vec<(Timestamp, f64)> {
    record.lock().unwrap_or_else(PoisonError::into_inner).points()
}

#[cfg(test)]
mod tests;
