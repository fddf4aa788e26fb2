//! `eval`: what the expressions give right now, or what an expression would give.

mod printed;
mod regions;
mod single;

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::collect::{Collected, Collector, Given, Memory, Regions, collect};
use fly_autoscaler::config::{Config, FlagValues, Secret, Warning};
use fly_autoscaler::decide::{History, Observed};
use fly_autoscaler::evaluate::Names;
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::{AppName, Catalog, MetricName, Region, Timestamp};
use fly_autoscaler::ports::{ApiError, Clock, MachinesApi as _, Platform};
use fly_autoscaler::reconcile::{Facts, Fills, Group, GroupNumbers, Past, named_regions};
use fly_autoscaler::telemetry::Metrics;

use crate::{COMMIT, VERSION, WRONG_USAGE, compose, configuration, known, output, runtime};

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

async fn configured(arguments: &Arguments) -> anyhow::Result<u8> {
    let loaded = configuration::load(&arguments.flags)?;
    let (doubts, warnings) = known::doubts(loaded.warnings);
    output::warnings(&warnings);
    let config = loaded.config;
    let Some(app) = config.apps.one() else {
        output::warnings(&doubts);
        output::note(format_args!(
            "error: `app-name` is a pattern, {}, and eval looks at one app\n  hint: name one of them, such as --app-name {}",
            config.apps,
            config.apps.to_string().replace('*', "1")
        ));
        return Ok(WRONG_USAGE);
    };
    let scaled = Scaled::of(&config);
    if let Some(mistake) = scaled.unknown_given(&config, &arguments.variables) {
        output::warnings(&doubts);
        output::note(format_args!("error: {mistake}"));
        return Ok(WRONG_USAGE);
    }

    let now = SystemClock.now();
    let (collected, mut past) = scaled.measure(&config, app, &arguments.variables, now).await?;
    let needs_machines = match scaled.needs_machines(&collected, &config, now) {
        Ok(needs_machines) => needs_machines,
        Err(mistake) => {
            output::warnings(&doubts);
            output::note(format_args!("error: {mistake}"));
            return Ok(WRONG_USAGE);
        }
    };
    let (observed, catalog) = match &config.api_token {
        Some(token) => ask_fly(&config, app, token, &doubts, needs_machines).await?,
        None => {
            output::warnings(&doubts);
            (None, Arc::clone(Catalog::builtin()))
        }
    };
    let facts = Facts {
        collected: &collected,
        observed: observed.as_ref(),
        history: &History::default(),
        catalog: &catalog,
        named: &scaled.named,
        memory: &Memory::default(),
        now,
    };
    let groups = scaled.groups.iter();
    let evaluated: Vec<_> =
        groups.map(|group| (&group.group, GroupNumbers::of(group, &facts, &mut past))).collect();
    printed::print(&collected, &evaluated)
}

/// What the configuration says of groups, metrics and regions.
struct Scaled {
    groups: Vec<Group>,
    /// The metrics that have a value for each region.
    by_region: Vec<MetricName>,
    /// The regions that expressions may name.
    named: Vec<Region>,
}

impl Scaled {
    fn of(config: &Config) -> Self {
        let groups = compose::groups(config);
        let named = named_regions(&groups);
        Self { groups, by_region: regions::metrics(config), named }
    }

