//! `eval`: what the expressions give right now, or what an expression would give.

use std::sync::Arc;

use anyhow::bail;
use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::collect::{RegionMemory, collect};
use fly_autoscaler::config::{self, Config, FlagValues, ProcessEnv};
use fly_autoscaler::decide::view::View;
use fly_autoscaler::decide::{History, Observed};
use fly_autoscaler::evaluate::{EvaluateError, Expression, Names, machine_count};
use fly_autoscaler::model::{Bounds, Kind, MetricName, Side, Timestamp, Value, VariableTable};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::telemetry::Metrics;
use serde::Serialize;

use crate::{COMMIT, DONE, FAILED, VERSION, WRONG_USAGE, compose, output, runtime};

/// The variables that come from the machines themselves.
const MACHINE_COUNTS: [&str; 3] = ["created_machines", "started_machines", "stopped_machines"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Try this expression by itself, with no configuration; its variables come from --var
    expression: Option<String>,
    /// Give a variable its value instead of collecting it; can be repeated
    #[arg(long = "var", value_name = "NAME=NUMBER", value_parser = variable)]
    variables: Vec<(String, f64)>,
    #[command(flatten)]
    flags: FlagValues,
}

fn variable(text: &str) -> Result<(String, f64), String> {
    let example = "write it as NAME=NUMBER, such as queue_depth=42";
    let (name, value) = text.split_once('=').ok_or(example)?;
    let value =
        value.trim().parse().map_err(|_| format!("`{value}` is not a number; {example}"))?;
    match name.trim() {
        "" => Err(example.to_owned()),
        name => Ok((name.to_owned(), value)),
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.expression {
        Some(expression) => one_expression(expression, &arguments.variables),
        None => runtime()?.block_on(configured(arguments)),
    }
}

/// What a single expression comes to.
#[derive(Serialize)]
struct Single {
    value: f64,
    count: u32,
    language: String,
}

fn one_expression(source: &str, variables: &[(String, f64)]) -> anyhow::Result<u8> {
    let names = Names::new(variables.iter().map(|(name, _)| name));
    let expression = match Expression::compile(source, &names) {
        Ok(expression) => expression,
        Err(error) => {
            output::note(format_args!("error: {}", error.render()));
            return Ok(WRONG_USAGE);
        }
    };
    let mut table = VariableTable::default();
    for (name, value) in variables {
        table.set(name.as_str(), Value::Number(*value));
    }
    let value = expression.evaluate(&table, SystemClock.now())?;
    let count = machine_count(value)?;
    output::json(&Single { value, count, language: expression.language().to_string() })?;
    Ok(DONE)
}

/// Upstream's JSON, with the metrics added.
#[derive(Serialize)]
struct Evaluated {
    created: Ends,
    started: Ends,
    metrics: std::collections::BTreeMap<String, serde_json::Value>,
}

/// Both ends, null where nothing is asked for.
#[derive(Serialize)]
struct Ends {
    min: Option<u32>,
    max: Option<u32>,
}

impl From<Bounds> for Ends {
    fn from(bounds: Bounds) -> Self {
        Self { min: bounds.min, max: bounds.max }
    }
}

async fn configured(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = config::load(&arguments.flags, &ProcessEnv::read())?;
    output::warnings(&loaded.warnings);
    let config = loaded.config;
    let now = SystemClock.now();
    let mut table = measure(&config, &arguments.variables, now).await?;
    count_machines(&config, &mut table, now).await?;

    // One process group for as long as the configuration can name only one.
    let Some(group) = config.groups.first() else { bail!("no process group is configured") };
    let metrics = table
        .iter()
        .map(|(name, value)| Ok((name.to_owned(), serde_json::to_value(value.ok())?)))
        .collect::<anyhow::Result<_>>()?;
    match group.expressions.evaluate(&table, now) {
        Ok(bounds) => {
            let (created, started) = (bounds.created.into(), bounds.started.into());
            output::json(&Evaluated { created, started, metrics })?;
            Ok(DONE)
        }
        Err(errors) => {
            for error in said_once(&errors) {
                output::note(format_args!("error: {error}"));
            }
            Ok(FAILED)
        }
    }
}

/// What was collected, and what was given by --var in its place.
async fn measure(
    config: &Config,
    variables: &[(String, f64)],
    now: Timestamp,
) -> anyhow::Result<VariableTable> {
    let given = |metric: &MetricName| variables.iter().any(|(name, _)| name == metric.as_str());
    let asked: Vec<_> =
        config.collectors.iter().filter(|own| !given(&own.metric)).cloned().collect();
    let collectors = compose::collectors(&asked, &compose::http_client()?)?;
    let regions: Vec<_> =
        config.groups.iter().flat_map(|group| group.policy.regions.clone()).collect();
    let mut memory = RegionMemory::default();
    let mut table = collect(&collectors, &config.app, &regions, &mut memory, now).await.table;
    for (name, value) in variables {
        table.set(name.as_str(), Value::Number(*value));
    }
    Ok(table)
}

/// Reads the machines where an expression needs their number and nobody gave it.
async fn count_machines(
    config: &Config,
    table: &mut VariableTable,
    now: Timestamp,
) -> anyhow::Result<()> {
    let Some(group) = config.groups.first() else { return Ok(()) };
    let reads = group.expressions.reads();
    let missing: Vec<&str> = MACHINE_COUNTS
        .into_iter()
        .filter(|name| reads.contains(*name) && table.get(name).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let Some(token) = &config.api_token else {
        bail!(
            "an expression reads {}; give it with --var, or set an api token to read it from Fly",
            missing.join(", ")
        )
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let api = compose::fly(config, token, compose::http_client()?, clock, &metrics)?;
    let observed = Observed {
        machines: api.list(&config.app).await?,
        own_machine: config.own_machine.clone(),
    };
    let history = History::default();
    let tally = View::of_group(&observed, &group.group, &history, now).tally();
    let counts = [tally.created, tally.started, tally.stopped];
    for (name, count) in MACHINE_COUNTS.into_iter().zip(counts) {
        if table.get(name).is_none() {
            table.set(name, Value::Number(f64::from(count)));
        }
    }
    Ok(())
}

/// One line for each thing that is wrong: a metric that both ends read fails once.
fn said_once(errors: &[(Kind, Side, EvaluateError)]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (kind, side, error) in errors {
        let line = match error {
            EvaluateError::Metric { .. } => error.to_string(),
            error => format!("{side} {kind} machine count: {error}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
