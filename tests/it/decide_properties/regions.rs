//! What every decision keeps in its regions.

use std::collections::BTreeMap;

use fly_autoscaler::decide::{GroupTargets, Plan, Reason, ScopePlan, Verb, Wanted};
use fly_autoscaler::model::{HostStatus, Kind, Machine, MachineState, Region};
use proptest::prelude::*;

use super::cases::{Case, case};
use super::{runs, scopes_of};

/// Other names for the regions, in the opposite order of the alphabet.
const RENAMED: [(&str, &str); 4] = [("fra", "zzz"), ("iad", "yyy"), ("lhr", "xxx"), ("syd", "www")];

/// What `plan` shows, with the regions called by their other names.
fn renamed(plan: &Plan) -> String {
    let mut text = serde_json::to_string(plan).unwrap();
    for (old, new) in RENAMED {
        text = text.replace(&format!("\"{old}\""), &format!("\"{new}\""));
        text = text.replace(&format!(" {old}"), &format!(" {new}"));
    }
    text
}

fn rename(region: &mut Region) {
    let pair = RENAMED.iter().find(|(old, _)| region.as_str() == *old);
    if let Some((_, new)) = pair {
        *region = Region::new(new);
    }
}

/// The same case in regions of other names.
fn with_other_names(mut case: Case) -> Case {
    use fly_autoscaler::decide::Effect;
    use fly_autoscaler::model::RegionList;
    for machine in &mut case.observed.machines {
        rename(&mut machine.region);
    }
    for recent in &mut case.history.recent {
        if let Effect::Created { region, .. } = &mut recent.effect {
            rename(region);
        }
    }
    for changes in case.history.changes.values_mut() {
        std::sync::Arc::make_mut(changes).iter_mut().for_each(|change| rename(&mut change.region));
    }
    case.history.recommendations = std::mem::take(&mut case.history.recommendations)
        .into_iter()
        .map(|(mut scope, own)| {
            scope.region.iter_mut().for_each(rename);
            (scope, own)
        })
        .collect();
    for own in &mut case.targets.groups {
        own.regions.iter_mut().for_each(rename);
        own.by_region.iter_mut().for_each(|target| rename(&mut target.region));
        own.skipped.iter_mut().for_each(|(region, _)| rename(region));
        let mut policy = (*own.policy).clone();
        if let RegionList::Listed(listed) = &mut policy.regions {
            listed.iter_mut().for_each(rename);
        }
        policy.excluded_regions.iter_mut().for_each(rename);
        policy.always_running.iter_mut().for_each(rename);
        policy.region_limits.own = std::mem::take(&mut policy.region_limits.own)
            .into_iter()
            .map(|(mut region, limits)| {
                rename(&mut region);
                (region, limits)
            })
            .collect();
        policy.region_damping.own = std::mem::take(&mut policy.region_damping.own)
            .into_iter()
            .map(|(mut region, rules)| {
                rename(&mut region);
                (region, rules)
            })
            .collect();
        own.policy = policy.into();
    }
    case
}

/// The machines of a group that are its to touch, by region.
fn by_region<'a>(case: &'a Case, own: &GroupTargets) -> BTreeMap<&'a Region, Vec<&'a Machine>> {
    let mut all: BTreeMap<&Region, Vec<&Machine>> = BTreeMap::new();
    for machine in &case.observed.machines {
        let is_own = machine.facts.group.as_ref() == Some(&own.group)
            && machine.host_status == HostStatus::Ok
            && !machine.facts.is_standby
            && !machine.facts.is_scheduled
            && case.observed.own_machine.as_ref() != Some(&machine.id);
        if is_own {
            all.entry(&machine.region).or_default().push(machine);
        }
    }
    all
}

