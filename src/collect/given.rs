//! Values that are given in place of what would be measured.

use std::collections::{BTreeMap, BTreeSet};

use super::taken::{Numbers, Taken};
use super::{Collected, Sampled};
use crate::model::{MetricName, OnFailure, Region, Sample};

/// Variables with a value each, such as those of `eval --var`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    /// Those of metrics that are `by: region`.
    by_region: BTreeMap<MetricName, OfRegions>,
    /// All others: metrics, and numbers of machines.
    plain: BTreeMap<MetricName, f64>,
}

/// What is given of one metric that is `by: region`.
#[derive(Debug, Clone, Default, PartialEq)]
struct OfRegions {
    sum: Option<f64>,
    values: BTreeMap<Region, f64>,
}

impl Given {
    /// `values` by the names of variables, the last of several of one name. `by_region` are the metrics that
    /// have a value for each of the `named` regions: where all of these are given, so is their sum.
    #[must_use]
    pub fn new(values: &[(String, f64)], by_region: &[MetricName], named: &[Region]) -> Self {
        let mut plain: BTreeMap<MetricName, f64> =
            values.iter().map(|(name, value)| (MetricName::new(name), *value)).collect();
        let mut of_metric = |metric: &MetricName| {
            let mut own = OfRegions { sum: plain.remove(metric), values: BTreeMap::new() };
            for region in named {
                let variable = MetricName::new(format!("{metric}_{region}"));
                own.values.extend(plain.remove(&variable).map(|value| (region.clone(), value)));
            }
            if own.values.len() == named.len() && !named.is_empty() {
                own.sum = own.sum.or_else(|| Some(own.values.values().sum()));
            }
            (metric.clone(), own)
        };
        let by_region = by_region.iter().map(&mut of_metric).collect();
        Self { by_region, plain }
    }

    /// Whether `metric` need not be measured.
    #[must_use]
    pub fn stands_for(&self, metric: &MetricName) -> bool {
        let sum = self.by_region.get(metric).and_then(|own| own.sum);
        sum.is_some() || self.plain.contains_key(metric)
    }
}

impl Collected {
    /// The same, with what is `given` in its place. A region that is given does not change a sum that was
    /// measured.
    #[must_use]
    pub fn with(mut self, given: &Given) -> Self {
        let measured: BTreeSet<MetricName> =
            self.samples.iter().map(|sampled| sampled.metric.clone()).collect();
        for sampled in &mut self.samples {
            if let Some(own) = given.by_region.get(&sampled.metric) {
                sampled.taken.given.clone_from(&own.values);
            }
        }
        for (metric, own) in &given.by_region {
            let Some(sum) = own.sum.filter(|_| !measured.contains(metric)) else { continue };
            let values = own.values.iter().map(|(region, value)| (region.clone(), Ok(*value)));
            let sample = Sample::ByRegion { values: values.collect(), at: None };
            self.put(metric, sample, Numbers::SumAlone(sum), own.values.clone());
        }
        for (name, value) in &given.plain {
            let sample = Sample::Plain { value: *value, at: None };
            self.put(name, sample, Numbers::Plain(Ok((*value).into())), BTreeMap::new());
        }
        self
    }

    fn put(
        &mut self,
        metric: &MetricName,
        sample: Sample,
        numbers: Numbers,
        given: BTreeMap<Region, f64>,
    ) {
        let (on_failure, failures) = (OnFailure::Hold, Vec::new());
        let taken = Taken { numbers, on_failure, given, failures };
        let (metric, outcome) = (metric.clone(), Ok(sample));
        let (is_empty_meant, is_given) = (false, true);
        self.samples.push(Sampled { metric, outcome, is_empty_meant, is_given, taken });
    }
}
