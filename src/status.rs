//! The last tick as data: what HTTP and the commands print.

mod board;
mod deployment;
mod evaluated;
mod pauses;
mod regions;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

pub use board::{AppListStatus, Board, Change, Readiness};
pub use deployment::{BeforeAndAfter, Counts, Deployment, InRegion};
pub use evaluated::{Evaluated, Values};
pub use pauses::Pauses;
pub use regions::{GroupRegions, RegionRow, RowReason};

use crate::act::Outcome;
use crate::decide::{Advice, Observed, Plan};
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
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Whether that is because somebody has paused the scaling of the app.
    pub paused: bool,
    /// What was measured.
    pub samples: Vec<SampleStatus>,
    /// What was there before it acted.
    pub machines: Vec<MachineCount>,
    /// How much of the past is kept for expressions that look back.
    pub history: SeriesSize,
    /// How each number came about that was asked for; none where the machines could not be read.
    pub evaluated: Vec<Evaluated>,
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
        let Self { paused, evaluated, outcomes, advice, error, .. } = self;
        let has_history = self.history.series > 0;
        let optional =
            [*paused, has_history, !evaluated.is_empty(), !advice.is_empty(), error.is_some()];
        let fields = 9 + optional.into_iter().map(usize::from).sum::<usize>();
        let mut own = serializer.serialize_struct("Tick", fields)?;
        own.serialize_field("at", at)?;
        own.serialize_field("outcome", outcome)?;
        own.serialize_field("dry_run", dry_run)?;
        if *paused {
            own.serialize_field("paused", paused)?;
        } else {
            own.skip_field("paused")?;
        }
        own.serialize_field("samples", samples)?;
        own.serialize_field("machines", machines)?;
        if has_history {
            own.serialize_field("history", &self.history)?;
        } else {
            own.skip_field("history")?;
        }
        own.serialize_field("regions", &self.regions())?;
        if evaluated.is_empty() {
            own.skip_field("evaluated")?;
        } else {
            own.serialize_field("evaluated", evaluated)?;
        }
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
    /// Whether somebody has paused it: then everything is computed and shown, and nothing is done.
    pub paused: bool,
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
            paused: false,
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
