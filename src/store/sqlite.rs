//! State in a file that outlives the process: SQLite, written by a thread of its own.
//!
//! Ticks read and write memory. What they change is handed to the thread, which writes what has gathered
//! meanwhile in one transaction; only [`StateStore::secure`] waits for it, and not for long. Whatever
//! happens to the file, the memory goes on.

mod file;
mod queue;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::{FileError, MemoryStore};
use crate::decide::History;
use crate::model::{AppName, Timestamp};
use crate::ports::{AppState, BoxFuture, Clock, KeptPauses, KeptSeries, StateStore};
use crate::telemetry::Metrics;
use crate::telemetry::events::{StateSlow, StateUnflushed, StateUnreadable};

use queue::{Found, Queue};
use writer::Writer;

/// How long a tick waits for the disk before it acts. A disk that is slower must not stop scaling.
const SECURED_WITHIN: Duration = Duration::from_secs(1);
/// How long the process waits at its start for what an earlier one left.
const READ_WITHIN: Duration = Duration::from_secs(2);
/// How long wishes for a large destroy count that an earlier process left: the brake wants them in
/// consecutive ticks, and nobody knows what the ticks between would have wished for.
const WISHES_LAST: Duration = Duration::from_secs(600);

/// How a [`SqliteStore`] is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// The process, whose id makes its create requests unique among scalers.
    pub scaler: Arc<str>,
    /// How long after a trouble the file is tried again.
    pub retry: Duration,
}

/// Keeps state in memory and in a file.
pub struct SqliteStore {
    scaler: Arc<str>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    shared: Arc<Shared>,
}

/// What the ticks and the thread share.
struct Shared {
    queue: Mutex<Queue>,
    /// Something in the queue has changed.
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Each change of the queue is one assignment or one insertion: a panic leaves none half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteStore {
    /// Opens the file, makes it, or goes on without it: then that is logged, and the file is tried again
    /// and again. Waits for a moment until what an earlier process left is read.
    #[must_use]
    pub fn open(options: Options, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let scaler = Arc::clone(&options.scaler);
        let writer = Writer::new(options, &shared, &clock, &metrics);
        let store = Self { scaler, clock, metrics, shared };
        // Without a thread, which a system may refuse, the queue says that nothing outlives the process.
        if std::thread::Builder::new().name("state".into()).spawn(move || writer.run()).is_ok() {
            let queue = store.shared.lock();
            let has_tried = |queue: &mut Queue| !queue.has_tried;
            let waited = store.shared.changed.wait_timeout_while(queue, READ_WITHIN, has_tried);
            drop(waited);
        }
        store
    }

    /// Writes what is not written yet, closes the file and lets go of it; waits for it for as long as
    /// `within`. What is saved afterwards stays in memory.
    pub fn close(&self, within: Duration) {
        let mut queue = self.shared.lock();
        queue.is_closing = true;
        self.shared.changed.notify_all();
        let is_open = |queue: &mut Queue| !queue.is_closed;
        let waited = self.shared.changed.wait_timeout_while(queue, within, is_open);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !queue.is_closed {
            StateUnflushed { within }.emit(&self.metrics);
        }
    }

    /// Takes in `state` and tells whether that changed anything that the file should know.
    fn put(&self, queue: &mut Queue, app: &AppName, state: AppState) {
        let fresh = || History::new(Arc::clone(&self.scaler));
        queue.put(app, state, fresh);
        self.shared.changed.notify_all();
    }

    /// What an earlier process left of `app`, as far as it can be read and still counts.
    fn understood(&self, app: &AppName, found: Found) -> AppState {
        let now = self.clock.now();
        let unreadable = |error: &serde_json::Error| {
            StateUnreadable { app, error }.emit(&self.metrics);
        };
        understood(&self.scaler, found, now, unreadable)
    }
}

/// What `found` says, as far as it can be read; what cannot is told to `unreadable`.
fn understood(
    scaler: &Arc<str>,
    found: Found,
    now: Timestamp,
    unreadable: impl Fn(&serde_json::Error),
) -> AppState {
    let mut history = History::default();
    if let Some((text, saved_at)) = found.history {
        match serde_json::from_str::<History>(&text) {
            Ok(read) => history = read,
            Err(error) => unreadable(&error),
        }
        history.wanted_for_longer(queue::GOES_ON, now);
        if now.since(saved_at) > WISHES_LAST {
            history.large_destroy_wishes.clear();
        }
    }
    history.scaler = Arc::clone(scaler);
    AppState { history, measured: found.measured }
}

impl StateStore for SqliteStore {
    fn load(&self, app: &AppName) -> AppState {
        let mut queue = self.shared.lock();
        if let Some(state) = queue.apps.get(app) {
            return state.clone();
        }
        match queue.found.remove(app) {
            Some(found) => {
                let state = self.understood(app, found);
                queue.apps.insert(app.clone(), state.clone());
                state
            }
            None => AppState { history: History::new(Arc::clone(&self.scaler)), measured: None },
        }
    }

