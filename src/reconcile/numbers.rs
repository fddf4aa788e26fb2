//! From what was collected and observed to what is wanted of each group, and of each of its regions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::collect::{Collected, Inhabited, Memory, Presence, Regions, Variables};
use crate::decide::view::{Seen, View};
use crate::decide::{
    GroupTargets, History, Observed, Reason, RegionTargets, ScaledRegions, Tally, Targets,
    Unlisted, Wanted, scaled_regions,
};
pub use crate::evaluate::Gave;
use crate::evaluate::{EvaluateError, Evaluation, ScopeExpressions};
use crate::model::{
    Catalog, Kind, MachineState, MetricName, ProcessGroup, Region, RegionList, Scope, Side,
    Timestamp, Value, VariableTable,
};
use crate::status::{Evaluated, Tick};

use super::past::{Past, Recalled};
use super::report::Reporter;
use super::{Group, Reconciler};

/// What expressions are evaluated over.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What was measured, or given in its place.
    pub collected: &'a Collected,
    /// The app's machines; none where nobody has asked for them.
    pub observed: Option<&'a Observed>,
    /// What was done to them lately.
    pub history: &'a History,
    /// Fly's regions.
    pub catalog: &'a Catalog,
    /// The regions that expressions may name: see [`named_regions`].
    pub named: &'a [Region],
    /// In which regions there were machines at the start.
    pub memory: &'a Memory,
    /// The time of the tick.
    pub now: Timestamp,
}

/// What the expressions of one process group gave.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupNumbers {
    /// The regions in which it is scaled, and why it is not in others.
    pub scaled: ScaledRegions,
    /// What the expressions over all regions could read.
    pub variables: VariableTable,
    /// What they gave.
    pub app_wide: Gave,
    /// What those of single regions gave, in each that is scaled and has any.
    pub by_region: Vec<(Region, Gave)>,
    /// The scopes that may not be scaled down, in a region or over all of them, each with why.
    pub grow_only: BTreeMap<Option<Region>, Vec<Reason>>,
    /// How each number came about: over all regions, then in each.
    pub evaluated: Vec<Evaluated>,
}

/// The regions that the expressions of `groups` may name: those that a group is told of, and with
/// `regions: auto` all that the program knows.
#[must_use]
pub fn named_regions(groups: &[Group]) -> Vec<Region> {
    let of_group = |group: &Group| {
        let policy = &group.policy;
        let known = (policy.regions == RegionList::Auto).then(|| Catalog::builtin().iter());
        let known = known.into_iter().flatten().map(|(region, _)| region);
        let told = policy.regions.listed().iter().chain(&policy.always_running);
        told.chain(group.per_region.own.keys()).chain(known).cloned().collect::<Vec<_>>()
    };
    let named: BTreeSet<Region> = groups.iter().flat_map(of_group).collect();
    named.into_iter().collect()
}

impl GroupNumbers {
    /// Evaluates the expressions of `group`, for those that look back with the `past`, in which this tick is
    /// recorded: the one way from numbers that were measured to numbers of
    /// machines, for ticks and for `eval`.
    #[must_use]
    pub fn of(group: &Group, facts: &Facts<'_>, past: &mut Past) -> Self {
        let Facts { collected, catalog, now, .. } = *facts;
        let view = facts
            .observed
            .map(|observed| View::of_group(observed, &group.group, facts.history, now));
        let scaled = scaled(group, view.as_ref(), collected, catalog);
        let regions = Regions {
            named: facts.named,
            scaled: &scaled.regions,
            nearest: (group.policy.unlisted == Unlisted::Nearest).then_some(catalog),
            at_start: facts.memory.at_start(&group.group),
            now,
        };
        let variables = collected.variables(&regions);
        let mut past = Recalled::of(group, collected, &regions, past);
        let mut grow_only = BTreeMap::new();
        let tables = tables(group, view.as_ref(), &variables, &mut past);
        let mut in_regions = Vec::new();
        let by_region = tables.into_iter().map(|(region, expressions, table)| {
            let (gave, each) = expressions.evaluate(&table, now);
            in_regions.extend(told(group, Some(&region), each));
            grow_only.insert(Some(region.clone()), scale_down_held(expressions, &table));
            (region, gave)
        });
        let by_region = by_region.collect();
        let mut variables = variables.into_app_wide();
        if let Some(view) = &view {
            add_machines(&mut variables, view.tally());
        }
        past.recall(&mut variables, None, &group.expressions);
        let (app_wide, each) = group.expressions.evaluate(&variables, now);
        let evaluated = told(group, None, each).chain(in_regions).collect();
        grow_only.insert(None, scale_down_held(&group.expressions, &variables));
        grow_only.retain(|_, why| !why.is_empty());
        Self { scaled, variables, app_wide, by_region, grow_only, evaluated }
    }

