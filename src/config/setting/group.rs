//! What can be said of one process group.

use super::{
    ALWAYS_RUNNING_REGIONS, CREATED_MACHINE_COUNT, DESTROY_BRAKE, DESTROY_FORCE, EXCLUDED_REGIONS,
    EXCLUDED_REGIONS_DRAIN, FORECAST_MIN_SKILL, INITIAL_MACHINE_STATE, MAX_CREATED_MACHINE_COUNT,
    MAX_MACHINES, MAX_STARTED_MACHINE_COUNT, MIN_CREATED_MACHINE_COUNT, MIN_MACHINES,
    MIN_STARTED_MACHINE_COUNT, REGION_BACKOFF, REGIONS, STARTED_MACHINE_COUNT, STOP_ACTION,
    STOP_ORDER, Setting, UNLISTED_REGIONS, VOLUMES,
};

/// The YAML key of the map of process groups: from a group's name to its [`GROUP_SETTINGS`]. Only a file
/// can say it.
pub const PROCESS_GROUPS: &str = "process-groups";

/// The settings that may stand under a group, in the order in which they are documented. They are those of
/// the top level: what a group leaves out it takes from there, the expressions excepted, which each group
/// has for itself. `per-region` may stand there too.
pub static GROUP_SETTINGS: &[&Setting] = &[
    &REGIONS,
    &EXCLUDED_REGIONS,
    &EXCLUDED_REGIONS_DRAIN,
    &ALWAYS_RUNNING_REGIONS,
    &UNLISTED_REGIONS,
    &REGION_BACKOFF,
    &CREATED_MACHINE_COUNT,
    &MIN_CREATED_MACHINE_COUNT,
    &MAX_CREATED_MACHINE_COUNT,
    &STARTED_MACHINE_COUNT,
    &MIN_STARTED_MACHINE_COUNT,
    &MAX_STARTED_MACHINE_COUNT,
    &MIN_MACHINES,
    &MAX_MACHINES,
    &FORECAST_MIN_SKILL,
    &INITIAL_MACHINE_STATE,
    &DESTROY_BRAKE,
    &DESTROY_FORCE,
    &STOP_ORDER,
    &STOP_ACTION,
    &VOLUMES,
];
