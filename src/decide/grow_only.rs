//! Nothing goes while a last value stands in for a metric that fails (`on-failure: hold-scale-down`).

use std::cmp::max;

use crate::model::{Kind, ScopeBounds};

use super::part::Part;
use super::plan::Tally;
use super::reason::Reason;

/// What is wanted of `part`, with the upper ends raised to what is there where `why` says that nothing may
/// go. Without a reason nothing changes.
pub(super) fn keep(part: &mut Part<'_, '_>, wanted: ScopeBounds, why: &[Reason]) -> ScopeBounds {
    if why.is_empty() {
        return wanted;
    }
    let there = part.plan.observed;
    part.is_grow_only = true;
    part.is_withheld = wanted.created.max.is_some_and(|max| there.created > max);
    part.plan.reasons.extend_from_slice(why);
    raised(wanted, there)
}

/// The same once more, after limits and the bounds over all regions: a hold beats them. What the list shows
/// beyond what there is by our own account stays as well.
pub(super) fn insist(part: &mut Part<'_, '_>) {
    if !part.is_grow_only {
        return;
    }
    let there = part.plan.observed;
    part.bounds = part.bounds.map(|bounds| raised(bounds, there));
    part.plan.targets = part.plan.targets.map(|bounds| raised(bounds, there));
    part.need.destroys = 0;
    part.need.stops = 0;
}

fn raised(mut bounds: ScopeBounds, there: Tally) -> ScopeBounds {
    for kind in [Kind::Created, Kind::Started] {
        let own = bounds.of_mut(kind);
        own.max = own.max.map(|most| max(most, there.of(kind)));
    }
    bounds
}
