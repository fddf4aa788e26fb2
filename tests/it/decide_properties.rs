//! What every decision keeps, for whatever machines, process groups, numbers and settings.

mod cases;
mod damping;
mod regions;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::view::{Cordon, View};
use fly_autoscaler::decide::{
    Action, Choice, Cordoned, Damping, Effect, GroupTargets, Observed, Plan, Policy, Reason,
    RegionDamping, ScopePlan, Targets, Turn, Verb, Verdict, Wanted, check, decide,
};
use fly_autoscaler::model::{
    Bounds, HostStatus, Kind, Machine, MachineFacts, MachineId, MachineState, ScopeBounds,
};
use proptest::prelude::*;

use cases::{Case, NOW, case, config_of, group};

/// Takes a machine out of rotation, long enough ago for it to be stopped, or puts it back.
fn rotate(observed: &mut Observed, id: &MachineId, out: bool) {
    for machine in observed.machines.iter_mut().filter(|machine| machine.id == *id) {
        machine.is_cordoned = out;
        machine.facts.cordoned_at = out.then(|| NOW.minus(Duration::from_secs(3600)));
    }
}

/// What the machines are once a plan has been carried out and everything has settled.
fn settled(observed: &Observed, plan: &Plan, round: usize) -> Observed {
    let mut after = observed.clone();
    for machine in &mut after.machines {
        machine.state = match &machine.state {
            MachineState::Starting | MachineState::Replacing => MachineState::Started,
            MachineState::Created | MachineState::Stopping => MachineState::Stopped,
            MachineState::Suspending => MachineState::Suspended,
            other => other.clone(),
        };
    }
    for (number, (scope, planned)) in plan.actions().enumerate() {
        let set = |after: &mut Observed, id: &MachineId, state: MachineState| {
            for machine in after.machines.iter_mut().filter(|machine| machine.id == *id) {
                machine.state = state.clone();
            }
        };
        match &planned.action {
            Action::Start { machine, .. } => set(&mut after, machine, MachineState::Started),
            Action::Stop { machine, .. } => set(&mut after, machine, MachineState::Stopped),
            Action::Suspend { machine, .. } => set(&mut after, machine, MachineState::Suspended),
            Action::Cordon { machine, .. } => rotate(&mut after, machine, true),
            Action::Uncordon { machine, .. } => rotate(&mut after, machine, false),
            Action::Destroy { machine, .. } => after.machines.retain(|own| own.id != *machine),
            Action::Create { regions, start, create_id, .. } => after.machines.push(Machine {
                id: MachineId::new(format!("n{round}-{number:03}")),
                state: if *start { MachineState::Started } else { MachineState::Stopped },
                region: regions[0].clone(),
                host_status: HostStatus::Ok,
                is_cordoned: false,
                created_at: Some(NOW),
                image: Some(Arc::from("registry.fly.io/app:v1")),
                facts: MachineFacts {
                    group: Some(scope.group.clone()),
                    create_id: Some(Arc::clone(create_id)),
                    ..MachineFacts::default()
                },
                config: Some(config_of()),
            }),
        }
    }
    after
}

