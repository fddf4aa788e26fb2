//! The real binary: `check`, `eval`, `plan`, `serve`.

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::Endpoint;
use insta::assert_snapshot;

use super::{add, empty};
use crate::cli::{CommandLine, Fly, fly_autoscaler};
use crate::running::{Autoscaler, until};

/// `front` follows a metric by region, `worker` the queue and its own machines.
const GROUPS: &str = r#"app-name: my-app
max-machines: 40
process-groups:
  worker:
    min-created-machine-count: "1"
    regions: [fra, ord]
    max-created-machine-count: "max(1, ceil(queue_depth / 10))"
    started-machine-count: "started_machines + 1"
    initial-machine-state: stopped
  front:
    started-machine-count: "ceil(traffic / 50) + traffic_ord"
    regions: [lhr, iad]
    max-machines: 3
metric-collectors:
  - type: prometheus
    metric-name: traffic
    address: $FAS_PROMETHEUS_ADDRESS
    query: traffic
    by: region
"#;

/// Three workers of which one runs, and two of `front`.
async fn fly(depth: Option<f64>) -> Fly {
    let fly = Fly::with(&empty("my-app", "my-org")).await;
    let (world, app) = (fly.simulator.world(), AppName::new("my-app"));
    add(world, &app, "worker", "fra", 1, 2);
    add(world, &app, "front", "iad", 1, 1);
    world.set_queue_depth(&app, depth).unwrap();
    for (region, value) in [("lhr", 60.0), ("iad", 40.0)] {
        world.set_gauge(&app, "traffic", &[("region", region)], value).unwrap();
    }
    fly
}

fn command(fly: &Fly, arguments: &[&str], yaml: &str) -> CommandLine {
    fly.command(arguments).env(&[("FAS_CONFIG_YAML", yaml)])
}

