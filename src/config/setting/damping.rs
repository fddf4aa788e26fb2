//! The settings that slow scaling up, down, or both: `tolerance`, and the sections `scale-up` and `scale-down`.

use std::time::Duration;

use super::super::env_vars as var;
use super::{Kind, PLAIN, SECOND, Setting};

/// `tolerance`
pub const TOLERANCE: Setting = Setting {
    key: "tolerance",
    env: Some(var::FAS_TOLERANCE),
    flag: Some("tolerance"),
    kind: Kind::Fraction,
    doc: "Nothing is done while a target is within this fraction of the machines there are: 0.1 is 10 %",
    example: "0.1",
    ..PLAIN
};
/// `scale-up.tolerance`
pub const SCALE_UP_TOLERANCE: Setting = Setting {
    key: "scale-up-tolerance",
    env: Some(var::FAS_SCALE_UP_TOLERANCE),
    flag: Some("scale-up-tolerance"),
    kind: Kind::Fraction,
    doc: "The same for growth alone, before tolerance",
    example: "0.2",
    ..PLAIN
};
/// `scale-up.stabilization-window`
pub const SCALE_UP_STABILIZATION_WINDOW: Setting = Setting {
    key: "scale-up-stabilization-window",
    env: Some(var::FAS_SCALE_UP_STABILIZATION_WINDOW),
    flag: Some("scale-up-stabilization-window"),
    kind: Kind::Duration { min: Duration::ZERO },
    doc: "Grow only to the least that was wanted at any time in so long",
    example: "1m",
    ..PLAIN
};
/// `scale-up.step-size`
pub const SCALE_UP_STEP_SIZE: Setting = Setting {
    key: "scale-up-step-size",
    env: Some(var::FAS_SCALE_UP_STEP_SIZE),
    flag: Some("scale-up-step-size"),
    kind: Kind::Step,
    doc: "Grow by at most so many machines at a time, or by a share of them (\"50%\")",
    example: "10",
    ..PLAIN
};
/// `scale-up.step-interval`
pub const SCALE_UP_STEP_INTERVAL: Setting = Setting {
    key: "scale-up-step-interval",
    env: Some(var::FAS_SCALE_UP_STEP_INTERVAL),
    flag: Some("scale-up-step-interval"),
    kind: Kind::Duration { min: SECOND },
    doc: "How long a step of growth lasts: what was done in it counts towards the step; without it, each pass is a step",
    example: "1m",
    ..PLAIN
};
/// `scale-up.cooldown`
pub const SCALE_UP_COOLDOWN: Setting = Setting {
    key: "scale-up-cooldown",
    env: Some(var::FAS_SCALE_UP_COOLDOWN),
    flag: Some("scale-up-cooldown"),
    kind: Kind::Duration { min: Duration::ZERO },
    doc: "Grow no more for so long after having grown",
    example: "1m",
    ..PLAIN
};
/// `scale-up.only-during`
pub const SCALE_UP_ONLY_DURING: Setting = Setting {
    key: "scale-up-only-during",
    env: Some(var::FAS_SCALE_UP_ONLY_DURING),
    flag: Some("scale-up-only-during"),
    kind: Kind::Calendar,
    doc: "Grow only at these hours, in UTC or the time zone at the end",
    example: "Mon-Fri 06:00-22:00 Europe/London",
    ..PLAIN
};
/// `scale-down.tolerance`
pub const SCALE_DOWN_TOLERANCE: Setting = Setting {
    key: "scale-down-tolerance",
    env: Some(var::FAS_SCALE_DOWN_TOLERANCE),
    flag: Some("scale-down-tolerance"),
    kind: Kind::Fraction,
    doc: "The same for shrinking alone, before tolerance",
    example: "0.05",
    ..PLAIN
};
/// `scale-down.stabilization-window`
pub const SCALE_DOWN_STABILIZATION_WINDOW: Setting = Setting {
    key: "scale-down-stabilization-window",
    env: Some(var::FAS_SCALE_DOWN_STABILIZATION_WINDOW),
    flag: Some("scale-down-stabilization-window"),
    kind: Kind::Duration { min: Duration::ZERO },
    doc: "Shrink only to the most that was wanted at any time in so long",
    example: "5m",
    ..PLAIN
};
/// `scale-down.step-size`
pub const SCALE_DOWN_STEP_SIZE: Setting = Setting {
    key: "scale-down-step-size",
    env: Some(var::FAS_SCALE_DOWN_STEP_SIZE),
    flag: Some("scale-down-step-size"),
    kind: Kind::Step,
    doc: "Shrink by at most so many machines at a time, or by a share of them (\"50%\")",
    example: "25%",
    ..PLAIN
};
/// `scale-down.step-interval`
pub const SCALE_DOWN_STEP_INTERVAL: Setting = Setting {
    key: "scale-down-step-interval",
    env: Some(var::FAS_SCALE_DOWN_STEP_INTERVAL),
    flag: Some("scale-down-step-interval"),
    kind: Kind::Duration { min: SECOND },
    doc: "How long a step of shrinking lasts: what was done in it counts towards the step; without it, each pass is a step",
    example: "1m",
    ..PLAIN
};
/// `scale-down.cooldown`
pub const SCALE_DOWN_COOLDOWN: Setting = Setting {
    key: "scale-down-cooldown",
    env: Some(var::FAS_SCALE_DOWN_COOLDOWN),
    flag: Some("scale-down-cooldown"),
    kind: Kind::Duration { min: Duration::ZERO },
    doc: "Shrink no more for so long after having shrunk",
    example: "10m",
    ..PLAIN
};
/// `scale-down.only-during`
pub const SCALE_DOWN_ONLY_DURING: Setting = Setting {
    key: "scale-down-only-during",
    env: Some(var::FAS_SCALE_DOWN_ONLY_DURING),
    flag: Some("scale-down-only-during"),
    kind: Kind::Calendar,
    doc: "Shrink only at these hours, in UTC or the time zone at the end",
    example: "Mon-Fri 18:00-08:00; Sat,Sun Europe/London",
    ..PLAIN
};

