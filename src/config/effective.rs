//! What holds, value by value, with where it came from: what `check` prints.

use serde::Serialize;

use super::env::EnvSource;
use super::place::{Origin, Place};
use super::raw::{Raw, Values};
use super::secret::{MASK, redact};
use super::setting::{
    API_TOKEN, COLLECTOR_SETTINGS, METRIC_COLLECTORS, SETTINGS, Setting, TYPE, VARIABLES,
    collector_kind,
};

/// One value in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EffectiveValue {
    /// The YAML key, such as `interval` or `metric-collectors[0].query`; for what only a variable can
    /// say, the variable.
    pub key: String,
    /// The value as it would be written, or `None` where there is none. Secrets are `***`.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// Every value of `raw`, in the order of the documentation.
pub(super) fn effective(raw: &Raw, env: &dyn EnvSource) -> Vec<EffectiveValue> {
    let mut all: Vec<_> = SETTINGS
        .iter()
        .map(|setting| one(setting, setting.key.to_owned(), &raw.settings))
        .collect();
    for (index, collector) in raw.collectors.iter().enumerate() {
        let Some(values) = &collector.values else { continue };
        let kind = values.get(&TYPE).and_then(|given| collector_kind(given.text()));
        for setting in kind.map_or(COLLECTOR_SETTINGS, |kind| kind.settings) {
            let key = format!("{METRIC_COLLECTORS}[{index}].{}", setting.key);
            let value = one(setting, key, values);
            if value.value.is_some() {
                all.push(value);
            }
        }
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
    all
}

fn one(setting: &Setting, key: String, values: &Values) -> EffectiveValue {
    let given = values.get(setting);
    let value = match given {
        Some(_) if setting.is_secret => Some(MASK.to_owned()),
        Some(given) => Some(redact(&given.shown()).into_owned()),
        None => setting.default.map(str::to_owned),
    };
    let origin = given.map_or(Origin::Default, |given| given.place.origin());
    EffectiveValue { key, value, origin }
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
