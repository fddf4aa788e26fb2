//! What each machine counts as, with our own recent actions laid over the lagging list.

use std::cmp::min;
use std::collections::BTreeMap;

use crate::model::{HostStatus, Machine, MachineId, MachineState, ProcessGroup, Region, Timestamp};

use super::history::{Cordoned, Effect, History, OVERLAY, REFUSAL, Recent};
use super::observed::{LAUNCH_GRACE, Observed};
use super::plan::Tally;

/// Groups that Fly uses for its own machines (superfly/fly-go, machine_types.go).
const RESERVED_GROUPS: [&str; 4] = [
    "fly_app_release_command",
    "fly_app_test_machine_command",
    "fly_app_console",
    "release_command",
];

/// Whether `group` is one of Fly's own, whose machines are never touched.
#[must_use]
pub fn is_reserved(group: &ProcessGroup) -> bool {
    RESERVED_GROUPS.contains(&group.as_str())
}

/// What a machine counts as and what may be done to it. One row of the table in the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Counts as existing.
    pub created: bool,
    /// Counts as running, or on its way there.
    pub started: bool,
    /// May be started.
    pub may_start: bool,
    /// May be stopped.
    pub may_stop: bool,
    /// May be destroyed.
    pub may_destroy: bool,
    /// On its way to a state in which it may be destroyed.
    pub is_stopping: bool,
}

impl Standing {
    const GONE: Self = Self {
        created: false,
        started: false,
        may_start: false,
        may_stop: false,
        may_destroy: false,
        is_stopping: false,
    };

    /// What a machine in `state` counts as. `launching`: it was launched to run so recently that
    /// `created` only means that it has not booted yet.
    #[must_use]
    pub fn of(state: &MachineState, launching: bool) -> Self {
        let there = Self { created: true, ..Self::GONE };
        match state {
            MachineState::Created | MachineState::Creating if launching => {
                Self { started: true, ..there }
            }
            MachineState::Created
            | MachineState::Creating
            | MachineState::Failed
            | MachineState::LaunchFailed => Self { may_destroy: true, ..there },
            MachineState::Starting
            | MachineState::Restarting
            | MachineState::Updating
            | MachineState::Replacing => Self { started: true, ..there },
            MachineState::Started => {
                Self { started: true, may_stop: true, may_destroy: true, ..there }
            }
            MachineState::Stopping | MachineState::Suspending => {
                Self { is_stopping: true, ..there }
            }
            MachineState::Stopped | MachineState::Suspended => {
                Self { may_start: true, may_destroy: true, ..there }
            }
            MachineState::Destroying
            | MachineState::Destroyed
            | MachineState::Replaced
            | MachineState::Migrated => Self::GONE,
            // A state that we do not know: it is there, and that is all that can be said.
            MachineState::Other(_) => there,
        }
    }
}

/// A machine as this tick sees it.
#[derive(Debug, Clone)]
pub struct Seen<'a> {
    /// The machine as listed.
    pub machine: &'a Machine,
    /// Its state, our recent actions included.
    pub state: MachineState,
    /// What it counts as.
    pub standing: Standing,
    /// Whether it is out of the proxy's rotation, our recent actions included.
    pub cordon: Option<Cordon>,
}

/// Why a machine is out of the proxy's rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cordon {
    /// We have cordoned it, to stop it later.
    Ours(Cordoned),
    /// The mark of a cordon of ours is left, and the machine is back in rotation: someone else put it there,
    /// or we did and could not take the mark away.
    MarkOnly,
    /// A person has cordoned it, or a deploy.
    Others,
}

/// A process group as this tick sees it.
#[derive(Debug, Clone, Default)]
pub struct View<'a> {
    /// Its machines on hosts that answer, in the order of the list.
    pub machines: Vec<Seen<'a>>,
    /// Regions of machines that we created and the list does not show yet, with whether they run.
    pub unlisted: Vec<(&'a Region, bool)>,
    /// Regions of machines on hosts that do not answer, those whose group cannot be told included.
    pub unreachable: Vec<&'a Region>,
}

