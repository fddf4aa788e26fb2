//! What was forecast, and how good that was, on `/metrics`.

use std::time::Duration;

use prometheus::HistogramVec;

use crate::forecast::{Forecast, Score};
use crate::model::{AppName, MetricName, ProcessGroup, Region, duration};

use super::metrics::Metrics;
use super::per_app::PerApp;

/// The metrics of forecasts.
pub(super) struct Forecasts {
    pub(super) value: PerApp,
    pub(super) skill: PerApp,
    pub(super) error: PerApp,
    pub(super) fit_duration: HistogramVec,
}

impl Forecasts {
    pub(super) fn forget(&self, app: &AppName) {
        for gauge in [&self.value, &self.skill, &self.error] {
            gauge.forget(app);
        }
    }
}

/// One call of `forecast()` in one scope.
#[derive(Debug, Clone, Copy)]
pub struct Forecasted<'a> {
    /// The process group whose expression calls it.
    pub group: &'a ProcessGroup,
    /// The metric.
    pub metric: &'a MetricName,
    /// The region; `None` for the app as a whole.
    pub region: Option<&'a Region>,
    /// How far ahead.
    pub horizon: Duration,
    /// What it said.
    pub forecast: &'a Forecast,
    /// What the model over this horizon was worth so far.
    pub score: &'a Score,
}

impl Metrics {
    /// Replaces what is shown of the forecasts of `app`. Skill and errors are shown once there are
    /// [enough](crate::forecast::ENOUGH) comparisons.
    pub fn set_forecasts(&self, app: &AppName, forecasts: &[Forecasted<'_>]) {
        let (mut values, mut skills, mut errors) = (Vec::new(), Vec::new(), Vec::new());
        let horizons: Vec<String> =
            forecasts.iter().map(|own| duration::format(own.horizon)).collect();
        for (own, horizon) in forecasts.iter().zip(&horizons) {
            let Forecasted { group, metric, region, forecast, score, .. } = *own;
            let region = region.map_or("", Region::as_str);
            let (group, metric) = (group.as_str(), metric.as_str());
            let model = forecast.model.as_str();
            values.push(([group, metric, region, horizon, model], forecast.value));
            let Some(worth) = score.errors() else { continue };
            skills.push(([group, metric, region, horizon], worth.skill()));
            for (error, size) in [
                ("mae", worth.mae),
                ("rmse", worth.rmse),
                ("naive_mae", worth.naive_mae),
                ("naive_rmse", worth.naive_rmse),
            ] {
                errors.push(([group, metric, region, horizon, error], size));
            }
        }
        self.forecasts.value.replace(app, values);
        self.forecasts.skill.replace(app, skills);
        self.forecasts.error.replace(app, errors);
    }
}
