//! The rules that slow scaling.

use std::sync::Arc;
use std::time::Duration;

use crate::decide::{Damping, RegionDamping, Rules};
use crate::model::Region;

use super::super::error::{Mistakes, Notice, Warning};
use super::super::place::Place;
use super::super::raw::{RawRegions, Values};
use super::super::read::Reader;
use super::super::setting::{self, DAMPING, Setting, damping as own};
use super::super::value;

/// Intervals that may pass without a tick besides the time that one may take.
const MISSED: u32 = 3;

/// The settings of one direction.
struct Section {
    tolerance: &'static Setting,
    window: &'static Setting,
    step: &'static Setting,
    step_interval: &'static Setting,
    cooldown: &'static Setting,
    only_during: &'static Setting,
}

const UP: Section = Section {
    tolerance: &own::SCALE_UP_TOLERANCE,
    window: &own::SCALE_UP_STABILIZATION_WINDOW,
    step: &own::SCALE_UP_STEP_SIZE,
    step_interval: &own::SCALE_UP_STEP_INTERVAL,
    cooldown: &own::SCALE_UP_COOLDOWN,
    only_during: &own::SCALE_UP_ONLY_DURING,
};

const DOWN: Section = Section {
    tolerance: &own::SCALE_DOWN_TOLERANCE,
    window: &own::SCALE_DOWN_STABILIZATION_WINDOW,
    step: &own::SCALE_DOWN_STEP_SIZE,
    step_interval: &own::SCALE_DOWN_STEP_INTERVAL,
    cooldown: &own::SCALE_DOWN_COOLDOWN,
    only_during: &own::SCALE_DOWN_ONLY_DURING,
};

/// How long it may be from one tick to the next where nothing is wrong, as far as that can be read: what is
/// wrong with it is noted elsewhere.
pub(super) fn gap(top: &Values) -> Duration {
    let mut read = Reader { values: top, mistakes: &mut Mistakes::default() };
    let [interval, timeout] =
        [&setting::INTERVAL, &setting::TIMEOUT].map(|own| read.duration(own).unwrap_or_default());
    interval * MISSED + timeout
}

/// The rules in `values`.
pub(super) fn rules(values: &Values, gap: Duration, mistakes: &mut Mistakes) -> Damping {
    let mut read = Reader { values, mistakes };
    let common = read.read(&own::TOLERANCE, value::fraction);
    let mut direction = |section: &Section| Rules {
        tolerance: read.read(section.tolerance, value::fraction).or(common).unwrap_or_default(),
        window: read.duration(section.window).unwrap_or_default(),
        step: read.read(section.step, value::step),
        step_interval: read.duration(section.step_interval).unwrap_or_default(),
        cooldown: read.duration(section.cooldown).unwrap_or_default(),
        only_during: read.read(section.only_during, value::calendar).map(Arc::new),
    };
    let (up, down) = (direction(&UP), direction(&DOWN));
    let is_stabilized = [&up, &down].iter().any(|rules| !rules.window.is_zero());
    let gap = if is_stabilized { gap } else { Duration::ZERO };
    Damping { up, down, gap }
}

/// The rules of single regions, each key from the most specific place: the region, every region, and
/// `values`, those of all of them together.
pub(super) fn regional(
    regions: &RawRegions,
    values: &Values,
    gap: Duration,
    mistakes: &mut Mistakes,
) -> RegionDamping {
    let mut all = RegionDamping::default();
    for own in &regions.0 {
        mistakes.of_region(&own.name, |mistakes| rules(&own.values, gap, mistakes));
        let mut in_force = regions.in_force(own);
        if DAMPING.iter().all(|setting| in_force.place(setting).is_none()) {
            continue;
        }
        in_force.fill_in(values, DAMPING);
        let damping = Arc::new(rules(&in_force, gap, &mut Mistakes::default()));
        if own.is_every() {
            all.every = Some(damping);
        } else {
            all.own.insert(Region::new(&own.name), damping);
        }
    }
    all
}

/// Warns of the interval of steps that are not limited.
pub(super) fn warn_of_idle(values: &Values, warnings: &mut Vec<Warning>) {
    for section in [&UP, &DOWN] {
        if let (Some(given), None) = (values.get(section.step_interval), values.place(section.step))
        {
            let (key, needs) = (section.step_interval.key, needs(section.step));
            let notice = Notice::KeyHasNoEffect { key, needs };
            let place: Place = given.place.clone();
            let warning = Warning { notice, place };
            // Several process groups may have it from one place.
            if warnings.iter().all(|other| other.to_string() != warning.to_string()) {
                warnings.push(warning);
            }
        }
    }
}

fn needs(step: &Setting) -> &'static str {
    if step.key == UP.step.key { "`scale-up-step-size`" } else { "`scale-down-step-size`" }
}
