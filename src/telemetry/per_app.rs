//! Gauges that belong to one app and are replaced together.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType};

use crate::model::AppName;

use super::names::Name;

/// What many apps come to in one number: their sum, or the least of them.
pub(super) type Total = fn(f64, f64) -> f64;

/// Whether each app has its own series. Shared by all gauges.
#[derive(Debug, Clone, Default)]
pub(super) struct OnlyTotals(Arc<AtomicBool>);

impl OnlyTotals {
    pub(super) fn set(&self, only_totals: bool) {
        self.0.store(only_totals, Ordering::Relaxed);
    }

    fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A gauge whose series are set app by app, all series of an app at once: what an app no longer has
/// disappears, and no scrape falls between removing the old series and setting the new.
#[derive(Clone)]
pub(super) struct PerApp(Arc<Inner>);

struct Inner {
    name: Name,
    desc: Desc,
    total: Total,
    only_totals: OnlyTotals,
    apps: Mutex<BTreeMap<AppName, Vec<Series>>>,
}

/// The values of the labels after `app`, and the number.
type Series = (Box<[Box<str>]>, f64);

impl PerApp {
    /// The gauge `name`, whose first label is the app. With `only_totals` it shows what all apps come to,
    /// under an empty `app`.
    pub(super) fn new(
        name: Name,
        total: Total,
        only_totals: OnlyTotals,
    ) -> Result<Self, prometheus::Error> {
        let labels = name.labels.iter().map(ToString::to_string).collect();
        let desc = Desc::new(name.name.into(), name.help.into(), labels, Default::default())?;
        Ok(Self(Arc::new(Inner { name, desc, total, only_totals, apps: Mutex::default() })))
    }

    /// Replaces all series of `app`. Each has its values for the labels after `app`, in their order.
    pub(super) fn replace<'a, const N: usize>(
        &self,
        app: &AppName,
        series: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) {
        let labels = self.0.name.labels;
        debug_assert_eq!(labels.len(), N + 1, "{}: a value for each label", self.0.name.name);
        let own = |(values, number): ([&str; N], f64)| (values.map(Box::from).into(), number);
        let series = series.into_iter().map(own).collect();
        self.lock().insert(app.clone(), series);
    }

    /// Removes all series of `app`.
    pub(super) fn forget(&self, app: &AppName) {
        self.lock().remove(app);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<AppName, Vec<Series>>> {
        // Each app's entry is replaced whole, so a panic elsewhere leaves nothing half done.
        self.0.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of_each_app(&self) -> Vec<Metric> {
        let apps = self.lock();
        let series = apps.iter().flat_map(|(app, own)| own.iter().map(move |one| (app, one)));
        series.map(|(app, (values, number))| self.metric(app.as_str(), values, *number)).collect()
    }

    fn of_all_apps(&self) -> Vec<Metric> {
        let apps = self.lock();
        let mut totals: BTreeMap<&[Box<str>], f64> = BTreeMap::new();
        for (values, number) in apps.values().flatten() {
            let total = totals.entry(values);
            total.and_modify(|own| *own = (self.0.total)(*own, *number)).or_insert(*number);
        }
        totals.into_iter().map(|(values, number)| self.metric("", values, number)).collect()
    }

    fn metric(&self, app: &str, values: &[Box<str>], number: f64) -> Metric {
        let values = std::iter::once(app).chain(values.iter().map(AsRef::as_ref));
        let pairs = self.0.name.labels.iter().zip(values).map(|(name, value)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).into());
            pair.set_value(value.into());
            pair
        });
        let mut gauge = Gauge::default();
        gauge.set_value(number);
        let mut metric = Metric::from_label(pairs.collect());
        metric.set_gauge(gauge);
        metric
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
        let only_totals = self.0.only_totals.get();
        family.set_metric(if only_totals { self.of_all_apps() } else { self.of_each_app() });
        vec![family]
    }
}
