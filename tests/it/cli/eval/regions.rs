//! `eval` with numbers for single regions.

use super::*;

#[test]
fn a_metric_that_is_given_as_a_whole_leaves_its_regions_open() {
    let by_region = fly_autoscaler(&["eval", "--var", "traffic=10"]).env(&[
        ("FAS_APP_NAME", "my-app"),
        ("FAS_REGIONS", "lhr,iad"),
        ("FAS_STARTED_MACHINE_COUNT", "traffic / 5 + traffic_lhr"),
        ("FAS_PROMETHEUS_ADDRESS", "http://127.0.0.1:1"),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", "sum by (region) (rate(requests[1m]))"),
        ("FAS_PROMETHEUS_BY", "region"),
    ]);
    assert_snapshot!(by_region.run(), @"
    exit 2
    --- stderr
    error: an expression reads traffic_lhr, whose collector --var has taken the place of
      hint: give it a number too: --var traffic_lhr=3
    ");
}

/// The regions' own counts, of an app with two machines in lhr and one in iad.
#[tokio::test]
async fn regions_are_evaluated_each_with_its_own_numbers() {
    let mut app = AppSpec::new("my-app", "my-org").with_machines("lhr", 2, 0);
    app = app.with_machines("iad", 1, 0);
    let traffic = [("lhr", 95.0), ("iad", 40.0), ("gru", 7.0)];
    let traffic = traffic.map(|(region, value)| (Region::new(region), value));
    app.load = Load::Fixed { traffic: traffic.into(), queue_depth: None };
    let fly = Fly::with(&app).await;
    let env = [
        ("FAS_REGIONS", "lhr,iad,fra"),
        ("FAS_STARTED_MACHINE_COUNT", "traffic / 10"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "traffic / 10"),
        ("FAS_CREATED_MACHINE_COUNT_LHR", "region == 'lhr' ? started_machines + 3 : 0"),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", "sum by (region) (traffic)"),
        ("FAS_PROMETHEUS_BY", "region"),
    ];
    let ran = fly.command(&["eval", "--var", "traffic_iad=120"]).env(&env).run_beside().await;
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let both = |number: u32| json!({ "min": number, "max": number });
    let none = json!({ "min": null, "max": null });
    assert_eq!(json["started"], both(14), "the sum as it was measured");
    assert_eq!(
        json["regions"],
        json!({
            "fra": { "created": none, "started": both(0) },
            "iad": { "created": none, "started": both(12) },
            "lhr": { "created": both(5), "started": both(10) },
        })
    );
    assert_eq!(json["metrics"]["started_machines"], 3, "over all regions");

    // With auto: where there is traffic or a machine.
    let auto = [("FAS_REGIONS", "auto"), ("FAS_MAX_MACHINES", "50")];
    let ran = fly.command(&["eval"]).env(&env).env(&auto).run_beside().await;
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let regions: Vec<&str> =
        json["regions"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(regions, ["gru", "iad", "lhr"]);
}

#[test]
fn the_values_of_regions_can_all_be_given() {
    let env = [
        ("FAS_APP_NAME", "my-app"),
        ("FAS_REGIONS", "lhr,iad"),
        ("FAS_STARTED_MACHINE_COUNT", "traffic"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "traffic / 40"),
        ("FAS_STARTED_MACHINE_COUNT_IAD", "40 / traffic"),
        ("FAS_PROMETHEUS_ADDRESS", "http://127.0.0.1:1"),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", "up"),
        ("FAS_PROMETHEUS_BY", "region"),
    ];
    let given = ["eval", "--var", "traffic_lhr=120", "--var", "traffic_iad=0"];
    assert_snapshot!(fly_autoscaler(&given).env(&env).run(), @r#"
    exit 1
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 120,
        "max": 120
      },
      "regions": {
        "iad": null,
        "lhr": {
          "created": {
            "min": null,
            "max": null
          },
          "started": {
            "min": 3,
            "max": 3
          }
        }
      },
      "metrics": {
        "traffic": 120,
        "traffic_iad": 0,
        "traffic_lhr": 120
      }
    }
    --- stderr
    error: region iad: started machine count: expression returned Inf
    "#);
    // In a process group they are the group's.
    let yaml = "regions: [lhr, iad]\nprocess-groups:\n  web: {per-region: {'*': {started-machine-count: traffic}}}\n  worker: {started-machine-count: 1}\n";
    let env =
        env.into_iter().filter(|(name, _)| !name.ends_with("_COUNT") && !name.ends_with("_IAD"));
    let env: Vec<_> = env.chain([("FAS_CONFIG_YAML", yaml)]).collect();
    let ran = fly_autoscaler(&given).env(&env).run();
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let groups = &json["process_groups"];
    assert_eq!(groups["web"]["regions"]["lhr"]["started"], json!({ "min": 120, "max": 120 }));
    assert_eq!(groups["worker"].get("regions"), None);
}
