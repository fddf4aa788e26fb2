//! What should be, reckoned from the traffic alone.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use fly_autoscaler::model::Region;

/// How many machines each region is to have.
pub(super) type Targets = BTreeMap<Region, usize>;

/// The changes that a row of numbers cannot do without: up and down.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Steps {
    pub(super) up: usize,
    pub(super) down: usize,
}

/// The fewest starts and stops, or creates and destroys, that lead through these targets. A region that is
/// not in one of them has none there.
pub(super) fn least_steps<'a>(targets: impl IntoIterator<Item = &'a Targets>) -> Steps {
    let mut steps = Steps::default();
    let mut targets = targets.into_iter();
    let Some(mut before) = targets.next() else { return steps };
    for now in targets {
        let regions = before.keys().chain(now.keys().filter(|own| !before.contains_key(*own)));
        for region in regions {
            let count = |targets: &Targets| targets.get(region).copied().unwrap_or(0);
            steps.up += count(now).saturating_sub(count(before));
            steps.down += count(before).saturating_sub(count(now));
        }
        before = now;
    }
    steps
}

/// Whether so many were done as were needed, give or take a tenth.
pub(super) fn is_about(done: u64, needed: usize) -> bool {
    let needed = needed as f64;
    (needed * 0.9..=needed * 1.1).contains(&(done as f64))
}

/// The rules of a day: a machine in each region for so much traffic, and the limits around it.
pub(super) struct Rules {
    /// Requests per second that one machine is for.
    pub(super) per_machine: f64,
    /// The regions that are scaled, in order of preference.
    pub(super) regions: Vec<Region>,
    /// The fewest in single regions.
    pub(super) at_least: BTreeMap<Region, usize>,
    /// The most in each region.
    pub(super) at_most: usize,
    /// The most in all regions together.
    pub(super) ceiling: usize,
}

impl Rules {
    /// What is to be at this traffic.
    pub(super) fn targets(&self, traffic: &BTreeMap<Region, f64>) -> Targets {
        let wanted = |region: &Region| {
            let rate = traffic.get(region).copied().unwrap_or(0.0);
            let wanted = (rate / self.per_machine).ceil() as usize;
            wanted.clamp(self.least(region), self.at_most)
        };
        let wanted: Vec<(&Region, usize)> =
            self.regions.iter().map(|region| (region, wanted(region))).collect();
        let mut given: Vec<usize> = wanted.iter().map(|(_, wanted)| *wanted).collect();
        if given.iter().sum::<usize>() > self.ceiling {
            given = self.split(&wanted);
        }
        self.regions.iter().cloned().zip(given).collect()
    }

    /// After what each region must have, one machine after the other to the region that wants the most for each
    /// machine that it would then have (D'Hondt): of equals the one that wants less in all, since the loss of
    /// one machine is more to it, or the one that must have more, or else the first in the list.
    fn split(&self, wanted: &[(&Region, usize)]) -> Vec<usize> {
        let floors: Vec<usize> = wanted.iter().map(|(region, _)| self.least(region)).collect();
        let mut given = floors.clone();
        while given.iter().sum::<usize>() < self.ceiling {
            let claim = |at: usize| {
                let wanted = wanted[at].1;
                (wanted as f64 / (given[at] + 1) as f64, Reverse(wanted), floors[at])
            };
            let open = (0..wanted.len()).filter(|at| given[*at] < wanted[*at].1);
            // The last of equals is taken, and the first is meant.
            let next =
                open.rev().max_by(|one, other| claim(*one).partial_cmp(&claim(*other)).unwrap());
            given[next.unwrap()] += 1;
        }
        given
    }

    fn least(&self, region: &Region) -> usize {
        self.at_least.get(region).copied().unwrap_or(0)
    }
}

#[test]
fn steps_are_counted_in_both_directions_and_by_region() {
    let targets = |cells: &[(&str, usize)]| -> Targets {
        cells.iter().map(|(code, count)| (Region::new(code), *count)).collect()
    };
    let day = [
        targets(&[("lhr", 1), ("nrt", 4)]),
        targets(&[("lhr", 3), ("nrt", 2)]),
        targets(&[("lhr", 3), ("nrt", 2), ("iad", 1)]),
        targets(&[("lhr", 0)]),
    ];
    assert_eq!(least_steps(&day), Steps { up: 3, down: 8 });
    assert!(is_about(100, 100) && is_about(110, 100));
    assert!(!is_about(89, 100) && !is_about(111, 100));
}

#[test]
fn a_ceiling_is_split_in_proportion() {
    let codes = ["iad", "lhr", "nrt"].map(Region::new);
    let split = |ceiling: usize, at_least: &[(&str, usize)], wanted: [usize; 3]| {
        let at_least = at_least.iter().map(|(code, least)| (Region::new(code), *least)).collect();
        let rules =
            Rules { per_machine: 50.0, regions: codes.to_vec(), at_least, at_most: 100, ceiling };
        let traffic = codes.iter().cloned().zip(wanted.map(|count| count as f64 * 50.0)).collect();
        let targets = rules.targets(&traffic);
        [0, 1, 2].map(|index| targets[&codes[index]])
    };
    assert_eq!(split(20, &[], [10, 6, 4]), [10, 6, 4], "it fits");
    assert_eq!(split(10, &[], [10, 6, 4]), [5, 3, 2]);
    assert_eq!(split(3, &[], [10, 6, 4]), [2, 1, 0]);
    assert_eq!(split(3, &[("nrt", 1)], [10, 6, 4]), [1, 1, 1]);
    assert_eq!(split(1, &[], [5, 5, 5]), [1, 0, 0], "the first of the list");
    assert_eq!(split(6, &[], [1, 2, 4]), [1, 2, 3], "the lighter ones first");
    assert_eq!(split(9, &[("lhr", 2)], [0, 0, 4]), [0, 2, 4], "it fits, with what is always there");
}
