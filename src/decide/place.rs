//! Where new machines go.

use crate::model::Region;

use super::view::View;

/// The regions to try for each of `count` new machines, in order.
///
/// With listed regions each machine goes to the one with the fewest machines, ties in list order; the
/// other regions follow by the same rule, for the case that Fly has no room. With no list the answer
/// is empty: the new machine goes where the machine that it is cloned from is.
#[must_use]
pub fn place(view: &View<'_>, listed: &[Region], count: u32) -> Vec<Vec<Region>> {
    let mut load: Vec<(usize, &Region)> =
        listed.iter().map(|region| (view.count_in(region), region)).collect();
    (0..count)
        .map(|_| {
            // Stable, so that ties stay in list order.
            let mut order: Vec<usize> = (0..load.len()).collect();
            order.sort_by_key(|&index| load[index].0);
            let regions = order.iter().map(|&index| load[index].1.clone()).collect();
            if let Some(&first) = order.first() {
                load[first].0 += 1;
            }
            regions
        })
        .collect()
}
