//! The file of `state`, in which what decisions remember outlives the process.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tracing::{info, warn};

use crate::model::AppName;
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// The file is open.
#[derive(Debug, Clone, Copy)]
pub struct StateKept<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// How much an earlier process left in it.
    pub rows: usize,
    /// Whether it was not to be had before.
    pub again: bool,
}

impl StateKept<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.set_state_ok(true);
        let Self { path, rows, again } = *self;
        let path = path.display();
        if again {
            info!(%path, rows, "the state file works again");
        } else {
            info!(%path, rows, "the state file is open");
        }
    }
}

/// The file is not to be had.
#[derive(Debug, Clone, Copy)]
pub struct StateNotKept<'a> {
    /// Where it is, or should be.
    pub path: &'a Path,
    /// Why.
    pub error: &'a dyn Error,
    /// When it is tried again.
    pub again_in: Duration,
}

impl StateNotKept<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.set_state_ok(false);
        let Self { path, error, again_in } = *self;
        let (path, error) = (path.display(), Chain(error));
        let next = "scaling goes on with what is in memory, which a restart forgets; the file is tried again";
        warn!(%path, %error, ?again_in, next, "the state file cannot be used");
    }
}

/// What was in the file's place was no use, and has another name now.
#[derive(Debug, Clone, Copy)]
pub struct StateSetAside<'a> {
    /// Where it was.
    pub path: &'a Path,
    /// Where it is.
    pub to: &'a Path,
    /// What is wrong with it.
    pub why: &'a str,
}

impl StateSetAside<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { path, to, why } = *self;
        let (path, to) = (path.display(), to.display());
        let next =
            "a new file is begun, as at a first start; delete the old one when nobody needs it";
        warn!(%path, %to, why, next, "the state file was set aside");
    }
}

/// What an earlier process left of one app cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct StateUnreadable<'a> {
    /// The app.
    pub app: &'a AppName,
    /// Why.
    pub error: &'a dyn Error,
}

impl StateUnreadable<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { app, error } = *self;
        let error = Chain(error);
        warn!(%app, %error, next = "the app begins as at a first start", "the state of an app cannot be read");
    }
}

/// What an earlier process kept of one series cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct SeriesUnreadable<'a> {
    /// The app.
    pub app: &'a AppName,
    /// Why.
    pub error: &'a dyn Error,
}

impl SeriesUnreadable<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { app, error } = *self;
        let error = Chain(error);
        warn!(%app, %error, next = "it is filled anew, as at a first start; the others go on", "a series in the state file cannot be read");
    }
}

/// The file took longer than a tick waits for it.
#[derive(Debug, Clone, Copy)]
pub struct StateSlow<'a> {
    /// The app that waited.
    pub app: &'a AppName,
    /// For how long.
    pub waited: Duration,
}

impl StateSlow<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { app, waited } = *self;
        let next = "its actions begin all the same, and nobody waits until the file has caught up";
        warn!(%app, ?waited, next, "the state file is slow");
    }
}

/// The process ends before everything is in the file.
#[derive(Debug, Clone, Copy)]
pub struct StateUnflushed {
    /// How long it was waited for.
    pub within: Duration,
}

impl StateUnflushed {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { within } = *self;
        warn!(?within, "stopped before the state file was closed");
    }
}
