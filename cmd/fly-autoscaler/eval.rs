//! `eval`: what the expressions give right now, or what an expression would give.

mod regions;
mod single;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::collect::{RegionMemory, Regions, Sampled, collect};
use fly_autoscaler::config::{Config, FlagValues, GroupConfig, Secret};
use fly_autoscaler::decide::view::View;
use fly_autoscaler::decide::{History, Observed, Tally};
use fly_autoscaler::evaluate::{EvaluateError, Names};
use fly_autoscaler::model::{
    AppName, Bounds, Kind, MetricName, ProcessGroup, Region, ScopeBounds, Side, Timestamp, Value,
    VariableTable,
};
use fly_autoscaler::ports::{Clock, MachinesApi as _};
use fly_autoscaler::telemetry;
use serde::Serialize;
use serde_json::Number;

use crate::{COMMIT, DONE, FAILED, VERSION, WRONG_USAGE, compose, configuration, output, runtime};

/// The variables that come from the machines themselves.
const MACHINE_COUNTS: [&str; 3] = ["created_machines", "started_machines", "stopped_machines"];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Try this expression by itself, with no configuration; its variables come from --var. One that
    /// begins with `-` goes behind `--`
    #[arg(conflicts_with_all = configuration_flags())]
    expression: Option<String>,
    /// Give a variable its value instead of collecting it; can be repeated
    #[arg(long = "var", value_name = "NAME=NUMBER", value_parser = variable)]
    variables: Vec<(String, f64)>,
    #[command(flatten)]
    flags: FlagValues,
}

/// The flags that would be silently without effect on an expression by itself.
fn configuration_flags() -> Vec<clap::Id> {
    let command = <FlagValues as clap::Args>::augment_args(clap::Command::new("eval"));
    command.get_arguments().map(|argument| argument.get_id().clone()).collect()
}

fn variable(text: &str) -> Result<(String, f64), String> {
    let example = "write it as NAME=NUMBER, such as queue_depth=42";
    let (name, value) = text.split_once('=').ok_or(example)?;
    let (name, value) = (name.trim(), value.trim());
    if !is_name(name) {
        return Err(format!(
            "`{name}` is not a name that expressions can read (letters, digits and _, not a digit first); {example}"
        ));
    }
    match value.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((name.to_owned(), number)),
        Ok(_) => Err(format!(
            "`{value}` is not a finite number: a metric that gives it counts as failed and reaches no expression"
        )),
        Err(_) => Err(format!("`{value}` is not a number; {example}")),
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    match &arguments.expression {
        Some(expression) => single::run(expression, &arguments.variables),
        None => runtime()?.block_on(configured(arguments)),
    }
}

/// Whole numbers as people write them: `42`, not `42.0`.
fn number(value: f64) -> Number {
    // Beyond 2^53 not every whole number is a float, and the digits would pretend otherwise.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() <= EXACT {
        Number::from(value as i64)
    } else {
        // Finite: evaluation refuses everything else.
        Number::from_f64(value).unwrap_or_else(|| Number::from(0))
    }
}

/// What the expressions come to.
#[derive(Serialize)]
#[serde(untagged)]
enum Printed {
    /// Upstream's JSON, with the metrics added, and the regions where they have counts of their own.
    One {
        #[serde(flatten)]
        counts: Counts,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        regions: RegionCounts,
        metrics: Metrics,
    },
    /// No counts at the top: a sum, or nulls, would be taken for what some group should have. A group
    /// that could not be evaluated is null.
    Several { process_groups: BTreeMap<String, Option<GroupCounts>>, metrics: Metrics },
}

/// The counts of one process group.
#[derive(Serialize)]
struct Counts {
    created: Ends,
    started: Ends,
}

/// Those of its regions; null for one that could not be evaluated.
type RegionCounts = BTreeMap<String, Option<Counts>>;

/// The same, with the numbers of machines that it was reckoned from.
#[derive(Serialize)]
struct GroupCounts {
    #[serde(flatten)]
    counts: Counts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    regions: RegionCounts,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metrics: Metrics,
}

