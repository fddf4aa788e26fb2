//! A recorded day with one count for the whole app, which reads the regions by their own names.

use std::time::Duration;

use fly_autoscaler::model::Region;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load};

use super::driven::Driven;
use super::reckon::{Targets, is_about, least_steps};
use super::traffic::{first, recorded, seen, with_gaps};
use crate::composed;

const INTERVAL: Duration = Duration::from_secs(100);
const CEILING: usize = 8;

#[tokio::test]
async fn a_count_over_the_regions_of_a_day_is_followed_through_every_gap() {
    // A gap of one step, which the last value bridges but for its last tick, and one of an hour.
    let trace = first(with_gaps(recorded(), &[("sjc", 30, 1), ("lhr", 50, 12)]), 12);
    let seen = seen(&trace, INTERVAL);
    let all = Region::new("all");
    let wanted = |traffic: &std::collections::BTreeMap<Region, f64>| -> usize {
        let sum: f64 = traffic.values().map(|rate| (rate / 50.0).ceil()).sum();
        std::cmp::min(sum as usize, CEILING)
    };
    let targets: Vec<Targets> =
        seen.iter().map(|traffic| [(all.clone(), wanted(traffic))].into()).collect();

    // With machines that could be started, where none may be.
    let mut spec = AppSpec::new("web", "acme")
        .with_machines("iad", targets[0][&all], CEILING)
        .with_machines("cdg", 0, CEILING);
    spec.load = Load::Trace(trace.clone());
    let mut driven = Driven::new(trace.start, &spec).await;
    let count = ["iad", "sjc", "lhr", "fra", "nrt", "gru", "syd"]
        .map(|region| format!("ceil(traffic_{region} / 50)"))
        .join(" + ");
    driven.scale(&composed::config(
        &driven.sim,
        &[
            ("FAS_INTERVAL", "100s"),
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
            ("FAS_PROMETHEUS_BY", "region"),
            ("FAS_REGIONS", "iad,sjc,lhr,fra,nrt,gru,syd"),
            ("FAS_EXCLUDED_REGIONS", "cdg"),
            ("FAS_STARTED_MACHINE_COUNT", &count),
            ("FAS_MAX_MACHINES", &CEILING.to_string()),
        ],
    ));
    for (tick, wanted) in targets.iter().enumerate() {
        driven.pass(INTERVAL).await;
        assert_eq!(driven.total().started, wanted[&all], "tick {tick}");
    }
    let steps = least_steps(&targets);
    assert!(steps.up > 50, "the day moved: {steps:?}");
    let (starts, stops) = (driven.done(Endpoint::Start), driven.done(Endpoint::Stop));
    assert!(
        is_about(starts, steps.up) && is_about(stops, steps.down),
        "{starts}, {stops}, {steps:?}"
    );
    let watched = driven.world().watched(&spec.name).unwrap();
    assert_eq!(watched.most_running, CEILING);
    assert_eq!(watched.most_running_in[&Region::new("cdg")], 0);
    assert_eq!(driven.refused(), Vec::<String>::new());
}
