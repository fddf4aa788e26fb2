//! Which machine is started, destroyed or cloned. (In which order machines leave: `leave`.)

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{HostStatus, Machine, MachineId, MachineState, ProcessGroup, Region};

use super::choice::{Choice, Place};
use super::leave::{Exit, Leaving, victim_rank};
use super::observed::Observed;
use super::plan::Action;
use super::reason::Reason;
use super::targets::Policy;
use super::view::{Seen, View, is_reserved};

/// The metadata value that flyctl gives to the old machines of a bluegreen deploy.
const SAFE_TO_DESTROY: &str = "safe_to_destroy";

/// Machines that may be started, best first: suspended before stopped (they resume in a fraction of
/// the time), the newest release first, then by id. None in an excluded region.
#[must_use]
pub fn to_start(view: &View<'_>, policy: &Policy) -> Vec<(Action, Choice)> {
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
    let of = candidates.len();
    let start = |(index, seen): (usize, &&Seen<'_>)| {
        let (machine, region) = (seen.machine.id.clone(), seen.machine.region.clone());
        let choice = Choice::Start {
            place: Place::at(index, of),
            suspended: seen.state == MachineState::Suspended,
            release: seen.machine.facts.release_version,
        };
        (Action::Start { machine, region }, choice)
    };
    candidates.iter().enumerate().map(start).collect()
}

/// Machines of `stopped` that may be started, best first.
#[must_use]
pub fn to_start_again(
    view: &View<'_>,
    policy: &Policy,
    stopped: &BTreeSet<MachineId>,
) -> Vec<Action> {
    let candidates = to_start(view, policy).into_iter().map(|(action, _)| action);
    let is_meant = |action: &Action| action.machine().is_some_and(|id| stopped.contains(id));
    candidates.filter(is_meant).collect()
}

/// What destroying a number of machines comes to in this tick.
#[derive(Debug, Default, PartialEq)]
pub struct Destroys {
    /// Destroyed now.
    pub now: Vec<(Action, Choice)>,
    /// They run: stopped now, or after they were cordoned, and destroyed in a later tick.
    pub(super) stop_first: Vec<Exit>,
    /// On their way to `stopped` already.
    pub waiting: u32,
    /// One more would have gone, had it not been the last that can be cloned.
    pub keeps_last: bool,
    /// So many were passed over, since no autoscaler has created them.
    pub unmanaged: u32,
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
        Self { cloneable: count_cloneable(view), ..Self::default() }
    }

    /// Whether a machine may be stopped.
    #[must_use]
    pub fn may_stop(&self, machine: &MachineId) -> bool {
        !self.running.contains(machine)
    }
}

impl Destroys {
    /// Why fewer go now than are `wanted`.
    pub(super) fn why_not_more(&self, wanted: u32) -> impl Iterator<Item = Reason> {
        let available = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let waiting = self.waiting;
        let waits = (waiting > 0).then_some(Reason::WaitingForStop { count: waiting });
        let unmanaged = self.unmanaged;
        let unmanaged = (unmanaged > 0).then_some(Reason::KeepsUnmanaged { count: unmanaged });
        let fewer = match &self.keeps_source {
            Some(source) if available < wanted => {
                Some(Reason::KeepsCloneSource { source: source.clone() })
            }
            _ if self.keeps_last => Some(Reason::KeepsLastMachine),
            _ if unmanaged.is_some() => None,
            _ => (available < wanted).then_some(Reason::NotEnoughDestroyable { wanted, available }),
        };
        waits.into_iter().chain(unmanaged).chain(fewer)
    }

    /// How many run.
    pub(super) fn running(&self) -> usize {
        let forced =
            self.now.iter().filter(|(own, _)| matches!(own, Action::Destroy { force: true, .. }));
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
        self.now.retain(|(own, _)| is_kept(matches!(own, Action::Destroy { force: true, .. })));
        self.stop_first.retain(|_| is_kept(true));
    }

    /// How many go, or are on their way.
    pub(super) fn len(&self) -> usize {
        self.now.len() + self.stop_first.len() + self.waiting as usize
    }
}

/// Chooses `count` machines to destroy: failed ones first, then stopped, suspended, created, those
/// that are stopping anyway, and last those that run; among equals in the order in which they leave. What
/// `keep` names stays, and with `destroy: managed` what no autoscaler has created.
#[must_use]
pub fn to_destroy(
    view: &View<'_>,
    count: u32,
    policy: &Policy,
    leaving: &Leaving<'_>,
    keep: &mut Keep<'_>,
) -> Destroys {
    let mut candidates: Vec<(u8, &Seen<'_>)> =
        view.machines.iter().filter_map(|seen| Some((victim_rank(seen)?, seen))).collect();
    candidates.sort_by_key(|(rank, seen)| (*rank, leaving.rank(seen)));

    let mut destroys = Destroys::default();
    let mut postponed = 0;
    let of = candidates.len();
    for (index, (_, seen)) in candidates.into_iter().enumerate() {
        let runs = seen.standing.may_stop;
        let taken = destroys.len() + if runs { postponed } else { 0 };
        if taken >= count as usize {
            break;
        }
        if keep.running.contains(&seen.machine.id) {
            continue;
        }
        if policy.destroy_managed && !seen.machine.facts.is_managed {
            destroys.unmanaged += 1;
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
            destroys.stop_first.push(leaving.to_destroy(seen, Place::at(index, of)));
        } else {
            let (machine, region) = (seen.machine.id.clone(), seen.machine.region.clone());
            let choice = leaving.destroyed(seen, Place::at(index, of));
            destroys.now.push((Action::Destroy { machine, region, force: runs }, choice));
        }
    }
    destroys
}

/// Whether a new machine could be made from this one.
fn is_cloneable(seen: &Seen<'_>) -> bool {
    seen.machine.host_status == HostStatus::Ok
        && (seen.machine.config.is_some() || seen.machine.facts.config_left_out)
        && seen.machine.facts.bluegreen_tag.as_deref() != Some(SAFE_TO_DESTROY)
}

/// How many machines a new one could be made from.
#[must_use]
pub fn count_cloneable(view: &View<'_>) -> usize {
    view.machines.iter().filter(|seen| is_cloneable(seen)).count()
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
