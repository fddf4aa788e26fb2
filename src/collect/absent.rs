//! Regions that stop giving a value: their traffic may have ended, or their scrape.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Region, Timestamp};

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

/// Fills in the regions that `previous` knows and `values` lacks: each keeps its last value for
/// `absent_after`, then it is left out, which counts as 0. Gives the filled values and what to
/// remember of them.
///
/// A region whose value failed is not absent: it stays failed, and its last good value is kept for
/// when it does vanish, and for as long as it may stand for what failed (`last_for`).
#[must_use]
pub fn fill_absent(
    previous: &LastSeen,
    values: &RegionValues,
    now: Timestamp,
    absent_after: Duration,
    last_for: Duration,
) -> (RegionValues, LastSeen) {
    let mut filled = values.clone();
    let mut remembered = LastSeen::new();
    for (region, seen) in previous {
        if seen.at.is_within(absent_after, now) {
            filled.entry(region.clone()).or_insert(Ok(seen.value));
            remembered.insert(region.clone(), *seen);
        } else if values.get(region).is_some_and(Result::is_err) && seen.at.is_within(last_for, now)
        {
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
    const LAST_FOR: Duration = Duration::from_secs(900);

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
        let table: [Case<'_>; 9] = [
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
            (
                "failed for long",
                &[("iad", 7.0, 899)],
                &[("iad", None)],
                &[("iad", None)],
                &[("iad", 7.0, 899)],
            ),
            ("failed for too long", &[("iad", 7.0, 900)], &[("iad", None)], &[("iad", None)], &[]),
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
            let got = fill_absent(&seen(previous), &values(current), NOW, FIVE_MINUTES, LAST_FOR);
            assert_eq!(got, (values(filled), seen(remembered)), "{what}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_keep_values_for_ever() {
        let future = LastSeen::from([(
            Region::new("iad"),
            Seen { value: 7.0, at: NOW.plus(Duration::from_secs(86_400)) },
        )]);
        let got = fill_absent(&future, &RegionValues::new(), NOW, FIVE_MINUTES, LAST_FOR);
        assert_eq!(got, (RegionValues::new(), LastSeen::new()));
    }
}
