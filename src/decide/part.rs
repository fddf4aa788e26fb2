//! One scope of a process group in the making: from its bounds to its actions.

use std::borrow::Cow;
use std::cmp::min;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Kind, MachineId, Scope, ScopeBounds, Side, Timestamp};

use super::choice::Choice;
use super::create::NewMachine;
use super::history::History;
use super::leave::{Exit, Leaving, Step, count_places};
use super::plan::{Action, PlannedAction, ScopePlan, Tally};
use super::reason::Reason;
use super::select::{self, Destroys, Keep};
use super::targets::Policy;
use super::view::View;
use super::{limit, observed::Observed};

/// What a scope is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// All regions together.
    AppWide,
    /// A region that is scaled.
    Region,
    /// An excluded region whose machines go.
    Draining,
}

/// A scope's plan in the making.
pub(super) struct Part<'v, 'a> {
    pub(super) role: Role,
    pub(super) plan: ScopePlan,
    /// The machines that it is about.
    pub(super) view: Cow<'v, View<'a>>,
    /// The bounds that it brings about; `None` where nothing may be done.
    pub(super) bounds: Option<ScopeBounds>,
    pub(super) need: Need,
    /// Machines to be created, until it is known which of them run at once.
    pub(super) new: Vec<NewMachine>,
    /// Why no more are created.
    pub(super) refused: Vec<Reason>,
    /// How many machines are started.
    pub(super) started: u32,
    /// Machines that are cordoned, and stopped in a later tick.
    pub(super) waiting: BTreeSet<MachineId>,
    /// It destroys, and does nothing else.
    pub(super) is_done: bool,
    /// It may neither create nor destroy.
    pub(super) is_blocked: bool,
    /// It may not lose a machine.
    pub(super) is_grow_only: bool,
    /// It would destroy machines, if it might lose any.
    pub(super) is_withheld: bool,
}

/// How far the observed numbers are from the bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Need {
    pub(super) creates: u32,
    pub(super) destroys: u32,
    pub(super) starts: u32,
    pub(super) stops: u32,
}

impl Need {
    /// Growth is measured by every machine that may exist, shrinking only by those that the list shows:
    /// a create that never came about, or that someone else has undone, must cost no machine that works.
    pub(super) fn of(bounds: ScopeBounds, tally: Tally, listed: Tally) -> Self {
        let below = |kind| bounds.of(kind).min.map_or(0, |min| min.saturating_sub(tally.of(kind)));
        let above = |kind| bounds.of(kind).max.map_or(0, |max| listed.of(kind).saturating_sub(max));
        Self {
            creates: below(Kind::Created),
            destroys: above(Kind::Created),
            starts: below(Kind::Started),
            stops: above(Kind::Started),
        }
    }

    /// How many more of `kind` there should be.
    pub(super) fn growth(self, kind: Kind) -> u32 {
        match kind {
            Kind::Created => self.creates,
            Kind::Started => self.starts,
        }
    }
}

impl<'v, 'a> Part<'v, 'a> {
    pub(super) fn new(role: Role, scope: Scope, view: Cow<'v, View<'a>>) -> Self {
        let plan = ScopePlan {
            scope,
            observed: view.tally(),
            wanted: None,
            targets: None,
            actions: Vec::new(),
            spares: Vec::new(),
            reasons: Vec::new(),
            held_since: None,
        };
        Self {
            role,
            plan,
            view,
            bounds: None,
            need: Need::default(),
            new: Vec::new(),
            refused: Vec::new(),
            started: 0,
            waiting: BTreeSet::new(),
            is_done: false,
            is_blocked: false,
            is_grow_only: false,
            is_withheld: false,
        }
    }

    /// Whether this part brings a number of `kind` about.
    pub(super) fn acts_on(&self, kind: Kind) -> bool {
        self.bounds.is_some_and(|bounds| bounds.of(kind).is_defined())
    }

