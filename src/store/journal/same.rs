//! Whether two ticks came to the same thing.

use super::numbers::each_measured;
use crate::decide::Plan;
use crate::journal::Record;
use crate::model::Value;
use crate::status::{Evaluated, SampleStatus, Tick};

/// Whether `later` came to the same thing as `earlier`: all that is kept of them is equal except when they
/// were and what was measured. What did something never is the same as anything.
pub(super) fn is_same(earlier: &Tick, later: &Tick) -> bool {
    if !earlier.outcomes.is_empty() || !later.outcomes.is_empty() {
        return false;
    }
    if are_alike(earlier, later) {
        return true;
    }
    // A plan has more than is kept of it: in a dry run each create has an id of its own.
    let is_close = later.outcome == earlier.outcome && later.error == earlier.error;
    is_close && blank(earlier) == blank(later)
}

/// The record without what was measured.
fn blank(tick: &Tick) -> Record {
    let mut record = Record::of(tick);
    each_measured(&mut record, |_, value| *value = 0.0);
    record
}

/// The same without making records: nearly every tick is like the one before.
fn are_alike(earlier: &Tick, later: &Tick) -> bool {
    let Tick { outcome, dry_run, paused, samples, machines, .. } = earlier;
    let Tick { evaluated, plan, advice, error, .. } = earlier;
    *outcome == later.outcome
        && *dry_run == later.dry_run
        && *paused == later.paused
        && *error == later.error
        && *machines == later.machines
        && are_plans_alike(plan.as_ref(), later.plan.as_ref())
        && all_alike(samples, &later.samples, is_sample_alike)
        && all_alike(evaluated, &later.evaluated, is_evaluated_alike)
        && *advice == later.advice
}

fn all_alike<T>(earlier: &[T], later: &[T], alike: fn(&T, &T) -> bool) -> bool {
    earlier.len() == later.len() && earlier.iter().zip(later).all(|(one, other)| alike(one, other))
}

fn are_plans_alike(earlier: Option<&Plan>, later: Option<&Plan>) -> bool {
    match (earlier, later) {
        (Some(earlier), Some(later)) => earlier.scopes == later.scopes,
        (None, None) => true,
        _ => false,
    }
}

fn is_sample_alike(earlier: &SampleStatus, later: &SampleStatus) -> bool {
    let SampleStatus { metric, by_region, value, regions, failed_regions, error, failures } =
        earlier;
    *metric == later.metric
        && *by_region == later.by_region
        && value.is_some() == later.value.is_some()
        && regions.keys().eq(later.regions.keys())
        && *failed_regions == later.failed_regions
        && *error == later.error
        && *failures == later.failures
}

fn is_evaluated_alike(earlier: &Evaluated, later: &Evaluated) -> bool {
    let Evaluated { scope, kind, side, expression, values, gave, count, error } = earlier;
    *kind == later.kind
        && *side == later.side
        && *scope == later.scope
        && *expression == later.expression
        && values.len() == later.values.len()
        && values.iter().zip(later.values.iter()).all(
            |((name, value), (later_name, later_value))| {
                let is_alike = match (value, later_value) {
                    (Value::Number(_), Value::Number(_)) => true,
                    (value, later) => value == later,
                };
                name == later_name && is_alike
            },
        )
        && gave.is_some() == later.gave.is_some()
        && *count == later.count
        && *error == later.error
}
