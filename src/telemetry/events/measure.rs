//! From a source to a number: samples and expressions.

use std::error::Error;

use tracing::{debug, info, warn};

use crate::model::{AppName, Kind, MetricName, Scope, Side};
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// A sample could not be taken.
#[derive(Debug, Clone, Copy)]
pub struct CollectFailed<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which metric.
    pub metric: &'a MetricName,
    /// What went wrong.
    pub error: &'a dyn Error,
    /// Whether it could be taken before: then it is news.
    pub began: bool,
}

impl CollectFailed<'_> {
    /// Counts it, and logs it at `warn` when it is news.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_collect_error(self.metric);
        let Self { app, metric, error, began } = *self;
        if began && metrics.crowds.join(&trouble(metric), app) {
            warn!(%app, %metric, error = %Chain(error), next = "what reads it is held, unless on-failure says otherwise; asked again in the next tick", "metric began to fail");
        } else {
            debug!(%app, %metric, error = %Chain(error), "metric still fails");
        }
    }
}

/// A sample could be taken again.
#[derive(Debug, Clone, Copy)]
pub struct CollectRecovered<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which metric.
    pub metric: &'a MetricName,
}

impl CollectRecovered<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric } = *self;
        if metrics.crowds.leave(&trouble(metric), app) {
            info!(%app, %metric, "metric works again");
        } else {
            debug!(%app, %metric, "metric works again");
        }
    }
}

/// The past of a metric could not be read at start.
#[derive(Debug, Clone, Copy)]
pub struct PastUnread<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which metric.
    pub metric: &'a MetricName,
    /// What went wrong.
    pub why: &'a str,
}

impl PastUnread<'_> {
    /// Logs it: each question is asked once.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric, why } = *self;
        if metrics.crowds.join(&format!("past of metric {metric}"), app) {
            warn!(%app, %metric, error = %why, next = "functions that look back wait until enough has been measured", "the past of the metric cannot be read");
        } else {
            debug!(%app, %metric, error = %why, "the past of the metric cannot be read");
        }
    }
}

/// What apps have in common that lack a sample of `metric`.
fn trouble(metric: &MetricName) -> String {
    format!("metric {metric}")
}

/// An expression gave no usable result. The hold that follows is the news; this is the detail.
#[derive(Debug, Clone, Copy)]
pub struct EvaluateFailed<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// For which scope.
    pub scope: &'a Scope,
    /// Of which number.
    pub kind: Kind,
    /// Of which end.
    pub side: Side,
    /// The label: one of a closed set.
    pub reason: &'static str,
    /// What went wrong.
    pub error: &'a dyn Error,
}

impl EvaluateFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_evaluate_error(self.reason);
        debug!(
            app = %self.app, scope = %self.scope, kind = %self.kind, bound = %self.side,
            reason = self.reason, error = %Chain(self.error), "expression failed"
        );
    }
}
