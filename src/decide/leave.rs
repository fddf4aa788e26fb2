//! In which order machines leave, and by which steps: cordoned first where that is asked for, then stopped
//! or suspended.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{MachineId, MachineState, Region, SuspendObstacle, Timestamp};

use super::choice::{Choice, Place, Turn};
use super::history::{Cordoned, History};
use super::observed::{Loads, Observed};
use super::plan::Action;
use super::reason::Reason;
use super::targets::{GroupTargets, Policy, StopOrder};
use super::view::{Cordon, Seen, View};

/// What it takes to say which machine of a group leaves next, and how.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    policy: &'a Policy,
    loads: Option<&'a BTreeMap<MachineId, f64>>,
    now: Timestamp,
}

/// Where a machine stands in the order: see [`Leaving::rank`].
pub(super) type Rank<'a> = ((bool, i64), bool, (bool, i64), &'a MachineId);

/// The next step of a machine on its way out.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// Something is done.
    Do(Action),
    /// It is cordoned, and not stopped before this time.
    Wait(Timestamp),
}

/// A machine on its way out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Exit {
    pub(super) machine: MachineId,
    pub(super) step: Step,
    /// Why it is stopped and not suspended, where it is to be suspended.
    pub(super) obstacle: Option<SuspendObstacle>,
    /// Why this machine.
    pub(super) choice: Choice,
}

/// Says of each where it stands among these, which are all that there are.
pub(super) fn count_places(exits: &mut [Exit]) {
    let of = exits.len();
    for (index, exit) in exits.iter_mut().enumerate() {
        exit.choice = exit.choice.clone().moved_to(Place::at(index, of));
    }
}

impl Exit {
    /// What is done with it now, if anything is.
    pub(super) fn into_action(self) -> Option<Action> {
        match self.step {
            Step::Do(action) => Some(action),
            Step::Wait(_) => None,
        }
    }
}

impl<'a> Leaving<'a> {
    /// How machines of the group of `targets` leave.
    #[must_use]
    pub fn of(targets: &'a GroupTargets, observed: &'a Observed, now: Timestamp) -> Self {
        let loads = match observed.loads.get(&targets.group) {
            Some(Loads::Known(loads)) => Some(loads),
            Some(Loads::Unreadable(_)) | None => None,
        };
        Self { policy: &targets.policy, loads, now }
    }

    /// How machines leave under `policy`, where nothing is known of their loads.
    #[must_use]
    pub fn under(policy: &'a Policy, now: Timestamp) -> Self {
        Self { policy, loads: None, now }
    }

    /// Where a machine stands in the order: first those that we have cordoned, the longest cordoned first,
    /// or a metric that changes from tick to tick would have one machine after the other cordoned and none
    /// stopped; then those in excluded regions; then by age or load as far as that is wanted and known; then
    /// by id.
    pub(super) fn rank<'m>(&self, seen: &Seen<'m>) -> Rank<'m> {
        let machine = seen.machine;
        let cordoned = self.begun(seen).map_or((true, 0), |own| (false, own.since.as_millis()));
        let is_excluded = self.policy.excluded_regions.contains(&machine.region);
        let created_at = machine.created_at.map(Timestamp::as_millis);
        let key = match self.policy.stop_order {
            StopOrder::Id => Some(0),
            StopOrder::Newest => created_at.map(i64::saturating_neg),
            StopOrder::Oldest => created_at,
            StopOrder::LeastLoaded => self.load(&machine.id).map(ordered),
        };
        // One of which nothing is known goes last.
        (cordoned, !is_excluded, (key.is_none(), key.unwrap_or_default()), &machine.id)
    }

    /// Machines that may be stopped, in order, each with its next step: by suspending it where that is
    /// wanted and nothing stands in the way.
    pub(super) fn to_stop(self, view: &View<'_>, history: &History) -> Vec<Exit> {
        let mut candidates: Vec<_> =
            view.machines.iter().filter(|seen| seen.standing.may_stop).collect();
        candidates.sort_by_key(|seen| self.rank(seen));
        let of = candidates.len();
        let exits = candidates.into_iter().enumerate().map(|(index, seen)| {
            let (order, turn) = (self.policy.stop_order, self.turn(seen));
            let choice = Choice::Leave { place: Place::at(index, of), order, turn };
            if !self.policy.suspend {
                return self.exit(seen, stop(seen), None, choice);
            }
            match suspend_obstacle(seen, history) {
                None => {
                    let (machine, region) = place(seen);
                    self.exit(seen, Action::Suspend { machine, region }, None, choice)
                }
                obstacle => self.exit(seen, stop(seen), obstacle, choice),
            }
        });
        exits.collect()
    }

    /// The way out of a machine that is stopped to be destroyed. It is never suspended.
    pub(super) fn to_destroy(self, seen: &Seen<'_>, place: Place) -> Exit {
        self.exit(seen, stop(seen), None, self.destroyed(seen, place))
    }

    /// Why a machine is destroyed that stands at `place` among those that may be.
    pub(super) fn destroyed(&self, seen: &Seen<'_>, place: Place) -> Choice {
        let (order, turn) = (self.policy.stop_order, self.turn(seen));
        Choice::Destroy { place, state: seen.state.clone(), order, turn }
    }

    /// What of [`Leaving::rank`] puts a machine where it stands.
    fn turn(&self, seen: &Seen<'_>) -> Turn {
        let machine = seen.machine;
        if let Some(cordoned) = self.begun(seen) {
            return Turn::Cordoned { since: cordoned.since };
        }
        if self.policy.excluded_regions.contains(&machine.region) {
            return Turn::Excluded;
        }
        match self.policy.stop_order {
            StopOrder::Id => Turn::Id,
            StopOrder::Newest | StopOrder::Oldest => Turn::Age { created_at: machine.created_at },
            StopOrder::LeastLoaded => Turn::Load { load: self.load(&machine.id) },
        }
    }

    fn load(&self, machine: &MachineId) -> Option<f64> {
        self.loads.and_then(|loads| loads.get(machine)).copied()
    }

    /// Our cordon of a machine that runs and that Fly has not refused to stop.
    fn begun(&self, seen: &Seen<'_>) -> Option<Cordoned> {
        match seen.cordon {
            Some(Cordon::Ours(own)) if seen.standing.may_stop && !own.stop_failed => Some(own),
            _ => None,
        }
    }

    /// The next step of a machine that ends with `last`. One that someone else has cordoned gets nothing
    /// new already, and must not get our mark, or we would lift that cordon one day.
    fn exit(
        &self,
        seen: &Seen<'_>,
        last: Action,
        obstacle: Option<SuspendObstacle>,
        choice: Choice,
    ) -> Exit {
        let (machine, region) = place(seen);
        let step = match (self.policy.cordon_before_stop, seen.cordon) {
            (None, _) | (Some(_), Some(Cordon::Others)) => Step::Do(last),
            (Some(_), None | Some(Cordon::MarkOnly)) => {
                let (machine, at) = (machine.clone(), self.now);
                Step::Do(Action::Cordon { machine, region, at })
            }
            (Some(least), Some(Cordon::Ours(cordoned))) => {
                let until = cordoned.since.plus(least);
                if until <= self.now { Step::Do(last) } else { Step::Wait(until) }
            }
        };
        let is_last = matches!(&step, Step::Do(action) if !matches!(action, Action::Cordon { .. }));
        Exit { machine, step, obstacle: obstacle.filter(|_| is_last), choice }
    }

    /// The machine of `view` that keeps a region running: one that runs, or else is on its way, or else can
    /// be started; of these one that serves before one that somebody has cordoned, and the one that would be
    /// stopped last.
    pub(super) fn last_to_go<'m>(&self, view: &View<'m>) -> Option<&'m MachineId> {
        let state = |seen: &&Seen<'m>| {
            let standing = seen.standing;
            [standing.may_stop, standing.started, standing.may_start].iter().position(|own| *own)
        };
        view.machines
            .iter()
            .filter_map(|seen| Some((state(&seen)?, seen)))
            .min_by_key(|(state, seen)| {
                let is_out = seen.cordon == Some(Cordon::Others);
                (*state, is_out, std::cmp::Reverse(self.rank(seen)))
            })
            .map(|(_, seen)| &seen.machine.id)
    }
}

