//! Machines that move from one region to another, where there is nothing else to clone.

use std::time::Duration;

use fly_autoscaler::model::{AppName, MachineState, ProcessGroup, Region, Timestamp};
use fly_autoscaler::sim::{AppSpec, MachineSpec, deployed_config};
use serde_json::json;

use super::driven::Driven;
use crate::composed;

const MINUTE: Duration = Duration::from_secs(60);

/// Each machine's region and mark, sorted. A clone has the mark of its source.
fn marks(driven: &Driven, app: &AppName) -> Vec<(String, String)> {
    let there = driven.world().machines(app).unwrap().into_iter();
    let there = there.filter(|own| own.state != MachineState::Destroying);
    let mark = |config: &serde_json::Value| config["env"]["MARK"].as_str().unwrap().to_owned();
    let mut marks: Vec<_> = there.map(|own| (own.region.to_string(), mark(&own.config))).collect();
    marks.sort();
    marks
}

#[tokio::test]
async fn a_machine_stays_until_its_clone_is_there() {
    let spec = AppSpec::new("web", "acme");
    let start = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    let mut driven = Driven::new(start, &spec).await;
    for mark in ["a", "b", "c"] {
        let mut config = deployed_config(&spec.name, &ProcessGroup::new("app"), 1);
        config["env"]["MARK"] = json!(mark);
        let (region, state) = (Region::new("iad"), MachineState::Stopped);
        let machine = MachineSpec { region, state, config: Some(config) };
        driven.world().add_machine(&spec.name, machine).unwrap();
    }
    let config = composed::config(
        &driven.sim,
        &[
            ("FAS_INTERVAL", "60s"),
            ("FAS_REGIONS", "iad,lhr"),
            ("FAS_CREATED_MACHINE_COUNT_IAD", "0"),
            ("FAS_CREATED_MACHINE_COUNT_LHR", "1"),
            ("FAS_MAX_MACHINES", "9"),
        ],
    );
    driven.scale(&config);
    // In the first tick the list does not show them yet.
    driven.pass(2 * MINUTE).await;
    let marks_then = marks(&driven, &spec.name);
    let [(iad, left), (lhr, clone)] = &marks_then[..] else { panic!("{marks_then:?}") };
    assert_eq!((iad.as_str(), lhr.as_str()), ("iad", "lhr"));
    assert_eq!(left, clone, "of the three the one is left that was cloned");
    driven.pass(MINUTE).await;
    assert_eq!(marks(&driven, &spec.name), [("lhr".to_owned(), clone.clone())], "then it goes too");
    assert_eq!(driven.refused(), Vec::<String>::new());
}
