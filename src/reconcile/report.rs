//! What a tick says about itself while it runs and when it ends.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::act::{ActionResult, Outcome};
use crate::collect::{CollectError, Collected, Collector, Sampled};
use crate::decide::Observed;
use crate::evaluate::EvaluateError;
use crate::model::{
    AppName, Catalog, Kind, MetricName, OnFailure, Sample, Scope, SeriesSize, Side, TickOutcome,
    Timestamp,
};
use crate::ports::{ApiError, ErrorClass, SourceError};
use crate::status::{SampleStatus, Tick};
use crate::telemetry::Metrics;
use crate::telemetry::Standing;
use crate::telemetry::events::{
    ActionDone, ActionFailed, EvaluateFailed, PastUnread, TickEnded, WouldAct,
};

/// Of the labels of a metric that are none of Fly's regions, so many have a series: they may be anything,
/// and each is one for every app.
const UNKNOWN_SHOWN: usize = 20;

/// Emits the events of one app's ticks.
pub(super) struct Reporter {
    app: AppName,
    metrics: Arc<Metrics>,
    standing: Standing,
}

impl Reporter {
    pub(super) fn new(app: AppName, metrics: Arc<Metrics>) -> Self {
        Self { app, metrics, standing: Standing::default() }
    }

    pub(super) fn collected(&mut self, collected: &Collected, catalog: &Catalog) {
        let results = collected.samples.iter().map(|sampled| {
            let failure = sampled.outcome.as_ref().err().map(|error| error as &dyn Error);
            (&sampled.metric, failure)
        });
        self.standing.collected(&self.app, results, &self.metrics);
        let values = collected.samples.iter().flat_map(|sampled| {
            let metric = &sampled.metric;
            match &sampled.outcome {
                Ok(Sample::Plain { value, .. }) => vec![(metric, None, *value)],
                Ok(Sample::ByRegion { values, .. }) => {
                    let (known, others): (Vec<_>, Vec<_>) =
                        values.iter().partition(|(region, _)| catalog.get(region).is_some());
                    let shown = known.into_iter().chain(others.into_iter().take(UNKNOWN_SHOWN));
                    shown
                        .filter_map(|(region, value)| {
                            Some((metric, Some(region), *value.as_ref().ok()?))
                        })
                        .collect()
                }
                Err(_) => Vec::new(),
            }
        });
        self.metrics.set_metric_values(&self.app, values);
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
            self.standing.decided(app, plan, metrics);
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

/// What was measured, or the number that the configuration puts in its place, with why it does.
fn sample(collector: &Collector, sampled: &Sampled) -> SampleStatus {
    let instead = match collector.on_failure {
        OnFailure::Number(number) => Some(number),
        OnFailure::Hold | OnFailure::Nil => None,
    };
    let said = |error: String| match instead {
        Some(number) => format!("{error}; `on-failure` says {number}"),
        None => error,
    };
    let mut status = SampleStatus {
        metric: sampled.metric.clone(),
        by_region: collector.by.has_region(),
        value: None,
        regions: BTreeMap::new(),
        failed_regions: BTreeMap::new(),
        error: None,
    };
    match &sampled.outcome {
        Ok(Sample::Plain { value, .. }) => status.value = Some(*value),
        Ok(Sample::ByRegion { values, .. }) => {
            for (region, value) in values {
                match value {
                    Ok(value) => {
                        status.regions.insert(region.clone(), *value);
                    }
                    Err(error) => {
                        status.error = Some(said(format!("{region}: {error}")));
                        status.failed_regions.insert(region.clone(), error.to_string());
                        status.regions.extend(instead.map(|number| (region.clone(), number)));
                    }
                }
            }
            if status.error.is_none() || instead.is_some() {
                status.value = Some(status.regions.values().sum());
            }
        }
        Err(error) => {
            if let (CollectError::Source(SourceError::Empty { .. }), Some(number)) =
                (error, collector.empty)
            {
                status.value = Some(number);
                status.error = Some(format!("no series: `empty` says {number}"));
            } else {
                status.value = instead;
                status.error = Some(said(error.to_string()));
            }
        }
    }
    status
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
