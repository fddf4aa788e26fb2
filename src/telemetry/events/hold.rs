//! What keeps a scope from being scaled, and what no longer does.

use tracing::{debug, info, warn};

use crate::decide::Reason;
use crate::model::{AppName, Scope};
use crate::telemetry::metrics::Metrics;

use super::tick::Listed;

/// The code of the hold that the metric's own lines announce: both would say the same.
const METRIC_FAILED: &str = "metric_failed";

/// Something begins to keep scopes from being scaled.
#[derive(Debug, Clone, Copy)]
pub struct HoldBegan<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// Which scopes, each with why: the same code, in words that may differ.
    pub scopes: &'a [(&'a Scope, &'a Reason)],
    /// The code.
    pub reason: &'static str,
}

impl HoldBegan<'_> {
    /// Logs it in one line, however many regions there are; at `debug` where [`super::CollectFailed`] has
    /// said it. [`super::TickEnded`] counts, in each tick that it lasts.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, scopes, reason } = *self;
        let scope = Listed(|| scopes.iter().map(|(scope, _)| scope));
        let texts: Vec<String> = scopes.iter().map(|(_, own)| own.to_string()).collect();
        let is_first = |place: &usize| !texts[..*place].contains(&texts[*place]);
        let text = Listed(|| (0..texts.len()).filter(is_first).map(|place| &texts[place]));
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
    /// Which scopes.
    pub scopes: &'a [&'a Scope],
    /// The code of what kept them.
    pub reason: &'static str,
    /// Whether it keeps no other scope of the app either.
    pub is_last: bool,
}

impl HoldEnded<'_> {
    /// Logs it, at `debug` where [`super::CollectRecovered`] has said it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, scopes, reason, is_last } = *self;
        let scope = Listed(|| scopes.iter());
        let is_named = if is_last {
            metrics.crowds.leave(reason, app)
        } else {
            metrics.crowds.is_named(reason)
        };
        if reason != METRIC_FAILED && is_named {
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
