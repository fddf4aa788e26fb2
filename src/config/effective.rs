//! What holds, value by value, with where it came from: what `check` prints.

use serde::Serialize;

use super::changes::{Effective, Fingerprints};
use super::env::EnvSource;
use super::place::{Origin, Place};
use super::raw::{Raw, RawRegion, RawRegions, Values};
use super::secret::{MASK, redact};
use super::setting::{
    API_TOKEN, COLLECTOR_SETTINGS, GROUP_SETTINGS, METRIC_COLLECTORS, PER_REGION, PROCESS_GROUP,
    PROCESS_GROUPS, REGION_SETTINGS, SETTINGS, Setting, TYPE, VARIABLES, collector_kind, find,
};

/// One value in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveValue {
    /// The YAML key, such as `interval`, `metric-collectors[0].query`, `per-region.lhr.max-machines` or
    /// `process-groups.web.regions`; for what only a variable can say, the variable.
    pub key: String,
    /// The value as it would be written, or `None` where there is none. Secrets are `***`.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// Every value of `raw`, in the order of the documentation.
pub(super) fn effective(raw: &Raw, env: &dyn EnvSource) -> Effective {
    let mut hidden = Fingerprints::default();
    // With `process-groups`, what groups have is in force group by group.
    let is_by_group = |own: &Setting| {
        raw.groups.is_some()
            && (own.key == PROCESS_GROUP.key || find(GROUP_SETTINGS, own.key).is_some())
    };
    let mut all: Vec<_> = SETTINGS
        .iter()
        .filter(|setting| !is_by_group(setting))
        .map(|setting| one(setting, setting.key.to_owned(), &raw.settings, &mut hidden))
        .collect();
    if raw.groups.is_none() {
        all.extend(of_regions(&raw.regions, "", &mut hidden));
    }
    for group in raw.groups.iter().flatten() {
        let values = group.in_force(&raw.settings);
        let path = format!("{PROCESS_GROUPS}.{}.", group.name);
        all.extend(present(GROUP_SETTINGS, &path, &values, &mut hidden));
        all.extend(of_regions(&group.regions_in_force(raw), &path, &mut hidden));
    }
    for (index, collector) in raw.collectors.iter().enumerate() {
        let Some(values) = &collector.values else { continue };
        let kind = values.get(&TYPE).and_then(|given| collector_kind(given.text()));
        let settings = kind.map_or(COLLECTOR_SETTINGS, |kind| kind.settings);
        let path = format!("{METRIC_COLLECTORS}[{index}].");
        all.extend(present(settings, &path, values, &mut hidden));
    }
    let only_variables = VARIABLES.iter().filter(|variable| !variable.is_secret);
    all.extend(only_variables.filter_map(|variable| {
        let set = env.get(variable.name).filter(|value| !value.is_empty());
        let value = set.or(variable.default)?;
        let origin = set.map_or(Origin::Default, |_| Origin::Env(variable.name.to_owned()));
        Some(EffectiveValue {
            key: variable.name.to_owned(),
            value: Some(redact(value).into_owned()),
            origin,
        })
    }));
    Effective { values: all, hidden }
}

/// What is in force for every region, and in each for which something was said.
fn of_regions(regions: &RawRegions, path: &str, hidden: &mut Fingerprints) -> Vec<EffectiveValue> {
    let of_one = |own: &RawRegion| {
        let path = format!("{path}{PER_REGION}.{}.", own.name);
        present(REGION_SETTINGS, &path, &regions.in_force(own), hidden)
    };
    regions.0.iter().flat_map(of_one).collect()
}

/// Those of `settings` that have a value; `path` is what stands before their keys.
fn present(
    settings: &[&Setting],
    path: &str,
    values: &Values,
    hidden: &mut Fingerprints,
) -> Vec<EffectiveValue> {
    let value = |setting: &&Setting| one(setting, format!("{path}{}", setting.key), values, hidden);
    settings.iter().map(value).filter(|own| own.value.is_some()).collect()
}

fn one(
    setting: &Setting,
    key: String,
    values: &Values,
    hidden: &mut Fingerprints,
) -> EffectiveValue {
    let given = values.get(setting);
    let value = match given {
        Some(_) if setting.is_secret => Some(MASK.to_owned()),
        Some(given) => Some(redact(&given.shown()).into_owned()),
        None => setting.default.map(str::to_owned),
    };
    let origin = given.map_or(Origin::Default, |given| given.place.origin());
    let own = EffectiveValue { key, value, origin };
    if let Some(given) = given {
        hidden.add(&own, &given.written());
    }
    own
}

/// The token that other programs of Fly's read too, where ours is not set.
pub(super) fn add_fallback_token(values: &mut Values, env: &dyn EnvSource) {
    use super::env_vars::FLY_ACCESS_TOKEN;
    if values.get(&API_TOKEN).is_some() {
        return;
    }
    let place = Place::Variable(FLY_ACCESS_TOKEN.to_owned());
    let line = env.get(FLY_ACCESS_TOKEN).unwrap_or_default();
    if let Some(given) = super::raw::Given::from_line(&API_TOKEN, line, place) {
        values.set(&API_TOKEN, given);
    }
}