/// All of them, as they stand at the top level and under a process group.
pub static DAMPING: &[&Setting] = &[
    &TOLERANCE,
    &SCALE_UP_TOLERANCE,
    &SCALE_UP_STABILIZATION_WINDOW,
    &SCALE_UP_STEP_SIZE,
    &SCALE_UP_STEP_INTERVAL,
    &SCALE_UP_COOLDOWN,
    &SCALE_UP_ONLY_DURING,
    &SCALE_DOWN_TOLERANCE,
    &SCALE_DOWN_STABILIZATION_WINDOW,
    &SCALE_DOWN_STEP_SIZE,
    &SCALE_DOWN_STEP_INTERVAL,
    &SCALE_DOWN_COOLDOWN,
    &SCALE_DOWN_ONLY_DURING,
];

/// All of them, as they stand under `per-region`, in the same order.
pub static REGION_DAMPING: &[&Setting] = &[
    &REGION_TOLERANCE,
    &REGION_SCALE_UP_TOLERANCE,
    &REGION_SCALE_UP_STABILIZATION_WINDOW,
    &REGION_SCALE_UP_STEP_SIZE,
    &REGION_SCALE_UP_STEP_INTERVAL,
    &REGION_SCALE_UP_COOLDOWN,
    &REGION_SCALE_UP_ONLY_DURING,
    &REGION_SCALE_DOWN_TOLERANCE,
    &REGION_SCALE_DOWN_STABILIZATION_WINDOW,
    &REGION_SCALE_DOWN_STEP_SIZE,
    &REGION_SCALE_DOWN_STEP_INTERVAL,
    &REGION_SCALE_DOWN_COOLDOWN,
    &REGION_SCALE_DOWN_ONLY_DURING,
];

pub(super) const REGION_TOLERANCE: Setting =
    of_region(TOLERANCE, var::FAS_REGION_TOLERANCE, "region-tolerance");
pub(super) const REGION_SCALE_UP_TOLERANCE: Setting =
    of_region(SCALE_UP_TOLERANCE, var::FAS_REGION_SCALE_UP_TOLERANCE, "region-scale-up-tolerance");
pub(super) const REGION_SCALE_UP_STABILIZATION_WINDOW: Setting = of_region(
    SCALE_UP_STABILIZATION_WINDOW,
    var::FAS_REGION_SCALE_UP_STABILIZATION_WINDOW,
    "region-scale-up-stabilization-window",
);
pub(super) const REGION_SCALE_UP_STEP_SIZE: Setting =
    of_region(SCALE_UP_STEP_SIZE, var::FAS_REGION_SCALE_UP_STEP_SIZE, "region-scale-up-step-size");
pub(super) const REGION_SCALE_UP_STEP_INTERVAL: Setting = of_region(
    SCALE_UP_STEP_INTERVAL,
    var::FAS_REGION_SCALE_UP_STEP_INTERVAL,
    "region-scale-up-step-interval",
);
pub(super) const REGION_SCALE_UP_COOLDOWN: Setting =
    of_region(SCALE_UP_COOLDOWN, var::FAS_REGION_SCALE_UP_COOLDOWN, "region-scale-up-cooldown");
pub(super) const REGION_SCALE_UP_ONLY_DURING: Setting = of_region(
    SCALE_UP_ONLY_DURING,
    var::FAS_REGION_SCALE_UP_ONLY_DURING,
    "region-scale-up-only-during",
);
pub(super) const REGION_SCALE_DOWN_TOLERANCE: Setting = of_region(
    SCALE_DOWN_TOLERANCE,
    var::FAS_REGION_SCALE_DOWN_TOLERANCE,
    "region-scale-down-tolerance",
);
pub(super) const REGION_SCALE_DOWN_STABILIZATION_WINDOW: Setting = of_region(
    SCALE_DOWN_STABILIZATION_WINDOW,
    var::FAS_REGION_SCALE_DOWN_STABILIZATION_WINDOW,
    "region-scale-down-stabilization-window",
);
pub(super) const REGION_SCALE_DOWN_STEP_SIZE: Setting = of_region(
    SCALE_DOWN_STEP_SIZE,
    var::FAS_REGION_SCALE_DOWN_STEP_SIZE,
    "region-scale-down-step-size",
);
pub(super) const REGION_SCALE_DOWN_STEP_INTERVAL: Setting = of_region(
    SCALE_DOWN_STEP_INTERVAL,
    var::FAS_REGION_SCALE_DOWN_STEP_INTERVAL,
    "region-scale-down-step-interval",
);
pub(super) const REGION_SCALE_DOWN_COOLDOWN: Setting = of_region(
    SCALE_DOWN_COOLDOWN,
    var::FAS_REGION_SCALE_DOWN_COOLDOWN,
    "region-scale-down-cooldown",
);
pub(super) const REGION_SCALE_DOWN_ONLY_DURING: Setting = of_region(
    SCALE_DOWN_ONLY_DURING,
    var::FAS_REGION_SCALE_DOWN_ONLY_DURING,
    "region-scale-down-only-during",
);

/// The same setting for every region.
#[expect(
    clippy::needless_pass_by_value,
    reason = "its callers have constants, of which nothing is left over"
)]
const fn of_region(top: Setting, env: &'static str, flag: &'static str) -> Setting {
    Setting { env: Some(env), flag: Some(flag), ..top }
}
