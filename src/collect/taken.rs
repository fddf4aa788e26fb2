//! What a collector's sample is taken for: with `empty`, `absent-after` and `on-failure` applied.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::absent::Seen;
use super::memory::{Began, Memory};
use super::{CollectError, Collector};
use crate::model::{Failure, GrowOnly, Instead, OnFailure, Region, Sample, Timestamp};

/// What was measured for one variable or stands for it, or why there is nothing.
pub(super) type Number = Result<Figure, Arc<str>>;

/// A number to reckon with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    pub(super) value: f64,
    /// Set where the number, or one of those that it is the sum of, is a last good value by which nothing
    /// may be scaled down. Of several, the one that runs out first.
    pub(super) grow_only: Option<Arc<GrowOnly>>,
}

impl From<f64> for Figure {
    fn from(value: f64) -> Self {
        Self { value, grow_only: None }
    }
}

/// What one collector's sample is taken for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Taken {
    pub(super) numbers: Numbers,
    pub(super) on_failure: OnFailure,
    /// What is given for single regions in place of what was measured. The sum stays as it was measured.
    pub(super) given: BTreeMap<Region, f64>,
    /// What could not be measured.
    pub(super) failures: Vec<Failure>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// One for the app, and none for a region.
    Plain(Number),
    /// `by: region`, where what stands for the whole sample stands for each region alike.
    Alike(Number),
    /// `by: region`, where the sum is given and nobody has asked for the regions.
    SumAlone(f64),
    /// One for each region that has any, with those that lack it only since lately.
    Each {
        values: BTreeMap<Region, Number>,
        /// That of any other region.
        otherwise: Figure,
        began: Option<Began>,
        absent_after: Duration,
    },
}

/// Applies what `collector` says of failures, and remembers good values. The outcome is handed back: it
/// is another one only where there are more regions than can be kept in mind.
pub(super) fn take(
    collector: &Collector,
    outcome: Result<Sample, CollectError>,
    memory: &mut Memory,
    now: Timestamp,
) -> (Result<Sample, CollectError>, Taken) {
    let metric = collector.source.metric();
    let on_failure = collector.on_failure;
    let taken = |numbers, failures| Taken { numbers, on_failure, given: BTreeMap::new(), failures };
    let (outcome, (numbers, failures)) = match outcome {
        Ok(Sample::Plain { value, .. }) => {
            memory.of(metric).measured(value, now);
            (outcome, (Numbers::Plain(Ok(value.into())), Vec::new()))
        }
        Ok(Sample::ByRegion { ref values, .. }) => {
            let Collector { absent_after, last_for, .. } = *collector;
            match memory.fill(metric, values, now, absent_after, last_for) {
                Some((filled, began)) => {
                    (outcome, in_each_region(collector, filled, began, memory, now))
                }
                None => {
                    let error = CollectError::TooManyRegions { absent_after };
                    let numbers = of_failure(collector, &error, memory, now);
                    (Err(error), numbers)
                }
            }
        }
        Err(ref error) => {
            let numbers = of_failure(collector, error, memory, now);
            (outcome, numbers)
        }
    };
    (outcome, taken(numbers, failures))
}

type WithFailures = (Numbers, Vec<Failure>);

/// The numbers of the regions, and what stands for those of them that failed.
fn in_each_region(
    collector: &Collector,
    values: super::absent::RegionValues,
    began: Began,
    memory: &mut Memory,
    now: Timestamp,
) -> WithFailures {
    let own = memory.of(collector.source.metric());
    let mut failures = Vec::new();
    let mut number = |(region, value): (Region, Result<f64, Arc<str>>)| {
        let number = value.map(Figure::from).or_else(|error| {
            let since = own.fails(Some(&region), now);
            let why = Arc::from(format!("region {region}: {error}"));
            let last = own.last.get(&region).copied();
            let (number, instead) = stand_in(collector, last, &why, since, now);
            failures.push(Failure { region: Some(region.clone()), error, since, instead });
            number
        });
        (region, number)
    };
    let values = values.into_iter().map(&mut number).collect();
    let absent_after = collector.absent_after;
    let numbers = Numbers::Each { values, otherwise: 0.0.into(), began: Some(began), absent_after };
    (numbers, failures)
}

