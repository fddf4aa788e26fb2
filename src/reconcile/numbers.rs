//! From what was collected and observed to what is wanted of each group.

use std::sync::Arc;

use crate::collect::Collected;
use crate::decide::view::View;
use crate::decide::{GroupTargets, History, Observed, Reason, Targets, Wanted};
use crate::evaluate::EvaluateError;
use crate::model::{Kind, MetricName, Side, Timestamp, Value, VariableTable};

use super::{Group, Reconciler};

impl Reconciler {
    /// Evaluates the expressions of every group over what was collected and observed.
    pub(super) fn evaluate(
        &self,
        collected: &Collected,
        observed: &Observed,
        history: &History,
        now: Timestamp,
    ) -> Targets {
        let wanted = |group: &Group| {
            let view = View::of_group(observed, &group.group, history, now);
            let table = with_machines(&collected.table, &view);
            match group.expressions.evaluate(&table, now) {
                Ok(bounds) => Wanted::Bounds(bounds),
                Err(errors) => {
                    self.reporter.evaluate_failed(&group.group, &errors);
                    Wanted::Hold(reasons_of(errors))
                }
            }
        };
        let groups = self.groups.iter().map(|group| {
            let policy = Arc::clone(&group.policy);
            GroupTargets::app_wide(group.group.clone(), policy, wanted(group))
        });
        Targets { groups: groups.collect() }
    }
}

/// Adds the observed machine counts, unless a metric has that name.
fn with_machines(table: &VariableTable, view: &View<'_>) -> VariableTable {
    let tally = view.tally();
    let mut table = table.clone();
    for (name, count) in [
        ("created_machines", tally.created),
        ("started_machines", tally.started),
        ("stopped_machines", tally.stopped),
    ] {
        if table.get(name).is_none() {
            table.set(name, Value::Number(f64::from(count)));
        }
    }
    table
}

/// Why a scope has no numbers: each failed metric once, and each expression that failed by itself.
fn reasons_of(errors: Vec<(Kind, Side, EvaluateError)>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for (kind, side, error) in errors {
        let reason = match error {
            EvaluateError::Metric { name, message } => Reason::MetricFailed {
                metric: MetricName::new(&name),
                message: message.to_string(),
            },
            error => Reason::ExpressionFailed { kind, side, message: error.to_string() },
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}
