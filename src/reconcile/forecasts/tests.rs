use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::model::MetricName;
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

fn key(app: &str) -> FitKey {
    let series = SeriesKey { metric: MetricName::new("q"), region: None };
    FitKey { app: AppName::new(app), group: ProcessGroup::new("app"), series }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

/// A series that climbs, once in a minute.
fn climbing(count: i64) -> SharedRecord {
    let mut record = Record::new(Duration::from_secs(60));
    (0..count).for_each(|minute| record.push(at(minute), minute as f64 + (minute % 7) as f64));
    Arc::new(Mutex::new(record))
}

#[tokio::test]
async fn a_series_that_is_asked_for_is_fitted_and_one_that_is_gone_is_forgotten() {
    let fits = Fits::new(0.1);
    let metrics = Metrics::new("0", "0");
    let clock = Skipping(Arc::new(AtomicI64::new(0)));
    let begin = clock.now();
    let (web, short) = (climbing(60), climbing(5));
    let last = |name: &str| {
        let record = if name == "web" { &web } else { &short };
        fits.last(&key(name), record, begin).map(|(_, last)| last)
    };
    assert!(last("web").is_none() && last("short").is_none());
    let both = async {
        loop {
            if let (Some(web), Some(short)) = (last("web"), last("short")) {
                break (web, short);
            }
            tokio::task::yield_now().await;
        }
    };
    let (web, short) = tokio::select! {
        () = fits.run(&clock, &metrics) => unreachable!("it never ends"),
        both = both => both,
    };
    assert_eq!(web.expect("fitted").until(), at(59));
    assert_eq!(short, Err(Unfit::TooFew { have: 5 }));
    // Between the two fits it paused: nine times as long as the first took, which counts as 1 ms at least.
    assert!(clock.now().since(begin) >= Duration::from_millis(9), "{}", clock.now());
    let shown = metrics.render().expect("rendered");
    // As its clock skips the waits, it may have come round to either of them again.
    for result in ["ets", "none"] {
        let count = format!(r#"fas_forecast_fit_duration_seconds_count{{result="{result}"}}"#);
        assert!(shown.contains(&count), "{shown}");
    }
    fits.retain(&AppName::new("web"), |_| false);
    assert!(last("web").is_none() && last("short").is_some());
}

/// Panics at what begins with 5, as the library might.
fn brittle(points: &[(Timestamp, f64)]) -> Result<Fit, Unfit> {
    assert_ne!(points.first().map(|point| point.0), Some(at(5)), "it cannot do that");
    Fit::of(points, &Seasons::Detected)
}

#[tokio::test]
async fn a_fit_that_panics_is_one_that_failed_and_the_others_go_on() {
    let fits = Fits { make: brittle, ..Fits::new(1.0) };
    let clock = Skipping(Arc::new(AtomicI64::new(0)));
    let (bad, good) = (climbing(0), climbing(60));
    (5..60).for_each(|minute| bad.lock().expect("no panic").push(at(minute), minute as f64));
    assert!(fits.last(&key("bad"), &bad, at(0)).is_none());
    assert!(fits.last(&key("good"), &good, at(0)).is_none());
    let metrics = Metrics::new("0", "0");
    while let Some(then) = fits.make_due(&clock, &metrics).await {
        if then >= at(1) {
            break;
        }
        clock.sleep(then.since(clock.now())).await;
    }
    let Some((1, Err(Unfit::Library(why)))) = fits.last(&key("bad"), &bad, at(0)) else {
        panic!("it should have failed")
    };
    assert!(why.contains("it cannot do that"), "{why}");
    assert!(matches!(fits.last(&key("good"), &good, at(0)), Some((1, Ok(_)))));
}

#[tokio::test]
async fn who_answers_once_fits_at_once_for_as_long_as_there_is_time() {
    let time = Arc::new(AtomicI64::new(0));
    let fits = Fits::at_once(Arc::new(Skipping(Arc::clone(&time))), Duration::from_secs(5));
    let record = climbing(60);
    assert!(matches!(fits.last(&key("web"), &record, at(0)), Some((1, Ok(_)))));
    time.store(4_999, Ordering::SeqCst);
    assert!(fits.last(&key("second"), &record, at(0)).is_some());
    time.store(5_000, Ordering::SeqCst);
    assert!(fits.last(&key("third"), &record, at(0)).is_none());
    assert!(fits.last(&key("web"), &record, at(0)).is_some(), "it is kept");
}
