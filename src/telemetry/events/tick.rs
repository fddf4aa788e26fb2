//! Ticks, and apps whose ticks fail.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use tracing::{debug, error, info, warn};

use crate::decide::{Action, Plan, ScopePlan, Verb, Weight};
use crate::model::{AppName, TickOutcome, Timestamp};
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// How many actions or reasons one log line names; the rest is counted.
const LISTED: usize = 10;

/// What apps have in common whose ticks fail.
const FAILING: &str = "ticks fail";
/// What apps have in common that are left alone for a while.
const BACKING_OFF: &str = "backing off";

/// A tick begins.
#[derive(Debug, Clone, Copy)]
pub struct TickBegan<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// How long after its due time.
    pub lateness: Duration,
}

impl TickBegan<'_> {
    /// Logs and counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.observe_lateness(self.lateness);
        debug!(app = %self.app, lateness_seconds = self.lateness.as_secs_f64(), "tick began");
    }
}

/// Ticks were due while the app's last one was still running or waiting for its turn, and are left out.
#[derive(Debug, Clone, Copy)]
pub struct TickSkipped<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// How many.
    pub missed: u32,
    /// For how long the last one ran.
    pub running_for: Duration,
    /// For how long it had waited for its turn.
    pub waited_for: Duration,
}

impl TickSkipped<'_> {
    /// Logs and counts them. Where the wait for its turn was the longer part, that is the fleet's trouble
    /// and said there ([`FleetBehind`](super::FleetBehind)), not once for each app.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_skipped_ticks(self.missed);
        let Self { app, missed, .. } = *self;
        let running_seconds = self.running_for.as_secs_f64();
        if self.running_for > self.waited_for {
            warn!(%app, missed, running_seconds, "tick skipped: the last one is still running");
        } else {
            let waited_seconds = self.waited_for.as_secs_f64();
            debug!(%app, missed, running_seconds, waited_seconds, "tick skipped: it waited for its turn");
        }
    }
}

/// A tick is over.
#[derive(Debug, Clone, Copy)]
pub struct TickEnded<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// How.
    pub outcome: TickOutcome,
    /// When.
    pub at: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What was decided; `None` where it did not come to that.
    pub plan: Option<&'a Plan>,
    /// How many actions were done.
    pub done: usize,
    /// How many actions were tried and failed.
    pub failed: usize,
    /// How many were not tried: the token was refused before, the time was over, or scaling
    /// was paused.
    pub not_attempted: usize,
}

impl TickEnded<'_> {
    /// Logs it, at `info` only where something was done or tried, and counts it: the tick, what was
    /// done in bulk, and each hold that the plan has.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.count_tick(self.outcome, self.duration);
        if self.outcome.is_success() {
            metrics.set_last_success(self.app, self.at);
        }
        let Some(plan) = self.plan else {
            debug!(app = %self.app, outcome = %self.outcome, "tick ended before a decision");
            return;
        };
        // Two metrics that fail hold a group once, and so does one that thirty regions read.
        for code in each_of_a_group(plan, Weight::Hold) {
            metrics.count_held(code);
        }
        for code in each_of_a_group(plan, Weight::Limit) {
            metrics.count_limited(code);
        }
        let tried = self.done + self.failed > 0;
        if tried {
            for verb in Verb::ALL {
                // As upstream counts: ticks in which it was done in bulk, not machines.
                if plan.actions().any(|(_, planned)| planned.action.verb() == verb) {
                    metrics.count_reconcile(Some(verb));
                }
            }
        } else if self.outcome == TickOutcome::Quiet && plan.actions().next().is_none() {
            metrics.count_reconcile(None);
        }
        self.log(plan, tried);
    }

    fn log(&self, plan: &Plan, tried: bool) {
        // Of many regions those come first in which something happens, then those that are held.
        let mut scopes: Vec<&ScopePlan> = plan.scopes.iter().collect();
        scopes.sort_by_key(|scope| (scope.actions.is_empty(), !scope.is_held()));
        let reasons = Listed(|| {
            scopes.iter().flat_map(|scope| {
                scope.reasons.iter().map(move |reason| format!("{}: {reason}", scope.scope))
            })
        });
        let duration_seconds = self.duration.as_secs_f64();
        if tried {
            let actions = Listed(|| plan.actions().map(|(_, planned)| &planned.action));
            info!(
                app = %self.app, outcome = %self.outcome, done = self.done, failed = self.failed, not_attempted = self.not_attempted,
                duration_seconds, %actions, %reasons, "tick ended"
            );
        } else {
            debug!(app = %self.app, outcome = %self.outcome, duration_seconds, %reasons, "tick ended");
        }
    }
}

