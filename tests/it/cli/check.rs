//! `check`: what holds and where it comes from, or everything that is wrong.

use insta::assert_snapshot;
use tempfile::TempDir;

use super::{CommandLine, fly_autoscaler};

/// `check` in a directory with this `scale.yml`. Whatever it would ask is at a port where nobody listens.
fn check(yaml: &str, arguments: &[&str]) -> (TempDir, CommandLine) {
    let directory = TempDir::new().unwrap();
    std::fs::write(directory.path().join("scale.yml"), yaml).unwrap();
    let all: Vec<&str> =
        ["check", "-config", "scale.yml"].iter().chain(arguments).copied().collect();
    let line = fly_autoscaler(&all).directory(directory.path()).env(&[
        ("FLY_FLAPS_BASE_URL", "http://127.0.0.1:1"),
        ("FLY_API_BASE_URL", "http://127.0.0.1:1"),
    ]);
    (directory, line)
}

const YAML: &str = r#"app-name: my-app
interval: 20s
started-machine-count: "if(queue_depth > 100, 10, 2)"
metric-collectors:
  - type: prometheus
    metric-name: queue_depth
    address: http://127.0.0.1:1
    query: |
      sum(
        queue_depth{app="$APP_NAME"}
      )
    token: fm2_hunter2
"#;

#[test]
fn a_valid_configuration_with_the_origin_of_each_value() {
    let (_directory, line) = check(YAML, &["--max-machines=20"]);
    let ran = line.env(&[("FAS_API_TOKEN", "fm2_hunter2")]).run();
    assert!(!ran.stdout.contains("hunter2"), "secrets are not shown");
    assert_snapshot!(ran, @"");
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file() {
    let row = |ran: &super::Ran, key: &str| {
        let line = ran.stdout.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    let (_directory, line) = check(YAML, &[]);
    assert_eq!(row(&line.run(), "interval"), "interval 20s scale.yml:2");
    let by_env = line.env(&[("FAS_INTERVAL", "30s")]).run();
    assert_eq!(row(&by_env, "interval"), "interval 30s FAS_INTERVAL");
    assert_snapshot!(by_env.stderr, @"");
    let (_directory, line) = check(YAML, &["-interval", "40s"]);
    let by_flag = line.env(&[("FAS_INTERVAL", "30s")]).run();
    assert_eq!(row(&by_flag, "interval"), "interval 40s --interval");
    assert_eq!(by_flag.code, Some(0));
}

#[test]
fn every_mistake_at_once() {
    let yaml = "app-name: my-app\nstarted_machine_count: 2\nstarted-machine-count: ceil(queue_dpth / 10\ninterval: 15\nmax-machine: 3\n";
    let (_directory, line) = check(yaml, &["--timeout", "never"]);
    assert_snapshot!(line.run(), @"");
}

#[test]
fn a_variable_that_nobody_knows_is_a_mistake_here() {
    let (_directory, line) = check("app-name: my-app\nstarted-machine-count: 2\n", &[]);
    let ran = line.env(&[("FAS_INTERVALL", "30s")]).run();
    assert_eq!(ran.code, Some(2));
    assert_snapshot!(ran.stderr, @"");
}

#[test]
fn a_token_that_no_server_could_be_sent() {
    let (_directory, line) = check(&YAML.replace("fm2_hunter2", "'hunter2 pasted twice'"), &[]);
    let ran = line.env(&[("FAS_API_TOKEN", "fm2_hunter2\nfm2_hunter2")]).run();
    assert_snapshot!(ran, @"");
}

#[test]
fn a_file_that_is_not_there() {
    let env = [("FAS_CONFIG", "nowhere.yml")];
    assert_snapshot!(fly_autoscaler(&["check"]).env(&env).run(), @"");
    assert_snapshot!(fly_autoscaler(&["check"]).run(), @"");
}
