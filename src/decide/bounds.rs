//! From what the expressions of a group ask for to the bounds that each of its scopes brings about.

use std::cmp::{max, min};

use crate::model::{Bounds, Kind, ScopeBounds, Side};

use super::damp::Damper;
use super::part::{Need, Part, Role};
use super::plan::Tally;
use super::reason::Reason;
use super::split::{Share, split};
use super::targets::{GroupTargets, RegionTargets, Wanted};
use super::{gate, grow_only, limit};

const KINDS: [Kind; 2] = [Kind::Created, Kind::Started];

/// Sets the bounds of every part; what cannot be judged has none, and the reason.
///
/// What regions decide, the bounds over all of them limit: the regions' targets are raised or lowered
/// before anything is chosen. Machines that no region decides about (in regions that are not scaled, or
/// held) count as they are.
pub(super) fn settle(parts: &mut [Part<'_, '_>], targets: &GroupTargets, damper: &mut Damper<'_>) {
    let Some((app_wide, others)) = parts.split_first_mut() else { return };
    let (wanted, grow_only) = match wanted_of(&targets.app_wide) {
        Ok(wanted) => wanted,
        Err((wanted, reasons)) => {
            app_wide.plan.wanted = wanted;
            app_wide.plan.reasons = reasons;
            others.iter_mut().for_each(|part| part.plan.reasons.push(Reason::AppWideHeld));
            return;
        }
    };
    app_wide.plan.wanted = Some(wanted);
    let tally = app_wide.plan.observed;
    let approached = approach(app_wide, wanted, grow_only, damper);
    let (mut bounds, reasons) = limit::limit_targets(approached, &targets.policy, tally);
    app_wide.plan.reasons.extend(reasons);

    let has_created = wanted.created.is_defined() || targets.regional.created;
    for part in others.iter_mut().filter(|part| part.role == Role::Region) {
        settle_region(part, targets, grow_only, damper, has_created);
    }
    keep_running(&mut bounds, app_wide, others, targets);
    for kind in KINDS.into_iter().filter(|kind| targets.regional.has(*kind)) {
        fit(kind, bounds.of(kind), tally, others, targets);
    }
    app_wide.plan.targets = Some(bounds);
    // What regions decide is for them to bring about.
    for kind in KINDS.into_iter().filter(|kind| targets.regional.has(*kind)) {
        *bounds.of_mut(kind) = Bounds::default();
    }
    app_wide.bounds = Some(bounds);
    for part in parts {
        if let Some(bounds) = part.bounds {
            part.need = Need::of(bounds, part.plan.observed, part.view.listed());
        }
        grow_only::insist(part);
        if part.role == Role::Region {
            part.plan.targets = part.bounds;
        }
    }
}

/// Numbers, and why nothing may be scaled down by them, if so.
type Numbers<'t> = (ScopeBounds, &'t [Reason]);

/// The numbers, or why there are none to go to, with what was asked for as far as it is known.
fn wanted_of(wanted: &Wanted) -> Result<Numbers<'_>, (Option<ScopeBounds>, Vec<Reason>)> {
    let (wanted, grow_only) = match wanted {
        Wanted::Hold(reasons) => return Err((None, reasons.clone())),
        Wanted::Bounds(wanted) => (*wanted, &[][..]),
        Wanted::GrowOnly(wanted, why) => (*wanted, why.as_slice()),
    };
    let reasons = gate::min_above_max(wanted);
    if reasons.is_empty() { Ok((wanted, grow_only)) } else { Err((Some(wanted), reasons)) }
}

