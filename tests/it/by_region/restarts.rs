//! After a restart nothing is known of a region that has machines and no series.

use std::time::Duration;

use fly_autoscaler::model::TickOutcome;

use super::{load, scaler};
use crate::faults::{INTERVAL, Stage};

#[tokio::test]
async fn a_region_without_a_series_is_not_scaled_down_at_the_start_but_after_five_minutes() {
    let stage = Stage::new(2, 0, 0.0).await;
    load(&stage, "lhr", 10.0);
    let mut scaler = scaler(&stage);
    let mut passed = Duration::ZERO;
    while passed < Duration::from_secs(300) {
        let said = stage.say(&stage.tick(&mut scaler).await);
        assert_eq!(
            said,
            format!(
                "held: metric load: region iad has machines but no series since the start {}s ago; it counts as 0 after absent-after (300s)",
                passed.as_secs()
            )
        );
        assert_eq!(stage.fleet(), (2, 2));
        passed += INTERVAL;
    }
    assert_eq!(stage.tick(&mut scaler).await.outcome, TickOutcome::Acted);
    assert_eq!(stage.fleet(), (2, 1));
}

#[tokio::test]
async fn a_region_that_has_a_series_at_the_start_has_lost_nothing() {
    let stage = Stage::new(2, 0, 0.0).await;
    load(&stage, "lhr", 6.0);
    load(&stage, "iad", 4.0);
    let mut scaler = scaler(&stage);
    assert_eq!(stage.tick(&mut scaler).await.outcome, TickOutcome::Acted);
    assert_eq!(stage.fleet(), (2, 1));
}

#[tokio::test]
async fn the_time_counts_from_the_first_sample_not_from_the_first_tick() {
    let stage = Stage::new(2, 0, 0.0).await;
    let mut scaler = scaler(&stage);
    for _ in 0..30 {
        let said = stage.say(&stage.tick(&mut scaler).await);
        assert!(said.ends_with("returned no series"), "{said}");
    }
    load(&stage, "lhr", 10.0);
    let said = stage.say(&stage.tick(&mut scaler).await);
    assert!(said.contains("no series since the start 0s ago"), "{said}");
    assert_eq!(stage.fleet(), (2, 2));
}

#[tokio::test]
async fn a_plan_shows_what_the_running_scaler_does_by_then() {
    let stage = Stage::new(2, 0, 0.0).await;
    load(&stage, "lhr", 10.0);
    let tick = scaler(&stage).preview().await;
    assert_eq!(tick.outcome, TickOutcome::Acted, "{tick:#?}");
    assert_eq!(tick.plan.unwrap().actions().count(), 1, "one of the two stops");
    assert_eq!(stage.fleet(), (2, 2), "and nothing was done");
}
