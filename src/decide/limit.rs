//! The limits around the numbers that expressions give.

use std::cmp::{max, min};

use crate::model::{Bounds, Kind, Scope, ScopeBounds, Side};

use super::history::History;
use super::plan::Tally;
use super::reason::Reason;
use super::targets::{Limits, Policy};

/// A destroy of more machines than this, and of more than half, is large.
const LARGE_DESTROY: u32 = 3;
/// In how many ticks in a row a large destroy must be wished for.
const WISHES_NEEDED: u32 = 3;

/// Applies the limits to what the expressions over all regions want, and says which of them changed
/// something.
///
/// An app-wide created target is at least 1: from no machine there is no way back up. Then come
/// `min-machines` and `max-machines`, on each target that is defined. Machines on hosts that do not
/// answer count towards `max-machines`, but only against growth: a host's trouble is no reason to
/// shrink what works.
#[must_use]
pub fn limit_targets(
    wanted: ScopeBounds,
    policy: &Policy,
    tally: Tally,
) -> (ScopeBounds, Vec<Reason>) {
    let ceiling = |kind, side| match side {
        Side::Max => policy.max_machines,
        Side::Min => {
            let room = policy.max_machines.saturating_sub(tally.unreachable);
            min(policy.max_machines, max(tally.of(kind), room))
        }
    };
    let (targets, mut reasons) = limited(wanted, 1, policy.min_machines, ceiling);
    if wanted.created.max == Some(0) {
        reasons.push(Reason::KeepsLastMachine);
    }
    (targets, reasons)
}

/// Applies the limits of a region to what its expressions want.
#[must_use]
pub fn limit_region(wanted: ScopeBounds, limits: Limits) -> (ScopeBounds, Vec<Reason>) {
    limited(wanted, 0, limits.min_machines, |_, _| limits.max_machines)
}

fn limited(
    wanted: ScopeBounds,
    least_created: u32,
    floor: u32,
    ceiling: impl Fn(Kind, Side) -> u32,
) -> (ScopeBounds, Vec<Reason>) {
    let mut reasons = Vec::new();
    let mut of = |kind: Kind| {
        let bounds = wanted.of(kind);
        let mut side = |side: Side, wanted: Option<u32>| {
            let wanted = wanted?;
            let least = if kind == Kind::Created { least_created } else { 0 };
            let mut count = max(wanted, least);
            if count < floor {
                count = floor;
                reasons.push(Reason::LimitedByMinMachines { kind, side, wanted, limit: count });
            }
            let ceiling = ceiling(kind, side);
            if count > ceiling {
                count = ceiling;
                reasons.push(Reason::LimitedByMaxMachines { kind, side, wanted, limit: count });
            }
            Some(count)
        };
        Bounds { min: side(Side::Min, bounds.min), max: side(Side::Max, bounds.max) }
    };
    let targets = ScopeBounds { created: of(Kind::Created), started: of(Kind::Started) };
    (targets, reasons)
}

/// Holds a large destroy until it was wished for in three ticks in a row. Counts this wish in `next`.
#[must_use]
pub fn brake(
    scope: &Scope,
    destroys: u32,
    of: u32,
    policy: &Policy,
    history: &History,
    next: &mut History,
) -> Option<Reason> {
    if !is_large(destroys, of) || !policy.destroy_brake {
        next.large_destroy_wishes.remove(scope);
        return None;
    }
    let before = history.large_destroy_wishes.get(scope).copied().unwrap_or(0);
    let wish = min(before.saturating_add(1), WISHES_NEEDED);
    next.large_destroy_wishes.insert(scope.clone(), wish);
    (wish < WISHES_NEEDED).then_some(Reason::DestroyBrake {
        destroys,
        of,
        wish,
        needed: WISHES_NEEDED,
    })
}

