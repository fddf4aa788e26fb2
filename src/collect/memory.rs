//! What collectors remember from tick to tick: last good values, and since when there are none.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::absent::{LastSeen, RegionValues, Seen, fill_absent};
use super::{Collector, MAX_REGIONS};
use crate::model::{MetricName, ProcessGroup, Region, Timestamp};

/// What one app's collectors remember: of each metric its last good value, in each region where it is
/// `by: region`. Regions are forgotten once they count as 0, and metrics once no collector fills them, so
/// that this stays as small as what is in use.
///
/// It may be written down and read again by a later process, which then knows what a metric last had.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    metrics: BTreeMap<MetricName, Remembered>,
    /// The regions in which each group had machines when the first sample came.
    at_start: Option<BTreeMap<ProcessGroup, Inhabited>>,
}

/// The regions in which a process group has machines.
pub type Inhabited = BTreeMap<Region, Presence>;

/// What the machines of a region can have done until now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// None of them runs: they can have served nothing.
    AtRest,
    /// One of them runs, or did until a moment ago, or nobody can tell: it may have served.
    MayServe,
}

/// From when on samples by region have come without a long gap.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Began {
    pub(super) at: Timestamp,
    /// The source came back, after it had failed for long; else it is the start of the process.
    pub(super) is_return: bool,
}

/// What is remembered of one metric.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Remembered {
    pub(super) began: Option<Began>,
    /// The last good value of each region.
    pub(super) last: LastSeen,
    /// The last good value, where that was one number for all.
    pub(super) whole: Option<Seen>,
    /// Since when the sample fails as a whole.
    failing: Option<Timestamp>,
    /// Since when it fails in single regions.
    failing_regions: BTreeMap<Region, Timestamp>,
}

impl Memory {
    /// The same for a process that begins so long after that regions may have lost their series while
    /// nobody looked: last values are known, and which regions have machines is to be told again.
    #[must_use]
    pub fn after_a_gap(mut self) -> Self {
        self.at_start = None;
        self.metrics.values_mut().for_each(|own| own.began = None);
        self
    }

    /// The same for collectors that were configured anew: of what is no longer measured, or in another way,
    /// nothing is known, and in which regions there are machines is to be told again.
    #[must_use]
    pub fn with_new_collectors(mut self, before: &[Collector], now: &[Collector]) -> Self {
        let is_same = |metric: &MetricName| {
            let of =
                |all: &'_ [Collector]| all.iter().position(|own| own.source.metric() == metric);
            of(before)
                .zip(of(now))
                .is_some_and(|(before_at, at)| now[at].measures_the_same(&before[before_at]))
        };
        self.metrics.retain(|metric, _| is_same(metric));
        self.at_start = None;
        self
    }

    /// Whether [`Memory::starts_with`] has yet to be told: there is a sample, and nobody has said in
    /// which regions there are machines.
    #[must_use]
    pub fn has_just_begun(&self) -> bool {
        self.at_start.is_none() && self.metrics.values().any(|own| own.began.is_some())
    }

    /// Notes in which regions each group has machines now that the first sample is there, or the first after
    /// the source has failed for long. One of them that has no series may have lost it meanwhile, so that
    /// until `absent-after` is over nothing is known of it. To the sum over all regions that matters only
    /// where its machines may have served: see [`Presence`].
    pub fn starts_with(&mut self, inhabited: BTreeMap<ProcessGroup, Inhabited>) {
        self.at_start.get_or_insert(inhabited);
    }

    /// The regions in which `group` had machines at the start.
    #[must_use]
    pub fn at_start(&self, group: &ProcessGroup) -> Option<&Inhabited> {
        self.at_start.as_ref()?.get(group)
    }

    /// Forgets every metric that is none of these.
    pub(super) fn keep_only(&mut self, metrics: &[&MetricName]) {
        self.metrics.retain(|own, _| metrics.contains(&own));
    }

    /// What is remembered of `metric`.
    pub(super) fn of(&mut self, metric: &MetricName) -> &mut Remembered {
        self.metrics.entry(metric.clone()).or_default()
    }

    /// The values of `metric` with those of regions that lack one only since lately, and from when on there
    /// are samples; `None` where there are too many regions. What failed in a region is kept for `last_for`.
    pub(super) fn fill(
        &mut self,
        metric: &MetricName,
        values: &RegionValues,
        now: Timestamp,
        absent_after: Duration,
        last_for: Duration,
    ) -> Option<(RegionValues, Began)> {
        let own = self.metrics.entry(metric.clone()).or_default();
        let (filled, remembered) = fill_absent(&own.last, values, now, absent_after, last_for);
        if filled.len() > MAX_REGIONS {
            // Nothing new is remembered, so that those go that were no regions.
            own.last.retain(|_, seen| seen.at.is_within(absent_after, now));
            return None;
        }
        own.last = remembered;
        own.whole = None;
        let fails = |region: &Region| values.get(region).is_some_and(Result::is_err);
        own.failing_regions.retain(|region, _| fails(region));
        let gap = own.failing.take().is_some_and(|since| !since.is_within(absent_after, now));
        if gap && own.began.is_some() {
            // What regions lost meanwhile nobody has seen: as at the start.
            own.began = Some(Began { at: now, is_return: true });
            self.at_start = None;
        }
        Some((filled, *own.began.get_or_insert(Began { at: now, is_return: false })))
    }
}

impl Remembered {
    /// Notes that the whole was measured as one number.
    pub(super) fn measured(&mut self, value: f64, now: Timestamp) {
        self.whole = Some(Seen { value, at: now });
        self.failing = None;
        self.failing_regions.clear();
    }

    /// Notes that the sample failed, in `region` or as a whole. Gives since when.
    pub(super) fn fails(&mut self, region: Option<&Region>, now: Timestamp) -> Timestamp {
        let since = match region {
            None => self.failing.get_or_insert(now),
            Some(region) => self.failing_regions.entry(region.clone()).or_insert(now),
        };
        // The clock was set back: what began later begins now.
        *since = (*since).min(now);
        *since
    }
}
