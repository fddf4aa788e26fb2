//! Labels that are no regions: a message, no crash, bounded memory, and text that is safe to print.

use fly_autoscaler::model::Region;
use serde_json::Value;

use super::{LOAD, load, scaler};
use crate::faults::Stage;
use crate::running::{Autoscaler, until};

/// What a tick says of these labels, each of which has a load of 5.
async fn said(labels: &[&str]) -> String {
    let stage = Stage::new(2, 0, 0.0).await;
    for label in labels {
        load(&stage, label, 5.0);
    }
    let said = stage.say(&stage.tick(&mut scaler(&stage)).await);
    assert_eq!(stage.fleet(), (2, 2), "{said}");
    said
}

#[tokio::test]
async fn a_label_that_cannot_be_placed_fails_the_sample_with_a_message() {
    let unread =
        "held: metric load: http://fly/prometheus/acme gave an answer that cannot be read:";
    let query = "sum by (region) (load{app=\"web\"})";
    let unlabelled = format!(
        "held: metric load: the query `{query}` returned a series without the label `region`; use sum by (region) (...)"
    );
    assert_eq!(said(&[""]).await, unlabelled);

    let long = "x".repeat(100_000);
    let start = &long[..64];
    let too_long = format!(
        "a label `region` begins with `{start}` and is longer than 64 characters, which can hardly be a region"
    );
    assert_eq!(said(&["iad", &long]).await, format!("{unread} {too_long}"));

    let many: Vec<String> = (0..10_000).map(|number| format!("tenant-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let too_many = "more than 1000 values of the label `region`, which can hardly be regions";
    assert_eq!(said(&many).await, format!("{unread} {too_many}"));
}

#[tokio::test]
async fn two_labels_that_come_to_one_region_fail_it_with_a_message() {
    let held = "held: metric load: region";
    for (labels, why) in [
        (["LHR", "lhr"], "lhr: the labels `LHR` and `lhr` are both this region"),
        (["eu-1", "eu_1"], "eu_1: the labels `eu-1` and `eu_1` are both this region"),
    ] {
        assert_eq!(said(&["iad", labels[0], labels[1]]).await, format!("{held} {why}"));
    }
}

/// The label is empty where a machine did not say its region: the others are scaled all the same.
#[tokio::test]
async fn a_value_without_a_label_is_in_the_sum_and_in_no_region() {
    let regions = r#"
regions: [iad, lhr]
max-machines: 9
per-region:
  "*": {started-machine-count: "ceil(load / 10)"}
"#;
    let stage = Stage::new(2, 0, 0.0).await;
    for (label, value) in [("iad", 15.0), ("lhr", 0.0), ("", 7.0)] {
        load(&stage, label, value);
    }
    let config = LOAD.replace("\nstarted-machine-count: \"ceil(load / 10)\"\n", regions);
    let prometheus = stage.sim.prometheus_url("acme");
    let mut scaler =
        stage.scaler("s", &[("FAS_CONFIG_YAML", &config), ("PROMETHEUS", &prometheus)]);
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(tick.samples[0].value, Some(22.0));
    let rows = &tick.regions()[0].rows;
    let row = rows.iter().find(|row| row.region == Some(Region::unlabelled())).unwrap();
    assert_eq!(row.why.as_ref().map(|why| why.reason.code()), Some("region_unknown"));
    let text = row.why.as_ref().map(ToString::to_string);
    assert_eq!(text.as_deref(), Some("no region of Fly's: its traffic is in no region's number"));
    let others = rows.iter().filter(|row| row.region != Some(Region::unlabelled()));
    assert!(others.clone().count() == 2 && others.clone().all(|row| row.wanted.is_some()));
}

#[tokio::test]
async fn a_region_in_capitals_is_that_region() {
    let stage = Stage::new(2, 0, 0.0).await;
    load(&stage, "LHR", 7.0);
    load(&stage, "IAD", 13.0);
    let tick = stage.tick(&mut scaler(&stage)).await;
    let regions: Vec<(&str, f64)> =
        tick.samples[0].regions.iter().map(|(region, value)| (region.as_str(), *value)).collect();
    assert_eq!(regions, [("iad", 13.0), ("lhr", 7.0)]);
    // Otherwise `iad`, which has the machines, would have no series.
    assert_eq!(stage.say(&tick), "quiet: ");
}

#[tokio::test]
async fn odd_labels_are_safe_to_print_and_only_a_few_have_a_series() {
    let stage = Stage::new(2, 0, 0.0).await;
    let odd = ["lhr", "iad", r#"queue_depth{x="1"}"#, "a\u{1b}[31m\n\0b", "Zürich", "../..", "%s"];
    for label in odd {
        load(&stage, label, 1.0);
    }
    for number in 0..40 {
        load(&stage, &format!("tenant-{number:02}"), 0.25);
    }
    let (url, prometheus) = (stage.sim.url(), stage.sim.prometheus_url("acme"));
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_CONFIG_YAML", LOAD),
        ("FAS_LOG_FORMAT", "json"),
        ("FAS_VERBOSE", "true"),
        ("PROMETHEUS", &prometheus),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    let told = || scaler.program.told();
    let tick: Value = until("a tick", told, || async {
        let status = scaler.status().await;
        let tick = status["apps"][0]["last_tick"].clone();
        if tick.is_null() { Err(status.to_string()) } else { Ok(tick) }
    })
    .await;
    assert_eq!(tick["outcome"], "quiet", "{tick:#}");
    let sample = &tick["samples"][0];
    assert_eq!(sample["value"], 17.0);
    let regions = sample["regions"].as_object().unwrap();
    let named: Vec<&str> =
        regions.keys().map(String::as_str).filter(|own| !own.starts_with("tenant_")).collect();
    assert_eq!(named, ["_____", "_s", "a__31m__b", "iad", "lhr", "queue_depth_x__1__", "z_rich"]);
    let (_, metrics) = scaler.get("/metrics").await;
    let series: Vec<&str> =
        metrics.lines().filter(|line| line.starts_with("fas_metric_value{")).collect();
    assert_eq!(series.len(), 22, "two regions of Fly's and twenty others: {series:#?}");
    for region in ["lhr", "iad"] {
        assert!(series.iter().any(|line| line.contains(&format!("region=\"{region}\""))));
    }
    for text in [metrics.as_str(), &scaler.program.written()] {
        let is_odd = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(is_odd) && !text.contains("\\u001b"), "{text}");
    }
}
