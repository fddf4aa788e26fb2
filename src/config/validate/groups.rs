//! The process groups: the entries of `process-groups`, or the one of `process-group`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::decide::{Policy, StopOrder, Unlisted};
use crate::evaluate::Names;
use crate::model::{Kind, ProcessGroup, Side};

use super::super::error::{Mistakes, Warning};
use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::raw::{Raw, RawGroup, RawRegions, Values};
use super::super::read::Reader;
use super::super::setting::{self, Setting};
use super::super::value;
use super::super::{GroupConfig, StopMetricConfig};
use super::placement::Placement;
use super::{advice, damping, expressions, regions};

/// A process group whose expressions are not compiled yet: what names they may read depends on the
/// regions of all groups.
pub(super) struct Uncompiled<'a> {
    pub(super) group: ProcessGroup,
    pub(super) policy: Policy,
    forecast_min_skill: Option<f64>,
    /// Everything that holds for it.
    pub(super) in_force: Values,
    /// Where its expressions stand.
    pub(super) values: &'a Values,
    regions: &'a RawRegions,
    pub(super) is_entry: bool,
}

/// The process groups with everything but their expressions.
pub(super) fn groups<'a>(raw: &'a Raw, mistakes: &mut Mistakes) -> Vec<Uncompiled<'a>> {
    // With `process-groups` these are what the groups inherit. Mistakes in them are told here, once, and
    // not again at each group.
    let gap = damping::gap(&raw.settings);
    let top = policy(&raw.settings, &raw.regions, gap, mistakes);
    let Some(groups) = &raw.groups else { return vec![single(raw, top, mistakes)] };
    min_skill(&raw.settings, mistakes);
    let groups: Vec<_> = groups.iter().filter_map(|group| entry(group, raw, mistakes)).collect();
    let lists: Vec<_> = groups.iter().map(|own| (&own.in_force, &own.policy)).collect();
    regions::check_keys(&raw.regions, &lists, mistakes);
    groups
}

/// The one group of `process-group`.
fn single<'a>(raw: &'a Raw, policy: Policy, mistakes: &mut Mistakes) -> Uncompiled<'a> {
    let (values, regions) = (&raw.settings, &raw.regions);
    check_limits(&policy, &[values], mistakes);
    check_counts(values, regions, &Place::Nowhere, mistakes);
    regions::check_keys(regions, &[(values, &policy)], mistakes);
    Placement { policy: &policy, values, regions }.check(mistakes);
    let mut read = Reader { values, mistakes };
    let group = read.read(&setting::PROCESS_GROUP, value::process_group);
    // A stand-in, as `Reader` gives: the mistakes of the expressions are told beside that of the name.
    let group = group.unwrap_or_else(|| ProcessGroup::new(""));
    let forecast_min_skill = min_skill(values, mistakes);
    let in_force = values.clone();
    Uncompiled { group, policy, forecast_min_skill, in_force, values, regions, is_entry: false }
}

/// One entry of `process-groups`; `None` where nothing can be said of what is in it.
fn entry<'a>(raw: &'a RawGroup, top: &Raw, mistakes: &mut Mistakes) -> Option<Uncompiled<'a>> {
    if let Err(fault) = value::process_group(&raw.name) {
        mistakes.add(Mistake::GroupName { fault }, &raw.place);
    }
    let (own, regions) = (raw.own.as_ref()?, &raw.regions);
    let in_force = raw.in_force(&top.settings);
    let policy = mistakes.of_group(&raw.name, |mistakes| {
        let gap = damping::gap(&top.settings);
        policy(own, regions, gap, mistakes);
        min_skill(own, mistakes);
        check_counts(own, regions, &raw.place, mistakes);
        let regions_in_force = raw.regions_in_force(top);
        let policy = policy(&in_force, &regions_in_force, gap, &mut Mistakes::default());
        check_limits(&policy, &[own, &in_force], mistakes);
        regions::check_keys(regions, &[(&in_force, &policy)], mistakes);
        let placement =
            Placement { policy: &policy, values: &in_force, regions: &regions_in_force };
        placement.check(mistakes);
        policy
    });
    let group = ProcessGroup::new(&raw.name);
    let forecast_min_skill = min_skill(&in_force, &mut Mistakes::default());
    Some(Uncompiled {
        group,
        policy,
        forecast_min_skill,
        in_force,
        values: own,
        regions,
        is_entry: true,
    })
}

impl Uncompiled<'_> {
    /// Compiles the expressions, and warns of those that give every region the same.
    pub(super) fn compile(
        self,
        names: &Names,
        app_wide: &BTreeMap<&str, &'static str>,
        stop_metric: Option<StopMetricConfig>,
        mistakes: &mut Mistakes,
        warnings: &mut Vec<Warning>,
    ) -> GroupConfig {
        let Self { group, policy, forecast_min_skill, values, regions, is_entry, .. } = self;
        let compile = |mistakes: &mut Mistakes| {
            let expressions = expressions::compile_all(values, names, mistakes);
            let per_region = regions::compile(regions, &policy.regions, names, mistakes);
            (expressions, per_region)
        };
        let (expressions, per_region) =
            if is_entry { mistakes.of_group(group.as_str(), compile) } else { compile(mistakes) };
        regions::warn_of_alike(regions, &per_region, &policy.regions, app_wide, warnings);
        advice::warn_of_numbers(&expressions, values, &per_region, regions, warnings);
        GroupConfig { group, expressions, per_region, policy, forecast_min_skill, stop_metric }
    }
}

