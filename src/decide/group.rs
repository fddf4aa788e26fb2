//! One process group, from its numbers to its actions: over all regions, and in each.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{Kind, Machine, MachineId, Region, Scope, Timestamp};

use super::create::{NewMachine, planned_creates};
use super::damp::Damper;
use super::history::History;
use super::launch::LaunchRoom;
use super::leave::Leaving;
use super::observed::Observed;
use super::part::{Part, Role, count};
use super::plan::{ScopePlan, Tally};
use super::reason::Reason;
use super::select::Keep;
use super::split::{Share, split};
use super::targets::GroupTargets;
use super::view::View;
use super::{Supply, bounds, drain, gate, leave, limit, place, rotation};

/// Decides for one process group: bounds, gate, then create, destroy, start or stop in each scope. The
/// scope over all regions comes first, then the regions in their order, then those that are drained, then
/// those that are skipped.
pub(super) fn decide_group(
    observed: &Observed,
    targets: &GroupTargets,
    history: &History,
    next: &mut History,
    supply: &mut Supply<'_>,
    now: Timestamp,
) -> Vec<ScopePlan> {
    let whole = View::of_group(observed, &targets.group, history, now);
    let mut parts = parts(targets, &whole);
    let mut damper = Damper { policy: &targets.policy, history, next, now };
    damper.forget(&targets.group);
    bounds::settle(&mut parts, targets, &mut damper);
    let tally = whole.tally();
    let leaving = Leaving::of(targets, observed, now);
    let deciding = Deciding { observed, targets, whole: &whole, tally, leaving, history, now };
    deciding.decide(&mut parts, next, supply);

    let rest = targets.policy.region_backoff;
    next.resting
        .retain(|scope, refusal| scope.group != targets.group || refusal.at.is_within(rest, now));
    let mut plans = Vec::with_capacity(parts.len() + targets.skipped.len());
    let is_by_region = targets.regional.any();
    for part in parts {
        let is_limit = part.role == Role::AppWide && is_by_region;
        plans.push(part.finish(if is_limit { Reason::ByRegion } else { Reason::NoTarget }));
    }
    let decided: BTreeSet<Region> =
        plans.iter().filter_map(|plan| plan.scope.region.clone()).collect();
    let skipped = targets.skipped.iter().filter(|(region, _)| !decided.contains(region));
    plans.extend(skipped.map(|(region, reason)| skip(targets, &whole, region, reason)));
    plans
}

/// The scopes of a group.
fn parts<'v, 'a>(targets: &GroupTargets, whole: &'v View<'a>) -> Vec<Part<'v, 'a>> {
    let policy = &targets.policy;
    let is_inhabited = |region: &&Region| whole.count_in(region) > 0;
    let drained: Vec<&Region> = if policy.drain_excluded {
        policy.excluded_regions.iter().filter(is_inhabited).collect()
    } else {
        Vec::new()
    };
    let own = if drained.is_empty() {
        Cow::Borrowed(whole)
    } else {
        Cow::Owned(whole.of_regions(|region| !drained.contains(&region)))
    };
    let mut parts = vec![Part::new(Role::AppWide, Scope::app_wide(targets.group.clone()), own)];
    let mut add = |role, region: &Region| {
        let scope = Scope { group: targets.group.clone(), region: Some(region.clone()) };
        let view = whole.of_regions(|own| own == region);
        parts.push(Part::new(role, scope, Cow::Owned(view)));
    };
    let decided: Vec<&Region> = targets.by_region.iter().map(|own| &own.region).collect();
    for region in &decided {
        add(Role::Region, region);
    }
    let is_scaled = |region: &&Region| match targets.regions.as_slice() {
        [] => policy.regions.listed().is_empty() && !policy.excluded_regions.contains(region),
        scaled => scaled.contains(region),
    };
    let always = policy.always_running.iter().filter(is_scaled);
    for region in always.filter(|region| !decided.contains(region)) {
        add(Role::Region, region);
    }
    for region in drained {
        add(Role::Draining, region);
    }
    parts
}

/// A region that is not scaled.
fn skip(targets: &GroupTargets, whole: &View<'_>, region: &Region, reason: &Reason) -> ScopePlan {
    let scope = Scope { group: targets.group.clone(), region: Some(region.clone()) };
    let view = Cow::Owned(whole.of_regions(|own| own == region));
    Part::new(Role::Region, scope, view).finish(reason.clone())
}