/// Everything that has a number, and null for what has none.
type Metrics = BTreeMap<String, serde_json::Value>;

/// Both ends, null where nothing is asked for.
#[derive(Serialize)]
struct Ends {
    min: Option<u32>,
    max: Option<u32>,
}

impl From<ScopeBounds> for Counts {
    fn from(bounds: ScopeBounds) -> Self {
        let [created, started] =
            [bounds.created, bounds.started].map(|Bounds { min, max }| Ends { min, max });
        Self { created, started }
    }
}

async fn configured(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = configuration::load(&arguments.flags)?;
    output::warnings(&loaded.warnings);
    let config = loaded.config;
    let Some(app) = config.apps.one() else {
        output::note(format_args!(
            "error: `app-name` is a pattern, {}, and eval looks at one app\n  hint: name one of them, such as --app-name {}",
            config.apps,
            config.apps.to_string().replace('*', "1")
        ));
        return Ok(WRONG_USAGE);
    };
    if let Some(mistake) = unknown_given(&config, &arguments.variables) {
        output::note(format_args!("error: {mistake}"));
        return Ok(WRONG_USAGE);
    }

    let now = SystemClock.now();
    let collected = measure(&config, app, &arguments.variables, now).await?;
    let (missing, displaced) = missing_variables(&config, &collected.table);
    if let Some(name) = displaced.first() {
        output::note(format_args!(
            "error: an expression reads {name}, whose collector --var has taken the place of\n  \
             hint: give it a number too: --var {name}=3"
        ));
        return Ok(WRONG_USAGE);
    }
    let observed = match (missing.first(), &config.api_token) {
        (None, Some(token)) if regions::depend_on_machines(&config) => {
            Some(observe(&config, app, token).await?)
        }
        (None, _) => None,
        (Some(_), Some(token)) => Some(observe(&config, app, token).await?),
        (Some(first), None) => {
            output::note(format_args!(
                "error: an expression reads {}, which comes from Fly, and no api token is set\n  \
                 hint: give a number with --var {first}=3, or set FAS_API_TOKEN",
                missing.join(", "),
            ));
            return Ok(WRONG_USAGE);
        }
    };
    let metrics = regions::metrics(&config);
    let evaluate = |group| evaluate(group, &collected.table, &metrics, observed.as_ref(), now);
    let evaluated: Vec<_> = config.groups.iter().map(evaluate).collect();
    print(&collected, &evaluated)
}

/// What the expressions of a group gave.
struct Evaluated<'a> {
    group: &'a ProcessGroup,
    bounds: Gave,
    /// What those of its regions gave.
    regions: Vec<(Region, Gave)>,
    /// The numbers of its machines, where they were read.
    machines: Vec<(&'static str, u32)>,
}

/// What the expressions of one scope gave.
type Gave = Result<ScopeBounds, Vec<Failure>>;

/// Which expression failed, and why.
type Failure = (Kind, Side, EvaluateError);

/// Evaluates the expressions of `group` over what is the same for all groups, and over the numbers of its
/// own machines that are not set yet.
fn evaluate<'a>(
    group: &'a GroupConfig,
    common: &VariableTable,
    metrics: &[&MetricName],
    observed: Option<&Observed>,
    now: Timestamp,
) -> Evaluated<'a> {
    let history = History::default();
    let view = observed.map(|own| View::of_group(own, &group.group, &history, now));
    let machines = view.as_ref().map_or_else(Vec::new, |view| unset(common, view.tally()));
    let table = with_machines(common, &machines);
    Evaluated {
        group: &group.group,
        bounds: group.expressions.evaluate(&table, now),
        regions: regions::evaluate(group, common, metrics, view.as_ref(), now),
        machines,
    }
}

/// The numbers of machines that `table` does not have.
fn unset(table: &VariableTable, tally: Tally) -> Vec<(&'static str, u32)> {
    let counts = [tally.created, tally.started, tally.stopped];
    let counts = MACHINE_COUNTS.into_iter().zip(counts);
    counts.filter(|(name, _)| table.get(name).is_none()).collect()
}

