//! What is printed of an evaluation.

use std::collections::BTreeMap;

use fly_autoscaler::collect::Collected;
use fly_autoscaler::evaluate::EvaluateError;
use fly_autoscaler::model::{
    Bounds, Kind, ProcessGroup, Region, ScopeBounds, Side, Value, VariableTable,
};
use fly_autoscaler::reconcile::{Gave, GroupNumbers};
use serde::Serialize;
use serde_json::Number;

use super::MACHINE_COUNTS;
use crate::{DONE, FAILED, output};

/// A process group with what its expressions gave.
pub(super) type Evaluated<'a> = (&'a ProcessGroup, GroupNumbers);

/// Which expression failed, and why.
type Failure = (Kind, Side, EvaluateError);

/// Whole numbers as people write them: `42`, not `42.0`.
pub(super) fn number(value: f64) -> Number {
    // Beyond 2^53 not every whole number is a float, and the digits would pretend otherwise.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Number::from(value as i64)
    } else {
        // Finite: evaluation refuses everything else.
        Number::from_f64(value).unwrap_or_else(|| Number::from(0))
    }
}

/// What the expressions come to.
#[derive(Serialize)]
#[serde(untagged)]
enum Printed {
    /// Upstream's JSON, with the metrics added, and the regions where they have counts of their own.
    One {
        #[serde(flatten)]
        counts: Counts,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        regions: RegionCounts,
        metrics: Metrics,
    },
    /// No counts at the top: a sum, or nulls, would be taken for what some group should have. A group
    /// that could not be evaluated is null.
    Several { process_groups: BTreeMap<String, Option<GroupCounts>>, metrics: Metrics },
}

/// The counts of one process group.
#[derive(Serialize)]
struct Counts {
    created: Ends,
    started: Ends,
}

/// Those of its regions; null for one that could not be evaluated.
type RegionCounts = BTreeMap<String, Option<Counts>>;

/// The same, with the numbers of machines that it was reckoned from.
#[derive(Serialize)]
struct GroupCounts {
    #[serde(flatten)]
    counts: Counts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    regions: RegionCounts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metrics: Metrics,
}

/// Everything that has a number, and null for what has none.
type Metrics = BTreeMap<String, serde_json::Value>;

/// Both ends, null where nothing is asked for.
#[derive(Serialize)]
struct Ends {
    min: Option<u32>,
    max: Option<u32>,
}

impl From<ScopeBounds> for Counts {
    fn from(bounds: ScopeBounds) -> Self {
        let [created, started] =
            [bounds.created, bounds.started].map(|Bounds { min, max }| Ends { min, max });
        Self { created, started }
    }
}

/// Prints what came of it: data for each scope that could be evaluated, errors for the others.
pub(super) fn print(collected: &Collected, evaluated: &[Evaluated<'_>]) -> anyhow::Result<u8> {
    let failures: Vec<_> = evaluated.iter().flat_map(failures).collect();
    let errors: Vec<_> = failures.iter().flat_map(|(_, _, errors)| *errors).collect();
    let common = common(collected, evaluated);
    note_failures(collected, &common, &errors);
    for (group, region, errors) in &failures {
        let group =
            if evaluated.len() > 1 { format!("process group {group}: ") } else { String::new() };
        let region = region.map(|region| format!("region {region}: ")).unwrap_or_default();
        for error in said_once(errors) {
            output::note(format_args!("error: {group}{region}{error}"));
        }
    }
    match evaluated {
        [(_, own)] => {
            if let Ok(bounds) = own.app_wide {
                let metrics = metrics(own.variables.iter());
                let regions = region_counts(own);
                output::json(&Printed::One { counts: bounds.into(), regions, metrics })?;
            }
        }
        several => {
            let counts = |own: &GroupNumbers| {
                let counts = (*own.app_wide.as_ref().ok()?).into();
                let others = own.variables.iter().filter(|(name, _)| common.get(name).is_none());
                Some(GroupCounts { counts, regions: region_counts(own), metrics: metrics(others) })
            };
            let groups = several.iter().map(|(group, own)| (group.to_string(), counts(own)));
            let metrics = metrics(common.iter());
            output::json(&Printed::Several { process_groups: groups.collect(), metrics })?;
        }
    }
    Ok(if failures.is_empty() { DONE } else { FAILED })
}

/// The scopes that failed: the group, one of its regions or none, and why.
fn failures<'a>(
    (group, own): &'a Evaluated<'_>,
) -> impl Iterator<Item = (&'a ProcessGroup, Option<&'a Region>, &'a [Failure])> {
    let by_region = own.by_region.iter().map(|(region, gave)| (Some(region), gave));
    let scopes = std::iter::once((None, &own.app_wide)).chain(by_region);
    scopes.filter_map(|(region, gave)| Some((*group, region, gave.as_ref().err()?.as_slice())))
}

