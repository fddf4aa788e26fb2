//! What is remembered outlives the configuration: with one that changes again and again, the same machines run at
//! every moment as with one that never does.

use std::time::Duration;

use fly_autoscaler::model::{AppName, Timestamp};
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule};

use crate::composed;
use crate::placement::driven::Driven;

const INTERVAL: Duration = Duration::from_secs(15);
const TICKS: u32 = 120;

/// Waits after each change, goes down slowly and by what was so for a while, and rides out a metric that fails.
const DAMPED: [(&str, &str); 8] = [
    ("FAS_STARTED_MACHINE_COUNT", r#"ceil(max_over("queue_depth", "2m") / 10)"#),
    ("FAS_SCALE_UP_COOLDOWN", "90s"),
    ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "3m"),
    ("FAS_SCALE_DOWN_STEP_SIZE", "1"),
    ("FAS_SCALE_DOWN_STEP_INTERVAL", "2m"),
    ("FAS_SCALE_DOWN_COOLDOWN", "1m"),
    ("FAS_PROMETHEUS_ON_FAILURE", "last"),
    ("FAS_PROMETHEUS_LAST_FOR", "5m"),
];

/// How many machines run after each tick, how often the past was asked for, and what was refused.
async fn ran(reloads: bool) -> (Vec<usize>, u64) {
    let start = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 11);
    let mut driven = Driven::new(start, &spec).await;
    let config = composed::config(&driven.sim, &DAMPED);
    let app = AppName::new("web");
    driven.world().set_queue_depth(&app, Some(10.0)).unwrap();
    driven.scale(&config);
    let mut running = Vec::new();
    for tick in 0..TICKS {
        let depth = match tick % 40 {
            0..4 => 80.0,
            4..12 => 30.0,
            12..14 => 110.0,
            _ => 5.0,
        };
        driven.world().set_queue_depth(&app, Some(depth)).unwrap();
        match tick {
            50 => {
                let gone = FaultKind::Status { code: 503, body: String::new(), retry_after: None };
                driven.world().inject(FaultRule::always(Endpoint::PrometheusQuery, gone));
            }
            60 => driven.world().clear_faults(),
            _ => {}
        }
        if reloads {
            // One that changes nothing here, and makes everything new.
            let ceiling = (500 + tick).to_string();
            let mut variables = DAMPED.to_vec();
            variables.push(("FAS_MAX_MACHINES", &ceiling));
            let config = composed::config(&driven.sim, &variables);
            driven.go_on_with(&config);
        }
        driven.pass(INTERVAL).await;
        running.push(driven.total().started);
    }
    (running, driven.world().total(Endpoint::PrometheusQueryRange))
}

#[tokio::test]
async fn a_configuration_that_keeps_changing_elsewhere_changes_nothing() {
    let (still, asked) = ran(false).await;
    let (changing, asked_again) = ran(true).await;
    assert_eq!(changing, still);
    assert_eq!(asked_again, asked, "the past is asked for once");
    // There was something to remember: it went up, waited, and came down step by step.
    let (most, last) = (still.iter().max().unwrap(), still.last().unwrap());
    assert!(*most >= 8 && *last < *most, "{still:?}");
    let steps = still.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(steps > 8, "{still:?}");
}
