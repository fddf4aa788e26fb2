//! An app that runs partly in a region which is excluded now: its machines there go, and nobody waits for an answer
//! meanwhile.

use std::time::Duration;

use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, Endpoint, Watched};

use super::driven::Driven;
use crate::composed;

const INTERVAL: Duration = Duration::from_secs(60);

/// How the five machines that the app is to have are asked for.
#[derive(Debug, Clone, Copy)]
enum Asked {
    InAll,
    InEach,
}

/// Two machines in iad and three in fra run; four more are stopped in iad and lhr unless `creates`. Then fra is
/// excluded, for half an hour.
async fn drained(asked: Asked, creates: bool, ceiling: &str) -> (Driven, Watched) {
    let pool = if creates { 0 } else { 2 };
    let spec = AppSpec::new("web", "acme")
        .with_machines("fra", 3, 0)
        .with_machines("iad", 2, pool)
        .with_machines("lhr", 0, pool);
    let start = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    let mut driven = Driven::new(start, &spec).await;
    let mut variables = vec![
        ("FAS_INTERVAL", "60s"),
        ("FAS_REGIONS", "iad,lhr"),
        ("FAS_EXCLUDED_REGIONS", "fra"),
        ("FAS_EXCLUDED_REGIONS_DRAIN", "true"),
        ("FAS_MAX_MACHINES", ceiling),
    ];
    variables.extend(match asked {
        Asked::InAll => vec![("FAS_STARTED_MACHINE_COUNT", "5")],
        Asked::InEach => {
            vec![("FAS_STARTED_MACHINE_COUNT_IAD", "3"), ("FAS_STARTED_MACHINE_COUNT_LHR", "2")]
        }
    });
    if creates {
        variables.extend(match asked {
            Asked::InAll => vec![("FAS_CREATED_MACHINE_COUNT", "5")],
            Asked::InEach => {
                vec![("FAS_CREATED_MACHINE_COUNT_IAD", "3"), ("FAS_CREATED_MACHINE_COUNT_LHR", "2")]
            }
        });
    }
    let config = composed::config(&driven.sim, &variables);
    driven.scale(&config);
    driven.pass(30 * INTERVAL).await;
    let watched = driven.world().watched(&spec.name).unwrap();
    (driven, watched)
}

/// Nothing is left there that the kind of counts takes away, the others stand in, and nobody was refused anything.
fn assert_replaced(driven: &Driven, creates: bool, case: &str) {
    let machines = driven.machines();
    let left = machines.get(&Region::new("fra")).copied().unwrap_or_default();
    assert_eq!((left.started, left.present), (0, if creates { 0 } else { 3 }), "{case}");
    let counts = ["iad", "lhr"].map(|code| machines[&Region::new(code)].started);
    assert_eq!(counts, [3, 2], "{case}");
    let asked = [Endpoint::Start, Endpoint::Create, Endpoint::Stop, Endpoint::Destroy];
    let moves = if creates { [0, 3, 3, 3] } else { [3, 0, 3, 0] };
    assert_eq!(asked.map(|endpoint| driven.done(endpoint)), moves, "{case}");
    assert_eq!(driven.refused(), Vec::<String>::new(), "{case}");
}

#[tokio::test]
async fn others_run_before_the_machines_of_an_excluded_region_stop() {
    for asked in [Asked::InAll, Asked::InEach] {
        for creates in [false, true] {
            let case = format!("{asked:?}, creates: {creates}");
            let (driven, watched) = drained(asked, creates, "20").await;
            assert_replaced(&driven, creates, &case);
            assert_eq!(watched.fewest_started, Some(5), "at every moment; {case}");
        }
    }
}

#[tokio::test]
async fn at_the_ceiling_one_goes_at_a_time() {
    for asked in [Asked::InAll, Asked::InEach] {
        for creates in [false, true] {
            let case = format!("{asked:?}, creates: {creates}");
            let (driven, watched) = drained(asked, creates, "5").await;
            assert_replaced(&driven, creates, &case);
            assert_eq!((watched.fewest_started, watched.most_running), (Some(4), 5), "{case}");
            let peak = driven.world().peak_machines(&AppName::new("web")).unwrap();
            assert!(!creates || peak == 5, "{case}: {peak}");
        }
    }
}
