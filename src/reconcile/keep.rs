//! What a tick takes over from the one before, perhaps of another process, and leaves to the next.

use std::sync::Arc;
use std::time::Duration;

use crate::act::intents;
use crate::collect::{Memory, goes_on_within};
use crate::decide::{History, Plan};
use crate::model::Timestamp;
use crate::ports::{AppState, Measured};
use crate::telemetry::events::SeriesUnreadable;

use super::Reconciler;

/// How often what collectors and series remember is kept anew: it changes with every sample, and a minute of
/// it is soon made up for.
const KEPT_EVERY: Duration = Duration::from_secs(60);

impl Reconciler {
    /// What decisions remember. The first time it also takes up what the collectors of an earlier
    /// process remembered.
    pub(super) fn recall(&mut self, now: Timestamp) -> History {
        let AppState { history, measured } = self.adapters.store.load(&self.app);
        if std::mem::replace(&mut self.has_recalled, true) {
            return history;
        }
        self.recall_series(now);
        if let Some(Measured { at, memory }) = measured
            && let Some(memory) = Memory::from_kept(&memory)
        {
            let is_recent = now.since(at) < goes_on_within(&self.collectors);
            self.memory = if is_recent { memory } else { memory.after_a_gap() };
        }
        history
    }

    /// Takes up the series that an earlier process left. One that cannot be read is that one's trouble.
    fn recall_series(&mut self, now: Timestamp) {
        for text in self.adapters.store.take_series(&self.app) {
            if let Err(error) = self.past.restore(&text, now) {
                let (app, error) = (&self.app, &error);
                SeriesUnreadable { app, error }.emit(&self.adapters.metrics);
            }
        }
        // What was just read is not written again.
        self.series_kept = Some(now);
    }

    /// Keeps what expressions look back and ahead at, for a process that ends.
    pub fn keep_series(&mut self) {
        if !self.adapters.store.outlives_process() || !self.has_recalled {
            return;
        }
        self.series_kept = Some(self.adapters.clock.now());
        if let Some(series) = self.past.to_kept() {
            self.adapters.store.save_series(&self.app, series);
        }
    }

    /// Keeps what the next tick has to know.
    pub(super) fn keep(&mut self, history: History) {
        let state = self.state(history);
        self.adapters.store.save(&self.app, state);
        let now = self.adapters.clock.now();
        if is_due(self.series_kept, now) {
            self.keep_series();
        }
    }

    /// Keeps what `plan` is about to do before any of it is asked for: a process that is killed from here
    /// on may have done it.
    pub(super) async fn keep_intents(&mut self, plan: &Plan) {
        let mut history = plan.next.clone();
        let now = self.adapters.clock.now();
        intents(plan, &self.app).for_each(|outcome| outcome.remember(&mut history, now));
        let state = self.state(history);
        self.adapters.store.secure(&self.app, state).await;
    }

    fn state(&mut self, history: History) -> AppState {
        let at = self.adapters.clock.now();
        let last = self.measured.as_ref().map(|own| own.at);
        if self.adapters.store.outlives_process() && is_due(last, at) {
            let memory = self.memory.to_kept();
            self.measured = memory.map(|memory| Measured { at, memory: Arc::from(memory) });
        }
        AppState { history, measured: self.measured.clone() }
    }
}

/// Whether what was kept at `last` is to be kept anew. Of a clock that was set back nobody waits until it is as
/// late again.
fn is_due(last: Option<Timestamp>, now: Timestamp) -> bool {
    last.is_none_or(|at| at > now || now.since(at) >= KEPT_EVERY)
}
