//! The status of every app, shared between the loops that write it and whoever reads it.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::broadcast;

use super::{AppStatus, Pauses, Tick, TimedText};
use crate::decide::{Reason, Weight};
use crate::model::{AppName, Timestamp};

/// How many changes may wait for a reader of [`Board::changes`]. One that is further behind misses some, and
/// is told so: nobody waits for it.
const CHANGES_KEPT: usize = 64;

/// Whether the process does its work, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// It does.
    Ready,
    /// It does not, and why.
    NotReady(String),
}

/// What is known of the list of apps, where they are found by a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppListStatus {
    /// What their names match.
    pub pattern: String,
    /// How many do.
    pub count: usize,
    /// When the list was last read.
    pub read_at: Option<Timestamp>,
    /// Why it could not be read the last time, if so.
    pub last_error: Option<TimedText>,
}

/// The status of every app, shared between the loops that write it and the endpoints that read it.
#[derive(Debug, Clone)]
pub struct Board {
    apps: Arc<RwLock<BTreeMap<AppName, AppStatus>>>,
    app_list: Arc<RwLock<Option<AppListStatus>>>,
    pauses: Pauses,
    changes: broadcast::Sender<Change>,
}

impl Default for Board {
    fn default() -> Self {
        let (changes, _) = broadcast::channel(CHANGES_KEPT);
        Self { apps: Arc::default(), app_list: Arc::default(), pauses: Pauses::default(), changes }
    }
}

/// Something that whoever watches wants to know at once.
#[derive(Debug, Clone)]
pub enum Change {
    /// A tick of the app has ended.
    Tick {
        /// The app.
        app: AppName,
        /// The tick.
        tick: Arc<Tick>,
        /// When the next one is due.
        next_tick: Timestamp,
    },
    /// Something happened that is no tick: the configuration changed, the scaling was paused or resumed.
    Noted(TimedText),
}

impl Board {
    /// Changes the status of `app`, which is added if it is new.
    pub fn update(&self, app: &AppName, change: impl FnOnce(&mut AppStatus)) {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        change(apps.entry(app.clone()).or_insert_with(|| AppStatus::new(app.clone())));
    }

    /// Tells whoever watches.
    pub fn tell(&self, change: Change) {
        // An error means that nobody watches.
        let _ = self.changes.send(change);
    }

    /// What changes from now on. A reader that is too slow misses some of it, and is told so.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Removes `app`, which is no longer scaled.
    pub fn remove(&self, app: &AppName) {
        self.apps.write().unwrap_or_else(PoisonError::into_inner).remove(app);
    }

    /// Replaces what is known of the list of apps.
    pub fn set_app_list(&self, list: AppListStatus) {
        *self.app_list.write().unwrap_or_else(PoisonError::into_inner) = Some(list);
    }

    /// Notes that the list of apps that match `pattern` could not be read.
    pub fn app_list_failed(&self, pattern: &str, error: TimedText) {
        let mut list = self.app_list.write().unwrap_or_else(PoisonError::into_inner);
        let list = list.get_or_insert_with(|| AppListStatus {
            pattern: pattern.to_owned(),
            count: 0,
            read_at: None,
            last_error: None,
        });
        list.last_error = Some(error);
    }

    /// What is known of the list of apps, where they are found by a pattern.
    #[must_use]
    pub fn app_list(&self) -> Option<AppListStatus> {
        self.app_list.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The status of every app, by name.
    #[must_use]
    pub fn apps(&self) -> Vec<AppStatus> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let with_pause =
            |own: &AppStatus| AppStatus { paused: self.pauses.has(&own.app), ..own.clone() };
        apps.values().map(with_pause).collect()
    }

    /// Which apps somebody has paused.
    #[must_use]
    pub fn pauses(&self) -> &Pauses {
        &self.pauses
    }

    /// The names of the apps.
    #[must_use]
    pub fn names(&self) -> Vec<AppName> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Whether `app` is one of them.
    #[must_use]
    pub fn has(&self, app: &AppName) -> bool {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).contains_key(app)
    }

    /// Ready once a tick has ended `acted` or `quiet`, as long as one has within three intervals.
    #[must_use]
    pub fn readiness(&self, now: Timestamp, interval: Duration) -> Readiness {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let last_tick = || apps.values().find_map(|app| app.last_tick.as_ref());
        let Some(last) = apps.values().filter_map(|app| app.last_success).max() else {
            return Readiness::NotReady(match (last_tick(), self.app_list()) {
                (Some(tick), _) => format!("no tick has succeeded yet: {}", trouble(tick)),
                (None, Some(AppListStatus { last_error: Some(error), .. })) => {
                    format!("the list of apps cannot be read: {}", error.text)
                }
                (None, Some(list)) if list.count == 0 => {
                    format!("no app matches `{}`", list.pattern)
                }
                (None, _) => "no tick has ended yet".into(),
            });
        };
        let age = now.since(last);
        if age <= interval.saturating_mul(3) {
            return Readiness::Ready;
        }
        let why = last_tick().map(|tick| trouble(tick));
        Readiness::NotReady(format!(
            "the last successful tick ended {} s ago: {}",
            age.as_secs(),
            why.unwrap_or_default()
        ))
    }
}

/// What stands in the way, in a line.
fn trouble(tick: &Tick) -> String {
    if let Some(error) = &tick.error {
        return error.clone();
    }
    if let Some(failed) = tick.outcomes.iter().find(|outcome| !outcome.is_done()) {
        return failed.to_string();
    }
    let scopes = tick.plan.as_ref().map_or(&[][..], |plan| &plan.scopes);
    let held = scopes.iter().find_map(|scope| {
        let is_hold = |reason: &&Reason| reason.weight() == Weight::Hold;
        Some((&scope.scope, scope.reasons.iter().find(is_hold)?))
    });
    match held {
        None => format!("the last tick ended {}", tick.outcome),
        Some((_, reason)) if scopes.len() == 1 => reason.to_string(),
        Some((scope, reason)) => format!("{scope}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SeriesSize, TickOutcome};

    fn tick(seconds: i64, outcome: TickOutcome, error: Option<&str>) -> Arc<Tick> {
        Arc::new(Tick {
            at: Timestamp::from_millis(seconds * 1000),
            outcome,
            dry_run: false,
            paused: false,
            samples: Vec::new(),
            machines: Vec::new(),
            history: SeriesSize::default(),
            evaluated: Vec::new(),
            plan: None,
            outcomes: Vec::new(),
            advice: Vec::new(),
            error: error.map(Into::into),
            fly_failed: false,
        })
    }

    #[test]
    fn readiness_follows_the_last_success() {
        let board = Board::default();
        let app = AppName::new("web");
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let readiness = |seconds| board.readiness(at(seconds), Duration::from_secs(15));
        let not = |text: &str| Readiness::NotReady(text.into());

        assert_eq!(readiness(0), not("no tick has ended yet"));
        board.update(&app, |own| own.record(tick(1, TickOutcome::Failed, Some("no route")), at(2)));
        assert_eq!(readiness(2), not("no tick has succeeded yet: no route"));
        board.update(&app, |own| own.record(tick(15, TickOutcome::Quiet, None), at(16)));
        assert_eq!(readiness(61), Readiness::Ready);
        board.update(&app, |own| own.record(tick(45, TickOutcome::Held, Some("stale")), at(46)));
        assert_eq!(readiness(62), not("the last successful tick ended 46 s ago: stale"));
    }
}
