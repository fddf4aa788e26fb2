//! What a tick takes over from the one before, perhaps of another process, and leaves to the next.

use std::sync::Arc;
use std::time::Duration;

use crate::act::intents;
use crate::collect::{Memory, goes_on_within};
use crate::decide::{History, Plan};
use crate::model::Timestamp;
use crate::ports::{AppState, Measured};

use super::Reconciler;

/// How often what collectors remember is kept anew: it changes with every sample, and a minute of it is soon
/// made up for.
const MEASURED_EVERY: Duration = Duration::from_secs(60);

impl Reconciler {
    /// What decisions remember. The first time it also takes up what the collectors of an earlier
    /// process remembered.
    pub(super) fn recall(&mut self, now: Timestamp) -> History {
        let AppState { history, measured } = self.adapters.store.load(&self.app);
        if !std::mem::replace(&mut self.has_recalled, true)
            && let Some(Measured { at, memory }) = measured
            && let Some(memory) = Memory::from_kept(&memory)
        {
            let is_recent = now.since(at) < goes_on_within(&self.collectors);
            self.memory = if is_recent { memory } else { memory.after_a_gap() };
        }
        history
    }

    /// Keeps what the next tick has to know.
    pub(super) fn keep(&mut self, history: History) {
        let state = self.state(history);
        self.adapters.store.save(&self.app, state);
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
        // Of a clock that was set back nobody waits until it is as late again.
        let is_due = |own: &Measured| at < own.at || at.since(own.at) >= MEASURED_EVERY;
        let is_due = self.measured.as_ref().is_none_or(is_due);
        if self.adapters.store.outlives_process() && is_due {
            let memory = self.memory.to_kept();
            self.measured = memory.map(|memory| Measured { at, memory: Arc::from(memory) });
        }
        AppState { history, measured: self.measured.clone() }
    }
}