#[test]
fn check_shows_what_is_in_force_for_each_group() {
    let env = [
        ("FAS_CONFIG_YAML", GROUPS),
        ("FAS_PROMETHEUS_ADDRESS", "http://127.0.0.1:1"),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", "queue_depth"),
        ("FAS_DESTROY_BRAKE", "off"),
        ("FAS_REGIONS", "fra"),
    ];
    let ran = fly_autoscaler(&["check"]).env(&env).run();
    assert_snapshot!(ran, @"
    exit 0
    --- stdout
    app-name                                         my-app                            FAS_CONFIG_YAML:1
    org                                              -                                 not set
    release-guard                                    on                                default
    release-timeout                                  1h                                default
    interval                                         15s                               default
    timeout                                          30s                               default
    shutdown-timeout                                 4s                                default
    concurrency                                      8                                 default
    action-concurrency                               8                                 default
    app-list-refresh-interval                        60s                               default
    metrics-per-app                                  -                                 not set
    state                                            -                                 not set
    journal-retention                                360h                              default
    journal-size                                     256MB                             default
    api-token                                        -                                 not set
    listen                                           [::]:9090                         default
    http-token                                       -                                 not set
    log-format                                       -                                 not set
    verbose                                          false                             default
    dry-run                                          false                             default
    process-groups.worker.regions                    fra,ord                           FAS_CONFIG_YAML:6
    process-groups.worker.excluded-regions-drain     false                             default
    process-groups.worker.unlisted-regions           ignore                            default
    process-groups.worker.region-backoff             5m                                default
    process-groups.worker.min-created-machine-count  1                                 FAS_CONFIG_YAML:5
    process-groups.worker.max-created-machine-count  max(1, ceil(queue_depth / 10))    FAS_CONFIG_YAML:7
    process-groups.worker.started-machine-count      started_machines + 1              FAS_CONFIG_YAML:8
    process-groups.worker.min-machines               0                                 default
    process-groups.worker.max-machines               40                                FAS_CONFIG_YAML:2
    process-groups.worker.initial-machine-state      stopped                           FAS_CONFIG_YAML:9
    process-groups.worker.destroy-brake              off                               FAS_DESTROY_BRAKE
    process-groups.worker.destroy-force              false                             default
    process-groups.worker.stop-order                 id                                default
    process-groups.worker.stop-action                stop                              default
    process-groups.worker.cordon-before-stop         0s                                default
    process-groups.worker.destroy                    any                               default
    process-groups.worker.volumes                    existing                          default
    process-groups.front.regions                     lhr,iad                           FAS_CONFIG_YAML:12
    process-groups.front.excluded-regions-drain      false                             default
    process-groups.front.unlisted-regions            ignore                            default
    process-groups.front.region-backoff              5m                                default
    process-groups.front.started-machine-count       ceil(traffic / 50) + traffic_ord  FAS_CONFIG_YAML:11
    process-groups.front.min-machines                0                                 default
    process-groups.front.max-machines                3                                 FAS_CONFIG_YAML:13
    process-groups.front.initial-machine-state       started                           default
    process-groups.front.destroy-brake               off                               FAS_DESTROY_BRAKE
    process-groups.front.destroy-force               false                             default
    process-groups.front.stop-order                  id                                default
    process-groups.front.stop-action                 stop                              default
    process-groups.front.cordon-before-stop          0s                                default
    process-groups.front.destroy                     any                               default
    process-groups.front.volumes                     existing                          default
    metric-collectors[0].type                        prometheus                        FAS_CONFIG_YAML:15
    metric-collectors[0].metric-name                 traffic                           FAS_CONFIG_YAML:16
    metric-collectors[0].address                     http://127.0.0.1:1                FAS_CONFIG_YAML:17
    metric-collectors[0].query                       traffic                           FAS_CONFIG_YAML:18
    metric-collectors[0].timeout                     10s                               default
    metric-collectors[0].on-failure                  hold                              default
    metric-collectors[0].last-for                    15m                               default
    metric-collectors[0].series                      one                               default
    metric-collectors[0].by                          region                            FAS_CONFIG_YAML:19
    metric-collectors[0].absent-after                5m                                default
    metric-collectors[1].type                        prometheus                        FAS_PROMETHEUS_ADDRESS
    metric-collectors[1].metric-name                 queue_depth                       FAS_PROMETHEUS_METRIC_NAME
    metric-collectors[1].address                     http://127.0.0.1:1                FAS_PROMETHEUS_ADDRESS
    metric-collectors[1].query                       queue_depth                       FAS_PROMETHEUS_QUERY
    metric-collectors[1].timeout                     10s                               default
    metric-collectors[1].on-failure                  hold                              default
    metric-collectors[1].last-for                    15m                               default
    metric-collectors[1].series                      one                               default
    metric-collectors[1].absent-after                5m                                default
    FLY_FLAPS_BASE_URL                               https://api.machines.dev          default
    FLY_API_BASE_URL                                 https://api.fly.io                default

    expressions
      1                                 expr
      max(1, ceil(queue_depth / 10))    expr
      started_machines + 1              expr
      ceil(traffic / 50) + traffic_ord  expr
    --- stderr
    note: no api token is set; `serve` and `plan` need one (FAS_API_TOKEN)
    the configuration is valid
    ");
}

#[tokio::test]
async fn eval_shows_the_counts_of_each_group() {
    let fly = fly(Some(42.0)).await;
    assert_snapshot!(command(&fly, &["eval"], GROUPS).run_beside().await, @r#"
    exit 0
    --- stdout
    {
      "process_groups": {
        "front": {
          "created": {
            "min": null,
            "max": null
          },
          "started": {
            "min": 2,
            "max": 2
          },
          "metrics": {
            "created_machines": 2,
            "started_machines": 1,
            "stopped_machines": 1
          }
        },
        "worker": {
          "created": {
            "min": 1,
            "max": 5
          },
          "started": {
            "min": 2,
            "max": 2
          },
          "metrics": {
            "created_machines": 3,
            "started_machines": 1,
            "stopped_machines": 2
          }
        }
      },
      "metrics": {
        "queue_depth": 42,
        "traffic": 100,
        "traffic_fra": 0,
        "traffic_iad": 40,
        "traffic_lhr": 60,
        "traffic_ord": 0
      }
    }
    "#);
    assert_eq!(fly.simulator.world().total(Endpoint::List), 1);
}

#[tokio::test]
async fn eval_shows_the_groups_that_work_beside_one_that_does_not() {
    let fly = fly(None).await;
    let given = command(&fly, &["eval", "--var", "started_machines=7"], GROUPS);
    assert_snapshot!(given.run_beside().await, @r#"
    exit 1
    --- stdout
    {
      "process_groups": {
        "front": {
          "created": {
            "min": null,
            "max": null
          },
          "started": {
            "min": 2,
            "max": 2
          }
        },
        "worker": null
      },
      "metrics": {
        "queue_depth": null,
        "started_machines": 7,
        "traffic": 100,
        "traffic_fra": 0,
        "traffic_iad": 40,
        "traffic_lhr": 60,
        "traffic_ord": 0
      }
    }
    --- stderr
    error: process group worker: metric `queue_depth` has no value: the query `queue_depth{app="my-app"}` returned no series
    "#);
}

#[tokio::test]
async fn eval_of_one_entry_is_as_that_of_process_group() {
    let fly = fly(Some(42.0)).await;
    let yaml = "process-groups: {worker: {started-machine-count: queue_depth / 6}}\n";
    assert_snapshot!(command(&fly, &["eval"], yaml).run_beside().await, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 7,
        "max": 7
      },
      "metrics": {
        "queue_depth": 42
      }
    }
    "#);
}

#[tokio::test]
async fn plan_shows_each_group() {
    let fly = fly(None).await;
    let yaml = GROUPS.replace("[fra, ord]", "[fra, ord, iad]");
    assert_snapshot!(command(&fly, &["plan", "--exit-code"], &yaml).run_beside().await, @r#"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      traffic      100
      queue_depth  no value: the query `queue_depth{app="my-app"}` returned no series

                               machines           target
    worker by region  traffic   started  stopped          next  why
      fra                   -         1        2       -  -
      iad                  40         -        -       -  -
      lhr                  60         -        -       -  -
      total               100         1        2       ?  held  metric queue_depth: the query…

      all regions together
        held: metric queue_depth: the query `queue_depth{app="my-app"}` returned no series [metric_failed]

                              machines            target
    front by region  traffic   started  stopped  started  next     why
      iad                 40         1        1        -  start 1  total: 1 started, at least 2 wanted
      lhr                 60         -        -        -  -
      total              100         1        1        2  start 1  1 started, at least 2 wanted

      all regions together
        1 started, at least 2 wanted [below_min]
          start 12770c4fec26cb in iad
            suspended before stopped, then the newest release, then by id: the only one that can be started (stopped, release 1)

    would start 1 machine; held: worker
    "#);
}

#[tokio::test]
async fn status_and_metrics_tell_the_groups_apart() {
    let fly = fly(Some(42.0)).await;
    let (url, prometheus) = (fly.simulator.url(), fly.simulator.prometheus_url("my-org"));
    let yaml = GROUPS.replace("started_machines + 1", "2");
    let scaler = Autoscaler::start(&[
        ("FAS_CONFIG_YAML", &yaml),
        ("FAS_INTERVAL", "1s"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_PROMETHEUS_ADDRESS", &prometheus),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"queue_depth{app="$APP_NAME"}"#),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    let told = || scaler.program.told();
    let status = until("a quiet tick", told, async || {
        let status = scaler.status().await;
        let tick = &status["apps"][0]["last_tick"];
        if tick["outcome"] == "quiet" { Ok(tick.clone()) } else { Err(tick["outcome"].to_string()) }
    })
    .await;
    let scopes = status["plan"]["scopes"].as_array().unwrap().iter();
    let scopes: Vec<String> =
        scopes.map(|own| format!("{} {}", own["group"], own["targets"])).collect();
    assert_eq!(
        scopes,
        [
            r#""worker" {"created":{"max":5,"min":1},"started":{"max":2,"min":2}}"#,
            r#""front" {"created":{"max":null,"min":null},"started":{"max":2,"min":2}}"#,
        ]
    );
    let (_, metrics) = scaler.get("/metrics").await;
    let own =
        |line: &&str| line.starts_with("fas_target_machines") || line.starts_with("fas_machines{");
    let lines: Vec<&str> = metrics.lines().filter(own).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    fas_machines{app="my-app",group="front",region="iad",state="started"} 1
    fas_machines{app="my-app",group="front",region="iad",state="starting"} 1
    fas_machines{app="my-app",group="worker",region="fra",state="started"} 1
    fas_machines{app="my-app",group="worker",region="fra",state="starting"} 1
    fas_machines{app="my-app",group="worker",region="fra",state="stopped"} 1
    fas_target_machines{app="my-app",group="front",region="",kind="started",bound="max"} 2
    fas_target_machines{app="my-app",group="front",region="",kind="started",bound="min"} 2
    fas_target_machines{app="my-app",group="worker",region="",kind="created",bound="max"} 5
    fas_target_machines{app="my-app",group="worker",region="",kind="created",bound="min"} 1
    fas_target_machines{app="my-app",group="worker",region="",kind="started",bound="max"} 2
    fas_target_machines{app="my-app",group="worker",region="",kind="started",bound="min"} 2
    "#);
}