/// The bounds of one region by itself: its own expressions and limits, and that a machine runs there at
/// all times where that is so. Where nothing may go in all regions together, nothing may in one.
fn settle_region(
    part: &mut Part<'_, '_>,
    targets: &GroupTargets,
    app_wide: &[Reason],
    damper: &mut Damper<'_>,
    has_created: bool,
) {
    let Some(region) = part.plan.scope.region.clone() else { return };
    let own = targets.by_region.iter().find(|own| own.region == region);
    let (wanted, grow_only) = match own.map(|RegionTargets { wanted, .. }| wanted_of(wanted)) {
        None => (ScopeBounds::default(), &[][..]),
        Some(Ok(wanted)) => wanted,
        Some(Err((wanted, reasons))) => {
            part.plan.wanted = wanted;
            part.plan.reasons = reasons;
            return;
        }
    };
    part.plan.wanted = Some(wanted);
    let others = app_wide.iter().filter(|why| !grow_only.contains(why));
    let why: Vec<Reason> = grow_only.iter().chain(others).cloned().collect();
    let approached = approach(part, wanted, &why, damper);
    let limits = targets.policy.region_limits.of(&region);
    let (mut bounds, reasons) = limit::limit_region(approached, limits);
    part.plan.reasons.extend(reasons);
    if part.runs_always(&targets.policy) {
        // One that is to run has to exist, which is for whoever sets a created count to see to.
        let kinds = KINDS.into_iter().filter(|kind| *kind == Kind::Started || has_created);
        for kind in kinds {
            part.plan.reasons.extend(raise_to(bounds.of_mut(kind), kind, 1));
        }
    }
    part.bounds = Some(bounds);
}

/// The bounds that lead from what is there towards what is `wanted` of `part`: nothing goes where `grow_only`
/// says why, and all is slowed down. What was stopped to be destroyed stays so while a rule keeps it.
fn approach(
    part: &mut Part<'_, '_>,
    wanted: ScopeBounds,
    grow_only: &[Reason],
    damper: &mut Damper<'_>,
) -> ScopeBounds {
    let kept = grow_only::keep(part, wanted, grow_only);
    let there = part.plan.observed;
    let (bounds, reasons) = damper.damp(&part.plan.scope, kept, there, part.is_grow_only);
    part.is_withheld |= kept.created.max.is_some_and(|max| there.created > max);
    part.plan.reasons.extend(reasons);
    bounds
}

/// Raises the bounds over all regions to one for each region in which a machine runs at all times.
fn keep_running(
    bounds: &mut ScopeBounds,
    app_wide: &mut Part<'_, '_>,
    others: &[Part<'_, '_>],
    targets: &GroupTargets,
) {
    let is_running =
        |part: &&Part<'_, '_>| part.bounds.is_some() && part.runs_always(&targets.policy);
    let count = super::part::count(others.iter().filter(is_running).count());
    for kind in KINDS {
        if bounds.of(kind).is_defined() && count > 0 {
            app_wide.plan.reasons.extend(raise_to(bounds.of_mut(kind), kind, count));
        }
    }
}

/// Raises both ends to at least `least`; a lower end comes about where there was none.
fn raise_to(bounds: &mut Bounds, kind: Kind, least: u32) -> Option<Reason> {
    let before = *bounds;
    bounds.min = Some(before.min.map_or(least, |own| max(own, least)));
    bounds.max = before.max.map(|own| max(own, least));
    let (side, wanted) = match (before.min, before.max) {
        (_, Some(max)) if max < least => (Side::Max, Some(max)),
        (min, _) if min.is_none_or(|min| min < least) => (Side::Min, min),
        _ => return None,
    };
    Some(Reason::AlwaysRunning { kind, side, wanted, limit: least })
}

/// Fits what the regions want of `kind` into the bounds over all of them.
fn fit(
    kind: Kind,
    app_wide: Bounds,
    tally: Tally,
    others: &mut [Part<'_, '_>],
    targets: &GroupTargets,
) {
    let policy = &targets.policy;
    let mut regions: Vec<&mut Part<'_, '_>> = others
        .iter_mut()
        .filter(|part| part.bounds.is_some_and(|own| own.of(kind).max.is_some()))
        .collect();
    let own: u32 = regions.iter().map(|part| part.plan.observed.of(kind)).sum();
    let elsewhere = tally.of(kind).saturating_sub(own);

    let mut levels: Vec<Levels> =
        regions.iter().map(|part| Levels::of(part, kind, targets)).collect();
    // What must be there goes before what the expressions over all regions say, not before the ceiling.
    let ceiling = policy.max_machines.saturating_sub(elsewhere);
    let most = app_wide.max.map_or(ceiling, |own| own.saturating_sub(elsewhere));
    let most = max(most, min(total(&levels, |own| own.must), ceiling));
    if total(&levels, |own| own.top) > most {
        let app_wide = app_wide.max.unwrap_or(policy.max_machines);
        for ((part, limit), own) in regions.iter_mut().zip(at_most(most, &levels)).zip(&mut levels)
        {
            lower(part, kind, limit, app_wide);
            *own = Levels::of(part, kind, targets);
        }
    }
    let least = app_wide.min.unwrap_or(policy.min_machines);
    let wanted = least.saturating_sub(elsewhere);
    if total(&levels, |own| own.bottom) < wanted {
        for (part, limit) in regions.iter_mut().zip(at_least(wanted, &levels)) {
            raise(part, kind, limit, least);
        }
    }
}

