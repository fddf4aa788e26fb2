//! Which machine is started, stopped, destroyed or cloned.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    HostStatus, Machine, MachineId, MachineState, ProcessGroup, Region, SuspendObstacle, Timestamp,
};

use super::history::History;
use super::observed::Observed;
use super::plan::Action;
use super::reason::Reason;
use super::targets::{Policy, StopOrder};
use super::view::{Seen, View, is_reserved};

/// The metadata value that flyctl gives to the old machines of a bluegreen deploy.
const SAFE_TO_DESTROY: &str = "safe_to_destroy";

/// Machines that may be started, best first: suspended before stopped (they resume in a fraction of
/// the time), the newest release first, then by id. None in an excluded region.
#[must_use]
pub fn to_start(view: &View<'_>, policy: &Policy) -> Vec<Action> {
    let is_excluded = |seen: &Seen<'_>| policy.excluded_regions.contains(&seen.machine.region);
    let mut candidates: Vec<_> =
        view.machines.iter().filter(|seen| seen.standing.may_start && !is_excluded(seen)).collect();
    candidates.sort_by_key(|seen| {
        (
            seen.state != MachineState::Suspended,
            Reverse(seen.machine.facts.release_version),
            &seen.machine.id,
        )
    });
    candidates
        .iter()
        .map(|seen| Action::Start {
            machine: seen.machine.id.clone(),
            region: seen.machine.region.clone(),
        })
        .collect()
}

/// Machines of `stopped` that may be started, best first.
#[must_use]
pub fn to_start_again(
    view: &View<'_>,
    policy: &Policy,
    stopped: &BTreeSet<MachineId>,
) -> Vec<Action> {
    let mut candidates = to_start(view, policy);
    candidates.retain(|action| action.machine().is_some_and(|id| stopped.contains(id)));
    candidates
}

/// Machines that may be stopped, in the order that `policy` says, each with how: by suspending it where
/// that is wanted and nothing stands in the way.
#[must_use]
pub fn to_stop(
    view: &View<'_>,
    policy: &Policy,
    history: &History,
) -> Vec<(Action, Option<SuspendObstacle>)> {
    let mut candidates: Vec<_> =
        view.machines.iter().filter(|seen| seen.standing.may_stop).collect();
    candidates.sort_by_key(|seen| stop_rank(seen.machine, policy));
    let chosen = candidates.into_iter().map(|seen| {
        if !policy.suspend {
            return (stop(seen), None);
        }
        match suspend_obstacle(seen.machine, history) {
            None => {
                let (machine, region) = (seen.machine.id.clone(), seen.machine.region.clone());
                (Action::Suspend { machine, region }, None)
            }
            obstacle => (stop(seen), obstacle),
        }
    });
    chosen.collect()
}

/// Where `machine` stands in the order: those in excluded regions first, then by its age as far as that is
/// wanted and known, then by its id.
fn stop_rank<'a>(machine: &'a Machine, policy: &Policy) -> (bool, bool, i64, &'a MachineId) {
    let is_excluded = policy.excluded_regions.contains(&machine.region);
    let created_at = machine.created_at.map(Timestamp::as_millis);
    let age = match policy.stop_order {
        StopOrder::Id => Some(0),
        StopOrder::Newest => created_at.map(i64::saturating_neg),
        StopOrder::Oldest => created_at,
    };
    // One whose age is not known goes last.
    (!is_excluded, age.is_none(), age.unwrap_or_default(), &machine.id)
}

/// What stands in the way of suspending `machine`, as far as its config and Fly's refusals tell.
fn suspend_obstacle(machine: &Machine, history: &History) -> Option<SuspendObstacle> {
    let refused = history.refused_suspends.contains_key(&machine.id);
    machine.facts.suspend_obstacle.or(refused.then_some(SuspendObstacle::Refused))
}

fn stop(seen: &Seen<'_>) -> Action {
    Action::Stop { machine: seen.machine.id.clone(), region: seen.machine.region.clone() }
}

