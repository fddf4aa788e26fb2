//! What someone sees who looks at it from outside: the real binary.

use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::ProcessGroup;
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator};

use crate::cli::{Fly, fly_autoscaler};
use crate::faults::{CREATED, web};
use crate::running::{Autoscaler, until};

/// With 0.3.2 an app whose machines are all in `worker` has "no machine available to clone".
#[tokio::test]
async fn bug_05_the_default_group_app_says_which_groups_there_are() {
    let mut app = AppSpec::new("my-app", "my-org").with_machines("iad", 1, 1);
    app.group = ProcessGroup::new("worker");
    let fly = Fly::with(&app).await;
    let two = [("FAS_CREATED_MACHINE_COUNT", "2")];
    let ran = fly.command(&["plan"]).env(&two).run_beside().await;
    assert_eq!(ran.code, Some(0), "{ran}");
    let held = ran.stdout.lines().find(|line| line.contains("held: ")).map(str::trim);
    assert_eq!(
        held,
        Some(
            "held: no machine available to clone for scale up: no machine in process group app, but 2 in \
             worker; name the one to scale in process-group (FAS_PROCESS_GROUP) or process-groups [no_machine_to_clone]"
        ),
        "{ran}"
    );
    let named = [two[0], ("FAS_PROCESS_GROUP", "worker")];
    let ran = fly.command(&["plan"]).env(&named).run_beside().await;
    assert_eq!(ran.stdout.lines().last(), Some("nothing to do"), "{ran}");
}

/// A line of `/metrics` that is there and not 0.
fn counts(metrics: &str, series: &str) -> bool {
    let value = metrics.lines().find_map(|line| line.strip_prefix(series));
    value.is_some_and(|value| value.trim().parse::<f64>().is_ok_and(|value| value > 0.0))
}

#[tokio::test]
async fn bug_11_what_is_made_measured_wanted_and_failed_is_on_the_metrics_page() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 2);
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(10.0) };
    sim.world().add_app(&spec);
    let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_t"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_PROMETHEUS_ADDRESS", &prometheus),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
        CREATED,
    ])
    .await;
    let told = || scaler.program.told();
    let shows = async |series: &str| {
        until(series, told, async || match scaler.get("/metrics").await.1 {
            metrics if counts(&metrics, series) => Ok(()),
            metrics => Err(metrics),
        })
        .await;
    };
    shows(r#"fas_machine_destroy_count{status="ok"}"#).await;
    shows(r#"fas_metric_value{app="web",metric="queue_depth",region=""}"#).await;
    shows(r#"fas_target_machines{app="web",group="app",region="",kind="created",bound="min"}"#)
        .await;
    shows(r#"fas_last_success_timestamp_seconds{app="web"}"#).await;
    sim.world().set_queue_depth(&web(), Some(20.0)).unwrap();
    shows(r#"fas_machine_create_count{status="ok"}"#).await;
    sim.world().set_queue_depth(&web(), None).unwrap();
    shows(r#"fas_collect_errors_total{source="queue_depth"}"#).await;
    // Upstream's own, as they were.
    shows(r#"fas_reconcile_count{status="create"}"#).await;
    shows(r#"fas_reconcile_count{status="destroy"}"#).await;
}

/// `FAS_MAX_MACHINE_COUNT` was invented by two projects, and limited nothing.
#[tokio::test]
async fn bug_13_an_unknown_variable_is_named_with_what_was_meant() {
    let app = AppSpec::new("my-app", "my-org").with_machines("iad", 1, 0);
    let fly = Fly::with(&app).await;
    let invented = [("FAS_STARTED_MACHINE_COUNT", "1"), ("FAS_MAX_MACHINE_COUNT", "10")];
    let ran = fly.command(&["check"]).env(&invented).run_beside().await;
    assert_eq!(ran.code, Some(2), "{ran}");
    let hint = "unknown variable FAS_MAX_MACHINE_COUNT\n  hint: did you mean FAS_MAX_MACHINES?\n";
    assert!(
        ran.stderr.starts_with(&format!("warning: {hint}the configuration is not valid: ")),
        "{ran}"
    );
    let plan = fly.command(&["plan"]).env(&invented).run_beside().await;
    assert_eq!(plan.code, Some(0), "{plan}");
    assert!(plan.stderr.starts_with("warning: unknown variable FAS_MAX_MACHINE_COUNT\n"), "{plan}");
    assert!(!fly_autoscaler(&["version"]).env(&invented).run().stderr.contains("FAS_"));

    let url = fly.simulator.url();
    let serve = [("FAS_APP_NAME", "my-app"), ("FAS_API_TOKEN", "t"), ("FLY_FLAPS_BASE_URL", &url)];
    let serve: Vec<_> = serve.into_iter().chain(invented).collect();
    let scaler = Autoscaler::start(&serve).await;
    let warned = |line: &str| line.contains("unknown variable FAS_MAX_MACHINE_COUNT").then_some(());
    scaler.program.line("which variable is unknown", warned).await;
}