    /// Takes back what `max-machines` leaves no room for.
    pub(super) fn grow_at_most(&mut self, kind: Kind, granted: u32) {
        let need = match kind {
            Kind::Created => &mut self.need.creates,
            Kind::Started => &mut self.need.starts,
        };
        if *need <= granted {
            return;
        }
        *need = granted;
        let wanted = self.plan.targets.and_then(|own| own.of(kind).min).unwrap_or(0);
        let limit = self.plan.observed.of(kind).saturating_add(granted);
        let side = Side::Min;
        self.plan.reasons.push(Reason::LimitedByMaxMachines { kind, side, wanted, limit });
    }

    /// Whether it is that of a region in which a machine runs at all times.
    pub(super) fn runs_always(&self, policy: &Policy) -> bool {
        let region = self.plan.scope.region.as_ref();
        region.is_some_and(|own| policy.always_running.contains(own))
    }

    /// The machines that it does something with, or has begun to.
    pub(super) fn touched(&self) -> impl Iterator<Item = &MachineId> {
        let acted_on = self.plan.actions.iter().filter_map(|planned| planned.action.machine());
        acted_on.chain(&self.waiting)
    }

    fn below(&self, kind: Kind) -> Reason {
        let target = self.plan.targets.and_then(|own| own.of(kind).min).unwrap_or(0);
        Reason::BelowMin { kind, observed: self.plan.observed.of(kind), target }
    }

    fn above(&self, kind: Kind) -> Reason {
        let target = self.plan.targets.and_then(|own| own.of(kind).max).unwrap_or(0);
        Reason::AboveMax { kind, observed: self.plan.observed.of(kind), target }
    }

    fn plan_all(&mut self, actions: impl IntoIterator<Item = (Action, Choice)>, reason: &Reason) {
        let planned = actions.into_iter().map(|(action, choice)| PlannedAction {
            action,
            reason: reason.clone(),
            choice,
        });
        self.plan.actions.extend(planned);
    }

    /// Plans the destroys. Where there are some, the scope does nothing else.
    pub(super) fn destroy(
        &mut self,
        policy: &Policy,
        leaving: &Leaving<'_>,
        keep: &mut Keep<'_>,
        history: &History,
        next: &mut History,
    ) {
        let wanted = self.need.destroys;
        let of = self.plan.observed.created;
        if let Some(reason) = limit::brake(&self.plan.scope, wanted, of, policy, history, next) {
            self.plan.reasons.push(reason);
            return;
        }
        if wanted == 0 {
            return;
        }
        let destroys = select::to_destroy(&self.view, wanted, policy, leaving, keep);
        let reason = self.above(Kind::Created);
        self.plan.reasons.push(reason.clone());
        let available = count(destroys.now.len() + destroys.stop_first.len());
        let available = available.saturating_add(destroys.waiting);
        self.plan.reasons.extend(destroys.why_not_more(wanted));
        self.plan_destroys(destroys, policy, &reason, next);
        // With nothing that may go, the scope is free to do the rest of its work.
        self.is_done = available > 0;
    }

    /// Plans what was chosen to go, for `reason`: what runs is stopped first.
    pub(super) fn plan_destroys(
        &mut self,
        chosen: Destroys,
        policy: &Policy,
        reason: &Reason,
        next: &mut History,
    ) {
        let stopped = chosen.stop_first.iter().filter_map(|exit| match &exit.step {
            Step::Do(Action::Stop { machine, .. }) => Some(machine.clone()),
            _ => None,
        });
        next.stopped_to_destroy.extend(stopped);
        self.plan_all(chosen.now, reason);
        self.plan_exits(chosen.stop_first, policy, &Reason::StopBeforeDestroy);
    }

    /// Plans the next step of each machine on its way out, for `reason` where it is the last one.
    pub(super) fn plan_exits(&mut self, exits: Vec<Exit>, policy: &Policy, reason: &Reason) {
        self.plan.reasons.extend(not_suspended(&exits));
        let mut until: Option<Timestamp> = None;
        let mut waiting = 0;
        for Exit { machine, step, choice, .. } in exits {
            let action = match step {
                Step::Do(action) => action,
                Step::Wait(own) => {
                    self.waiting.insert(machine);
                    waiting += 1;
                    until = Some(until.map_or(own, |first| min(first, own)));
                    continue;
                }
            };
            let seconds = policy.cordon_before_stop.unwrap_or_default().as_secs();
            let reason = match action {
                Action::Cordon { .. } => Reason::CordonBeforeStop { seconds },
                _ => reason.clone(),
            };
            self.plan.actions.push(PlannedAction { action, reason, choice });
        }
        let waits = until.map(|until| Reason::WaitingForCordon { count: waiting, until });
        self.plan.reasons.extend(waits);
    }

