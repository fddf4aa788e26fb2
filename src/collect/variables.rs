//! From samples to variables: what was measured, with `empty`, `absent-after` and `on-failure` applied.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::absent::{RegionMemory, RegionValues, fill_absent};
use super::{CollectError, Collector};
use crate::model::{OnFailure, Region, Sample, Timestamp, Value, VariableTable};

/// What was measured for one variable, or why nothing was.
type Measured = Result<f64, Arc<str>>;

/// Sets the variables of one collector: `NAME`, and with `by: region` also `NAME_<region>` for each of
/// the listed `regions` and each that was measured.
///
/// `NAME` is then the sum. Where the whole sample failed, what stands for it (`empty`, `on-failure`)
/// stands for `NAME` and for each region alike.
pub(super) fn set(
    table: &mut VariableTable,
    collector: &Collector,
    outcome: &Result<Sample, CollectError>,
    regions: &[Region],
    memory: &mut RegionMemory,
    now: Timestamp,
) {
    let metric = collector.source.metric();
    let (whole, by_region) = match outcome {
        Ok(Sample::Plain { value, .. }) => (Ok(*value), RegionValues::new()),
        Ok(Sample::ByRegion { values, .. }) => {
            let previous = memory.metrics.entry(metric.clone()).or_default();
            let (filled, remembered) = fill_absent(previous, values, now, collector.absent_after);
            *previous = remembered;
            let filled = with_listed(filled, regions, &Ok(0.0));
            (sum(&filled, collector.on_failure), filled)
        }
        Err(error) => {
            let whole = match collector.empty {
                Some(number) if error.is_empty() => Ok(number),
                _ => Err(Arc::from(error.to_string())),
            };
            let listed = if collector.by.has_region() { regions } else { &[] };
            let by_region = with_listed(RegionValues::new(), listed, &whole);
            (whole, by_region)
        }
    };
    settle(table, metric.as_str(), whole, collector.on_failure);
    for (name, value) in named(metric.as_str(), by_region) {
        settle(table, &name, value, collector.on_failure);
    }
}

/// `values`, and `otherwise` for each of `regions` that is not among them.
fn with_listed(mut values: RegionValues, regions: &[Region], otherwise: &Measured) -> RegionValues {
    for region in regions {
        values.entry(region.clone()).or_insert_with(|| otherwise.clone());
    }
    values
}

/// All regions together. A region that failed fails the sum, unless a number stands for it.
fn sum(values: &RegionValues, on_failure: OnFailure) -> Measured {
    let mut total = 0.0;
    for (region, value) in values {
        total += match (value, on_failure) {
            (Ok(value), _) => *value,
            (Err(_), OnFailure::Number(number)) => number,
            (Err(why), _) => return Err(Arc::from(format!("region {region}: {why}"))),
        };
    }
    if total.is_finite() {
        Ok(total)
    } else {
        Err(Arc::from("the sum of all regions is too large for a number"))
    }
}

/// The variables of the regions. Two regions that come to one name fail it: nobody could tell which is
/// meant.
fn named(metric: &str, values: RegionValues) -> BTreeMap<String, Measured> {
    let mut named: BTreeMap<String, Measured> = BTreeMap::new();
    for (region, value) in values {
        let name = format!("{metric}_{}", as_name(region.as_str()));
        let clash = format!("more than one region is called `{name}` in expressions");
        named.entry(name).and_modify(|other| *other = Err(Arc::from(clash))).or_insert(value);
    }
    named
}

/// A region as the end of a variable's name: lower-case, `_` for whatever no name can have.
fn as_name(region: &str) -> String {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() => c,
        _ => '_',
    };
    region.chars().map(letter).collect()
}

/// Sets one variable, with `on-failure` applied where there is no number.
fn settle(table: &mut VariableTable, name: &str, measured: Measured, on_failure: OnFailure) {
    match (measured, on_failure) {
        (Ok(number), _) | (Err(_), OnFailure::Number(number)) => {
            table.set(name, Value::Number(number));
        }
        (Err(_), OnFailure::Nil) => table.set(name, Value::Nil),
        (Err(why), OnFailure::Hold) => table.fail(name, why),
    }
}
