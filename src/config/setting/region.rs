//! What can be said of one region, or of every region.
//!
//! The keys are those of the top level, so that what reads one of them reads the other.

use crate::model::Catalog;

use super::super::env_vars as var;
use super::{Kind, PLAIN, Setting, damping, top_level};

/// The YAML key of the map of regions: from a region's code, or [`EVERY_REGION`], to its
/// [`REGION_SETTINGS`].
pub const PER_REGION: &str = "per-region";

/// The key under `per-region` for each region that says nothing else.
pub const EVERY_REGION: &str = "*";

/// `per-region.*.created-machine-count`
pub const CREATED_MACHINE_COUNT: Setting = Setting {
    key: "created-machine-count",
    env: Some(var::FAS_REGION_CREATED_MACHINE_COUNT),
    flag: Some("region-created-machine-count"),
    kind: Kind::Expression,
    doc: "How many machines should exist in a region",
    example: "ceil(traffic / 50)",
    ..PLAIN
};
/// `per-region.*.min-created-machine-count`
pub const MIN_CREATED_MACHINE_COUNT: Setting = Setting {
    key: "min-created-machine-count",
    env: Some(var::FAS_REGION_MIN_CREATED_MACHINE_COUNT),
    flag: Some("region-min-created-machine-count"),
    kind: Kind::Expression,
    doc: "Create machines in a region below this number; needs its max-created-machine-count",
    example: "ceil(traffic / 50)",
    ..PLAIN
};
/// `per-region.*.max-created-machine-count`
pub const MAX_CREATED_MACHINE_COUNT: Setting = Setting {
    key: "max-created-machine-count",
    env: Some(var::FAS_REGION_MAX_CREATED_MACHINE_COUNT),
    flag: Some("region-max-created-machine-count"),
    kind: Kind::Expression,
    doc: "Destroy machines in a region above this number; needs its min-created-machine-count",
    example: "ceil(traffic / 50) + 2",
    ..PLAIN
};
/// `per-region.*.started-machine-count`
pub const STARTED_MACHINE_COUNT: Setting = Setting {
    key: "started-machine-count",
    env: Some(var::FAS_REGION_STARTED_MACHINE_COUNT),
    flag: Some("region-started-machine-count"),
    kind: Kind::Expression,
    doc: "How many machines should run in a region",
    example: "ceil(traffic / 50)",
    ..PLAIN
};
/// `per-region.*.min-started-machine-count`
pub const MIN_STARTED_MACHINE_COUNT: Setting = Setting {
    key: "min-started-machine-count",
    env: Some(var::FAS_REGION_MIN_STARTED_MACHINE_COUNT),
    flag: Some("region-min-started-machine-count"),
    kind: Kind::Expression,
    doc: "Start machines in a region below this number; needs its max-started-machine-count",
    example: "ceil(traffic / 50)",
    ..PLAIN
};
/// `per-region.*.max-started-machine-count`
pub const MAX_STARTED_MACHINE_COUNT: Setting = Setting {
    key: "max-started-machine-count",
    env: Some(var::FAS_REGION_MAX_STARTED_MACHINE_COUNT),
    flag: Some("region-max-started-machine-count"),
    kind: Kind::Expression,
    doc: "Stop machines in a region above this number; needs its min-started-machine-count",
    example: "ceil(traffic / 50) + 2",
    ..PLAIN
};
/// `per-region.*.min-machines`
pub const MIN_MACHINES: Setting = Setting {
    key: "min-machines",
    env: Some(var::FAS_REGION_MIN_MACHINES),
    flag: Some("region-min-machines"),
    kind: Kind::Count { min: 0, max: 100_000 },
    doc: "No target of a region is lower than this",
    example: "1",
    ..PLAIN
};
/// `per-region.*.max-machines`
pub const MAX_MACHINES: Setting = Setting {
    key: "max-machines",
    env: Some(var::FAS_REGION_MAX_MACHINES),
    flag: Some("region-max-machines"),
    kind: Kind::Count { min: 1, max: 100_000 },
    doc: "No target of a region is higher than this",
    example: "10",
    ..PLAIN
};
/// The settings of a region. Their variables and flags are those for every region; for a single one a
/// variable is that of the top level with the region's code behind it: see [`region_variable`].
pub static REGION_SETTINGS: &[&Setting] = &[
    &CREATED_MACHINE_COUNT,
    &MIN_CREATED_MACHINE_COUNT,
    &MAX_CREATED_MACHINE_COUNT,
    &STARTED_MACHINE_COUNT,
    &MIN_STARTED_MACHINE_COUNT,
    &MAX_STARTED_MACHINE_COUNT,
    &MIN_MACHINES,
    &MAX_MACHINES,
    &damping::REGION_TOLERANCE,
    &damping::REGION_SCALE_UP_TOLERANCE,
    &damping::REGION_SCALE_UP_STABILIZATION_WINDOW,
    &damping::REGION_SCALE_UP_STEP_SIZE,
    &damping::REGION_SCALE_UP_STEP_INTERVAL,
    &damping::REGION_SCALE_UP_COOLDOWN,
    &damping::REGION_SCALE_UP_ONLY_DURING,
    &damping::REGION_SCALE_DOWN_TOLERANCE,
    &damping::REGION_SCALE_DOWN_STABILIZATION_WINDOW,
    &damping::REGION_SCALE_DOWN_STEP_SIZE,
    &damping::REGION_SCALE_DOWN_STEP_INTERVAL,
    &damping::REGION_SCALE_DOWN_COOLDOWN,
    &damping::REGION_SCALE_DOWN_ONLY_DURING,
];