fn scope_in<'a>(scopes: &[&'a ScopePlan], region: &Region) -> Option<&'a ScopePlan> {
    scopes.iter().find(|scope| scope.scope.region.as_ref() == Some(region)).copied()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_does_not_depend_on_what_regions_are_called(case in case()) {
        // Without a list, new machines go where there are some, in the order of the alphabet.
        let before = renamed(&case.decide());
        let after = serde_json::to_string(&with_other_names(case).decide()).unwrap();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn what_regions_want_fits_into_the_bounds_over_all_of_them(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            let scopes = scopes_of(&plan.scopes, own);
            let all = scopes[0];
            let Some(app_wide) = all.targets else { continue };
            if scopes.iter().any(|scope| is_grow_only(scope)) {
                // A hold beats bounds and limits.
                continue;
            }
            for kind in [Kind::Created, Kind::Started].into_iter().filter(|kind| own.regional.has(*kind)) {
                let decided: Vec<&ScopePlan> = own.by_region.iter()
                    .filter_map(|target| scope_in(&scopes, &target.region))
                    .filter(|scope| scope.targets.is_some_and(|own| own.of(kind).max.is_some()))
                    .collect();
                let ends = |scope: &&ScopePlan| scope.targets.map(|own| own.of(kind)).unwrap_or_default();
                let there: u32 = decided.iter().map(|scope| scope.observed.of(kind)).sum();
                let elsewhere = all.observed.of(kind).saturating_sub(there);
                let (low, high) = decided.iter().map(ends).fold((0, 0), |(low, high), own| {
                    (low + own.min.unwrap_or(0), high + own.max.unwrap_or(0))
                });
                prop_assert!(low <= high);
                // The hard ceiling always, what the expressions say unless something has to be there.
                prop_assert!(high + elsewhere <= std::cmp::max(own.policy.max_machines, elsewhere));
                let must: u32 = decided.iter().filter_map(|scope| scope.scope.region.as_ref()).map(|region| {
                    let runs = own.policy.always_running.contains(region);
                    std::cmp::max(own.policy.region_limits.of(region).min_machines, u32::from(runs))
                }).sum();
                let most = app_wide.of(kind).max.unwrap_or(own.policy.max_machines);
                prop_assert!(high <= std::cmp::max(most.saturating_sub(elsewhere), must), "{high} > {most}: {scopes:#?}");
                // All that is wanted at least is shared out, as far as the regions' limits let it.
                let least = app_wide.of(kind).min.unwrap_or(own.policy.min_machines);
                let room: u64 = decided.iter().filter_map(|scope| scope.scope.region.as_ref())
                    .map(|region| u64::from(own.policy.region_limits.of(region).max_machines)).sum();
                let wanted = u64::from(least.saturating_sub(elsewhere));
                prop_assert!(u64::from(low) >= std::cmp::min(wanted, room), "{low} < {least}: {scopes:#?}");
            }
        }
    }

    #[test]
    fn where_too_many_hosts_do_not_answer_none_is_created_or_destroyed(mut case in case()) {
        for machine in case.observed.machines.iter_mut().step_by(2) {
            machine.host_status = HostStatus::Unreachable;
        }
        let plan = case.decide();
        for own in &case.targets.groups {
            let scopes = scopes_of(&plan.scopes, own);
            let gone: u32 = scopes.iter()
                .filter(|scope| scope.scope.region.is_none() || super::is_drained(scope))
                .map(|scope| scope.observed.unreachable).sum();
            let there: u32 = scopes.iter()
                .filter(|scope| scope.scope.region.is_none() || super::is_drained(scope))
                .map(|scope| scope.observed.created).sum();
            let is_unhealthy = gone > 3 && gone * 100 > (gone + there) * 45;
            let acts = scopes.iter().flat_map(|scope| &scope.actions)
                .any(|own| matches!(own.action.verb(), Verb::Create | Verb::Destroy));
            prop_assert!(!is_unhealthy || !acts, "{scopes:#?}");
        }
    }

    #[test]
    fn regions_stay_within_their_own_limits(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            let scopes = scopes_of(&plan.scopes, own);
            for target in &own.by_region {
                let scope = scope_in(&scopes, &target.region).unwrap();
                if is_grow_only(scope) {
                    continue;
                }
                let limits = own.policy.region_limits.of(&target.region);
                for kind in [Kind::Created, Kind::Started] {
                    let bounds = scope.targets.map(|own| own.of(kind)).unwrap_or_default();
                    prop_assert!(bounds.max.is_none_or(|max| max <= limits.max_machines), "{scope:#?}");
                    prop_assert!(bounds.min.is_none_or(|min| min <= limits.max_machines), "{scope:#?}");
                }
            }
        }
    }

    #[test]
    fn a_region_that_always_runs_keeps_one_that_does(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            let machines = by_region(&case, own);
            for region in &own.policy.always_running {
                let started: Vec<_> = machines.get(region).into_iter().flatten()
                    .filter(|machine| machine.state == MachineState::Started)
                    .collect();
                let lost = plan.actions().filter(|(_, planned)| {
                    let stops = !matches!(planned.action.verb(), Verb::Start | Verb::Create | Verb::Uncordon);
                    stops && started.iter().any(|own| planned.action.machine() == Some(&own.id))
                }).count();
                prop_assert!(started.is_empty() || lost < started.len(), "{region} loses {lost}: {:#?}", plan.scopes);
            }
        }
    }

    #[test]
    fn excluded_regions_get_nothing_and_are_left_alone_unless_drained(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            for scope in scopes_of(&plan.scopes, own) {
                for planned in &scope.actions {
                    let regions = match &planned.action {
                        fly_autoscaler::decide::Action::Create { regions, .. } => regions.clone(),
                        other => other.region().cloned().into_iter().collect(),
                    };
                    let is_excluded = regions.iter().any(|own_region| own.policy.excluded_regions.contains(own_region));
                    let gives = runs(&planned.action) || planned.action.verb() == Verb::Create;
                    let again = planned.reason == Reason::WantedAgain;
                    prop_assert!(!is_excluded || !gives || again, "{}", planned.action);
                    prop_assert!(!again || !is_excluded);
                }
            }
        }
    }

    #[test]
    fn draining_takes_no_more_than_others_stand_in_for(case in case()) {
        let plan = case.decide();
        for own in case.targets.groups.iter().filter(|own| own.policy.drain_excluded) {
            let scopes = scopes_of(&plan.scopes, own);
            let drained: Vec<_> = scopes.iter()
                .filter(|scope| scope.reasons.contains(&Reason::Draining))
                .collect();
            let running: Vec<_> = by_region(&case, own).into_values().flatten()
                .filter(|machine| machine.state == MachineState::Started)
                .map(|machine| &machine.id)
                .collect();
            let lost = drained.iter().flat_map(|scope| &scope.actions)
                .filter(|planned| planned.action.verb() != Verb::Uncordon)
                .filter(|planned| planned.action.machine().is_some_and(|id| running.contains(&id)))
                .count() as u32;
            // Only numbers over all regions, to keep the reckoning apart from that of the decision.
            let Some(bounds) = scopes[0].targets.filter(|_| !own.regional.any()) else { continue };
            let Some(least) = bounds.started.min else { continue };
            let total = running.len() as u32;
            let total_there: u32 = scopes.iter()
                .filter(|scope| scope.scope.region.is_none() || super::is_drained(scope))
                .map(|scope| scope.observed.started + scope.observed.unreachable)
                .sum();
            let is_full = total_there >= own.policy.max_machines;
            prop_assert!(
                lost == 0 || total.saturating_sub(lost) + u32::from(is_full) >= std::cmp::min(least, total),
                "{lost} of {total} go, {least} wanted: {scopes:#?}"
            );
        }
    }
}

fn is_grow_only(scope: &ScopePlan) -> bool {
    scope.reasons.iter().any(|reason| matches!(reason, Reason::ScaleDownHeld { .. }))
}

#[test]
fn the_cases_have_regions_of_all_kinds() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..400 {
        let case = case().new_tree(&mut runner).unwrap().current();
        let held = |own: &GroupTargets| matches!(own.app_wide, Wanted::Hold(_));
        for scope in case.decide().scopes.iter().filter(|scope| scope.scope.region.is_some()) {
            for reason in &scope.reasons {
                *seen.entry(reason.code()).or_default() += 1;
            }
        }
        *seen.entry("held").or_default() += u32::from(case.targets.groups.iter().any(held));
    }
    for code in [
        "below_min",
        "above_max",
        "raised_by_app_wide",
        "lowered_by_app_wide",
        "always_running",
        "draining",
        "drain_waits",
        "app_wide_held",
        "scale_down_held",
        "region_excluded",
        "limited_by_max_machines",
        "held",
    ] {
        assert!(seen.get(code).is_some_and(|count| *count >= 3), "{code}: {seen:?}");
    }
}
