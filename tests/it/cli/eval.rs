//! `eval`: expressions by themselves, and those of a configuration.

use fly_autoscaler::sim::Endpoint;
use insta::assert_snapshot;
use tempfile::TempDir;

use super::{CommandLine, Fly, fly_autoscaler, my_app};

fn eval(expression: &str, variables: &[&str]) -> CommandLine {
    let given = variables.iter().flat_map(|variable| ["--var", variable]);
    let arguments: Vec<&str> = ["eval", expression].into_iter().chain(given).collect();
    fly_autoscaler(&arguments)
}

#[test]
fn an_expression_needs_no_configuration() {
    assert_snapshot!(eval("ceil(queue_depth / 10)", &["queue_depth=42"]).run(), @"");
    assert_snapshot!(eval("queue_depth / 10", &["queue_depth=42"]).run(), @"");
    assert_snapshot!(eval("if(q > 100, 10, 2)", &["q=1e3"]).run(), @"");
    // A configuration that is broken does not stand in its way.
    let broken = eval("started_machines + 1", &["started_machines=3"])
        .env(&[("FAS_INTERVAL", "soon"), ("FAS_CONFIG", "nowhere.yml")]);
    assert_snapshot!(broken.run(), @"");
    assert_snapshot!(fly_autoscaler(&["eval", "--var", "x=1", "--", "-x + 1"]).run(), @"");
}

#[test]
fn a_result_that_is_no_number_of_machines_is_said() {
    assert_snapshot!(eval("1/0", &[]).run(), @"");
    assert_snapshot!(eval("0/0", &[]).run(), @"");
    assert_snapshot!(eval("200 * 1000", &[]).run(), @"");
}

#[test]
fn an_expression_that_cannot_be_used_is_shown_with_the_place() {
    assert_snapshot!(eval("queue_dpth / 10", &["queue_depth=42"]).run(), @"");
    assert_snapshot!(eval("queue_depth / 10", &[]).run(), @"");
    assert_snapshot!(eval("ceil(q / ", &["q=1"]).run(), @"");
    assert_snapshot!(eval("min(q, cel(q))", &["q=1"]).run(), @"");
    assert_snapshot!(eval("q > 3", &["q=1"]).run(), @"");
    assert_snapshot!(eval(" ", &[]).run(), @"");
}

#[test]
fn a_variable_is_a_name_and_a_finite_number() {
    assert_snapshot!(eval("q", &["q"]).run(), @"");
    assert_snapshot!(eval("q", &["=1"]).run(), @"");
    assert_snapshot!(eval("q", &["q=many"]).run(), @"");
    assert_snapshot!(eval("q", &["q=NaN"]).run(), @"");
    assert_snapshot!(eval("q", &["queue depth=1"]).run(), @"");
}

#[test]
fn flags_that_an_expression_by_itself_would_ignore_are_refused() {
    assert_snapshot!(
        fly_autoscaler(&["eval", "1 + 1", "--config", "fly-autoscaler.yml"]).run(), @"");
}

#[test]
fn the_environment_alone_is_enough() {
    let fixed = fly_autoscaler(&["eval"])
        .env(&[("FAS_APP_NAME", "my-app"), ("FAS_STARTED_MACHINE_COUNT", "7 / 2")]);
    assert_snapshot!(fixed.run(), @"");
    assert_snapshot!(fly_autoscaler(&["eval"]).run(), @"");
}

const YAML: &str = r#"app-name: my-app
min-created-machine-count: "queue_depth / 10"
max-created-machine-count: "queue_depth / 5"
started-machine-count: "queue_depth / 20"
metric-collectors:
  - type: prometheus
    metric-name: queue_depth
    address: $PROMETHEUS
    query: queue_depth{app="$APP_NAME"}
"#;

#[tokio::test]
async fn a_file_and_a_text_in_a_variable_say_the_same() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    let address = fly.simulator.prometheus_url("my-org");
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("scale.yml"), YAML).unwrap();

    let env = [("PROMETHEUS", address.as_str())];
    let file = fly_autoscaler(&["eval", "-config", "scale.yml"])
        .directory(directory.path())
        .env(&env)
        .run_beside()
        .await;
    assert_snapshot!(file, @"");
    let text =
        fly_autoscaler(&["eval"]).env(&env).env(&[("FAS_CONFIG_YAML", YAML)]).run_beside().await;
    assert_eq!(text.to_string(), file.to_string());
    // Upstream's keys, read as whoever drives it by machine does.
    let json: serde_json::Value = serde_json::from_str(&file.stdout).unwrap();
    assert_eq!(json["created"], serde_json::json!({ "min": 4, "max": 8 }));
    assert_eq!(json["started"], serde_json::json!({ "min": 2, "max": 2 }));
    assert_eq!(fly.asked(), [Endpoint::PrometheusQuery]);
}

#[tokio::test]
async fn a_variable_that_is_given_is_not_collected() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    let given = fly
        .command(&["eval", "--var", "queue_depth=99", "--started-machine-count", "queue_depth / 9"])
        .run_beside()
        .await;
    assert_snapshot!(given, @"");
    assert_eq!(fly.asked(), []);
    let mistyped = fly
        .command(&["eval", "--var", "queue_dept=99", "--started-machine-count", "queue_depth / 9"])
        .run_beside()
        .await;
    assert_snapshot!(mistyped, @"");
}

#[tokio::test]
async fn machine_counts_come_from_fly_or_from_the_command_line() {
    let fly = Fly::with(&my_app(3, 2, 42.0)).await;
    let growing = ("FAS_STARTED_MACHINE_COUNT", "queue_depth > 40 ? started_machines + 1 : 1");
    let from_fly = fly.command(&["eval"]).env(&[growing]).run_beside().await;
    assert_snapshot!(from_fly, @"");
    assert_eq!(fly.asked(), [Endpoint::List, Endpoint::PrometheusQuery]);

    let given = fly.command(&["eval", "--var", "started_machines=9"]).env(&[growing]);
    let given = given.run_beside().await;
    assert_snapshot!(given, @"");
    assert_eq!(fly.simulator.world().total(Endpoint::List), 1, "it was not asked for again");

    let neither = fly.command(&["eval"]).env(&[growing, ("FAS_API_TOKEN", "")]).run_beside().await;
    assert_snapshot!(neither, @"");
}
