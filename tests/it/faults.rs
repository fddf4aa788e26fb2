//! Whole ticks over real HTTP against a Fly and a Prometheus that fail in every way: a clear message, no
//! crash, and no scaling on bad data.

mod answers;
mod creates;
mod holds;
mod numbers;
mod scalers;
mod serving;
mod suspends;
mod volumes;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::decide::Weight;
use fly_autoscaler::model::{AppName, MachineId, MachineState, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock};
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, SimOptions, Simulator};
use fly_autoscaler::status::Tick;
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::transport::{Timeouts, client};

use crate::composed;

/// The interval of the ticks.
pub(crate) const INTERVAL: Duration = Duration::from_secs(15);

/// One machine for each ten jobs: created ones, or started ones.
pub(crate) const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");
pub(crate) const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");

/// A time that a sleep moves on instead of waiting for it, the simulator's and the autoscaler's alike.
pub(crate) struct LeapingClock(Mutex<Timestamp>);

impl LeapingClock {
    fn new() -> Arc<Self> {
        let start = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap();
        Arc::new(Self(Mutex::new(start)))
    }

    pub(crate) fn advance(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.plus(by);
    }
}

impl LeapingClock {
    /// As somebody who sets it by hand.
    pub(crate) fn set_back(&self, by: Duration) {
        let mut now = self.0.lock().unwrap();
        *now = now.minus(by);
    }
}

impl Clock for LeapingClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(duration);
        // Others get their turn, as they would during a real wait.
        Box::pin(tokio::task::yield_now())
    }
}

/// A simulated Fly with one app, and what ticks on it.
pub(crate) struct Stage {
    pub(crate) sim: Simulator,
    pub(crate) clock: Arc<LeapingClock>,
    /// How long one request may take, in real time.
    request: Duration,
}

impl Stage {
    /// The app `web` with `started` and `stopped` machines and a queue of `depth`.
    pub(crate) async fn new(started: usize, stopped: usize, depth: f64) -> Self {
        Self::with(AppSpec::new("web", "acme").with_machines("iad", started, stopped), depth).await
    }

    pub(crate) async fn with(mut spec: AppSpec, depth: f64) -> Self {
        let clock = LeapingClock::new();
        let sim = Simulator::start(SimOptions::new(clock.clone())).await.unwrap();
        spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(depth) };
        sim.world().add_app(&spec);
        // Old enough that nobody was just launched.
        clock.advance(Duration::from_secs(3600));
        Self { sim, clock, request: Duration::from_secs(30) }
    }

    /// The same, with requests that give up in time for a test of those that hang.
    fn impatient(mut self) -> Self {
        self.request = Duration::from_millis(400);
        self
    }

    pub(crate) fn queue(&self, depth: f64) {
        self.sim.world().set_queue_depth(&web(), Some(depth)).unwrap();
    }

    /// What `serve` would tick with, for a process called `scaler`, with these variables.
    pub(crate) fn scaler(&self, scaler: &str, variables: &[(&str, &str)]) -> Reconciler {
        let config = composed::config(&self.sim, variables);
        let timeouts = Timeouts { connect: Duration::from_secs(5), request: self.request };
        composed::reconciler(
            &config,
            &client(timeouts).unwrap(),
            self.clock.clone(),
            Arc::new(MemoryStore::new(scaler)),
        )
    }

    /// A tick, and the time until the next.
    pub(crate) async fn tick(&self, scaler: &mut Reconciler) -> Tick {
        let tick = scaler.tick().await;
        self.clock.advance(INTERVAL);
        tick
    }

    /// How many machines there are and how many of them run.
    pub(crate) fn fleet(&self) -> (usize, usize) {
        let machines = self.sim.world().machines(&web()).unwrap();
        let going = |state: &MachineState| *state == MachineState::Destroying;
        let there = machines.iter().filter(|machine| !going(&machine.state));
        let states: Vec<_> = there.map(|machine| &machine.state).collect();
        let started = states.iter().filter(|state| ***state == MachineState::Started).count();
        (states.len(), started)
    }

    /// Each machine with its state.
    pub(crate) fn states(&self) -> Vec<(MachineId, MachineState)> {
        let machines = self.sim.world().machines(&web()).unwrap();
        machines.into_iter().map(|machine| (machine.id, machine.state)).collect()
    }

    /// The most machines that there ever were.
    fn peak(&self) -> usize {
        self.sim.world().peak_machines(&web()).unwrap()
    }

    /// How many requests there were that change machines.
    pub(crate) fn changes(&self) -> u64 {
        let changes = [
            Endpoint::Create,
            Endpoint::Start,
            Endpoint::Stop,
            Endpoint::Suspend,
            Endpoint::Destroy,
        ];
        changes.into_iter().map(|endpoint| self.sim.world().total(endpoint)).sum()
    }

    /// Ticks until the fleet is as `wanted`; a minute's memory of doubtful creates and a few ticks.
    pub(crate) async fn settles(
        &self,
        scaler: &mut Reconciler,
        wanted: (usize, usize),
        what: &str,
    ) {
        let mut said = Vec::new();
        for _ in 0..12 {
            said.push(self.say(&self.tick(scaler).await));
            if self.fleet() == wanted {
                return;
            }
        }
        panic!("{what}: {:?} instead of {wanted:?} after {said:#?}", self.fleet());
    }

    /// How a tick ended and why, without what differs from run to run.
    pub(crate) fn say(&self, tick: &Tick) -> String {
        let mut said: Vec<String> = tick.error.iter().cloned().collect();
        said.extend(tick.outcomes.iter().map(ToString::to_string));
        let reasons =
            tick.plan.iter().flat_map(|plan| &plan.scopes).flat_map(|scope| &scope.reasons);
        said.extend(reasons.filter(|own| own.weight() == Weight::Hold).map(ToString::to_string));
        // What several machines had in common is said once.
        let mut distinct: Vec<String> = Vec::new();
        for line in said.into_iter().map(|line| self.anonymous(&line)) {
            if !distinct.contains(&line) {
                distinct.push(line);
            }
        }
        format!("{}: {}", tick.outcome, distinct.join("; "))
    }

    /// A text without ports and ids.
    fn anonymous(&self, text: &str) -> String {
        let text = text.replace(&self.sim.url(), "http://fly");
        let text = replaced(&text, r"\b[0-9a-f]{14}\b", "ID");
        replaced(&text, r"fly-request-id \S+\)", "fly-request-id REQ)")
    }
}

fn replaced(text: &str, pattern: &str, by: &str) -> String {
    regex::Regex::new(pattern).unwrap().replace_all(text, by).into_owned()
}

pub(crate) fn web() -> AppName {
    AppName::new("web")
}

/// Numbers that look like chance and are the same in every run (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// One of 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}