/// What destroying a number of machines comes to in this tick.
#[derive(Debug, Default, PartialEq)]
pub struct Destroys {
    /// Destroyed now.
    pub now: Vec<Action>,
    /// They run: stopped now, destroyed in a later tick.
    pub stop_first: Vec<Action>,
    /// On their way to `stopped` already.
    pub waiting: u32,
    /// One more would have gone, had it not been the last that can be cloned.
    pub keeps_last: bool,
    /// One more would have gone, had it not been cloned in the same tick.
    pub keeps_source: Option<MachineId>,
}

/// Which machines of a process group are not to go.
#[derive(Debug, Default)]
pub struct Keep<'a> {
    /// How many of those that are left can be cloned: the last one stays.
    pub cloneable: usize,
    /// Those that are cloned in the same tick.
    pub sources: BTreeSet<&'a MachineId>,
    /// One in each region in which a machine is to run at all times.
    pub running: BTreeSet<&'a MachineId>,
}

impl<'a> Keep<'a> {
    /// Of the machines of `view`, the last that can be cloned is kept.
    #[must_use]
    pub fn last_of(view: &View<'a>) -> Self {
        let cloneable = view.machines.iter().filter(|seen| is_cloneable(seen)).count();
        Self { cloneable, ..Self::default() }
    }

    /// Whether the machine of a stop may be stopped.
    #[must_use]
    pub fn may_stop(&self, stop: &Action) -> bool {
        stop.machine().is_none_or(|own| !self.running.contains(own))
    }
}

/// The machine of `view` that keeps a region running: one that runs, or else is on its way, or else can be
/// started.
#[must_use]
pub fn that_runs<'a>(view: &View<'a>, policy: &Policy) -> Option<&'a MachineId> {
    let rank = |seen: &&Seen<'_>| {
        let standing = seen.standing;
        [standing.may_stop, standing.started, standing.may_start].iter().position(|own| *own)
    };
    // The one that would be stopped last.
    view.machines
        .iter()
        .filter_map(|seen| Some((rank(&seen)?, seen.machine)))
        .min_by_key(|(rank, machine)| (*rank, Reverse(stop_rank(machine, policy))))
        .map(|(_, machine)| &machine.id)
}

impl Destroys {
    /// Why fewer go now than are `wanted`.
    pub(super) fn why_not_more(&self, wanted: u32) -> impl Iterator<Item = Reason> {
        let available = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let waiting = self.waiting;
        let waits = (waiting > 0).then_some(Reason::WaitingForStop { count: waiting });
        let fewer = match &self.keeps_source {
            Some(source) if available < wanted => {
                Some(Reason::KeepsCloneSource { source: source.clone() })
            }
            _ if self.keeps_last => Some(Reason::KeepsLastMachine),
            _ => (available < wanted).then_some(Reason::NotEnoughDestroyable { wanted, available }),
        };
        waits.into_iter().chain(fewer)
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        let forced =
            self.now.iter().filter(|own| matches!(own, Action::Destroy { force: true, .. }));
        self.stop_first.len() + forced.count()
    }

    /// Leaves all but the first `count` of those that run as they are.
    pub(super) fn leave_running(&mut self, count: u32) {
        let mut left = count;
        let mut is_kept = |runs: bool| {
            let is_kept = !runs || left > 0;
            left = left.saturating_sub(u32::from(runs));
            is_kept
        };
        self.now.retain(|own| is_kept(matches!(own, Action::Destroy { force: true, .. })));
        self.stop_first.retain(|_| is_kept(true));
    }

    /// How many go, or are on their way.
    pub(super) fn len(&self) -> usize {
        self.now.len() + self.stop_first.len() + self.waiting as usize
    }
}

