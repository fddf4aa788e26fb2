//! A tick region by region: what was measured in each, what is there, what is wanted, what is done and why.
//!
//! Nothing here is kept: it is derived from the samples, the machines and the plan of the tick.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::decide::{PlannedAction, Reason, ScopePlan, Verb, Weight};
use crate::model::{Bounds, Kind, MetricName, ProcessGroup, Region, ScopeBounds};

use super::{SampleStatus, Tick};

/// How many regions of a group are shown. Fly has some twenty; more come from labels that are no regions,
/// of which there may be thousands.
const SHOWN: usize = 64;

/// One process group, region by region.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GroupRegions {
    /// The process group; `None` for machines that have none.
    pub group: Option<ProcessGroup>,
    /// The regions that the plan is about, in its order, then the others by code: those with machines of
    /// the group, or with a sample that is not 0.
    pub rows: Vec<RegionRow>,
    /// How many more regions there are.
    pub more: usize,
    /// All regions together, whether shown or not.
    pub total: RegionRow,
}

/// One region of a process group, or all of them together.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct RegionRow {
    /// The region; `None` for all of them.
    pub region: Option<Region>,
    /// What collectors that are `by: region` measured there; `None`: the sample failed. A metric without a
    /// series for the region is not in it.
    pub samples: BTreeMap<MetricName, Option<f64>>,
    /// The group's machines there, by state.
    pub machines: BTreeMap<String, u32>,
    /// What the expressions gave; `None` where they could not be evaluated, or where nothing is asked of
    /// this region by itself.
    pub wanted: Option<ScopeBounds>,
    /// The same after all limits. Of all regions together: the app-wide bounds, or where there are none,
    /// what the regions come to.
    pub targets: Option<ScopeBounds>,
    /// How many machines would be created there, started, and so on.
    pub actions: BTreeMap<Verb, u32>,
    /// Whether something is kept from being done, or cannot be judged.
    pub held: bool,
    /// Whether the region is not scaled; the reason says why.
    pub skipped: bool,
    /// The reason that decided.
    pub why: Option<RowReason>,
    /// All reasons.
    pub reasons: Vec<RowReason>,
}

/// A reason as data, with its sentence.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowReason {
    /// Which.
    #[serde(flatten)]
    pub reason: Reason,
    /// The sentence.
    pub text: String,
    /// Whether it is about all regions together, while it stands beside one of them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_total: bool,
}

impl RowReason {
    fn new(reason: &Reason, of_total: bool) -> Self {
        Self { reason: reason.clone(), text: reason.to_string(), of_total }
    }
}

/// The sentence; what is about all regions says that it is about the total.
impl fmt::Display for RowReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.of_total { "total: " } else { "" })?;
        f.write_str(&self.text)
    }
}

