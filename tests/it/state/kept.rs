//! How often what a tick leaves is written, and what a later process makes of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::Reason;
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::{Clock, StateStore};
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::status::Tick;
use fly_autoscaler::store::SqliteStore;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use rusqlite::Connection;
use tempfile::TempDir;

use super::polls::as_it_is;
use super::{app, close, eventful, iad, state};
use crate::composed;
use crate::faults::{INTERVAL, STARTED, Stage};

const MINUTE: Duration = Duration::from_secs(60);

/// A process with a state file.
struct Process {
    scaler: Reconciler,
    store: Arc<SqliteStore>,
    flushed: u32,
}

impl Process {
    fn new(stage: &Stage, path: &Path, name: &str, variables: &[(&str, &str)]) -> Self {
        let config = composed::config(&stage.sim, variables);
        let metrics = Arc::new(Metrics::new("test", "test"));
        let store = Arc::new(super::store(path, name, stage.clock.clone(), &metrics));
        let kept: Arc<dyn StateStore> = Arc::<SqliteStore>::clone(&store);
        let http = client(Timeouts::default()).unwrap();
        let scaler = composed::reconciler(&config, &http, stage.clock.clone(), kept);
        Self { scaler, store, flushed: 0 }
    }

    /// Waits until what there is to write is written: whoever secures something waits for all of it.
    async fn flush(&mut self) {
        self.flushed += 1;
        let mut other = eventful("s1", Timestamp::from_millis(0));
        other.large_destroy_wishes.insert(iad(), self.flushed);
        self.store.secure(&app("other"), state(other)).await;
    }
}

/// When the row of `web` was written.
fn saved_at(path: &Path, what: &str) -> Timestamp {
    let query = "SELECT saved_at FROM kept WHERE app = 'web' AND what = ?1";
    let file = Connection::open(path).unwrap();
    Timestamp::from_millis(file.query_row(query, [what], |row| row.get(0)).unwrap())
}

fn codes(tick: &Tick) -> Vec<&'static str> {
    tick.plan.as_ref().unwrap().scopes[0].reasons.iter().map(Reason::code).collect()
}

#[tokio::test]
async fn that_the_same_is_wanted_still_is_written_once_a_minute() {
    let stage = Stage::new(4, 0, 20.0).await;
    let place = TempDir::new().unwrap();
    let path = place.path().join("fas.db");
    let window = ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "2h");
    let mut process = Process::new(&stage, &path, "s1", &[STARTED, window]);
    let mut writes = Vec::new();
    for _ in 0..40 {
        let tick = stage.tick(&mut process.scaler).await;
        assert!(codes(&tick).contains(&"stabilized"), "{:?}", codes(&tick));
        process.flush().await;
        writes.push(saved_at(&path, "history"));
    }
    writes.dedup();
    assert!((9..=12).contains(&writes.len()), "{} times in ten minutes", writes.len());
    // Another number is written at once.
    stage.queue(30.0);
    let now = stage.clock.now();
    stage.tick(&mut process.scaler).await;
    process.flush().await;
    assert!(saved_at(&path, "history") >= now);
    close(&process.store);
}

/// The last minute of a wish is not in the file: the window counts from its end all the same.
#[tokio::test]
async fn killed_within_the_minute_a_process_leaves_no_window_that_ends_early() {
    let window = [STARTED, ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m")];
    for ticks in 40..44 {
        let stage = Stage::new(4, 0, 40.0).await;
        let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let path = first.path().join("fas.db");
        let mut process = Process::new(&stage, &path, "s1", &window);
        let mut last = stage.clock.now();
        for _ in 0..ticks {
            last = stage.clock.now();
            stage.tick(&mut process.scaler).await;
            process.flush().await;
        }
        let copy = as_it_is(&path, second.path());
        close(&process.store);
        stage.queue(20.0);
        let mut process = Process::new(&stage, &copy, "s2", &window);
        let mut passes = 0;
        let gone_after = loop {
            let now = stage.clock.now();
            stage.tick(&mut process.scaler).await;
            if stage.fleet().1 < 4 {
                break now.since(last);
            }
            passes += 1;
            assert!(passes < 40, "it never goes");
        };
        let latest = 5 * MINUTE + 2 * INTERVAL;
        assert!((5 * MINUTE..=latest).contains(&gone_after), "{ticks}: {gone_after:?}");
        close(&process.store);
    }
}

#[tokio::test]
async fn what_collectors_remember_is_kept_once_a_minute_though_the_clock_is_set_back() {
    let stage = Stage::new(2, 0, 20.0).await;
    let place = TempDir::new().unwrap();
    let path = place.path().join("fas.db");
    let mut process = Process::new(&stage, &path, "s1", &[STARTED]);
    let mut writes = Vec::new();
    for _ in 0..16 {
        let now = stage.clock.now();
        stage.tick(&mut process.scaler).await;
        process.flush().await;
        let at = saved_at(&path, "measured");
        assert!(now.since(at) < MINUTE, "at {now} it is of {at}");
        writes.push(at);
    }
    writes.dedup();
    assert_eq!(writes.len(), 4, "{writes:?}");
    stage.clock.set_back(60 * MINUTE);
    let now = stage.clock.now();
    stage.tick(&mut process.scaler).await;
    process.flush().await;
    assert_eq!(saved_at(&path, "measured"), now, "not in an hour only");
    close(&process.store);
}

#[tokio::test]
async fn without_a_file_a_restart_never_shrinks_before_its_window_and_says_so() {
    let stage = Stage::new(4, 0, 20.0).await;
    let window = [STARTED, ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m")];
    let began = stage.clock.now();
    for restart in 0..4 {
        let mut scaler = stage.scaler(&format!("s{restart}"), &window);
        for _ in 0..16 {
            let tick = stage.tick(&mut scaler).await;
            assert!(codes(&tick).contains(&"stabilized"), "{:?}", codes(&tick));
            assert_eq!(stage.fleet(), (4, 4), "restart {restart}");
        }
    }
    assert!(stage.clock.now().since(began) > 15 * MINUTE);
    let began = stage.clock.now();
    let mut scaler = stage.scaler("last", &window);
    let mut shrunk = None;
    for _ in 0..30 {
        let now = stage.clock.now();
        stage.tick(&mut scaler).await;
        if stage.fleet().1 < 4 {
            shrunk.get_or_insert(now.since(began));
        }
    }
    let shrunk = shrunk.unwrap();
    assert!((5 * MINUTE..=5 * MINUTE + 2 * INTERVAL).contains(&shrunk), "{shrunk:?}");
}

#[tokio::test]
async fn with_a_file_the_window_goes_on_over_restarts() {
    let stage = Stage::new(4, 0, 20.0).await;
    let place = TempDir::new().unwrap();
    let path = place.path().join("fas.db");
    let window = [STARTED, ("FAS_SCALE_DOWN_STABILIZATION_WINDOW", "5m")];
    let began = stage.clock.now();
    let mut shrunk = None;
    for restart in 0..10 {
        let mut process = Process::new(&stage, &path, &format!("s{restart}"), &window);
        for _ in 0..4 {
            let now = stage.clock.now();
            stage.tick(&mut process.scaler).await;
            if stage.fleet().1 < 4 {
                shrunk.get_or_insert(now.since(began));
            }
        }
        close(&process.store);
    }
    let shrunk = shrunk.unwrap();
    assert!((5 * MINUTE..=5 * MINUTE + 2 * INTERVAL).contains(&shrunk), "{shrunk:?}");
}
