//! Whole ticks on the simulator with damping, with nothing in between that is not there in `serve`.

use std::time::Duration;

use fly_autoscaler::model::{MachineState, Timestamp};
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};

use crate::faults::{INTERVAL, STARTED, Stage, web};

fn running(stage: &Stage) -> usize {
    let machines = stage.sim.world().machines(&web()).unwrap();
    machines.iter().filter(|machine| machine.state == MachineState::Started).count()
}

/// A queue that jumps about: up at once, down by two a minute when the peak is five minutes old.
#[tokio::test]
async fn a_damped_queue_goes_up_at_once_and_down_slowly() {
    let stage = Stage::new(2, 10, 20.0).await;
    let rules = [
        STARTED,
        ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m"),
        ("FAS_SCALE_DOWN_STEP_SIZE", "2"),
        ("FAS_SCALE_DOWN_STEP_INTERVAL", "1m"),
    ];
    let mut scaler = stage.scaler("s1", &rules);
    let mut seen = Vec::new();
    // Ticks of 15 seconds for a quarter of an hour. The queue is long in the second minute only.
    for tick in 0..60 {
        stage.queue(if (4..8).contains(&tick) { 100.0 } else { 20.0 });
        stage.tick(&mut scaler).await;
        seen.push(running(&stage));
    }
    assert!(seen[..3].iter().all(|count| *count == 2), "{seen:?}");
    let peak = seen.iter().position(|count| *count == 10).unwrap();
    assert!((4..7).contains(&peak), "up at once: {seen:?}");
    // Ticks 7 + 20: the last high wish is five minutes old.
    let first = seen.iter().rposition(|count| *count == 10).unwrap();
    assert!((26..30).contains(&first), "down after five minutes, at {first}: {seen:?}");
    for window in seen.windows(4) {
        assert!(window[0] <= window[3] + 2 || window[0] < window[3], "two a minute: {seen:?}");
    }
    assert!(seen.is_sorted_by(|one, other| one <= other || seen[0] < 10), "{seen:?}");
    assert_eq!(seen.last(), Some(&2), "{seen:?}");
}

/// Fly refuses the stops: nothing changed, and nothing cools down.
#[tokio::test]
async fn a_cooldown_begins_with_a_stop_that_happened() {
    let stage = Stage::new(6, 0, 50.0).await;
    let mut scaler = stage.scaler("s1", &[STARTED, ("FAS_SCALE_DOWN_COOLDOWN", "10m")]);
    stage.sim.world().inject(FaultRule::always(
        Endpoint::Stop,
        FaultKind::Status { code: 400, body: "no".into(), retry_after: None },
    ));
    let refused = stage.tick(&mut scaler).await;
    assert!(refused.outcomes.iter().all(|own| !own.is_done()) && !refused.outcomes.is_empty());
    stage.sim.world().clear_faults();
    let done = stage.tick(&mut scaler).await;
    assert!(done.outcomes.iter().any(fly_autoscaler::act::Outcome::is_done), "{done:#?}");
    stage.queue(10.0);
    let cooling = stage.tick(&mut scaler).await;
    let text = cooling.plan.unwrap().scopes[0].reasons[0].to_string();
    assert!(text.starts_with("max started raised from 1 to 5 (scale-down cooldown 10m)"), "{text}");
    stage.clock.advance(Duration::from_secs(600));
    assert_eq!(stage.tick(&mut scaler).await.outcomes.len(), 4);
}

/// A day in London on which the clocks go forward: shrinking is for the night, which ends an hour early.
#[tokio::test]
async fn hours_of_the_day_follow_the_clock_on_the_wall() {
    let stage = Stage::new(8, 0, 80.0).await;
    let to = |time: &str| {
        let now = fly_autoscaler::ports::Clock::now(stage.clock.as_ref());
        stage.clock.advance(Timestamp::parse_rfc3339(time).unwrap().since(now));
    };
    let rules = [STARTED, ("FAS_SCALE_DOWN_ONLY_DURING", "22:00-06:00 Europe/London")];
    let mut scaler = stage.scaler("s1", &rules);
    // In October the night is an hour later, and an hour longer.
    for (time, queue, left) in [
        ("2026-10-24T20:59:00Z", 70.0, 8),
        ("2026-10-24T21:00:00Z", 70.0, 7),
        ("2026-10-25T05:59:00Z", 60.0, 6),
        ("2026-10-25T06:00:00Z", 50.0, 6),
        ("2026-10-25T21:59:00Z", 50.0, 6),
        ("2026-10-25T22:00:00Z", 50.0, 5),
        ("2027-03-27T21:59:00Z", 40.0, 5),
        ("2027-03-27T22:00:00Z", 40.0, 4),
        ("2027-03-28T04:59:00Z", 30.0, 3),
        ("2027-03-28T05:00:00Z", 20.0, 3),
        ("2027-03-28T20:59:00Z", 20.0, 3),
        ("2027-03-28T21:00:00Z", 20.0, 2),
    ] {
        to(time);
        stage.queue(queue);
        stage.tick(&mut scaler).await;
        stage.clock.advance(INTERVAL);
        assert_eq!(running(&stage), left, "at {time} for a queue of {queue}");
    }
}
