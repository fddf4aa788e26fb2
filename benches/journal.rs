//! `cargo bench --bench journal`: fifteen days of 116 apps, ten million ticks of which one in a hundred comes to
//! something new, through the real journal into a file; then questions about a day. Prints what it took.
//!
//! `cargo bench --bench journal -- 5 1000`: as many apps, and as many intervals.
#![allow(clippy::unwrap_used, reason = "a run that cannot go on should stop where it is")]
#![allow(clippy::print_stdout, reason = "this is a program")]
#![allow(clippy::disallowed_methods, reason = "it measures how long things take")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fly_autoscaler::act::{ActionResult, Outcome};
use fly_autoscaler::decide::{
    Action, Choice, History, Plan, PlannedAction, Reason, ScopePlan, Tally,
};
use fly_autoscaler::journal::{ChartQuery, EntryKind, HistoryQuery, Journal, When};
use fly_autoscaler::model::{
    AppName, Bounds, Kind, MachineId, MetricName, ProcessGroup, Region, Scope, ScopeBounds,
    SeriesSize, TickOutcome, Timestamp, Value,
};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::ManualClock;
use fly_autoscaler::status::{Evaluated, MachineCount, SampleStatus, Tick};
use fly_autoscaler::store::JournalStore;
use fly_autoscaler::store::journal::Options;
use fly_autoscaler::telemetry::Metrics;

const APPS: usize = 116;
const INTERVALS: usize = 86_400;
const INTERVAL: Duration = Duration::from_secs(15);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Every so many ticks of an app a machine is started or stopped, so that this tick and the next are new.
const CHANGES: usize = 200;
/// How many ticks are handed over before the thread is waited for.
const AT_ONCE: usize = 1000;

fn main() {
    let mut numbers = std::env::args().filter_map(|word| word.parse::<usize>().ok());
    let apps = numbers.next().unwrap_or(APPS);
    let intervals = numbers.next().unwrap_or(INTERVALS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(apps, intervals));
}

async fn run(apps: usize, intervals: usize) {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("fas-journal.db");
    let start = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let metrics = Arc::new(Metrics::new("bench", "bench"));
    let options = Options {
        path: Some(path.clone()),
        retention: 15 * DAY,
        size: 256_000_000,
        retry: Duration::from_secs(30),
    };
    let shared: Arc<dyn Clock> = clock.clone();
    let journal = JournalStore::open(options, &shared, &metrics);
    let names: Vec<AppName> = (0..apps).map(|own| AppName::new(format!("app-{own}"))).collect();
    let (mut handed, mut worked) = (Duration::ZERO, Duration::ZERO);
    let (mut count, mut new) = (0_usize, 0_usize);
    let mut batch = Vec::new();
    for interval in 0..intervals {
        clock.advance(INTERVAL);
        for (number, name) in names.iter().enumerate() {
            // Apps have times of their own, and timers are some milliseconds late.
            let noise = (interval * 31 + number * 17) % 7;
            let at = clock.now().plus(Duration::from_millis((number * 100 + noise) as u64));
            let (tick, is_new) = tick(at, interval + number * 7);
            new += usize::from(is_new);
            batch.push((name, Arc::new(tick)));
        }
        if batch.len() >= AT_ONCE || interval + 1 == intervals {
            count += batch.len();
            let began = Instant::now();
            for (name, tick) in &batch {
                journal.record(name, tick);
            }
            handed += began.elapsed();
            journal.history(&about(clock.now(), 1)).await.unwrap();
            worked += began.elapsed();
            batch.clear();
        }
    }
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count as f64;
    println!("{count} ticks of {apps} apps, {new} of them new");
    println!("handing one over: {:.2} us; taking it in: {:.2} us", each(handed), each(worked));
    println!("memory: {} MB", resident_megabytes());
    let size = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |own| own.len());
    let bytes = size(&path);
    println!("file: {:.1} MB, {:.1} bytes a tick", bytes as f64 / 1e6, bytes as f64 / count as f64);
    ask(&journal, &names[0], clock.now()).await;
    let began = Instant::now();
    journal.close(Duration::from_secs(60));
    println!("closing: {:?}", began.elapsed());
    println!("file after closing: {:.1} MB", size(&path) as f64 / 1e6);
    tables(&path);
}

