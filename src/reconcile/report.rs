//! What a tick says about itself while it runs and when it ends.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::act::{ActionResult, Outcome};
use crate::collect::{Collected, Collector, Sampled};
use crate::decide::{Advice, Observed};
use crate::evaluate::EvaluateError;
use crate::model::{
    AppName, Catalog, Failure, Instead, Kind, MetricName, ProcessGroup, Region, Scope, SeriesSize,
    Side, TickOutcome, Timestamp,
};
use crate::ports::{ApiError, ErrorClass, SourceError};
use crate::status::{SampleStatus, Tick};
use crate::telemetry::events::{
    ActionDone, ActionFailed, Advised, EvaluateFailed, PastUnread, TickEnded, WouldAct,
};
use crate::telemetry::{Failing, Metrics, Standing};

/// Of the labels of a metric that are none of Fly's regions, so many have a series: they may be anything,
/// and each is one for every app.
const UNKNOWN_SHOWN: usize = 20;

/// Emits the events of one app's ticks.
pub(super) struct Reporter {
    app: AppName,
    metrics: Arc<Metrics>,
    standing: Standing,
    advised: BTreeSet<Advice>,
}

impl Reporter {
    pub(super) fn new(app: AppName, metrics: Arc<Metrics>) -> Self {
        Self { app, metrics, standing: Standing::default(), advised: BTreeSet::new() }
    }

    /// The same reporter, which knows what `old` has said; of metrics that none of `collectors` measures
    /// there is nothing more to say.
    pub(super) fn going_on_from(mut self, old: Self, collectors: &[Collector]) -> Self {
        self.standing = old.standing;
        self.advised = old.advised;
        let measured = collectors.iter().map(|own| own.source.metric()).collect();
        self.standing.forget_other_metrics(&self.app, &measured, &self.metrics);
        self
    }

    pub(super) fn collected(&mut self, collected: &Collected, catalog: &Catalog, now: Timestamp) {
        for sampled in &collected.samples {
            let first = sampled.failures().first();
            // Of several regions one is named; `/status` has them all.
            let in_region = first.map(|own| Text(in_place(own)));
            let error = match (&sampled.outcome, &in_region) {
                (Err(error), _) => Some(error as &dyn Error),
                (Ok(_), text) => text.as_ref().map(|text| text as &dyn Error),
            };
            let failing = first.zip(error).map(|(first, error)| Failing {
                error,
                since: first.since,
                instead: &first.instead,
                has_run_out: sampled.failures().iter().any(|own| own.instead.has_run_out()),
            });
            self.standing.collected(&self.app, &sampled.metric, failing, now, &self.metrics);
        }
        let values = collected.samples.iter().flat_map(|sampled| {
            let (known, others): (Vec<_>, Vec<_>) = sampled
                .used()
                .into_iter()
                .partition(|(region, _)| region.is_none_or(|own| catalog.get(own).is_some()));
            let shown = known.into_iter().chain(others.into_iter().take(UNKNOWN_SHOWN));
            shown.map(|(region, value)| (&sampled.metric, region, value))
        });
        self.metrics.set_metric_values(&self.app, values);
    }

    pub(super) fn stop_metric(&mut self, group: &ProcessGroup, failure: Option<&SourceError>) {
        let failure = failure.map(|error| error as &dyn Error);
        self.standing.stop_metric(&self.app, group, failure, &self.metrics);
    }

    /// Tells what of the past could not be read.
    pub(super) fn past_unread(&self, unread: &[(MetricName, Arc<str>)]) {
        for (metric, why) in unread {
            PastUnread { app: &self.app, metric, why }.emit(&self.metrics);
        }
    }

    pub(super) fn remembered(&self, size: SeriesSize) {
        self.metrics.set_history(&self.app, size);
    }

    pub(super) fn observed(&self, observed: &Observed) {
        self.metrics.set_machines(&self.app, &observed.machines);
    }

    pub(super) fn evaluate_failed(&self, scope: &Scope, errors: &[(Kind, Side, EvaluateError)]) {
        for (kind, side, error) in errors {
            EvaluateFailed {
                app: &self.app,
                scope,
                kind: *kind,
                side: *side,
                reason: error.reason(),
                error,
            }
            .emit(&self.metrics);
        }
    }

