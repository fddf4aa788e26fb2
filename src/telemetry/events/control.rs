//! What people ask of the process while it runs.

use tracing::{info, warn};

use crate::model::AppName;
use crate::telemetry::metrics::Metrics;

/// Somebody wants a tick now.
#[derive(Debug, Clone, Copy)]
pub struct TickOrdered<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// The address of who asked.
    pub by: &'a str,
}

impl TickOrdered<'_> {
    /// Logs it. The tick counts itself.
    pub fn emit(&self, _: &Metrics) {
        info!(app = %self.app, by = self.by, "a tick was asked for");
    }
}

/// Somebody pauses scaling, or lets it go on.
#[derive(Debug, Clone, Copy)]
pub struct ScalingPaused<'a> {
    /// Of which app; `None`: of all.
    pub app: Option<&'a AppName>,
    /// Whether it is paused now.
    pub is_paused: bool,
    /// The address of who asked.
    pub by: &'a str,
}

impl ScalingPaused<'_> {
    /// Logs it. The gauge is set app by app.
    pub fn emit(&self, _: &Metrics) {
        let (app, by) = (self.app.map_or("", AppName::as_str), self.by);
        if self.is_paused {
            warn!(
                app,
                by,
                next = "all is computed and shown, nothing is done",
                "scaling is paused"
            );
        } else {
            info!(app, by, "scaling goes on");
        }
    }
}

/// An earlier process was told to pause, and that still holds.
#[derive(Debug, Clone, Copy)]
pub struct PauseRecalled<'a> {
    /// Who is paused.
    pub apps: &'a str,
}

impl PauseRecalled<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        warn!(apps = self.apps, "scaling is still paused, since before this process began");
    }
}

/// What an earlier process left of who is paused is not read yet.
#[derive(Debug, Clone, Copy)]
pub struct PausesUnread;

impl PausesUnread {
    /// Logs it. Once: what is read then is said by [`PauseRecalled`].
    pub fn emit(&self, _: &Metrics) {
        warn!(
            next = "no app is taken as paused until the state file can be read",
            "who was paused before this process began is not known yet"
        );
    }
}

/// What an earlier process left of who is paused cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct PauseUnreadable;

impl PauseUnreadable {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        warn!(
            next = "no app is paused",
            "what the state file says of who is paused cannot be read"
        );
    }
}

/// Somebody tried a wrong token.
#[derive(Debug, Clone, Copy)]
pub struct HttpTokenRefused<'a> {
    /// The address of who tried.
    pub by: &'a str,
    /// Whether other wrong ones from this address are only turned away for a while.
    pub is_last: bool,
}

impl HttpTokenRefused<'_> {
    /// Logs it. After the last one of an address there is silence for the rest of a minute.
    pub fn emit(&self, _: &Metrics) {
        let Self { by, is_last } = *self;
        warn!(by, locked_out = is_last, "a wrong HTTP token was refused");
    }
}