/// What stands for a sample that failed as a whole.
fn of_failure(
    collector: &Collector,
    error: &CollectError,
    memory: &mut Memory,
    now: Timestamp,
) -> WithFailures {
    let own = memory.of(collector.source.metric());
    let alike = |number| {
        if collector.by.has_region() { Numbers::Alike(number) } else { Numbers::Plain(number) }
    };
    if let Some(number) = collector.empty.filter(|_| error.is_empty()) {
        // It was said what it means: that is as good as measured.
        own.measured(number, now);
        return (alike(Ok(number.into())), Vec::new());
    }
    let since = own.fails(None, now);
    let why: Arc<str> = Arc::from(error.to_string());
    let failure = |instead| vec![Failure { region: None, error: Arc::clone(&why), since, instead }];
    let newest = own.last.values().max_by_key(|seen| seen.at).copied();
    let is_by_region = takes_last(collector.on_failure)
        && newest.is_some_and(|newest| own.whole.is_none_or(|whole| whole.at <= newest.at));
    if !is_by_region {
        let (number, instead) = stand_in(collector, own.whole, &why, since, now);
        return (alike(number), failure(instead));
    }
    // Each region has its own last value; one that had none then counted as 0, and that is its last.
    let none = newest.map(|newest| Seen { value: 0.0, ..newest });
    let (otherwise, instead) = stand_in(collector, none, &why, since, now);
    let Ok(otherwise) = otherwise else { return (alike(otherwise), failure(instead)) };
    let mut all = Vec::new();
    let mut number = |(region, seen): (&Region, &Seen)| {
        let (number, instead) = stand_in(collector, Some(*seen), &why, since, now);
        all.push(instead);
        (region.clone(), number)
    };
    let values = own.last.iter().map(&mut number).collect();
    let absent_after = collector.absent_after;
    let numbers = Numbers::Each { values, otherwise, began: own.began, absent_after };
    (numbers, failure(together(all, instead)))
}

fn takes_last(on_failure: OnFailure) -> bool {
    matches!(on_failure, OnFailure::Last | OnFailure::HoldScaleDown)
}

/// What stands for a value that failed, which was `last` the last time that it was measured.
fn stand_in(
    collector: &Collector,
    last: Option<Seen>,
    why: &Arc<str>,
    since: Timestamp,
    now: Timestamp,
) -> (Number, Instead) {
    let grow_only = match collector.on_failure {
        OnFailure::Hold => return (Err(Arc::clone(why)), Instead::Nothing),
        OnFailure::Nil => return (Err(Arc::clone(why)), Instead::Nil),
        OnFailure::Number(value) => return (Ok(value.into()), Instead::Number { value }),
        OnFailure::Last => false,
        OnFailure::HoldScaleDown => true,
    };
    let nothing = |instead: Instead| (Err(Arc::from(format!("{why}; {instead}"))), instead);
    let Some(Seen { value, at: measured_at }) = last else {
        return nothing(Instead::NeverMeasured);
    };
    if !measured_at.is_within(collector.last_for, now) {
        return nothing(Instead::RanOut { measured_at });
    }
    let until = measured_at.plus(collector.last_for);
    let mark = grow_only.then(|| Arc::new(GrowOnly { since, until, why: Arc::clone(why) }));
    let figure = Figure { value, grow_only: mark };
    (Ok(figure), Instead::Last { value, measured_at, until, grow_only })
}

/// What stands for all regions together: the sum of what stands for each, unless one has run out.
fn together(all: Vec<Instead>, otherwise: Instead) -> Instead {
    all.into_iter().fold(otherwise, |one, other| match (one, other) {
        (
            Instead::Last { value, measured_at, until, grow_only },
            Instead::Last { value: other, measured_at: older, until: sooner, .. },
        ) => Instead::Last {
            value: value + other,
            measured_at: measured_at.min(older),
            until: until.min(sooner),
            grow_only,
        },
        (Instead::Last { .. }, other) => other,
        (one, _) => one,
    })
}