/// Whether so many destroys of so many machines are more than a normal day brings.
fn is_large(destroys: u32, of: u32) -> bool {
    destroys > LARGE_DESTROY && u64::from(destroys) * 2 > u64::from(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(text: &str) -> Bounds {
        let number = |text: &str| text.parse().ok();
        match text.split_once("..") {
            Some((min, max)) => Bounds { min: number(min), max: number(max) },
            None => number(text).map_or_else(Bounds::default, Bounds::exactly),
        }
    }

    #[test]
    fn a_wish_between_two_ticks_counts_as_the_one_before() {
        // Ticks (d: due, b: between two, s: with a small wish) -> whether the last is held, and with which wish.
        for (ticks, held) in [
            ("dd", Some(2)),
            ("ddd", None),
            ("dddd", None),
            ("bbbbbb", Some(1)),
            ("dbbb", Some(1)),
            ("ddbbb", Some(2)),
            ("ddbbbd", None),
            ("dddb", None),
            ("bdd", None),
            ("ddsd", Some(1)),
            ("ddbsb", Some(1)),
        ] {
            let scope = Scope { group: crate::model::ProcessGroup::new("app"), region: None };
            let policy = Policy { destroy_brake: true, ..Policy::default() };
            let mut history = History::default();
            let mut last = None;
            for tick in ticks.chars() {
                if tick == 'b' {
                    history.repeat_wishes();
                }
                let mut next = history.clone();
                let destroys = if tick == 's' { 1 } else { 9 };
                last = brake(&scope, destroys, 10, &policy, &history, &mut next);
                history = next;
            }
            let wish = last.map(|reason| match reason {
                Reason::DestroyBrake { wish, .. } => wish,
                other => panic!("{other:?}"),
            });
            assert_eq!(wish, held, "{ticks}");
        }
    }

    #[test]
    fn limits_are_applied_last_and_say_so() {
        let policy =
            |min_machines, max_machines| Policy { min_machines, max_machines, ..Policy::default() };
        type Row<'a> = (&'a str, &'a str, Policy, [u32; 3], &'a str, &'a str, &'a [&'a str]);
        // created, started, policy, [created, started, unreachable] -> created, started, codes
        let table: [Row<'_>; 9] = [
            ("-", "5", policy(0, 10), [5, 5, 0], "-", "5", &[]),
            (
                "-",
                "50",
                policy(0, 10),
                [5, 5, 0],
                "-",
                "10",
                &["limited_by_max_machines", "limited_by_max_machines"],
            ),
            (
                "-",
                "0",
                policy(2, 10),
                [5, 5, 0],
                "-",
                "2",
                &["limited_by_min_machines", "limited_by_min_machines"],
            ),
            ("0", "-", policy(0, 10), [5, 5, 0], "1", "-", &["keeps_last_machine"]),
            ("0..3", "0..3", policy(0, 10), [5, 5, 0], "1..3", "0..3", &[]),
            ("1..50", "-", policy(0, 10), [5, 5, 0], "1..10", "-", &["limited_by_max_machines"]),
            // Two of ten are out of sight: growth ends at eight ...
            ("10", "-", policy(0, 10), [5, 5, 2], "8..10", "-", &["limited_by_max_machines"]),
            // ... but what works is not shrunk because of them.
            ("10", "-", policy(0, 10), [10, 5, 2], "10", "-", &[]),
            ("..0", "..0", policy(0, 10), [4, 4, 0], "..1", "..0", &["keeps_last_machine"]),
        ];
        for (created, started, policy, [c, s, unreachable], want_c, want_s, codes) in table {
            let wanted = ScopeBounds { created: bounds(created), started: bounds(started) };
            let tally = Tally { created: c, started: s, unreachable, ..Tally::default() };
            let (got, reasons) = limit_targets(wanted, &policy, tally);
            let row = format!("{created} {started} {policy:?} {tally:?}");
            assert_eq!(got.created, bounds(want_c), "{row}");
            assert_eq!(got.started, bounds(want_s), "{row}");
            assert_eq!(reasons.iter().map(Reason::code).collect::<Vec<_>>(), codes, "{row}");
        }
    }
}
