//! A quiet day around the world: traffic that follows the sun, without noise, and machines that follow the traffic.

use std::time::Duration;

use fly_autoscaler::model::{Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Day as Sunny, Endpoint, Load};

use super::day::Day;
use super::driven::Driven;
use super::reckon::{Rules, Steps};
use crate::composed;

const INTERVAL: Duration = Duration::from_secs(300);

/// Requests per second in the evening.
const PEAKS: [(&str, f64); 7] = [
    ("iad", 400.0),
    ("sjc", 350.0),
    ("lhr", 400.0),
    ("fra", 300.0),
    ("nrt", 250.0),
    ("gru", 120.0),
    ("syd", 140.0),
];

#[tokio::test]
async fn machines_follow_the_sun_without_a_step_too_many() {
    let rules = Rules {
        per_machine: 50.0,
        regions: PEAKS.map(|(code, _)| Region::new(code)).to_vec(),
        at_least: [(Region::new("iad"), 1)].into(),
        at_most: 1000,
        ceiling: 60,
    };
    let start = Timestamp::parse_rfc3339("2026-03-02T00:00:00Z").unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 0);
    let peak = PEAKS.map(|(code, rate)| (Region::new(code), rate)).into();
    spec.load =
        Load::Day(Sunny { noise: 0.0, burst_chance: 0.0, trough: 0.02, ..Sunny::with_peak(peak) });
    let mut driven = Driven::new(start, &spec).await;
    driven.scale(&composed::config(
        &driven.sim,
        &[
            ("FAS_INTERVAL", "5m"),
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
            ("FAS_PROMETHEUS_BY", "region"),
            ("FAS_REGIONS", &PEAKS.map(|(code, _)| code).join(",")),
            ("FAS_ALWAYS_RUNNING_REGIONS", "iad"),
            ("FAS_REGION_CREATED_MACHINE_COUNT", "ceil(traffic / 50)"),
            ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
            ("FAS_MAX_MACHINES", "60"),
        ],
    ));
    let mut day = Day::new(driven, &spec.name, INTERVAL, rules.ceiling);
    let mut at_midnight = None;
    for _ in 0..24 * 12 {
        let traffic = day.driven.world().traffic(&spec.name).unwrap();
        let targets = rules.targets(&traffic);
        at_midnight.get_or_insert(targets.values().sum::<usize>());
        day.tick(targets).await;
    }
    let figures = day.assert_right((Endpoint::Create, Endpoint::Destroy), "iad");
    day.assert_destroyed_a_tick_later();
    // From one machine to what there is at midnight, and then each region once down to one machine and up to its peak.
    let round: usize = PEAKS.iter().map(|(_, rate)| (rate / 50.0).ceil() as usize - 1).sum();
    let up = at_midnight.unwrap() - 1 + round;
    assert_eq!(figures.needed, Steps { up, down: round }, "{figures:?}");
    assert_eq!((figures.starts, figures.stops), (0, figures.destroys));
}
