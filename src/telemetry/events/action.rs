//! Actions, and the requests to Fly that carry them out.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::decide::{Action, Reason};
use crate::model::{AppName, MachineId, Scope};
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// What would be done, were this not a dry run.
#[derive(Debug, Clone, Copy)]
pub struct WouldAct<'a> {
    /// On which app.
    pub app: &'a AppName,
    /// In which scope.
    pub scope: &'a Scope,
    /// What.
    pub action: &'a Action,
    /// Why.
    pub reason: &'a Reason,
}

impl WouldAct<'_> {
    /// Logs it. Nothing was done, so nothing is counted.
    pub fn emit(&self, _: &Metrics) {
        info!(app = %self.app, scope = %self.scope, reason = %self.reason, "would {}", self.action);
    }
}

/// An action was done.
#[derive(Debug, Clone, Copy)]
pub struct ActionDone<'a> {
    /// On which app.
    pub app: &'a AppName,
    /// What.
    pub action: &'a Action,
    /// The machine: for a create the new one.
    pub machine: &'a MachineId,
}

impl ActionDone<'_> {
    /// Counts it, and logs it at `debug`: the tick's own line names all actions.
    pub fn emit(&self, metrics: &Metrics) {
        let verb = self.action.verb();
        metrics.count_action(verb, true);
        debug!(
            app = %self.app, action = %verb, machine = %self.machine,
            region = %Maybe(self.action.region()), "done: {}", self.action
        );
    }
}

/// An action was tried and failed.
#[derive(Debug, Clone, Copy)]
pub struct ActionFailed<'a> {
    /// On which app.
    pub app: &'a AppName,
    /// What.
    pub action: &'a Action,
    /// What went wrong: the status and Fly's request id included.
    pub error: &'a dyn Error,
    /// The class of the error, as a label.
    pub class: &'static str,
    /// Whether it takes a person to make it work: a token, a configuration.
    pub needs_someone: bool,
    /// What happens next.
    pub next: &'a str,
}

impl ActionFailed<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        let verb = self.action.verb();
        metrics.count_action(verb, false);
        let Self { app, action, class, next, .. } = *self;
        let (error, machine) = (Chain(self.error), Maybe(action.machine()));
        let region = Maybe(action.region());
        if self.needs_someone {
            error!(%app, action = %verb, %machine, %region, class, %error, next, "failed: {action}");
        } else {
            warn!(%app, action = %verb, %machine, %region, class, %error, next, "failed: {action}");
        }
    }
}

/// A request to one of Fly's APIs was answered, or not.
#[derive(Debug, Clone, Copy)]
pub struct ApiCall<'a> {
    /// What was asked: one of a closed set.
    pub operation: &'static str,
    /// About what: an app or a machine.
    pub subject: &'a str,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// How long it took.
    pub duration: Duration,
    /// Fly's `fly-request-id`, if there was one.
    pub request_id: Option<&'a str>,
}

impl ApiCall<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_api_request(self.operation, self.status, self.duration);
        debug!(
            operation = self.operation,
            subject = self.subject,
            status = self.status,
            duration_seconds = self.duration.as_secs_f64(),
            fly_request_id = self.request_id,
            "api request"
        );
    }
}

/// What may be absent: its text or `-`.
struct Maybe<T>(Option<T>);

impl<T: fmt::Display> fmt::Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("-"),
        }
    }
}
