//! The thread that has the file.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::file::StateFile;
use super::queue::Batch;
use super::{Options, Shared};
use crate::model::AppName;
use crate::ports::Clock;
use crate::store::FileError;
use crate::telemetry::Metrics;
use crate::telemetry::events::{StateKept, StateNotKept, StateSetAside};

/// How long what collectors remember may gather before it is written: many apps then share a
/// transaction.
const GATHERED_FOR: Duration = Duration::from_secs(1);

/// Everything that the thread works with.
pub(super) struct Writer {
    options: Options,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    /// Whether that the file is not to be had was said, and not yet that it is again.
    is_in_trouble: bool,
}

impl Writer {
    pub(super) fn new(
        options: Options,
        shared: &Arc<Shared>,
        clock: &Arc<dyn Clock>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let (shared, clock) = (Arc::clone(shared), Arc::clone(clock));
        Self { options, shared, clock, metrics: Arc::clone(metrics), is_in_trouble: false }
    }

    /// Opens the file and writes what comes, again and again, until the store is closed.
    pub(super) fn run(mut self) {
        while !self.shared.lock().is_closing {
            let mut gone = BTreeSet::new();
            let ended = self.open().and_then(|file| self.serve(file, &mut gone));
            if let Err(error) = ended {
                self.give_up(&error, gone);
                self.rest();
            }
        }
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
    }

    fn path(&self) -> &Path {
        &self.options.path
    }

    fn open(&mut self) -> Result<StateFile, FileError> {
        let (file, set_aside) = StateFile::open(self.path(), self.clock.now())?;
        if let Some(own) = set_aside {
            StateSetAside { path: self.path(), to: &own.to, why: &own.why }.emit(&self.metrics);
        }
        let rows = file.rows()?;
        let was_in_trouble = std::mem::take(&mut self.is_in_trouble);
        StateKept { path: self.path(), rows: rows.len(), again: was_in_trouble }
            .emit(&self.metrics);
        let mut queue = self.shared.lock();
        queue.opened(rows);
        queue.has_tried = true;
        self.shared.changed.notify_all();
        Ok(file)
    }

    /// Writes what there is to write until the store is closed. What was to be dropped from the file when
    /// that failed is left in `gone`.
    fn serve(&self, mut file: StateFile, gone: &mut BTreeSet<AppName>) -> Result<(), FileError> {
        loop {
            let (mut batch, is_closing) = {
                let queue = self.shared.lock();
                let changed = &self.shared.changed;
                let waited = changed.wait_while(queue, |queue| queue.is_empty());
                let queue = waited.unwrap_or_else(PoisonError::into_inner);
                let gathered =
                    changed.wait_timeout_while(queue, GATHERED_FOR, |queue| !queue.is_urgent());
                let (mut queue, _) = gathered.unwrap_or_else(PoisonError::into_inner);
                (queue.take(), queue.is_closing)
            };
            if !batch.is_empty() {
                let now = self.clock.now();
                let series = std::mem::take(&mut batch.series);
                let renewed: Vec<AppName> = series.keys().cloned().collect();
                let rows = batch.rows(now).chain(Batch::series_rows(series, now));
                let dropped = batch.gone.iter().map(AppName::as_str);
                let written = file.write(dropped, renewed.iter().map(AppName::as_str), rows);
                if let Err(error) = written {
                    *gone = batch.gone;
                    return Err(error);
                }
            }
            self.shared.lock().is_late = false;
            for waiting in batch.waiting {
                // Whoever waited may have given up.
                let _ = waiting.send(());
            }
            if is_closing {
                return Ok(());
            }
        }
    }

    fn give_up(&mut self, error: &FileError, gone: BTreeSet<AppName>) {
        if !std::mem::replace(&mut self.is_in_trouble, true) {
            let again_in = self.options.retry;
            StateNotKept { path: self.path(), error, again_in }.emit(&self.metrics);
        }
        let mut queue = self.shared.lock();
        queue.given_up(gone);
        queue.has_tried = true;
        self.shared.changed.notify_all();
    }

    /// Waits until the file is to be tried again, or the store is closed.
    fn rest(&self) {
        let queue = self.shared.lock();
        let is_open = |queue: &mut super::queue::Queue| !queue.is_closing;
        drop(self.shared.changed.wait_timeout_while(queue, self.options.retry, is_open));
    }
}
