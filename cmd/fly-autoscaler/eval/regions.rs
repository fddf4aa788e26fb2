//! The regions of a process group: which there are, and what their expressions read and give.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fly_autoscaler::config::{CollectorConfig, Config, GroupConfig};
use fly_autoscaler::decide::view::View;
use fly_autoscaler::decide::{Tally, scaled_regions};
use fly_autoscaler::model::{
    Catalog, MetricName, Region, RegionList, Timestamp, Value, VariableTable,
};

use super::{Gave, unset, with_machines};

/// The variable that holds the region's code.
const REGION: &str = "region";

/// The metrics that have a value for each region.
pub(super) fn metrics(config: &Config) -> Vec<&MetricName> {
    let is_by_region =
        |own: &CollectorConfig| own.prometheus().is_some_and(|own| own.by.has_region());
    config.collectors.iter().filter(|own| is_by_region(own)).map(|own| &own.metric).collect()
}

/// The variable that holds the value of `metric` in `region`.
fn variable(metric: &MetricName, region: &Region) -> String {
    format!("{metric}_{region}")
}

/// The variables of all regions that expressions can name.
pub(super) fn variables(config: &Config) -> Vec<String> {
    let regions = config.listed_regions();
    let of_metric = |metric| regions.iter().map(move |region| variable(metric, region));
    metrics(config).into_iter().flat_map(of_metric).collect()
}

/// The sums of the metrics that --var gives for each region, so that nobody has to be asked.
pub(super) fn sums_of_given(config: &Config, given: &[(String, f64)]) -> BTreeMap<MetricName, f64> {
    let regions = config.listed_regions();
    let value = |metric: &MetricName, region| {
        let name = variable(metric, region);
        given.iter().rev().find(|(own, _)| *own == name).map(|(_, value)| *value)
    };
    let sum = |metric: &MetricName| {
        let values: Option<Vec<f64>> = regions.iter().map(|own| value(metric, own)).collect();
        let values = values.filter(|values| !values.is_empty())?;
        Some((metric.clone(), values.iter().sum()))
    };
    metrics(config).into_iter().filter_map(sum).collect()
}

/// What the expressions of the listed regions read: for a metric that has a value for each region, that of
/// the region.
pub(super) fn reads(group: &GroupConfig, metrics: &[&MetricName]) -> BTreeSet<Arc<str>> {
    let mut all = BTreeSet::new();
    for region in group.policy.regions.listed() {
        for name in group.per_region.of(region).reads() {
            match metrics.iter().find(|metric| metric.as_str() == &*name) {
                Some(metric) => all.insert(Arc::from(variable(metric, region))),
                None if &*name == REGION => false,
                None => all.insert(name),
            };
        }
    }
    all
}

/// Whether the machines say which regions there are.
pub(super) fn depend_on_machines(config: &Config) -> bool {
    let depends = |group: &GroupConfig| {
        group.policy.regions == RegionList::Auto && !group.per_region.is_empty()
    };
    config.groups.iter().any(depends)
}

/// What the expressions give in each region that is scaled; nothing where there are none for regions.
pub(super) fn evaluate(
    group: &GroupConfig,
    common: &VariableTable,
    metrics: &[&MetricName],
    view: Option<&View<'_>>,
    now: Timestamp,
) -> Vec<(Region, Gave)> {
    if group.per_region.is_empty() {
        return Vec::new();
    }
    let is_busy = |region: &Region| {
        let value = |metric: &&MetricName| common.get(&variable(metric, region));
        metrics.iter().filter_map(value).any(|own| own != Ok(&Value::Number(0.0)))
    };
    let catalog = Catalog::builtin();
    let busy = catalog.iter().map(|(region, _)| region).filter(|own| is_busy(own)).cloned();
    let inhabited = view.into_iter().flat_map(|view| &view.machines);
    let inhabited = inhabited.map(|seen| seen.machine.region.clone()).collect();
    let scaled = scaled_regions(&group.policy, &busy.collect(), &inhabited, catalog);
    let gave = |region: Region| {
        let table = in_region(common, &region, metrics);
        let machines = view.map(|view| unset(common, tally_in(view, &region)));
        let table = with_machines(&table, &machines.unwrap_or_default());
        let gave = group.per_region.of(&region).evaluate(&table, now);
        (region, gave)
    };
    scaled.regions.into_iter().map(gave).collect()
}

/// The same variables as a region's expressions see them: a metric is that of the region, and the region
/// has a name.
fn in_region(table: &VariableTable, region: &Region, metrics: &[&MetricName]) -> VariableTable {
    let mut own = table.clone();
    for metric in metrics {
        match table.get(&variable(metric, region)) {
            Some(Ok(value)) => own.set(metric.as_str(), value.clone()),
            Some(Err(why)) => own.fail(metric.as_str(), why),
            None => own.fail(metric.as_str(), "nothing has set it for this region"),
        }
    }
    if own.get(REGION).is_none() {
        own.set(REGION, Value::Text(Arc::from(region.as_str())));
    }
    own
}

/// How many machines of the group there are in `region`.
fn tally_in(view: &View<'_>, region: &Region) -> Tally {
    let mut tally = Tally::default();
    for seen in view.machines.iter().filter(|seen| seen.machine.region == *region) {
        tally.created += u32::from(seen.standing.created);
        tally.started += u32::from(seen.standing.started);
        tally.stopped += u32::from(seen.standing.may_start);
    }
    tally
}
