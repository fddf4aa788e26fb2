//! A region in which Fly has no room.

use std::time::Duration;

use fly_autoscaler::decide::Reason;
use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Endpoint};

use super::driven::Driven;
use crate::composed;

const MINUTE: Duration = Duration::from_secs(60);

/// What Fly says, with the status that it says it with.
const NO_ROOM: &str = "409 aborted: could not reserve resource for machine: insufficient memory available to fulfill request";

fn web() -> AppName {
    AppName::new("web")
}

/// An app with one machine in iad, and no room in lhr.
async fn driven(variables: &[(&str, &str)], traffic: &[(&str, f64)]) -> Driven {
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 0);
    let start = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    let mut driven = Driven::new(start, &spec).await;
    driven.world().set_capacity(&Region::new("lhr"), Some(0));
    set(&driven, traffic);
    let given = [
        ("FAS_INTERVAL", "60s"),
        ("FAS_REGIONS", "lhr,iad,nrt"),
        ("FAS_REGION_BACKOFF", "5m"),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
        ("FAS_PROMETHEUS_BY", "region"),
        ("FAS_MAX_MACHINES", "20"),
    ];
    let all: Vec<_> = given.iter().chain(variables).copied().collect();
    let config = composed::config(&driven.sim, &all);
    driven.scale(&config);
    driven
}

fn set(driven: &Driven, traffic: &[(&str, f64)]) {
    for (region, rate) in traffic {
        driven.world().set_traffic(&web(), &Region::new(region), Some(*rate)).unwrap();
    }
}

/// How many are started in lhr, iad and nrt.
fn started(driven: &Driven) -> [usize; 3] {
    let machines = driven.machines();
    ["lhr", "iad", "nrt"].map(|code| machines.get(&Region::new(code)).map_or(0, |own| own.started))
}

/// When machines were asked for in lhr, in whole minutes.
fn asked(driven: &Driven, start: Timestamp) -> Vec<u64> {
    let lhr = Region::new("lhr");
    let requests = driven.world().requests().into_iter();
    let own = requests
        .filter(|own| own.endpoint == Endpoint::Create && own.region.as_ref() == Some(&lhr));
    own.map(|own| own.at.since(start).as_secs() / 60).collect()
}

/// The reasons of the last tick for the region, or for all of them together.
fn reasons(driven: &Driven, region: Option<&str>) -> Vec<Reason> {
    let tick = driven.last_tick();
    let scopes = &tick.plan.as_ref().unwrap().scopes;
    let region = region.map(Region::new);
    scopes.iter().find(|own| own.scope.region == region).unwrap().reasons.clone()
}

#[tokio::test]
async fn a_region_without_room_waits_while_the_others_go_on() {
    let each = [
        ("FAS_REGION_CREATED_MACHINE_COUNT", "ceil(traffic / 50)"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
    ];
    let driven = driven(&each, &[("lhr", 150.0), ("iad", 50.0), ("nrt", 100.0)]).await;
    let start = driven.now();
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), [0, 1, 2]);
    assert_eq!(asked(&driven, start), [0], "one refusal is enough for the three that it wants");

    set(&driven, &[("iad", 100.0), ("nrt", 200.0)]);
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), [0, 2, 4], "the others go on");
    let told = reasons(&driven, Some("lhr"));
    let resting = told.iter().find(|own| own.code() == "region_resting").unwrap();
    let Reason::RegionResting { answer, until, .. } = resting else { panic!("{resting:?}") };
    assert!(answer.starts_with(NO_ROOM), "{answer}");
    assert!((300..303).contains(&until.since(start).as_secs()), "{until}: from its answer on");
    let sentence = format!("Fly had no room in lhr ({answer}); it is tried again at {until}");
    assert_eq!(resting.to_string(), sentence);

    driven.pass(10 * MINUTE).await;
    let tries = asked(&driven, start);
    assert_eq!(tries, [0, 6, 11], "once in the first tick after each five minutes");
    driven.world().set_capacity(&Region::new("lhr"), None);
    driven.pass(4 * MINUTE).await;
    assert_eq!(asked(&driven, start), tries, "nobody knows yet");
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), [3, 2, 4], "there was room when it was tried again");
    assert_eq!(asked(&driven, start)[3..], [16, 16, 16]);
    driven.pass(MINUTE).await;
    let codes: Vec<_> = reasons(&driven, Some("lhr")).iter().map(Reason::code).collect();
    assert_eq!(codes, ["within_bounds", "within_bounds"]);
    assert_eq!(driven.refused().len(), 3, "{:?}", driven.refused());
}

#[tokio::test]
async fn machines_of_the_whole_app_go_to_the_next_region() {
    let all = [
        ("FAS_CREATED_MACHINE_COUNT", "ceil(traffic / 50)"),
        ("FAS_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
    ];
    // With a series for iad, where a machine is: without one nothing would be known of it at first.
    let driven = driven(&all, &[("lhr", 200.0), ("iad", 0.0)]).await;
    let start = driven.now();
    driven.pass(MINUTE).await;
    let first = started(&driven);
    assert_eq!((first[0], first.iter().sum::<usize>()), (0, 4), "{first:?}");
    assert_eq!(asked(&driven, start), [0]);

    set(&driven, &[("lhr", 300.0)]);
    driven.pass(MINUTE).await;
    assert_eq!(started(&driven), [0, 3, 3], "where the fewest are, of those that are open");
    assert_eq!(asked(&driven, start), [0]);
    let told = reasons(&driven, None);
    let passed = told.iter().find(|own| own.code() == "region_passed_over").unwrap();
    let Reason::RegionPassedOver { answer, until, .. } = passed else { panic!("{passed:?}") };
    assert!(answer.starts_with(NO_ROOM), "{answer}");
    assert!((300..303).contains(&until.since(start).as_secs()), "{until}: from its answer on");
    let sentence =
        format!("Fly had no room in lhr ({answer}); other regions are tried until {until}");
    assert_eq!(passed.to_string(), sentence);

    driven.world().set_capacity(&Region::new("lhr"), None);
    set(&driven, &[("lhr", 350.0)]);
    driven.pass(3 * MINUTE).await;
    assert_eq!(started(&driven)[0], 0, "not before its time");
    driven.pass(2 * MINUTE).await;
    set(&driven, &[("lhr", 450.0)]);
    driven.pass(MINUTE).await;
    let last = started(&driven);
    assert_eq!((last[0], last.iter().sum::<usize>()), (2, 9), "{last:?}: it has the fewest");
    assert_eq!(driven.refused().len(), 1, "{:?}", driven.refused());
}
