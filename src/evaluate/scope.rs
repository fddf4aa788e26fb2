//! The expressions of one scope, and the bounds that they give together.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{EvaluateError, Expression, Look, Read, machine_count};
use crate::model::{Bounds, Kind, ScopeBounds, Side, Timestamp, VariableTable};

/// What the expressions of one scope gave: the bounds, or each expression that failed, and why.
pub type Gave = Result<ScopeBounds, Vec<(Kind, Side, EvaluateError)>>;

/// What one expression of a scope gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Of which number.
    pub kind: Kind,
    /// Of which end; `None`: of both.
    pub side: Option<Side>,
    /// The expression as it was written.
    pub expression: Arc<str>,
    /// What it read.
    pub read: Read,
    /// What it gave, before it was rounded.
    pub gave: Option<f64>,
    /// The same as a number of machines.
    pub count: Result<u32, EvaluateError>,
}

impl Evaluation {
    fn of(
        expression: &Expression,
        (kind, side): (Kind, Option<Side>),
        variables: &VariableTable,
        now: Timestamp,
    ) -> Self {
        let (gave, read) = expression.trace(variables, now);
        Self {
            kind,
            side,
            expression: expression.shared_source(),
            read,
            gave: gave.as_ref().ok().copied(),
            count: gave.and_then(machine_count),
        }
    }
}

/// What was configured for one scope: up to four expressions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeExpressions {
    /// At least this many machines exist.
    pub created_min: Option<Expression>,
    /// At most this many machines exist.
    pub created_max: Option<Expression>,
    /// At least this many machines run.
    pub started_min: Option<Expression>,
    /// At most this many machines run.
    pub started_max: Option<Expression>,
}

impl ScopeExpressions {
    /// Whether a number of this kind is asked for.
    #[must_use]
    pub fn has(&self, kind: Kind) -> bool {
        match kind {
            Kind::Created => self.created_min.is_some() || self.created_max.is_some(),
            Kind::Started => self.started_min.is_some() || self.started_max.is_some(),
        }
    }

    /// These, with those of `other` for a number that is not asked for here.
    #[must_use]
    pub fn or(mut self, other: &Self) -> Self {
        if !self.has(Kind::Created) {
            self.created_min.clone_from(&other.created_min);
            self.created_max.clone_from(&other.created_max);
        }
        if !self.has(Kind::Started) {
            self.started_min.clone_from(&other.started_min);
            self.started_max.clone_from(&other.started_max);
        }
        self
    }

    /// The variables that any of the expressions reads.
    #[must_use]
    pub fn reads(&self) -> BTreeSet<Arc<str>> {
        [&self.created_min, &self.created_max, &self.started_min, &self.started_max]
            .into_iter()
            .flatten()
            .flat_map(|expression| expression.reads().iter().cloned())
            .collect()
    }

    /// The calls of all expressions that look back or ahead, each once.
    #[must_use]
    pub fn looks(&self) -> Vec<&Look> {
        let all = [&self.created_min, &self.created_max, &self.started_min, &self.started_max];
        let mut looks: Vec<&Look> = Vec::new();
        for look in all.into_iter().flatten().flat_map(Expression::looks) {
            if !looks.iter().any(|known| known.call == look.call) {
                looks.push(look);
            }
        }
        looks
    }

    /// The bounds, and how each expression came to what it gave. Where both ends of a pair are the same
    /// expression (`created-machine-count`), it is evaluated once.
    ///
    /// In place of the bounds there is every expression that gave no number of machines, with why: one is
    /// enough to hold the scope.
    pub fn evaluate(&self, variables: &VariableTable, now: Timestamp) -> (Gave, Vec<Evaluation>) {
        let mut failures = Vec::new();
        let mut each: Vec<Evaluation> = Vec::new();
        let mut bounds = |kind, low: &Option<Expression>, high: &Option<Expression>| {
            let is_both = low == high;
            let mut count = |side, expression: &Option<Expression>| {
                let ends = (kind, (!is_both).then_some(side));
                let one = Evaluation::of(expression.as_ref()?, ends, variables, now);
                let count = one.count.clone();
                each.push(one);
                Some(count)
            };
            let min = count(Side::Min, low);
            let max = if is_both { min.clone() } else { count(Side::Max, high) };
            let mut keep = |side, count: Option<Result<u32, EvaluateError>>| {
                count?.map_err(|error| failures.push((kind, side, error))).ok()
            };
            Bounds { min: keep(Side::Min, min), max: keep(Side::Max, max) }
        };
        let created = bounds(Kind::Created, &self.created_min, &self.created_max);
        let started = bounds(Kind::Started, &self.started_min, &self.started_max);
        let gave =
            if failures.is_empty() { Ok(ScopeBounds { created, started }) } else { Err(failures) };
        (gave, each)
    }
}
