//! What a tick takes over from the one before, perhaps of another process, and leaves to the next.

use std::sync::Arc;

use crate::act::intents;
use crate::collect::{RegionMemory, goes_on_within};
use crate::decide::{History, Plan};
use crate::model::Timestamp;
use crate::ports::{AppState, Measured};

use super::Reconciler;

impl Reconciler {
    /// What decisions remember. The first time it also takes up what the collectors of an earlier
    /// process remembered, where that is not too long ago.
    pub(super) fn recall(&mut self, now: Timestamp) -> History {
        let AppState { history, measured } = self.adapters.store.load(&self.app);
        if !std::mem::replace(&mut self.has_recalled, true)
            && let Some(Measured { at, memory }) = measured
            && now.since(at) < goes_on_within(&self.collectors)
            && let Some(memory) = RegionMemory::from_kept(&memory)
        {
            self.regions = memory;
        }
        history
    }

    /// Keeps what the next tick has to know.
    pub(super) fn keep(&self, history: History) {
        self.adapters.store.save(&self.app, self.state(history));
    }

    /// Keeps what `plan` is about to do before any of it is asked for: a process that is killed from here
    /// on may have done it.
    pub(super) async fn keep_intents(&self, plan: &Plan) {
        let mut history = plan.next.clone();
        let now = self.adapters.clock.now();
        intents(plan, &self.app).for_each(|outcome| outcome.remember(&mut history, now));
        self.adapters.store.secure(&self.app, self.state(history)).await;
    }

    fn state(&self, history: History) -> AppState {
        let store = &self.adapters.store;
        let memory = store.outlives_process().then(|| self.regions.to_kept()).flatten();
        let at = self.adapters.clock.now();
        AppState {
            history,
            measured: memory.map(|memory| Measured { at, memory: Arc::from(memory) }),
        }
    }
}