    fn into_targets(mut self, group: &Group) -> GroupTargets {
        let mut wanted = |region: Option<&Region>, gave: Gave| {
            let why = self.grow_only.remove(&region.cloned()).unwrap_or_default();
            match gave {
                Err(errors) => Wanted::Hold(reasons_of(errors)),
                Ok(bounds) if why.is_empty() => Wanted::Bounds(bounds),
                Ok(bounds) => Wanted::GrowOnly(bounds, why),
            }
        };
        let app_wide = wanted(None, self.app_wide);
        let by_region = self.by_region.into_iter().map(|(region, gave)| {
            let wanted = wanted(Some(&region), gave);
            RegionTargets { region, wanted }
        });
        GroupTargets {
            group: group.group.clone(),
            policy: Arc::clone(&group.policy),
            regions: self.scaled.regions,
            closed: self.scaled.closed,
            app_wide,
            by_region: by_region.collect(),
            regional: group.per_region.kinds(),
            skipped: self.scaled.skipped,
        }
    }
}

impl Reconciler {
    /// Evaluates the expressions of every group over what was collected and observed, and puts down in
    /// `tick` how they came to what they gave.
    pub(super) fn evaluate(
        &mut self,
        tick: &mut Tick,
        collected: &Collected,
        observed: &Observed,
        history: &History,
    ) -> Targets {
        let now = tick.at;
        let catalog = self.catalog();
        let facts = Facts {
            collected,
            observed: Some(observed),
            history,
            catalog: &catalog,
            named: &self.named,
            memory: &self.memory,
            now,
        };
        let mut groups = Vec::with_capacity(self.groups.len());
        tick.evaluated.clear();
        for group in self.groups.iter() {
            let mut numbers = GroupNumbers::of(group, &facts, &mut self.past);
            tick.evaluated.append(&mut numbers.evaluated);
            tell_failures(&self.reporter, &group.group, &numbers);
            groups.push(numbers.into_targets(group));
        }
        self.past.prune(now);
        Targets { groups }
    }

    /// The regions in which each group has machines, and whether these may have served until now.
    pub(super) fn inhabited(
        &self,
        observed: &Observed,
        history: &History,
        now: Timestamp,
    ) -> BTreeMap<ProcessGroup, Inhabited> {
        let groups = self.groups.iter().map(|group| {
            let view = View::of_group(observed, &group.group, history, now);
            (group.group.clone(), presence(&view))
        });
        groups.collect()
    }
}

/// What the expressions of `group` gave, in `region` or over all of them.
fn told(
    group: &Group,
    region: Option<&Region>,
    each: Vec<Evaluation>,
) -> impl Iterator<Item = Evaluated> {
    let scope = Scope { group: group.group.clone(), region: region.cloned() };
    each.into_iter().map(move |one| Evaluated {
        scope: scope.clone(),
        kind: one.kind,
        side: one.side,
        expression: one.expression,
        values: one.read.into_iter().collect(),
        gave: one.gave,
        count: one.count.as_ref().ok().copied(),
        error: one.count.err().map(|error| error.to_string()),
    })
}

fn tell_failures(reporter: &Reporter, group: &ProcessGroup, numbers: &GroupNumbers) {
    let by_region = numbers.by_region.iter().map(|(region, gave)| (Some(region), gave));
    for (region, gave) in by_region.chain([(None, &numbers.app_wide)]) {
        if let Err(errors) = gave {
            let scope = Scope { group: group.clone(), region: region.cloned() };
            reporter.evaluate_failed(&scope, errors);
        }
    }
}

/// The expressions for single regions and what they can read, in each region for which there are any.
fn tables<'g>(
    group: &'g Group,
    view: Option<&View<'_>>,
    variables: &Variables,
    past: &mut Recalled<'_>,
) -> Vec<(Region, &'g ScopeExpressions, VariableTable)> {
    if group.per_region.is_empty() {
        return Vec::new();
    }
    let has_any = |own: &ScopeExpressions| {
        [Kind::Created, Kind::Started].into_iter().any(|kind| own.has(kind))
    };
    let regions = past.regions();
    let own = |region: &Region| {
        let expressions = group.per_region.of(region);
        if !has_any(expressions) {
            return None;
        }
        let mut table = variables.of_region(region);
        if let Some(view) = view {
            add_machines(&mut table, view.of_regions(|own| own == region).tally());
        }
        past.recall(&mut table, Some(region), expressions);
        Some((region.clone(), expressions, table))
    };
    regions.iter().filter_map(own).collect()
}

