//! Days of simulated time with everything that goes wrong in them. `cargo bench --bench soak -- 200` runs as
//! many seeds as it is told; the tests run a few of them.

mod life;
mod pair;
pub(crate) mod time;

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::{AppName, MachineState};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::sim::{FaultKind, FaultRule, Matching, Phase, Simulator, Times};
use fly_autoscaler::status::Board;
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client_without_https};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::composed;
use time::SteppedClock;

pub(crate) use life::a_day_in_the_life;
pub(crate) use pair::{Counts, two_scalers};

/// The interval of the ticks.
const INTERVAL: Duration = Duration::from_secs(60);

fn web() -> AppName {
    AppName::new("web")
}

/// A process that runs `serve`, until it is killed.
struct Process {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Process {
    /// Starts a process called `name`, with an empty memory and these variables.
    fn start(
        sim: &Simulator,
        clock: &Arc<SteppedClock>,
        name: &str,
        variables: &[(&str, &str)],
    ) -> Self {
        let reconciler = compose(sim, clock, name, variables);
        let supervisor = Supervisor::new(
            Arc::clone(clock) as Arc<dyn Clock>,
            Board::default(),
            Arc::new(Metrics::new("test", "test")),
            INTERVAL,
            Duration::from_secs(4),
        );
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { supervisor.run(reconciler, stopped).await });
        Self { task, stop }
    }

    /// Ends it wherever it is, as Fly ends a machine.
    fn kill(self) {
        self.task.abort();
        self.stop.cancel();
    }
}

/// What `serve` would tick with, in a process called `name`.
fn compose(
    sim: &Simulator,
    clock: &Arc<SteppedClock>,
    name: &str,
    variables: &[(&str, &str)],
) -> Reconciler {
    let config = composed::config(sim, variables);
    // Of real time, which passes only while something hangs.
    let request = Duration::from_millis(300);
    let http = client_without_https(Timeouts { connect: request, request }).unwrap();
    let clock = Arc::clone(clock) as Arc<dyn Clock>;
    composed::reconciler(&config, &http, clock, Arc::new(MemoryStore::new(name)))
}

/// Lets every call take its time, so that ticks overlap and can be interrupted anywhere.
fn slow_network(sim: &Simulator) {
    for (phase, millis, chance) in [
        (Phase::Before, 40, 0.3),
        (Phase::After, 90, 0.4),
        (Phase::Before, 250, 0.3),
        (Phase::After, 600, 0.2),
    ] {
        let kind = FaultKind::Delay(Duration::from_millis(millis));
        let matching = Matching::default();
        sim.world().inject(FaultRule { matching, kind, phase, times: Times::Chance(chance) });
    }
    let kind = FaultKind::Delay(Duration::from_millis(60));
    let matching = Matching::default();
    sim.world().inject(FaultRule { matching, kind, phase: Phase::Before, times: Times::Always });
}

/// How many machines there are, and how many run or are on their way to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fleet {
    present: usize,
    running: usize,
}

impl Fleet {
    fn of(sim: &Simulator) -> Self {
        let mut fleet = Self { present: 0, running: 0 };
        for machine in sim.world().machines(&web()).unwrap() {
            fleet.present += usize::from(machine.state != MachineState::Destroying);
            let runs = [MachineState::Created, MachineState::Starting, MachineState::Started];
            fleet.running += usize::from(runs.contains(&machine.state));
        }
        fleet
    }
}

/// Lets everybody work until all `alive` wait for the time to pass.
pub(crate) async fn settle(clock: &SteppedClock, alive: usize) {
    let mut idle = 0;
    while idle < 3 {
        tokio::task::yield_now().await;
        idle = if clock.sleepers() >= alive { idle + 1 } else { 0 };
    }
}

/// How many requests were answered with 429.
fn refused_for_the_rate(sim: &Simulator) -> Vec<String> {
    let requests = sim.world().requests();
    let refused = requests.iter().filter(|request| request.status == Some(429));
    refused.map(|request| format!("{:?} at {}", request.endpoint, request.at)).collect()
}

/// Numbers that look like chance and are the same in every run (xorshift).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// One of 0 to `end` - 1.
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

#[tokio::test]
async fn two_scalers_that_are_killed_and_restarted_never_make_a_machine_too_many() {
    for (seed, counts, lag) in [(2, Counts::Created, 0), (2, Counts::Both, 3)] {
        let seen = two_scalers(seed, counts, Duration::from_secs(lag), 5..13).await;
        assert!(seen.wrong.is_empty(), "{seen:#?}");
        assert!(seen.kills > 10 && seen.creates > 20 && seen.destroys > 20, "{seen:#?}");
        // Both read lists, and Fly counts them together; such a list is read again.
        let creates = seen.too_many_requests.iter().any(|request| request.starts_with("Create"));
        assert!(!creates, "{seen:#?}");
    }
}

#[tokio::test]
async fn two_scalers_that_are_killed_and_restarted_never_start_a_machine_too_many() {
    let seen = two_scalers(3, Counts::Started, Duration::from_secs(2), 5..10).await;
    assert!(seen.wrong.is_empty(), "{seen:#?}");
    assert!(seen.kills > 5, "{seen:#?}");
}

#[tokio::test]
async fn one_scaler_lives_through_a_day_of_faults() {
    let seen = a_day_in_the_life(1).await;
    assert!(seen.wrong.is_empty(), "{seen:#?}");
    assert!(seen.made > 30 && seen.destroyed > 30, "{seen:#?}");
}
