//! `plan` where metrics tell regions apart: one table, region by region.

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use insta::assert_snapshot;

use super::plan::plan;
use super::{Fly, Ran, my_app};

/// A collector that is `by: region`, and bounds over all regions.
const BY_REGION: [(&str, &str); 5] = [
    ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
    ("FAS_PROMETHEUS_QUERY", r#"traffic{app="$APP_NAME"}"#),
    ("FAS_PROMETHEUS_BY", "region"),
    ("FAS_REGIONS", "lhr,iad"),
    ("FAS_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
];

async fn fly(traffic: &[(&str, f64)]) -> Fly {
    let fly = Fly::with(&my_app(1, 2, 0.0).with_machines("lhr", 1, 1)).await;
    let app = AppName::new("my-app");
    for (region, value) in traffic {
        let labels = [("app", "my-app"), ("region", *region)];
        fly.simulator.world().set_gauge(&app, "traffic", &labels, *value).unwrap();
    }
    fly
}

#[tokio::test]
async fn traffic_stands_beside_the_machines() {
    let fly = fly(&[("lhr", 130.0), ("iad", 20.5), ("nrt", 7.0), ("syd", 0.0)]).await;
    assert_snapshot!(plan(&fly, &BY_REGION).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      traffic  157.5

                            machines            target
    app by region  traffic   started  stopped  started  next     why
      iad             20.5         1        2        -  start 1  total: 2 started, at least 4 wanted
      lhr              130         1        1        -  start 1  total: 2 started, at least 4 wanted
      nrt                7         -        -        -  -
      total          157.5         2        3        4  start 2  2 started, at least 4 wanted

      all regions together
        2 started, at least 4 wanted [below_min]
          start 12770c4fec26cb in lhr
          start 2460a1ddbfa683 in iad
            suspended before stopped, then the newest release, then by id: 2 of 3 that can be started

    would start 2 machines
    ");
}

#[tokio::test]
async fn a_region_without_a_number_is_told_from_one_that_has_none() {
    let fly = fly(&[("lhr", 130.0), ("nrt", f64::NAN)]).await;
    assert_snapshot!(plan(&fly, &BY_REGION).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      traffic  no value: nrt: the value is NaN, no finite number

                            machines           target
    app by region  traffic   started  stopped          next  why
      iad                -         1        2       -  -
      lhr              130         1        1       -  -
      nrt                ?         -        -       -  -
      total              ?         2        3       ?  held  metric traffic: region nrt: the value is…

      all regions together
        held: metric traffic: region nrt: the value is NaN, no finite number [metric_failed]

    held: nothing would be done
    ");
}

#[tokio::test]
async fn without_an_answer_the_column_is_there_and_says_so() {
    let fly = fly(&[("lhr", 130.0)]).await;
    let kind = FaultKind::Status { code: 503, body: "out of order".into(), retry_after: None };
    fly.simulator.world().inject(FaultRule::always(Endpoint::PrometheusQuery, kind));
    assert_snapshot!(plan(&fly, &BY_REGION).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      traffic  no value: http://127.0.0.1:[PORT]/prometheus/my-org answered 503: out of order

                            machines           target
    app by region  traffic   started  stopped          next  why
      iad                ?         1        2       -  -
      lhr                ?         1        1       -  -
      total              ?         2        3       ?  held  metric traffic: http://127.0.0.1:[PORT]/pro…

      all regions together
        held: metric traffic: http://127.0.0.1:[PORT]/prometheus/my-org answered 503: out of order [metric_failed]

    held: nothing would be done
    ");
}

#[tokio::test]
async fn labels_that_are_no_regions_do_not_break_the_table() {
    let long = "x".repeat(60);
    let fly = fly(&[("lhr", 130.0), ("\u{1b}[31mred", 2.0), (&long, 3.0)]).await;
    assert_snapshot!(plan(&fly, &BY_REGION).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      traffic  135

                                 machines            target
    app by region       traffic   started  stopped  started  next     why
      __31mred                2         -        -        -  -
      iad                     -         1        2        -  -
      lhr                   130         1        1        -  start 1  total: 2 started, at least 3 wanted
      xxxxxxxxxxxxxxx…        3         -        -        -  -
      total                 135         2        3        3  start 1  2 started, at least 3 wanted

      all regions together
        2 started, at least 3 wanted [below_min]
          start 12770c4fec26cb in lhr
            suspended before stopped, then the newest release, then by id: 1st of 3 that can be started (stopped, release 1)

    would start 1 machine
    ");
}

#[tokio::test]
async fn programs_have_the_same_rows() {
    let fly = fly(&[("lhr", 130.0), ("iad", 20.5)]).await;
    let ran = fly.command(&["plan", "--format", "json"]).env(&BY_REGION).run_beside().await;
    let tick: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let group = &tick["regions"][0];
    let rows = group["rows"].as_array().unwrap();
    let short = |row: &serde_json::Value| {
        format!(
            "{} {} {} {} {}",
            row["region"], row["samples"], row["machines"], row["actions"], row["why"]["code"]
        )
    };
    assert_eq!(
        rows.iter().chain([&group["total"]]).map(short).collect::<Vec<_>>(),
        [
            r#""iad" {"traffic":20.5} {"started":1,"stopped":2} {"start":1} "below_min""#,
            r#""lhr" {"traffic":130.0} {"started":1,"stopped":1} {"start":1} "below_min""#,
            r#"null {"traffic":150.5} {"started":2,"stopped":3} {"start":2} "below_min""#,
        ]
    );
}

/// `empty` and `on-failure` put numbers in place of what was not measured; the plan goes by them, so it shows
/// them.
#[tokio::test]
async fn what_stands_for_a_value_is_shown_with_why_it_does() {
    let numbers = |ran: &Ran| {
        let is_number = |line: &&str| line.starts_with("  ") && line.contains(char::is_numeric);
        let lines = ran.stdout.lines().filter(is_number).take(4);
        lines.map(|line| line.split_whitespace().take(14).collect::<Vec<_>>().join(" ")).collect()
    };
    let said = async |traffic: &[(&str, f64)], variable| -> Vec<String> {
        let fly = fly(traffic).await;
        numbers(&plan(&fly, &[&BY_REGION[..], &[variable]].concat()).await)
    };
    let empty = said(&[], ("FAS_PROMETHEUS_EMPTY", "0")).await;
    assert_eq!(empty[0], "traffic 0 (no series: `empty` says 0)");
    assert!(empty[1].starts_with("iad 0 ") && empty[3].starts_with("total 0 "), "{empty:?}");

    let five = ("FAS_PROMETHEUS_ON_FAILURE", "5");
    let none = said(&[], five).await;
    let query = r#"(the query `traffic{app="my-app"}` returned no series; `on-failure` says 5)"#;
    assert_eq!(none[0], format!("traffic 5 {query}"));
    let one = said(&[("lhr", 130.0), ("iad", f64::NAN)], five).await;
    assert_eq!(
        one[0],
        "traffic 135 (iad: the value is NaN, no finite number; `on-failure` says 5)"
    );
    assert!(one[1].starts_with("iad 5 ") && one[2].starts_with("lhr 130 "), "{one:?}");
}

#[tokio::test]
async fn a_value_without_a_region_has_a_row_and_holds_nobody() {
    let fly = fly(&[("lhr", 130.0), ("iad", 20.5), ("", 7.0)]).await;
    let each = ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 70)");
    assert_snapshot!(plan(&fly, &[&BY_REGION[..4], &[each]].concat()).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      traffic  157.5

                            machines            target
    app by region  traffic   started  stopped  started  next     why
      lhr              130         1        1        2  start 1  1 started, at least 2 wanted
      iad             20.5         1        2        1  -        1 started, 1 wanted
      (none)             7         -        -        -  -        no region of Fly's: its traffic is in…
      total          157.5         2        3        3  start 1

      lhr
        1 started, at least 2 wanted [below_min]
          start 12770c4fec26cb in lhr
            suspended before stopped, then the newest release, then by id: the only one that can be started (stopped, release 1)
      (none)
        no region of Fly's: its traffic is in no region's number [region_unknown]

    would start 1 machine
    ");
}
