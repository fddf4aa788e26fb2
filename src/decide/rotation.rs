//! Which machines go back into the proxy's rotation: those that we have cordoned and that are not to be
//! stopped any more, and those that have stopped.
//!
//! A cordoned machine counts as started, for it runs and costs. So demand that returns lifts its cordon
//! before another machine is started: a number of machines that suffices leaves none to be stopped, and what
//! is not to be stopped serves. One at rest is put back too, or the proxy, a person or another scaler would
//! start a machine that nobody can reach.

use std::collections::BTreeSet;

use crate::model::MachineId;

use super::choice::Choice;
use super::history::History;
use super::part::{Part, Role, count};
use super::plan::{Action, PlannedAction};
use super::reason::{CordonEnd, Reason};
use super::targets::Policy;
use super::view::{Cordon, Seen, View};

/// Plans what goes back, beside all that is planned for machines on their way out (`leaving`), and says
/// what others have cordoned.
pub(super) fn put_back(
    parts: &mut [Part<'_, '_>],
    whole: &View<'_>,
    policy: &Policy,
    leaving: &BTreeSet<MachineId>,
    next: &History,
) {
    // Drained regions wait until it is known what is wanted elsewhere.
    let drains = parts.iter().all(|part| part.role == Role::Draining || part.bounds.is_some());
    let mut others: Vec<u32> = vec![0; parts.len()];
    let mut back: Vec<Vec<PlannedAction>> = vec![Vec::new(); parts.len()];
    for (seen, cordon) in in_order(whole) {
        let own =
            |part: &Part<'_, '_>| part.plan.scope.region.as_ref() == Some(&seen.machine.region);
        let index = parts.iter().position(own).unwrap_or(0);
        if cordon == Cordon::Others {
            others[index] += u32::from(seen.standing.started);
            continue;
        }
        let part = &parts[index];
        let is_held = match part.role {
            Role::Draining => !drains,
            Role::AppWide | Role::Region => part.bounds.is_none(),
        };
        if is_held || leaving.contains(&seen.machine.id) {
            continue;
        }
        if let Some(why) = end_of(seen, cordon, next) {
            let (machine, region) = (seen.machine.id.clone(), seen.machine.region.clone());
            let action = Action::Uncordon { machine, region };
            let (reason, choice) = (Reason::CordonOver { why }, Choice::Every);
            back[index].push(PlannedAction { action, reason, choice });
            let is_other = |own: &Action| own.machine() != Some(&seen.machine.id);
            parts.iter_mut().for_each(|part| part.plan.spares.retain(is_other));
        }
    }
    for (part, back) in parts.iter_mut().zip(back) {
        // What serves at once comes before what has to start.
        part.plan.actions.splice(0..0, back);
    }
    if policy.cordon_before_stop.is_some() {
        for (part, others) in parts.iter_mut().zip(others).filter(|(_, others)| *others > 0) {
            part.plan.reasons.push(Reason::CordonedByOthers { count: count(others as usize) });
        }
    }
}

/// The machines that are out of rotation: those that run first, for they serve at once; then by id, whatever
/// the order of the list.
fn in_order<'v, 'a>(whole: &'v View<'a>) -> Vec<(&'v Seen<'a>, Cordon)> {
    let mut out: Vec<_> =
        whole.machines.iter().filter_map(|seen| Some((seen, seen.cordon?))).collect();
    out.sort_by_key(|(seen, _)| (!seen.standing.started, &seen.machine.id));
    out
}

/// Why a cordon of ours on a machine that does not leave ends now.
fn end_of(seen: &Seen<'_>, cordon: Cordon, next: &History) -> Option<CordonEnd> {
    if cordon == Cordon::MarkOnly {
        // On its way to rest it is left alone until it has got there.
        return (!seen.standing.is_stopping).then_some(CordonEnd::Lifted);
    }
    if seen.standing.started {
        return Some(CordonEnd::Wanted);
    }
    // Refused once, it is asked for again when the machine runs.
    let is_refused = next.cordoned.get(&seen.machine.id).is_some_and(|own| own.lift_refused);
    (seen.standing.may_start && !is_refused).then_some(CordonEnd::AtRest)
}
