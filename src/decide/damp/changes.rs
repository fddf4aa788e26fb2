//! What we changed: what steps are counted from and cooldowns begin with.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, ProcessGroup, Region, Timestamp};

use super::super::history::History;
use super::super::plan::Action;

/// That a number of machines changed, by our doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub region: Region,
    /// Which number.
    pub kind: Kind,
    /// By how many machines: more, or fewer where it is negative. Never 0.
    pub by: i32,
}

/// More changes of one group are not kept apart: the oldest are added up. A tick makes a few at most, and
/// each is kept for as long as a rule looks back.
const MOST: usize = 1000;

impl Change {
    fn is_like(&self, other: &Self) -> bool {
        (&self.region, self.kind, self.by > 0) == (&other.region, other.kind, other.by > 0)
    }
}

impl History {
    /// Notes what `action`, carried out at `at` in `region` or perhaps so, changes in the numbers of `group`.
    pub fn note_change(
        &mut self,
        at: Timestamp,
        group: &ProcessGroup,
        region: &Region,
        action: &Action,
    ) {
        let changes: &[(Kind, i32)] = match action {
            Action::Create { start: true, .. } => &[(Kind::Created, 1), (Kind::Started, 1)],
            Action::Create { start: false, .. } => &[(Kind::Created, 1)],
            Action::Start { .. } => &[(Kind::Started, 1)],
            Action::Stop { .. } | Action::Suspend { .. } => &[(Kind::Started, -1)],
            // A cordoned machine still runs.
            Action::Cordon { .. } | Action::Uncordon { .. } => &[],
            // By force goes only what runs.
            Action::Destroy { force: true, .. } => &[(Kind::Created, -1), (Kind::Started, -1)],
            Action::Destroy { force: false, .. } => &[(Kind::Created, -1)],
        };
        let all = Arc::make_mut(self.changes.entry(group.clone()).or_default());
        for &(kind, by) in changes {
            add(all, Change { at, region: region.clone(), kind, by });
        }
    }

    /// Forgets the changes of `group` that are older than `memory`.
    pub(in crate::decide) fn forget_changes(
        &mut self,
        group: &ProcessGroup,
        memory: Duration,
        now: Timestamp,
    ) {
        let Some(all) = self.changes.get_mut(group) else { return };
        let is_kept = |change: &Change| change.at.is_within(memory, now);
        if !all.iter().any(is_kept) {
            self.changes.remove(group);
        } else if !all.iter().all(is_kept) {
            Arc::make_mut(all).retain(is_kept);
        }
    }
}

fn add(all: &mut Vec<Change>, change: Change) {
    // Those of one tick are one.
    let same = all.iter_mut().rev().take_while(|own| own.at == change.at);
    if let Some(same) = same.into_iter().find(|own| own.is_like(&change)) {
        same.by = same.by.saturating_add(change.by);
        return;
    }
    all.push(change);
    if all.len() <= MOST {
        return;
    }
    // Counted later than it was, a change only makes what follows it wait longer.
    let oldest = all.remove(0);
    match all.iter_mut().find(|own| own.is_like(&oldest)) {
        Some(next) => next.by = next.by.saturating_add(oldest.by),
        None => all.insert(0, oldest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn stop(machine: &str) -> Action {
        Action::Stop { machine: crate::model::MachineId::new(machine), region: Region::new("lhr") }
    }

    #[test]
    fn changes_are_bounded_in_number_and_none_is_lost() {
        let (group, lhr) = (ProcessGroup::new("app"), Region::new("lhr"));
        let mut history = History::new("s1");
        for tick in 0..5000 {
            history.note_change(at(tick), &group, &lhr, &stop("m1"));
            history.note_change(at(tick), &group, &lhr, &stop("m2"));
        }
        let all = &history.changes[&group];
        assert_eq!(all.len(), MOST);
        assert_eq!(all.iter().map(|change| change.by).sum::<i32>(), -10_000);
        assert!(all.is_sorted_by_key(|change| change.at));
        history.forget_changes(&group, Duration::from_secs(100), at(5000));
        assert_eq!(history.changes[&group].len(), 99);
        history.forget_changes(&group, Duration::ZERO, at(5000));
        assert!(history.changes.is_empty());
    }
}
