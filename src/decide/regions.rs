//! Which regions a process group is scaled in, and why not in the others.

use std::collections::BTreeSet;

use crate::model::{Catalog, Region, RegionList};

use super::reason::Reason;
use super::targets::{Policy, Unlisted};

/// The regions of one process group in one tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScaledRegions {
    /// Those that are scaled, in order of preference.
    pub regions: Vec<Region>,
    /// Those of them in which there are machines, though Fly offers no new ones: none is created there.
    pub closed: Vec<Region>,
    /// The others in which there is traffic or a machine, each with why it is not scaled.
    pub skipped: Vec<(Region, Reason)>,
}

/// At most so many regions that are none of Fly's are named: a label may hold anything.
const NAMED_UNKNOWN: usize = 5;

/// Says which regions are scaled: the listed ones, or with `regions: auto` each that has traffic or a
/// machine; never an excluded one, nor one that Fly does not offer, as far as that is known. Where there are
/// machines there is a region, whatever a list says: what runs there is still scaled, only nothing is
/// created.
///
/// `busy` are the regions for which a collector that is `by: region` has a value other than zero;
/// `inhabited` those in which the group has machines.
#[must_use]
pub fn scaled_regions(
    policy: &Policy,
    busy: &BTreeSet<Region>,
    inhabited: &BTreeSet<Region>,
    catalog: &Catalog,
) -> ScaledRegions {
    let is_excluded = |region: &Region| policy.excluded_regions.contains(region);
    // A list that came with the program cannot tell that Fly lacks a region: it may be a new one. But what
    // is found, and not written down by someone, is a region only if it is known.
    let may_be_new = !catalog.is_current() && policy.regions != RegionList::Auto;
    let is_offered =
        |region: &Region| catalog.offers(region) || (may_be_new && catalog.get(region).is_none());
    let candidates: Vec<&Region> = match &policy.regions {
        RegionList::Listed(regions) => regions.iter().collect(),
        RegionList::Auto => {
            let found: BTreeSet<&Region> =
                busy.iter().chain(inhabited).chain(&policy.always_running).collect();
            found.into_iter().collect()
        }
    };
    let is_scaled = |region: &&&Region| {
        !is_excluded(region) && (is_offered(region) || inhabited.contains(**region))
    };
    let regions: Vec<Region> =
        candidates.iter().filter(is_scaled).map(|own| (*own).clone()).collect();
    let closed = regions.iter().filter(|own| !is_offered(own)).cloned().collect();

    let others: BTreeSet<&Region> = candidates.into_iter().chain(busy).chain(inhabited).collect();
    let mut skipped = Vec::new();
    let mut unknown = 0;
    for region in others {
        if regions.contains(region) {
            continue;
        }
        let nearest = || match policy.unlisted {
            Unlisted::Ignore => None,
            Unlisted::Nearest => catalog.nearest(region, &regions).cloned(),
        };
        let reason = if is_excluded(region) {
            Reason::RegionExcluded { nearest: nearest() }
        } else if (catalog.get(region).is_none() && !inhabited.contains(region) && !may_be_new)
            || *region == Region::unlabelled()
        {
            unknown += 1;
            if unknown > NAMED_UNKNOWN {
                continue;
            }
            Reason::RegionUnknown { meant: catalog.meant_by(region.as_str()).cloned() }
        } else if !is_offered(region) {
            Reason::RegionNotOffered { nearest: nearest() }
        } else {
            Reason::RegionNotListed { nearest: nearest() }
        };
        skipped.push((region.clone(), reason));
    }
    ScaledRegions { regions, closed, skipped }
}
