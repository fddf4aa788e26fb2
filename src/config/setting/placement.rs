//! The settings that say where machines run.

use super::super::env_vars as var;
use super::{Kind, PLAIN, SECOND, Setting};

/// `regions`
pub const REGIONS: Setting = Setting {
    key: "regions",
    env: Some(var::FAS_REGIONS),
    flag: Some("regions"),
    kind: Kind::RegionList,
    doc: "Regions that are scaled, in order of preference, or auto: each with traffic or machines; without it, the region of the machine that is cloned",
    example: "iad,ord",
    ..PLAIN
};
/// `excluded-regions`
pub const EXCLUDED_REGIONS: Setting = Setting {
    key: "excluded-regions",
    env: Some(var::FAS_EXCLUDED_REGIONS),
    flag: Some("excluded-regions"),
    kind: Kind::Regions,
    doc: "Regions that never get a machine",
    example: "gru",
    ..PLAIN
};
/// `excluded-regions-drain`
pub const EXCLUDED_REGIONS_DRAIN: Setting = Setting {
    key: "excluded-regions-drain",
    env: Some(var::FAS_EXCLUDED_REGIONS_DRAIN),
    flag: Some("excluded-regions-drain"),
    kind: Kind::Bool,
    default: Some("false"),
    doc: "Take the machines in excluded regions away, once others stand in for them",
    example: "true",
    ..PLAIN
};
/// `always-running-regions`
pub const ALWAYS_RUNNING_REGIONS: Setting = Setting {
    key: "always-running-regions",
    env: Some(var::FAS_ALWAYS_RUNNING_REGIONS),
    flag: Some("always-running-regions"),
    kind: Kind::Regions,
    doc: "Regions in which a machine runs at all times",
    example: "iad",
    ..PLAIN
};
/// `unlisted-regions`
pub const UNLISTED_REGIONS: Setting = Setting {
    key: "unlisted-regions",
    env: Some(var::FAS_UNLISTED_REGIONS),
    flag: Some("unlisted-regions"),
    kind: Kind::Choice(&["ignore", "nearest"]),
    default: Some("ignore"),
    doc: "What the traffic of a region that is not scaled counts for: no region (ignore), or the nearest one that is (nearest)",
    example: "nearest",
    ..PLAIN
};
/// `region-backoff`
pub const REGION_BACKOFF: Setting = Setting {
    key: "region-backoff",
    env: Some(var::FAS_REGION_BACKOFF),
    flag: Some("region-backoff"),
    kind: Kind::Duration { min: SECOND },
    default: Some("5m"),
    doc: "How long a region in which Fly has no room is left alone",
    example: "10m",
    ..PLAIN
};
