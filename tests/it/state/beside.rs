//! What a plan beside a running server knows from its file, and what that server says of a failed metric.

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::AppSpec;
use serde_json::Value;

use super::restarts::{World, ticked};
use crate::cli::{Ran, fly_autoscaler};
use crate::running::{Autoscaler, until};

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "queue_depth / 10");

async fn plan(world: &World) -> Ran {
    fly_autoscaler(&["plan"]).env(&world.variables()).run_beside().await
}

/// The last tick, once `is_it`.
async fn tick_with(scaler: &Autoscaler, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
    until(
        what,
        || scaler.program.told(),
        || async {
            let tick = scaler.status().await["apps"][0]["last_tick"].clone();
            if is_it(&tick) { Ok(tick) } else { Err(tick.to_string()) }
        },
    )
    .await
}

fn has(tick: &Value, code: &str) -> bool {
    let reasons = tick["plan"]["scopes"][0]["reasons"].as_array();
    reasons.is_some_and(|all| all.iter().any(|own| own["code"] == code))
}

#[tokio::test]
async fn a_plan_knows_what_cools_down_and_since_when_over_kills() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 6, 0);
    let own = [
        STARTED,
        ("FAS_SCALE_DOWN_COOLDOWN", "1h"),
        ("FAS_SCALE_DOWN_STEP_SIZE", "1"),
        ("FAS_INTERVAL", "1s"),
    ];
    let world = World::new(spec, 20.0, &own).await;
    let mut scaler = world.start().await;
    let tick = tick_with(&scaler, "cooling down", |tick| has(tick, "cooling_down")).await;
    let reasons = tick["plan"]["scopes"][0]["reasons"].as_array().unwrap();
    let cooling = reasons.iter().find(|own| own["code"] == "cooling_down").unwrap();
    let until = cooling["until"].as_str().unwrap();
    let ran = plan(&world).await;
    assert!(ran.stdout.contains("[cooling_down]") && ran.stdout.contains(until), "{ran}");
    assert!(ran.stdout.contains("nothing to do"), "{ran}");

    scaler.program.signal("KILL");
    scaler.program.ended().await;
    let ran = plan(&world).await;
    assert!(ran.stdout.contains(until), "of the one that is gone: {ran}");
    let next = world.start().await;
    assert!(has(&ticked(&next).await, "cooling_down"));
    let left = world.sim.world().machines(&AppName::new("web")).unwrap();
    let running = left.iter().filter(|own| own.state.as_str() == "started").count();
    assert_eq!(running, 5, "one stop in all");
}

#[tokio::test]
async fn a_plan_says_since_when_the_server_beside_it_holds() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 2, 0);
    let world = World::new(spec, 20.0, &[STARTED, ("FAS_INTERVAL", "1s")]).await;
    let mut scaler = world.start().await;
    ticked(&scaler).await;
    world.sim.world().set_queue_depth(&AppName::new("web"), None).unwrap();
    // From the second tick on it is in the file.
    let is_held = |tick: &Value| {
        let since = &tick["plan"]["scopes"][0]["held_since"];
        since.is_string() && *since != tick["at"]
    };
    let tick = tick_with(&scaler, "a hold", is_held).await;
    let since = tick["plan"]["scopes"][0]["held_since"].as_str().unwrap().to_owned();
    let said = format!("held since {since}: nothing would be done");
    let ran = plan(&world).await;
    assert!(ran.stdout.contains(&said), "{said} is missing: {ran}");

    scaler.program.signal("KILL");
    scaler.program.ended().await;
    let ran = plan(&world).await;
    assert!(ran.stdout.contains(&said), "of the one that is gone: {ran}");
    let next = world.start().await;
    let tick = ticked(&next).await;
    assert_eq!(tick["plan"]["scopes"][0]["held_since"], since.as_str(), "{tick:#}");
}

#[tokio::test]
async fn what_stands_in_for_a_failed_metric_is_in_the_log_the_status_and_the_metrics() {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 3, 0);
    let own = [STARTED, ("FAS_PROMETHEUS_ON_FAILURE", "hold-scale-down"), ("FAS_INTERVAL", "1s")];
    let world = World::new(spec, 30.0, &own).await;
    let mut scaler = world.start().await;
    ticked(&scaler).await;
    let value = r#"fas_metric_value{app="web",metric="queue_depth",region=""} 30"#;
    assert!(scaler.get("/metrics").await.1.lines().any(|line| line == value));
    world.sim.world().set_queue_depth(&AppName::new("web"), None).unwrap();
    // From the second tick on it is in the file.
    let is_held = |tick: &Value| {
        has(tick, "scale_down_held") && tick["plan"]["scopes"][0]["held_since"] != tick["at"]
    };
    let tick = tick_with(&scaler, "a hold", is_held).await;
    let failure = &tick["samples"][0]["failures"][0];
    assert_eq!(
        (&failure["instead"], &failure["value"]),
        (&"last".into(), &30.0.into()),
        "{tick:#}"
    );
    let since = failure["since"].as_str().unwrap();
    assert_eq!(tick["plan"]["scopes"][0]["held_since"], since, "{tick:#}");
    let metrics = scaler.get("/metrics").await.1;
    assert!(metrics.lines().any(|line| line == value), "the stand-in is what is used: {metrics}");
    let measured_at = failure["measured_at"].as_str().unwrap();
    let said = format!("its last value, of {measured_at}, is used until");
    let line =
        scaler.program.line("what stands in", |line| line.contains(&said).then(|| line.to_owned()));
    let line = line.await;
    assert!(line.contains("WARN") && line.contains("nothing is scaled down"), "{line}");

    // The next process knows the value, and since when it is missing.
    scaler.program.signal("KILL");
    scaler.program.ended().await;
    let next = world.start().await;
    let tick = ticked(&next).await;
    let failure = &tick["samples"][0]["failures"][0];
    assert_eq!(
        (&failure["instead"], &failure["value"]),
        (&"last".into(), &30.0.into()),
        "{tick:#}"
    );
    assert_eq!(tick["plan"]["scopes"][0]["held_since"], since, "{tick:#}");
}

#[test]
fn check_says_where_last_for_changes_nothing() {
    let with = |mode: Option<&str>| {
        let mut variables = vec![
            ("FAS_APP_NAME", "web"),
            STARTED,
            ("FAS_PROMETHEUS_ADDRESS", "http://localhost:9090"),
            ("FAS_PROMETHEUS_QUERY", "sum(queue_depth)"),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_PROMETHEUS_LAST_FOR", "5m"),
        ];
        variables.extend(mode.map(|mode| ("FAS_PROMETHEUS_ON_FAILURE", mode)));
        fly_autoscaler(&["check"]).env(&variables).run()
    };
    let said = "has no effect without `on-failure: hold-scale-down` or `last`";
    for (mode, is_said) in [
        (None, true),
        (Some("hold"), true),
        (Some("nil"), true),
        (Some("3"), true),
        (Some("last"), false),
        (Some("hold-scale-down"), false),
    ] {
        let ran = with(mode);
        assert_eq!((ran.code, ran.stderr.contains(said)), (Some(0), is_said), "{mode:?}: {ran}");
    }
}
