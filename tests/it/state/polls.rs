//! A tick that ends after any of its steps: the process is gone, and the next one has the file as it was
//! at that moment. Deterministic in time: nothing in it waits.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fly_autoscaler::model::{MachineId, Timestamp};
use fly_autoscaler::ports::StateStore;
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::sim::Endpoint;
use fly_autoscaler::store::SqliteStore;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use tempfile::TempDir;

use super::close;
use crate::composed;
use crate::faults::{CREATED, STARTED, Stage, web};
use crate::running::get;

/// A lease that nobody gives back has run out by then, while the list still lags: only what was kept tells
/// the next process what the last one did.
const UNTIL_NEXT: Duration = Duration::from_secs(35);
const LAG: Duration = Duration::from_secs(50);

/// Machines that run and that do not, the queue, and how many there should be in the end.
struct Case {
    what: &'static str,
    machines: (usize, usize),
    depth: f64,
    variables: &'static [(&'static str, &'static str)],
    end: (usize, usize),
    /// In each of how many ticks it is ended.
    cut: usize,
    /// In how many ticks the next process is done.
    ticks: usize,
}

impl Case {
    /// One that does all of it in the first tick.
    const AT_ONCE: Self = Self {
        what: "",
        machines: (0, 0),
        depth: 0.0,
        variables: &[],
        end: (0, 0),
        cut: 1,
        ticks: 12,
    };
}

const COOLDOWN: Duration = Duration::from_secs(60);
const CORDON: Duration = Duration::from_secs(30);
const CORDON_BEFORE_STOP: (&str, &str) = ("FAS_CORDON_BEFORE_STOP", "30s");

const CASES: [Case; 9] = [
    Case {
        what: "creates",
        machines: (1, 0),
        depth: 40.0,
        variables: &[CREATED],
        end: (4, 4),
        ..Case::AT_ONCE
    },
    Case {
        what: "creates and starts",
        machines: (1, 2),
        depth: 50.0,
        variables: &[CREATED, STARTED],
        end: (5, 5),
        ..Case::AT_ONCE
    },
    Case {
        what: "starts",
        machines: (1, 4),
        depth: 40.0,
        variables: &[STARTED],
        end: (5, 4),
        ..Case::AT_ONCE
    },
    Case {
        what: "stops",
        machines: (5, 0),
        depth: 20.0,
        variables: &[STARTED],
        end: (5, 2),
        ..Case::AT_ONCE
    },
    Case {
        what: "destroys",
        machines: (3, 3),
        depth: 40.0,
        variables: &[CREATED],
        end: (4, 3),
        ..Case::AT_ONCE
    },
    Case {
        what: "starts in steps",
        machines: (1, 4),
        depth: 40.0,
        variables: &[
            STARTED,
            ("FAS_SCALE_UP_STEP_SIZE", "2"),
            ("FAS_SCALE_UP_STEP_INTERVAL", "1m"),
        ],
        end: (5, 4),
        cut: 2,
        ticks: 14,
    },
    Case {
        what: "stops with a cooldown",
        machines: (4, 0),
        depth: 20.0,
        variables: &[STARTED, ("FAS_SCALE_DOWN_STEP_SIZE", "1"), ("FAS_SCALE_DOWN_COOLDOWN", "1m")],
        end: (4, 2),
        cut: 2,
        ticks: 16,
    },
    Case {
        what: "stops after a cordon",
        machines: (4, 0),
        depth: 30.0,
        variables: &[STARTED, CORDON_BEFORE_STOP],
        end: (4, 3),
        cut: 5,
        ticks: 16,
    },
    Case {
        what: "destroys after a cordon with a cooldown",
        machines: (3, 1),
        depth: 20.0,
        variables: &[CREATED, CORDON_BEFORE_STOP, ("FAS_SCALE_DOWN_COOLDOWN", "1m")],
        end: (2, 2),
        cut: 5,
        ticks: 24,
    },
];

fn scaler(stage: &Stage, case: &Case, path: &Path, name: &str) -> (Reconciler, Arc<SqliteStore>) {
    let config = composed::config(&stage.sim, case.variables);
    let metrics = Arc::new(Metrics::new("test", "test"));
    let store = Arc::new(super::store(path, name, stage.clock.clone(), &metrics));
    let kept: Arc<dyn StateStore> = Arc::<SqliteStore>::clone(&store);
    let http = client(Timeouts::default()).unwrap();
    (composed::reconciler(&config, &http, stage.clock.clone(), kept), store)
}

