//! `plan`: what the next tick would do, and why.

use std::fmt::Write as _;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::{self, FlagValues, ProcessEnv};
use fly_autoscaler::decide::{ScopePlan, Verdict};
use fly_autoscaler::model::{AppName, Bounds, Kind, ScopeBounds};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::status::{SampleStatus, Tick};
use fly_autoscaler::telemetry::Metrics;

use crate::{COMMIT, DONE, FAILED, VERSION, WOULD_CHANGE, compose, output};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 3 when something would change
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    flags: FlagValues,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    /// For people
    Text,
    /// For programs: all of it as one object
    Json,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = config::load(&arguments.flags, &ProcessEnv::read())?;
    output::warnings(&loaded.warnings);
    let config = loaded.config;
    let token = config.require_api_token()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let http = compose::http_client()?;
    let collectors = compose::collectors(&config.collectors, &http)?;
    let api = compose::fly(&config, token, http, Arc::clone(&clock), &metrics)?;
    let tick = compose::reconciler(&config, collectors, api, clock, metrics).preview().await;

    match arguments.format {
        Format::Json => output::json(&tick)?,
        Format::Text => output::bytes(text(&config.app, &tick).as_bytes()),
    }
    if let Some(error) = &tick.error {
        output::note(format_args!("error: {error}"));
        return Ok(FAILED);
    }
    let would_change = tick.plan.as_ref().is_some_and(|plan| plan.verdict == Verdict::Act);
    Ok(if arguments.exit_code && would_change { WOULD_CHANGE } else { DONE })
}

/// The plan for people.
fn text(app: &AppName, tick: &Tick) -> String {
    let mut text = format!("{app} at {}\n", tick.at);
    if !tick.samples.is_empty() {
        text.push_str("\nmetrics\n");
        let width = tick.samples.iter().map(|own| own.metric.as_str().len()).max().unwrap_or(0);
        for sample in &tick.samples {
            let _ = writeln!(text, "  {:width$}  {}", sample.metric, value(sample));
        }
    }
    if !tick.machines.is_empty() {
        text.push_str("\nmachines\n");
        for count in &tick.machines {
            let group = count.group.as_ref().map_or("no group", |group| group.as_str());
            let _ = writeln!(
                text,
                "  {group:10}  {:6}  {:10}  {:>4}",
                count.region, count.state, count.count
            );
        }
    }
    for scope in tick.plan.iter().flat_map(|plan| &plan.scopes) {
        scope_text(&mut text, scope);
    }
    if let Some(plan) = &tick.plan {
        text.push_str(match plan.verdict {
            Verdict::Act => "\nwould act\n",
            Verdict::Quiet => "\nnothing to do\n",
            Verdict::Hold => "\nheld: nothing would be done\n",
        });
    }
    text
}

fn value(sample: &SampleStatus) -> String {
    let mut text = match (sample.value, &sample.error) {
        (Some(value), _) => value.to_string(),
        (None, Some(error)) => format!("no value: {error}"),
        (None, None) => "no value".to_owned(),
    };
    let regions: Vec<String> =
        sample.regions.iter().map(|(region, value)| format!("{region} {value}")).collect();
    if !regions.is_empty() {
        let _ = write!(text, "  ({})", regions.join(", "));
    }
    text
}

fn scope_text(text: &mut String, scope: &ScopePlan) {
    let _ = writeln!(text, "\n{}          created  started", scope.scope);
    let _ = writeln!(
        text,
        "  observed   {:>7}  {:>7}",
        scope.observed.of(Kind::Created),
        scope.observed.of(Kind::Started)
    );
    let mut row = |name: &str, bounds: Option<ScopeBounds>| {
        let bounds = |kind| bounds.map_or_else(Bounds::default, |bounds| bounds.of(kind));
        let (created, started) = (bounds(Kind::Created), bounds(Kind::Started));
        let _ = writeln!(text, "  {name:9}  {created:>7}  {started:>7}");
    };
    row("wanted", scope.wanted);
    row("target", scope.targets);
    for planned in &scope.actions {
        let _ = writeln!(text, "  - {}\n      because {}", planned.action, planned.reason);
    }
    for reason in &scope.reasons {
        let _ = writeln!(text, "  {}: {reason}", reason.code());
    }
}
