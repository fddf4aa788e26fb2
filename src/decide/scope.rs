//! One process group, from its numbers to its actions.

use std::cmp::min;
use std::collections::BTreeMap;

use crate::model::{Kind, Scope, ScopeBounds, SuspendObstacle, Timestamp};

use super::create::{NewMachine, planned_creates};
use super::history::History;
use super::observed::Observed;
use super::plan::{Action, PlannedAction, ScopePlan, Tally};
use super::reason::Reason;
use super::targets::{GroupTargets, Policy, Wanted};
use super::view::View;
use super::{Supply, gate, limit, select};

/// Decides for one process group: gate, limit, then create, destroy, start or stop.
pub(super) fn decide_group(
    observed: &Observed,
    targets: &GroupTargets,
    history: &History,
    next: &mut History,
    supply: &mut Supply<'_>,
    now: Timestamp,
) -> ScopePlan {
    let scope = Scope::app_wide(targets.group.clone());
    let view = View::of_group(observed, &targets.group, history, now);
    let mut draft = Draft::new(scope, view.tally());

    let wanted = match &targets.app_wide {
        Wanted::Bounds(wanted) => *wanted,
        Wanted::Hold(reasons) => {
            draft.plan.reasons.clone_from(reasons);
            return draft.without_large_wish(next);
        }
    };
    draft.plan.wanted = Some(wanted);
    draft.plan.reasons = gate::min_above_max(wanted);
    if !draft.plan.reasons.is_empty() {
        return draft.without_large_wish(next);
    }
    let (bounds, limits) = limit::limit_targets(wanted, &targets.policy, draft.plan.observed);
    draft.plan.targets = Some(bounds);
    draft.plan.reasons = limits;

    let need = Need::of(bounds, draft.plan.observed, view.listed());
    let health = gate::fleet_health(draft.plan.observed)
        .or_else(|| gate::regions_unread(observed, &view, &targets.policy));
    if let Some(reason) = health.filter(|_| need.creates > 0 || need.destroys > 0) {
        draft.plan.reasons.push(reason);
        next.large_destroy_wishes.remove(&draft.plan.scope);
        draft.start_or_stop(&view, &need, &targets.policy, next);
    } else if draft.destroy(&view, &need, &targets.policy, history, next) {
        // A scope that destroys does nothing else.
    } else {
        draft.start_again(&view, &need, next);
        let started = draft.start_or_stop(&view, &need, &targets.policy, next);
        draft.create(observed, &view, &targets.policy, &need, started, supply);
    }
    draft.finish(&need)
}

/// How far the observed numbers are from the bounds.
struct Need {
    creates: u32,
    destroys: u32,
    starts: u32,
    stops: u32,
    /// How many machines may still be launched to run.
    launches: u32,
    /// The lower and the upper end, for the reasons.
    bounds: ScopeBounds,
    /// What the list shows.
    listed: Tally,
}

impl Need {
    /// Growth is measured by every machine that may exist, shrinking only by those that the list shows:
    /// a create that never came about, or that someone else has undone, must cost no machine that works.
    fn of(bounds: ScopeBounds, tally: Tally, listed: Tally) -> Self {
        let below = |kind| bounds.of(kind).min.map_or(0, |min| min.saturating_sub(tally.of(kind)));
        let above = |kind| bounds.of(kind).max.map_or(0, |max| listed.of(kind).saturating_sub(max));
        Self {
            creates: below(Kind::Created),
            destroys: above(Kind::Created),
            starts: below(Kind::Started),
            stops: above(Kind::Started),
            launches: bounds.started.max.map_or(u32::MAX, |max| max.saturating_sub(tally.started)),
            bounds,
            listed,
        }
    }
}

/// A scope's plan in the making.
struct Draft {
    plan: ScopePlan,
}