/// Runs `future` for so many steps; `None` where it is not over by then.
async fn for_steps<F: Future>(future: F, steps: usize) -> Option<F::Output> {
    let (mut future, mut left) = (Box::pin(future), steps);
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

/// The file as a process finds it that begins now: what was written, and nothing of what is still to be.
pub(super) fn as_it_is(path: &Path, to: &Path) -> PathBuf {
    let copy = to.join("fas.db");
    // The log grows meanwhile; what is added to it is a transaction more or none.
    fs::copy(path, &copy).unwrap();
    let log = |path: &Path| path.with_file_name("fas.db-wal");
    if log(path).exists() {
        fs::copy(log(path), log(&copy)).unwrap();
    }
    copy
}

/// What Fly was asked for and did: when, of which machine.
fn done(stage: &Stage, endpoints: &[Endpoint]) -> Vec<(Timestamp, Option<MachineId>)> {
    let requests = stage.sim.world().requests().into_iter();
    let done = requests.filter(|own| endpoints.contains(&own.endpoint) && own.status == Some(200));
    done.map(|own| (own.at, own.machine)).collect()
}

/// That what damping and cordons promise was so in all that Fly was asked for.
fn was_careful(stage: &Stage, case: &Case, what: &str) {
    let has = |name: &str| case.variables.iter().any(|(own, _)| *own == name);
    if has("FAS_SCALE_UP_STEP_SIZE") {
        let starts = done(stage, &[Endpoint::Start]);
        for three in starts.windows(3) {
            assert!(three[2].0.since(three[0].0) >= COOLDOWN, "two a minute: {starts:?}; {what}");
        }
    }
    if has("FAS_SCALE_DOWN_COOLDOWN") {
        let kind = if has(CREATED.0) { Endpoint::Destroy } else { Endpoint::Stop };
        let downs = done(stage, &[kind]);
        for two in downs.windows(2) {
            assert!(two[1].0.since(two[0].0) >= COOLDOWN, "one a minute: {downs:?}; {what}");
        }
    }
    if has(CORDON_BEFORE_STOP.0) {
        let out = done(stage, &[Endpoint::Cordon]);
        let back = done(stage, &[Endpoint::Uncordon]);
        for (at, machine) in done(stage, &[Endpoint::Stop]) {
            let own = |all: &[(Timestamp, Option<MachineId>)]| {
                all.iter().filter(|own| own.1 == machine && own.0 < at).map(|own| own.0).max()
            };
            let cordoned = own(&out).filter(|out| own(&back).is_none_or(|back| back < *out));
            let is_long = cordoned.is_some_and(|since| at.since(since) >= CORDON);
            assert!(is_long, "{machine:?} stopped at {at}, cordoned {cordoned:?}; {what}");
        }
        let machines = stage.sim.world().machines(&web()).unwrap();
        assert!(!machines.iter().any(|own| own.is_cordoned), "cordoned for ever; {what}");
    }
}

/// Ends the tick after `before` whole ones after `steps`; tells whether it was over before.
async fn ended_after(case: &Case, before: usize, steps: usize) -> bool {
    let stage = Stage::new(case.machines.0, case.machines.1, case.depth).await;
    let world = stage.sim.world();
    world.set_list_lag(LAG);
    world.watch(&web()).unwrap();
    let (first_place, second_place) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let path = first_place.path().join("fas.db");
    let (mut first, first_store) = scaler(&stage, case, &path, "s1");
    for _ in 0..before {
        stage.tick(&mut first).await;
    }
    let was_over = for_steps(first.tick(), steps).await.is_some();
    let copy = as_it_is(&path, second_place.path());
    drop(first);
    close(&first_store);
    // What is on its way to Fly gets there before time goes on.
    for _ in 0..3 {
        get(&format!("{}/v1/apps/web/machines", stage.sim.url())).await.unwrap();
    }

    let (mut second, second_store) = scaler(&stage, case, &copy, "s2");
    stage.clock.advance(UNTIL_NEXT);
    let mut said = Vec::new();
    for _ in 0..case.ticks {
        let tick = stage.tick(&mut second).await;
        said.push(stage.say(&tick));
    }
    close(&second_store);
    let what = format!("{}, ended after {before} ticks and {steps} steps: {said:#?}", case.what);
    assert_eq!(stage.fleet(), case.end, "{what}");
    let (before, (created, started)) = (case.machines.0 + case.machines.1, case.end);
    let most = world.peak_machines(&web()).unwrap();
    assert!(most <= std::cmp::max(before, created), "{most} machines; {what}");
    let watched = world.watched(&web()).unwrap();
    let running = std::cmp::max(case.machines.0, started);
    assert!(watched.most_running <= running, "{watched:?}; {what}");
    let fewest = watched.fewest_started.unwrap();
    assert!(fewest >= std::cmp::min(case.machines.0, started), "{watched:?}; {what}");
    was_careful(&stage, case, &what);
    was_over
}

#[tokio::test]
async fn a_tick_that_ends_after_any_of_its_steps_is_finished_by_the_next_process_and_not_repeated()
{
    let mut points = 0;
    for case in CASES {
        for before in 0..case.cut {
            let mut steps = 0;
            while !ended_after(&case, before, steps).await {
                steps += 1;
                assert!(steps < 1000, "{}: the tick never ends", case.what);
            }
            // A later tick may find nothing to do.
            assert!(steps > 5 || before > 0, "{}: only {steps} steps", case.what);
            points += steps;
        }
    }
    assert!(points > 100, "only {points} points in all");
}
