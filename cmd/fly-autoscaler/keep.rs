//! Where state is kept, by the configuration.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::Config;
use fly_autoscaler::ports::{Clock, StateStore};
use fly_autoscaler::store::{self, MemoryStore, Options, SqliteStore};
use fly_autoscaler::telemetry::Metrics;

use crate::compose::scaler_id;
use crate::output;

/// How soon a file that cannot be used is tried again: a disk that was full, another process that had it.
const RETRY: Duration = Duration::from_secs(30);
/// How long the process waits at its end until the file is closed. With `shutdown-timeout` before it, it
/// has to be over before Fly kills: after 5 s.
const CLOSED_WITHIN: Duration = Duration::from_millis(500);

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
    pub(crate) fn close(&self) {
        if let Self::InFile(store) = self {
            store.close(CLOSED_WITHIN);
        }
    }
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