fn with_machines(table: &VariableTable, machines: &[(&'static str, u32)]) -> VariableTable {
    let mut table = table.clone();
    for (name, count) in machines {
        table.set(*name, Value::Number(f64::from(*count)));
    }
    table
}

/// Prints what came of it: data for each scope that could be evaluated, errors for the others.
fn print(collected: &Collected, evaluated: &[Evaluated<'_>]) -> anyhow::Result<u8> {
    let failures: Vec<_> = evaluated.iter().flat_map(Evaluated::failures).collect();
    let errors: Vec<_> = failures.iter().flat_map(|(_, _, errors)| *errors).collect();
    note_failures(collected, &errors);
    for (group, region, errors) in &failures {
        let group =
            if evaluated.len() > 1 { format!("process group {group}: ") } else { String::new() };
        let region = region.map(|region| format!("region {region}: ")).unwrap_or_default();
        for error in said_once(errors) {
            output::note(format_args!("error: {group}{region}{error}"));
        }
    }
    let mut metrics = metrics(&collected.table);
    match evaluated {
        [own] => {
            if let Ok(bounds) = own.bounds {
                metrics.extend(machine_metrics(own));
                let regions = region_counts(own);
                output::json(&Printed::One { counts: bounds.into(), regions, metrics })?;
            }
        }
        several => {
            let counts = |own: &Evaluated<'_>| {
                let counts = (*own.bounds.as_ref().ok()?).into();
                let (regions, metrics) = (region_counts(own), machine_metrics(own));
                Some(GroupCounts { counts, regions, metrics })
            };
            let groups = several.iter().map(|own| (own.group.to_string(), counts(own)));
            output::json(&Printed::Several { process_groups: groups.collect(), metrics })?;
        }
    }
    Ok(if failures.is_empty() { DONE } else { FAILED })
}

impl Evaluated<'_> {
    /// The scopes that failed: the group, one of its regions or none, and why.
    fn failures(&self) -> impl Iterator<Item = (&ProcessGroup, Option<&Region>, &[Failure])> {
        let own = self.bounds.as_ref().err().map(|errors| (None, errors));
        let regions = self.regions.iter();
        let regions = regions.filter_map(|(code, gave)| Some((Some(code), gave.as_ref().err()?)));
        own.into_iter().chain(regions).map(|(code, errors)| (self.group, code, errors.as_slice()))
    }
}

fn region_counts(own: &Evaluated<'_>) -> RegionCounts {
    let counts = |gave: &Gave| gave.as_ref().ok().map(|bounds| (*bounds).into());
    own.regions.iter().map(|(region, gave)| (region.to_string(), counts(gave))).collect()
}

fn machine_metrics(own: &Evaluated<'_>) -> Metrics {
    own.machines.iter().map(|(name, count)| ((*name).to_owned(), (*count).into())).collect()
}

/// A value for something that the configuration does not have is a typing error, and would quietly
/// change nothing.
fn unknown_given(config: &Config, variables: &[(String, f64)]) -> Option<String> {
    let reads = reads(config);
    let metrics = config.collectors.iter().map(|collector| collector.metric.as_str());
    let of_regions = regions::variables(config);
    let known = metrics.chain(reads.iter().map(AsRef::as_ref)).chain(MACHINE_COUNTS);
    let known = Names::new(known.chain(of_regions.iter().map(String::as_str)));
    let (name, _) = variables.iter().find(|(name, _)| !known.contains(name))?;
    let hint = match known.nearest(name) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known are: {}", known.iter().collect::<Vec<_>>().join(", ")),
    };
    Some(format!(
        "--var {name}: no metric has this name and no expression reads it\n  hint: {hint}"
    ))
}

/// The variables that any expression of any group reads.
fn reads(config: &Config) -> BTreeSet<Arc<str>> {
    let metrics = regions::metrics(config);
    let reads = |group: &GroupConfig| {
        let app_wide = group.expressions.reads().into_iter();
        app_wide.chain(regions::reads(group, &metrics)).collect::<Vec<_>>()
    };
    config.groups.iter().flat_map(reads).collect()
}

