//! How the numbers of a tick came about, and what was done about them, stage by stage.

mod stages;
mod summary;

use serde::{Deserialize, Serialize};

use crate::decide::{Verb, Weight};
use crate::model::{AppName, Region, Scope, TickOutcome, Timestamp};

use super::{Passage, Record};

/// A tick, explained. Made of sentences: whoever shows it needs to know nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Whose tick it is.
    pub app: AppName,
    /// When it began.
    pub at: Timestamp,
    /// When the first and the last of the ticks began that came to the same thing.
    pub from: Timestamp,
    /// See `from`.
    pub until: Timestamp,
    /// How many they were.
    pub ticks: u64,
    /// How it ended.
    pub outcome: TickOutcome,
    /// The short of it, in a sentence: also where nothing was done.
    pub summary: String,
    /// What is about no scope by itself: samples, machines, why there was no plan, advice.
    pub lines: Vec<Explained>,
    /// The scopes, in the order of the plan.
    pub parts: Vec<Part>,
}

/// One scope, explained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which.
    #[serde(flatten)]
    pub scope: Scope,
    /// From the expressions to what Fly answered, in this order.
    pub lines: Vec<Explained>,
}

/// One step of an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// To which stage it belongs.
    pub stage: Stage,
    /// The code of the reason, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What the reason means for its scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<Weight>,
    /// The sentence.
    pub text: String,
}

impl Explanation {
    /// What happened in the tick that the record of `passage` is of, and why.
    #[must_use]
    pub fn of(passage: &Passage) -> Self {
        let Passage { app, from, until, ticks, at, record } = passage;
        Self {
            app: app.clone(),
            at: *at,
            from: *from,
            until: *until,
            ticks: *ticks,
            outcome: record.outcome,
            summary: summary::of(record, *at),
            lines: stages::of_all(record),
            parts: record.scopes.iter().map(|scope| stages::of_scope(scope, record)).collect(),
        }
    }

    /// What of it is about `region`: that scope of each process group, and those over all regions.
    #[must_use]
    pub fn for_region(mut self, region: &Region) -> Self {
        self.parts.retain(|part| part.scope.covers(region));
        self
    }
}

/// The explanation of `passage`, cut to what is about `region`; `None` where `verb` was not planned in it.
#[must_use]
pub fn explained(
    passage: &Passage,
    verb: Option<Verb>,
    region: Option<&Region>,
) -> Option<Explanation> {
    verb.is_none_or(|verb| passage.record.plans(verb, region)).then(|| {
        let explanation = Explanation::of(passage);
        match region {
            Some(region) => explanation.for_region(region),
            None => explanation,
        }
    })
}

impl Record {
    /// Whether such an action was to be done in it, in `region` or anywhere.
    #[must_use]
    pub fn plans(&self, verb: Verb, region: Option<&Region>) -> bool {
        let mut actions = self.scopes.iter().flat_map(|scope| &scope.actions);
        let is_there = |own: Option<&Region>| region.is_none() || own == region;
        actions.any(|action| action.verb == verb && is_there(action.region.as_ref()))
    }
}

/// The stages of a tick, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// What was measured.
    Collect,
    /// The machines that were seen.
    Observe,
    /// What the expressions gave, with the values put in.
    Evaluate,
    /// What changed the number on its way, with its arithmetic, and what kept it from being brought about.
    Limit,
    /// What was to be done, on which machines, and why those.
    Choose,
    /// What Fly answered.
    Act,
}

#[cfg(test)]
mod tests;
