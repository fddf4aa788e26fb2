//! A recorded day over a pool of machines that are started and stopped, said by variables alone. In the busy hours
//! the app may not have as many machines as its regions want.

use std::time::Duration;

use fly_autoscaler::model::Region;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load};

use super::day::Day;
use super::driven::Driven;
use super::reckon::Rules;
use super::traffic::{recorded, seen, with_gaps};
use crate::composed;

const INTERVAL: Duration = Duration::from_secs(100);
const REGIONS: [&str; 6] = ["iad", "sjc", "lhr", "fra", "nrt", "gru"];

#[tokio::test]
async fn a_pool_of_machines_follows_a_recorded_day_below_its_ceiling() {
    let trace =
        with_gaps(recorded(), &[("sjc", 30, 1), ("lhr", 50, 12), ("nrt", 90, 12), ("fra", 130, 2)]);
    let rules = Rules {
        per_machine: 50.0,
        regions: REGIONS.map(Region::new).to_vec(),
        at_least: [(Region::new("nrt"), 1), (Region::new("lhr"), 2)].into(),
        at_most: 6,
        ceiling: 8,
    };
    let mut spec =
        AppSpec::new("web", "acme").with_machines("nrt", 1, 7).with_machines("syd", 0, 2);
    for region in ["iad", "sjc", "lhr", "fra", "gru"] {
        spec = spec.with_machines(region, 0, 8);
    }
    spec.load = Load::Trace(trace.clone());
    let mut driven = Driven::new(trace.start, &spec).await;
    driven.scale(&composed::config(
        &driven.sim,
        &[
            ("FAS_INTERVAL", "100s"),
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
            ("FAS_PROMETHEUS_BY", "region"),
            ("FAS_REGIONS", &REGIONS.join(",")),
            ("FAS_EXCLUDED_REGIONS", "syd"),
            ("FAS_ALWAYS_RUNNING_REGIONS", "nrt"),
            ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
            ("FAS_STARTED_MACHINE_COUNT_FRA", "ceil(traffic_fra / 50)"),
            ("FAS_REGION_MAX_MACHINES", "6"),
            ("FAS_MIN_MACHINES_LHR", "2"),
            ("FAS_MAX_MACHINES", "8"),
        ],
    ));
    let mut day = Day::new(driven, &spec.name, INTERVAL, rules.ceiling);
    let mut at_ceiling = 0;
    for traffic in seen(&trace, INTERVAL) {
        let targets = rules.targets(&traffic);
        at_ceiling += usize::from(targets.values().sum::<usize>() == rules.ceiling);
        day.tick(targets).await;
    }
    let figures = day.assert_right((Endpoint::Start, Endpoint::Stop), "nrt");
    assert!(
        figures.needed.up > 100 && at_ceiling > 100,
        "the day moved: {figures:?}, {at_ceiling}"
    );
    day.assert_never_in("syd");
    let world = day.driven.world();
    assert_eq!(world.watched(&spec.name).unwrap().most_running, rules.ceiling);
    assert_eq!((figures.creates, figures.destroys), (0, 0));
}
