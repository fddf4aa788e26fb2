//! What should be, reckoned from the traffic alone.

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

/// Whether so many were done: no fewer than needed, and no more than a tenth beyond.
pub(super) fn is_about(done: u64, needed: usize) -> bool {
    let needed = needed as f64;
    (needed..=needed * 1.1).contains(&(done as f64))
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
    assert!(!is_about(99, 100) && !is_about(111, 100));
}
