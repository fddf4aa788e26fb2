//! The commands that answer once: they ask for the past, fit and say.

use fly_autoscaler::clock::SystemClock;

use super::*;
use crate::cli::fly_autoscaler;

#[tokio::test]
async fn eval_and_plan_make_their_own_model_and_a_given_number_is_its_own_forecast() {
    let clock = Arc::new(SystemClock);
    let sim = Simulator::start(SimOptions::new(clock.clone())).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 3);
    // It climbs by one a minute, from 1000 two days ago.
    let rows = (0..3000).map(|minute| [(Region::new("iad"), 1000.0 + f64::from(minute))].into());
    let start = clock.now().minus(48 * HOUR);
    spec.load = Load::Trace(Trace { start, step: MINUTE, rows: rows.collect() });
    sim.world().add_app(&spec);
    let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
    let variables = |count| {
        [
            ("FAS_APP_NAME", "web"),
            ("FAS_API_TOKEN", "fm2_test"),
            ("FAS_STARTED_MACHINE_COUNT", count),
            ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum(traffic{app="$APP_NAME"})"#),
            ("FLY_FLAPS_BASE_URL", &url),
            ("FLY_API_BASE_URL", &url),
        ]
    };
    let eval = async |arguments: &[&str]| {
        let count = r#"forecast("traffic", "1h")"#;
        let ran = fly_autoscaler(arguments).env(&variables(count)).run_beside().await;
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
        json["started"]["min"].as_f64().unwrap_or_else(|| panic!("{ran}"))
    };
    // It is 3880 now, and 3940 in an hour if it goes on as it did.
    let ahead = eval(&["eval"]).await;
    assert!((3890.0..=3950.0).contains(&ahead), "{ahead}");
    assert_eq!(eval(&["eval", "--var", "traffic=42"]).await, 42.0);

    let count = r#"forecast("traffic", "1h") > 3885 ? 2 : 1"#;
    let plan = fly_autoscaler(&["plan"]).env(&variables(count)).run_beside().await;
    assert!(plan.stdout.contains("at least 2"), "{plan}");
}
