//! From a source to a number: samples and expressions.

use std::error::Error;
use std::time::Duration;

use tracing::{debug, info, warn};

use crate::model::{AppName, Instead, Kind, MetricName, ProcessGroup, Scope, Side, Timestamp};
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
    /// Since when.
    pub since: Timestamp,
    /// What is read in its place.
    pub instead: &'a Instead,
    /// Whether it could be taken before: then it is news.
    pub began: bool,
}

impl CollectFailed<'_> {
    /// Counts it, and logs it at `warn` when it is news.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_collect_error(self.metric);
        let Self { app, metric, error, since, instead, began } = *self;
        let then = match instead {
            Instead::Nothing | Instead::Nil | Instead::Number { .. } => "",
            Instead::Last { .. } => "; then what reads it is held",
            Instead::RanOut { .. } | Instead::NeverMeasured => ": what reads it is held",
        };
        let next = format!("{instead}{then}; asked again in the next tick");
        if began && metrics.crowds.join(&trouble(metric), app) {
            warn!(%app, %metric, error = %Chain(error), %since, next, "metric began to fail");
        } else {
            debug!(%app, %metric, error = %Chain(error), %since, next, "metric still fails");
        }
    }
}

/// The last good value that stood for a sample is too old by now.
#[derive(Debug, Clone, Copy)]
pub struct LastValueRanOut<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Of which metric.
    pub metric: &'a MetricName,
    /// Since when it could not be taken.
    pub since: Timestamp,
}

impl LastValueRanOut<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric, since } = *self;
        let next = "what reads it is held; asked again in the next tick";
        if metrics.crowds.join(&ran_out(metric), app) {
            warn!(%app, %metric, %since, next, "the last value of a failing metric has run out");
        } else {
            debug!(%app, %metric, %since, next, "the last value of a failing metric has run out");
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
    /// How long it could not.
    pub failed_for: Duration,
    /// Whether a last value had run out meanwhile.
    pub had_run_out: bool,
}

impl CollectRecovered<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric, failed_for, had_run_out } = *self;
        if had_run_out {
            metrics.crowds.leave(&ran_out(metric), app);
        }
        let failed_seconds = failed_for.as_secs_f64();
        if metrics.crowds.leave(&trouble(metric), app) {
            info!(%app, %metric, failed_seconds, "metric works again");
        } else {
            debug!(%app, %metric, failed_seconds, "metric works again");
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

/// A metric that failed is no longer measured: the configuration has changed.
#[derive(Debug, Clone, Copy)]
pub struct CollectEnded<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Which metric.
    pub metric: &'a MetricName,
}

impl CollectEnded<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, metric } = *self;
        metrics.crowds.leave(&ran_out(metric), app);
        metrics.crowds.leave(&trouble(metric), app);
        debug!(%app, %metric, "a metric that failed is no longer measured");
    }
}

/// What apps have in common that lack a sample of `metric`.
fn trouble(metric: &MetricName) -> String {
    format!("metric {metric}")
}

/// What apps have in common for which the last value of `metric` has run out.
fn ran_out(metric: &MetricName) -> String {
    format!("last value of {metric}")
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