/// The variables that are the same for all groups: not the numbers of their machines, which are only
/// alike by chance, and with `unlisted-regions: nearest` not those of regions that take in others.
fn common(collected: &Collected, evaluated: &[Evaluated<'_>]) -> VariableTable {
    let mut common = VariableTable::default();
    let Some(((_, first), others)) = evaluated.split_first() else { return common };
    let is_metric = |name: &str| collected.samples.iter().any(|own| own.metric.as_str() == name);
    for (name, value) in first.variables.iter() {
        let is_own = MACHINE_COUNTS.contains(&name) && !is_metric(name);
        if is_own || others.iter().any(|(_, own)| own.variables.get(name) != Some(value)) {
            continue;
        }
        match value {
            Ok(value) => common.set(name, value.clone()),
            Err(why) => common.fail(name, why),
        }
    }
    common
}

fn region_counts(own: &GroupNumbers) -> RegionCounts {
    let counts = |gave: &Gave| gave.as_ref().ok().map(|bounds| (*bounds).into());
    own.by_region.iter().map(|(region, gave)| (region.to_string(), counts(gave))).collect()
}

fn metrics<'a>(variables: impl Iterator<Item = (&'a str, Result<&'a Value, &'a str>)>) -> Metrics {
    let shown = |value: Result<&Value, &str>| match value {
        Ok(Value::Number(value)) => number(*value).into(),
        Ok(Value::Truth(truth)) => (*truth).into(),
        Ok(Value::Text(text)) => text.as_ref().into(),
        Ok(Value::Nil) | Err(_) => serde_json::Value::Null,
    };
    variables.map(|(name, value)| (name.to_owned(), shown(value))).collect()
}

/// Says which collectors failed without making an expression fail: `empty`, `on-failure` or --var gave a
/// value, or nothing reads the metric.
fn note_failures(collected: &Collected, variables: &VariableTable, errors: &[&Failure]) {
    for sampled in &collected.samples {
        let Err(failure) = &sampled.outcome else { continue };
        let name = sampled.metric.as_str();
        let is_said = errors.iter().any(
            |(_, _, error)| matches!(error, EvaluateError::Metric { name: read, .. } if **read == *name),
        );
        let instead = match variables.get(name) {
            Some(Ok(Value::Number(value))) => format!("; {} stands for it", number(*value)),
            Some(Ok(_)) => "; nil stands for it".to_owned(),
            Some(Err(_)) | None => "; no expression reads it".to_owned(),
        };
        if !is_said {
            output::note(format_args!("warning: metric `{name}` has no value: {failure}{instead}"));
        }
    }
}

/// One line for each thing that is wrong: a metric that both ends read fails once, and so does an
/// expression that is both ends.
fn said_once(errors: &[Failure]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (kind, side, error) in errors {
        let is_both =
            errors.iter().any(|other| (other.0, &other.2) == (*kind, error) && other.1 != *side);
        let line = match error {
            EvaluateError::Metric { .. } => error.to_string(),
            error if is_both => format!("{kind} machine count: {error}"),
            error => format!("{side} {kind} machine count: {error}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
