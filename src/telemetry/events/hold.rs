//! What keeps a scope from being scaled, and what no longer does.

use std::time::Duration;

use tracing::{debug, info, warn};

use crate::decide::Reason;
use crate::model::{AppName, Scope};
use crate::telemetry::metrics::Metrics;

use super::tick::Listed;

/// The codes of the holds that the metric's own lines announce: both would say the same.
const OF_METRICS: [&str; 2] = ["metric_failed", "scale_down_held"];

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
        if !OF_METRICS.contains(&reason) && metrics.crowds.join(reason, app) {
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
    /// How long, at most.
    pub held_for: Duration,
    /// Whether it keeps no other scope of the app either.
    pub is_last: bool,
}

impl HoldEnded<'_> {
    /// Logs it, at `debug` where [`super::CollectRecovered`] has said it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, scopes, reason, held_for, is_last } = *self;
        let held_seconds = held_for.as_secs_f64();
        let scope = Listed(|| scopes.iter());
        let is_named = if is_last {
            metrics.crowds.leave(reason, app)
        } else {
            metrics.crowds.is_named(reason)
        };
        if !OF_METRICS.contains(&reason) && is_named {
            info!(%app, %scope, reason, held_seconds, "hold ended");
        } else {
            debug!(%app, %scope, reason, held_seconds, "hold ended");
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