/// Why nothing may be scaled down by `expressions`: each variable that they read and that has a last value.
fn scale_down_held(expressions: &ScopeExpressions, table: &VariableTable) -> Vec<Reason> {
    let held = |name: &Arc<str>| {
        let own = table.grow_only(name)?;
        Some(Reason::ScaleDownHeld {
            metric: MetricName::new(name),
            since: own.since,
            until: own.until,
            message: own.why.to_string(),
        })
    };
    expressions.reads().iter().filter_map(held).collect()
}

/// The regions in which `group` is scaled. Why not in others is said only where someone has asked for more
/// than a list of where new machines go.
fn scaled(
    group: &Group,
    view: Option<&View<'_>>,
    collected: &Collected,
    catalog: &Catalog,
) -> ScaledRegions {
    let policy = &group.policy;
    let says_why = policy.regions == RegionList::Auto
        || !policy.excluded_regions.is_empty()
        || !group.per_region.is_empty();
    if says_why {
        let reads: BTreeSet<Arc<str>> =
            group.expressions.reads().into_iter().chain(group.per_region.reads()).collect();
        let busy = collected.busy(|metric| is_read(metric, &reads));
        let inhabited = view.map(regions_of).unwrap_or_default();
        return scaled_regions(policy, &busy, &inhabited, catalog);
    }
    if policy.regions.listed().is_empty() {
        return ScaledRegions::default();
    }
    let nothing = BTreeSet::new();
    let scaled = scaled_regions(policy, &nothing, &nothing, catalog);
    ScaledRegions { skipped: Vec::new(), ..scaled }
}

/// Whether `metric` itself or its value in some region is among what is read. Another name that begins like
/// it is taken for such a value: then a region too many is looked at, never one too few.
fn is_read(metric: &MetricName, reads: &BTreeSet<Arc<str>>) -> bool {
    reads.iter().any(|name| {
        let rest = name.strip_prefix(metric.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    })
}

fn regions_of(view: &View<'_>) -> BTreeSet<Region> {
    let listed = view.machines.iter().map(|seen| &seen.machine.region);
    listed.chain(view.unlisted.iter().map(|(region, _)| *region)).cloned().collect()
}

fn presence(view: &View<'_>) -> Inhabited {
    let listed = view.machines.iter().map(|seen| (&seen.machine.region, may_serve(seen)));
    let unlisted = view.unlisted.iter().map(|(region, launched)| (*region, *launched));
    let mut inhabited = Inhabited::new();
    for (region, may_serve) in listed.chain(unlisted) {
        let presence = if may_serve { Presence::MayServe } else { Presence::AtRest };
        let known = inhabited.entry(region.clone()).or_insert(presence);
        *known = presence.max(*known);
    }
    inhabited
}

/// Whether the machine runs, or did until a moment ago, or is in a state that we do not know.
fn may_serve(seen: &Seen<'_>) -> bool {
    let is_unknown = matches!(seen.state, MachineState::Other(_));
    seen.standing.started || seen.standing.is_stopping || is_unknown
}

/// Adds the observed machine counts, unless a metric has that name.
fn add_machines(table: &mut VariableTable, tally: Tally) {
    for (name, count) in [
        ("created_machines", tally.created),
        ("started_machines", tally.started),
        ("stopped_machines", tally.stopped),
    ] {
        if table.get(name).is_none() {
            table.set(name, Value::Number(f64::from(count)));
        }
    }
}

/// Why a scope has no numbers: each failed metric once, and each expression that failed by itself.
fn reasons_of(errors: Vec<(Kind, Side, EvaluateError)>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = Vec::new();
    for (kind, side, error) in errors {
        let reason = match error {
            EvaluateError::Metric { name, message } => Reason::MetricFailed {
                metric: MetricName::new(&name),
                message: message.to_string(),
            },
            EvaluateError::History { call, message } => {
                Reason::NoHistory { call: call.to_string(), message: message.to_string() }
            }
            error => Reason::ExpressionFailed { kind, side, message: error.to_string() },
        };
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

#[cfg(test)]
mod tests;
