//! `eval`: expressions by themselves, and those of a configuration.

mod regions;

use fly_autoscaler::model::Region;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load};
use insta::assert_snapshot;
use serde_json::json;
use tempfile::TempDir;

use super::{CommandLine, Fly, fly_autoscaler, my_app};

fn eval(expression: &str, variables: &[&str]) -> CommandLine {
    let given = variables.iter().flat_map(|variable| ["--var", variable]);
    let arguments: Vec<&str> = ["eval", expression].into_iter().chain(given).collect();
    fly_autoscaler(&arguments)
}

#[test]
fn an_expression_needs_no_configuration() {
    assert_snapshot!(eval("ceil(queue_depth / 10)", &["queue_depth=42"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 5,
      "count": 5,
      "language": "expr"
    }
    "#);
    assert_snapshot!(eval("queue_depth / 10", &["queue_depth=42"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 4.2,
      "count": 4,
      "language": "expr"
    }
    "#);
    assert_snapshot!(eval("if(q > 100, 10, 2)", &["q=1e3"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 10,
      "count": 10,
      "language": "evalexpr"
    }
    "#);
    // A configuration that is broken does not stand in its way.
    let broken = eval("started_machines + 1", &["started_machines=3"])
        .env(&[("FAS_INTERVAL", "soon"), ("FAS_CONFIG", "nowhere.yml")]);
    assert_snapshot!(broken.run(), @r#"
    exit 0
    --- stdout
    {
      "value": 4,
      "count": 4,
      "language": "expr"
    }
    "#);
    assert_snapshot!(fly_autoscaler(&["eval", "--var", "x=1", "--", "-x + 1"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 0,
      "count": 0,
      "language": "expr"
    }
    "#);
}

#[test]
fn what_is_given_was_so_all_along() {
    let back = r#"avg_over("q", "10m") - stddev_over("q", "1h") + forecast("q", "5m")"#;
    assert_snapshot!(eval(back, &["q=42"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 84,
      "count": 84,
      "language": "expr"
    }
    "#);
    assert_snapshot!(eval(r#"if(ewma("q", 0.3) > 40, 3, 1)"#, &["q=42"]).run(), @r#"
    exit 0
    --- stdout
    {
      "value": 3,
      "count": 3,
      "language": "evalexpr"
    }
    "#);
    assert_snapshot!(eval(r#"avg_over("p", "10m")"#, &["q=42"]).run(), @r#"
    exit 2
    --- stderr
    error: unknown metric `p`
      avg_over("p", "10m")
               ^^^
      known are: q
    "#);
}

#[test]
fn a_result_that_is_no_number_of_machines_is_said() {
    assert_snapshot!(eval("1/0", &[]).run(), @"
    exit 1
    --- stderr
    error: expression returned Inf
    ");
    assert_snapshot!(eval("0/0", &[]).run(), @"
    exit 1
    --- stderr
    error: expression returned NaN
    ");
    assert_snapshot!(eval("200 * 1000", &[]).run(), @"
    exit 1
    --- stderr
    error: expression returned 200000, more than the limit of 100000 machines
    ");
}

#[test]
fn an_expression_that_cannot_be_used_is_shown_with_the_place() {
    assert_snapshot!(eval("queue_dpth / 10", &["queue_depth=42"]).run(), @"
    exit 2
    --- stderr
    error: unknown variable `queue_dpth`
      queue_dpth / 10
      ^^^^^^^^^^
      did you mean `queue_depth`?
    ");
    assert_snapshot!(eval("queue_depth / 10", &[]).run(), @"
    exit 2
    --- stderr
    error: unknown variable `queue_depth`
      queue_depth / 10
      ^^^^^^^^^^^
      give it a value, such as --var queue_depth=42
    ");
    assert_snapshot!(eval("ceil(q / ", &["q=1"]).run(), @"
    exit 2
    --- stderr
    error: a value is missing after `/`
      ceil(q /
               ^
    ");
    assert_snapshot!(eval("min(q, cel(q))", &["q=1"]).run(), @"
    exit 2
    --- stderr
    error: unknown function `cel`
      min(q, cel(q))
             ^^^
      did you mean `ceil`?
    ");
    assert_snapshot!(eval("q > 3", &["q=1"]).run(), @"
    exit 2
    --- stderr
    error: the expression returns true or false, not a number
      q > 3
      turn the condition into numbers, such as queue_depth > 0 ? 1 : 0
    ");
    assert_snapshot!(eval(" ", &[]).run(), @"
    exit 2
    --- stderr
    error: the expression is empty; write one, such as 'ceil(queue_depth / 10)'
    ");
}

#[test]
fn a_variable_is_a_name_and_a_finite_number() {
    assert_snapshot!(eval("q", &["q"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'q' for '--var <NAME=NUMBER>': write it as NAME=NUMBER, such as queue_depth=42

    For more information, try '--help'.
    ");
    assert_snapshot!(eval("q", &["=1"]).run(), @"
    exit 2
    --- stderr
    error: invalid value '=1' for '--var <NAME=NUMBER>': `` is not a name that expressions can read (letters, digits and _, not a digit first); write it as NAME=NUMBER, such as queue_depth=42

    For more information, try '--help'.
    ");
    assert_snapshot!(eval("q", &["q=many"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'q=many' for '--var <NAME=NUMBER>': `many` is not a number; write it as NAME=NUMBER, such as queue_depth=42

    For more information, try '--help'.
    ");
    assert_snapshot!(eval("q", &["q=NaN"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'q=NaN' for '--var <NAME=NUMBER>': `NaN` is not a finite number: a metric that gives it counts as failed and reaches no expression

    For more information, try '--help'.
    ");
    assert_snapshot!(eval("q", &["queue depth=1"]).run(), @"
    exit 2
    --- stderr
    error: invalid value 'queue depth=1' for '--var <NAME=NUMBER>': `queue depth` is not a name that expressions can read (letters, digits and _, not a digit first); write it as NAME=NUMBER, such as queue_depth=42

    For more information, try '--help'.
    ");
}

#[test]
fn flags_that_an_expression_by_itself_would_ignore_are_refused() {
    assert_snapshot!(
        fly_autoscaler(&["eval", "1 + 1", "--config", "fly-autoscaler.yml"]).run(), @"
    exit 2
    --- stderr
    error: the argument '[EXPRESSION]' cannot be used with '--config <FILE>'

    Usage: fly-autoscaler eval <EXPRESSION>

    For more information, try '--help'.
    ");
}

#[test]
fn the_environment_alone_is_enough() {
    let fixed = fly_autoscaler(&["eval"])
        .env(&[("FAS_APP_NAME", "my-app"), ("FAS_STARTED_MACHINE_COUNT", "7 / 2")]);
    assert_snapshot!(fixed.run(), @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 4,
        "max": 4
      },
      "metrics": {}
    }
    "#);
    assert_snapshot!(fly_autoscaler(&["eval"]).run(), @"
    exit 2
    --- stderr
    error: app name required
      hint: set `app-name` or FAS_APP_NAME

    error: must define either created machine count or started machine count
      hint: set `started-machine-count` or FAS_STARTED_MACHINE_COUNT, for example to `ceil(queue_depth / 10)`
    ");
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
    assert_snapshot!(file, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": 4,
        "max": 8
      },
      "started": {
        "min": 2,
        "max": 2
      },
      "metrics": {
        "queue_depth": 42
      }
    }
    "#);
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
    assert_snapshot!(given, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 11,
        "max": 11
      },
      "metrics": {
        "queue_depth": 99
      }
    }
    "#);
    assert_eq!(fly.asked(), []);
    let mistyped = fly
        .command(&["eval", "--var", "queue_dept=99", "--started-machine-count", "queue_depth / 9"])
        .run_beside()
        .await;
    assert_snapshot!(mistyped, @"
    exit 2
    --- stderr
    error: --var queue_dept: no metric has this name and no expression reads it
      hint: did you mean `queue_depth`?
    ");
}

#[tokio::test]
async fn machine_counts_come_from_fly_or_from_the_command_line() {
    let fly = Fly::with(&my_app(3, 2, 42.0)).await;
    let growing = ("FAS_STARTED_MACHINE_COUNT", "queue_depth > 40 ? started_machines + 1 : 1");
    let from_fly = fly.command(&["eval"]).env(&[growing]).run_beside().await;
    assert_snapshot!(from_fly, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 4,
        "max": 4
      },
      "metrics": {
        "created_machines": 5,
        "queue_depth": 42,
        "started_machines": 3,
        "stopped_machines": 2
      }
    }
    "#);
    assert_eq!(fly.asked(), [Endpoint::List, Endpoint::PrometheusQuery]);

    let given = fly.command(&["eval", "--var", "started_machines=9"]).env(&[growing]);
    let given = given.run_beside().await;
    assert_snapshot!(given, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 10,
        "max": 10
      },
      "metrics": {
        "queue_depth": 42,
        "started_machines": 9
      }
    }
    "#);
    assert_eq!(fly.simulator.world().total(Endpoint::List), 1, "it was not asked for again");

    let neither = fly.command(&["eval"]).env(&[growing, ("FAS_API_TOKEN", "")]).run_beside().await;
    assert_snapshot!(neither, @"
    exit 2
    --- stderr
    error: an expression reads started_machines, which comes from Fly, and no api token is set
      hint: give a number with --var started_machines=3, or set FAS_API_TOKEN
    ");
}