/// What a group is decided from.
pub(super) struct Deciding<'v, 'a> {
    pub(super) observed: &'a Observed,
    pub(super) targets: &'v GroupTargets,
    pub(super) whole: &'v View<'a>,
    pub(super) tally: Tally,
    pub(super) leaving: Leaving<'v>,
    pub(super) history: &'v History,
    pub(super) now: Timestamp,
}

impl<'v, 'a> Deciding<'v, 'a> {
    fn decide(&self, parts: &mut [Part<'v, 'a>], next: &mut History, supply: &mut Supply<'_>) {
        let policy = &self.targets.policy;
        self.gate(parts, next);
        self.limit_growth(parts);
        self.prepare_creates(parts, supply);

        // What is cloned stays, and so does what keeps a region running.
        let sources: BTreeSet<MachineId> = parts
            .iter()
            .flat_map(|part| part.new.iter().map(|new| new.template.source.clone()))
            .collect();
        let may_go = |part: &Part<'_, '_>| part.need.destroys > 0 || part.role == Role::Draining;
        let mut keep =
            if parts.iter().any(may_go) { Keep::last_of(self.whole) } else { Keep::default() };
        keep.sources = sources.iter().collect();
        let always = parts.iter().filter(|part| part.runs_always(policy));
        let running = always.filter_map(|part| self.leaving.last_to_go(&part.view));
        keep.running = running.collect();
        // What holds a region keeps its machines from what all regions together would lose, too.
        let is_held = |part: &&Part<'_, '_>| {
            part.role == Role::Region && (part.is_grow_only || part.bounds.is_none())
        };
        for part in parts.iter().filter(is_held) {
            keep.running.extend(part.view.machines.iter().map(|seen| {
                let machine: &'a Machine = seen.machine;
                &machine.id
            }));
        }

        self.brake(parts, next);
        // The last region first, so that the first one keeps its machines the longest.
        for part in parts.iter_mut().rev().filter(|part| part.role != Role::Draining) {
            if part.role == Role::AppWide && self.targets.regional.created {
                // Its wishes are those of all regions together.
            } else if part.bounds.is_some() {
                part.destroy(policy, &self.leaving, &mut keep, self.history, next);
            } else {
                next.large_destroy_wishes.remove(&part.plan.scope);
            }
        }
        self.start_and_stop(parts, &keep, next);
        drain::drain(self, parts, &mut keep, next);
        self.create(parts, supply);
        rotation::put_back(parts, self.whole, policy, &taken(parts), next);
        let leaves = parts.iter().any(|part| part.plan.leaves());
        if let Some(part) = parts.first_mut().filter(|_| leaves) {
            let why = leave::why_not_by_load(self.targets, self.observed, self.whole);
            part.plan.reasons.extend(why);
        }
        if parts.len() > 1 {
            let mut used = taken(parts);
            parts.iter_mut().for_each(|part| part.drop_spares(&mut used));
        }
    }

    /// Where too much is out of sight, nothing is created or destroyed.
    fn gate(&self, parts: &mut [Part<'_, '_>], next: &mut History) {
        let health = gate::fleet_health(self.tally)
            .or_else(|| gate::regions_unread(self.observed, self.whole, self.targets));
        let Some(reason) = health else { return };
        let drains = parts.iter().any(|part| part.acts_on(Kind::Created));
        for part in parts {
            let drains = drains && part.role == Role::Draining;
            if part.need.creates > 0 || part.need.destroys > 0 || drains {
                part.plan.reasons.push(reason.clone());
                part.need.creates = 0;
                part.need.destroys = 0;
                part.is_blocked = true;
                next.large_destroy_wishes.remove(&part.plan.scope);
            }
        }
    }

    /// How many more machines `max-machines` leaves room for. What goes in this tick still counts.
    pub(super) fn room(&self, kind: Kind) -> u32 {
        let there = self.tally.of(kind).saturating_add(self.tally.unreachable);
        self.targets.policy.max_machines.saturating_sub(there)
    }

