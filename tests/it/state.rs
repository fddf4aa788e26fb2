//! What survives a restart: the file, its troubles, and a process that is killed anywhere.

mod beside;
mod file;
mod kept;
pub(crate) mod kills;
mod kills_with_care;
mod pauses;
mod polls;
mod restarts;
mod round_trip;
mod troubles;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::{Effect, History, Refusal};
use fly_autoscaler::model::{AppName, MachineId, ProcessGroup, Region, Scope, Timestamp};
use fly_autoscaler::ports::{AppState, Clock, StateStore};
use fly_autoscaler::sim::ManualClock;
use fly_autoscaler::store::{Options, SqliteStore};
use fly_autoscaler::telemetry::Metrics;
use tempfile::TempDir;

/// A folder for the file, a time, and what opens a store in it.
struct Place {
    directory: TempDir,
    clock: Arc<ManualClock>,
    metrics: Arc<Metrics>,
}

impl Place {
    fn new() -> Self {
        let start = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let metrics = Arc::new(Metrics::new("test", "test"));
        Self { directory: TempDir::new().unwrap(), clock, metrics }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("fas.db")
    }

    /// A store on the file, for the process `scaler`.
    fn open(&self, scaler: &str) -> SqliteStore {
        store(&self.path(), scaler, self.clock.clone(), &self.metrics)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether the metric says that the file is in use.
    fn is_ok(&self) -> bool {
        let text = self.metrics.render().unwrap();
        text.lines().any(|line| line == "fas_state_ok 1")
    }

    /// The names in the folder, in order.
    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries.map(|entry| name(entry).into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn store(path: &Path, scaler: &str, clock: Arc<dyn Clock>, metrics: &Arc<Metrics>) -> SqliteStore {
    let retry = Duration::from_millis(20);
    let options = Options { path: path.to_owned(), scaler: scaler.into(), retry };
    SqliteStore::open(options, clock, Arc::clone(metrics))
}

/// Closes a store as `serve` does at its end.
fn close(store: &SqliteStore) {
    store.close(Duration::from_secs(30));
}

fn app(name: &str) -> AppName {
    AppName::new(name)
}

fn iad() -> Scope {
    Scope { group: ProcessGroup::new("app"), region: Some(Region::new("iad")) }
}

/// A history of the process `scaler` in which a machine was started and a region had no room.
fn eventful(scaler: &str, at: Timestamp) -> History {
    let mut history = History::new(scaler);
    history.record(at, Effect::Started { machine: MachineId::new("m1") });
    history.resting.insert(iad(), Refusal { at, answer: "422 no room".into() });
    history.large_destroy_wishes.insert(iad(), 2);
    history
}

fn state(history: History) -> AppState {
    AppState { history, measured: None }
}

/// Saves an eventful history of `name` and closes the file.
fn filled(place: &Place, name: &str) {
    let store = place.open("s1");
    store.save(&app(name), state(eventful("s1", place.now())));
    close(&store);
}

/// Waits until `is_so`, which a thread that is no task brings about: that of the state, or of the journal.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let mut polls = 0;
    while !is_so() {
        polls += 1;
        assert!(polls < 2000, "{what} never came");
        std::thread::sleep(Duration::from_millis(5));
    }
}
