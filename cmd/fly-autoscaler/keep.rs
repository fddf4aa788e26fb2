//! Where state is kept, by the configuration.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::Config;
use fly_autoscaler::ports::{Clock, StateStore};
use fly_autoscaler::store::{self, JournalStore, MemoryStore, Options, SqliteStore, journal};
use fly_autoscaler::telemetry::Metrics;

use crate::compose::scaler_id;
use crate::output;

/// How soon a file that cannot be used is tried again: a disk that was full, another process that had it.
const RETRY: Duration = Duration::from_secs(30);
/// How long the process waits at its end until the file is closed, and then for that of the journal, which is
/// closed meanwhile. With `shutdown-timeout` before it, it has to be over before Fly kills: after 5 s.
const CLOSED_WITHIN: Duration = Duration::from_millis(500);
const JOURNAL_CLOSED_WITHIN: Duration = Duration::from_millis(250);

/// What `serve` keeps its state in.
pub(crate) enum Kept {
    InMemory(Arc<MemoryStore>),
    InFile(Arc<SqliteStore>),
}

impl Kept {
    pub(crate) fn new(config: &Config, clock: &Arc<dyn Clock>, metrics: &Arc<Metrics>) -> Self {
        let scaler = scaler_id(config, clock.now());
        let Some(path) = config.state.clone() else {
            return Self::InMemory(Arc::new(MemoryStore::new(scaler)));
        };
        let options = Options { path, scaler: scaler.into(), retry: RETRY };
        let (clock, metrics) = (Arc::clone(clock), Arc::clone(metrics));
        Self::InFile(Arc::new(SqliteStore::open(options, clock, metrics)))
    }

    pub(crate) fn store(&self) -> Arc<dyn StateStore> {
        match self {
            Self::InMemory(store) => Arc::<MemoryStore>::clone(store),
            Self::InFile(store) => Arc::<SqliteStore>::clone(store),
        }
    }

    /// Writes what is not written yet.
    fn close(&self) {
        if let Self::InFile(store) = self {
            store.close(CLOSED_WITHIN);
        }
    }
}

/// The journal of all ticks: in a file beside that of the state, or in memory.
pub(crate) fn journal(
    config: &Config,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Arc<JournalStore> {
    let options = journal::Options {
        path: config.state.as_deref().map(journal::path_beside),
        retention: config.journal_retention,
        size: config.journal_size,
        retry: RETRY,
    };
    Arc::new(JournalStore::open(options, clock, metrics))
}

/// Writes what is not written yet of both.
pub(crate) fn close(kept: &Kept, journal: &JournalStore) {
    journal.end();
    kept.close();
    journal.close(JOURNAL_CLOSED_WITHIN);
}

/// What `plan` goes by: what `serve` has kept so far, if it keeps anything, and nothing changes that.
pub(crate) fn looked_at(config: &Config, clock: &dyn Clock) -> Arc<dyn StateStore> {
    let scaler: Arc<str> = scaler_id(config, clock.now()).into();
    let path = config.state.as_deref();
    let read = path.map(|path| (path, store::read(path, &scaler, clock.now())));
    match read {
        Some((_, Ok(Some(kept)))) => return Arc::new(kept),
        Some((path, Err(error))) => output::note(format_args!(
            "note: the plan knows nothing of earlier ticks: the state file {}: {error}",
            path.display()
        )),
        Some((_, Ok(None))) | None => {}
    }
    Arc::new(MemoryStore::new(scaler))
}