    /// What all regions together may still gain is shared out among them.
    fn limit_growth(&self, parts: &mut [Part<'_, '_>]) {
        for kind in [Kind::Created, Kind::Started] {
            let (app_wide, regions) = parts.split_at_mut(1);
            let needs: Vec<u32> = regions.iter().map(|part| part.need.growth(kind)).collect();
            let shares = needs.iter().map(|&need| Share { weight: need, floor: 0, ceiling: need });
            let given = split(self.room(kind), &shares.collect::<Vec<_>>());
            for (part, granted) in regions.iter_mut().zip(&given) {
                part.grow_at_most(kind, *granted);
            }
            // What it lacks includes what the regions get: that is taken off when it is known.
            if let Some(part) = app_wide.first_mut() {
                part.grow_at_most(kind, self.room(kind));
            }
        }
    }

    /// Chooses what new machines are cloned from, where they go and what they mount.
    fn prepare_creates(&self, parts: &mut [Part<'_, '_>], supply: &mut Supply<'_>) {
        let mut made = 0;
        for part in regions_first(parts) {
            if part.role == Role::AppWide {
                part.need.creates = part.need.creates.saturating_sub(made);
            }
            if part.need.creates == 0 {
                continue;
            }
            let (targets, history) = (self.targets, self.history);
            let wanted = part.need.creates;
            let places = place::places(part, self.whole, targets, history, wanted, self.now);
            let scope = part.plan.scope.clone();
            let (new, refused) = planned_creates(
                self.observed,
                self.whole,
                &targets.policy,
                &scope,
                places.orders,
                supply,
            );
            made += count(new.len());
            part.new = new;
            part.refused = places.reasons.into_iter().chain(refused).collect();
        }
    }

    /// Many regions that each lose a few machines are a large loss too.
    fn brake(&self, parts: &mut [Part<'_, '_>], next: &mut History) {
        if !self.targets.regional.created {
            return;
        }
        let Some((app_wide, regions)) = parts.split_first_mut() else { return };
        let destroys = regions.iter().map(|part| part.need.destroys).sum();
        let of = app_wide.plan.observed.created;
        let (scope, policy) = (&app_wide.plan.scope, &self.targets.policy);
        if let Some(reason) = limit::brake(scope, destroys, of, policy, self.history, next) {
            for part in regions.iter_mut().filter(|part| part.need.destroys > 0) {
                part.plan.reasons.push(reason.clone());
                part.need.destroys = 0;
            }
        }
    }

    fn start_and_stop(&self, parts: &mut [Part<'_, '_>], keep: &Keep<'_>, next: &History) {
        let policy = &self.targets.policy;
        let mut started = 0;
        let mut taken = taken(parts);
        for part in regions_first(parts) {
            if part.bounds.is_none() {
                continue;
            }
            if part.is_done {
                part.stay_cordoned(&self.leaving, &taken, keep, next);
                taken.extend(part.touched().cloned());
                continue;
            }
            if part.role == Role::AppWide {
                part.need.starts = part.need.starts.saturating_sub(started);
            }
            let is_limit = part.role == Role::AppWide && self.targets.regional.any();
            if !part.is_blocked && !is_limit {
                part.start_again(policy, next);
            }
            part.start_or_stop(policy, &self.leaving, &taken, keep, next);
            taken.extend(part.touched().cloned());
            let launched = if policy.launch_created { count(part.new.len()) } else { 0 };
            started += part.started + launched;
        }
    }

    fn create(&self, parts: &mut [Part<'_, '_>], supply: &mut Supply<'_>) {
        let mut room = LaunchRoom::new(parts, self);
        for part in regions_first(parts) {
            if part.is_done || part.is_blocked || part.bounds.is_none() {
                continue;
            }
            let ids = &mut supply.ids;
            let launched = part.create(|| ids.next(), |new: &NewMachine| room.take(new));
            part.explain_starts(self.observed, self.whole, launched);
        }
    }
}

/// The regions in their order, then the scope over all of them, for which what is done in single regions
/// counts too.
fn regions_first<'p, 'v, 'a>(
    parts: &'p mut [Part<'v, 'a>],
) -> impl Iterator<Item = &'p mut Part<'v, 'a>> {
    let (app_wide, regions) = parts.split_at_mut(1);
    regions.iter_mut().chain(app_wide)
}

/// The machines that any part does something with.
fn taken(parts: &[Part<'_, '_>]) -> BTreeSet<MachineId> {
    parts.iter().flat_map(Part::touched).cloned().collect()
}
