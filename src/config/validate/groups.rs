//! The process groups: the entries of `process-groups`, or the one of `process-group`.

use crate::decide::{Policy, StopOrder};
use crate::evaluate::{Names, PerRegion};
use crate::model::{Kind, ProcessGroup, Side};

use super::super::GroupConfig;
use super::super::error::Mistakes;
use super::super::mistake::Mistake;
use super::super::place::Place;
use super::super::raw::{Raw, RawGroup, Values};
use super::super::read::Reader;
use super::super::setting::{self, Setting};
use super::super::value;
use super::expressions;

/// A process group whose expressions are not compiled yet: what names they may read depends on the
/// regions of all groups.
pub(super) struct Uncompiled<'a> {
    group: ProcessGroup,
    pub(super) policy: Policy,
    /// Where its expressions stand.
    values: &'a Values,
    is_entry: bool,
}

/// The process groups with everything but their expressions.
pub(super) fn groups<'a>(raw: &'a Raw, mistakes: &mut Mistakes) -> Vec<Uncompiled<'a>> {
    // With `process-groups` these are what the groups inherit. Mistakes in them are told here, once, and
    // not again at each group.
    let top = policy(&raw.settings, mistakes);
    match &raw.groups {
        Some(groups) => {
            groups.iter().filter_map(|group| entry(group, &raw.settings, mistakes)).collect()
        }
        None => vec![single(&raw.settings, top, mistakes)],
    }
}

/// The one group of `process-group`.
fn single<'a>(values: &'a Values, policy: Policy, mistakes: &mut Mistakes) -> Uncompiled<'a> {
    check_limits(&policy, &[values], mistakes);
    check_counts(values, &Place::Nowhere, mistakes);
    let mut read = Reader { values, mistakes };
    let group = read.read(&setting::PROCESS_GROUP, value::process_group);
    // A stand-in, as `Reader` gives: the mistakes of the expressions are told beside that of the name.
    let group = group.unwrap_or_else(|| ProcessGroup::new(""));
    Uncompiled { group, policy, values, is_entry: false }
}

/// One entry of `process-groups`; `None` where nothing can be said of what is in it.
fn entry<'a>(raw: &'a RawGroup, top: &Values, mistakes: &mut Mistakes) -> Option<Uncompiled<'a>> {
    if let Err(fault) = value::process_group(&raw.name) {
        mistakes.add(Mistake::GroupName { fault }, &raw.place);
    }
    let own = raw.own.as_ref()?;
    let in_force = raw.in_force(top);
    let policy = mistakes.of_group(&raw.name, |mistakes| {
        policy(own, mistakes);
        check_counts(own, &raw.place, mistakes);
        let in_force_policy = policy(&in_force, &mut Mistakes::default());
        check_limits(&in_force_policy, &[own, &in_force], mistakes);
        in_force_policy
    });
    Some(Uncompiled { group: ProcessGroup::new(&raw.name), policy, values: own, is_entry: true })
}

impl Uncompiled<'_> {
    /// Compiles the expressions.
    pub(super) fn compile(self, names: &Names, mistakes: &mut Mistakes) -> GroupConfig {
        let Self { group, policy, values, is_entry } = self;
        let compile = |mistakes: &mut Mistakes| expressions::compile_all(values, names, mistakes);
        let expressions =
            if is_entry { mistakes.of_group(group.as_str(), compile) } else { compile(mistakes) };
        GroupConfig { group, expressions, per_region: PerRegion::default(), policy }
    }
}

/// The settings of one kind of count: the number itself, and its two ends.
const COUNTS: [(Kind, [&Setting; 3]); 2] = [
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
fn check_counts(values: &Values, place: &Place, mistakes: &mut Mistakes) {
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
    if !is_any {
        mistakes.add(Mistake::NoMachineCount, place);
    }
}

fn policy(values: &Values, mistakes: &mut Mistakes) -> Policy {
    let mut read = Reader { values, mistakes };
    Policy {
        regions: read.regions(&setting::REGIONS).into(),
        launch_created: read.choice(&setting::INITIAL_MACHINE_STATE) == Some(0),
        min_machines: read.count(&setting::MIN_MACHINES),
        max_machines: read.count(&setting::MAX_MACHINES),
        destroy_brake: read.boolean(&setting::DESTROY_BRAKE),
        destroy_force: read.boolean(&setting::DESTROY_FORCE),
        stop_order: [StopOrder::Id, StopOrder::Newest, StopOrder::Oldest]
            [read.choice(&setting::STOP_ORDER).unwrap_or_default()],
        suspend: read.choice(&setting::STOP_ACTION) == Some(1),
        create_volumes: read.choice(&setting::VOLUMES) == Some(1),
        ..Policy::default()
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