fn tally_after(case: &Case, wanted: ScopeBounds, kind: Kind) -> u32 {
    // The brake is the one exception: it holds a large destroy, and lets a small one through.
    let policy = Policy { destroy_brake: false, ..(*case.targets.groups[0].policy).clone() };
    let (policy, app_wide) = (Arc::new(policy), Wanted::Bounds(wanted));
    let targets = Targets { groups: vec![GroupTargets::app_wide(group(), policy, app_wide)] };
    let plan = decide(&case.observed, &targets, &case.history, NOW);
    let after = settled(&case.observed, &plan, 0);
    let quiet = Targets {
        groups: vec![GroupTargets {
            app_wide: Wanted::Bounds(ScopeBounds::default()),
            ..targets.groups[0].clone()
        }],
    };
    decide(&after, &quiet, &plan.next, NOW).scopes[0].observed.of(kind)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn every_plan_passes_its_linter(case in case()) {
        let plan = case.decide();
        prop_assert_eq!(check::check(&plan, &case.observed), Vec::<String>::new());
    }

    #[test]
    fn plans_with_the_same_targets_end_within_a_few_rounds(mut case in case()) {
        // Two more rounds than without the brake, which waits for a third wish. Some machines are cordoned
        // before they are stopped, and put back once they have.
        let has_brake = case.targets.groups.iter().any(|own| own.policy.destroy_brake);
        let has_regions = case.targets.groups.iter().any(|own| !own.regions.is_empty());
        let rounds = match (has_regions, has_brake) {
            // Where the ceiling leaves no room, an excluded region gives up one machine at a time, each of
            // which is stopped, destroyed and made anew elsewhere.
            (true, _) => 8 + 5 * case.observed.machines.len(),
            (false, true) => 8,
            (false, false) => 6,
        };
        // One machine at a time, of each number; a step is never used up here, where nothing is remembered.
        let has_steps = case.targets.groups.iter().any(|own| {
            let all = [&own.policy.damping].into_iter().chain(own.policy.region_damping.iter());
            all.flat_map(|damping| [&damping.up, &damping.down]).any(|rules| rules.step.is_some())
        });
        let rounds = if has_steps { 4 * rounds + 100 } else { rounds };
        for round in 0..rounds {
            let plan = case.decide();
            let mut reasons = plan.scopes.iter().flat_map(|scope| &scope.reasons);
            if plan.actions().next().is_none() && !reasons.any(|reason| {
                matches!(reason, Reason::DestroyBrake { .. } | Reason::WaitingForStop { .. })
            }) {
                return Ok(());
            }
            case.observed = settled(&case.observed, &plan, round);
            case.history = plan.next;
            case.history.recent.clear();
        }
        let plan = case.decide();
        prop_assert!(plan.verdict != Verdict::Act, "still acting: {:#?}", plan.scopes);
    }

    #[test]
    fn moving_every_time_by_the_same_amount_gives_the_same_plan(case in case(), hours in 0_i64..100_000) {
        // Hours of the week are the same a week later.
        let has_hours = case.targets.groups.iter().any(|own| {
            let all = [&own.policy.damping].into_iter().chain(own.policy.region_damping.iter());
            all.flat_map(|own| [&own.up, &own.down]).any(|rules| rules.only_during.is_some())
        });
        let unit = if has_hours { 7 * 24 * 3600 } else { 3600 };
        let shift = Duration::from_secs(hours.unsigned_abs() * unit);
        let mut moved = case.clone();
        for machine in &mut moved.observed.machines {
            machine.created_at = machine.created_at.map(|at| at.plus(shift));
            machine.facts.cordoned_at = machine.facts.cordoned_at.map(|at| at.plus(shift));
        }
        for recent in &mut moved.history.recent {
            recent.at = recent.at.plus(shift);
        }
        for at in moved.history.refused_suspends.values_mut() {
            *at = at.plus(shift);
        }
        for cordoned in moved.history.cordoned.values_mut() {
            cordoned.since = cordoned.since.plus(shift);
        }
        for all in moved.history.changes.values_mut() {
            Arc::make_mut(all).iter_mut().for_each(|change| change.at = change.at.plus(shift));
        }
        // What was wanted before is kept in a form of its own: it is left out here, and covered by
        // `moving_every_time_by_weeks_changes_nothing`.
        let mut case = case;
        case.history.recommendations.clear();
        moved.history.recommendations.clear();
        let before = case.decide();
        let after = decide(&moved.observed, &moved.targets, &moved.history, NOW.plus(shift));
        let plain = |scopes| {
            let mut scopes = without_ids(scopes);
            let reasons = scopes.iter_mut().flat_map(|scope| &mut scope.reasons);
            reasons.for_each(damping::without_times);
            scopes
        };
        prop_assert_eq!(plain(before.scopes), plain(after.scopes));
    }

    #[test]
    fn shuffling_the_machines_gives_the_same_plan(
        (case, order) in case().prop_flat_map(|case| {
            let order = Just(case.observed.machines.clone()).prop_shuffle();
            (Just(case), order)
        })
    ) {
        let mut shuffled = case.clone();
        shuffled.observed.machines = order;
        prop_assert_eq!(case.decide(), shuffled.decide());
    }

    #[test]
    fn wanting_more_never_gives_fewer(case in case(), low in 0_u32..15, more in 0_u32..10) {
        for kind in [Kind::Created, Kind::Started] {
            let only = |count| match kind {
                Kind::Created => ScopeBounds { created: Bounds::exactly(count), ..ScopeBounds::default() },
                Kind::Started => ScopeBounds { started: Bounds::exactly(count), ..ScopeBounds::default() },
            };
            let less = tally_after(&case, only(low), kind);
            let greater = tally_after(&case, only(low + more), kind);
            prop_assert!(less <= greater, "{kind}: {low} gives {less}, {} gives {greater}", low + more);
        }
    }

    #[test]
    fn the_last_machine_that_can_be_cloned_is_never_destroyed(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            let cloneable: BTreeSet<&MachineId> = case.observed.machines.iter().filter(|machine| {
                machine.host_status == HostStatus::Ok
                    && machine.facts.group.as_ref() == Some(&own.group)
                    && machine.config.is_some()
                    && machine.facts.bluegreen_tag.is_none()
                    && machine.state != MachineState::Destroying
            }).map(|machine| &machine.id).collect();
            let actions = scopes_of(&plan.scopes, own).into_iter().flat_map(|scope| &scope.actions);
            let destroys = actions.filter(|own| own.action.verb() == Verb::Destroy);
            let destroyed: BTreeSet<_> = destroys.filter_map(|own| own.action.machine()).collect();
            if destroyed.iter().any(|id| cloneable.contains(id)) {
                prop_assert!(!cloneable.is_subset(&destroyed), "destroys {destroyed:?} of {cloneable:?}");
            }
        }
    }

    #[test]
    fn counts_stay_within_max_machines_or_shrink(case in case()) {
        let plan = case.decide();
        for own in &case.targets.groups {
            let scopes = scopes_of(&plan.scopes, own);
            let (mut there, mut running, mut creates, mut starts) = (0, 0, 0, 0);
            for scope in &scopes {
                // What goes from excluded regions is not in the number over all regions.
                if scope.scope.region.is_none() || is_drained(scope) {
                    there += scope.observed.created + scope.observed.unreachable;
                    running += scope.observed.started + scope.observed.unreachable;
                }
                let own = scope.actions.iter().map(|planned| &planned.action);
                let of_scope = own.clone().filter(|action| runs(action)).count() as u32;
                creates += own.filter(|action| action.verb() == Verb::Create).count() as u32;
                starts += of_scope;
                let max = scope.targets.and_then(|targets| targets.started.max);
                if let Some(max) = max.filter(|_| of_scope > 0 && scope.scope.region.is_some()) {
                    prop_assert!(scope.observed.started + of_scope <= max, "{scope:#?}");
                }
            }
            prop_assert!(creates == 0 || there + creates <= own.policy.max_machines);
            let is_asked = scopes.iter().any(|scope| scope.targets.is_some_and(|own| own.started.is_defined()));
            prop_assert!(!is_asked || starts == 0 || running + starts <= own.policy.max_machines);
        }
    }

    #[test]
    fn each_group_is_decided_as_if_it_were_the_only_one(case in case()) {
        let together = without_ids(case.decide().scopes);
        for own in &case.targets.groups {
            let alone = Targets { groups: vec![own.clone()] };
            let alone = without_ids(decide(&case.observed, &alone, &case.history, NOW).scopes);
            prop_assert_eq!(scopes_of(&together, own), alone.iter().collect::<Vec<_>>());
        }
        let groups: BTreeSet<_> = together.iter().map(|scope| &scope.scope.group).collect();
        prop_assert_eq!(groups.len(), case.targets.groups.len());
        let scopes: BTreeSet<_> = together.iter().map(|scope| &scope.scope).collect();
        prop_assert_eq!(scopes.len(), together.len(), "a scope twice");
    }

    #[test]
    fn no_group_touches_or_clones_a_machine_of_another(case in case()) {
        let plan = case.decide();
        let group_of = |id: &MachineId| {
            let own = case.observed.machines.iter().find(|machine| machine.id == *id);
            own.and_then(|machine| machine.facts.group.as_ref())
        };
        let mut touched = BTreeSet::new();
        for scope in &plan.scopes {
            let spares = scope.spares.iter();
            for action in scope.actions.iter().map(|planned| &planned.action).chain(spares) {
                let id = match action {
                    Action::Create { template, .. } => &template.source,
                    action => action.machine().unwrap(),
                };
                prop_assert_eq!(group_of(id), Some(&scope.scope.group), "{}", action);
                prop_assert!(action.machine().is_none_or(|id| touched.insert(id)), "{action} twice");
            }
        }
        let ids: Vec<_> = plan.actions().filter_map(|(_, own)| match &own.action {
            Action::Create { create_id, .. } => Some(create_id),
            _ => None,
        }).collect();
        let (all, distinct) = (ids.len(), ids.iter().collect::<BTreeSet<_>>().len());
        prop_assert_eq!(all, distinct, "two creates have the same id");
    }

    #[test]
    fn a_hold_has_a_reason_and_no_action(case in case()) {
        let plan = case.decide();
        if plan.verdict == Verdict::Hold {
            prop_assert!(plan.actions().next().is_none());
            prop_assert!(plan.scopes.iter().any(ScopePlan::is_held));
        }
        for own in case.targets.groups.iter().filter(|own| matches!(own.app_wide, Wanted::Hold(_))) {
            for scope in scopes_of(&plan.scopes, own) {
                let is_skipped = own.skipped.iter().any(|(region, _)| scope.scope.region.as_ref() == Some(region));
                prop_assert!(scope.actions.is_empty() && (is_skipped || scope.is_held()), "{scope:#?}");
            }
        }
        // A region without numbers is as it was, whatever the others do.
        for own in &case.targets.groups {
            for region in own.by_region.iter().filter(|region| matches!(region.wanted, Wanted::Hold(_))) {
                let scopes = scopes_of(&plan.scopes, own);
                let held = scopes.iter().find(|scope| scope.scope.region.as_ref() == Some(&region.region));
                prop_assert!(held.is_some_and(|scope| scope.is_held() && scope.actions.is_empty()));
            }
        }
    }

    #[test]
    fn suspending_changes_only_how_machines_stop(case in case()) {
        let with = |suspend| {
            let mut targets = case.targets.clone();
            for own in &mut targets.groups {
                own.policy = Arc::new(Policy { suspend, ..(*own.policy).clone() });
            }
            decide(&case.observed, &targets, &case.history, NOW)
        };
        let (mut stops, suspends) = (with(false), with(true));
        let cannot = |id: &MachineId| {
            let machine = case.observed.machines.iter().find(|machine| machine.id == *id);
            machine.is_none_or(|machine| machine.facts.suspend_obstacle.is_some())
                || case.history.refused_suspends.contains_key(id)
        };
        let suspended = |action: Action, reason: &Reason| match action {
            Action::Stop { machine, region }
                if !cannot(&machine) && *reason != Reason::StopBeforeDestroy =>
            {
                Action::Suspend { machine, region }
            }
            action => action,
        };
        for (stops, suspends) in stops.scopes.iter_mut().zip(&suspends.scopes) {
            for own in &mut stops.actions {
                own.action = suspended(own.action.clone(), &own.reason);
            }
            for spare in &mut stops.spares {
                *spare = suspended(spare.clone(), &Reason::NoTarget);
            }
            let mut said = suspends.clone();
            said.reasons.retain(|reason| !matches!(reason, Reason::CannotSuspend { .. }));
            prop_assert_eq!(&said, stops);
            // What is stopped all the same is said, and how many.
            let left = suspends.actions.iter().filter(|own| {
                own.action.verb() == Verb::Stop && own.reason != Reason::StopBeforeDestroy
            });
            let told = suspends.reasons.iter().find_map(|reason| match reason {
                Reason::CannotSuspend { count, why } => Some((*count, why.values().sum::<u32>())),
                _ => None,
            });
            let left = left.count() as u32;
            prop_assert_eq!(told, (left > 0).then_some((left, left)));
        }
    }

    #[test]
    fn what_is_not_to_stop_serves(mut case in case()) {
        // As many as there are, in a group without regions of its own: whatever we have cordoned goes back.
        // What was done of late is forgotten first, or some of those that are about to stop would count as
        // running in the next round.
        case.history.recent.clear();
        let own = &mut case.targets.groups[0];
        let policy = Policy {
            min_machines: 0,
            max_machines: 1000,
            always_running: Vec::new(),
            excluded_regions: Vec::new(),
            ..(*own.policy).clone()
        };
        *own = GroupTargets::app_wide(own.group.clone(), Arc::new(policy), own.app_wide.clone());
        case.targets.groups.truncate(1);
        let started = case.decide().scopes[0].observed.started;
        let wanted = ScopeBounds { started: Bounds::exactly(started), ..ScopeBounds::default() };
        case.targets.groups[0].app_wide = Wanted::Bounds(wanted);
        for _ in 0..3 {
            let plan = case.decide();
            case.observed = settled(&case.observed, &plan, 0);
            case.history = plan.next;
        }
        let view = View::of_group(&case.observed, &group(), &case.history, NOW);
        for seen in view.machines.iter().filter(|seen| seen.standing.started) {
            prop_assert!(!matches!(seen.cordon, Some(Cordon::Ours(_))), "{seen:?}");
        }
    }

    #[test]
    fn whoever_else_has_cordoned_a_machine_it_stays_cordoned(mut case in case()) {
        case.history.cordoned.clear();
        case.history.recent.clear();
        for machine in &mut case.observed.machines {
            machine.facts.cordoned_at = None;
        }
        let others: BTreeSet<MachineId> = case.observed.machines.iter()
            .filter(|machine| machine.is_cordoned).map(|machine| machine.id.clone()).collect();
        for round in 0..4 {
            let plan = case.decide();
            for (_, planned) in plan.actions() {
                let is_theirs = planned.action.machine().is_some_and(|id| others.contains(id));
                let turns = matches!(planned.action.verb(), Verb::Cordon | Verb::Uncordon);
                prop_assert!(!(is_theirs && turns), "{}", planned.action);
            }
            case.observed = settled(&case.observed, &plan, round);
            case.history = plan.next;
        }
    }

    #[test]
    fn an_outline_of_the_machines_tells_whether_there_is_something_to_do(mut case in case()) {
        let close = case.decide();
        for machine in &mut case.observed.machines {
            *machine = machine.outline();
        }
        let glance = case.decide();
        let asks = glance.verdict == Verdict::Act || glance.needs_configs();
        prop_assert!(asks || close.verdict != Verdict::Act);
        if !asks {
            prop_assert_eq!(without_ids(close.scopes), without_ids(glance.scopes));
        }
    }

    #[test]
    fn each_machine_is_chosen_by_the_rule_that_is_said_of_it(case in case()) {
        let plan = case.decide();
        for (_, planned) in plan.actions() {
            let verb = planned.action.verb();
            let fits = match &planned.choice {
                Choice::Start { .. } => verb == Verb::Start,
                Choice::Leave { .. } => matches!(verb, Verb::Stop | Verb::Suspend | Verb::Cordon),
                Choice::Destroy { .. } => matches!(verb, Verb::Destroy | Verb::Stop | Verb::Cordon),
                Choice::Clone { .. } => verb == Verb::Create,
                Choice::Every => matches!(verb, Verb::Uncordon | Verb::Start),
            };
            prop_assert!(fits, "{planned:#?}");
        }
        for scope in &plan.scopes {
            // Nobody is passed over without a place of its own.
            let starts = scope.actions.iter().filter(|own| own.action.verb() == Verb::Start);
            let places: Vec<_> = starts.filter_map(|own| own.choice.place()).collect();
            prop_assert!(places.iter().all(|own| (1..=own.of).contains(&own.place)));
            prop_assert!(places.is_sorted_by(|one, next| one.place < next.place), "{places:?}");
        }
    }

    #[test]
    fn what_was_done_a_moment_ago_is_not_done_again(case in case()) {
        // The list still says what it said before: every action must be laid over it.
        let plan = case.decide();
        let mut history = plan.next.clone();
        for (scope, planned) in plan.actions() {
            let effect = match &planned.action {
                Action::Start { machine, .. } => Effect::Started { machine: machine.clone() },
                Action::Stop { machine, .. } => Effect::Stopped { machine: machine.clone() },
                Action::Suspend { machine, .. } => Effect::Suspended { machine: machine.clone() },
                Action::Cordon { machine, at, .. } => {
                    history.cordoned.insert(machine.clone(), Cordoned::since(*at));
                    Effect::Cordoned { machine: machine.clone() }
                }
                Action::Uncordon { machine, .. } => {
                    history.cordoned.remove(machine);
                    Effect::Uncordoned { machine: machine.clone() }
                }
                Action::Destroy { machine, .. } => Effect::Destroyed { machine: machine.clone() },
                Action::Create { create_id, regions, start, .. } => Effect::Created {
                    create_id: Arc::clone(create_id),
                    machine: None,
                    group: scope.group.clone(),
                    region: regions[0].clone(),
                    launched: *start,
                    volume: None,
                },
            };
            history.record(NOW, effect);
        }
        let later = NOW.plus(Duration::from_secs(15));
        // Whatever ran out of the overlay in between is not what is tested here.
        history.recent.retain(|recent| recent.is_fresh(later));
        let again = decide(&case.observed, &case.targets, &history, later);
        let creates = |plan: &Plan| plan.actions().filter(|(_, own)| own.action.verb() == Verb::Create).count();
        let unlisted_kept = case.history.recent.iter().all(|recent| recent.is_fresh(later));
        let young_kept = case.observed.machines.iter().all(|machine| !machine.facts.launched_by_autoscaler);
        if unlisted_kept && young_kept && creates(&plan) > 0 {
            // With damping the next step may follow, but both are no more than what is lacking.
            let lacking = creates(&decide(&case.observed, &damping::undamped(&case.targets), &case.history, NOW));
            // What goes in between leaves room under the ceiling.
            let room = plan.actions().filter(|(_, own)| own.action.verb() == Verb::Destroy).count();
            let both = creates(&plan) + creates(&again);
            prop_assert!(both <= lacking + room, "{both} of {lacking}: {:#?}", again.scopes);
        }
        let may_change = !unlisted_kept || !young_kept || case.targets.groups.iter().any(|own| {
            own.policy.destroy_brake || own.policy.damping != Damping::default()
                || own.policy.region_damping != RegionDamping::default()
        });
        let touched: BTreeMap<&MachineId, Verb> = plan.actions()
            .filter_map(|(_, own)| Some((own.action.machine()?, own.action.verb()))).collect();
        for (_, planned) in again.actions() {
            let before = planned.action.machine().and_then(|id| touched.get(id));
            let follows = match (before, planned.action.verb()) {
                // One that was cordoned at rest is put back and started, in either order.
                (Some(Verb::Start), Verb::Uncordon) | (Some(Verb::Uncordon), Verb::Start) => true,
                // What was to stay may go after all, where time alone or a further wish lets it.
                (Some(Verb::Uncordon), verb) => may_change && verb != Verb::Uncordon,
                (Some(Verb::Cordon), verb) => may_change && verb != Verb::Cordon,
                (before, _) => before.is_none(),
            };
            prop_assert!(follows, "{} after {before:?}", planned.action);
        }
    }
}

