//! The numbers that `/metrics` shows. Their names stand in `names.rs`.

use std::collections::BTreeMap;
use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

use crate::decide::{ScopePlan, Verb};
use crate::model::{
    AppName, HostStatus, Kind, Machine, MachineState, MetricName, Region, SeriesSize, Side,
    TickOutcome, Timestamp,
};

use super::crowd::Crowds;
use super::events::Reloaded;
use super::forecasts::Forecasts;
use super::names::{self, Name};
use super::per_app::{OnlyTotals, PerApp, Total};

/// The content type of [`Metrics::render`].
pub use prometheus::TEXT_FORMAT;

/// Up to `timeout`, 30 s unless configured.
const TICK_SECONDS: [f64; 9] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0];
/// From a timer's jitter to several intervals of 15 s.
const LATENESS_SECONDS: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 30.0, 60.0];
/// From one round trip to a request's own timeout.
const REQUEST_SECONDS: [f64; 9] = [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The values of `fas_machine_*_count{status}`: upstream's.
const ACTION_STATUSES: [&str; 2] = ["ok", "failed"];
/// The value of `fas_ticks_total{outcome}` for ticks that never began.
const SKIPPED: &str = "skipped";
/// The value of `fas_reconcile_count{status}` for ticks with nothing to do.
const NO_SCALE: &str = "no_scale";

/// From so many apps on there are only totals, unless the configuration says otherwise: Fly's scrape takes
/// 16 MB (docs, metrics on Fly).
const MANY_APPS: usize = 1000;

/// All metrics of the process, in a registry of their own.
///
/// Counters move through [`super::events`]; the gauges of an app are replaced whole by the setters here.
/// A region label is empty for what is app-wide.
pub struct Metrics {
    registry: Registry,
    actions: BTreeMap<Verb, IntCounterVec>,
    reconciles: IntCounterVec,
    tick_duration: Histogram,
    tick_lateness: Histogram,
    ticks: IntCounterVec,
    apps: IntGauge,
    state_ok: IntGauge,
    config_reloads: IntCounterVec,
    config_ok: IntGauge,
    journal_ok: IntGauge,
    journal_dropped: IntCounter,
    /// Whether each app has series of its own; `None`: up to [`MANY_APPS`].
    per_app: Option<bool>,
    only_totals: OnlyTotals,
    last_success: PerApp,
    paused: PerApp,
    metric_value: PerApp,
    pub(super) forecasts: Forecasts,
    history_series: PerApp,
    history_bytes: PerApp,
    target_machines: PerApp,
    machines: PerApp,
    collect_errors: IntCounterVec,
    evaluate_errors: IntCounterVec,
    held: IntCounterVec,
    limited: IntCounterVec,
    api_requests: IntCounterVec,
    api_request_duration: HistogramVec,
    /// Beside the numbers, for those who log: which apps are in the same trouble.
    pub(super) crowds: Crowds,
}

impl Metrics {
    /// All metrics at zero, for the build `version` of `commit`.
    ///
    /// # Panics
    /// If two metrics have one name or one has a malformed name: a mistake in `names.rs`, whatever the
    /// arguments, which the tests of this module find.
    #[must_use]
    pub fn new(version: &str, commit: &str) -> Self {
        Self::try_new(version, commit).expect("names.rs has well-formed, distinct names")
    }

    fn try_new(version: &str, commit: &str) -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter =
            |name: Name| register(&registry, IntCounterVec::new(opts(name), name.labels)?);
        let histogram = |name: Name, buckets: &[f64]| {
            let opts = HistogramOpts::from(opts(name)).buckets(buckets.to_vec());
            register(&registry, HistogramVec::new(opts, name.labels)?)
        };
        let only_totals = OnlyTotals::default();
        let per_app = |name, total: Total| {
            register(&registry, PerApp::new(name, total, only_totals.clone())?)
        };
        let sum: Total = |one, other| one + other;

        let build = IntGaugeVec::new(opts(names::BUILD_INFO), names::BUILD_INFO.labels)?;
        register(&registry, build)?.with_label_values(&[version, commit]).set(1);

        // A counter that begins at zero lets `increase()` see its first step: so wherever the label
        // values are known beforehand.
        let mut actions = BTreeMap::new();
        for verb in Verb::ALL {
            actions.insert(verb, at_zero(counter(action_name(verb))?, ACTION_STATUSES));
        }
        let verbs = Verb::ALL.map(Verb::as_str);
        let outcomes = TickOutcome::ALL.map(TickOutcome::as_str);

        let state_ok = register(&registry, IntGauge::with_opts(opts(names::STATE_OK))?)?;
        state_ok.set(1);
        let config_ok = register(&registry, IntGauge::with_opts(opts(names::CONFIG_OK))?)?;
        config_ok.set(1);
        let reloaded = Reloaded::ALL.map(Reloaded::as_str);
        let journal_ok = register(&registry, IntGauge::with_opts(opts(names::JOURNAL_OK))?)?;
        journal_ok.set(1);
        let dropped = IntCounter::with_opts(opts(names::JOURNAL_DROPPED_TICKS))?;

        Ok(Self {
            actions,
            state_ok,
            config_reloads: at_zero(counter(names::CONFIG_RELOADS)?, reloaded),
            config_ok,
            journal_ok,
            journal_dropped: register(&registry, dropped)?,
            reconciles: at_zero(counter(names::RECONCILE)?, verbs.into_iter().chain([NO_SCALE])),
            tick_duration: histogram(names::TICK_DURATION, &TICK_SECONDS)?
                .with_label_values::<&str>(&[]),
            tick_lateness: histogram(names::TICK_LATENESS, &LATENESS_SECONDS)?
                .with_label_values::<&str>(&[]),
            ticks: at_zero(counter(names::TICKS)?, outcomes.into_iter().chain([SKIPPED])),
            apps: register(&registry, IntGauge::with_opts(opts(names::APPS))?)?,
            per_app: None,
            last_success: per_app(names::LAST_SUCCESS, f64::min)?,
            paused: per_app(names::PAUSED, sum)?,
            metric_value: per_app(names::METRIC_VALUE, sum)?,
            forecasts: Forecasts {
                value: per_app(names::FORECAST_VALUE, sum)?,
                skill: per_app(names::FORECAST_SKILL, f64::min)?,
                error: per_app(names::FORECAST_ERROR, f64::max)?,
                fit_duration: histogram(names::FORECAST_FIT_DURATION, &REQUEST_SECONDS)?,
            },
            history_series: per_app(names::HISTORY_SERIES, sum)?,
            history_bytes: per_app(names::HISTORY_BYTES, sum)?,
            target_machines: per_app(names::TARGET_MACHINES, sum)?,
            machines: per_app(names::MACHINES, sum)?,
            only_totals,
            collect_errors: counter(names::COLLECT_ERRORS)?,
            evaluate_errors: counter(names::EVALUATE_ERRORS)?,
            held: counter(names::HELD)?,
            limited: counter(names::LIMITED)?,
            api_requests: counter(names::API_REQUESTS)?,
            api_request_duration: histogram(names::API_REQUEST_DURATION, &REQUEST_SECONDS)?,
            registry,
            crowds: Crowds::default(),
        })
    }

    /// The same metrics, with series for each app or only totals, however many apps there are.
    #[must_use]
    pub fn with_series_per_app(mut self, per_app: Option<bool>) -> Self {
        self.per_app = per_app;
        self
    }

    /// Sets how many apps are scaled, which also decides whether each has series of its own.
    pub fn set_app_count(&self, count: usize) {
        self.apps.set(i64::try_from(count).unwrap_or(i64::MAX));
        self.only_totals.set(!self.per_app.unwrap_or(count <= MANY_APPS));
    }

    /// Everything in Prometheus's text format, for which [`TEXT_FORMAT`] is the content type.
    ///
    /// # Errors
    /// If the encoder refuses a metric family, which it does for one without series.
    pub fn render(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather())
    }

    /// Replaces what the expressions of `app` read: `None` for the value over all regions.
    pub fn set_metric_values<'a>(
        &self,
        app: &AppName,
        values: impl IntoIterator<Item = (&'a MetricName, Option<&'a Region>, f64)>,
    ) {
        let series = values
            .into_iter()
            .map(|(metric, region, value)| ([metric.as_str(), region_label(region)], value));
        self.metric_value.replace(app, series);
    }

    /// Sets whether `app` is paused.
    pub fn set_paused(&self, app: &AppName, is_paused: bool) {
        self.paused.replace(app, [([], f64::from(u8::from(is_paused)))]);
    }

    /// Replaces how much of the past is kept of `app`. Where there is nothing, there is no series.
    pub fn set_history(&self, app: &AppName, size: SeriesSize) {
        for (gauge, number) in
            [(&self.history_series, size.series), (&self.history_bytes, size.bytes)]
        {
            let series = (size.series > 0).then_some(([], number as f64));
            gauge.replace::<0>(app, series);
        }
    }

    /// Replaces what is wanted of `app`: the bounds of each scope after all limits.
    pub fn set_targets(&self, app: &AppName, scopes: &[ScopePlan]) {
        let mut series = Vec::new();
        for ScopePlan { scope, targets, .. } in scopes {
            let Some(targets) = targets else { continue };
            for (kind, kind_label) in [(Kind::Created, "created"), (Kind::Started, "started")] {
                let bounds = targets.of(kind);
                for (side, count) in [(Side::Min, bounds.min), (Side::Max, bounds.max)] {
                    let Some(count) = count else { continue };
                    let region = region_label(scope.region.as_ref());
                    let labels = [scope.group.as_str(), region, kind_label, side_label(side)];
                    series.push((labels, f64::from(count)));
                }
            }
        }
        self.target_machines.replace(app, series);
    }

    /// Replaces what is there of `app`: its machines by group, region and state.
    pub fn set_machines(&self, app: &AppName, machines: &[Machine]) {
        let mut counts: BTreeMap<[&str; 3], f64> = BTreeMap::new();
        for machine in machines {
            let group = machine.facts.group.as_ref().map_or("", |group| group.as_str());
            let labels = [group, machine.region.as_str(), state_label(machine)];
            *counts.entry(labels).or_default() += 1.0;
        }
        self.machines.replace(app, counts);
    }

    /// Removes every series of `app`, which is no longer scaled.
    pub fn forget(&self, app: &AppName) {
        for gauge in [
            &self.last_success,
            &self.paused,
            &self.metric_value,
            &self.history_series,
            &self.history_bytes,
            &self.target_machines,
            &self.machines,
        ] {
            gauge.forget(app);
        }
        self.forecasts.forget(app);
        self.crowds.forget(app);
    }
}