impl<'a> View<'a> {
    /// Looks at the machines of `group`.
    #[must_use]
    pub fn of_group(
        observed: &'a Observed,
        group: &ProcessGroup,
        history: &'a History,
        now: Timestamp,
    ) -> Self {
        let overlay = Overlay::new(history, now);
        let mut view = Self::default();
        for machine in &observed.machines {
            if observed.own_machine.as_ref() == Some(&machine.id)
                || machine.facts.is_standby
                || machine.facts.is_scheduled
            {
                continue;
            }
            let seen = overlay.see(machine, now);
            if !seen.standing.created {
                continue;
            }
            let is_reachable = machine.host_status == HostStatus::Ok;
            match &machine.facts.group {
                Some(own) if own == group && !is_reserved(own) => {
                    if is_reachable {
                        view.machines.push(seen);
                    } else {
                        view.unreachable.push(&machine.region);
                    }
                }
                // The config, and with it the group, is missing where the host does not answer.
                None if !is_reachable => view.unreachable.push(&machine.region),
                _ => {}
            }
        }
        view.unlisted = overlay.unlisted(observed, group);
        view
    }

    /// Whether there is nothing to see, and nothing out of sight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.machines.is_empty() && self.unlisted.is_empty() && self.unreachable.is_empty()
    }

    /// How many machines the list shows.
    #[must_use]
    pub fn listed(&self) -> Tally {
        let unreachable = u32::try_from(self.unreachable.len()).unwrap_or(u32::MAX);
        let mut tally = Tally { unreachable, ..Tally::default() };
        for seen in &self.machines {
            tally.created += u32::from(seen.standing.created);
            tally.started += u32::from(seen.standing.started);
            tally.stopped += u32::from(seen.standing.may_start);
        }
        tally
    }

    /// How many machines there are, those included that the list does not show yet.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.listed();
        for (_, launched) in &self.unlisted {
            tally.created += 1;
            tally.started += u32::from(*launched);
        }
        tally
    }

    /// What is seen in the regions that `is_meant`.
    #[must_use]
    pub fn of_regions(&self, is_meant: impl Fn(&Region) -> bool) -> Self {
        let machines = self.machines.iter().filter(|seen| is_meant(&seen.machine.region));
        let unlisted = self.unlisted.iter().filter(|(region, _)| is_meant(region));
        let unreachable = self.unreachable.iter().filter(|region| is_meant(region));
        Self {
            machines: machines.cloned().collect(),
            unlisted: unlisted.copied().collect(),
            unreachable: unreachable.copied().collect(),
        }
    }

    /// Whether `machine` is one that we have taken out of rotation.
    #[must_use]
    pub fn is_cordoned_by_us(&self, machine: &MachineId) -> bool {
        let own = self.machines.iter().find(|seen| seen.machine.id == *machine);
        own.is_some_and(|seen| matches!(seen.cordon, Some(Cordon::Ours(_))))
    }

    /// How many machines there are in `region`, those included that the list does not show yet.
    #[must_use]
    pub fn count_in(&self, region: &Region) -> usize {
        let listed = self.machines.iter().filter(|seen| seen.machine.region == *region).count();
        listed + self.unlisted.iter().filter(|(own, _)| *own == region).count()
    }
}

/// Our own fresh actions, by what they changed.
struct Overlay<'a> {
    by_machine: BTreeMap<&'a MachineId, &'a Effect>,
    rotated: BTreeMap<&'a MachineId, &'a Effect>,
    creates: Vec<&'a Effect>,
    history: &'a History,
}

impl<'a> Overlay<'a> {
    fn new(history: &'a History, now: Timestamp) -> Self {
        let (by_machine, rotated) = (BTreeMap::new(), BTreeMap::new());
        let mut overlay = Self { by_machine, rotated, creates: Vec::new(), history };
        for recent in history.recent.iter().filter(|recent| recent.is_fresh(now)) {
            match recent.effect.changed() {
                None => overlay.creates.push(&recent.effect),
                Some(machine) if recent.effect.is_rotation() => {
                    overlay.rotated.insert(machine, &recent.effect);
                }
                Some(machine) => {
                    overlay.by_machine.insert(machine, &recent.effect);
                }
            }
        }
        overlay
    }

