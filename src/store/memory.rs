//! State for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::decide::History;
use crate::model::AppName;
use crate::ports::{AppState, BoxFuture, StateStore};

/// Keeps state in memory, so a restart forgets it: the brake on large destroys counts its wishes
/// anew, and for up to a minute what the last process did is known only as far as the list shows it.
#[derive(Debug)]
pub struct MemoryStore {
    scaler: Arc<str>,
    apps: Mutex<BTreeMap<AppName, AppState>>,
    /// What a file had of the series of apps, for a process that only looks.
    series: Mutex<BTreeMap<AppName, Vec<String>>>,
}

impl MemoryStore {
    /// An empty store for the process `scaler`, the id that makes its create requests unique among
    /// scalers.
    #[must_use]
    pub fn new(scaler: impl Into<Arc<str>>) -> Self {
        Self { scaler: scaler.into(), apps: Mutex::default(), series: Mutex::default() }
    }

    /// Has what an earlier process left of the series of `app`.
    pub(super) fn found_series(&self, app: AppName, series: Vec<String>) {
        self.series.lock().unwrap_or_else(PoisonError::into_inner).insert(app, series);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AppName, AppState>> {
        // A state is replaced whole, so a panic elsewhere leaves none half written, and one app's
        // panic must not stop the others.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for MemoryStore {
    fn load(&self, app: &AppName) -> AppState {
        let fresh = || AppState { history: History::new(Arc::clone(&self.scaler)), measured: None };
        self.lock().get(app).cloned().unwrap_or_else(fresh)
    }

    fn save(&self, app: &AppName, state: AppState) {
        self.lock().insert(app.clone(), state);
    }

    fn secure<'a>(&'a self, app: &'a AppName, state: AppState) -> BoxFuture<'a, ()> {
        // For a tick that panics while it acts: the next one then knows what may have been done.
        self.save(app, state);
        Box::pin(std::future::ready(()))
    }

    fn outlives_process(&self) -> bool {
        false
    }

    fn take_series(&self, app: &AppName) -> Vec<String> {
        let mut series = self.series.lock().unwrap_or_else(PoisonError::into_inner);
        series.remove(app).unwrap_or_default()
    }

    fn forget(&self, app: &AppName) {
        self.lock().remove(app);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Effect, Recent};
    use crate::model::{MachineId, Timestamp};

    #[test]
    fn an_app_never_saved_has_a_fresh_history_of_this_scaler() {
        let store = MemoryStore::new("s1");
        assert_eq!(store.load(&AppName::new("a1")).history, History::new("s1"));
    }

    #[test]
    fn each_app_has_the_history_saved_last() {
        let store = MemoryStore::new("s1");
        let (a1, a2) = (AppName::new("a1"), AppName::new("a2"));
        let mut state = store.load(&a1);
        for machine in ["m1", "m2"] {
            state.history.recent.push(Recent {
                at: Timestamp::from_millis(0),
                effect: Effect::Started { machine: MachineId::new(machine) },
            });
            store.save(&a1, state.clone());
        }
        assert_eq!(store.load(&a1).history.recent.len(), 2);
        assert_eq!(store.load(&a2).history, History::new("s1"));
        store.forget(&a1);
        assert_eq!(store.load(&a1).history, History::new("s1"));
    }
}
