//! A fleet as a user sees it: the real binary.

use std::process::Command;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{
    Access, Endpoint, FaultKind, FaultRule, Load, SimOptions, Simulator, Token,
};
use secrecy::SecretString;
use serde_json::Value;

use super::tenant;
use crate::running::{Autoscaler, until};

/// Three tenants: one wants another machine, one is as it should be, one has no queue at all.
async fn fly() -> Simulator {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    sim.world().add_app(&tenant("tenant-a", 1, 1, 20.0));
    sim.world().add_app(&tenant("tenant-b", 1, 1, 10.0));
    let mut without = tenant("tenant-c", 1, 1, 10.0);
    without.load = Load::default();
    sim.world().add_app(&without);
    sim.world().add_app(&tenant("other", 1, 1, 20.0));
    sim
}

fn variables(sim: &Simulator) -> Vec<(&'static str, String)> {
    vec![
        ("FAS_APP_NAME", "tenant-*".into()),
        ("FAS_ORG", "acme".into()),
        ("FAS_API_TOKEN", "fm2_org".into()),
        ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)".into()),
        ("FAS_INTERVAL", "1s".into()),
        ("FLY_FLAPS_BASE_URL", sim.url()),
        ("FLY_API_BASE_URL", sim.url()),
        (
            "FAS_CONFIG_YAML",
            format!(
                "metric-collectors:\n  - type: prometheus\n    metric-name: queue_depth\n    \
                 address: {}\n    query: sum by (app) (queue_depth)\n    by: app\n",
                sim.prometheus_url("acme")
            ),
        ),
    ]
}

