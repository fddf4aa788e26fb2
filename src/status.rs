//! The last tick as data: what HTTP and the commands print.

mod regions;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

pub use regions::{GroupRegions, RegionRow, RowReason};

use crate::act::Outcome;
use crate::decide::{Advice, Observed, Plan, Reason, Weight};
use crate::model::{
    AppName, Failure, HostStatus, MetricName, ProcessGroup, Region, SeriesSize, TickOutcome,
    Timestamp,
};

/// What one collector measured, or why it could not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SampleStatus {
    /// The metric.
    pub metric: MetricName,
    /// Whether it tells regions apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_region: bool,
    /// The value for the app as a whole: the number, or the sum over regions. Where nothing could be
    /// measured, the number that `empty` or `on-failure` puts in its place, or the last value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The value of each region, from a collector that is `by: region`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<Region, f64>,
    /// The regions whose value is no number, each with why.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_regions: BTreeMap<Region, String>,
    /// Why there is no value, or one that was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What could not be measured: since when, and what is read in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// How many machines of a group are in a region and a state.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MachineCount {
    /// The process group; `None` for machines that have none.
    pub group: Option<ProcessGroup>,
    /// The region.
    pub region: Region,
    /// The state, or `unreachable` where the host does not answer.
    pub state: String,
    /// How many.
    pub count: u32,
}

/// Counts machines by group, region and state.
#[must_use]
pub fn machine_counts(observed: &Observed) -> Vec<MachineCount> {
    let mut counts: BTreeMap<(Option<&ProcessGroup>, &Region, &str), u32> = BTreeMap::new();
    for machine in &observed.machines {
        let state = match machine.host_status {
            HostStatus::Ok => machine.state.as_str(),
            HostStatus::Unknown | HostStatus::Unreachable => "unreachable",
        };
        *counts.entry((machine.facts.group.as_ref(), &machine.region, state)).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|((group, region, state), count)| MachineCount {
            group: group.cloned(),
            region: region.clone(),
            state: state.to_owned(),
            count,
        })
        .collect()
}

/// One tick of one app, from its samples to its outcomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// When it began.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: TickOutcome,
    /// Whether it only showed what it would have done.
    pub dry_run: bool,
    /// What was measured.
    pub samples: Vec<SampleStatus>,
    /// What was there before it acted.
    pub machines: Vec<MachineCount>,
    /// How much of the past is kept for expressions that look back.
    pub history: SeriesSize,
    /// What was decided, with reasons; `None` where the machines could not be read.
    pub plan: Option<Plan>,
    /// What became of the actions.
    pub outcomes: Vec<Outcome>,
    /// What was seen that works against the configuration.
    pub advice: Vec<Advice>,
    /// Why there is no plan.
    pub error: Option<String>,
    /// Fly itself did not answer as it should, so that the next tick waits longer.
    pub fly_failed: bool,
}

/// With `regions`, which are derived from the rest.
impl Serialize for Tick {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { at, outcome, dry_run, samples, machines, plan, .. } = self;
        let Self { outcomes, advice, error, .. } = self;
        let has_history = self.history.series > 0;
        let optional = [error.is_some(), !advice.is_empty(), has_history];
        let fields = 9 + optional.into_iter().map(usize::from).sum::<usize>();
        let mut own = serializer.serialize_struct("Tick", fields)?;
        own.serialize_field("at", at)?;
        own.serialize_field("outcome", outcome)?;
        own.serialize_field("dry_run", dry_run)?;
        own.serialize_field("samples", samples)?;
        own.serialize_field("machines", machines)?;
        if has_history {
            own.serialize_field("history", &self.history)?;
        } else {
            own.skip_field("history")?;
        }
        own.serialize_field("regions", &self.regions())?;
        own.serialize_field("plan", plan)?;
        own.serialize_field("outcomes", outcomes)?;
        if advice.is_empty() {
            own.skip_field("advice")?;
        } else {
            let advice = advice.iter().map(|own| Advised { own, text: own.to_string() });
            own.serialize_field("advice", &advice.collect::<Vec<_>>())?;
        }
        match error {
            Some(error) => own.serialize_field("error", error)?,
            None => own.skip_field("error")?,
        }
        own.serialize_field("fly_failed", &self.fly_failed)?;
        own.end()
    }
}

/// Advice with its sentence.
#[derive(Serialize)]
struct Advised<'a> {
    #[serde(flatten)]
    own: &'a Advice,
    text: String,
}

/// What is known of one app between ticks.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AppStatus {
    /// The app.
    pub app: AppName,
    /// The last tick.
    pub last_tick: Option<Arc<Tick>>,
    /// The last tick that had something to do: its plan and outcomes stay visible when it is quiet again.
    pub last_action: Option<Arc<Tick>>,
    /// When a tick last ended `acted` or `quiet`.
    pub last_success: Option<Timestamp>,
    /// Since when every tick was held or failed.
    pub troubled_since: Option<Timestamp>,
    /// When the next tick is due.
    pub next_tick: Option<Timestamp>,
    /// The last error, and when it happened.
    pub last_error: Option<TimedText>,
}

/// A text and when it was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimedText {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
}

impl AppStatus {
    /// An app that has not ticked yet.
    #[must_use]
    pub fn new(app: AppName) -> Self {
        Self {
            app,
            last_tick: None,
            last_action: None,
            last_success: None,
            troubled_since: None,
            next_tick: None,
            last_error: None,
        }
    }

    /// Takes in that a tick panicked at `now`: what was known before it stays.
    pub fn record_panic(&mut self, message: &str, now: Timestamp) {
        self.troubled_since.get_or_insert(now);
        let text = format!("the tick panicked, which is a bug in fly-autoscaler: {message}");
        self.last_error = Some(TimedText { at: now, text });
    }

    /// Takes in a tick that ended at `now`.
    pub fn record(&mut self, tick: Arc<Tick>, now: Timestamp) {
        if tick.outcome.is_success() {
            self.last_success = Some(now);
            self.troubled_since = None;
        } else {
            self.troubled_since.get_or_insert(tick.at);
        }
        let failed = tick.outcomes.iter().find(|outcome| outcome.error().is_some());
        if let Some(text) = tick.error.clone().or_else(|| failed.map(ToString::to_string)) {
            self.last_error = Some(TimedText { at: tick.at, text });
        }
        if tick.plan.as_ref().is_some_and(|plan| plan.actions().next().is_some()) {
            self.last_action = Some(Arc::clone(&tick));
        }
        self.last_tick = Some(tick);
    }
}

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
#[derive(Debug, Clone, Default)]
pub struct Board {
    apps: Arc<RwLock<BTreeMap<AppName, AppStatus>>>,
    app_list: Arc<RwLock<Option<AppListStatus>>>,
}

impl Board {
    /// Changes the status of `app`, which is added if it is new.
    pub fn update(&self, app: &AppName, change: impl FnOnce(&mut AppStatus)) {
        let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
        change(apps.entry(app.clone()).or_insert_with(|| AppStatus::new(app.clone())));
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
        self.apps.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
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

    fn tick(seconds: i64, outcome: TickOutcome, error: Option<&str>) -> Arc<Tick> {
        Arc::new(Tick {
            at: Timestamp::from_millis(seconds * 1000),
            outcome,
            dry_run: false,
            samples: Vec::new(),
            machines: Vec::new(),
            history: SeriesSize::default(),
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
