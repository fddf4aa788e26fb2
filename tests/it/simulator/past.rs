//! Queries over a range of time.

use std::time::Duration;

use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Load, Trace};

use super::{Fly, START};

fn encoded(query: &str) -> String {
    query.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Each series of a result as `labels values`.
async fn range(fly: &Fly, query: &str, from: i64, until: i64) -> Vec<String> {
    let start = Timestamp::parse_rfc3339(START).unwrap().as_millis() / 1000;
    let (from, until) = (start + from, start + until);
    let path = format!(
        "/prometheus/acme/api/v1/query_range?query={}&start={from}&end={until}&step=30",
        encoded(query)
    );
    let body = fly.get(&path).await;
    assert_eq!(body["data"]["resultType"], "matrix", "{body}");
    let rows = body["data"]["result"].as_array().unwrap();
    let value = |pair: &serde_json::Value| {
        format!("{}:{}", pair[0].as_f64().unwrap() as i64 - start, pair[1].as_str().unwrap())
    };
    let values = |row: &serde_json::Value| {
        row["values"].as_array().unwrap().iter().map(value).collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(|row| format!("{} {}", row["metric"], values(row))).collect()
}

#[tokio::test]
async fn what_was_set_is_known_from_then_on() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 1, 0);
    let (world, web) = (fly.sim.world(), AppName::new("web"));
    let lhr = Region::new("lhr");
    for (depth, rate) in [(Some(10.0), Some(1.0)), (Some(20.0), None), (None, Some(2.0))] {
        world.set_queue_depth(&web, depth).unwrap();
        world.set_traffic(&web, &lhr, rate).unwrap();
        fly.clock.advance(Duration::from_secs(30));
    }
    world.set_gauge(&web, "jobs", &[], 7.0).unwrap();
    // Now is 90 seconds after the start.
    for (query, expected) in [
        ("sum(queue_depth)", &["{} 0:10 30:20"][..]),
        ("sum(queue_depth) / 10", &["{} 0:1 30:2"]),
        ("sum by (region) (traffic)", &[r#"{"region":"lhr"} 0:1 60:2 90:2"#]),
        (
            "sum by (region) (rate(fly_edge_http_responses_count[1m]))",
            &[r#"{"region":"lhr"} 0:1 60:2 90:2"#],
        ),
        ("sum(jobs)", &["{} 90:7"]),
        ("sum(queue_depth) or vector(0)", &["{} -30:0 0:10 30:20 60:0 90:0"]),
        ("3", &["{} -30:3 0:3 30:3 60:3 90:3"]),
        ("sum(none)", &[]),
    ] {
        assert_eq!(range(&fly, query, -30, 600).await, expected, "{query}");
    }
}

#[tokio::test]
async fn recorded_traffic_has_a_past_from_its_first_row() {
    let fly = Fly::start(|_| ()).await;
    let start = Timestamp::parse_rfc3339(START).unwrap().minus(Duration::from_secs(90));
    let row = |rate: f64| [(Region::new("lhr"), rate)].into();
    let trace = Trace { start, step: Duration::from_secs(60), rows: vec![row(1.0), row(2.0)] };
    let mut spec = AppSpec::new("web", "acme");
    spec.load = Load::Trace(trace);
    fly.sim.world().add_app(&spec);
    assert_eq!(range(&fly, "sum(traffic)", -120, 0).await, ["{} -90:1 -60:1 -30:2 0:2"]);
}

#[tokio::test]
async fn ranges_that_prometheus_refuses_are_refused() {
    let fly = Fly::start(|_| ()).await;
    fly.add_apps(&["web"], 1, 0);
    for (parameters, refusal) in [
        (
            "start=10&end=5&step=1",
            r#"400 invalid parameter "end": end timestamp must not be before start time"#,
        ),
        (
            "start=0&end=5&step=0",
            r#"400 invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer"#,
        ),
        (
            "start=0&end=11001&step=1",
            "400 exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ),
        ("start=x&end=5&step=1", r#"400 invalid parameter "start": cannot parse "x""#),
    ] {
        let path = format!("/prometheus/acme/api/v1/query_range?query=queue_depth&{parameters}");
        assert_eq!(fly.refusal(&path).await, refusal);
    }
}
