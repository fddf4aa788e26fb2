//! From what was collected and observed to what is wanted of each group, and of each of its regions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::collect::{Collected, Regions, Variables};
use crate::decide::view::View;
use crate::decide::{
    GroupTargets, History, Observed, Reason, RegionTargets, ScaledRegions, Tally, Targets,
    Unlisted, Wanted, scaled_regions,
};
use crate::evaluate::{EvaluateError, ScopeExpressions};
use crate::model::{
    Catalog, Kind, MetricName, ProcessGroup, Region, RegionList, Scope, Side, Timestamp, Value,
    VariableTable,
};

use super::{Group, Reconciler};

impl Reconciler {
    /// Evaluates the expressions of every group over what was collected and observed.
    pub(super) fn evaluate(
        &self,
        collected: &Collected,
        observed: &Observed,
        history: &History,
        now: Timestamp,
    ) -> Targets {
        let catalog = self.catalog();
        let groups = self.groups.iter().map(|group| {
            let view = View::of_group(observed, &group.group, history, now);
            self.targets_of(group, &view, collected, &catalog, now)
        });
        Targets { groups: groups.collect() }
    }

    fn targets_of(
        &self,
        group: &Group,
        view: &View<'_>,
        collected: &Collected,
        catalog: &Catalog,
        now: Timestamp,
    ) -> GroupTargets {
        let ScaledRegions { regions, closed, skipped } = scaled(group, view, collected, catalog);
        let variables = collected.variables(&Regions {
            named: &self.named,
            scaled: &regions,
            nearest: (group.policy.unlisted == Unlisted::Nearest).then_some(catalog),
            at_start: self.regions.at_start(&group.group),
            now,
        });
        let by_region = self.by_region(group, &regions, view, &variables, now);
        let mut table = variables.into_app_wide();
        add_machines(&mut table, view.tally());
        let scope = || Scope::app_wide(group.group.clone());
        GroupTargets {
            group: group.group.clone(),
            policy: Arc::clone(&group.policy),
            regions,
            closed,
            app_wide: self.wanted(&group.expressions, &table, scope, now),
            by_region,
            regional: group.per_region.kinds(),
            skipped,
        }
    }

    /// What the expressions for single regions give, in each region for which there are any.
    fn by_region(
        &self,
        group: &Group,
        regions: &[Region],
        view: &View<'_>,
        variables: &Variables,
        now: Timestamp,
    ) -> Vec<RegionTargets> {
        let own = |region: &Region| {
            let expressions = group.per_region.of(region);
            if !expressions.has(Kind::Created) && !expressions.has(Kind::Started) {
                return None;
            }
            let mut table = variables.of_region(region);
            add_machines(&mut table, view.of_regions(|own| own == region).tally());
            let scope = || Scope { group: group.group.clone(), region: Some(region.clone()) };
            let wanted = self.wanted(expressions, &table, scope, now);
            Some(RegionTargets { region: region.clone(), wanted })
        };
        if group.per_region.is_empty() {
            return Vec::new();
        }
        regions.iter().filter_map(own).collect()
    }

    fn wanted(
        &self,
        expressions: &ScopeExpressions,
        table: &VariableTable,
        scope: impl Fn() -> Scope,
        now: Timestamp,
    ) -> Wanted {
        match expressions.evaluate(table, now) {
            Ok(bounds) => Wanted::Bounds(bounds),
            Err(errors) => {
                self.reporter.evaluate_failed(&scope(), &errors);
                Wanted::Hold(reasons_of(errors))
            }
        }
    }

    /// The regions in which each group has machines.
    pub(super) fn inhabited(
        &self,
        observed: &Observed,
        history: &History,
        now: Timestamp,
    ) -> BTreeMap<ProcessGroup, BTreeSet<Region>> {
        let groups = self.groups.iter().map(|group| {
            let view = View::of_group(observed, &group.group, history, now);
            (group.group.clone(), regions_of(&view))
        });
        groups.collect()
    }
}

/// The regions in which `group` is scaled. Why not in others is said only where someone has asked for more
/// than a list of where new machines go.
fn scaled(
    group: &Group,
    view: &View<'_>,
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
        return scaled_regions(policy, &busy, &regions_of(view), catalog);
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