/// What events count. Not public: a count without its log line would be half an event.
impl Metrics {
    pub(super) fn count_action(&self, verb: Verb, succeeded: bool) {
        if let Some(counter) = self.actions.get(&verb) {
            counter.with_label_values(&[ACTION_STATUSES[usize::from(!succeeded)]]).inc();
        }
    }

    pub(super) fn count_reconcile(&self, verb: Option<Verb>) {
        self.reconciles.with_label_values(&[verb.map_or(NO_SCALE, Verb::as_str)]).inc();
    }

    pub(super) fn observe_lateness(&self, lateness: Duration) {
        self.tick_lateness.observe(lateness.as_secs_f64());
    }

    pub(super) fn set_state_ok(&self, is_ok: bool) {
        self.state_ok.set(i64::from(is_ok));
    }

    pub(super) fn count_config_reload(&self, reloaded: Reloaded) {
        self.config_reloads.with_label_values(&[reloaded.as_str()]).inc();
        self.config_ok.set(i64::from(reloaded != Reloaded::Failed));
    }

    pub(super) fn set_journal_ok(&self, is_ok: bool) {
        self.journal_ok.set(i64::from(is_ok));
    }

    pub(super) fn count_journal_dropped(&self, dropped: u64) {
        self.journal_dropped.inc_by(dropped);
    }