    fn see(&self, machine: &'a Machine, now: Timestamp) -> Seen<'a> {
        let state = match self.by_machine.get(&machine.id) {
            Some(Effect::Destroyed { .. }) => MachineState::Destroying,
            Some(Effect::Started { .. }) if is_at_rest(&machine.state) => MachineState::Starting,
            Some(Effect::Stopped { .. }) if machine.state == MachineState::Started => {
                MachineState::Stopping
            }
            Some(Effect::Suspended { .. }) if machine.state == MachineState::Started => {
                MachineState::Suspending
            }
            _ => machine.state.clone(),
        };
        let launching = self.creates.iter().any(|effect| {
            matches!(effect, Effect::Created { launched: true, .. }) && made(effect, machine)
        }) || (machine.facts.launched_by_autoscaler
            && machine.created_at.is_some_and(|at| at.is_within(LAUNCH_GRACE, now)));
        let standing = Standing::of(&state, launching);
        Seen { machine, state, standing, cordon: self.cordon(machine, now) }
    }

    fn cordon(&self, machine: &Machine, now: Timestamp) -> Option<Cordon> {
        let ours = || ours(machine, self.history, now);
        match self.rotated.get(&machine.id) {
            Some(Effect::Uncordoned { .. }) => None,
            Some(_) => Some(Cordon::Ours(ours().unwrap_or(Cordoned::since(now)))),
            None if machine.is_cordoned => Some(ours().map_or(Cordon::Others, Cordon::Ours)),
            None => machine.facts.cordoned_at.map(|_| Cordon::MarkOnly),
        }
    }

    fn unlisted(&self, observed: &Observed, group: &ProcessGroup) -> Vec<(&'a Region, bool)> {
        let listed =
            |effect: &Effect| observed.machines.iter().any(|machine| made(effect, machine));
        self.creates
            .iter()
            .filter_map(|effect| match effect {
                Effect::Created { group: own, region, launched, .. }
                    if own == group && !listed(effect) =>
                {
                    Some((region, *launched))
                }
                _ => None,
            })
            .collect()
    }
}

/// What is known of a cordon of ours on `machine`, if there is one: what we remember, or else its mark, so
/// that a restart forgets nothing. A mark from the future is a wrong clock's.
fn ours(machine: &Machine, history: &History, now: Timestamp) -> Option<Cordoned> {
    let remembered = history.cordoned.get(&machine.id).copied();
    remembered.or_else(|| Some(Cordoned::since(min(machine.facts.cordoned_at?, now))))
}

/// Whether `effect` is the creation of `machine`.
fn made(effect: &Effect, machine: &Machine) -> bool {
    let Effect::Created { create_id, machine: id, .. } = effect else { return false };
    id.as_ref() == Some(&machine.id) || machine.facts.create_id.as_ref() == Some(create_id)
}

/// Whether the list shows a cordon on `machine`, or the mark of one.
fn is_out(machine: &Machine) -> bool {
    machine.is_cordoned || machine.facts.cordoned_at.is_some()
}

/// Whether a machine in `state` waits to be started.
fn is_at_rest(state: &MachineState) -> bool {
    matches!(state, MachineState::Stopped | MachineState::Suspended)
}

impl History {
    /// This history without what is over: actions older than the overlay, and starts and stops that
    /// the list confirms. Creates and destroys stay for the whole time, since the next page may come
    /// from a replica that does not know of them yet. A refused suspend stays with its machine, and a
    /// cordon of ours for as long as Fly shows it.
    #[must_use]
    pub fn settled(&self, observed: &Observed, now: Timestamp) -> Self {
        let mut next = self.clone();
        next.left_volumes.retain(|(at, _)| at.is_within(OVERLAY, now));
        next.settle_cordons(observed, now);
        if next.recent.is_empty()
            && next.stopped_to_destroy.is_empty()
            && next.refused_suspends.is_empty()
        {
            return next;
        }
        let listed: BTreeMap<&MachineId, &Machine> =
            observed.machines.iter().map(|machine| (&machine.id, machine)).collect();
        let state_of = |id: &MachineId| listed.get(id).map(|machine| &machine.state);
        let is_listed_as = |id: &MachineId, as_out: bool| {
            listed.get(id).is_some_and(|machine| is_out(machine) == as_out)
        };
        next.recent.retain(|recent| {
            recent.is_fresh(now)
                && match &recent.effect {
                    Effect::Created { .. } | Effect::Destroyed { .. } => true,
                    Effect::Started { machine } => state_of(machine).is_some_and(is_at_rest),
                    Effect::Stopped { machine } | Effect::Suspended { machine } => {
                        state_of(machine) == Some(&MachineState::Started)
                    }
                    Effect::Cordoned { machine } => is_listed_as(machine, false),
                    Effect::Uncordoned { machine } => is_listed_as(machine, true),
                }
        });
        let is_stopping = |id: &MachineId| {
            next.recent.iter().any(
                |recent| matches!(&recent.effect, Effect::Stopped { machine } if machine == id),
            )
        };
        // One that is gone or runs again (a start of ours or of anybody's) is no longer on its way out.
        next.stopped_to_destroy.retain(|id| {
            state_of(id).is_some_and(|state| {
                is_at_rest(state) || *state == MachineState::Stopping || is_stopping(id)
            })
        });
        next.refused_suspends
            .retain(|id, at| listed.contains_key(id) && at.is_within(REFUSAL, now));
        next
    }

