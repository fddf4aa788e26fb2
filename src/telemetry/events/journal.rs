//! The file of the journal, in which every tick is kept.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use tracing::{error, info, warn};

use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// The file is open.
#[derive(Debug, Clone, Copy)]
pub struct JournalKept<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// Whether it was not to be had before.
    pub again: bool,
}

impl JournalKept<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.set_journal_ok(true);
        let Self { path, again } = *self;
        let path = path.display();
        if again {
            info!(%path, "the journal file works again");
        } else {
            info!(%path, "the journal file is open");
        }
    }
}

/// The file is not to be had.
#[derive(Debug, Clone, Copy)]
pub struct JournalNotKept<'a> {
    /// Where it is, or should be.
    pub path: &'a Path,
    /// Why.
    pub error: &'a dyn Error,
    /// When it is tried again.
    pub again_in: Duration,
}

impl JournalNotKept<'_> {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.set_journal_ok(false);
        let Self { path, error, again_in } = *self;
        let (path, error) = (path.display(), Chain(error));
        let next = "scaling goes on; ticks are kept in memory, which has room for less; the file is tried again";
        warn!(%path, %error, ?again_in, next, "the journal file cannot be used");
    }
}

/// What was in the file's place was no use, and has another name now.
#[derive(Debug, Clone, Copy)]
pub struct JournalSetAside<'a> {
    /// Where it was.
    pub path: &'a Path,
    /// Where it is.
    pub to: &'a Path,
    /// What is wrong with it.
    pub why: &'a str,
}

impl JournalSetAside<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { path, to, why } = *self;
        let (path, to) = (path.display(), to.display());
        let next = "a new file is begun; delete the old one when nobody needs it";
        warn!(%path, %to, why, next, "the journal file was set aside");
    }
}

/// There are more numbers of different names than the journal keeps.
#[derive(Debug, Clone, Copy)]
pub struct JournalLeavesOut {
    /// How many numbers were left out so far.
    pub numbers: u64,
}

impl JournalLeavesOut {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { numbers } = *self;
        let next = "numbers of new names are missing from charts until the next start; \
            does the `region` label of a metric have values without end?";
        warn!(numbers, next, "the journal has too many numbers of different names");
    }
}

/// The thread of the journal panicked, which is a bug.
#[derive(Debug, Clone, Copy)]
pub struct JournalPanicked;

impl JournalPanicked {
    /// Logs it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.set_journal_ok(false);
        let next = "scaling goes on; no more ticks are kept until the next start; please report it";
        error!(next, "the journal stopped because of a bug");
    }
}

/// Rows of the journal cannot be understood.
#[derive(Debug, Clone, Copy)]
pub struct JournalTorn {
    /// How many an answer lacks.
    pub rows: u64,
}

impl JournalTorn {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { rows } = *self;
        let next = "answers leave them out; they go when they are too old";
        warn!(rows, next, "the journal file has rows that cannot be understood");
    }
}

/// There was no room for ticks, since those before are not written yet.
#[derive(Debug, Clone, Copy)]
pub struct JournalBehind {
    /// How many are missing.
    pub dropped: u64,
    /// Whether there was room before.
    pub began: bool,
}

impl JournalBehind {
    /// Logs it once, and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { dropped, began } = *self;
        metrics.count_journal_dropped(dropped);
        if began {
            let next = "scaling goes on; these ticks will be missing from the journal";
            warn!(dropped, next, "the journal cannot keep up");
        }
    }
}

/// There is room for ticks again.
#[derive(Debug, Clone, Copy)]
pub struct JournalCaughtUp;

impl JournalCaughtUp {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        info!("the journal keeps up again");
    }
}

/// The process ends before everything is in the file.
#[derive(Debug, Clone, Copy)]
pub struct JournalUnflushed {
    /// How long it was waited for.
    pub within: Duration,
}

impl JournalUnflushed {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let Self { within } = *self;
        warn!(?within, "stopped before the journal file was closed");
    }
}