impl Tick {
    /// The tick region by region: the groups of the plan in its order, then the others that have machines.
    #[must_use]
    pub fn regions(&self) -> Vec<GroupRegions> {
        let mut groups: Vec<Option<&ProcessGroup>> = Vec::new();
        let planned = self.plan.iter().flat_map(|plan| &plan.scopes);
        let planned: Vec<Option<&ProcessGroup>> =
            planned.map(|own| Some(&own.scope.group)).collect();
        let there: BTreeSet<_> = self.machines.iter().map(|count| count.group.as_ref()).collect();
        for group in planned.into_iter().chain(there) {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        groups.into_iter().map(|group| self.regions_of(group)).collect()
    }

    fn regions_of(&self, group: Option<&ProcessGroup>) -> GroupRegions {
        let scopes = self.plan.iter().flat_map(|plan| &plan.scopes);
        let scopes: Vec<&ScopePlan> =
            scopes.filter(|own| Some(&own.scope.group) == group).collect();
        let app_wide = scopes.iter().copied().find(|own| own.scope.region.is_none());
        let mut order: Vec<&Region> =
            scopes.iter().filter_map(|own| own.scope.region.as_ref()).collect();
        let by_region: BTreeMap<&Region, &ScopePlan> =
            scopes.iter().filter_map(|own| Some((own.scope.region.as_ref()?, *own))).collect();
        let machines = self.machines_of(group);

        let mut others: BTreeSet<&Region> = machines.keys().copied().collect();
        if !scopes.is_empty() {
            others.extend(self.samples.iter().flat_map(SampleStatus::regions_that_matter));
        }
        others
            .extend(app_wide.iter().flat_map(|own| &own.actions).filter_map(|a| a.action.region()));
        order.extend(others.into_iter().filter(|region| !by_region.contains_key(region)));

        let row = |region: &Region| {
            let mut row = RegionRow { region: Some(region.clone()), ..RegionRow::default() };
            if group.is_some() {
                row.samples = self.samples_in(region);
            }
            row.machines = machines.get(region).cloned().unwrap_or_default();
            row.take(region, by_region.get(region).copied(), app_wide);
            row
        };
        let rows: Vec<RegionRow> = order.into_iter().map(row).collect();
        let total = self.total(&scopes, app_wide, &rows);
        let more = rows.len().saturating_sub(SHOWN);
        GroupRegions { group: group.cloned(), rows: bounded(rows), more, total }
    }

    fn machines_of(
        &self,
        group: Option<&ProcessGroup>,
    ) -> BTreeMap<&Region, BTreeMap<String, u32>> {
        let mut machines: BTreeMap<&Region, BTreeMap<String, u32>> = BTreeMap::new();
        for count in self.machines.iter().filter(|count| count.group.as_ref() == group) {
            let states = machines.entry(&count.region).or_default();
            *states.entry(count.state.clone()).or_default() += count.count;
        }
        machines
    }

    fn samples_in(&self, region: &Region) -> BTreeMap<MetricName, Option<f64>> {
        let samples = self.samples.iter().filter(|own| own.by_region);
        samples.filter_map(|own| Some((own.metric.clone(), own.in_region(region)?))).collect()
    }

    fn total(
        &self,
        scopes: &[&ScopePlan],
        app_wide: Option<&ScopePlan>,
        rows: &[RegionRow],
    ) -> RegionRow {
        let mut total = RegionRow::default();
        if !scopes.is_empty() {
            let samples = self.samples.iter().filter(|own| own.by_region);
            total.samples = samples.map(|own| (own.metric.clone(), own.value)).collect();
        }
        for (state, count) in rows.iter().flat_map(|row| &row.machines) {
            *total.machines.entry(state.clone()).or_default() += count;
        }
        if let Some(app_wide) = app_wide {
            total.take_scope(app_wide, &app_wide.actions.iter().collect::<Vec<_>>());
        }
        total.actions.clear();
        for scope in scopes {
            total.count(&scope.actions.iter().collect::<Vec<_>>());
            total.held |= scope.is_held();
        }
        let regions: Vec<&ScopePlan> =
            scopes.iter().copied().filter(|own| own.scope.region.is_some()).collect();
        if !regions.is_empty() {
            let asks_nothing =
                |own: &RowReason| matches!(own.reason, Reason::NoTarget | Reason::ByRegion);
            total.why = total.why.filter(|reason| !asks_nothing(reason));
            total.wanted = filled(total.wanted, &regions, |own| own.wanted);
            total.targets = filled(total.targets, &regions, |own| own.targets);
        }
        total
    }
}

impl RegionRow {
    /// Takes in what was decided for the region itself, and what happens there for all of them.
    fn take(&mut self, region: &Region, own: Option<&ScopePlan>, app_wide: Option<&ScopePlan>) {
        if let Some(scope) = own {
            self.take_scope(scope, &scope.actions.iter().collect::<Vec<_>>());
            self.skipped = scope.wanted.is_none()
                && scope.targets.is_none()
                && scope.actions.is_empty()
                && !self.held;
        }
        let Some(app_wide) = app_wide else { return };
        let here = app_wide.actions.iter().filter(|own| own.action.region() == Some(region));
        let here: Vec<&PlannedAction> = here.collect();
        self.count(&here);
        for planned in &here {
            let reason = RowReason::new(&planned.reason, true);
            if !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
        if !here.is_empty() && self.why.is_none() {
            self.why = deciding(&app_wide.reasons, &here).map(|own| RowReason::new(own, true));
        }
    }

    fn take_scope(&mut self, scope: &ScopePlan, actions: &[&PlannedAction]) {
        self.wanted = scope.wanted;
        self.targets = scope.targets;
        self.held = scope.is_held();
        self.reasons = scope.reasons.iter().map(|own| RowReason::new(own, false)).collect();
        self.why = deciding(&scope.reasons, actions).map(|own| RowReason::new(own, false));
        self.count(actions);
    }

    fn count(&mut self, actions: &[&PlannedAction]) {
        for planned in actions {
            *self.actions.entry(planned.action.verb()).or_default() += 1;
        }
    }
}

impl SampleStatus {
    /// What was measured in `region`: nothing, a failure, or a number.
    fn in_region(&self, region: &Region) -> Option<Option<f64>> {
        if let Some(value) = self.regions.get(region) {
            return Some(Some(*value));
        }
        if self.failed_regions.contains_key(region) {
            return Some(None);
        }
        // A sample that failed as a whole failed in each region, and what stands for it stands there too.
        let is_whole = self.regions.is_empty() && self.failed_regions.is_empty();
        (is_whole && self.error.is_some()).then_some(self.value)
    }

