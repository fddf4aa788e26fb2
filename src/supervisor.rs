//! Apps times interval, the apps that come and go, and the orderly stop.
//!
//! One loop for one app or ten thousand: it waits for whatever comes first (an app that is due, a tick
//! that has ended, a new list of apps, the stop) and never works itself. Ticks run beside it, a bounded
//! number at a time, each on its own: one that fails, hangs or panics touches no other.

mod listing;
mod orders;
mod pace;
mod renewal;
mod turn;
mod work;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use tokio_util::sync::CancellationToken;

use crate::journal::Journal;
use crate::model::{AppName, AppPattern};
use crate::ports::{Clock, Directory, StateStore};
use crate::reconcile::Reconciler;
use crate::status::Board;
use crate::telemetry::metrics::Metrics;

use orders::Queue;
pub use orders::{NotTicked, Orders, Standing};
pub use renewal::{Make, Renewal};
use work::Work;

/// What the loop works with.
#[derive(Clone)]
pub struct Supervisor {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where each tick is shown.
    pub board: Board,
    /// Where each tick is counted.
    pub metrics: Arc<Metrics>,
    /// How often an app ticks.
    pub interval: Duration,
    /// How long ticks under way may go on after the stop.
    shutdown_timeout: Duration,
    /// Where each tick is kept.
    journal: Option<Arc<dyn Journal>>,
    /// Where it is kept who is paused.
    store: Option<Arc<dyn StateStore>>,
    /// What people have asked for.
    orders: Arc<Queue>,
    renewals: Arc<Renewals>,
}

/// How the loop is to go on, until it has taken that in. The newest counts.
#[derive(Default)]
struct Renewals {
    newest: Mutex<Option<Renewal>>,
    added: Notify,
}

/// The apps that are scaled.
pub enum Apps {
    /// This one.
    One(Box<Reconciler>),
    /// Those that a list names, which is read again and again.
    Found(Fleet),
}

impl From<Reconciler> for Apps {
    fn from(reconciler: Reconciler) -> Self {
        Self::One(Box::new(reconciler))
    }
}

/// Apps that come and go.
pub struct Fleet {
    /// What their names match, for messages.
    pub pattern: AppPattern,
    /// Where they are listed.
    pub directory: Arc<dyn Directory>,
    /// How often that is read.
    pub refresh: Duration,
    /// What scales one of them.
    pub make: Box<dyn Fn(AppName) -> Reconciler + Send + Sync>,
    /// How many are worked on at once.
    pub concurrency: usize,
    /// Each app has its own time within the interval, since each costs requests of its own; otherwise all
    /// tick together, right after what serves all of them was asked.
    pub is_spread: bool,
}

impl Supervisor {
    /// A loop in which an app ticks every `interval` of `clock`, each tick is shown on `board` and counted in
    /// `metrics`, and those under way may go on for `shutdown_timeout` after the stop.
    #[must_use]
    pub fn new(
        clock: Arc<dyn Clock>,
        board: Board,
        metrics: Arc<Metrics>,
        interval: Duration,
        shutdown_timeout: Duration,
    ) -> Self {
        Self {
            clock,
            board,
            metrics,
            interval,
            shutdown_timeout,
            journal: None,
            store: None,
            orders: Arc::default(),
            renewals: Arc::default(),
        }
    }

    /// The same, which keeps each tick in `journal`.
    #[must_use]
    pub fn with_journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// The same, which keeps who is paused in `store`.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn StateStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Has the loop go on with another configuration. Returns at once.
    pub fn go_on_with(&self, renewal: Renewal) {
        *self.renewals.newest.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewal);
        self.renewals.added.notify_one();
    }

    fn take_renewal(&self) -> Option<Renewal> {
        self.renewals.newest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Ticks apps until `stop`. The first tick of an app runs at once; the ticks of an app never
    /// overlap, and one that is due while another still runs is skipped and counted.
    pub async fn run(&self, apps: impl Into<Apps>, stop: CancellationToken) {
        let mut work = Work::new(self, apps.into());
        while !stop.is_cancelled() {
            if let Some(renewal) = self.take_renewal() {
                work.renew(renewal);
            }
            self.recall_pauses();
            work.begin_what_is_ordered();
            work.begin_what_is_due();
            let due = work.due();
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.orders.news() => {}
                () = self.renewals.added.notified() => {}
                () = work.next() => {}
                () = due => {}
            }
        }
        self.orders.close();
        // What was said meanwhile is kept, where the file has just come.
        self.recall_pauses();
        work.wind_up().await;
    }
}