fn metrics(table: &VariableTable) -> Metrics {
    let shown = |value: Result<&Value, &str>| match value {
        Ok(Value::Number(value)) => number(*value).into(),
        Ok(Value::Text(text)) => text.as_ref().into(),
        Ok(Value::Nil) | Err(_) => serde_json::Value::Null,
    };
    table.iter().map(|(name, value)| (name.to_owned(), shown(value))).collect()
}

/// What was measured, and the variables that came of it.
struct Collected {
    samples: Vec<Sampled>,
    table: VariableTable,
}

/// What was collected, and what was given by --var in its place.
async fn measure(
    config: &Config,
    app: &AppName,
    variables: &[(String, f64)],
    now: Timestamp,
) -> anyhow::Result<Collected> {
    let is_given = |own: &str| variables.iter().any(|(name, _)| name == own);
    let sums = regions::sums_of_given(config, variables);
    let given = |metric: &MetricName| is_given(metric.as_str()) || sums.contains_key(metric);
    let asked: Vec<_> =
        config.collectors.iter().filter(|own| !given(&own.metric)).cloned().collect();
    // No client where nothing is asked: it is most of what starting up costs.
    let collectors = match asked.as_slice() {
        [] => Vec::new(),
        some => {
            let http = compose::http_client(compose::prometheus_addresses(some))?;
            compose::collectors(some, &http, None)?
        }
    };
    let regions = config.listed_regions();
    let mut memory = RegionMemory::default();
    let collected = collect(&collectors, app, &mut memory, now).await;
    let regions = Regions { named: &regions, now, ..Regions::default() };
    let mut table = collected.variables(&regions).into_app_wide();
    for (metric, sum) in &sums {
        table.set(metric.as_str(), Value::Number(*sum));
    }
    for (name, value) in variables {
        table.set(name.as_str(), Value::Number(*value));
    }
    Ok(Collected { samples: collected.samples, table })
}

/// Says which collectors failed without making an expression fail: `empty`, `on-failure` or --var gave a
/// value, or nothing reads the metric.
fn note_failures(collected: &Collected, errors: &[&Failure]) {
    for sampled in &collected.samples {
        let Err(failure) = &sampled.outcome else { continue };
        let name = sampled.metric.as_str();
        let is_said = errors.iter().any(
            |(_, _, error)| matches!(error, EvaluateError::Metric { name: read, .. } if **read == *name),
        );
        let instead = match collected.table.get(name) {
            Some(Ok(Value::Number(value))) => format!("; {} stands for it", number(*value)),
            Some(Ok(_)) => "; nil stands for it".to_owned(),
            Some(Err(_)) | None => "; no expression reads it".to_owned(),
        };
        if !is_said {
            output::note(format_args!("warning: metric `{name}` has no value: {failure}{instead}"));
        }
    }
}

/// What an expression reads and nothing has set: numbers of machines, which Fly can tell, and variables
/// of regions whose metric was given by --var as a whole.
fn missing_variables(config: &Config, table: &VariableTable) -> (Vec<Arc<str>>, Vec<Arc<str>>) {
    let missing = reads(config).into_iter().filter(|name| table.get(name).is_none());
    missing.partition(|name| MACHINE_COUNTS.contains(&&**name))
}

/// Reads the machines, once for all groups.
async fn observe(config: &Config, app: &AppName, token: &Secret) -> anyhow::Result<Observed> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(telemetry::Metrics::new(VERSION, COMMIT));
    let http = compose::http_client(compose::fly_addresses(config))?;
    let api = compose::fly(config, token, http, clock, &metrics)?;
    Ok(Observed {
        machines: api.list(app).await?,
        own_machine: config.own_machine.clone(),
        ..Observed::default()
    })
}

/// One line for each thing that is wrong: a metric that both ends read fails once, and so does an
/// expression that is both ends.
fn said_once(errors: &[Failure]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (kind, side, error) in errors {
        let is_both =
            errors.iter().any(|other| (other.0, &other.2) == (*kind, error) && other.1 != *side);
        let line = match error {
            EvaluateError::Metric { .. } => error.to_string(),
            error if is_both => format!("{kind} machine count: {error}"),
            error => format!("{side} {kind} machine count: {error}"),
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}
