//! Models that are fitted to series.

use std::time::Duration;

use tracing::debug;

use crate::forecast::{Fit, Unfit};
use crate::model::{AppName, MetricName, Region};
use crate::telemetry::metrics::Metrics;

/// A model was fitted to a series, or could not be.
#[derive(Debug, Clone, Copy)]
pub struct SeriesFitted<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// Which metric.
    pub metric: &'a MetricName,
    /// In which region; `None` for the app as a whole.
    pub region: Option<&'a Region>,
    /// What came of it.
    pub fit: Result<&'a Fit, &'a Unfit>,
    /// How long it took.
    pub took: Duration,
}

impl SeriesFitted<'_> {
    /// Measures it, and logs it at `debug`: that no model fits is nobody's fault, and the plan says so where it
    /// matters.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric, region, fit, took } = *self;
        let result = fit.map_or("none", |fit| fit.model().as_str());
        let durations = &metrics.forecasts.fit_duration;
        durations.with_label_values(&[result]).observe(took.as_secs_f64());
        let region = region.map(tracing::field::display);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match fit {
            Ok(fit) => {
                debug!(%app, %metric, region, model = %fit.model(), points = fit.cells(), seasons = ?fit.seasons(), ms, "model fitted");
            }
            Err(why) => debug!(%app, %metric, region, %why, ms, "no model fitted"),
        }
    }
}
