//! What stands under `per-region`: its keys, its limits, its expressions.

use std::collections::BTreeMap;

use crate::decide::{Limits, Policy, RegionLimits};
use crate::evaluate::{Names, PerRegion, ScopeExpressions};
use crate::model::{Catalog, Region, RegionList};

use super::super::error::{Mistakes, Notice, Warning};
use super::super::mistake::{Mistake, PlacementFault};
use super::super::place::Place;
use super::super::raw::{RawRegion, RawRegions, Values};
use super::super::read::Reader;
use super::super::setting::{self, EVERY_REGION, PER_REGION, region};
use super::expressions;

/// What is written for a region is for one that is scaled: one of those that the groups in `lists` have,
/// each with what holds for it.
pub(super) fn check_keys(
    regions: &RawRegions,
    lists: &[(&Values, &Policy)],
    mistakes: &mut Mistakes,
) {
    let is_said = |(values, _): &(&Values, &Policy)| values.place(&setting::REGIONS).is_some();
    if !lists.iter().any(is_said) {
        // Without any group, that is what is wrong.
        if let (Some(first), false) = (regions.0.first(), lists.is_empty()) {
            mistakes.add(Mistake::Placement(PlacementFault::NoRegions), &first.place);
        }
        return;
    }
    let is_auto = lists.iter().any(|(_, policy)| policy.regions == RegionList::Auto);
    let is_whole = lists.iter().all(|(values, policy)| is_whole(values, policy));
    let listed: Vec<Region> =
        lists.iter().flat_map(|(_, policy)| policy.regions.listed()).cloned().collect();
    for own in regions.single() {
        let region = Region::new(&own.name);
        let is_excluded = lists.iter().all(|(_, own)| own.excluded_regions.contains(&region));
        let fault = match () {
            () if listed.contains(&region) => continue,
            () if is_excluded => PlacementFault::Excluded { name: name_of(own), region },
            () if is_auto || !is_whole => continue,
            () => {
                let listed = listed.clone();
                PlacementFault::NotListed { name: name_of(own), region, listed }
            }
        };
        mistakes.add(Mistake::Placement(fault), &own.place);
    }
}

/// Whether all of `regions` could be read. Otherwise nothing can be said to be missing.
pub(super) fn is_whole(values: &Values, policy: &Policy) -> bool {
    match values.get(&setting::REGIONS) {
        Some(given) => {
            policy.regions == RegionList::Auto || given.items.len() == policy.regions.listed().len()
        }
        None => values.place(&setting::REGIONS).is_none(),
    }
}

/// Under which name a mistake speaks of the entry.
fn name_of(own: &RawRegion) -> String {
    match &own.place {
        Place::Variable(name) => name.clone(),
        _ => PER_REGION.to_owned(),
    }
}

/// The limits of each region.
pub(super) fn limits(regions: &RawRegions, mistakes: &mut Mistakes) -> RegionLimits {
    for own in &regions.0 {
        mistakes.of_region(&own.name, |mistakes| limits_of(&own.values, mistakes));
    }
    let every = regions.get(EVERY_REGION).map(|own| in_force(regions, own)).unwrap_or_default();
    let own = regions.single().map(|own| (Region::new(&own.name), in_force(regions, own)));
    let own: BTreeMap<_, _> = own.filter(|(_, limits)| *limits != every).collect();
    RegionLimits { every, own }
}

/// The limits that hold in the region of `own`.
pub(super) fn in_force(regions: &RawRegions, own: &RawRegion) -> Limits {
    limits_of(&regions.in_force(own), &mut Mistakes::default())
}

fn limits_of(values: &Values, mistakes: &mut Mistakes) -> Limits {
    let none = Limits::default();
    let mut read = Reader { values, mistakes };
    let min_machines = read.optional_count(&region::MIN_MACHINES).unwrap_or(none.min_machines);
    let max_machines = read.optional_count(&region::MAX_MACHINES).unwrap_or(none.max_machines);
    Limits { min_machines, max_machines }
}

/// Warns of expressions for several regions that have nothing to tell these apart by: they read metrics
/// that are one number for the whole app, and nothing else. `app_wide` are these metrics, each with what
/// would give every region its own.
pub(super) fn warn_of_alike(
    regions: &RawRegions,
    per_region: &PerRegion,
    list: &RegionList,
    app_wide: &BTreeMap<&str, &'static str>,
    warnings: &mut Vec<Warning>,
) {
    let Some(every) = regions.get(EVERY_REGION) else { return };
    let compiled = &per_region.every;
    for (family, [min, max]) in region::REGION_COUNTS.into_iter().zip([
        [&compiled.created_min, &compiled.created_max],
        [&compiled.started_min, &compiled.started_max],
    ]) {
        let is_own = |code: &Region| {
            let own = regions.get(code.as_str());
            own.is_some_and(|own| family.iter().any(|count| own.values.place(count).is_some()))
        };
        let is_for_several = match list {
            RegionList::Listed(codes) => codes.iter().filter(|code| !is_own(code)).count() > 1,
            RegionList::Auto => true,
        };
        // A single count is both ends.
        let max = max.as_ref().filter(|max| min.as_ref() != Some(*max));
        for expression in min.iter().chain(max).filter(|_| is_for_several) {
            let mut remedies = expression.reads().iter().map(|name| app_wide.get(name.as_ref()));
            let (Some(name), Some(Some(remedy))) = (expression.reads().first(), remedies.next())
            else {
                continue;
            };
            let given = family.iter().filter_map(|count| every.values.get(count));
            let given = given.into_iter().find(|given| given.text() == expression.source());
            if let (true, Some(given)) = (remedies.all(|other| other.is_some()), given) {
                let notice = Notice::SameForEachRegion { metric: name.to_string(), remedy };
                warnings.push(Warning { notice, place: given.place.clone() });
            }
        }
    }
}

/// Compiles the expressions. They read what app-wide ones do, and `region`.
pub(super) fn compile(
    regions: &RawRegions,
    list: &RegionList,
    names: &Names,
    mistakes: &mut Mistakes,
) -> PerRegion {
    let mut compile = |own: &RawRegion, codes: Vec<&str>| {
        let names = names.clone().with_region(codes);
        mistakes.of_region(&own.name, |mistakes| {
            expressions::compile_all(&own.values, &names, mistakes)
        })
    };
    let codes = match list.listed() {
        [] => Catalog::builtin().iter().map(|(code, _)| code.as_str()).collect(),
        some => some.iter().map(Region::as_str).collect(),
    };
    let every = regions.get(EVERY_REGION).map(|own| compile(own, codes)).unwrap_or_default();
    let own = regions.single().filter(|own| own.has_counts());
    let own: BTreeMap<Region, ScopeExpressions> =
        own.map(|own| (Region::new(&own.name), compile(own, vec![&own.name]).or(&every))).collect();
    PerRegion { every, own }
}