    /// Starts what was stopped only to be destroyed, once nothing is to be destroyed any more. With a
    /// started count that number decides instead.
    pub(super) fn start_again(&mut self, policy: &Policy, next: &History) {
        let is_wanted = self.need.destroys == 0 && !self.is_withheld;
        if is_wanted && !self.acts_on(Kind::Started) {
            let actions = select::to_start_again(&self.view, policy, &next.stopped_to_destroy);
            let every = actions.into_iter().map(|action| (action, Choice::Every));
            self.plan_all(every, &Reason::WantedAgain);
        }
    }

    /// Plans starts or stops, of machines with which nothing else is done.
    pub(super) fn start_or_stop(
        &mut self,
        policy: &Policy,
        leaving: &Leaving<'_>,
        taken: &BTreeSet<MachineId>,
        keep: &Keep<'_>,
        history: &History,
    ) {
        let is_free = |action: &Action| action.machine().is_some_and(|own| !taken.contains(own));
        if self.need.starts > 0 {
            let reason = self.below(Kind::Started);
            let mut candidates = select::to_start(&self.view, policy);
            candidates.retain(|(action, _)| is_free(action));
            self.started = self.take(candidates, self.need.starts, &reason);
            return;
        }
        let mut stops = self.stops_left(leaving, taken, keep, history);
        if self.need.stops > 0 {
            let reason = self.above(Kind::Started);
            self.plan.reasons.push(reason.clone());
            let spares = stops.split_off(min(stops.len(), self.need.stops as usize));
            let taken = count(stops.len());
            // Where all that are to go wait, nothing can fail that another one would stand in for.
            let is_acted_on = stops.iter().any(|exit| matches!(exit.step, Step::Do(_)));
            self.plan_exits(stops, policy, &reason);
            if is_acted_on {
                self.plan.spares.extend(spares.into_iter().filter_map(Exit::into_action));
            }
            if taken < self.need.stops {
                let wanted = self.need.stops;
                self.plan.reasons.push(Reason::NotEnoughStarted { wanted, available: taken });
            }
        }
    }

    /// Where something is destroyed nothing is stopped; what is on its way to be stopped stays cordoned, or
    /// it would have to begin anew.
    pub(super) fn stay_cordoned(
        &mut self,
        leaving: &Leaving<'_>,
        taken: &BTreeSet<MachineId>,
        keep: &Keep<'_>,
        history: &History,
    ) {
        let mut stops = self.stops_left(leaving, taken, keep, history);
        stops.truncate(self.need.stops as usize);
        stops.retain(|exit| self.view.is_cordoned_by_us(&exit.machine));
        self.waiting.extend(stops.into_iter().map(|exit| exit.machine));
    }

    /// The machines that may be stopped, in order. What another scope of the same machines takes away, or
    /// destroys, runs no longer either: so many fewer are to be stopped.
    fn stops_left(
        &mut self,
        leaving: &Leaving<'_>,
        taken: &BTreeSet<MachineId>,
        keep: &Keep<'_>,
        history: &History,
    ) -> Vec<Exit> {
        if self.need.stops == 0 {
            return Vec::new();
        }
        let mut stops = leaving.to_stop(&self.view, history);
        let there = stops.len();
        stops.retain(|exit| !taken.contains(&exit.machine));
        self.need.stops = self.need.stops.saturating_sub(count(there - stops.len()));
        stops.retain(|exit| keep.may_stop(&exit.machine));
        count_places(&mut stops);
        stops
    }

