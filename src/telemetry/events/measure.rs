//! From a source to a number: samples and expressions.

use std::error::Error;

use tracing::{debug, info, warn};

use crate::model::{AppName, Kind, MetricName, ProcessGroup, Scope, Side};
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

/// What apps have in common that lack a sample of `metric`.
fn trouble(metric: &MetricName) -> String {
    format!("metric {metric}")
}

/// What the machines of a group have to do could not be asked for when one was to leave.
#[derive(Debug, Clone, Copy)]
pub struct StopMetricFailed<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which group.
    pub group: &'a ProcessGroup,
    /// What went wrong.
    pub error: &'a dyn Error,
}

impl StopMetricFailed<'_> {
    /// Logs it. It keeps nothing from being done, so that nothing is counted.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, group, error } = *self;
        if metrics.crowds.join(STOP_METRIC, app) {
            warn!(%app, %group, error = %Chain(error), next = "machines leave by id until it works", "stop-metric began to fail");
        } else {
            debug!(%app, %group, error = %Chain(error), "stop-metric began to fail");
        }
    }
}

/// It could be asked for again.
#[derive(Debug, Clone, Copy)]
pub struct StopMetricRecovered<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which group.
    pub group: &'a ProcessGroup,
}

impl StopMetricRecovered<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, group } = *self;
        if metrics.crowds.leave(STOP_METRIC, app) {
            info!(%app, %group, "stop-metric works again");
        } else {
            debug!(%app, %group, "stop-metric works again");
        }
    }
}

/// What apps have in common whose `stop-metric` fails.
const STOP_METRIC: &str = "stop-metric";

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