/// How much the tables take.
fn tables(path: &std::path::Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    for (table, bytes) in [
        ("passages", "length(body)"),
        ("chunks", "length(body)"),
        ("entries", "length(body)"),
        ("keys", "length(body)"),
    ] {
        let read = format!("SELECT count(*), total({bytes}) FROM {table}");
        let (rows, bytes): (i64, f64) =
            file.query_row(&read, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let each = bytes / rows.max(1) as f64;
        println!("{table}: {rows} rows, {:.1} MB in bodies, {each:.0} bytes each", bytes / 1e6);
    }
}

fn resident_megabytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

fn about(now: Timestamp, most: usize) -> HistoryQuery {
    HistoryQuery {
        app: None,
        from: now.minus(DAY),
        until: now.plus(DAY),
        region: None,
        kind: None,
        verb: None,
        most,
    }
}

/// Asks about the last day, and about times in it.
async fn ask(journal: &JournalStore, app: &AppName, now: Timestamp) {
    let mut slowest: Vec<(&str, Duration)> = Vec::new();
    for turn in 0..5_u32 {
        let mut asked = |what, began: Instant| slowest.push((what, began.elapsed()));
        let began = Instant::now();
        journal.history(&about(now, 100)).await.unwrap();
        asked("history of a day, 100", began);
        let began = Instant::now();
        journal.history(&about(now, 1000)).await.unwrap();
        asked("history of a day, 1000", began);
        let began = Instant::now();
        let of_app = HistoryQuery { app: Some(app.clone()), ..about(now, 1000) };
        journal.history(&of_app).await.unwrap();
        asked("history of a day of an app", began);
        let began = Instant::now();
        let rare = HistoryQuery { kind: Some(EntryKind::Reload), ..about(now, 100) };
        assert!(journal.history(&rare).await.unwrap().is_empty());
        asked("history of a day, nothing found", began);
        let began = Instant::now();
        let until = now.plus(DAY);
        let chart = ChartQuery { app: app.clone(), from: now.minus(DAY), until, most: 500 };
        assert!(!journal.chart(&chart).await.unwrap().times.is_empty());
        asked("chart of a day", began);
        let began = Instant::now();
        let chart = ChartQuery { from: now.minus(15 * DAY), ..chart };
        journal.chart(&chart).await.unwrap();
        asked("chart of fifteen days", began);
        let began = Instant::now();
        let at = now.minus(Duration::from_secs(3600 * (1 + u64::from(turn))));
        assert_eq!(journal.passages(app, When::At(at), 1).await.unwrap().len(), 1);
        asked("passage at a time", began);
        let began = Instant::now();
        let day = When::Between(now.minus(DAY), now.plus(DAY));
        let found = journal.passages(app, day, 100).await.unwrap();
        asked("passages of a day, 100", began);
        assert!(!found.is_empty());
    }
    let mut names: Vec<&str> = slowest.iter().map(|(what, _)| *what).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let most = slowest.iter().filter(|(what, _)| *what == name).map(|(_, took)| *took).max();
        println!("{name}: {:.1} ms at most", most.unwrap_or_default().as_secs_f64() * 1e3);
    }
}

/// A tick of an app with some machines, and whether it comes to something new.
fn tick(at: Timestamp, number: usize) -> (Tick, bool) {
    let (turn, place) = (number / CHANGES, number % CHANGES);
    let machines = 3 + (turn * 7 % 5) as u32;
    let target = if place == 0 { machines + 1 } else { machines };
    // As an average over seconds looks.
    let traffic = 100.0 * f64::from(target) + (number * number % 997) as f64 / 60.0;
    let bounds = ScopeBounds { started: Bounds::exactly(target), ..ScopeBounds::default() };
    let scope = Scope { group: ProcessGroup::new("app"), region: None };
    let (mut actions, mut outcomes) = (Vec::new(), Vec::new());
    let below = Reason::BelowMin { kind: Kind::Started, observed: machines, target };
    let mut reasons = vec![Reason::WithinBounds {
        kind: Kind::Started,
        observed: machines,
        bounds: Bounds::exactly(target),
    }];
    if place == 0 {
        let machine = MachineId::new(format!("{:014x}", (turn as u64 + 7) * 0x9e37_79b9));
        let region = Region::new("lhr");
        let action = Action::Start { machine: machine.clone(), region: region.clone() };
        actions.push(PlannedAction {
            action: action.clone(),
            reason: below.clone(),
            choice: Choice::Every,
        });
        reasons = vec![below.clone()];
        outcomes.push(Outcome {
            scope: scope.clone(),
            action,
            reason: below,
            result: ActionResult::Done { machine, region },
            asked: None,
            left_volumes: Vec::new(),
            refusals: Vec::new(),
        });
    }
    let plan = ScopePlan {
        scope: scope.clone(),
        observed: Tally { created: 8, started: machines, stopped: 8 - machines, unreachable: 0 },
        wanted: Some(bounds),
        targets: Some(bounds),
        actions,
        spares: Vec::new(),
        reasons,
        held_since: None,
    };
    let count = |state: &str, count| MachineCount {
        group: Some(ProcessGroup::new("app")),
        region: Region::new("lhr"),
        state: state.into(),
        count,
    };
    let tick = Tick {
        at,
        outcome: if place == 0 { TickOutcome::Acted } else { TickOutcome::Quiet },
        dry_run: false,
        paused: false,
        samples: vec![SampleStatus {
            metric: MetricName::new("traffic"),
            by_region: false,
            value: Some(traffic),
            regions: Default::default(),
            failed_regions: Default::default(),
            error: None,
            failures: Vec::new(),
        }],
        machines: vec![count("started", machines), count("stopped", 8 - machines)],
        history: SeriesSize::default(),
        evaluated: vec![Evaluated {
            scope,
            kind: Kind::Started,
            side: None,
            expression: "ceil(traffic / 100)".into(),
            values: [("traffic".into(), Value::Number(traffic))].into(),
            gave: Some((traffic / 100.0).ceil()),
            count: Some(target),
            error: None,
        }],
        plan: Some(Plan::new(vec![plan], History::default())),
        outcomes,
        advice: Vec::new(),
        error: None,
        fly_failed: false,
    };
    (tick, place < 2)
}
