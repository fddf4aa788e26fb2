//! After a restart nothing is known of a region that has machines and no series.

use std::time::Duration;

use fly_autoscaler::model::{AppName, TickOutcome};
use fly_autoscaler::sim::AppSpec;
use serde_json::Value;

use super::{LOAD, load, scaler};
use crate::faults::{INTERVAL, Stage, web};
use crate::running::{Autoscaler, until};

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
async fn a_region_that_could_not_have_served_does_not_keep_the_app_from_growing() {
    // Nothing runs in `syd`, and no restart changes that.
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 2).with_machines("syd", 0, 1);
    let stage = Stage::with(spec, 0.0).await;
    load(&stage, "iad", 30.0);
    assert_eq!(stage.tick(&mut scaler(&stage)).await.outcome, TickOutcome::Acted);
    assert_eq!(stage.fleet(), (4, 3));
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

/// The last tick of `app`, as soon as there is one.
async fn ticked(scaler: &Autoscaler, app: &str) -> Value {
    until(
        &format!("a tick of {app}"),
        || scaler.program.told(),
        || async {
            let status = scaler.status().await;
            let apps = status["apps"].as_array().unwrap();
            let own = apps.iter().find(|own| own["app"] == app && !own["last_tick"].is_null());
            own.map(|own| own["last_tick"].clone()).ok_or(status.to_string())
        },
    )
    .await
}

#[tokio::test]
async fn an_app_that_is_found_later_begins_anew() {
    let stage = Stage::new(1, 0, 0.0).await;
    load(&stage, "iad", 10.0);
    let (url, prometheus) = (stage.sim.url(), stage.sim.prometheus_url("acme"));
    let yaml = LOAD.replace("by: region", "by: [app, region]");
    let yaml = yaml.replace(r#"by (region) (load{app="$APP_NAME"})"#, "by (app, region) (load)");
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web*"),
        ("FAS_ORG", "acme"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_INTERVAL", "2s"),
        ("FAS_APP_LIST_REFRESH_INTERVAL", "2s"),
        ("FAS_CONFIG_YAML", &yaml),
        ("PROMETHEUS", &prometheus),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    assert_eq!(ticked(&scaler, "web").await["outcome"], "quiet");

    let late = AppName::new("web-late");
    stage.sim.world().add_app(&AppSpec::new("web-late", "acme").with_machines("iad", 2, 0));
    stage.sim.world().set_gauge(&late, "load", &[("region", "lhr")], 10.0).unwrap();
    let tick = ticked(&scaler, "web-late").await;
    assert_eq!(tick["outcome"], "held", "{tick:#}");
    assert!(tick.to_string().contains("region iad has machines but no series since the start"));
    assert_eq!(ticked(&scaler, web().as_str()).await["outcome"], "quiet", "the other goes on");
}
