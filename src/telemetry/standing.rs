//! Tells news from what was said before.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;

use crate::decide::{Plan, Reason, Weight};
use crate::model::{AppName, Instead, MetricName, ProcessGroup, Scope, Timestamp};

use super::events::{
    AppFailing, AppRecovered, CollectEnded, CollectFailed, CollectRecovered, HoldBegan, HoldEnded,
    LastValueRanOut, ReleaseTakenAsAbandoned, StopMetricFailed, StopMetricRecovered,
};
use super::metrics::Metrics;

/// What is known to be wrong with one app, from tick to tick. Emits an event when something begins and
/// when it ends; what lasts is counted but not said again.
#[derive(Debug, Default)]
pub struct Standing {
    failing_metrics: BTreeMap<MetricName, Known>,
    /// The scopes that each reason holds, by its code, each with since when.
    holds: BTreeMap<&'static str, BTreeMap<Scope, Timestamp>>,
    /// The groups whose `stop-metric` failed when it was last asked.
    failing_stop_metrics: BTreeSet<ProcessGroup>,
    /// The number of the release that was last taken as abandoned. It is read only in ticks that have
    /// something to do, so that one without it does not mean that it is over.
    abandoned_release: Option<u64>,
    /// Ticks in a row that failed.
    failures: u32,
}

/// What is known of a metric that fails.
#[derive(Debug, Clone, Copy)]
struct Known {
    since: Timestamp,
    has_run_out: bool,
}

/// That a metric, or some region of it, could not be measured.
#[derive(Debug, Clone, Copy)]
pub struct Failing<'a> {
    /// Why.
    pub error: &'a dyn Error,
    /// Since when.
    pub since: Timestamp,
    /// What is read in its place.
    pub instead: &'a Instead,
    /// Whether a last value was used until it was too old, be it in a single region.
    pub has_run_out: bool,
}

/// In the how-manieth failed tick in a row it is more than a passing trouble: someone has to look.
const FAILURES_THAT_LAST: u32 = 3;

impl Standing {
    /// Notes how collecting `metric` went: what failed, or that nothing did.
    pub fn collected(
        &mut self,
        app: &AppName,
        metric: &MetricName,
        failing: Option<Failing<'_>>,
        now: Timestamp,
        metrics: &Metrics,
    ) {
        let known = self.failing_metrics.get(metric).copied();
        let Some(Failing { error, since, instead, has_run_out }) = failing else {
            if let Some(known) = known {
                self.failing_metrics.remove(metric);
                let (failed_for, had_run_out) = (now.since(known.since), known.has_run_out);
                CollectRecovered { app, metric, failed_for, had_run_out }.emit(metrics);
            }
            return;
        };
        CollectFailed { app, metric, error, since, instead, began: known.is_none() }.emit(metrics);
        // What has run out at once, after a restart, was just said.
        if has_run_out && known.is_some_and(|known| !known.has_run_out) {
            LastValueRanOut { app, metric, since }.emit(metrics);
        }
        let since = known.map_or(since, |known| known.since.min(since));
        let has_run_out = has_run_out || known.is_some_and(|known| known.has_run_out);
        self.failing_metrics.insert(metric.clone(), Known { since, has_run_out });
    }

    /// Notes that `measured` are all metrics that are still collected.
    pub fn forget_other_metrics(
        &mut self,
        app: &AppName,
        measured: &BTreeSet<&MetricName>,
        metrics: &Metrics,
    ) {
        self.failing_metrics.retain(|metric, _| {
            let is_measured = measured.contains(metric);
            if !is_measured {
                CollectEnded { app, metric }.emit(metrics);
            }
            is_measured
        });
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
    pub fn decided(&mut self, app: &AppName, plan: &Plan, now: Timestamp, metrics: &Metrics) {
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
            let is_new = |scope: &Scope| known.is_none_or(|known| !known.contains_key(scope));
            let new = scopes.iter().filter(|(scope, _)| is_new(scope));
            let new: Vec<(&Scope, &Reason)> = new.map(|(scope, why)| (*scope, *why)).collect();
            if !new.is_empty() {
                HoldBegan { app, scopes: &new, reason }.emit(metrics);
            }
        }
        for (reason, scopes) in &self.holds {
            let lasting = holds.get(reason);
            let is_over = |scope: &Scope| lasting.is_none_or(|own| !own.contains_key(scope));
            let over = || scopes.iter().filter(|(scope, _)| is_over(scope));
            let names: Vec<&Scope> = over().map(|(scope, _)| scope).collect();
            if let Some(since) = over().map(|(_, since)| *since).min() {
                let (held_for, is_last) = (now.since(since), lasting.is_none());
                HoldEnded { app, scopes: &names, reason, held_for, is_last }.emit(metrics);
            }
        }
        let before = std::mem::take(&mut self.holds);
        for (reason, scopes) in holds {
            let since = |scope: &Scope| before.get(reason).and_then(|own| own.get(scope));
            let scopes = scopes.into_keys();
            let scopes = scopes.map(|own| (own.clone(), since(own).copied().unwrap_or(now)));
            self.holds.insert(reason, scopes.collect());
        }
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