/// The codes of the plan's reasons of that weight, once for each group that has it in any scope.
fn each_of_a_group(plan: &Plan, weight: Weight) -> impl Iterator<Item = &'static str> {
    let mut codes = BTreeSet::new();
    for scope in &plan.scopes {
        let reasons = scope.reasons.iter().filter(|reason| reason.weight() == weight);
        codes.extend(reasons.map(|own| (&scope.scope.group, own.code())));
    }
    codes.into_iter().map(|(_, code)| code)
}

/// An app whose ticks went well has one that failed as a whole, or they go on failing.
#[derive(Debug, Clone, Copy)]
pub struct AppFailing<'a> {
    /// Which.
    pub app: &'a AppName,
    /// What went wrong: what was tried, on what, and the answer.
    pub error: &'a dyn Error,
    /// What happens next.
    pub next: &'a str,
    /// Whether it is more than a passing trouble.
    pub lasts: bool,
}

impl AppFailing<'_> {
    /// Logs it: at `error` where it lasts. [`TickEnded`] counts.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, next, .. } = *self;
        let error = Chain(self.error);
        match (metrics.crowds.join(FAILING, app), self.lasts) {
            (true, true) => error!(%app, %error, next, "ticks go on failing"),
            (true, false) => warn!(%app, %error, next, "ticks began to fail"),
            (false, _) => debug!(%app, %error, next, "ticks fail"),
        }
    }
}

/// The process ends before a tick has ended.
#[derive(Debug, Clone, Copy)]
pub struct NotAwaited<'a> {
    /// Of which app.
    pub app: &'a AppName,
    /// The actions whose outcome nobody will read.
    pub actions: &'a [Action],
}

impl NotAwaited<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        let actions = Listed(|| self.actions.iter());
        warn!(
            app = %self.app, %actions, next = "they may be carried out all the same",
            "stopped before the running tick ended"
        );
    }
}

/// An app whose ticks failed has one that did not.
#[derive(Debug, Clone, Copy)]
pub struct AppRecovered<'a> {
    /// Which.
    pub app: &'a AppName,
}

impl AppRecovered<'_> {
    /// Logs it. [`TickEnded`] counts.
    pub fn emit(&self, metrics: &Metrics) {
        let app = self.app;
        metrics.crowds.leave(BACKING_OFF, app);
        if metrics.crowds.leave(FAILING, app) {
            info!(%app, "ticks work again");
        } else {
            debug!(%app, "ticks work again");
        }
    }
}

/// An app is left alone for a while, because calls to Fly fail for it.
#[derive(Debug, Clone, Copy)]
pub struct BackingOff<'a> {
    /// Which.
    pub app: &'a AppName,
    /// How many ticks in a row have failed.
    pub failures: u32,
    /// When it is tried again.
    pub until: Timestamp,
}

impl BackingOff<'_> {
    /// Logs it: the second time at `warn`, otherwise at `debug`. After the first failure the wait is one
    /// interval, as ever.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { app, failures, until } = *self;
        if failures == 2 && metrics.crowds.join(BACKING_OFF, app) {
            warn!(%app, failures, %until, "backing off");
        } else {
            debug!(%app, failures, %until, "waiting after a failure");
        }
    }
}

/// The first few items in one line, and how many more there are. Listed only where the line is written.
pub(super) struct Listed<F>(pub(super) F);

impl<F, I> fmt::Display for Listed<F>
where
    F: Fn() -> I,
    I: Iterator<Item: fmt::Display>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut items = self.0();
        for (index, item) in items.by_ref().take(LISTED).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{item}")?;
        }
        match items.count() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}
