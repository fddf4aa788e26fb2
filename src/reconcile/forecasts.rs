//! Fits models of series beside the ticks, which only read the last one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::forecast::{Fit, Next, Refits, Seasons, Unfit};
use crate::model::{AppName, MetricName, Region, Timestamp};
use crate::ports::Clock;
use crate::telemetry::Metrics;
use crate::telemetry::events::SeriesFitted;

/// Which series: of a metric of an app, in one region or over all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesKey {
    /// The app.
    pub app: AppName,
    /// The metric.
    pub metric: MetricName,
    /// The region; `None` for the app as a whole.
    pub region: Option<Region>,
}

/// A fit, or why there is none. A clone costs nothing.
pub type LastFit = Result<Arc<Fit>, Unfit>;

/// What is recorded of a series, asked for when its turn has come.
pub type Points = dyn Fn(&SeriesKey) -> Vec<(Timestamp, f64)> + Send + Sync;

/// The models of all series that expressions forecast. Ticks add series and read fits; [`Fits::run`] makes them,
/// one after the other.
pub struct Fits {
    state: Mutex<State>,
    added: Notify,
}

struct State {
    queue: Refits<SeriesKey>,
    fits: BTreeMap<SeriesKey, LastFit>,
}

impl Fits {
    /// No series yet. All fits together take no more than `share` of a core.
    #[must_use]
    pub fn new(share: f64) -> Self {
        let state = State { queue: Refits::new(share), fits: BTreeMap::new() };
        Self { state: Mutex::new(state), added: Notify::new() }
    }

    /// The last fit of a series; `None` before its first turn, which this call puts it in line for. Never waits for a
    /// fit.
    pub fn last(&self, key: &SeriesKey, now: Timestamp) -> Option<LastFit> {
        let mut state = self.lock();
        let last = state.fits.get(key).cloned();
        if last.is_none() {
            state.queue.add(key.clone(), now);
            self.added.notify_one();
        }
        last
    }

    /// Forgets all series of `app`, which is no longer scaled.
    pub fn forget(&self, app: &AppName) {
        let mut state = self.lock();
        state.queue.retain(|key| key.app != *app);
        state.fits.retain(|key, _| key.app != *app);
    }

    /// Fits whatever is due, for ever: dropping it ends it, after the fit at hand.
    pub async fn run(&self, clock: &dyn Clock, points: &Points, metrics: &Metrics) {
        loop {
            let now = clock.now();
            let next = self.lock().queue.next(now);
            match next {
                Next::Fit(key) => self.fit(key, clock, points, metrics).await,
                Next::At(then) => {
                    tokio::select! {
                        () = clock.sleep(then.since(now)) => {}
                        () = self.added.notified() => {}
                    }
                }
                Next::Nothing => self.added.notified().await,
            }
        }
    }

    async fn fit(&self, key: SeriesKey, clock: &dyn Clock, points: &Points, metrics: &Metrics) {
        let points = points(&key);
        let began = clock.now();
        let fit = tokio::task::spawn_blocking(move || Fit::of(&points, &Seasons::Detected)).await;
        // A panic of the library is caught before it gets here.
        let fit = fit.unwrap_or_else(|error| Err(Unfit::Library(error.to_string().into())));
        // Clocks count whole milliseconds: a fit that takes less is not free.
        let took = clock.now().since(began) + Duration::from_millis(1);
        let SeriesKey { app, metric, region } = &key;
        let region = region.as_ref();
        SeriesFitted { app, metric, region, fit: fit.as_ref(), took }.emit(metrics);
        let mut state = self.lock();
        state.queue.done(key.clone(), began, took, fit.is_ok());
        if state.queue.contains(&key) {
            state.fits.insert(key, fit.map(Arc::new));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is whole before the next can fail.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::ports::BoxFuture;

    /// A clock whose waits are over at once, by that much later.
    struct Skipping(Arc<AtomicI64>);

    impl Clock for Skipping {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0.load(Ordering::SeqCst))
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let time = Arc::clone(&self.0);
            Box::pin(async move {
                tokio::task::yield_now().await;
                let millis = i64::try_from(duration.as_millis()).expect("short");
                time.fetch_add(millis, Ordering::SeqCst);
            })
        }
    }

    fn key(app: &str) -> SeriesKey {
        SeriesKey { app: AppName::new(app), metric: MetricName::new("q"), region: None }
    }

    fn climbing(key: &SeriesKey) -> Vec<(Timestamp, f64)> {
        let count = if key.app.as_str() == "short" { 5 } else { 60 };
        (0..count)
            .map(|at| (Timestamp::from_millis(at * 60_000), at as f64 + (at % 7) as f64))
            .collect()
    }

    #[tokio::test]
    async fn a_series_that_is_asked_for_is_fitted_and_one_that_is_gone_is_forgotten() {
        let fits = Fits::new(0.1);
        let metrics = Metrics::new("0", "0");
        let clock = Skipping(Arc::new(AtomicI64::new(0)));
        let begin = clock.now();
        assert!(
            fits.last(&key("web"), begin).is_none() && fits.last(&key("short"), begin).is_none()
        );
        let both = async {
            loop {
                let (web, short) = (fits.last(&key("web"), begin), fits.last(&key("short"), begin));
                if let (Some(web), Some(short)) = (web, short) {
                    break (web, short);
                }
                tokio::task::yield_now().await;
            }
        };
        let (web, short) = tokio::select! {
            () = fits.run(&clock, &climbing, &metrics) => unreachable!("it never ends"),
            both = both => both,
        };
        assert_eq!(web.expect("fitted").until(), Timestamp::from_millis(59 * 60_000));
        assert_eq!(short, Err(Unfit::TooFew { have: 5 }));
        // Between the two fits it paused: nine times as long as the first took, which counts as 1 ms at least.
        assert!(clock.now().since(begin) >= Duration::from_millis(9), "{}", clock.now());
        let shown = metrics.render().expect("rendered");
        // As its clock skips the waits, it may have come round to either of them again.
        for result in ["ets", "none"] {
            let count = format!(r#"fas_forecast_fit_duration_seconds_count{{result="{result}"}}"#);
            assert!(shown.contains(&count), "{shown}");
        }
        fits.forget(&AppName::new("web"));
        assert!(
            fits.last(&key("web"), begin).is_none() && fits.last(&key("short"), begin).is_some()
        );
    }
}