/// What matters of one region where all of them together are to fit, each number at least the one before.
struct Levels {
    /// Must be there, whatever is wanted.
    must: u32,
    /// Wanted at least.
    bottom: u32,
    /// There, as far as it is wanted.
    there: u32,
    /// Wanted at most.
    top: u32,
    /// More is not allowed.
    limit: u32,
}

impl Levels {
    fn of(part: &Part<'_, '_>, kind: Kind, targets: &GroupTargets) -> Self {
        let policy = &targets.policy;
        let region = part.plan.scope.region.as_ref();
        let limits = region.map(|own| policy.region_limits.of(own)).unwrap_or_default();
        let bounds = part.bounds.map_or(Bounds::default(), |own| own.of(kind));
        let top = bounds.max.unwrap_or(0);
        let bottom = min(bounds.min.unwrap_or(0), top);
        let there = min(max(part.plan.observed.of(kind), bottom), top);
        let must = min(max(limits.min_machines, u32::from(part.runs_always(policy))), bottom);
        // Where nothing may go, all that is there must be.
        let (must, bottom) = if part.is_grow_only { (there, there) } else { (must, bottom) };
        Self { must, bottom, there, top, limit: max(limits.max_machines, top) }
    }
}

/// From one level of each region to another.
type Span = [fn(&Levels) -> u32; 2];

fn total(levels: &[Levels], of: impl Fn(&Levels) -> u32) -> u32 {
    levels.iter().map(of).fold(0, u32::saturating_add)
}

/// The most of each region where all together are to be at most `most`: what a region wants at least goes
/// before what is there in others, and that before what might come.
fn at_most(most: u32, levels: &[Levels]) -> Vec<u32> {
    let steps: [Span; 3] = [
        [|own| own.there, |own| own.top],
        [|own| own.bottom, |own| own.there],
        [|own| own.must, |own| own.bottom],
    ];
    let fits = steps.into_iter().find(|[floor, _]| total(levels, floor) <= most);
    share_out(most, levels, fits.unwrap_or(steps[2]))
}

/// The least of each region where all together are to be at least `least`: first what is there, then what
/// the regions allow themselves, then beyond.
fn at_least(least: u32, levels: &[Levels]) -> Vec<u32> {
    let steps: [Span; 3] = [
        [|own| own.bottom, |own| own.there],
        [|own| own.there, |own| own.top],
        [|own| own.top, |own| own.limit],
    ];
    let fits = steps.into_iter().find(|[_, ceiling]| total(levels, ceiling) >= least);
    share_out(least, levels, fits.unwrap_or(steps[2]))
}

/// Shares `number` out in proportion to what the regions want, each between two of its levels.
fn share_out(number: u32, levels: &[Levels], [floor, ceiling]: Span) -> Vec<u32> {
    let share = |own: &Levels| Share { weight: own.top, floor: floor(own), ceiling: ceiling(own) };
    split(number, &levels.iter().map(share).collect::<Vec<_>>())
}

fn lower(part: &mut Part<'_, '_>, kind: Kind, limit: u32, app_wide: u32) {
    let Some(bounds) = part.bounds.as_mut().map(|own| own.of_mut(kind)) else { return };
    let Some(wanted) = bounds.max.filter(|own| *own > limit) else { return };
    bounds.max = Some(limit);
    bounds.min = bounds.min.map(|own| min(own, limit));
    let side = Side::Max;
    part.plan.reasons.push(Reason::LoweredByAppWide { kind, side, wanted, limit, app_wide });
}

fn raise(part: &mut Part<'_, '_>, kind: Kind, limit: u32, app_wide: u32) {
    let Some(bounds) = part.bounds.as_mut().map(|own| own.of_mut(kind)) else { return };
    let wanted = bounds.min.unwrap_or(0);
    if limit <= wanted {
        return;
    }
    bounds.min = Some(limit);
    bounds.max = bounds.max.map(|own| max(own, limit));
    let side = Side::Min;
    part.plan.reasons.push(Reason::RaisedByAppWide { kind, side, wanted, limit, app_wide });
}
