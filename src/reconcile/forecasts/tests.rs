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
    assert!(fits.last(&key("web"), begin).is_none() && fits.last(&key("short"), begin).is_none());
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
    assert!(fits.last(&key("web"), begin).is_none() && fits.last(&key("short"), begin).is_some());
}
