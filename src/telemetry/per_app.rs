//! Gauges that belong to one app and are replaced together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::model::AppName;

use super::names::Name;

/// A gauge whose series are set app by app, all series of an app at once: what an app no longer has
/// disappears, and no scrape falls between removing the old series and setting the new.
#[derive(Clone)]
pub(super) struct PerApp(Arc<Inner>);

struct Inner {
    name: Name,
    desc: Desc,
    apps: Mutex<BTreeMap<AppName, Vec<Metric>>>,
}

impl PerApp {
    /// The gauge `name`, whose first label is the app.
    pub(super) fn new(name: Name) -> Result<Self, prometheus::Error> {
        let labels = name.labels.iter().map(ToString::to_string).collect();
        let desc = Desc::new(name.name.into(), name.help.into(), labels, Default::default())?;
        Ok(Self(Arc::new(Inner { name, desc, apps: Mutex::default() })))
    }

    /// Replaces all series of `app`. Each has its values for the labels after `app`, in their order.
    pub(super) fn replace<'a, const N: usize>(
        &self,
        app: &AppName,
        series: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        let labels = self.0.name.labels;
        debug_assert_eq!(labels.len(), N + 1, "{}: a value for each label", self.0.name.name);
        let series = series
            .into_iter()
            .map(|(values, number)| {
                let values = std::iter::once(app.as_str()).chain(values);
                metric(labels.iter().copied().zip(values), number)
            })
            .collect();
        self.lock().insert(app.clone(), series);
    }

    /// Removes all series of `app`.
    pub(super) fn forget(&self, app: &AppName) {
        self.lock().remove(app);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<AppName, Vec<Metric>>> {
        // Each app's entry is replaced whole, so a panic elsewhere leaves nothing half done.
        self.0.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for PerApp {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.0.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.0.name.name.into());
        family.set_help(self.0.name.help.into());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(self.lock().values().flatten().cloned().collect());
        vec![family]
    }
}

fn metric<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>, number: f64) -> Metric {
    let pairs = labels
        .map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name(name.into());
            pair.set_value(value.into());
            pair
        })
        .collect();
    let mut gauge = Gauge::default();
    gauge.set_value(number);
    let mut metric = Metric::from_label(pairs);
    metric.set_gauge(gauge);
    metric
}