/// Those of [`REGION_SETTINGS`] that say one number of machines together.
pub static REGION_COUNTS: [&[&Setting]; 2] = [
    &[&CREATED_MACHINE_COUNT, &MIN_CREATED_MACHINE_COUNT, &MAX_CREATED_MACHINE_COUNT],
    &[&STARTED_MACHINE_COUNT, &MIN_STARTED_MACHINE_COUNT, &MAX_STARTED_MACHINE_COUNT],
];

/// Those of [`REGION_SETTINGS`] that limit the numbers.
pub static REGION_LIMITS: &[&Setting] = &[&MIN_MACHINES, &MAX_MACHINES];

/// The rules around the numbers, each of which is taken over for itself.
pub static REGION_RULES: [&[&Setting]; 2] = [REGION_LIMITS, damping::REGION_DAMPING];

/// What stands at the top level for each of [`REGION_SETTINGS`], in the same order.
static TOP_LEVEL: [&Setting; 21] = [
    &top_level::CREATED_MACHINE_COUNT,
    &top_level::MIN_CREATED_MACHINE_COUNT,
    &top_level::MAX_CREATED_MACHINE_COUNT,
    &top_level::STARTED_MACHINE_COUNT,
    &top_level::MIN_STARTED_MACHINE_COUNT,
    &top_level::MAX_STARTED_MACHINE_COUNT,
    &top_level::MIN_MACHINES,
    &top_level::MAX_MACHINES,
    &damping::TOLERANCE,
    &damping::SCALE_UP_TOLERANCE,
    &damping::SCALE_UP_STABILIZATION_WINDOW,
    &damping::SCALE_UP_STEP_SIZE,
    &damping::SCALE_UP_STEP_INTERVAL,
    &damping::SCALE_UP_COOLDOWN,
    &damping::SCALE_UP_ONLY_DURING,
    &damping::SCALE_DOWN_TOLERANCE,
    &damping::SCALE_DOWN_STABILIZATION_WINDOW,
    &damping::SCALE_DOWN_STEP_SIZE,
    &damping::SCALE_DOWN_STEP_INTERVAL,
    &damping::SCALE_DOWN_COOLDOWN,
    &damping::SCALE_DOWN_ONLY_DURING,
];

/// The region setting that the variable `name` sets for a single region, and the end of its name, which
/// says for which: `LHR` in `FAS_STARTED_MACHINE_COUNT_LHR`. Only three letters can be a region.
#[must_use]
pub fn region_variable(name: &str) -> Option<(&'static Setting, &str)> {
    let is_code = |end: &str| end.len() == 3 && end.bytes().all(|b| b.is_ascii_alphabetic());
    TOP_LEVEL.iter().zip(REGION_SETTINGS).find_map(|(top, setting)| {
        let end = name.strip_prefix(top.env?)?.strip_prefix('_')?;
        is_code(end).then_some((*setting, end))
    })
}

/// The variable that someone meant who names a setting of regions and a region, but not as [`region_variable`]
/// has it: `FAS_STARTED_MACHINE_COUNT_LONDON`, `FAS_REGION_LHR_MAX_MACHINES`. The one that is nearest by its
/// letters would set the number of all regions together.
#[must_use]
pub fn meant_for_region(name: &str) -> Option<String> {
    let name = name.strip_prefix("FAS_")?;
    let name = name.strip_prefix("REGION_").unwrap_or(name);
    TOP_LEVEL.iter().find_map(|top| {
        let variable = top.env?;
        let key = variable.strip_prefix("FAS_")?;
        let behind = name.strip_prefix(key).and_then(|rest| rest.strip_prefix('_'));
        let before = || name.strip_suffix(key).and_then(|rest| rest.strip_suffix('_'));
        let text = behind.or_else(before)?.replace('_', " ").to_lowercase();
        let code = Catalog::builtin().meant_by(&text)?.as_str();
        // Of three letters, one that differs is no slip but another word: `OLD`.
        (text == code || text.len() > code.len())
            .then(|| format!("{variable}_{}", code.to_ascii_uppercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_regions_is_one_of_the_top_level() {
        assert_eq!(REGION_SETTINGS.len(), TOP_LEVEL.len());
        for (own, top) in REGION_SETTINGS.iter().zip(TOP_LEVEL) {
            assert_eq!((own.key, own.kind), (top.key, top.kind));
            let variable = top.env.expect("a variable").replace("FAS_", "FAS_REGION_");
            assert_eq!(own.env, Some(variable.as_str()));
            assert_eq!(own.flag, Some(format!("region-{}", own.key).as_str()));
        }
    }

    #[test]
    fn a_variable_for_one_region_ends_in_its_code() {
        let found = |name| region_variable(name).map(|(setting, end)| (setting.key, end));
        assert_eq!(found("FAS_STARTED_MACHINE_COUNT_LHR"), Some(("started-machine-count", "LHR")));
        assert_eq!(found("FAS_MAX_MACHINES_iad"), Some(("max-machines", "iad")));
        for other in
            ["FAS_MAX_MACHINES", "FAS_MAX_MACHINES_", "FAS_MAX_MACHINES_2", "FAS_INTERVAL_LHR"]
        {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