    pub(super) fn count_tick(&self, outcome: TickOutcome, duration: Duration) {
        self.ticks.with_label_values(&[outcome.as_str()]).inc();
        self.tick_duration.observe(duration.as_secs_f64());
    }

    pub(super) fn count_skipped_ticks(&self, missed: u32) {
        self.ticks.with_label_values(&[SKIPPED]).inc_by(missed.into());
    }

    pub(super) fn set_last_success(&self, app: &AppName, at: Timestamp) {
        self.last_success.replace(app, [([], at.as_seconds())]);
    }

    pub(super) fn count_collect_error(&self, source: &MetricName) {
        self.collect_errors.with_label_values(&[source.as_str()]).inc();
    }

    pub(super) fn count_evaluate_error(&self, reason: &'static str) {
        self.evaluate_errors.with_label_values(&[reason]).inc();
    }

    pub(super) fn count_held(&self, reason: &'static str) {
        self.held.with_label_values(&[reason]).inc();
    }

    pub(super) fn count_limited(&self, reason: &'static str) {
        self.limited.with_label_values(&[reason]).inc();
    }

    pub(super) fn count_api_request(
        &self,
        operation: &'static str,
        status: Option<u16>,
        duration: Duration,
    ) {
        let status = match status {
            // What is no HTTP status is no answer, and must not open the label set.
            Some(status @ 100..=599) => status.to_string(),
            _ => "none".into(),
        };
        self.api_requests.with_label_values(&[operation, &status]).inc();
        self.api_request_duration.with_label_values(&[operation]).observe(duration.as_secs_f64());
    }
}

fn opts(name: Name) -> Opts {
    Opts::new(name.name, name.help)
}

fn register<C: Collector + Clone + 'static>(
    registry: &Registry,
    collector: C,
) -> Result<C, prometheus::Error> {
    registry.register(Box::new(collector.clone()))?;
    Ok(collector)
}

fn at_zero(
    counter: IntCounterVec,
    label_values: impl IntoIterator<Item = &'static str>,
) -> IntCounterVec {
    for value in label_values {
        counter.with_label_values(&[value]);
    }
    counter
}

fn action_name(verb: Verb) -> Name {
    match verb {
        Verb::Create => names::MACHINE_CREATE,
        Verb::Start => names::MACHINE_START,
        Verb::Stop => names::MACHINE_STOP,
        Verb::Suspend => names::MACHINE_SUSPEND,
        Verb::Cordon => names::MACHINE_CORDON,
        Verb::Uncordon => names::MACHINE_UNCORDON,
        Verb::Destroy => names::MACHINE_DESTROY,
    }
}

fn region_label(region: Option<&Region>) -> &str {
    region.map_or("", Region::as_str)
}

fn side_label(side: Side) -> &'static str {
    match side {
        Side::Min => "min",
        Side::Max => "max",
    }
}

fn state_label(machine: &Machine) -> &str {
    match (&machine.host_status, &machine.state) {
        // Whatever the state says, it is as old as the host's silence.
        (HostStatus::Unreachable | HostStatus::Unknown, _) => "unreachable",
        (HostStatus::Ok, MachineState::Other(_)) => "other",
        (HostStatus::Ok, known) => known.as_str(),
    }
}

#[cfg(test)]
mod tests;