/// Why the machines of `view` do not leave by load, where they should and somebody has asked for it.
pub(super) fn why_not_by_load(
    targets: &GroupTargets,
    observed: &Observed,
    view: &View<'_>,
) -> Option<Reason> {
    if targets.policy.stop_order != StopOrder::LeastLoaded {
        return None;
    }
    let message = match observed.loads.get(&targets.group)? {
        Loads::Unreadable(message) => message.clone(),
        Loads::Known(loads) => {
            let runs: BTreeSet<&MachineId> = view
                .machines
                .iter()
                .filter(|seen| seen.standing.may_stop)
                .map(|seen| &seen.machine.id)
                .collect();
            if runs.is_empty() || runs.into_iter().any(|id| loads.contains_key(id)) {
                return None;
            }
            "no series has one of the machines in its label `instance`, and a finite value"
                .to_owned()
        }
    };
    Some(Reason::StopMetricFailed { message })
}

/// A finite number as an integer that stands in the same place of the order.
fn ordered(value: f64) -> i64 {
    // -0 is 0.
    let bits = (value + 0.0).to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// What stands in the way of suspending a machine, as far as its config and Fly's refusals tell.
fn suspend_obstacle(seen: &Seen<'_>, history: &History) -> Option<SuspendObstacle> {
    let refused = history.refused_suspends.contains_key(&seen.machine.id);
    seen.machine.facts.suspend_obstacle.or(refused.then_some(SuspendObstacle::Refused))
}

fn stop(seen: &Seen<'_>) -> Action {
    let (machine, region) = place(seen);
    Action::Stop { machine, region }
}

/// The order in which machines are destroyed; `None` for those that may not be.
pub(super) fn victim_rank(seen: &Seen<'_>) -> Option<u8> {
    if seen.standing.is_stopping {
        return Some(4);
    }
    if !seen.standing.may_destroy {
        return None;
    }
    Some(match seen.state {
        MachineState::Failed | MachineState::LaunchFailed => 0,
        MachineState::Stopped => 1,
        MachineState::Suspended => 2,
        MachineState::Created | MachineState::Creating => 3,
        _ => 5,
    })
}

fn place(seen: &Seen<'_>) -> (MachineId, Region) {
    (seen.machine.id.clone(), seen.machine.region.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [f64::MIN, -3.5, -1e-300, 0.0, 1e-300, 0.5, 1.0, 1e9, f64::MAX];
        assert!(numbers.map(ordered).is_sorted_by(|a, b| a < b));
        assert_eq!(ordered(-0.0), ordered(0.0));
    }
}
