//! Reading the list of apps, again and again.

use std::cmp::min;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{Fleet, Renewal};
use crate::model::{AppName, Timestamp};
use crate::ports::{ApiError, BoxFuture};
use crate::reconcile::Reconciler;
use crate::status::{AppListStatus, Board, TimedText};
use crate::telemetry::events::{AppListFailing, AppListRecovered, AppsChanged, NoAppMatches};
use crate::telemetry::metrics::Metrics;

/// How soon the list is tried again where none could be read so far; doubled up to the refresh interval.
const FIRST_RETRY: Duration = Duration::from_secs(5);

type Listed = Result<Vec<AppName>, ApiError>;

/// The list of a fleet's apps.
pub(super) struct Listing {
    fleet: Fleet,
    due: Timestamp,
    reading: Option<BoxFuture<'static, Listed>>,
    /// Whether a list could ever be read.
    has_list: bool,
    /// Failures in a row.
    failures: u32,
    /// Apps that the last list lacked: one that is back in the next goes on as if nothing had been.
    gone: BTreeMap<AppName, Box<Reconciler>>,
}

/// How a list differs from the one before.
#[derive(Default)]
pub(super) struct Change {
    pub(super) added: Vec<Reconciler>,
    pub(super) removed: Vec<AppName>,
}

impl Listing {
    pub(super) fn new(fleet: Fleet, now: Timestamp) -> Self {
        let gone = BTreeMap::new();
        Self { fleet, due: now, reading: None, has_list: false, failures: 0, gone }
    }

    /// Goes on with another configuration: what scales apps, and how often the list is read.
    pub(super) fn renew(&mut self, renewal: &Renewal, now: Timestamp) {
        let make = Arc::clone(&renewal.make);
        let gone = std::mem::take(&mut self.gone).into_iter();
        let renewed = |(app, old): (AppName, Box<Reconciler>)| {
            let new = make(app.clone()).going_on_from(*old);
            (app, Box::new(new))
        };
        self.gone = gone.map(renewed).collect();
        self.fleet.make = Box::new(move |app| make(app));
        self.fleet.refresh = renewal.refresh;
        self.due = min(self.due, now.plus(renewal.refresh));
    }

    /// Begins to read the list, where that is due.
    pub(super) fn begin_if_due(&mut self, now: Timestamp) {
        if self.reading.is_none() && now >= self.due {
            let directory = Arc::clone(&self.fleet.directory);
            self.reading = Some(Box::pin(async move { directory.apps().await }));
        }
    }

    /// Moves what is due along with a clock that was set back by so much.
    pub(super) fn set_back(&mut self, back: Duration) {
        self.due = self.due.minus(back);
    }

    /// In how long it is due; `None` while it is being read.
    pub(super) fn due_in(&self, now: Timestamp) -> Option<Duration> {
        self.reading.is_none().then(|| self.due.since(now))
    }

    /// The list, once it is read.
    pub(super) async fn next(&mut self) -> Listed {
        let Some(reading) = &mut self.reading else { return std::future::pending().await };
        let listed = reading.await;
        self.reading = None;
        listed
    }

    /// Keeps what scaled an app that is no longer listed: a list can be wrong once.
    pub(super) fn keep_gone(&mut self, reconciler: Box<Reconciler>) {
        self.gone.insert(reconciler.app().clone(), reconciler);
    }

    /// What `listed` changes of the apps `known` so far. A failed list changes nothing.
    pub(super) fn take_in<'a>(
        &mut self,
        listed: Listed,
        known: impl Iterator<Item = &'a AppName>,
        now: Timestamp,
        board: &Board,
        metrics: &Metrics,
    ) -> Change {
        let known: BTreeSet<AppName> = known.cloned().collect();
        let pattern = self.fleet.pattern.as_str();
        let apps = match listed {
            Ok(apps) => apps,
            Err(error) => {
                self.failed(&error, known.len(), now, board, metrics);
                return Change::default();
            }
        };
        if self.failures > 0 {
            AppListRecovered { pattern }.emit(metrics);
        }
        let apps: BTreeSet<AppName> = apps.into_iter().collect();
        let added: Vec<AppName> = apps.difference(&known).cloned().collect();
        let removed: Vec<AppName> = known.difference(&apps).cloned().collect();
        if !added.is_empty() || !removed.is_empty() {
            let (added, removed) = (&added, &removed);
            AppsChanged { pattern, count: apps.len(), added, removed }.emit(metrics);
        }
        if apps.is_empty() && (!self.has_list || !removed.is_empty()) {
            NoAppMatches { pattern, again_in: self.fleet.refresh }.emit(metrics);
        }
        self.has_list = true;
        self.failures = 0;
        self.due = now.plus(self.fleet.refresh);
        let status = AppListStatus {
            pattern: pattern.into(),
            count: apps.len(),
            read_at: Some(now),
            last_error: None,
        };
        board.set_app_list(status);
        metrics.set_app_count(apps.len());
        let added = added.into_iter().map(|app| self.begin(app)).collect();
        for (_, reconciler) in std::mem::take(&mut self.gone) {
            reconciler.forget();
        }
        Change { added, removed }
    }

    /// What scales `app` from now on: the one that did before, where it was missing in one list only.
    fn begin(&mut self, app: AppName) -> Reconciler {
        match self.gone.remove(&app) {
            Some(reconciler) => *reconciler,
            None => (self.fleet.make)(app),
        }
    }

    fn failed(
        &mut self,
        error: &ApiError,
        kept: usize,
        now: Timestamp,
        board: &Board,
        metrics: &Metrics,
    ) {
        let pattern = self.fleet.pattern.as_str();
        if self.failures == 0 {
            AppListFailing { pattern, error, kept }.emit(metrics);
        }
        let wait = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(min(self.failures, 16)));
        let wait = if self.has_list { self.fleet.refresh } else { min(wait, self.fleet.refresh) };
        self.failures = self.failures.saturating_add(1);
        self.due = now.plus(wait);
        board.app_list_failed(pattern, TimedText { at: now, text: error.to_string() });
    }
}