/// The scopes of one group.
fn scopes_of<'a>(scopes: &'a [ScopePlan], own: &GroupTargets) -> Vec<&'a ScopePlan> {
    scopes.iter().filter(|scope| scope.scope.group == own.group).collect()
}

/// Whether the scope is that of an excluded region whose machines go.
fn is_drained(scope: &ScopePlan) -> bool {
    let drains = |own: &Reason| matches!(own, Reason::Draining | Reason::DrainWaits { .. });
    scope.reasons.iter().any(drains)
}

/// Whether a machine runs by this action.
fn runs(action: &Action) -> bool {
    matches!(action, Action::Start { .. } | Action::Create { start: true, .. })
}

/// Create ids and cordons hold the time on purpose; everything else must not.
fn without_ids(mut scopes: Vec<ScopePlan>) -> Vec<ScopePlan> {
    for scope in &mut scopes {
        for planned in &mut scope.actions {
            if let Choice::Leave { turn, .. } | Choice::Destroy { turn, .. } = &mut planned.choice {
                match turn {
                    Turn::Cordoned { since } => *since = NOW,
                    Turn::Age { created_at: Some(at) } => *at = NOW,
                    _ => {}
                }
            }
        }
        let actions = scope.actions.iter_mut().map(|planned| &mut planned.action);
        for action in actions.chain(&mut scope.spares) {
            match action {
                Action::Create { create_id, .. } => *create_id = Arc::from(""),
                Action::Cordon { at, .. } => *at = NOW,
                _ => {}
            }
        }
        for reason in &mut scope.reasons {
            if let Reason::WaitingForCordon { until, .. } = reason {
                *until = NOW;
            }
        }
    }
    scopes
}