async fn run(
    arguments: &[&str],
    variables: &[(&'static str, String)],
) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
    command.args(arguments).env_clear().envs(variables.iter().map(|(key, value)| (key, value)));
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn serve_scales_every_app_that_matches() {
    let sim = fly().await;
    let variables = variables(&sim);
    let variables: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let autoscaler = Autoscaler::start(&variables).await;
    let told = || autoscaler.program.told();
    until("tenant-a has two machines", told, || async {
        let machines = sim.world().machines(&AppName::new("tenant-a")).unwrap();
        let started = machines.iter().filter(|one| one.state.as_str() == "started").count();
        if started == 2 { Ok(()) } else { Err(format!("{started} started")) }
    })
    .await;
    let status = until("all three have ticked", told, || async {
        let status = autoscaler.status().await;
        let apps = status["apps"].as_array().unwrap();
        let have_ticked = apps.iter().all(|app| app["last_tick"] != Value::Null);
        if apps.len() == 3 && have_ticked { Ok(status) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!(status["app_list"]["pattern"], "tenant-*");
    assert_eq!(status["app_list"]["count"], 3);
    let (code, metrics) = autoscaler.get("/metrics").await;
    assert_eq!(code, 200);
    assert!(metrics.contains("fas_apps 3\n"), "{metrics}");
    assert!(
        metrics.contains(r#"fas_metric_value{app="tenant-b",metric="queue_depth",region=""} 10"#)
    );
    assert_eq!(autoscaler.get("/readyz").await.0, 200);
    assert!(!autoscaler.program.written().contains("\"app\":\"other\""), "{}", told());
}

#[tokio::test]
async fn plan_shows_all_apps_that_match() {
    let sim = fly().await;
    let (code, text, errors) = run(&["plan", "--exit-code"], &variables(&sim)).await;
    assert_eq!(code, Some(3), "{text}{errors}");
    assert!(text.contains("start "), "{text}");
    assert!(text.contains("tenant-b: 1 started, 1 wanted\n"), "{text}");
    assert!(text.contains("the query `sum by (app) (queue_depth)` returned no series"), "{text}");
    let last = text.lines().last().unwrap();
    assert_eq!(last, "3 apps match tenant-*: 1 would change, 1 held, 1 quiet, 0 failed");

    let (_, json, _) = run(&["plan", "--format", "json"], &variables(&sim)).await;
    let json: Value = serde_json::from_str(&json).unwrap();
    let apps: Vec<_> = json["apps"].as_array().unwrap().iter().map(|own| &own["app"]).collect();
    assert_eq!(apps, ["tenant-a", "tenant-b", "tenant-c"]);
    assert_eq!(json["apps"][0]["plan"]["verdict"], "act");
}

#[tokio::test]
async fn eval_looks_at_one_app_and_says_so() {
    let sim = fly().await;
    let (code, _, errors) = run(&["eval"], &variables(&sim)).await;
    assert_eq!(code, Some(2));
    assert_eq!(
        errors,
        "error: `app-name` is a pattern, tenant-*, and eval looks at one app\n  \
         hint: name one of them, such as --app-name tenant-1\n"
    );
    let (code, text, errors) = run(&["eval", "--app-name", "tenant-a"], &variables(&sim)).await;
    assert_eq!(code, Some(0), "{errors}");
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["started"]["min"], 2);
}

#[tokio::test]
async fn a_pattern_needs_an_organization() {
    let sim = fly().await;
    let mut variables = variables(&sim);
    variables.retain(|(key, _)| *key != "FAS_ORG");
    let (code, _, errors) = run(&["check"], &variables).await;
    assert_eq!(code, Some(2));
    assert!(errors.contains("org required where `app-name` is a pattern"), "{errors}");
    assert!(errors.contains("set `org` or FAS_ORG to the organization's slug"), "{errors}");
}

#[tokio::test]
async fn a_list_of_apps_that_is_refused_says_which_token_it_takes() {
    let sim = fly().await;
    let mut variables = variables(&sim);
    variables.retain(|(key, _)| *key != "FAS_ORG");
    variables.push(("FAS_ORG", "nobody".into()));
    let (code, _, errors) = run(&["plan"], &variables).await;
    assert_eq!(code, Some(1));
    assert!(
        errors.contains(
            "the apps that match `tenant-*` cannot be listed: list the apps of nobody: 404"
        ),
        "{errors}"
    );
}

#[tokio::test]
async fn an_outage_that_all_apps_share_is_a_few_lines_of_log() {
    const COUNT: usize = 200;
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    for number in 0..COUNT {
        sim.world().add_app(&tenant(&format!("tenant-{number}"), 1, 1, 10.0));
    }
    let variables = variables(&sim);
    let variables: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let autoscaler = Autoscaler::start(&variables).await;
    let told = || autoscaler.program.told();
    let outcomes = async |wanted: &'static str| {
        until(&format!("all apps are {wanted}"), told, async || {
            let status = autoscaler.status().await;
            let apps = status["apps"].as_array().unwrap();
            let is_so = |app: &&Value| app["last_tick"]["outcome"] == wanted;
            let count = apps.iter().filter(is_so).count();
            if count == COUNT { Ok(()) } else { Err(format!("{count} of {COUNT}")) }
        })
        .await;
    };
    outcomes("quiet").await;
    let failing = FaultKind::Status { code: 503, body: String::new(), retry_after: None };
    sim.world().inject(FaultRule::always(Endpoint::PrometheusQuery, failing));
    outcomes("held").await;
    sim.world().clear_faults();
    outcomes("quiet").await;

    let written = autoscaler.program.written();
    let count = |text: &str| written.lines().filter(|line| line.contains(text)).count();
    assert_eq!(count(r#""msg":"metric began to fail""#), 20, "{written}");
    assert_eq!(count(r#""msg":"many apps have the same trouble""#), 1, "{written}");
    assert_eq!(count(r#""msg":"metric works again""#), 20, "{written}");
    assert!(written.lines().count() < 50, "{written}");
}

#[tokio::test]
async fn a_deploy_token_for_a_pattern_is_told_which_one_it_takes() {
    let mut options = SimOptions::new(Arc::new(SystemClock));
    let access = Access::App(AppName::new("tenant-a"));
    options.tokens = vec![Token { secret: SecretString::from("fm2_org"), access }];
    let sim = Simulator::start(options).await.unwrap();
    sim.world().add_app(&tenant("tenant-a", 1, 1, 20.0));
    let variables = variables(&sim);
    let variables: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
    let autoscaler = Autoscaler::start(&variables).await;
    let told = autoscaler
        .program
        .line("that the token does not fit", |line| {
            line.contains("api token does not fit").then(|| line.to_owned())
        })
        .await;
    assert!(
        told.contains(
            "`api-token` is for tenant-a, not for all apps of the organization acme; set FAS_API_TOKEN to the \
             output of `fly tokens create org -o acme`"
        ),
        "{told}"
    );
    let told = autoscaler
        .program
        .line("that the apps cannot be listed", |line| {
            line.contains("the list of apps cannot be read").then(|| line.to_owned())
        })
        .await;
    assert!(told.contains("list the apps of acme: 403 unauthorized"), "{told}");
    let (code, why) = autoscaler.get("/readyz").await;
    assert_eq!(code, 503);
    assert!(
        why.starts_with("not ready: the list of apps cannot be read: list the apps of acme: 403"),
        "{why}"
    );
}