    /// A value for something that the configuration does not have is a typing error, and would quietly
    /// change nothing.
    fn unknown_given(&self, config: &Config, variables: &[(String, f64)]) -> Option<String> {
        let reads = self.reads();
        let metrics = config.collectors.iter().map(|collector| collector.metric.as_str());
        let of_regions = regions::variables(&self.by_region, &self.named);
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
    fn reads(&self) -> BTreeSet<Arc<str>> {
        let reads = |group: &Group| {
            let app_wide = group.expressions.reads().into_iter();
            app_wide.chain(regions::reads(group, &self.by_region)).collect::<Vec<_>>()
        };
        self.groups.iter().flat_map(reads).collect()
    }

    /// What was collected, and what was given by --var in its place; and the past, as far as an expression
    /// looks back: this process has none of its own.
    async fn measure(
        &self,
        config: &Config,
        app: &AppName,
        variables: &[(String, f64)],
        now: Timestamp,
    ) -> anyhow::Result<(Collected, Past)> {
        let given = Given::new(variables, &self.by_region, &self.named);
        let asked = config.collectors.iter().filter(|own| !given.stands_for(&own.metric));
        let asked: Vec<_> = asked.cloned().collect();
        // No client where nothing is asked: it is most of what starting up costs.
        let collectors = match asked.as_slice() {
            [] => Vec::new(),
            some => {
                let http = compose::http_client(compose::prometheus_addresses(some))?;
                compose::collectors(some, &http, None)?
            }
        };
        let mut memory = Memory::default();
        let collectors: Arc<[Collector]> = collectors.into();
        let fits = compose::fits_at_once(Arc::new(SystemClock));
        let past = Past::new(&self.groups, Arc::clone(&collectors), config.interval);
        let mut past = past.with_forecasts(app.clone(), &self.groups, fits);
        let fills = Fills::default();
        // What could not be read of the past is said by each expression that needs it.
        let (collected, _) =
            tokio::join!(collect(&collectors, app, &mut memory, now), past.fetch(app, &fills, now));
        Ok((collected.with(&given), past))
    }

    /// Whether the numbers depend on the machines, or what is missing that would tell.
    fn needs_machines(
        &self,
        collected: &Collected,
        config: &Config,
        now: Timestamp,
    ) -> Result<bool, String> {
        let set = Regions { named: &self.named, now, ..Regions::default() };
        let set = collected.variables(&set).into_app_wide();
        let missing = self.reads().into_iter().filter(|name| set.get(name).is_none());
        let (counts, displaced): (Vec<_>, Vec<_>) =
            missing.partition(|name| MACHINE_COUNTS.contains(&&**name));
        if let Some(name) = displaced.first() {
            return Err(format!(
                "an expression reads {name}, whose collector --var has taken the place of\n  \
                 hint: give it a number too: --var {name}=3"
            ));
        }
        match counts.first() {
            Some(first) if config.api_token.is_none() => Err(format!(
                "an expression reads {}, which comes from Fly, and no api token is set\n  \
                 hint: give a number with --var {first}=3, or set FAS_API_TOKEN",
                counts.join(", "),
            )),
            Some(_) => Ok(true),
            None => Ok(self.groups.iter().any(regions::depend_on_machines)),
        }
    }
}

/// Asks Fly for the machines, where they matter, once for all groups; and for its regions, where the
/// numbers depend on which there are. `doubts` are said unless Fly's list settles them.
async fn ask_fly(
    config: &Config,
    app: &AppName,
    token: &Secret,
    doubts: &[Warning],
    needs_machines: bool,
) -> anyhow::Result<(Option<Observed>, Arc<Catalog>)> {
    let needs_regions = config.groups.iter().any(regions::depend_on_flys);
    if !needs_machines && !needs_regions {
        output::warnings(doubts);
        return Ok((None, Arc::clone(Catalog::builtin())));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let http = compose::http_client(compose::fly_addresses(config))?;
    let fly = compose::fly(config, token, http, Arc::clone(&clock), &metrics)?;
    let platform: Arc<dyn Platform> = Arc::<FlyClient>::clone(&fly);
    let atlas = compose::atlas(config, platform, clock, &metrics).filter(|_| needs_regions);
    let regions = async {
        match &atlas {
            Some(atlas) => {
                known::read(atlas, doubts, config.timeout).await;
                atlas.catalog()
            }
            None => {
                output::warnings(doubts);
                Arc::clone(Catalog::builtin())
            }
        }
    };
    let machines =
        async { Ok::<_, ApiError>(if needs_machines { Some(fly.list(app).await?) } else { None }) };
    let (machines, catalog) = tokio::join!(machines, regions);
    let observed = machines?.map(|machines| Observed {
        machines,
        own_machine: config.own_machine.clone(),
        ..Observed::default()
    });
    Ok((observed, catalog))
}