    fn settle_cordons(&mut self, observed: &Observed, now: Timestamp) {
        let is_rotated = self.recent.iter().any(|recent| recent.effect.is_rotation());
        let is_listed = observed.machines.iter().any(|machine| machine.is_cordoned);
        if self.cordoned.is_empty() && !is_rotated && !is_listed {
            return;
        }
        let overlay = Overlay::new(self, now);
        let ours =
            observed.machines.iter().filter_map(|machine| match overlay.cordon(machine, now)? {
                Cordon::Ours(cordoned) => Some((machine.id.clone(), cordoned)),
                Cordon::MarkOnly | Cordon::Others => None,
            });
        self.cordoned = ours.collect();
    }

    /// Adds what was just done. Of each machine only the latest action counts, and the latest that took it
    /// out of rotation or put it back.
    pub fn record(&mut self, at: Timestamp, effect: Effect) {
        if let Some(machine) = effect.changed() {
            let destroyed = matches!(effect, Effect::Destroyed { .. });
            let replaces =
                |other: &Effect| destroyed || other.is_rotation() == effect.is_rotation();
            self.recent.retain(|recent| match &recent.effect {
                Effect::Created { machine: own, .. } => !destroyed || own.as_ref() != Some(machine),
                other => other.changed() != Some(machine) || !replaces(other),
            });
        }
        self.recent.push(Recent { at, effect });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of the documentation: created, started, may be started, stopped, destroyed.
    #[test]
    fn each_state_counts_as_documented() {
        let row = |state: &str, launching: bool| {
            let s = Standing::of(&MachineState::parse(state), launching);
            [s.created, s.started, s.may_start, s.may_stop, s.may_destroy]
                .map(|yes| if yes { 'x' } else { '-' })
                .iter()
                .collect::<String>()
        };
        let table = [
            ("created", true, "xx---"),
            ("creating", true, "xx---"),
            ("created", false, "x---x"),
            ("creating", false, "x---x"),
            ("starting", false, "xx---"),
            ("restarting", false, "xx---"),
            ("started", false, "xx-xx"),
            ("stopping", false, "x----"),
            ("suspending", false, "x----"),
            ("stopped", false, "x-x-x"),
            ("suspended", false, "x-x-x"),
            ("updating", false, "xx---"),
            ("replacing", false, "xx---"),
            ("failed", false, "x---x"),
            ("launch_failed", false, "x---x"),
            ("destroying", false, "-----"),
            ("destroyed", false, "-----"),
            ("replaced", false, "-----"),
            ("migrated", false, "-----"),
            ("hibernating", false, "x----"),
        ];
        for (state, launching, expected) in table {
            assert_eq!(row(state, launching), expected, "{state} launching={launching}");
        }
    }
}