impl Draft {
    fn new(scope: Scope, observed: Tally) -> Self {
        Self {
            plan: ScopePlan {
                scope,
                observed,
                wanted: None,
                targets: None,
                actions: Vec::new(),
                spares: Vec::new(),
                reasons: Vec::new(),
            },
        }
    }

    /// A tick that cannot judge breaks the row of wishes for a large destroy.
    fn without_large_wish(self, next: &mut History) -> ScopePlan {
        next.large_destroy_wishes.remove(&self.plan.scope);
        self.plan
    }

    fn below(&self, kind: Kind, need: &Need) -> Reason {
        let observed = self.plan.observed.of(kind);
        Reason::BelowMin { kind, observed, target: need.bounds.of(kind).min.unwrap_or(0) }
    }

    fn above(&self, kind: Kind, need: &Need) -> Reason {
        let observed = self.plan.observed.of(kind);
        Reason::AboveMax { kind, observed, target: need.bounds.of(kind).max.unwrap_or(0) }
    }

    /// Plans the destroys. False where there are none, or none yet, so that the scope may do other
    /// things.
    fn destroy(
        &mut self,
        view: &View<'_>,
        need: &Need,
        policy: &Policy,
        history: &History,
        next: &mut History,
    ) -> bool {
        let of = self.plan.observed.created;
        if let Some(reason) =
            limit::brake(&self.plan.scope, need.destroys, of, policy, history, next)
        {
            self.plan.reasons.push(reason);
            return false;
        }
        if need.destroys == 0 {
            return false;
        }
        let destroys = select::to_destroy(view, need.destroys, policy);
        let reason = self.above(Kind::Created, need);
        let available = destroys.now.len() + destroys.stop_first.len();
        self.plan.reasons.push(reason.clone());
        self.plan.actions.extend(
            destroys.now.into_iter().map(|action| PlannedAction { action, reason: reason.clone() }),
        );
        let victims = destroys.stop_first.iter().filter_map(Action::machine).cloned();
        next.stopped_to_destroy.extend(victims);
        self.plan.actions.extend(
            destroys
                .stop_first
                .into_iter()
                .map(|action| PlannedAction { action, reason: Reason::StopBeforeDestroy }),
        );
        if destroys.waiting > 0 {
            self.plan.reasons.push(Reason::WaitingForStop { count: destroys.waiting });
        }
        let available = count(available).saturating_add(destroys.waiting);
        if destroys.keeps_last {
            self.plan.reasons.push(Reason::KeepsLastMachine);
        } else if available < need.destroys {
            self.plan
                .reasons
                .push(Reason::NotEnoughDestroyable { wanted: need.destroys, available });
        }
        // With nothing that may go, the scope is free to do the rest of its work.
        available > 0
    }

    /// Starts what was stopped only to be destroyed, once nothing is to be destroyed any more. With a
    /// started count that number decides instead.
    fn start_again(&mut self, view: &View<'_>, need: &Need, next: &History) {
        if need.destroys > 0 || need.bounds.started.is_defined() {
            return;
        }
        let actions = select::to_start_again(view, &next.stopped_to_destroy);
        let planned =
            actions.into_iter().map(|action| PlannedAction { action, reason: Reason::WantedAgain });
        self.plan.actions.extend(planned);
    }

    /// Plans starts or stops; gives the number of starts.
    fn start_or_stop(
        &mut self,
        view: &View<'_>,
        need: &Need,
        policy: &Policy,
        history: &History,
    ) -> u32 {
        if need.starts > 0 {
            let reason = self.below(Kind::Started, need);
            self.take(select::to_start(view), need.starts, &reason)
        } else if need.stops > 0 {
            let reason = self.above(Kind::Started, need);
            let stops = select::to_stop(view, policy, history);
            let (stops, obstacles): (Vec<_>, Vec<_>) = stops.into_iter().unzip();
            let taken = self.take(stops, need.stops, &reason);
            self.plan.reasons.extend(not_suspended(&obstacles[..taken as usize]));
            if taken < need.stops {
                self.plan
                    .reasons
                    .push(Reason::NotEnoughStarted { wanted: need.stops, available: taken });
            }
            0
        } else {
            0
        }
    }

