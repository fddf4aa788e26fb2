//! What was wanted in the time that the stabilization windows look back on.

use std::cmp::{max, min};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, Timestamp};

use super::Way;

/// What the expressions of one scope asked for lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recommendations {
    created: [Extremes; 2],
    started: [Extremes; 2],
}

impl Recommendations {
    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().all(|own| own.0.is_empty())
    }

    /// Whether all that is new since `before` is that what was wanted then is wanted still.
    pub(in crate::decide) fn only_goes_on_from(&self, before: &Self) -> bool {
        let pairs = self.all().zip(before.all());
        pairs.into_iter().all(|(own, earlier)| own.only_goes_on_from(earlier))
    }

    /// When any of it was wanted last.
    pub(in crate::decide) fn latest(&self) -> Option<Timestamp> {
        self.all().filter_map(|own| Some(own.0.last()?.at)).max()
    }

    /// Takes what was wanted last as wanted for `span` longer, but not beyond `now`.
    pub(in crate::decide) fn prolong(&mut self, span: Duration, now: Timestamp) {
        for last in
            self.created.iter_mut().chain(&mut self.started).filter_map(|own| own.0.last_mut())
        {
            last.at = max(last.at, min(last.at.plus(span), now));
        }
    }

    fn all(&self) -> impl Iterator<Item = &Extremes> {
        self.created.iter().chain(&self.started)
    }

    /// Those of one number: for growing the lower ends, for shrinking the upper ones.
    pub(super) fn of_mut(&mut self, kind: Kind, way: Way) -> &mut Extremes {
        let own = match kind {
            Kind::Created => &mut self.created,
            Kind::Started => &mut self.started,
        };
        &mut own[usize::from(way == Way::Down)]
    }
}

/// The extremes of a sliding window: the least for growing, the most for shrinking.
///
/// Oldest first, and each less extreme than the one before it: what a later one outdoes can never count
/// again. So there are no more of them than there are different numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extremes(Vec<Entry>);

/// A number, and when it was wanted last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) count: u32,
}

/// More numbers than this are not kept apart.
const MOST: usize = 64;

impl Extremes {
    /// Records that `count` is wanted, and gives the most cautious of what was wanted in `window`.
    ///
    /// With nothing recorded in that time, nor in `gap`, what was wanted is not known, and `there`, what
    /// there is, counts as wanted until now: a restart, or an hour without metrics, is no reason to hurry.
    pub(super) fn record(
        &mut self,
        way: Way,
        count: u32,
        there: u32,
        [window, gap]: [Duration; 2],
        now: Timestamp,
    ) -> Entry {
        self.0.retain(|entry| entry.at.is_within(window.max(gap), now));
        if self.0.is_empty() {
            self.0.push(Entry { at: now, count: there });
        }
        while self.0.pop_if(|last| !way.is_bolder(count, last.count)).is_some() {}
        let latest = Entry { at: now, count };
        self.0.push(latest);
        if self.0.len() > MOST {
            self.merge();
        }
        let mut within = self.0.iter().filter(|entry| entry.at.is_within(window, now));
        within.next().copied().unwrap_or(latest)
    }

    /// Whether nothing differs from `before` but the time of the last entry, and that old ones are gone.
    fn only_goes_on_from(&self, before: &Self) -> bool {
        match (self.0.split_last(), before.0.split_last()) {
            (Some((last, older)), Some((was, before))) => {
                last.count == was.count && before.ends_with(older)
            }
            (own, before) => own.is_none() && before.is_none(),
        }
    }

    /// Makes one entry of the two that are nearest in time: the more cautious number, for the longer time.
    fn merge(&mut self) {
        let distance = |pair: &[Entry]| pair[1].at.since(pair[0].at);
        let pairs = self.0.windows(2).enumerate();
        if let Some((first, pair)) = pairs.min_by_key(|(_, pair)| distance(pair)) {
            self.0[first].at = pair[1].at;
            self.0.remove(first + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    /// The extremes are those of a list of everything, whatever was wanted.
    #[test]
    fn extremes_are_those_of_all_that_was_wanted() {
        let window = Duration::from_secs(60);
        let numbers: Vec<u32> =
            (0..500_u32).map(|tick| (tick * tick * 7 + tick * 13) % 31).collect();
        for way in [Way::Up, Way::Down] {
            let mut extremes = Extremes::default();
            let mut all: Vec<(i64, u32)> = vec![(0, 9)];
            for (tick, &count) in numbers.iter().enumerate() {
                let now = 5 * i64::try_from(tick).expect("a small number");
                all.push((now, count));
                let within = all.iter().filter(|(then, _)| now - then < 60).map(|own| own.1);
                let expected = if way == Way::Up { within.min() } else { within.max() };
                let gap = Duration::from_secs(15);
                let found = extremes.record(way, count, 9, [window, gap], at(now));
                assert_eq!(Some(found.count), expected, "{way:?} at {now}");
            }
        }
    }

    #[test]
    fn a_slow_decline_is_bounded_and_never_too_bold() {
        let window = Duration::from_secs(7 * 24 * 3600);
        let mut extremes = Extremes::default();
        for tick in 0..50_000_u32 {
            let now = at(i64::from(tick));
            let found = extremes.record(Way::Down, 100_000 - tick, 100_000, [window, window], now);
            assert_eq!(found.count, 100_000);
            assert!(extremes.0.len() <= MOST);
        }
    }

    #[test]
    fn a_clock_that_was_wrong_freezes_nothing() {
        let windows = [Duration::from_secs(300), Duration::from_secs(45)];
        let mut extremes = Extremes::default();
        extremes.record(Way::Down, 50, 50, windows, at(1_000_000));
        // Far back: what was recorded then says nothing, and what there is counts.
        assert_eq!(extremes.record(Way::Down, 5, 20, windows, at(1000)).count, 20);
        // A little back: it counts until the window has passed it.
        extremes.record(Way::Down, 40, 40, windows, at(1200));
        assert_eq!(extremes.record(Way::Down, 5, 40, windows, at(1100)).count, 40);
        assert_eq!(extremes.record(Way::Down, 5, 40, windows, at(1499)).count, 40);
        assert_eq!(extremes.record(Way::Down, 5, 40, windows, at(1500)).count, 5);
    }
}