    pub(super) fn ended(&mut self, tick: &Tick, now: Timestamp) {
        let (app, metrics) = (&self.app, &self.metrics);
        if let Some(plan) = &tick.plan {
            metrics.set_targets(app, &plan.scopes);
            self.standing.decided(app, plan, tick.at, metrics);
            if tick.dry_run {
                for (scope, planned) in plan.actions() {
                    let (action, reason) = (&planned.action, &planned.reason);
                    WouldAct { app, scope, action, reason }.emit(metrics);
                }
            }
        }
        for outcome in &tick.outcomes {
            report_outcome(app, outcome, metrics);
        }
        for advice in &tick.advice {
            // Once: who has read it decides.
            if self.advised.insert(advice.clone()) {
                Advised { app, advice }.emit(metrics);
            }
        }
        let failure = Text(tick.error.clone().unwrap_or_else(|| "every action failed".into()));
        let failed = tick.outcome == TickOutcome::Failed;
        let failure = failed.then_some((&failure as &dyn Error, "tried again in a later tick"));
        self.standing.ticked(app, failure, metrics);
        TickEnded {
            app,
            outcome: tick.outcome,
            at: now,
            duration: now.since(tick.at),
            plan: tick.plan.as_ref(),
            done: tick.outcomes.iter().filter(|outcome| outcome.is_done()).count(),
            failed: tick.outcomes.iter().filter(|outcome| outcome.error().is_some()).count(),
            not_attempted: tick
                .outcomes
                .iter()
                .filter(|outcome| matches!(outcome.result, ActionResult::NotAttempted(_)))
                .count(),
        }
        .emit(metrics);
    }
}

fn report_outcome(app: &AppName, outcome: &Outcome, metrics: &Metrics) {
    let action = &outcome.action;
    match &outcome.result {
        ActionResult::Done { machine, .. } => ActionDone { app, action, machine }.emit(metrics),
        ActionResult::Gone => {
            if let Some(machine) = action.machine() {
                ActionDone { app, action, machine }.emit(metrics);
            }
        }
        ActionResult::Failed(error) => ActionFailed {
            app,
            action,
            error,
            class: error.class.as_str(),
            needs_someone: error.class == ErrorClass::Authorization,
            next: &next_step(outcome, error),
        }
        .emit(metrics),
        // Said by the tick's own line: nothing was tried, so nothing failed.
        ActionResult::NotAttempted(_) => {}
    }
}

/// What happens after `error`, with the volumes that are left of it: they cost money.
fn next_step(outcome: &Outcome, error: &ApiError) -> String {
    let mut next = if error.outcome_unknown {
        "it may have happened: the next tick looks again".to_owned()
    } else if error.class == ErrorClass::Unsupported {
        "the next tick stops it instead".to_owned()
    } else {
        "left to the next tick".to_owned()
    };
    for volume in &outcome.left_volumes {
        next += &format!("; volume {}, made for it, is left for the next create", volume.id);
    }
    next
}

/// What was measured by `collectors`, for the status.
pub(super) fn samples(collectors: &[Collector], collected: &Collected) -> Vec<SampleStatus> {
    let pairs = collectors.iter().zip(&collected.samples);
    pairs.map(|(collector, sampled)| sample(collector, sampled)).collect()
}

/// What was measured, or what the configuration puts in its place, with why it does.
fn sample(collector: &Collector, sampled: &Sampled) -> SampleStatus {
    let failures = sampled.failures().to_vec();
    let mut regions = BTreeMap::new();
    let mut value = None;
    for (region, number) in sampled.used() {
        match region {
            Some(region) => {
                regions.insert(region.clone(), number);
            }
            None => value = Some(number),
        }
    }
    let failed_regions: BTreeMap<Region, String> = failures
        .iter()
        .filter_map(|own| Some((own.region.clone()?, own.error.to_string())))
        .collect();
    let is_complete = failed_regions.keys().all(|region| regions.contains_key(region));
    if !regions.is_empty() && is_complete {
        value = Some(regions.values().sum());
    }
    let error = failures.last().map(said).or_else(|| {
        // No failure, and yet no sample: it was said what that means.
        let number = collector.empty.filter(|_| sampled.outcome.is_err())?;
        Some(format!("no series: `empty` says {number}"))
    });
    SampleStatus {
        metric: sampled.metric.clone(),
        by_region: collector.by.has_region(),
        value,
        regions,
        failed_regions,
        error,
        failures,
    }
}

/// Why there is no value, and what is read in its place.
fn said(failure: &Failure) -> String {
    let error = in_place(failure);
    match &failure.instead {
        Instead::Nothing | Instead::Nil => error,
        instead => format!("{error}; {instead}"),
    }
}

/// Why there is no value, with the region.
fn in_place(failure: &Failure) -> String {
    match &failure.region {
        Some(region) => format!("{region}: {}", failure.error),
        None => failure.error.to_string(),
    }
}

/// A message as an error.
#[derive(Debug)]
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Text {}
