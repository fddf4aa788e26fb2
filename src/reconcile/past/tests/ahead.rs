//! What metrics will be, tick by tick.

use super::*;
use crate::forecast::{Fallback, Model};
use crate::sim::ManualClock;
use crate::telemetry::Metrics;

/// A world that forecasts `q` five minutes ahead, with its models.
pub(super) struct Ahead {
    pub(super) world: World,
    pub(super) fits: Arc<Fits>,
}

impl Ahead {
    pub(super) fn new(min_skill: Option<f64>) -> Self {
        let mut world = World::new("q", r#"forecast("q", "5m")"#, "", |_| {});
        world.group.forecast_min_skill = min_skill;
        let mut own = Self { world, fits: Arc::default() };
        own.restart();
        own
    }

    /// Another process: nothing is known.
    pub(super) fn restart(&mut self) {
        self.fits = Arc::default();
        let groups = [self.world.group.clone()];
        let past = Past::new(&groups, Arc::clone(&self.world.collectors), INTERVAL);
        let app = AppName::new("web");
        self.world.past = past.with_forecasts(app, &groups, Arc::clone(&self.fits));
    }

    pub(super) async fn tick(&mut self, now: Timestamp, value: f64) -> String {
        self.world.says(Ok(plain(value)));
        self.world.tick(now).await.remove(0)
    }

    pub(super) async fn fit(&self, now: Timestamp) {
        let metrics = Metrics::new("0", "0");
        self.fits.make_due(&ManualClock::new(now), &metrics).await;
    }

    /// What gave the last forecast, and why it is the last value.
    fn model(&self, now: Timestamp) -> (Model, Option<Fallback>) {
        let [own] = &self.world.past.forecasts(now)[..] else { panic!("one forecast") };
        (own.forecast.model, own.forecast.fallback.clone())
    }
}

/// Something between 0 and 1 that is another in each tick.
fn noise(tick: i64) -> f64 {
    let mixed = (tick as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[tokio::test]
async fn too_little_is_a_hold_unless_the_last_value_may_stand_for_a_forecast() {
    let mut ahead = Ahead::new(None);
    for (tick, known) in [(0, "1 values over 0s"), (1, "2 values over 15s")] {
        let got = ahead.tick(at(15 * tick), 7.0).await;
        assert_eq!(
            got,
            format!(
                r#"`forecast("q", "5m")` has no value: no model was fitted yet: {known} are known, and it takes 20 over 10m; with `forecast-min-skill` the last value would be used; its past could not be read: its source keeps no history: Temporal counts what runs now"#
            )
        );
    }
    assert!(ahead.world.past.forecasts(at(15)).is_empty(), "nothing was said");

    let mut ahead = Ahead::new(Some(0.0));
    assert_eq!(ahead.tick(at(0), 7.0).await, "7");
    assert_eq!(ahead.model(at(0)), (Model::Last, Some(Fallback::NotFitted)));
    // The same twice is no second value.
    assert_eq!(ahead.tick(at(0), 7.0).await, "7");
}

#[tokio::test]
async fn without_a_past_there_is_a_model_once_enough_was_measured() {
    let mut ahead = Ahead::new(None);
    // Twice as long as it looks ahead: ten minutes.
    for tick in 0..=40 {
        ahead.fit(at(15 * tick)).await;
        let got = ahead.tick(at(15 * tick), 100.0 + tick as f64 + noise(tick)).await;
        assert!(got.contains("no model was fitted yet"), "{tick}: {got}");
    }
    ahead.fit(at(615)).await;
    let got: f64 = ahead.tick(at(615), 141.0).await.parse().expect("a number");
    assert!((145.0..=165.0).contains(&got), "{got}");
}

#[tokio::test]
async fn a_tick_waits_for_no_fit_and_uses_it_when_it_is_there() {
    let mut ahead = Ahead::new(None);
    let line = |tick: i64| 1000.0 + tick as f64 + noise(tick);
    ahead.world.remembers((-960..0).map(|tick| (at(15 * tick), plain(line(tick)))).collect());
    let got = ahead.tick(at(0), line(0)).await;
    assert!(got.contains("no model was fitted yet: 9"), "{got}");
    assert!(!got.contains("could not be read"), "{got}");
    let asked: Vec<_> = ahead.world.source.1.lock().expect("no panic").asked.clone();
    let mut windows: Vec<_> = asked.iter().map(|own| (own.window(), own.step)).collect();
    windows.sort_unstable();
    assert_eq!(windows, Record::wants(INTERVAL).into_iter().rev().collect::<Vec<_>>());

    ahead.fit(at(1)).await;
    // Twenty ticks ahead, on a slope that flattens a little.
    let got: f64 = ahead.tick(at(15), line(1)).await.parse().expect("a number");
    assert!((1005.0..=1024.0).contains(&got), "{got}");
    assert_eq!(ahead.model(at(15)), (Model::Ets, None));
    // It follows what comes after it.
    let later: f64 = ahead.tick(at(600), 2000.0).await.parse().expect("a number");
    assert!(later > got + 10.0, "{later} after {got}");
    assert_eq!(ahead.world.asked(), 2, "it is not asked again");
}

#[tokio::test]
async fn noise_falls_back_to_the_last_value_where_a_skill_is_asked_for() {
    let mut ahead = Ahead::new(Some(0.6));
    let value = |tick: i64| 100.0 + 50.0 * noise(tick);
    ahead.world.remembers((-960..0).map(|tick| (at(15 * tick), plain(value(tick)))).collect());
    ahead.tick(at(0), value(0)).await;
    ahead.fit(at(1)).await;
    for tick in 1..160 {
        let got = ahead.tick(at(15 * tick), value(tick)).await;
        assert_eq!(got, value(tick).round().to_string(), "{tick}");
    }
    let now = at(15 * 159);
    let (model, fallback) = ahead.model(now);
    let why = fallback.expect("a fall back").why();
    assert!(why.contains("below forecast-min-skill 0.6"), "{why}");
    assert_eq!(model, Model::Last);
    let metrics = Metrics::new("0", "0");
    metrics.set_forecasts(&AppName::new("web"), &ahead.world.past.forecasts(now));
    let shown = metrics.render().expect("rendered");
    let error = r#"fas_forecast_error{app="web",group="app",metric="q",region="",horizon="5m",error="mae"}"#;
    assert!(shown.contains(error), "{shown}");

    // The mean is better than the last value all the same, by about 0.3.
    ahead.world.group.forecast_min_skill = Some(0.1);
    ahead.tick(at(15 * 160), value(160)).await;
    assert_eq!(ahead.model(at(15 * 160)), (Model::Ets, None));
}

#[tokio::test]
async fn what_is_kept_for_fits_is_bounded_and_counted_and_dropped_when_nobody_looks() {
    let mut ahead = Ahead::new(Some(0.0));
    for tick in 0..3000 {
        ahead.tick(at(15 * tick), noise(tick)).await;
    }
    let size = ahead.world.past.size();
    assert_eq!(size.series, 1);
    assert!((4_000..16_000).contains(&size.bytes), "{}", size.bytes);
    ahead.world.past.prune(at(15 * 3000 + 25 * 3600));
    assert_eq!(ahead.world.past.size(), SeriesSize::default());
}
