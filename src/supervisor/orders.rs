//! What people ask of the loop: a tick now, to pause, to go on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use super::Supervisor;
use crate::journal::{EntryKind, Noted};
use crate::model::{AppName, Timestamp};
use crate::ports::KeptPauses;
use crate::status::{Change, Tick, TimedText};
use crate::telemetry::events::{
    PauseRecalled, PauseUnreadable, PausesUnread, ScalingPaused, TickOrdered,
};

/// How many may wait for a tick of one app.
const MOST_WAITING: usize = 64;

/// Whoever waits for a tick.
pub(super) type Waiting = oneshot::Sender<Result<Arc<Tick>, NotTicked>>;

/// Why an order did not lead to a tick.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotTicked {
    /// The process ends.
    #[error("the process is stopping: no further tick begins")]
    Stopping,
    /// The app has left the list meanwhile, or the process ends before the tick has.
    #[error("the app is no longer scaled here, or the process is stopping")]
    Gone,
    /// Many wait already.
    #[error("{MOST_WAITING} are waiting for a tick of this app already")]
    Crowded,
    /// The tick panicked.
    #[error("the tick panicked, which is a bug in fly-autoscaler: {0}")]
    Panicked(String),
}

/// What became of an order to pause or to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether a later process knows of it.
    pub outlives_process: bool,
}

/// The orders that the loop has not taken up so far.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Pending>,
    news: Notify,
}

#[derive(Default)]
struct Pending {
    apps: BTreeMap<AppName, Vec<Waiting>>,
    is_closed: bool,
    recall: Recall,
}

/// Whether it is known who was paused in an earlier process.
enum Recall {
    /// Not yet. What was said since counts after it, in this order: the last of each app, and of all.
    Awaited {
        said: Vec<(Option<AppName>, bool)>,
        is_told: bool,
    },
    Done,
}

impl Default for Recall {
    fn default() -> Self {
        Self::Awaited { said: Vec::new(), is_told: false }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Each change is one insertion or one assignment: a panic leaves none half done.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there may be something to take.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    pub(super) fn take(&self) -> BTreeMap<AppName, Vec<Waiting>> {
        std::mem::take(&mut self.lock().apps)
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        let mut pending = self.lock();
        pending.is_closed = true;
        pending.apps.clear();
    }
}

/// A handle to the loop of a [`Supervisor`]. Cheap to clone.
#[derive(Clone)]
pub struct Orders(Supervisor);

impl Supervisor {
    /// A handle, for those who are not the loop.
    #[must_use]
    pub fn orders(&self) -> Orders {
        Orders(self.clone())
    }

    /// Takes up who was paused in an earlier process, as soon as that can be read, and after it what was said
    /// since. Until then ticks act, since a file that never comes must not stop scaling.
    pub(super) fn recall_pauses(&self) {
        let mut pending = self.orders.lock();
        let Recall::Awaited { said, is_told } = &mut pending.recall else { return };
        let kept = self.store.as_ref().map_or(KeptPauses::Read(None), |store| store.kept_pauses());
        let KeptPauses::Read(kept) = kept else {
            if !std::mem::replace(is_told, true) {
                PausesUnread.emit(&self.metrics);
            }
            return;
        };
        let said = std::mem::take(said);
        pending.recall = Recall::Done;
        let pauses = self.board.pauses();
        match kept.map(|text| pauses.restore(&text, &said)) {
            Some(true) if pauses.any() => {
                PauseRecalled { apps: &pauses.to_string() }.emit(&self.metrics);
            }
            Some(false) => PauseUnreadable.emit(&self.metrics),
            Some(true) | None => {}
        }
        if let Some(store) = self.store.as_ref().filter(|_| !said.is_empty()) {
            // It is on its way at once; nobody waits any more for whether it arrives.
            drop(store.keep_pauses(pauses.to_kept()));
        }
        drop(pending);
        self.show_pauses();
    }

    fn show_pauses(&self) {
        for app in self.board.names() {
            self.show_pause(&app);
        }
    }

    pub(super) fn show_pause(&self, app: &AppName) {
        self.metrics.set_paused(app, self.board.pauses().has(app));
    }
}

impl Orders {
    /// A tick of `app` that begins from now on, for `by`. Several who ask at once get the same. One that is
    /// dropped does not stop the tick.
    ///
    /// # Errors
    ///
    /// Where no tick comes of it.
    pub async fn tick(&self, app: &AppName, by: &str) -> Result<Arc<Tick>, NotTicked> {
        TickOrdered { app, by }.emit(&self.0.metrics);
        let (sender, ended) = oneshot::channel();
        {
            let mut pending = self.0.orders.lock();
            if pending.is_closed {
                return Err(NotTicked::Stopping);
            }
            let waiting = pending.apps.entry(app.clone()).or_default();
            waiting.retain(|own| !own.is_closed());
            if waiting.len() >= MOST_WAITING {
                return Err(NotTicked::Crowded);
            }
            waiting.push(sender);
        }
        self.0.orders.news.notify_one();
        ended.await.unwrap_or(Err(NotTicked::Gone))
    }

    /// Pauses `app`, or all, for `by`: from now on nothing begins to be done. What is under way ends.
    pub async fn pause(&self, app: Option<&AppName>, by: &str) -> Standing {
        self.set(app, true, by).await
    }

    /// Lets `app`, or all, go on, for `by`.
    pub async fn resume(&self, app: Option<&AppName>, by: &str) -> Standing {
        self.set(app, false, by).await
    }

    async fn set(&self, app: Option<&AppName>, is_paused: bool, by: &str) -> Standing {
        let supervisor = &self.0;
        let pauses = supervisor.board.pauses();
        supervisor.recall_pauses();
        let kept = {
            let mut pending = supervisor.orders.lock();
            pauses.set(app, is_paused);
            match &mut pending.recall {
                Recall::Done => {
                    supervisor.store.as_ref().map(|store| store.keep_pauses(pauses.to_kept()))
                }
                Recall::Awaited { said, .. } => {
                    said.retain(|(own, _)| app.is_some() && own.as_ref() != app);
                    said.push((app.cloned(), is_paused));
                    None
                }
            }
        };
        supervisor.show_pauses();
        ScalingPaused { app, is_paused, by }.emit(&supervisor.metrics);
        let what = if is_paused { "paused" } else { "resumed" };
        let whose = app.map_or_else(|| "all apps".to_owned(), ToString::to_string);
        let text = format!("scaling of {whose} was {what} by {by}");
        self.note(app, is_paused, supervisor.clock.now(), text);
        let outlives_process = match kept {
            Some(kept) => kept.await,
            None => false,
        };
        Standing { outlives_process }
    }

    fn note(&self, app: Option<&AppName>, is_paused: bool, at: Timestamp, text: String) {
        if let Some(journal) = &self.0.journal {
            let kind = if is_paused { EntryKind::Pause } else { EntryKind::Resume };
            journal.note(Noted { at, app: app.cloned(), kind, text: text.clone() });
        }
        self.0.board.tell(Change::Noted(TimedText { at, text }));
    }
}
