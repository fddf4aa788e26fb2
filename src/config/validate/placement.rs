//! Where machines may be, must be and must not be: whether these go together.

use crate::decide::{Policy, Unlisted};
use crate::model::{Catalog, Region, RegionList};

use super::super::error::{Mistakes, Notice, Warning};
use super::super::mistake::{Mistake, PlacementFault};
use super::super::place::Place;
use super::super::raw::{Item, Raw, RawRegions, Values};
use super::super::setting::{self, PER_REGION, REGION_LIMITS, Setting};
use super::super::value;
use super::regions::{self, is_whole};

/// What holds for one process group.
pub(super) struct Placement<'a> {
    pub(super) policy: &'a Policy,
    pub(super) values: &'a Values,
    pub(super) regions: &'a RawRegions,
}

impl Placement<'_> {
    /// Notes what contradicts itself.
    pub(super) fn check(&self, mistakes: &mut Mistakes) {
        self.check_lists(mistakes);
        self.check_region_limits(mistakes);
        self.check_room(mistakes);
        if self.policy.regions == RegionList::Auto
            && self.values.place(&setting::MAX_MACHINES).is_none()
        {
            let place = self.values.place(&setting::REGIONS).unwrap_or(&Place::Nowhere);
            mistakes.add(Mistake::Placement(PlacementFault::AutoNeedsMax), place);
        }
    }

    fn check_lists(&self, mistakes: &mut Mistakes) {
        let listed = self.policy.regions.listed();
        let is_excluded = |region: &Region| self.policy.excluded_regions.contains(region);
        for (region, item) in codes(self.values, &setting::REGIONS) {
            if is_excluded(&region) {
                let fault = PlacementFault::Excluded { name: "regions".to_owned(), region };
                mistakes.add(Mistake::Placement(fault), &item.place);
            }
        }
        for (region, item) in codes(self.values, &setting::ALWAYS_RUNNING_REGIONS) {
            let name = setting::ALWAYS_RUNNING_REGIONS.key.to_owned();
            let can_be_missing = !listed.is_empty() && is_whole(self.values, self.policy);
            let fault = if is_excluded(&region) {
                PlacementFault::Excluded { name, region }
            } else if can_be_missing && !listed.contains(&region) {
                PlacementFault::NotListed { name, region, listed: listed.to_vec() }
            } else {
                continue;
            };
            mistakes.add(Mistake::Placement(fault), &item.place);
        }
    }

    fn check_region_limits(&self, mistakes: &mut Mistakes) {
        for own in &self.regions.0 {
            let place = REGION_LIMITS.iter().find_map(|limit| own.values.place(limit));
            let limits = regions::in_force(self.regions, own);
            let (min, max) = (limits.min_machines, limits.max_machines);
            if let Some(place) = place
                && min > max
            {
                mistakes.of_region(&own.name, |mistakes| {
                    mistakes.add(Mistake::MinAboveMax { min, max }, place);
                });
            }
        }
    }

    /// Whether `max-machines` leaves room for what must be.
    fn check_room(&self, mistakes: &mut Mistakes) {
        let max = self.policy.max_machines;
        let place = self.values.place(&setting::MAX_MACHINES).unwrap_or(&Place::Default);
        let count = self.policy.always_running.len();
        let limits = &self.policy.region_limits;
        let min = |region| u64::from(limits.of(region).min_machines);
        let sum: u64 = match &self.policy.regions {
            RegionList::Listed(regions) => regions.iter().map(min).sum(),
            // Which others there will be, nobody knows yet.
            RegionList::Auto => limits.own.keys().map(min).sum(),
        };
        // A maximum that could not be read stands here as 0, below what the table allows.
        let fault = match () {
            () if max == 0 => return,
            () if count > max as usize => PlacementFault::MaxBelowAlwaysRunning { max, count },
            () if sum > u64::from(max) => PlacementFault::MaxBelowRegions { max, sum },
            () => return,
        };
        mistakes.add(Mistake::Placement(fault), place);
    }
}

/// Warns of what has no effect as it is. `has_traffic`: some collector is `by: region`.
pub(super) fn warn_of_idle(
    policy: &Policy,
    values: &Values,
    has_traffic: bool,
    warnings: &mut Vec<Warning>,
) {
    let mut warn = |setting: &Setting, notice| {
        let place = values.place(setting).cloned().unwrap_or(Place::Default);
        let warning = Warning { notice, place };
        // Several process groups may have it from one place.
        if warnings.iter().all(|other| other.to_string() != warning.to_string()) {
            warnings.push(warning);
        }
    };
    let mut without = |setting: &Setting, needs| {
        warn(setting, Notice::KeyHasNoEffect { key: setting.key, needs });
    };
    if policy.drain_excluded && policy.excluded_regions.is_empty() {
        without(&setting::EXCLUDED_REGIONS_DRAIN, "`excluded-regions`");
    }
    if policy.unlisted == Unlisted::Nearest {
        if !has_traffic {
            without(&setting::UNLISTED_REGIONS, "a collector that is `by: region`");
        } else if policy.regions == RegionList::default() {
            without(&setting::UNLISTED_REGIONS, "`regions`");
        }
    }
    if policy.regions == RegionList::Auto && !has_traffic {
        warn(&setting::REGIONS, Notice::AutoWithoutTraffic);
    }
}

/// The codes in a list that can be read, each with where it is.
fn codes<'a>(values: &'a Values, setting: &Setting) -> Vec<(Region, &'a Item)> {
    let items = values.get(setting).map_or(&[][..], |given| &given.items);
    items.iter().filter_map(|item| Some((value::region(&item.text.text).ok()?, item))).collect()
}

/// Warns of codes that are well formed and no region that is known here: Fly may have a new one.
pub(super) fn warn_of_unknown(raw: &Raw, warnings: &mut Vec<Warning>) {
    let groups = raw.groups.iter().flatten().filter_map(|group| {
        let list = group.in_force(&raw.settings).get(&setting::REGIONS).cloned();
        Some((group.own.as_ref()?, &group.regions, list))
    });
    let top = (&raw.settings, &raw.regions, raw.settings.get(&setting::REGIONS).cloned());
    for (values, regions, list) in groups.chain([top]) {
        let lists = [&setting::REGIONS, &setting::EXCLUDED_REGIONS];
        let mut found: Vec<_> =
            lists.into_iter().flat_map(|setting| in_list(values, setting)).collect();
        // Where regions are listed, the others are among them, or that is a mistake.
        if list.is_none_or(|own| own.text() == value::AUTO) {
            found.extend(in_list(values, &setting::ALWAYS_RUNNING_REGIONS));
            let keys = regions.single();
            found.extend(keys.map(|own| (PER_REGION, Region::new(&own.name), &own.place)));
        }
        for (key, region, place) in found {
            if Catalog::builtin().get(&region).is_none() {
                let meant = Catalog::builtin().meant_by(region.as_str()).cloned();
                let notice = Notice::UnknownRegion { key, region, meant };
                warnings.push(Warning { notice, place: place.clone() });
            }
        }
    }
}

/// The codes in a list, with its key and their places.
fn in_list<'a>(values: &'a Values, setting: &Setting) -> Vec<(&'static str, Region, &'a Place)> {
    let codes = codes(values, setting).into_iter();
    codes.map(|(region, item)| (setting.key, region, &item.place)).collect()
}
