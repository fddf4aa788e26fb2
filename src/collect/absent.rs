//! Regions that stop giving a value: their traffic may have ended, or their scrape.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::MAX_REGIONS;
use crate::model::{MetricName, ProcessGroup, Region, Timestamp};

/// What was said for each region in one sample.
pub type RegionValues = BTreeMap<Region, Result<f64, Arc<str>>>;

/// The last good value of each region.
pub type LastSeen = BTreeMap<Region, Seen>;

/// A value, and when it was last given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// The value.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// What one app's collectors remember of their regions from tick to tick. Regions are forgotten once
/// they count as 0, so that this stays as small as what is in use.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegionMemory {
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

/// What is remembered of one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Remembered {
    /// When the first sample came.
    began: Timestamp,
    last: LastSeen,
}

impl RegionMemory {
    /// Whether [`RegionMemory::starts_with`] has yet to be told: there is a sample, and nobody has said in
    /// which regions there are machines.
    #[must_use]
    pub fn has_just_begun(&self) -> bool {
        self.at_start.is_none() && !self.metrics.is_empty()
    }

    /// Notes in which regions each group has machines now that the first sample is there. One of them that
    /// has no series may have lost it while this process did not run, so that until `absent-after` is over
    /// nothing is known of it. To the sum over all regions that matters only where its machines may have
    /// served: see [`Presence`].
    pub fn starts_with(&mut self, inhabited: BTreeMap<ProcessGroup, Inhabited>) {
        self.at_start.get_or_insert(inhabited);
    }

    /// The regions in which `group` had machines at the start.
    #[must_use]
    pub fn at_start(&self, group: &ProcessGroup) -> Option<&Inhabited> {
        self.at_start.as_ref()?.get(group)
    }

    /// The values of `metric` with those of regions that lack one only since lately, and when the first
    /// sample came; `None` where there are too many regions.
    pub(super) fn fill(
        &mut self,
        metric: &MetricName,
        values: &RegionValues,
        now: Timestamp,
        absent_after: Duration,
    ) -> Option<(RegionValues, Timestamp)> {
        let own = self
            .metrics
            .entry(metric.clone())
            .or_insert_with(|| Remembered { began: now, last: LastSeen::new() });
        let (filled, remembered) = fill_absent(&own.last, values, now, absent_after);
        if filled.len() > MAX_REGIONS {
            // Nothing new is remembered, so that those go that were no regions.
            own.last.retain(|_, seen| is_within(absent_after, seen.at, now));
            return None;
        }
        own.last = remembered;
        Some((filled, own.began))
    }
}

/// Whether `at` is less than `duration` ago. A time far in the future means that the clock was set back:
/// as good as long ago.
pub(super) fn is_within(duration: Duration, at: Timestamp, now: Timestamp) -> bool {
    now.since(at) < duration && at.since(now) < duration
}

/// Fills in the regions that `previous` knows and `values` lacks: each keeps its last value for
/// `absent_after`, then it is left out, which counts as 0. Gives the filled values and what to
/// remember of them.
///
/// A region whose value failed is not absent: it stays failed, and its last good value is kept for
/// when it does vanish.
#[must_use]
pub fn fill_absent(
    previous: &LastSeen,
    values: &RegionValues,
    now: Timestamp,
    absent_after: Duration,
) -> (RegionValues, LastSeen) {
    let mut filled = values.clone();
    let mut remembered = LastSeen::new();
    for (region, seen) in previous {
        if is_within(absent_after, seen.at, now) {
            filled.entry(region.clone()).or_insert(Ok(seen.value));
            remembered.insert(region.clone(), *seen);
        }
    }
    for (region, value) in values {
        if let Ok(value) = value {
            remembered.insert(region.clone(), Seen { value: *value, at: now });
        }
    }
    (filled, remembered)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const FIVE_MINUTES: Duration = Duration::from_secs(300);

    fn seen(entries: &[(&str, f64, u64)]) -> LastSeen {
        let entry = |(region, value, ago): &(&str, f64, u64)| {
            let at = NOW.minus(Duration::from_secs(*ago));
            (Region::new(region), Seen { value: *value, at })
        };
        entries.iter().map(entry).collect()
    }

    fn values(entries: &[(&str, Option<f64>)]) -> RegionValues {
        let entry = |(region, value): &(&str, Option<f64>)| {
            (Region::new(region), value.ok_or_else(|| Arc::from("NaN")))
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn a_lost_region_keeps_its_value_for_a_while() {
        // what | remembered (value, seconds ago) | now | filled | remembered afterwards
        type Case<'a> = (
            &'a str,
            &'a [(&'a str, f64, u64)],
            &'a [(&'a str, Option<f64>)],
            &'a [(&'a str, Option<f64>)],
            &'a [(&'a str, f64, u64)],
        );
        let table: [Case<'_>; 7] = [
            ("first tick", &[], &[("lhr", Some(1.0))], &[("lhr", Some(1.0))], &[("lhr", 1.0, 0)]),
            (
                "still there",
                &[("lhr", 1.0, 15)],
                &[("lhr", Some(2.0))],
                &[("lhr", Some(2.0))],
                &[("lhr", 2.0, 0)],
            ),
            (
                "just lost",
                &[("iad", 7.0, 299)],
                &[("lhr", Some(1.0))],
                &[("iad", Some(7.0)), ("lhr", Some(1.0))],
                &[("iad", 7.0, 299), ("lhr", 1.0, 0)],
            ),
            (
                "lost for long",
                &[("iad", 7.0, 300)],
                &[("lhr", Some(1.0))],
                &[("lhr", Some(1.0))],
                &[("lhr", 1.0, 0)],
            ),
            (
                "failed is not lost",
                &[("iad", 7.0, 15)],
                &[("iad", None)],
                &[("iad", None)],
                &[("iad", 7.0, 15)],
            ),
            ("failed from the start", &[], &[("iad", None)], &[("iad", None)], &[]),
            (
                "a zero is a value",
                &[("iad", 7.0, 15)],
                &[("iad", Some(0.0))],
                &[("iad", Some(0.0))],
                &[("iad", 0.0, 0)],
            ),
        ];
        for (what, previous, current, filled, remembered) in table {
            let got = fill_absent(&seen(previous), &values(current), NOW, FIVE_MINUTES);
            assert_eq!(got, (values(filled), seen(remembered)), "{what}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_values_for_ever() {
        let future = LastSeen::from([(
            Region::new("iad"),
            Seen { value: 7.0, at: NOW.plus(Duration::from_secs(86_400)) },
        )]);
        let got = fill_absent(&future, &RegionValues::new(), NOW, FIVE_MINUTES);
        assert_eq!(got, (RegionValues::new(), LastSeen::new()));
    }
}
