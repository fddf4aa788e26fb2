//! What works against the configuration.

use tracing::{debug, warn};

use crate::decide::Advice;
use crate::model::AppName;
use crate::telemetry::metrics::Metrics;

/// Something was seen at an app's machines that works against its configuration.
#[derive(Debug, Clone, Copy)]
pub struct Advised<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// What, and what to do.
    pub advice: &'a Advice,
}

impl Advised<'_> {
    /// Logs it; where it is so of many apps, for the first few only.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, advice } = *self;
        let code = advice.code();
        if metrics.crowds.join(code, app) {
            warn!(%app, code, %advice, "something works against the configuration");
        } else {
            debug!(%app, code, %advice, "something works against the configuration");
        }
    }
}
