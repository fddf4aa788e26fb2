//! Slowing down: what the expressions ask for is approached with care, as far as the rules say so.
//!
//! Only the end that would have something done is changed: the lower one above what is there, the upper one
//! below it. Each rule leaves as much of the way as it allows, in this order: tolerance, stabilization window,
//! step, cooldown, hours. Limits come after them all.

pub mod changes;
pub mod recommendations;
pub mod rules;

use std::cmp::min;
use std::fmt;

use serde::Serialize;

use crate::model::{Kind, ProcessGroup, Region, Scope, ScopeBounds, Side, Timestamp, duration};

use super::history::History;
use super::plan::Tally;
use super::reason::Reason;
use super::targets::Policy;
use recommendations::Entry;

pub use changes::Change;
pub use recommendations::Recommendations;
pub use rules::{Damping, Millionths, RegionDamping, Rules, Step};

/// To more machines, or to fewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

impl Way {
    /// The end of the bounds that leads there.
    fn side(self) -> Side {
        match self {
            Self::Up => Side::Min,
            Self::Down => Side::Max,
        }
    }

    /// How far it is from `there` to `count`; 0 where that lies the other way.
    fn distance(self, there: u32, count: u32) -> u32 {
        match self {
            Self::Up => count.saturating_sub(there),
            Self::Down => there.saturating_sub(count),
        }
    }

    /// The number that is `distance` from `there`.
    fn go(self, there: u32, distance: u32) -> u32 {
        match self {
            Self::Up => there.saturating_add(distance),
            Self::Down => there.saturating_sub(distance),
        }
    }

    /// Whether `one` leads further than `other`.
    pub(super) fn is_bolder(self, one: u32, other: u32) -> bool {
        match self {
            Self::Up => one > other,
            Self::Down => one < other,
        }
    }
}

/// A number that a rule changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Eased {
    /// Of which number.
    pub kind: Kind,
    /// Of which end.
    pub side: Side,
    /// What was wanted before the rule.
    pub wanted: u32,
    /// What it was changed to.
    pub limit: u32,
    /// How many machines there are, or for a step were when it began.
    pub of: u32,
    /// What the rule says: the step, the share, the length of time, the hours.
    pub rule: String,
    /// When more is allowed, where time alone brings it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl fmt::Display for Eased {
    /// What was wanted and what it was changed to.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, side, wanted, limit, .. } = self;
        let changed = if *side == Side::Min { "lowered" } else { "raised" };
        write!(f, "{side} {kind} {changed} from {wanted} to {limit}")
    }
}

impl Reason {
    /// What a rule of damping changed, where that is the reason.
    #[must_use]
    pub fn eased(&self) -> Option<&Eased> {
        match self {
            Self::WithinTolerance(eased)
            | Self::Stabilized(eased)
            | Self::LimitedByStep(eased)
            | Self::CoolingDown(eased)
            | Self::OutsideHours(eased) => Some(eased),
            _ => None,
        }
    }
}

/// What decisions about one process group are slowed by.
pub(super) struct Damper<'a> {
    pub(super) policy: &'a Policy,
    pub(super) history: &'a History,
    pub(super) next: &'a mut History,
    pub(super) now: Timestamp,
}

impl Damper<'_> {
    /// Forgets what no rule of the group looks back on.
    pub(super) fn forget(&mut self, group: &ProcessGroup) {
        let all = [&self.policy.damping].into_iter().chain(self.policy.region_damping.iter());
        let memory = all.map(Damping::memory).max().unwrap_or_default();
        self.next.forget_changes(group, memory, self.now);
    }

    /// The bounds that lead from what is there towards `wanted`, and each rule that changed them. Of a scope that
    /// may only grow it is not known how far it might shrink: as in one that is held, nothing of that is recorded.
    pub(super) fn damp(
        &mut self,
        scope: &Scope,
        wanted: ScopeBounds,
        there: Tally,
        is_grow_only: bool,
    ) -> (ScopeBounds, Vec<Reason>) {
        let policy = self.policy;
        let own = scope.region.as_ref().and_then(|region| policy.region_damping.of(region));
        let damping = own.unwrap_or(&policy.damping);
        let mut before = self.next.recommendations.remove(scope).unwrap_or_default();
        let mut after = Recommendations::default();
        let (mut bounds, mut reasons) = (wanted, Vec::new());
        for kind in [Kind::Created, Kind::Started] {
            let ends = bounds.of_mut(kind);
            for (way, end) in [(Way::Up, &mut ends.min), (Way::Down, &mut ends.max)] {
                let rules = if way == Way::Up { &damping.up } else { &damping.down };
                let Some(count) = *end else { continue };
                let mut stable = None;
                if !rules.window.is_zero() {
                    let mut extremes = std::mem::take(before.of_mut(kind, way));
                    if way == Way::Up || !is_grow_only {
                        let times = [rules.window, damping.gap];
                        stable = Some(extremes.record(way, count, there.of(kind), times, self.now));
                    }
                    *after.of_mut(kind, way) = extremes;
                }
                let there = there.of(kind);
                let going = Going { damper: self, scope, rules, kind, way, there, stable };
                *end = Some(going.towards(count, &mut reasons));
            }
        }
        if !after.is_empty() {
            self.next.recommendations.insert(scope.clone(), after);
        }
        (bounds, reasons)
    }
}

