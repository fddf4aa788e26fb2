//! Numbers that can hardly be what was meant: they never change, or leave nothing to go to.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::evaluate::{Expression, PerRegion, ScopeExpressions, machine_count};
use crate::model::{Kind, Timestamp, Value, VariableTable};

use super::super::error::{Notice, Warning};
use super::super::raw::{RawRegions, Values};
use super::super::setting::{EVERY_REGION, Setting};
use super::groups::COUNTS;

/// What metrics often are: fractions, seconds, jobs in a queue, requests, bytes.
const TYPICAL: [f64; 17] =
    [0.0, 0.05, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 1e4, 1e5, 1e6, 1e9];

/// Times of a week that tell by night from by day, and the weekend from the rest: from 1970-01-05, a Monday.
const TIMES: [i64; 4] = [4 * 24 + 3, 4 * 24 + 12, 8 * 24 + 18, 9 * 24 + 12];

/// Warns of the numbers of one process group: those over all regions, which stand in `values`, and those of
/// single ones in `regions`.
pub(super) fn warn_of_numbers(
    expressions: &ScopeExpressions,
    values: &Values,
    per_region: &PerRegion,
    regions: &RawRegions,
    warnings: &mut Vec<Warning>,
) {
    warn_of_scope(expressions, values, None, warnings);
    if let Some(every) = regions.get(EVERY_REGION) {
        warn_of_scope(&per_region.every, &every.values, Some("iad"), warnings);
    }
    for own in regions.single() {
        let compiled = per_region.own.iter().find(|(region, _)| region.as_str() == own.name);
        if let Some((region, compiled)) = compiled {
            warn_of_scope(compiled, &own.values, Some(region.as_str()), warnings);
        }
    }
}

fn warn_of_scope(
    expressions: &ScopeExpressions,
    values: &Values,
    region: Option<&str>,
    warnings: &mut Vec<Warning>,
) {
    let ends = [
        (&expressions.created_min, &expressions.created_max),
        (&expressions.started_min, &expressions.started_max),
    ];
    for ((kind, [one, low, high]), (min, max)) in COUNTS.into_iter().zip(ends) {
        // What a region has from all regions is told there.
        let place = |setting: &'static Setting, expression: &Expression| {
            let given = values.get(setting)?;
            (given.text() == expression.source()).then(|| given.place.clone())
        };
        let mut ends = Vec::with_capacity(2);
        for (expression, end) in [(min, low), (max, high)] {
            let Some(expression) = expression else { continue };
            if let Some(place) = place(one, expression) {
                // Both ends are this one.
                ends = vec![(expression, one, place)];
                break;
            }
            ends.extend(place(end, expression).map(|place| (expression, end, place)));
        }
        if let [(min, _, place), (max, ..)] = ends.as_slice()
            && let Some(notice) = min_above_max(kind, min, max, region)
        {
            warnings.push(Warning { notice, place: place.clone() });
        }
        for (expression, setting, place) in ends {
            if let Some(count) = constant(expression, region) {
                let notice = Notice::Constant { key: setting.key, count };
                warnings.push(Warning { notice, place });
            }
        }
    }
}

/// The first of the typical values at which `min` gives more than `max`.
fn min_above_max(
    kind: Kind,
    min: &Expression,
    max: &Expression,
    region: Option<&str>,
) -> Option<Notice> {
    let names: BTreeSet<&Arc<str>> = min.reads().iter().chain(max.reads()).collect();
    let names: Vec<&Arc<str>> = names.into_iter().filter(|name| ***name != *REGION).collect();
    TYPICAL.into_iter().flat_map(|value| TIMES.map(|hours| (value, hours))).find_map(
        |(value, hours)| {
            let table = table(&names, region, |_| value);
            let (min, max) = (count(min, &table, hours)?, count(max, &table, hours)?);
            let when = match names.as_slice() {
                [] => "always".to_owned(),
                [name] => format!("when {name} is {value}"),
                _ => format!("when every metric is {value}"),
            };
            (min > max).then_some(Notice::MinAboveMaxWhen { kind, min, max, when })
        },
    )
}

/// What `expression` always gives, though it reads a metric.
fn constant(expression: &Expression, region: Option<&str>) -> Option<u32> {
    let names: Vec<&Arc<str>> =
        expression.reads().iter().filter(|name| ***name != *REGION).collect();
    if names.is_empty() {
        return None;
    }
    // The metrics differ from each other, or `errors / requests` would always be one.
    let value =
        |round: usize, name: usize| TYPICAL[(round * (2 * name + 1) + name) % TYPICAL.len()];
    let rounds = (0..TYPICAL.len()).flat_map(|round| TIMES.map(|hours| (round, hours)));
    let mut counts = rounds.filter_map(|(round, hours)| {
        count(expression, &table(&names, region, |name| value(round, name)), hours)
    });
    let first = counts.next()?;
    let mut others = counts.peekable();
    (others.peek().is_some() && others.all(|other| other == first)).then_some(first)
}

const REGION: &str = "region";

fn table(names: &[&Arc<str>], region: Option<&str>, value: impl Fn(usize) -> f64) -> VariableTable {
    let mut table = VariableTable::default();
    for (number, name) in names.iter().enumerate() {
        table.set(Arc::clone(name), Value::Number(value(number)));
    }
    if let Some(region) = region {
        table.set(REGION, Value::Text(Arc::from(region)));
    }
    table
}

fn count(expression: &Expression, table: &VariableTable, hours: i64) -> Option<u32> {
    let at = Timestamp::from_millis(hours * 3_600_000);
    expression.evaluate(table, at).and_then(machine_count).ok()
}