    /// Takes the first `wanted` candidates as actions; the rest are spares.
    fn take(&mut self, mut candidates: Vec<(Action, Choice)>, wanted: u32, reason: &Reason) -> u32 {
        let taken = min(candidates.len(), wanted as usize);
        let spares = candidates.split_off(taken);
        self.plan.reasons.push(reason.clone());
        self.plan_all(candidates, reason);
        if taken > 0 {
            self.plan.spares.extend(spares.into_iter().map(|(action, _)| action));
        }
        count(taken)
    }

    /// Leaves out spares that another scope has a use for.
    pub(super) fn drop_spares(&mut self, used: &mut BTreeSet<MachineId>) {
        let is_free = |own: &Action| own.machine().is_none_or(|id| used.insert(id.clone()));
        self.plan.spares.retain(is_free);
    }

    /// Plans the creates, each to run at once as far as `may_launch` says so. Gives how many do.
    pub(super) fn create(
        &mut self,
        mut next_id: impl FnMut() -> std::sync::Arc<str>,
        mut may_launch: impl FnMut(&NewMachine) -> bool,
    ) -> u32 {
        let mut launched = 0;
        if self.need.creates == 0 {
            return launched;
        }
        let reason = self.below(Kind::Created);
        self.plan.reasons.push(reason.clone());
        for new in std::mem::take(&mut self.new) {
            let start = may_launch(&new);
            launched += u32::from(start);
            let NewMachine { template, regions, volumes, choice, .. } = new;
            let create_id = next_id();
            let action = Action::Create { create_id, regions, volumes, template, start };
            self.plan.actions.push(PlannedAction { action, reason: reason.clone(), choice });
        }
        self.plan.reasons.append(&mut self.refused);
        launched
    }

    /// Says why fewer are started than should be. `launched` new machines run at once in this scope.
    pub(super) fn explain_starts(&mut self, observed: &Observed, whole: &View<'_>, launched: u32) {
        let available = self.started;
        if self.role == Role::AppWide && whole.is_empty() && self.need.creates == 0 {
            let detail = select::why_empty(observed, &self.plan.scope.group);
            self.plan.reasons.push(Reason::NoMachines { detail });
        } else if available + launched < self.need.starts {
            let wanted = self.need.starts;
            self.plan.reasons.push(Reason::NotEnoughStopped { wanted, available });
        }
    }

    /// Says what is as wanted, where nothing else was said about it; `otherwise` where there is nothing to
    /// say at all.
    pub(super) fn finish(mut self, otherwise: Reason) -> ScopePlan {
        for kind in [Kind::Created, Kind::Started] {
            let Some(bounds) = self.bounds.and(self.plan.targets).map(|own| own.of(kind)) else {
                break;
            };
            let observed = self.plan.observed.of(kind);
            let said = self.plan.reasons.iter().any(|reason| match reason {
                Reason::BelowMin { kind: own, .. } | Reason::AboveMax { kind: own, .. } => {
                    *own == kind
                }
                _ => false,
            });
            let within = bounds.min.is_none_or(|min| observed >= min)
                && bounds.max.is_none_or(|max| observed <= max);
            if said || !bounds.is_defined() {
                continue;
            }
            let unlisted = observed.saturating_sub(self.view.listed().of(kind));
            self.plan.reasons.push(match (bounds.min, bounds.max) {
                _ if within => Reason::WithinBounds { kind, observed, bounds },
                (_, Some(max)) if observed > max && unlisted > 0 => {
                    Reason::NotListedYet { kind, count: unlisted }
                }
                (_, Some(target)) if observed > target => self.above(kind),
                // Something else comes first: the brake, or destroys.
                _ => self.below(kind),
            });
        }
        if self.plan.reasons.is_empty() {
            self.plan.reasons.push(otherwise);
        }
        self.plan
    }
}

/// Says which of the machines that are stopped would have been suspended, had nothing stood in the way.
fn not_suspended(exits: &[Exit]) -> Option<Reason> {
    let mut why = BTreeMap::new();
    for obstacle in exits.iter().filter_map(|exit| exit.obstacle) {
        *why.entry(obstacle).or_insert(0) += 1;
    }
    (!why.is_empty()).then(|| Reason::CannotSuspend { count: why.values().sum(), why })
}

/// A length as a machine count; no list of machines is anywhere near the limit.
pub(super) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
