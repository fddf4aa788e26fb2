//! STAGE 1: sources to samples, under one deadline, and from them to the variables of each scope.

pub mod absent;
pub mod expand;
mod for_all;
mod given;
mod kept;
mod memory;
pub mod past;
pub mod prometheus;
mod taken;
pub mod temporal;
mod variables;

use std::fmt;
use std::time::Duration;

use futures::future::join_all;

pub use given::Given;
pub use kept::goes_on_within;
pub use memory::{Inhabited, Memory, Presence};
pub use prometheus::{MachineLoads, PrometheusSource};
pub use temporal::TemporalSource;
pub use variables::{Regions, Variables};

use crate::model::{AppName, By, Failure, MetricName, OnFailure, Region, Sample, Timestamp};
use crate::ports::{MetricSource, SourceError};
use taken::{Numbers, Taken};

/// The most regions of one metric. Fly has some 35; a label that holds something else than a region would
/// otherwise fill the memory.
const MAX_REGIONS: usize = 1000;

/// A source, and how what it says is to be taken.
pub struct Collector {
    /// What measures.
    pub source: Box<dyn MetricSource>,
    /// Which labels its source tells values apart by.
    pub by: By,
    /// How long a measurement may take.
    pub timeout: Duration,
    /// The number that an empty result stands for; `None`: it is a failed sample.
    pub empty: Option<f64>,
    /// How old a sample may be; `None`: any age.
    pub max_age: Option<Duration>,
    /// What a failed sample does.
    pub on_failure: OnFailure,
    /// How long the last good value may stand for what failed, where `on_failure` takes it.
    pub last_for: Duration,
    /// With `by: region`: how long a region that stops giving a value keeps the last one.
    pub absent_after: Duration,
}

impl Collector {
    /// Whether what `other` has measured so far is as good as what this one would have.
    #[must_use]
    pub fn measures_the_same(&self, other: &Self) -> bool {
        (self.source.metric(), self.by) == (other.source.metric(), other.by)
            && self.source.question() == other.source.question()
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("metric", self.source.metric()).finish_non_exhaustive()
    }
}

/// Why a collector has no sample.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CollectError {
    /// The source gave none.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// It did not answer within the collector's timeout.
    #[error("{}", no_answer_within(*.timeout))]
    TimedOut {
        /// The collector's timeout.
        timeout: Duration,
    },
    /// It is older than `max-age`.
    #[error("the sample is {age:?} old, more than max-age ({max_age:?})")]
    TooOld {
        /// How old.
        age: Duration,
        /// The collector's `max-age`.
        max_age: Duration,
    },
    /// There are more regions, with those that were there until lately, than can be regions.
    #[error(
        "more than {MAX_REGIONS} values of the label `region` within absent-after ({absent_after:?}), which can hardly be regions"
    )]
    TooManyRegions {
        /// The collector's `absent-after`.
        absent_after: Duration,
    },
}

/// What one collector measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The collector's metric.
    pub metric: MetricName,
    /// The sample, or why there is none, before `empty`, `absent-after` and `on-failure` are applied.
    pub outcome: Result<Sample, CollectError>,
    /// That there was no series is what `empty` gives a meaning to.
    is_empty_meant: bool,
    /// It was not measured: a number was given in its place.
    is_given: bool,
    /// What is made of it.
    taken: Taken,
}

impl Sampled {
    /// What could not be measured, and what is read in its place.
    #[must_use]
    pub fn failures(&self) -> &[Failure] {
        &self.taken.failures
    }

    /// The numbers that expressions read: that of the app as a whole, or those of its regions.
    #[must_use]
    pub fn used(&self) -> Vec<(Option<&Region>, f64)> {
        match &self.taken.numbers {
            Numbers::Plain(number) | Numbers::Alike(number) => {
                number.iter().map(|own| (None, own.value)).collect()
            }
            Numbers::SumAlone(sum) => vec![(None, *sum)],
            Numbers::Each { values, .. } => {
                let good =
                    values.iter().filter_map(|(region, own)| Some((region, own.as_ref().ok()?)));
                good.map(|(region, own)| (Some(region), own.value)).collect()
            }
        }
    }
}

/// What all collectors of an app measured in one tick. [`Collected::variables`] makes variables of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Collected {
    /// What was measured, in the order of the collectors.
    pub samples: Vec<Sampled>,
}

/// Measures with all `collectors` at once, each under its own timeout.
///
/// `memory` belongs to the app and carries last values from tick to tick.
pub async fn collect(
    collectors: &[Collector],
    app: &AppName,
    memory: &mut Memory,
    now: Timestamp,
) -> Collected {
    let outcomes = join_all(collectors.iter().map(|collector| sample(collector, app, now))).await;
    let metrics: Vec<&MetricName> = collectors.iter().map(|own| own.source.metric()).collect();
    memory.keep_only(&metrics);
    let sampled = |(collector, outcome): (&Collector, _)| {
        let metric = collector.source.metric().clone();
        let (outcome, taken) = taken::take(collector, outcome, memory, now);
        let is_empty_meant =
            collector.empty.is_some() && outcome.as_ref().is_err_and(CollectError::is_empty);
        Sampled { metric, outcome, is_empty_meant, is_given: false, taken }
    };
    Collected { samples: collectors.iter().zip(outcomes).map(sampled).collect() }
}

async fn sample(
    collector: &Collector,
    app: &AppName,
    now: Timestamp,
) -> Result<Sample, CollectError> {
    let timeout = collector.timeout;
    let sample = tokio::time::timeout(timeout, collector.source.sample(app, now))
        .await
        .map_err(|_| CollectError::TimedOut { timeout })??;
    let (Sample::Plain { at, .. } | Sample::ByRegion { at, .. }) = sample;
    match (at.map(|at| now.since(at)), collector.max_age) {
        (Some(age), Some(max_age)) if age > max_age => Err(CollectError::TooOld { age, max_age }),
        _ => Ok(sample),
    }
}

/// That a source took too long, in words.
fn no_answer_within(timeout: Duration) -> String {
    format!("no answer within {timeout:?}")
}

impl CollectError {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Source(SourceError::Empty { .. }))
    }
}

#[cfg(test)]
mod tests;