    /// Takes the first `wanted` candidates as actions; the rest are spares.
    fn take(&mut self, mut candidates: Vec<Action>, wanted: u32, reason: &Reason) -> u32 {
        let taken = min(candidates.len(), wanted as usize);
        let spares = candidates.split_off(taken);
        self.plan.reasons.push(reason.clone());
        self.plan.actions.extend(
            candidates.into_iter().map(|action| PlannedAction { action, reason: reason.clone() }),
        );
        if taken > 0 {
            self.plan.spares.extend(spares);
        }
        count(taken)
    }

    /// Plans the creates. `started` machines are started beside them.
    fn create(
        &mut self,
        observed: &Observed,
        view: &View<'_>,
        policy: &Policy,
        need: &Need,
        started: u32,
        supply: &mut Supply<'_>,
    ) {
        let launches =
            if policy.launch_created { need.launches.saturating_sub(started) } else { 0 };
        let mut launched = 0;
        if need.creates > 0 {
            let reason = self.below(Kind::Created, need);
            self.plan.reasons.push(reason.clone());
            let scope = &self.plan.scope;
            let (creates, refused) =
                planned_creates(observed, view, policy, scope, need.creates, supply);
            for NewMachine { template, regions, volumes, .. } in creates {
                let start = launched < launches;
                launched += u32::from(start);
                let create_id = supply.ids.next();
                let action = Action::Create { create_id, regions, volumes, template, start };
                self.plan.actions.push(PlannedAction { action, reason: reason.clone() });
            }
            self.plan.reasons.extend(refused);
        }
        if view.is_empty() && need.creates == 0 {
            let detail = select::why_empty(observed, &self.plan.scope.group);
            self.plan.reasons.push(Reason::NoMachines { detail });
        } else if started + launched < need.starts {
            self.plan
                .reasons
                .push(Reason::NotEnoughStopped { wanted: need.starts, available: started });
        }
    }

    /// Says what is as wanted, where nothing else was said about it.
    fn finish(mut self, need: &Need) -> ScopePlan {
        for kind in [Kind::Created, Kind::Started] {
            let observed = self.plan.observed.of(kind);
            let said = self.plan.reasons.iter().any(|reason| match reason {
                Reason::BelowMin { kind: own, .. } | Reason::AboveMax { kind: own, .. } => {
                    *own == kind
                }
                _ => false,
            });
            let bounds = need.bounds.of(kind);
            let within = bounds.min.is_none_or(|min| observed >= min)
                && bounds.max.is_none_or(|max| observed <= max);
            if said || !bounds.is_defined() {
                continue;
            }
            let unlisted = observed.saturating_sub(need.listed.of(kind));
            self.plan.reasons.push(match (bounds.min, bounds.max) {
                _ if within => Reason::WithinBounds { kind, observed, bounds },
                (_, Some(max)) if observed > max && unlisted > 0 => {
                    Reason::NotListedYet { kind, count: unlisted }
                }
                (_, Some(target)) if observed > target => self.above(kind, need),
                // Something else comes first: the brake, or destroys.
                _ => self.below(kind, need),
            });
        }
        if self.plan.reasons.is_empty() {
            self.plan.reasons.push(Reason::NoTarget);
        }
        self.plan
    }
}

/// Says which of the machines that are stopped would have been suspended, had nothing stood in the way.
fn not_suspended(obstacles: &[Option<SuspendObstacle>]) -> Option<Reason> {
    let mut why = BTreeMap::new();
    for obstacle in obstacles.iter().flatten() {
        *why.entry(*obstacle).or_insert(0) += 1;
    }
    (!why.is_empty()).then(|| Reason::CannotSuspend { count: why.values().sum(), why })
}

/// A length as a machine count; no list of machines is anywhere near the limit.
fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