/// The settings of one kind of count: the number itself, and its two ends.
pub(super) const COUNTS: [(Kind, [&Setting; 3]); 2] = [
    (
        Kind::Created,
        [
            &setting::CREATED_MACHINE_COUNT,
            &setting::MIN_CREATED_MACHINE_COUNT,
            &setting::MAX_CREATED_MACHINE_COUNT,
        ],
    ),
    (
        Kind::Started,
        [
            &setting::STARTED_MACHINE_COUNT,
            &setting::MIN_STARTED_MACHINE_COUNT,
            &setting::MAX_STARTED_MACHINE_COUNT,
        ],
    ),
];

/// Upstream's rules about which counts go together. `place` is where one is missing if there is none.
fn check_counts(values: &Values, regions: &RawRegions, place: &Place, mistakes: &mut Mistakes) {
    let mut is_any = check_families(values, mistakes);
    for own in &regions.0 {
        is_any |= mistakes.of_region(&own.name, |mistakes| check_families(&own.values, mistakes));
    }
    if !is_any {
        mistakes.add(Mistake::NoMachineCount, place);
    }
}

/// Checks the counts of one scope, and says whether there are any.
fn check_families(values: &Values, mistakes: &mut Mistakes) -> bool {
    let mut is_any = false;
    for (kind, settings) in COUNTS {
        let [one, min, max] = settings.map(|setting| values.place(setting));
        is_any |= one.or(min).or(max).is_some();
        match (one, min, max) {
            (Some(_), Some(end), _) | (Some(_), None, Some(end)) => {
                mistakes.add(Mistake::CountAndRange { kind }, end);
            }
            (None, Some(place), None) => {
                let (missing, given) = (Side::Max, Side::Min);
                mistakes.add(Mistake::RangeEnd { kind, missing, given }, place);
            }
            (None, None, Some(place)) => {
                let (missing, given) = (Side::Min, Side::Max);
                mistakes.add(Mistake::RangeEnd { kind, missing, given }, place);
            }
            _ => {}
        }
    }
    is_any
}

fn min_skill(values: &Values, mistakes: &mut Mistakes) -> Option<f64> {
    Reader { values, mistakes }.read(&setting::FORECAST_MIN_SKILL, value::skill)
}

fn policy(values: &Values, regions: &RawRegions, gap: Duration, mistakes: &mut Mistakes) -> Policy {
    let region_limits = regions::limits(regions, mistakes);
    let damping = damping::rules(values, gap, mistakes);
    let region_damping = damping::regional(regions, values, gap, mistakes);
    let mut read = Reader { values, mistakes };
    Policy {
        regions: read.region_list(&setting::REGIONS),
        excluded_regions: read.regions(&setting::EXCLUDED_REGIONS),
        drain_excluded: read.boolean(&setting::EXCLUDED_REGIONS_DRAIN),
        always_running: read.regions(&setting::ALWAYS_RUNNING_REGIONS),
        region_backoff: read.duration(&setting::REGION_BACKOFF).unwrap_or_default(),
        region_limits,
        unlisted: [Unlisted::Ignore, Unlisted::Nearest]
            [read.choice(&setting::UNLISTED_REGIONS).unwrap_or_default()],
        damping,
        region_damping,
        launch_created: read.choice(&setting::INITIAL_MACHINE_STATE) == Some(0),
        min_machines: read.count(&setting::MIN_MACHINES),
        max_machines: read.count(&setting::MAX_MACHINES),
        destroy_brake: read.boolean(&setting::DESTROY_BRAKE),
        destroy_force: read.boolean(&setting::DESTROY_FORCE),
        stop_order: [StopOrder::Id, StopOrder::Newest, StopOrder::Oldest, StopOrder::LeastLoaded]
            [read.choice(&setting::STOP_ORDER).unwrap_or_default()],
        cordon_before_stop: read
            .duration(&setting::CORDON_BEFORE_STOP)
            .filter(|least| !least.is_zero()),
        destroy_managed: read.choice(&setting::DESTROY) == Some(1),
        suspend: read.choice(&setting::STOP_ACTION) == Some(1),
        create_volumes: read.choice(&setting::VOLUMES) == Some(1),
    }
}

/// The limits against each other. A mistake is shown in the first of `layers` that has one of them.
fn check_limits(policy: &Policy, layers: &[&Values], mistakes: &mut Mistakes) {
    let (min, max) = (policy.min_machines, policy.max_machines);
    // A maximum that could not be read stands here as 0, below what the table allows.
    if max > 0 && min > max {
        let limits = [&setting::MIN_MACHINES, &setting::MAX_MACHINES];
        let given = layers.iter().find_map(|own| limits.iter().find_map(|limit| own.get(limit)));
        let place = given.map_or(&Place::Default, |given| &given.place);
        mistakes.add(Mistake::MinAboveMax { min, max }, place);
    }
}
