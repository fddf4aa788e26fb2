//! What a tick came to, region by region: the machines before and after it, and where nothing was done, why.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{GroupRegions, Tick};
use crate::act::{ActionResult, Outcome};
use crate::decide::Verb;
use crate::decide::view::Standing;
use crate::model::{Kind, MachineState, ProcessGroup, Region};

/// How many machines there are in each region.
pub type Counts = BTreeMap<Region, u32>;

/// What a tick came to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Deployment {
    /// How many machines ran in each region before it.
    pub before: Counts,
    /// How many run after it, by what Fly answered. What may have happened is not in it.
    pub after: Counts,
    /// The same of machines that exist, where their number is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<BeforeAndAfter>,
    /// Where machines were created or started.
    pub deployed: Vec<InRegion>,
    /// Where machines were stopped, suspended or destroyed.
    pub removed: Vec<InRegion>,
    /// Where nothing was done.
    pub skipped: Vec<InRegion>,
}

/// Machines before and after a tick.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct BeforeAndAfter {
    /// Before it.
    pub before: Counts,
    /// After it.
    pub after: Counts,
}

/// What was done in a region, or was not, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InRegion {
    /// Where; `None` for what is about all of them.
    pub region: Option<Region>,
    /// Of which process group; `None` for what is about all of them.
    pub group: Option<ProcessGroup>,
    /// Why, in a sentence.
    pub reason: String,
}

impl Deployment {
    /// What `tick` came to.
    #[must_use]
    pub fn of(tick: &Tick) -> Self {
        let Some(plan) = &tick.plan else {
            let reason = tick.error.clone().unwrap_or_else(|| "nothing was decided".to_owned());
            let nowhere = InRegion { region: None, group: None, reason };
            return Self { skipped: vec![nowhere], ..Self::default() };
        };
        let groups: BTreeSet<_> = plan.scopes.iter().map(|own| &own.scope.group).collect();
        let (mut started, mut created) = (BeforeAndAfter::default(), BeforeAndAfter::default());
        for count in &tick.machines {
            let is_one_of_them = count.group.as_ref().is_some_and(|group| groups.contains(group));
            // What is on a host that does not answer is in no number.
            if !is_one_of_them || count.state == "unreachable" {
                continue;
            }
            let standing = Standing::of(&MachineState::parse(&count.state), false);
            for (is_one, counts) in
                [(standing.started, &mut started), (standing.created, &mut created)]
            {
                let number = if is_one { count.count } else { 0 };
                *counts.before.entry(count.region.clone()).or_default() += number;
            }
        }
        (started.after, created.after) = (started.before.clone(), created.before.clone());
        let mut deployment = Self::default();
        for outcome in &tick.outcomes {
            let change = change(outcome);
            let Some(region) = outcome.region().filter(|_| change != (0, 0)) else { continue };
            for (by, counts) in [(change.0, &mut started), (change.1, &mut created)] {
                let count = counts.after.entry(region.clone()).or_default();
                *count = count.saturating_add_signed(by);
                counts.before.entry(region.clone()).or_default();
            }
        }
        for group in tick.regions() {
            if group.group.as_ref().is_some_and(|own| groups.contains(own)) {
                deployment.take(tick, &group);
            }
        }
        let is_asked = |kind| {
            let bounds = |own: &crate::decide::ScopePlan| own.wanted.or(own.targets);
            plan.scopes.iter().filter_map(bounds).any(|own| own.of(kind).is_defined())
        };
        deployment.created = is_asked(Kind::Created).then_some(created);
        (deployment.before, deployment.after) = (started.before, started.after);
        deployment
    }

    /// Takes in what was done in the regions of `group`, and why not more.
    fn take(&mut self, tick: &Tick, group: &GroupRegions) {
        let own = |outcome: &&Outcome| Some(&outcome.scope.group) == group.group.as_ref();
        let outcomes: Vec<&Outcome> = tick.outcomes.iter().filter(own).collect();
        let in_region = |region: &Region, reason: String| InRegion {
            region: Some(region.clone()),
            group: group.group.clone(),
            reason,
        };
        let mut done: BTreeSet<&Region> = BTreeSet::new();
        for outcome in outcomes.iter().filter(|own| own.is_done()) {
            let list = match outcome.action.verb() {
                Verb::Create | Verb::Start => &mut self.deployed,
                Verb::Stop | Verb::Suspend | Verb::Destroy => &mut self.removed,
                Verb::Cordon | Verb::Uncordon => continue,
            };
            let Some(region) = outcome.region() else { continue };
            done.insert(region);
            let entry = in_region(region, outcome.reason.to_string());
            // Two machines of a region that come for one reason are one entry.
            if !list.contains(&entry) {
                list.push(entry);
            }
        }
        for row in &group.rows {
            let Some(region) = row.region.as_ref().filter(|own| !done.contains(own)) else {
                continue;
            };
            let failed = outcomes.iter().find(|own| own.region() == Some(region));
            let why = || row.why.as_ref().or(group.total.why.as_ref()).map(|own| own.text.clone());
            let reason = match failed {
                Some(outcome) => outcome.to_string(),
                None => why().unwrap_or_else(|| "nothing is asked of it".to_owned()),
            };
            let is_kept_back = failed.is_none() && tick.dry_run && !row.actions.is_empty();
            let reason = match (is_kept_back, tick.paused) {
                (true, true) => format!("paused: {}; {reason}", would(&row.actions)),
                (true, false) => format!("dry run: {}; {reason}", would(&row.actions)),
                (false, _) => reason,
            };
            self.skipped.push(in_region(region, reason));
        }
    }
}

/// By how much machines that run and machines that exist have changed.
fn change(outcome: &Outcome) -> (i32, i32) {
    use crate::decide::Action;
    match (&outcome.action, &outcome.result) {
        (Action::Create { start, .. }, ActionResult::Done { .. }) => (i32::from(*start), 1),
        (Action::Start { .. }, ActionResult::Done { .. }) => (1, 0),
        (Action::Stop { .. } | Action::Suspend { .. }, ActionResult::Done { .. }) => (-1, 0),
        (Action::Stop { .. } | Action::Suspend { .. }, ActionResult::Gone) => (-1, -1),
        // Forced is what runs.
        (Action::Destroy { force, .. }, ActionResult::Done { .. } | ActionResult::Gone) => {
            (-i32::from(*force), -1)
        }
        (Action::Start { .. }, ActionResult::Gone) => (0, -1),
        _ => (0, 0),
    }
}

fn would(actions: &BTreeMap<Verb, u32>) -> String {
    let each = actions.iter().map(|(verb, count)| format!("{verb} {count}"));
    format!("would {}", each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
