//! The regions of all sources, laid over each other one by one.

use super::super::place::Place;
use super::super::raw::{Given, RawRegion, RawRegions, Values};
use super::super::setting::{EVERY_REGION, PER_REGION, REGION_SETTINGS, region_variable};
use super::{Layering, names_region, refuse_beside_groups};

impl Layering<'_> {
    /// What holds for every region, and for single ones. What a stronger source says for every region
    /// leaves alone what a weaker one says for a single region: that is the more specific.
    pub(super) fn merge_regions(
        &mut self,
        file: &RawRegions,
        is_by_group: bool,
        lists_regions: bool,
    ) -> RawRegions {
        let by_flags = self.flag_values(REGION_SETTINGS);
        let by_env = self.env_regions(lists_regions);
        let mut all = Vec::new();
        for mut own in named(file, &by_flags, &by_env) {
            let flags = if own.is_every() { by_flags.clone() } else { Values::default() };
            let env = by_env.get(&own.name).map(|own| own.values.clone()).unwrap_or_default();
            let path = format!("{PER_REGION}.{}.", own.name);
            let mut layers = [flags, env, own.values];
            if is_by_group {
                self.mistakes.of_region(&own.name, |mistakes| {
                    refuse_beside_groups(REGION_SETTINGS, &mut layers, mistakes);
                });
            }
            own.values = self.lay_over(REGION_SETTINGS, &path, layers);
            all.push(own);
        }
        RawRegions(all)
    }

    /// What variables say: for every region, and by the end of their name for one.
    fn env_regions(&mut self, lists_regions: bool) -> RawRegions {
        let mut regions: Vec<RawRegion> = Vec::new();
        let every = self.env_values(REGION_SETTINGS);
        if let Some(place) = first_place(&every) {
            regions.push(RawRegion { name: EVERY_REGION.to_owned(), values: every, place });
        }
        for name in self.env.names() {
            let Some((setting, code)) = region_variable(name) else { continue };
            if !names_region(code, lists_regions) || self.used.contains(name) {
                continue;
            }
            let place = Place::Variable(name.to_owned());
            let line = self.env.get(name).unwrap_or_default();
            let Some(given) = Given::from_line(setting, line, place.clone()) else { continue };
            let code = code.to_ascii_lowercase();
            let at = regions.iter().position(|own| own.name == code).unwrap_or_else(|| {
                regions.push(RawRegion { name: code, values: Values::default(), place });
                regions.len() - 1
            });
            regions[at].values.set(setting, given);
        }
        RawRegions(regions)
    }
}

/// Every entry that some source has, with what the file says: `*` first, then in the order of the file,
/// then in that of the variables' names.
fn named(file: &RawRegions, flags: &Values, env: &RawRegions) -> Vec<RawRegion> {
    let empty = |name: &str, place: Place| RawRegion {
        name: name.to_owned(),
        values: Values::default(),
        place,
    };
    let by_flag = first_place(flags).map(|place| empty(EVERY_REGION, place));
    let by_env = env.0.iter().map(|own| empty(&own.name, own.place.clone()));
    let mut all: Vec<RawRegion> = Vec::new();
    for own in file.0.iter().cloned().chain(by_flag).chain(by_env) {
        if all.iter().all(|other| other.name != own.name) {
            all.push(own);
        }
    }
    all.sort_by_key(|own| !own.is_every());
    all
}

fn first_place(values: &Values) -> Option<Place> {
    REGION_SETTINGS.iter().find_map(|setting| values.place(setting)).cloned()
}
