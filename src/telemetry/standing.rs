//! Tells news from what was said before.

use std::collections::BTreeSet;
use std::error::Error;

use crate::decide::{Plan, Reason, Weight};
use crate::model::{AppName, MetricName, Scope};

use super::events::{
    AppFailing, AppRecovered, CollectFailed, CollectRecovered, HoldBegan, HoldEnded,
    ReleaseTakenAsAbandoned,
};
use super::metrics::Metrics;

/// What is known to be wrong with one app, from tick to tick. Emits an event when something begins and
/// when it ends; what lasts is counted but not said again.
#[derive(Debug, Default)]
pub struct Standing {
    failing_metrics: BTreeSet<MetricName>,
    holds: BTreeSet<(Scope, &'static str)>,
    has_abandoned_release: bool,
    is_failing: bool,
}

impl Standing {
    /// Notes how collecting went: for each metric what failed, or that nothing did.
    pub fn collected<'a>(
        &mut self,
        app: &AppName,
        results: impl IntoIterator<Item = (&'a MetricName, Option<&'a dyn Error>)>,
        metrics: &Metrics,
    ) {
        for (metric, failure) in results {
            match failure {
                Some(error) => {
                    let began = self.failing_metrics.insert(metric.clone());
                    CollectFailed { app, metric, error, began }.emit(metrics);
                }
                None if self.failing_metrics.remove(metric) => {
                    CollectRecovered { app, metric }.emit(metrics);
                }
                None => {}
            }
        }
    }

    /// Notes what was decided in the end, guards and leases included.
    pub fn decided(&mut self, app: &AppName, plan: &Plan, metrics: &Metrics) {
        let mut holds = BTreeSet::new();
        let mut abandoned = None;
        for scope_plan in &plan.scopes {
            let scope = &scope_plan.scope;
            for reason in &scope_plan.reasons {
                if let Reason::ReleaseAbandoned { .. } = reason {
                    // About the app, though every scope has it.
                    abandoned = Some(reason);
                }
                if reason.weight() != Weight::Hold {
                    continue;
                }
                let key = (scope.clone(), reason.code());
                let is_new = !self.holds.contains(&key);
                // Several metrics of one scope can fail for the same reason: that is one hold.
                if holds.insert(key) && is_new {
                    HoldBegan { app, scope, reason }.emit(metrics);
                }
            }
        }
        for (scope, reason) in self.holds.difference(&holds) {
            HoldEnded { app, scope, reason }.emit(metrics);
        }
        self.holds = holds;
        if let (Some(reason), false) = (abandoned, self.has_abandoned_release) {
            ReleaseTakenAsAbandoned { app, reason }.emit(metrics);
        }
        self.has_abandoned_release = abandoned.is_some();
    }

    /// Notes whether the tick failed as a whole, and what happens next if so.
    pub fn ticked(
        &mut self,
        app: &AppName,
        failure: Option<(&dyn Error, &str)>,
        metrics: &Metrics,
    ) {
        match failure {
            Some((error, next)) if !self.is_failing => {
                AppFailing { app, error, next }.emit(metrics);
            }
            None if self.is_failing => AppRecovered { app }.emit(metrics),
            _ => {}
        }
        self.is_failing = failure.is_some();
    }
}

#[cfg(test)]
mod tests;
