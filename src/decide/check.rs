//! The plan's linter: what every plan must keep, whatever was decided.

use std::collections::BTreeSet;

use crate::model::{HostStatus, MachineId};

use super::observed::Observed;
use super::plan::{Action, Plan, Verb, Verdict};
use super::reason::Reason;
use super::volumes::VolumeChoice;

/// Every rule that `plan` breaks, in words. Empty for a sound plan.
#[must_use]
pub fn check(plan: &Plan, observed: &Observed) -> Vec<String> {
    let mut findings = Vec::new();
    let mut say = |condition: bool, text: String| {
        if condition {
            findings.push(text);
        }
    };
    let has_actions = plan.actions().next().is_some();
    say(has_actions != (plan.verdict == Verdict::Act), format!("verdict is {}", plan.verdict));

    let mut touched: BTreeSet<&MachineId> = BTreeSet::new();
    let sources: BTreeSet<&MachineId> = plan
        .actions()
        .filter_map(|(_, planned)| match &planned.action {
            Action::Create { template, .. } => Some(&template.source),
            _ => None,
        })
        .collect();
    let mut mounted = BTreeSet::new();
    for (scope, planned) in plan.actions() {
        let Action::Create { regions, volumes, .. } = &planned.action else { continue };
        let uneven = !volumes.is_empty() && volumes.len() != regions.len();
        say(uneven, format!("{scope}: not one volume for each region"));
        for volume in volumes {
            let VolumeChoice::Use(id) = volume else { continue };
            say(!mounted.insert(id), format!("{scope}: two machines would mount {id}"));
        }
    }
    for scope in &plan.scopes {
        let name = &scope.scope;
        let does = |verb: Verb| scope.actions.iter().any(|own| own.action.verb() == verb);
        say(scope.reasons.is_empty(), format!("{name}: no reason"));
        let keeps_all = |own: &Reason| matches!(own, Reason::ScaleDownHeld { .. });
        if scope.reasons.iter().any(keeps_all) {
            let loses = |action: &Action| {
                matches!(action.verb(), Verb::Stop | Verb::Suspend | Verb::Destroy)
                    && action.region().is_some_and(|region| name.covers(region))
            };
            for (by, planned) in plan.actions().filter(|(by, _)| by.group == name.group) {
                let action = &planned.action;
                say(loses(action), format!("{by}: {action}, though {name} may not lose any"));
            }
        }
        say(does(Verb::Create) && does(Verb::Destroy), format!("{name}: creates and destroys"));
        say(does(Verb::Start) && does(Verb::Destroy), format!("{name}: starts and destroys"));
        say(does(Verb::Start) && does(Verb::Stop), format!("{name}: starts and stops"));
        say(does(Verb::Start) && does(Verb::Suspend), format!("{name}: starts and suspends"));
        say(does(Verb::Start) && does(Verb::Cordon), format!("{name}: starts and cordons"));
        say(does(Verb::Destroy) && does(Verb::Suspend), format!("{name}: suspends and destroys"));
        for planned in &scope.actions {
            let action = &planned.action;
            let Some(id) = action.machine() else { continue };
            say(!touched.insert(id), format!("{name}: two actions on {id}"));
            say(
                observed.own_machine.as_ref() == Some(id),
                format!("{name}: {action}, the autoscaler's own machine"),
            );
            say(
                action.verb() == Verb::Destroy && sources.contains(id),
                format!("{name}: {action}, which is cloned in the same plan"),
            );
            let machine = observed.machines.iter().find(|machine| machine.id == *id);
            say(
                action.verb() == Verb::Suspend
                    && machine.is_none_or(|machine| machine.facts.suspend_obstacle.is_some()),
                format!("{name}: {action}, which Fly cannot do"),
            );
            say(
                action.verb() == Verb::Uncordon
                    && !plan.next.cordoned.contains_key(id)
                    && machine.is_none_or(|machine| machine.facts.cordoned_at.is_none()),
                format!("{name}: {action}, which somebody else has cordoned"),
            );
            say(
                machine.is_none_or(|machine| {
                    machine.host_status != HostStatus::Ok
                        || machine.facts.is_standby
                        || machine.facts.is_scheduled
                        || machine.facts.group.as_ref() != Some(&name.group)
                }),
                format!("{name}: {action}, which is not its to touch"),
            );
        }
    }
    findings
}