    /// Those that have a number other than 0, or should have one.
    fn regions_that_matter(&self) -> impl Iterator<Item = &Region> {
        let busy = self.regions.iter().filter(|(_, value)| **value != 0.0);
        busy.map(|(region, _)| region).chain(self.failed_regions.keys())
    }
}

/// The reason to name where there is room for one.
fn deciding<'a>(reasons: &'a [Reason], actions: &[&'a PlannedAction]) -> Option<&'a Reason> {
    let of = |weight| move |own: &&Reason| own.weight() == weight;
    let is_unmet = |own: &Reason| matches!(own, Reason::BelowMin { .. } | Reason::AboveMax { .. });
    let runs = |own: &Reason| matches!(own, Reason::WithinBounds { kind: Kind::Started, .. });
    let mut causes: Vec<&Reason> = reasons.iter().filter(of(Weight::Cause)).collect();
    // What is not as wanted says more than what is; of the latter, how many run says most.
    causes.sort_by_key(|own| (!is_unmet(own), !runs(own)));
    let cause = causes.first().copied();
    if let Some(first) = actions.first() {
        // What an action adds to its scope's reasons is a detail of it, such as a stop before a destroy.
        return if reasons.contains(&first.reason) {
            Some(&first.reason)
        } else {
            cause.or(Some(&first.reason))
        };
    }
    // What should be done and is not has a limit, the last of those that were met.
    let limit = cause.filter(|own| is_unmet(own));
    let limit = limit.and_then(|_| reasons.iter().rev().find(of(Weight::Limit)));
    // Nor is it what was asked for, where a rule of damping made it so.
    let limit = limit.or_else(|| reasons.iter().rev().find(|own| own.eased().is_some()));
    reasons.iter().find(of(Weight::Hold)).or(limit).or(cause).or(reasons.first())
}

/// Bounds over all regions, each kind that has none filled with what the regions come to; `None` where
/// one of them is not known.
fn filled(
    app_wide: Option<ScopeBounds>,
    regions: &[&ScopePlan],
    of: impl Fn(&ScopePlan) -> Option<ScopeBounds>,
) -> Option<ScopeBounds> {
    let app_wide = app_wide?;
    if app_wide.created.is_defined() && app_wide.started.is_defined() {
        return Some(app_wide);
    }
    let mut all = Vec::new();
    for region in regions {
        match of(region) {
            Some(bounds) => all.push(bounds),
            None if region.is_held() => return None,
            None => {}
        }
    }
    let fill = |kind| {
        let own = app_wide.of(kind);
        if own.is_defined() { own } else { sum(all.iter().map(|bounds| bounds.of(kind))) }
    };
    Some(ScopeBounds { created: fill(Kind::Created), started: fill(Kind::Started) })
}

fn sum(bounds: impl Iterator<Item = Bounds>) -> Bounds {
    let defined: Vec<Bounds> = bounds.filter(|own| own.is_defined()).collect();
    let has_min = defined.iter().any(|own| own.min.is_some());
    let least: u32 = defined.iter().filter_map(|own| own.min).sum();
    // Without an upper end anywhere there is none over all.
    let most: Option<u32> = defined.iter().map(|own| own.max).sum();
    Bounds { min: has_min.then_some(least), max: most.filter(|_| !defined.is_empty()) }
}

/// The first rows in order, before all others those in which there is something.
fn bounded(rows: Vec<RegionRow>) -> Vec<RegionRow> {
    let matters = |row: &RegionRow| {
        !row.machines.is_empty() || !row.actions.is_empty() || row.targets.is_some() || row.held
    };
    let mut room = SHOWN.saturating_sub(rows.iter().filter(|row| matters(row)).count());
    let mut kept = rows;
    kept.retain(|row| {
        let fits = matters(row) || room > 0;
        if !matters(row) {
            room = room.saturating_sub(1);
        }
        fits
    });
    kept.truncate(SHOWN);
    kept
}

#[cfg(test)]
mod tests;