/// One number on its way in one direction.
struct Going<'d, 'a> {
    damper: &'d Damper<'a>,
    scope: &'d Scope,
    rules: &'d Rules,
    kind: Kind,
    way: Way,
    /// How many machines there are.
    there: u32,
    /// The most cautious of what was wanted in the stabilization window, where there is one.
    stable: Option<Entry>,
}

/// How much of the way a rule leaves.
struct Allowed {
    distance: u32,
    of: u32,
    rule: String,
    until: Option<Timestamp>,
}

/// What a rule leaves of a distance; `None`: all of it.
type Rule = fn(&Going<'_, '_>, u32) -> Option<Allowed>;

/// The reason that a rule gives for what it changed.
type Why = fn(Eased) -> Reason;

/// The rules in their order, each with the reason that it gives.
const RULES: [(Rule, Why); 5] = [
    (|own, left| own.within_tolerance(left), Reason::WithinTolerance),
    (|own, _| own.stabilized(), Reason::Stabilized),
    (|own, _| own.one_step(), Reason::LimitedByStep),
    (|own, _| own.cooling_down(), Reason::CoolingDown),
    (|own, _| own.outside_hours(), Reason::OutsideHours),
];

impl Going<'_, '_> {
    /// How far it goes towards `count` now; `count` itself where that does not lie this way.
    fn towards(&self, count: u32, reasons: &mut Vec<Reason>) -> u32 {
        let (way, there) = (self.way, self.there);
        let mut left = way.distance(there, count);
        if left == 0 {
            return count;
        }
        for (rule, reason) in RULES {
            let Some(allowed) = rule(self, left).filter(|allowed| allowed.distance < left) else {
                continue;
            };
            let Allowed { distance, of, rule, until } = allowed;
            let (wanted, limit) = (way.go(there, left), way.go(there, distance));
            let (kind, side) = (self.kind, way.side());
            reasons.push(reason(Eased { kind, side, wanted, limit, of, rule, until }));
            left = distance;
            if left == 0 {
                break;
            }
        }
        way.go(there, left)
    }

    fn nothing(&self, rule: String, until: Option<Timestamp>) -> Option<Allowed> {
        Some(Allowed { distance: 0, of: self.there, rule, until })
    }

    fn within_tolerance(&self, left: u32) -> Option<Allowed> {
        let tolerance = self.rules.tolerance;
        if tolerance.covers(left, self.there) {
            self.nothing(tolerance.to_string(), None)
        } else {
            None
        }
    }

    fn stabilized(&self) -> Option<Allowed> {
        let Entry { at, count } = self.stable?;
        let distance = self.way.distance(self.there, count);
        let until = Some(at.plus(self.rules.window));
        let rule = duration::format(self.rules.window);
        Some(Allowed { distance, of: self.there, rule, until })
    }

    /// A step is counted from what was there when it began: what we did since is taken back.
    fn one_step(&self) -> Option<Allowed> {
        let step = self.rules.step?;
        let (span, now) = (self.rules.step_interval, self.damper.now);
        let (mut start, mut first) = (i64::from(self.there), None);
        for (at, by) in self.changes().filter(|(at, _)| at.is_within(span, now)) {
            start -= i64::from(by);
            if self.leads_on(by) {
                first = Some(first.map_or(at, |first| min(first, at)));
            }
        }
        // Below zero where others have undone some of it: that gives the step nothing back.
        let of = u32::try_from(start.max(0)).unwrap_or(u32::MAX);
        let (there, most) = (i64::from(self.there), i64::from(step.of(of)));
        let left = match self.way {
            Way::Up => start + most - there,
            Way::Down => there - (start - most),
        };
        let distance = u32::try_from(left.max(0)).unwrap_or(u32::MAX);
        let until = (!span.is_zero()).then(|| first.unwrap_or(now).plus(span));
        Some(Allowed { distance, of, rule: step.to_string(), until })
    }

    fn cooling_down(&self) -> Option<Allowed> {
        let (span, now) = (self.rules.cooldown, self.damper.now);
        let of_this_way = self.changes().filter(|(_, by)| self.leads_on(*by));
        let last = of_this_way.map(|(at, _)| at).filter(|at| at.is_within(span, now)).max()?;
        self.nothing(duration::format(span), Some(last.plus(span)))
    }

    fn outside_hours(&self) -> Option<Allowed> {
        let (hours, now) = (self.rules.only_during.as_ref()?, self.damper.now);
        if hours.contains(now) {
            return None;
        }
        self.nothing(hours.to_string(), hours.opens_after(now))
    }

    fn leads_on(&self, by: i32) -> bool {
        (by > 0) == (self.way == Way::Up)
    }

    /// What we changed of this number: when, and by how many machines.
    fn changes(&self) -> impl Iterator<Item = (Timestamp, i32)> {
        let Damper { policy, history, .. } = *self.damper;
        let all = history.changes.get(&self.scope.group).map_or(&[][..], |all| all.as_slice());
        // Machines of regions that are drained are in no number over all regions.
        let is_drained =
            |region: &Region| policy.drain_excluded && policy.excluded_regions.contains(region);
        let is_here = move |region: &Region| match &self.scope.region {
            Some(own) => own == region,
            None => !is_drained(region),
        };
        all.iter()
            .filter(move |own| own.kind == self.kind && is_here(&own.region))
            .map(|own| (own.at, own.by))
    }
}