/// Chooses `count` machines to destroy: failed ones first, then stopped, suspended, created, those
/// that are stopping anyway, and last those that run; among equals in the order that `policy` says. What
/// `keep` names stays.
#[must_use]
pub fn to_destroy(view: &View<'_>, count: u32, policy: &Policy, keep: &mut Keep<'_>) -> Destroys {
    let mut candidates: Vec<(u8, &Seen<'_>)> =
        view.machines.iter().filter_map(|seen| Some((victim_rank(seen)?, seen))).collect();
    candidates.sort_by_key(|(rank, seen)| (*rank, stop_rank(seen.machine, policy)));

    let mut destroys = Destroys::default();
    let mut postponed = 0;
    for (_, seen) in candidates {
        let runs = seen.standing.may_stop;
        let taken = destroys.len() + if runs { postponed } else { 0 };
        if taken >= count as usize {
            break;
        }
        if keep.running.contains(&seen.machine.id) {
            continue;
        }
        if keep.sources.contains(&seen.machine.id) {
            // It goes in a later tick, and none that runs in place of one that does not.
            destroys.keeps_source = Some(seen.machine.id.clone());
            postponed += usize::from(!runs);
            continue;
        }
        if is_cloneable(seen) {
            if keep.cloneable == 1 {
                destroys.keeps_last = true;
                continue;
            }
            keep.cloneable -= 1;
        }
        if seen.standing.is_stopping {
            destroys.waiting += 1;
        } else if runs && !policy.destroy_force {
            destroys.stop_first.push(stop(seen));
        } else {
            destroys.now.push(Action::Destroy {
                machine: seen.machine.id.clone(),
                region: seen.machine.region.clone(),
                force: runs,
            });
        }
    }
    destroys
}

/// The order in which machines are destroyed; `None` for those that may not be.
fn victim_rank(seen: &Seen<'_>) -> Option<u8> {
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

/// Whether a new machine could be made from this one.
fn is_cloneable(seen: &Seen<'_>) -> bool {
    seen.machine.host_status == HostStatus::Ok
        && (seen.machine.config.is_some() || seen.machine.facts.config_left_out)
        && seen.machine.facts.bluegreen_tag.as_deref() != Some(SAFE_TO_DESTROY)
}

/// The machine to clone for a new one in `region`: not failed, not cordoned, of the newest release, in
/// that region, each if there is one; then the one with the lowest id.
#[must_use]
pub fn clone_source<'a>(view: &View<'a>, region: Option<&Region>) -> Option<&'a Machine> {
    view.machines
        .iter()
        .filter(|seen| is_cloneable(seen))
        .min_by_key(|seen| {
            (
                matches!(seen.state, MachineState::Failed | MachineState::LaunchFailed),
                seen.machine.is_cordoned,
                Reverse(seen.machine.facts.release_version),
                Some(&seen.machine.region) != region,
                &seen.machine.id,
            )
        })
        .map(|seen| seen.machine)
}

/// Why there is nothing to clone, in words for the person who has to change it.
#[must_use]
pub fn why_no_source(view: &View<'_>, observed: &Observed, group: &ProcessGroup) -> String {
    if !view.machines.is_empty() {
        return "every machine is on its way out or has no config".into();
    }
    if !view.unreachable.is_empty() {
        return "every machine is on a host that does not answer".into();
    }
    why_empty(observed, group)
}

/// Why a process group has no machine, in words for the person who has to change it: most often its name
/// is mistaken, so those that there are are named.
#[must_use]
pub fn why_empty(observed: &Observed, group: &ProcessGroup) -> String {
    let mut groups: BTreeMap<&str, usize> = BTreeMap::new();
    for machine in observed.machines.iter().filter(|own| own.host_status == HostStatus::Ok) {
        match &machine.facts.group {
            Some(own) if own == group => {
                return format!(
                    "every machine in process group {group} is a standby, scheduled, on its way out or the autoscaler's own"
                );
            }
            Some(own) if is_reserved(own) => {}
            own => {
                let name = own.as_ref().map_or("no group", |own| own.as_str());
                *groups.entry(name).or_default() += 1;
            }
        }
    }
    if groups.is_empty() {
        return "the app has no machine; create the first one with `fly deploy` or `fly machine run`".into();
    }
    let seen: Vec<String> =
        groups.iter().map(|(name, count)| format!("{count} in {name}")).collect();
    format!(
        "no machine in process group {group}, but {}; name the one to scale in process-group (FAS_PROCESS_GROUP) or process-groups",
        seen.join(", ")
    )
}
