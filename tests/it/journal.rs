//! The journal over its real store: what goes in as ticks comes out as passages, entries and charts.

mod bounds;
mod history;
mod killed;
mod numbers;
mod passages;
mod round_trip;
mod torn;
mod troubles;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::act::{ActionResult, Outcome};
use fly_autoscaler::decide::{
    Action, Choice, History, Plan, PlannedAction, Reason, ScopePlan, Tally,
};
use fly_autoscaler::journal::{
    Chart, ChartQuery, Entry, HistoryQuery, Journal, JournalError, Line, Noted, Passage, When,
};
use fly_autoscaler::model::{
    AppName, Bounds, Kind, MachineId, MetricName, ProcessGroup, Region, Scope, ScopeBounds,
    SeriesSize, TickOutcome, Timestamp, Value,
};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::ManualClock;
use fly_autoscaler::status::{Evaluated, SampleStatus, Tick};
use fly_autoscaler::store::JournalStore;
use fly_autoscaler::store::journal::Options;
use fly_autoscaler::telemetry::Metrics;
use tempfile::TempDir;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const INTERVAL: Duration = Duration::from_secs(15);

/// A folder for the file, a time, and what opens a journal in it.
struct Place {
    directory: TempDir,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
    retention: Duration,
    size: u64,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            clock: Arc::new(ManualClock::new(start())),
            metrics: Arc::new(Metrics::new("test", "test")),
            retention: 15 * 24 * HOUR,
            size: 256 << 20,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("fas-journal.db")
    }

    fn open(&self) -> JournalStore {
        self.open_at(Some(&self.path()))
    }

    fn open_at(&self, path: Option<&Path>) -> JournalStore {
        let options = Options {
            path: path.map(Path::to_owned),
            retention: self.retention,
            size: self.size,
            retry: Duration::from_secs(30),
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        JournalStore::open(options, &clock, &self.metrics)
    }

    /// Whether a line of the metrics is this one.
    fn shows(&self, wanted: &str) -> bool {
        self.metrics.render().unwrap().lines().any(|line| line == wanted)
    }

    /// The names in the folder, in order.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Closes a journal as `serve` does at its end.
fn close(journal: &JournalStore) {
    journal.close(Duration::from_secs(30));
}

fn start() -> Timestamp {
    Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap()
}

/// When the tick of this number begins.
fn at(number: u32) -> Timestamp {
    start().plus(INTERVAL * number)
}

fn web() -> AppName {
    AppName::new("web")
}

fn lhr() -> Scope {
    Scope { group: ProcessGroup::new("app"), region: Some(Region::new("lhr")) }
}

/// A quiet tick of an app with two machines in `lhr`, and so much traffic.
fn quiet(at: Timestamp, traffic: f64) -> Tick {
    let bounds = ScopeBounds { started: Bounds::exactly(2), ..ScopeBounds::default() };
    let reason =
        Reason::WithinBounds { kind: Kind::Started, observed: 2, bounds: Bounds::exactly(2) };
    let scope = ScopePlan {
        scope: lhr(),
        observed: Tally { created: 2, started: 2, ..Tally::default() },
        wanted: Some(bounds),
        targets: Some(bounds),
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: vec![reason],
        held_since: None,
    };
    Tick {
        at,
        outcome: TickOutcome::Quiet,
        dry_run: false,
        paused: false,
        samples: vec![SampleStatus {
            metric: MetricName::new("traffic"),
            by_region: true,
            value: Some(traffic),
            regions: [(Region::new("lhr"), traffic)].into(),
            failed_regions: Default::default(),
            error: None,
            failures: Vec::new(),
        }],
        machines: Vec::new(),
        history: SeriesSize::default(),
        evaluated: vec![Evaluated {
            scope: lhr(),
            kind: Kind::Started,
            side: None,
            expression: "traffic / 50".into(),
            values: [("traffic".into(), Value::Number(traffic))].into(),
            gave: Some(traffic / 50.0),
            count: Some(2),
            error: None,
        }],
        plan: Some(Plan::new(vec![scope], History::default())),
        outcomes: Vec::new(),
        advice: Vec::new(),
        error: None,
        fly_failed: false,
    }
}

/// The same with what else is said about its scope.
fn with_reason(mut tick: Tick, reason: Reason) -> Tick {
    let mut plan = tick.plan.take().unwrap();
    plan.scopes[0].reasons.push(reason);
    tick.plan = Some(Plan::new(plan.scopes, plan.next));
    tick
}

/// A hold, whose text has a number in it.
fn hold(count: u32) -> Reason {
    let metric = MetricName::new("traffic");
    Reason::MetricFailed { metric, message: format!("{count} of 9 answers were no numbers") }
}

/// One that starts a machine.
fn starting(machine: &str) -> PlannedAction {
    let action = Action::Start { machine: MachineId::new(machine), region: Region::new("lhr") };
    let reason = Reason::BelowMin { kind: Kind::Started, observed: 1, target: 2 };
    PlannedAction { action, reason, choice: Choice::Every }
}

/// The same in which a machine is to be started.
fn planned(mut tick: Tick, machine: &str) -> Tick {
    let mut plan = tick.plan.take().unwrap();
    plan.scopes[0].actions.push(starting(machine));
    tick.plan = Some(Plan::new(plan.scopes, plan.next));
    tick
}

/// The same in which it was started.
fn started(tick: Tick, machine: &str) -> Tick {
    let mut tick = planned(tick, machine);
    let PlannedAction { action, reason, .. } = starting(machine);
    tick.outcome = TickOutcome::Acted;
    tick.outcomes.push(Outcome {
        scope: lhr(),
        action,
        reason,
        result: ActionResult::Done { machine: MachineId::new(machine), region: Region::new("lhr") },
        asked: None,
        left_volumes: Vec::new(),
        refusals: Vec::new(),
    });
    tick
}

/// A tick that saw no machines.
fn failed(at: Timestamp, error: &str) -> Tick {
    let mut tick = quiet(at, 0.0);
    (tick.outcome, tick.plan, tick.error) = (TickOutcome::Failed, None, Some(error.into()));
    tick.evaluated.clear();
    tick
}

fn record(journal: &dyn Journal, tick: Tick) {
    journal.record(&web(), &Arc::new(tick));
}

fn everything() -> HistoryQuery {
    HistoryQuery {
        app: None,
        from: Timestamp::from_millis(0),
        until: start().plus(365 * 24 * HOUR),
        region: None,
        kind: None,
        verb: None,
        most: 1000,
    }
}

async fn all_passages(journal: &dyn Journal) -> Vec<Passage> {
    let HistoryQuery { from, until, .. } = everything();
    journal.passages(&web(), When::Between(from, until), 1000).await.unwrap()
}

async fn at_time(journal: &dyn Journal, at: Timestamp) -> Option<Passage> {
    journal.passages(&web(), When::At(at), 9).await.unwrap().pop()
}

/// What was measured in the tick that a passage shows.
fn traffic(passage: &Passage) -> f64 {
    passage.record.samples[0].value.unwrap()
}
