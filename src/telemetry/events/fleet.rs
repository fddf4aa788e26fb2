//! What happens to a fleet: its apps come and go, and the lists that serve it fail.

use std::any::Any;
use std::error::Error;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::tick::Listed;
use crate::model::{AppName, TickOutcome};
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// Apps were found, or are gone.
#[derive(Debug, Clone, Copy)]
pub struct AppsChanged<'a> {
    /// The pattern that they match.
    pub pattern: &'a str,
    /// How many match now.
    pub count: usize,
    /// Those that are new.
    pub added: &'a [AppName],
    /// Those that are no longer there.
    pub removed: &'a [AppName],
}

impl AppsChanged<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let (added, removed) = (Listed(|| self.added.iter()), Listed(|| self.removed.iter()));
        info!(
            pattern = self.pattern, count = self.count, %added, %removed,
            "the apps that match have changed"
        );
    }
}

/// No app matches.
#[derive(Debug, Clone, Copy)]
pub struct NoAppMatches<'a> {
    /// The pattern.
    pub pattern: &'a str,
    /// When the list is read again.
    pub again_in: Duration,
}

impl NoAppMatches<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        warn!(
            pattern = self.pattern,
            again_in_seconds = self.again_in.as_secs_f64(),
            "no app of the organization matches `app-name`; is it right, and does the token cover the organization?"
        );
    }
}

/// The list of apps could not be read, after it could.
#[derive(Debug, Clone, Copy)]
pub struct AppListFailing<'a> {
    /// The pattern.
    pub pattern: &'a str,
    /// Why.
    pub error: &'a dyn Error,
    /// How many apps are scaled meanwhile: those of the last list.
    pub kept: usize,
}

impl AppListFailing<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let (pattern, kept) = (self.pattern, self.kept);
        let error = Chain(self.error);
        error!(pattern, kept, %error, next = "the apps of the last list are scaled; tried again", "the list of apps cannot be read");
    }
}

/// The list of apps can be read again.
#[derive(Debug, Clone, Copy)]
pub struct AppListRecovered<'a> {
    /// The pattern.
    pub pattern: &'a str,
}

impl AppListRecovered<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        info!(pattern = self.pattern, "the list of apps can be read again");
    }
}

/// The list of what changed in an organization could not be read, after it could.
#[derive(Debug, Clone, Copy)]
pub struct OrgListFailing<'a> {
    /// The organization.
    pub org: &'a str,
    /// Why.
    pub error: &'a dyn Error,
    /// What happens instead.
    pub next: &'a str,
}

impl OrgListFailing<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let error = Chain(self.error);
        warn!(org = self.org, %error, next = self.next, "the organization's changed machines cannot be listed");
    }
}

/// The list of what changed in an organization can be read again.
#[derive(Debug, Clone, Copy)]
pub struct OrgListRecovered<'a> {
    /// The organization.
    pub org: &'a str,
}

impl OrgListRecovered<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        info!(org = self.org, "the organization's changed machines can be listed again");
    }
}

/// Apps wait for their turn for longer than an interval.
#[derive(Debug, Clone, Copy)]
pub struct FleetBehind {
    /// How long the one did that was waiting longest.
    pub lateness: Duration,
    /// How many apps are worked on at once.
    pub concurrency: usize,
}

impl FleetBehind {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        warn!(
            lateness_seconds = self.lateness.as_secs_f64(),
            concurrency = self.concurrency,
            next = "if this lasts, raise `concurrency` (FAS_CONCURRENCY) or `interval`",
            "apps wait longer than an interval for their turn"
        );
    }
}

/// A tick panicked: a bug in this program. The others go on.
#[derive(Debug, Clone, Copy)]
pub struct TickPanicked<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// What the panic said.
    pub message: &'a str,
    /// For how long the tick ran.
    pub duration: Duration,
}

impl TickPanicked<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_tick(TickOutcome::Failed, self.duration);
        error!(
            app = %self.app, panic = self.message,
            next = "the app is tried again later; please report this bug", "the tick panicked"
        );
        debug!(app = %self.app, outcome = %TickOutcome::Failed, "tick ended before a decision");
    }

    /// What a panic said, as far as it said something.
    #[must_use]
    pub fn message_of(panic: &(dyn Any + Send)) -> &str {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
    }
}
