//! One tick as it is kept: complete, in words and numbers that later versions can read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::act::{ActionResult, Outcome};
use crate::decide::{PlannedAction, Reason, ScopePlan, Tally, Verb, Weight};
use crate::model::{
    Failure, MachineId, MetricName, Region, Scope, ScopeBounds, TickOutcome, Timestamp,
};
use crate::status::{Evaluated, MachineCount, SampleStatus, Tick};

/// What one tick came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How it ended.
    pub outcome: TickOutcome,
    /// Whether it only showed what it would have done.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// Whether that is because somebody had paused the scaling of the app.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// What was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub samples: Vec<SampleRecord>,
    /// The machines before it acted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub machines: Vec<MachineCount>,
    /// How each number came about that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evaluated: Vec<Evaluated>,
    /// What was decided for each scope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ScopeRecord>,
    /// What became of the actions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outcomes: Vec<OutcomeRecord>,
    /// What was seen that works against the configuration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<String>,
    /// Why there was no plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What one collector measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// The metric.
    pub metric: MetricName,
    /// Whether it tells regions apart.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_region: bool,
    /// The value for the app as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The value of each region.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub regions: BTreeMap<Region, f64>,
    /// The regions whose value is no number, each with why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub failed_regions: BTreeMap<Region, String>,
    /// Why there is no value, or one that was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What could not be measured, since when, and what was read in its place, in sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

/// What was decided for one scope.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopeRecord {
    /// Which.
    #[serde(flatten)]
    pub scope: Scope,
    /// What was seen there.
    pub observed: Tally,
    /// What the expressions asked for; `None` where they could not be evaluated.
    pub wanted: Option<ScopeBounds>,
    /// The same after all limits.
    pub targets: Option<ScopeBounds>,
    /// Why, and why not more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonRecord>,
    /// What was to be done, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<ActionRecord>,
    /// Since when something is held in it without a break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReasonRecord {
    /// Its stable code.
    pub code: String,
    /// What it means for its scope.
    pub weight: Weight,
    /// The sentence, with its numbers.
    pub text: String,
}

/// Something that was to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionRecord {
    /// What.
    pub verb: Verb,
    /// On which machine; a create has none yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineId>,
    /// Where; for a create the region tried first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// The same in words.
    pub text: String,
    /// Why.
    pub reason: ReasonRecord,
    /// Why this machine and no other, or what a new one is made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<String>,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRecord {
    /// The scope that it was planned in.
    #[serde(flatten)]
    pub scope: Scope,
    /// What was to be done.
    pub verb: Verb,
    /// On which machine; of a create the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineId>,
    /// Where the machine is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine_region: Option<Region>,
    /// How it ended.
    pub result: ResultKind,
    /// The same in words, with what Fly answered where it failed.
    pub text: String,
    /// Why it was to be done.
    pub reason: ReasonRecord,
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultKind {
    /// Carried out.
    Done,
    /// There was nothing left to do: the machine is gone.
    Gone,
    /// Fly refused or failed.
    Failed,
    /// Fly failed, and it may have happened all the same.
    Unknown,
    /// Not tried.
    NotAttempted,
}

impl Record {
    /// What `tick` came to.
    #[must_use]
    pub fn of(tick: &Tick) -> Self {
        let scopes = tick.plan.iter().flat_map(|plan| &plan.scopes);
        Self {
            outcome: tick.outcome,
            dry_run: tick.dry_run,
            paused: tick.paused,
            samples: tick.samples.iter().map(SampleRecord::from).collect(),
            machines: tick.machines.clone(),
            evaluated: tick.evaluated.clone(),
            scopes: scopes.map(ScopeRecord::from).collect(),
            outcomes: tick.outcomes.iter().map(OutcomeRecord::from).collect(),
            advice: tick.advice.iter().map(ToString::to_string).collect(),
            error: tick.error.clone(),
        }
    }
}

impl From<&SampleStatus> for SampleRecord {
    fn from(sample: &SampleStatus) -> Self {
        Self {
            metric: sample.metric.clone(),
            by_region: sample.by_region,
            value: sample.value,
            regions: sample.regions.clone(),
            failed_regions: sample.failed_regions.clone(),
            error: sample.error.clone(),
            failures: sample.failures.iter().map(told).collect(),
        }
    }
}

/// What could not be measured, since when, and what is read in its place.
fn told(failure: &Failure) -> String {
    let Failure { region, error, since, instead } = failure;
    let place = region.as_ref().map(|region| format!("{region} ")).unwrap_or_default();
    format!("{place}fails since {since}: {error}; {instead}")
}

impl From<&ScopePlan> for ScopeRecord {
    fn from(plan: &ScopePlan) -> Self {
        Self {
            scope: plan.scope.clone(),
            observed: plan.observed,
            wanted: plan.wanted,
            targets: plan.targets,
            reasons: plan.reasons.iter().map(ReasonRecord::from).collect(),
            actions: plan.actions.iter().map(ActionRecord::from).collect(),
            held_since: plan.held_since,
        }
    }
}

impl From<&Reason> for ReasonRecord {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code().to_owned(), weight: reason.weight(), text: reason.to_string() }
    }
}

impl From<&PlannedAction> for ActionRecord {
    fn from(planned: &PlannedAction) -> Self {
        let PlannedAction { action, reason, choice } = planned;
        Self {
            verb: action.verb(),
            machine: action.machine().cloned(),
            region: action.region().cloned(),
            text: action.to_string(),
            reason: reason.into(),
            choice: Some(choice.to_string()),
        }
    }
}

impl From<&Outcome> for OutcomeRecord {
    fn from(outcome: &Outcome) -> Self {
        let asked = || outcome.asked.as_ref().map(|asked| &asked.region);
        let (machine, machine_region) = match &outcome.result {
            ActionResult::Done { machine, region } => (Some(machine), Some(region)),
            _ => (outcome.action.machine(), asked().or_else(|| outcome.action.region())),
        };
        Self {
            scope: outcome.scope.clone(),
            verb: outcome.action.verb(),
            machine: machine.cloned(),
            machine_region: machine_region.cloned(),
            result: (&outcome.result).into(),
            text: outcome.to_string(),
            reason: (&outcome.reason).into(),
        }
    }
}

impl From<&ActionResult> for ResultKind {
    fn from(result: &ActionResult) -> Self {
        match result {
            ActionResult::Done { .. } => Self::Done,
            ActionResult::Gone => Self::Gone,
            ActionResult::Failed(error) if error.outcome_unknown => Self::Unknown,
            ActionResult::Failed(_) => Self::Failed,
            ActionResult::NotAttempted(_) => Self::NotAttempted,
        }
    }
}

#[cfg(test)]
mod tests;
