//! What the expressions of single regions read, and what their numbers depend on.

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_autoscaler::config::{CollectorConfig, Config, GroupConfig};
use fly_autoscaler::decide::Unlisted;
use fly_autoscaler::model::{MetricName, Region, RegionList};
use fly_autoscaler::reconcile::Group;

/// The variable that holds the region's code.
const REGION: &str = "region";

/// The metrics that have a value for each region.
pub(super) fn metrics(config: &Config) -> Vec<MetricName> {
    let is_by_region =
        |own: &&CollectorConfig| own.prometheus().is_some_and(|own| own.by.has_region());
    config.collectors.iter().filter(is_by_region).map(|own| own.metric.clone()).collect()
}

/// The variable that holds the value of `metric` in `region`.
fn variable(metric: &MetricName, region: &Region) -> String {
    format!("{metric}_{region}")
}

/// The variables of all `regions` that expressions can name.
pub(super) fn variables(metrics: &[MetricName], regions: &[Region]) -> Vec<String> {
    let of_metric = |metric| regions.iter().map(move |region| variable(metric, region));
    metrics.iter().flat_map(of_metric).collect()
}

/// What the expressions of the listed regions read: for a metric that has a value for each region, that of
/// the region.
pub(super) fn reads(group: &Group, metrics: &[MetricName]) -> BTreeSet<Arc<str>> {
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

/// Whether the machines say which regions there are, and that changes a number.
pub(super) fn depend_on_machines(group: &Group) -> bool {
    let is_seen = !group.per_region.is_empty() || group.policy.unlisted == Unlisted::Nearest;
    group.policy.regions == RegionList::Auto && is_seen
}

/// Whether a number depends on which regions Fly has, and where.
pub(super) fn depend_on_flys(group: &GroupConfig) -> bool {
    !group.per_region.is_empty() || group.policy.unlisted == Unlisted::Nearest
}
