//! What keeps a scope from being scaled, and what no longer does.

use tracing::{debug, info, warn};

use crate::decide::Reason;
use crate::model::{AppName, Scope};
use crate::telemetry::metrics::Metrics;

/// The code of the hold that the metric's own lines announce: both would say the same.
const METRIC_FAILED: &str = "metric_failed";

/// Something begins to keep a scope from being scaled.
#[derive(Debug, Clone, Copy)]
pub struct HoldBegan<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// Which scope.
    pub scope: &'a Scope,
    /// Why.
    pub reason: &'a Reason,
}

impl HoldBegan<'_> {
    /// Logs it, at `debug` where [`super::CollectFailed`] has said it. [`super::TickEnded`] counts, in each
    /// tick that it lasts.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, scope, reason: text } = *self;
        let reason = text.code();
        if reason != METRIC_FAILED && metrics.crowds.join(reason, app) {
            info!(%app, %scope, reason, %text, "hold began");
        } else {
            debug!(%app, %scope, reason, %text, "hold began");
        }
    }
}

/// It no longer does.
#[derive(Debug, Clone, Copy)]
pub struct HoldEnded<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// Which scope.
    pub scope: &'a Scope,
    /// The code of what kept it.
    pub reason: &'static str,
}

impl HoldEnded<'_> {
    /// Logs it, at `debug` where [`super::CollectRecovered`] has said it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, scope, reason } = *self;
        if reason != METRIC_FAILED && metrics.crowds.leave(reason, app) {
            info!(%app, %scope, reason, "hold ended");
        } else {
            debug!(%app, %scope, reason, "hold ended");
        }
    }
}

/// A deploy is taken as abandoned, and scaling goes on beside it.
#[derive(Debug, Clone, Copy)]
pub struct ReleaseTakenAsAbandoned<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// Which release, and since when.
    pub reason: &'a Reason,
}

impl ReleaseTakenAsAbandoned<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        warn!(app = %self.app, text = %self.reason, next = "scaling goes on", "release guard let go");
    }
}
