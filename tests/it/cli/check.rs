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
    assert_snapshot!(ran, @r#"
    exit 0
    --- stdout
    app-name                           my-app                               scale.yml:1
    org                                -                                    not set
    regions                            -                                    not set
    excluded-regions                   -                                    not set
    excluded-regions-drain             false                                default
    always-running-regions             -                                    not set
    unlisted-regions                   ignore                               default
    region-backoff                     5m                                   default
    process-group                      app                                  default
    created-machine-count              -                                    not set
    min-created-machine-count          -                                    not set
    max-created-machine-count          -                                    not set
    started-machine-count              if(queue_depth > 100, 10, 2)         scale.yml:3
    min-started-machine-count          -                                    not set
    max-started-machine-count          -                                    not set
    min-machines                       0                                    default
    max-machines                       20                                   --max-machines
    tolerance                          -                                    not set
    scale-up-tolerance                 -                                    not set
    scale-up-stabilization-window      -                                    not set
    scale-up-step-size                 -                                    not set
    scale-up-step-interval             -                                    not set
    scale-up-cooldown                  -                                    not set
    scale-up-only-during               -                                    not set
    scale-down-tolerance               -                                    not set
    scale-down-stabilization-window    -                                    not set
    scale-down-step-size               -                                    not set
    scale-down-step-interval           -                                    not set
    scale-down-cooldown                -                                    not set
    scale-down-only-during             -                                    not set
    forecast-min-skill                 -                                    not set
    initial-machine-state              started                              default
    stop-order                         id                                   default
    stop-metric-query                  -                                    not set
    stop-metric-address                -                                    not set
    stop-metric-token                  -                                    not set
    stop-action                        stop                                 default
    cordon-before-stop                 0s                                   default
    destroy                            any                                  default
    destroy-brake                      on                                   default
    destroy-force                      false                                default
    volumes                            existing                             default
    release-guard                      on                                   default
    release-timeout                    1h                                   default
    interval                           20s                                  scale.yml:2
    timeout                            30s                                  default
    shutdown-timeout                   4s                                   default
    concurrency                        8                                    default
    action-concurrency                 8                                    default
    app-list-refresh-interval          60s                                  default
    metrics-per-app                    -                                    not set
    state                              -                                    not set
    journal-retention                  360h                                 default
    journal-size                       256MB                                default
    api-token                          ***                                  FAS_API_TOKEN
    listen                             [::]:9090                            default
    http-token                         -                                    not set
    log-format                         -                                    not set
    verbose                            false                                default
    dry-run                            false                                default
    metric-collectors[0].type          prometheus                           scale.yml:5
    metric-collectors[0].metric-name   queue_depth                          scale.yml:6
    metric-collectors[0].address       http://127.0.0.1:1                   scale.yml:7
    metric-collectors[0].query         sum( queue_depth{app="$APP_NAME"} )  scale.yml:9
    metric-collectors[0].token         ***                                  scale.yml:12
    metric-collectors[0].timeout       10s                                  default
    metric-collectors[0].on-failure    hold                                 default
    metric-collectors[0].last-for      15m                                  default
    metric-collectors[0].series        one                                  default
    metric-collectors[0].absent-after  5m                                   default
    FLY_FLAPS_BASE_URL                 http://127.0.0.1:1                   FLY_FLAPS_BASE_URL
    FLY_API_BASE_URL                   http://127.0.0.1:1                   FLY_API_BASE_URL

    expressions
      if(queue_depth > 100, 10, 2)  evalexpr
    --- stderr
    the configuration is valid
    "#);
}

