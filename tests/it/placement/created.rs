//! A recorded day with machines that are created and destroyed, in whichever regions have traffic.

use std::time::Duration;

use fly_autoscaler::model::{AppName, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, Request, Trace};

use super::day::{Day, Figures};
use super::driven::Driven;
use super::reckon::Rules;
use super::traffic::{first, recorded, seen, with_gaps};
use crate::composed;

const INTERVAL: Duration = Duration::from_secs(100);

/// Without the brake, which would let a region that has lost its traffic wait for three ticks.
const CONFIG: &str = r#"
app-name: web
interval: 100s
regions: auto
excluded-regions: [syd]
always-running-regions: [nrt]
max-machines: $CEILING
destroy-brake: off
per-region:
  "*":
    created-machine-count: "ceil(traffic / 50)"
    started-machine-count: "ceil(traffic / 50)"
    max-machines: 6
  lhr:
    min-machines: 2
"#;

fn rules(ceiling: usize) -> Rules {
    Rules {
        per_machine: 50.0,
        regions: ["fra", "gru", "iad", "lhr", "nrt", "sjc"].map(Region::new).to_vec(),
        at_least: [(Region::new("nrt"), 1), (Region::new("lhr"), 2)].into(),
        at_most: 6,
        ceiling,
    }
}

async fn a_day(trace: &Trace, ceiling: usize) -> Day {
    let mut spec = AppSpec::new("web", "acme").with_machines("nrt", 1, 0);
    spec.load = Load::Trace(trace.clone());
    let mut driven = Driven::new(trace.start, &spec).await;
    driven.scale(&composed::config(
        &driven.sim,
        &[
            ("FAS_CONFIG_YAML", &CONFIG.replace("$CEILING", &ceiling.to_string())),
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
            ("FAS_PROMETHEUS_BY", "region"),
        ],
    ));
    let mut day = Day::new(driven, &spec.name, INTERVAL, ceiling);
    let rules = rules(ceiling);
    for traffic in seen(trace, INTERVAL) {
        day.tick(rules.targets(&traffic)).await;
    }
    day
}

#[tokio::test]
async fn machines_are_created_and_destroyed_where_the_traffic_of_a_recorded_day_is() {
    let trace =
        with_gaps(recorded(), &[("sjc", 30, 1), ("lhr", 50, 12), ("nrt", 90, 12), ("fra", 130, 2)]);
    let day = a_day(&trace, 30).await;
    let figures = day.assert_right((Endpoint::Create, Endpoint::Destroy), "nrt");
    assert!(figures.needed.up > 100, "the day moved: {figures:?}");
    let Figures { ticks, destroys, starts, stops, .. } = figures;
    assert_eq!(
        (ticks, stops),
        (trace.rows.len() * 3, destroys + starts),
        "stopped, then destroyed or wanted again"
    );
    day.assert_destroyed_a_tick_later();
    day.assert_never_in("syd");
    let peak = day.driven.world().peak_machines(&AppName::new("web")).unwrap();
    assert!(peak < 30, "it never came near its ceiling: {peak}");
}

/// At the ceiling a machine can come only where another has gone: stopped in one tick, destroyed in the next, and the new
/// one in the tick after that. So each region has, in any tick, what it was to have in one of the last four.
#[tokio::test]
async fn never_are_there_more_machines_than_may_be_while_they_move() {
    const CEILING: usize = 8;
    let trace = first(recorded(), 8);
    let day = a_day(&trace, CEILING).await;
    day.assert_within_the_last(4);
    day.assert_never_in("syd");
    let world = day.driven.world();
    let app = AppName::new("web");
    assert_eq!(world.peak_machines(&app), Ok(CEILING), "also of those that are stopped");
    assert_eq!(world.watched(&app).unwrap().most_running, CEILING);
    assert_eq!(day.driven.refused(), Vec::<String>::new());
}

/// What was asked for, and when. Within one moment the order is that of the network.
fn asked(day: &Day) -> Vec<String> {
    let requests = day.driven.world().requests();
    let text =
        |own: &Request| format!("{} {:?} {:?} {:?}", own.at, own.endpoint, own.region, own.status);
    let mut asked: Vec<String> = requests.iter().map(text).collect();
    asked.sort();
    asked
}

#[tokio::test]
async fn the_same_day_comes_to_the_same() {
    let trace = first(recorded(), 4);
    let run = async || {
        let day = a_day(&trace, 30).await;
        (asked(&day), day.seen)
    };
    let ((asked, seen), (again, seen_again)) = (run().await, run().await);
    assert_eq!(seen, seen_again);
    let differs = asked.iter().zip(&again).find(|(one, other)| one != other);
    assert_eq!((asked.len(), differs), (again.len(), None));
}
