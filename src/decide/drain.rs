//! Taking the machines of excluded regions away, as others stand in for them.

use std::cmp::min;

use crate::model::Kind;

use super::group::Deciding;
use super::history::History;
use super::part::{Part, Role, count};
use super::reason::Reason;
use super::select::{self, Keep};

/// Plans what goes in the excluded regions. Where a created number is set anywhere in the group, the
/// machines are destroyed, those that run after they were stopped; otherwise they are stopped.
///
/// One machine may go for each that is not needed: as many stay as machines in other regions have yet to
/// start. Where `max-machines` leaves those no room, one goes at a time. What is wanted elsewhere has to be
/// known.
pub(super) fn drain<'a>(
    deciding: &Deciding<'_, 'a>,
    parts: &mut [Part<'_, 'a>],
    keep: &mut Keep<'_>,
    next: &mut History,
) {
    let Some(first) = parts.iter().position(|part| part.role == Role::Draining) else { return };
    let (others, drained) = parts.split_at_mut(first);
    if others.iter().any(|part| part.bounds.is_none() || part.is_grow_only) {
        for part in drained.iter_mut().filter(|part| part.plan.reasons.is_empty()) {
            part.plan.reasons.push(Reason::DrainWaits { lacking: None });
        }
        return;
    }
    let is_asked = |kind| others.iter().any(|part| part.acts_on(kind));
    let destroys = is_asked(Kind::Created);
    let (mut running, mut existing) = (
        Quota::new(Kind::Started, is_asked(Kind::Started), deciding, others, drained),
        Quota::new(Kind::Created, destroys, deciding, others, drained),
    );
    let (policy, leaving) = (&deciding.targets.policy, &deciding.leaving);
    for part in drained.iter_mut().filter(|part| !part.is_blocked) {
        part.plan.reasons.push(Reason::Draining);
        let there = part.view.tally();
        if destroys {
            let may_go = existing.take(there.created);
            let mut chosen = select::to_destroy(&part.view, may_go, policy, leaving, keep);
            // Before those are left that wait for others: of these it is said once, and why.
            part.plan.reasons.extend(chosen.why_not_more(may_go));
            let cannot_go = may_go.saturating_sub(count(chosen.len()));
            let may_stop = running.take(count(chosen.running()));
            chosen.leave_running(may_stop);
            let lacking = there.created.saturating_sub(count(chosen.len()) + cannot_go);
            part.plan_destroys(chosen, policy, &Reason::Draining, next);
            explain(part, lacking);
        } else {
            let mut stops = leaving.to_stop(&part.view, next);
            stops.truncate(running.take(count(stops.len())) as usize);
            let lacking = there.started.saturating_sub(count(stops.len()));
            part.plan_exits(stops, policy, &Reason::Draining);
            explain(part, lacking);
        }
    }
}

fn explain(part: &mut Part<'_, '_>, lacking: u32) {
    if lacking > 0 {
        part.plan.reasons.push(Reason::DrainWaits { lacking: Some(lacking) });
    }
}

/// How many machines of excluded regions must stay, and how many may go whatever must stay.
struct Quota {
    must_stay: u32,
    may_go_anyway: u32,
}

impl Quota {
    fn new(
        kind: Kind,
        is_asked: bool,
        deciding: &Deciding<'_, '_>,
        others: &[Part<'_, '_>],
        drained: &[Part<'_, '_>],
    ) -> Self {
        if !is_asked {
            return Self { must_stay: 0, may_go_anyway: 0 };
        }
        let lacking = others.iter().map(|part| lacking(part, kind)).sum();
        // At the ceiling one has to go before another can come; the next one waits until it is gone.
        let is_going = drained
            .iter()
            .any(|part| part.view.machines.iter().any(|seen| seen.standing.is_stopping));
        let is_full = deciding.room(kind) == 0 && !is_going;
        Self { must_stay: lacking, may_go_anyway: u32::from(is_full) }
    }

    /// How many of `there` may go. What stays here need not stay elsewhere.
    fn take(&mut self, there: u32) -> u32 {
        let stays = min(there, self.must_stay);
        let anyway = min(stays, self.may_go_anyway);
        self.may_go_anyway -= anyway;
        self.must_stay -= stays;
        there - stays + anyway
    }
}

/// How many machines `part` has yet to get, as far as they really run, or exist and are at rest.
fn lacking(part: &Part<'_, '_>, kind: Kind) -> u32 {
    let Some(least) = part.bounds.and_then(|own| own.of(kind).min) else { return 0 };
    let is_ready = part.view.machines.iter().filter(|seen| match kind {
        Kind::Started => seen.standing.may_stop,
        Kind::Created => seen.standing.may_stop || seen.standing.may_start,
    });
    least.saturating_sub(count(is_ready.count()))
}