#[test]
fn the_counts_and_limits_of_each_region() {
    let yaml = r#"app-name: my-app
regions: [lhr, iad]
per-region:
  "*":
    started-machine-count: "ceil(traffic / 50)"
    max-machines: 9
  lhr:
    min-started-machine-count: "region == 'lhr' ? 2 : 1"
    max-started-machine-count: "if(traffic > 100, 10, 2)"
metric-collectors:
  - {type: prometheus, metric-name: traffic, address: "http://p", query: up, by: region}
"#;
    let (_directory, line) = check(yaml, &["--region-max-machines=8"]);
    let ran = line.env(&[("FAS_MIN_MACHINES_LHR", "1"), ("FAS_API_TOKEN", "t")]).run();
    let is_of_regions = |line: &&str| line.contains("region") || line.starts_with("  ");
    let lines: Vec<&str> = ran.stdout.lines().filter(is_of_regions).collect();
    assert_eq!((ran.code, &*ran.stderr), (Some(0), "the configuration is valid\n"));
    assert_snapshot!(lines.join("\n"), @"
    regions                                   lhr,iad                   scale.yml:2
    excluded-regions                          -                         not set
    excluded-regions-drain                    false                     default
    always-running-regions                    -                         not set
    unlisted-regions                          ignore                    default
    region-backoff                            5m                        default
    per-region.*.started-machine-count        ceil(traffic / 50)        scale.yml:5
    per-region.*.max-machines                 8                         --region-max-machines
    per-region.lhr.min-started-machine-count  region == 'lhr' ? 2 : 1   scale.yml:8
    per-region.lhr.max-started-machine-count  if(traffic > 100, 10, 2)  scale.yml:9
    per-region.lhr.min-machines               1                         FAS_MIN_MACHINES_LHR
    per-region.lhr.max-machines               8                         --region-max-machines
    metric-collectors[0].by                   region                    scale.yml:11
      ceil(traffic / 50)        expr
      region == 'lhr' ? 2 : 1   expr
      if(traffic > 100, 10, 2)  evalexpr
    ");

    let (_directory, line) = check(yaml, &[]);
    let mistyped = line.env(&[("FAS_STARTED_MACHINE_COUNT_LHX", "1")]).run();
    assert_snapshot!(mistyped, @"
    exit 2
    --- stderr
    error: `FAS_STARTED_MACHINE_COUNT_LHX`: `lhx` is not in `regions`
      --> environment variable FAS_STARTED_MACHINE_COUNT_LHX
      hint: did you mean FAS_STARTED_MACHINE_COUNT_LHR?
    ");
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
    assert_snapshot!(by_env.stderr, @"
    warning: FAS_INTERVAL and the file set `interval` to different values; the variable wins
      --> scale.yml:2:11
       |
     2 | interval: 20s
       |           ^^^
    note: no api token is set; `serve` and `plan` need one (FAS_API_TOKEN)
    the configuration is valid
    ");
    let (_directory, line) = check(YAML, &["-interval", "40s"]);
    let by_flag = line.env(&[("FAS_INTERVAL", "30s")]).run();
    assert_eq!(row(&by_flag, "interval"), "interval 40s --interval");
    assert_eq!(by_flag.code, Some(0));
}

#[test]
fn every_mistake_at_once() {
    let yaml = "app-name: my-app\nstarted_machine_count: 2\nstarted-machine-count: ceil(queue_dpth / 10\ninterval: 15\nmax-machine: 3\n";
    let (_directory, line) = check(yaml, &["--timeout", "never"]);
    assert_snapshot!(line.run(), @"
    exit 2
    --- stderr
    error: `timeout`: `never` is not a duration
      --> flag --timeout
      hint: write it like 15s, 1m30s or 500ms

    error: unknown key `started_machine_count`
      --> scale.yml:2:1
       |
     2 | started_machine_count: 2
       | ^^^^^^^^^^^^^^^^^^^^^
      hint: keys have dashes: `started-machine-count`

    error: `started-machine-count`: this `(` is never closed
      --> scale.yml:3:28
       |
     3 | started-machine-count: ceil(queue_dpth / 10
       |                            ^
      hint: add `)` at the end, or where it belongs

    error: `interval`: `15` is not a duration
      --> scale.yml:4:11
       |
     4 | interval: 15
       |           ^^
      hint: durations have a unit: `15s`, `15m`

    error: unknown key `max-machine`
      --> scale.yml:5:1
       |
     5 | max-machine: 3
       | ^^^^^^^^^^^
      hint: did you mean `max-machines`?
    ");
}

#[test]
fn a_variable_that_nobody_knows_is_a_mistake_here() {
    let (_directory, line) = check("app-name: my-app\nstarted-machine-count: 2\n", &[]);
    let ran = line.env(&[("FAS_INTERVALL", "30s")]).run();
    assert_eq!(ran.code, Some(2));
    assert_snapshot!(ran.stderr, @"
    warning: unknown variable FAS_INTERVALL
      hint: did you mean FAS_INTERVAL?
    note: no api token is set; `serve` and `plan` need one (FAS_API_TOKEN)
    the configuration is not valid: a variable that is unknown sets nothing
    ");
}

#[test]
fn a_token_that_no_server_could_be_sent() {
    let (_directory, line) = check(&YAML.replace("fm2_hunter2", "'hunter2 pasted twice'"), &[]);
    let ran = line.env(&[("FAS_API_TOKEN", "fm2_hunter2 and more")]).run();
    assert_snapshot!(ran, @"
    exit 2
    --- stderr
    error: `api-token`: the token holds a space, a line break or another character that no token has; was it pasted whole?
      --> FAS_API_TOKEN

    error: `metric-collectors[0].token`: the token holds a space, a line break or another character that no token has; was it pasted whole?
      --> scale.yml:12
    ");
}

#[test]
fn a_file_that_is_not_there() {
    let env = [("FAS_CONFIG", "nowhere.yml")];
    assert_snapshot!(fly_autoscaler(&["check"]).env(&env).run(), @"
    exit 2
    --- stderr
    error: the file cannot be read: No such file or directory (os error 2)
      --> nowhere.yml
    ");
    assert_snapshot!(fly_autoscaler(&["check"]).run(), @"
    exit 2
    --- stderr
    error: app name required
      hint: set `app-name` or FAS_APP_NAME

    error: must define either created machine count or started machine count
      hint: set `started-machine-count` or FAS_STARTED_MACHINE_COUNT, for example to `ceil(queue_depth / 10)`
    ");
}

#[test]
fn that_every_region_gets_the_same_is_a_warning_and_no_mistake() {
    let yaml = r#"app-name: my-app
regions: [lhr, iad]
per-region:
  "*":
    started-machine-count: "ceil(traffic / 50)"
metric-collectors:
  - {type: prometheus, metric-name: traffic, address: "http://p", query: "sum(traffic)"}
"#;
    let (_directory, line) = check(yaml, &[]);
    let ran = line.env(&[("FAS_API_TOKEN", "t")]).run();
    assert_eq!(ran.code, Some(0));
    assert_snapshot!(ran.stderr, @r#"
    warning: `traffic` is one number for the whole app, so every region gets the same
      --> scale.yml:5:28
       |
     5 |     started-machine-count: "ceil(traffic / 50)"
       |                            ^^^^^^^^^^^^^^^^^^^^
      hint: `by: region` gives each its own; the query keeps the label: sum by (region) (...)
    the configuration is valid
    "#);
}