    fn save(&self, app: &AppName, state: AppState) {
        self.put(&mut self.shared.lock(), app, state);
    }

    fn secure<'a>(&'a self, app: &'a AppName, state: AppState) -> BoxFuture<'a, ()> {
        let secured = {
            let mut queue = self.shared.lock();
            self.put(&mut queue, app, state);
            // While the disk has not answered those before, nobody waits for it once more.
            (queue.is_kept && !queue.is_late).then(|| {
                let (sender, secured) = oneshot::channel();
                queue.waiting.push(sender);
                secured
            })
        };
        self.shared.changed.notify_all();
        Box::pin(async move {
            let Some(secured) = secured else { return };
            // An answer that never comes means that the file is given up, which the thread has said.
            if tokio::time::timeout(SECURED_WITHIN, secured).await.is_err() {
                let was_late = std::mem::replace(&mut self.shared.lock().is_late, true);
                if !was_late {
                    StateSlow { app, waited: SECURED_WITHIN }.emit(&self.metrics);
                }
            }
        })
    }

    fn outlives_process(&self) -> bool {
        true
    }

    fn save_series(&self, app: &AppName, series: Vec<KeptSeries>) {
        self.shared.lock().put_series(app, series);
        self.shared.changed.notify_all();
    }

    fn take_series(&self, app: &AppName) -> Vec<String> {
        self.shared.lock().found_series.remove(app).unwrap_or_default()
    }

    fn keep_pauses(&self, pauses: String) -> BoxFuture<'_, bool> {
        let kept = {
            let mut queue = self.shared.lock();
            queue.put_pauses(pauses);
            let (sender, kept) = oneshot::channel();
            // While there is no file, nobody answers: the sender is dropped.
            if queue.is_kept {
                queue.waiting.push(sender);
            }
            kept
        };
        self.shared.changed.notify_all();
        Box::pin(
            async move { matches!(tokio::time::timeout(SECURED_WITHIN, kept).await, Ok(Ok(()))) },
        )
    }

    fn kept_pauses(&self) -> KeptPauses {
        let queue = self.shared.lock();
        if queue.is_read { KeptPauses::Read(queue.pauses.clone()) } else { KeptPauses::Unread }
    }

    fn forget(&self, app: &AppName) {
        self.shared.lock().forget(app);
        self.shared.changed.notify_all();
    }
}

/// What is kept in the file at `path`, for a process that only looks: the file is not changed, and nobody
/// who writes to it notices. `None` where there is no file.
///
/// # Errors
///
/// Where the file cannot be read or is not one of this program's.
pub fn read(
    path: &Path,
    scaler: &Arc<str>,
    now: Timestamp,
) -> Result<Option<MemoryStore>, FileError> {
    if !path.exists() {
        return Ok(None);
    }
    let store = MemoryStore::new(Arc::clone(scaler));
    let (found, series) = queue::by_app(file::rows_of(path)?);
    for (app, found) in found {
        store.save(&app, understood(scaler, found, now, |_| {}));
    }
    for (app, series) in series {
        store.found_series(app, series);
    }
    Ok(Some(store))
}
