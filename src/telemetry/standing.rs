//! Tells news from what was said before.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use crate::decide::{Plan, Reason, Weight};
use crate::model::{AppName, MetricName, ProcessGroup, Scope};

use super::events::{
    AppFailing, AppRecovered, CollectFailed, CollectRecovered, HoldBegan, HoldEnded,
    ReleaseTakenAsAbandoned, StopMetricFailed, StopMetricRecovered,
};
use super::metrics::Metrics;

/// What is known to be wrong with one app, from tick to tick. Emits an event when something begins and
/// when it ends; what lasts is counted but not said again.
#[derive(Debug, Default)]
pub struct Standing {
    failing_metrics: BTreeSet<MetricName>,
    /// The scopes that each reason holds, by its code.
    holds: BTreeMap<&'static str, BTreeSet<Scope>>,
    /// The groups whose `stop-metric` failed when it was last asked.
    failing_stop_metrics: BTreeSet<ProcessGroup>,
    /// The number of the release that was last taken as abandoned. It is read only in ticks that have
    /// something to do, so that one without it does not mean that it is over.
    abandoned_release: Option<u64>,
    /// Ticks in a row that failed.
    failures: u32,
}

/// In the how-manieth failed tick in a row it is more than a passing trouble: someone has to look.
const FAILURES_THAT_LAST: u32 = 3;

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

    /// Notes how asking for the load of a group's machines went.
    pub fn stop_metric(
        &mut self,
        app: &AppName,
        group: &ProcessGroup,
        failure: Option<&dyn Error>,
        metrics: &Metrics,
    ) {
        let is_new = match failure {
            Some(_) => self.failing_stop_metrics.insert(group.clone()),
            None => self.failing_stop_metrics.remove(group),
        };
        match failure {
            Some(error) if is_new => StopMetricFailed { app, group, error }.emit(metrics),
            None if is_new => StopMetricRecovered { app, group }.emit(metrics),
            _ => {}
        }
    }

    /// Notes what was decided in the end, guards and leases included.
    pub fn decided(&mut self, app: &AppName, plan: &Plan, metrics: &Metrics) {
        let mut holds: BTreeMap<&'static str, BTreeMap<&Scope, &Reason>> = BTreeMap::new();
        let mut abandoned = None;
        for scope_plan in &plan.scopes {
            for reason in &scope_plan.reasons {
                if let Reason::ReleaseAbandoned { version, .. } = reason {
                    // About the app, though every scope has it.
                    abandoned = Some((*version, reason));
                }
                if reason.weight() == Weight::Hold {
                    // Several metrics of one scope can fail for the same reason: that is one hold.
                    let scopes = holds.entry(reason.code()).or_default();
                    scopes.entry(&scope_plan.scope).or_insert(reason);
                }
            }
        }
        // What holds many regions is said once.
        for (reason, scopes) in &holds {
            let known = self.holds.get(reason);
            let is_new = |scope: &Scope| known.is_none_or(|known| !known.contains(scope));
            let new = scopes.iter().filter(|(scope, _)| is_new(scope));
            let new: Vec<(&Scope, &Reason)> = new.map(|(scope, why)| (*scope, *why)).collect();
            if !new.is_empty() {
                HoldBegan { app, scopes: &new, reason }.emit(metrics);
            }
        }
        for (reason, scopes) in &self.holds {
            let lasting = holds.get(reason);
            let is_over = |scope: &&Scope| lasting.is_none_or(|own| !own.contains_key(scope));
            let over: Vec<&Scope> = scopes.iter().filter(is_over).collect();
            if !over.is_empty() {
                HoldEnded { app, scopes: &over, reason, is_last: lasting.is_none() }.emit(metrics);
            }
        }
        self.holds = holds
            .into_iter()
            .map(|(reason, scopes)| (reason, scopes.into_keys().cloned().collect()))
            .collect();
        if let Some((version, reason)) = abandoned
            && self.abandoned_release.replace(version) != Some(version)
        {
            ReleaseTakenAsAbandoned { app, reason }.emit(metrics);
        }
    }

    /// Notes whether the tick failed as a whole, and what happens next if so.
    pub fn ticked(
        &mut self,
        app: &AppName,
        failure: Option<(&dyn Error, &str)>,
        metrics: &Metrics,
    ) {
        let Some((error, next)) = failure else {
            if std::mem::take(&mut self.failures) > 0 {
                AppRecovered { app }.emit(metrics);
            }
            return;
        };
        self.failures = self.failures.saturating_add(1);
        let lasts = self.failures == FAILURES_THAT_LAST;
        if lasts || self.failures == 1 {
            AppFailing { app, error, next, lasts }.emit(metrics);
        }
    }
}

#[cfg(test)]
mod tests;
