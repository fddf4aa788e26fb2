//! Text to a configuration, or every mistake in it at once.
//!
//! ```text
//! flags ----------------------\
//! environment -----------------> layer -> validate -> Config
//! file -> yaml -> raw --------/            (or every mistake, with its place and a hint)
//! ```
//!
//! [`setting`] is the one table of what can be set. Each value keeps its place from beginning to end, so
//! that a mistake can be shown where it was made and `check` can say where each value came from.

pub mod env;
pub mod env_vars;
pub mod expand;
pub mod place;
pub mod secret;
pub mod setting;
pub mod value;
pub mod yaml;

mod changes;
mod effective;
mod error;
mod flags;
mod layer;
mod mistake;
mod pem;
mod raw;
mod read;
mod source;
mod validate;
mod watch;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::Policy;
use crate::evaluate::{PerRegion, ScopeExpressions};
use crate::model::{
    AppName, AppSelection, By, Catalog, LogFormat, MachineId, MetricName, OnFailure, ProcessGroup,
    Region, RegionList, SeriesRule,
};

pub use crate::model::duration;
pub use changes::{Difference, Effective, Fingerprints, NEED_RESTART};
pub use effective::EffectiveValue;
pub use env::{EnvSource, MapEnv, ProcessEnv};
pub use error::{ConfigError, ConfigErrors, Notice, Warning};
pub use flags::{FlagValues, double_dashes};
pub use mistake::{CollectorFault, Mistake, PlacementFault};
pub use place::{Origin, Place};
pub use secret::Secret;
pub use watch::{Glimpse, Watch, config_path};

use error::Mistakes;
use layer::Layering;
use place::SourceText;
use raw::{FileReader, Raw};

/// A configuration in which nothing is wrong.
#[derive(Debug, Clone)]
pub struct Config {
    /// The app that is scaled, or the pattern of those that are.
    pub apps: AppSelection,
    /// Their organization, where it was said.
    pub org: Option<String>,
    /// The process groups that are scaled, each once, in the order of the file; at least one.
    pub groups: Vec<GroupConfig>,
    /// Where the variables of expressions come from.
    pub collectors: Vec<CollectorConfig>,
    /// How often to look and act.
    pub interval: Duration,
    /// How long one tick of an app may take.
    pub timeout: Duration,
    /// How many apps are worked on at once, where there is more than one.
    pub concurrency: usize,
    /// How often to look for new apps, where there may be some.
    pub app_list_refresh_interval: Duration,
    /// Whether `/metrics` has series for each app; `None`: unless there are too many of them.
    pub metrics_per_app: Option<bool>,
    /// The token for Fly's APIs. `eval` and `check` work without: see [`Config::require_api_token`].
    pub api_token: Option<Secret>,
    /// The file in which the state of apps outlives the process; `None`: it does not.
    pub state: Option<PathBuf>,
    /// Where the Machines API is, without a trailing slash.
    pub flaps_base_url: String,
    /// Where the GraphQL API is, without a trailing slash.
    pub api_base_url: String,
    /// Whether a running release holds everything.
    pub release_guard: bool,
    /// A release that runs longer is taken as abandoned.
    pub release_timeout: Duration,
    /// How many machines of an app are changed at once.
    pub action_concurrency: usize,
    /// How long running actions may take to finish at shutdown.
    pub shutdown_timeout: Duration,
    /// Where to serve HTTP: `host:port`, IPv6 in brackets.
    pub listen: String,
    /// What has to be sent to change anything over HTTP; `None`: nobody can.
    pub http_token: Option<Secret>,
    /// How log lines look; `None`: by whether stderr is a terminal.
    pub log_format: Option<LogFormat>,
    /// Log at debug level.
    pub verbose: bool,
    /// Change nothing.
    pub dry_run: bool,
    /// The app that this process is, which is scaled only where it is named.
    pub own_app: Option<AppName>,
    /// The machine that this process runs on, which is never touched.
    pub own_machine: Option<MachineId>,
}

impl Config {
    /// The regions that any process group lists, each once, and with `regions: auto` all that are known:
    /// collectors that are `by: region` have a variable for each.
    #[must_use]
    pub fn listed_regions(&self) -> Vec<Region> {
        listed_regions(self.groups.iter().map(|group| &group.policy))
    }

    /// The API token, for the commands that cannot do without.
    ///
    /// # Errors
    ///
    /// "api token required" where there is none.
    pub fn require_api_token(&self) -> Result<&Secret, ConfigErrors> {
        let missing =
            || ConfigError { mistake: Mistake::ApiTokenRequired, place: Place::Nowhere }.into();
        self.api_token.as_ref().ok_or_else(missing)
    }
}

fn listed_regions<'a>(policies: impl Iterator<Item = &'a Policy>) -> Vec<Region> {
    let mut listed: BTreeSet<&Region> = BTreeSet::new();
    for policy in policies {
        listed.extend(policy.regions.listed());
        if policy.regions == RegionList::Auto {
            listed.extend(Catalog::builtin().iter().map(|(region, _)| region));
            listed.extend(&policy.always_running);
        }
    }
    listed.into_iter().cloned().collect()
}

/// One process group and how it is scaled.
#[derive(Debug, Clone)]
pub struct GroupConfig {
    /// The group.
    pub group: ProcessGroup,
    /// The app-wide expressions.
    pub expressions: ScopeExpressions,
    /// The expressions of single regions.
    pub per_region: PerRegion,
    /// The rules around the numbers.
    pub policy: Policy,
    /// The skill below which the last value stands in for a forecast; `None`: it never does.
    pub forecast_min_skill: Option<f64>,
    /// What tells the load of its machines, with `stop-order: least-loaded`.
    pub stop_metric: Option<StopMetricConfig>,
}

/// What tells the load of single machines.
#[derive(Debug, Clone)]
pub struct StopMetricConfig {
    /// What it asks. `$APP_NAME` and `${APP_NAME}` are still to be replaced.
    pub query: String,
    /// The API's address without `/api/v1` and without a trailing slash.
    pub address: String,
    /// The token, as given.
    pub token: Option<Secret>,
}

/// One collector.
#[derive(Debug, Clone)]
pub struct CollectorConfig {
    /// The variable that it fills.
    pub metric: MetricName,
    /// What it asks, and where.
    pub source: SourceConfig,
    /// How long one query may take.
    pub timeout: Duration,
    /// What a failed sample does.
    pub on_failure: OnFailure,
    /// How long the last good value may stand for one that failed, where `on_failure` takes it.
    pub last_for: Duration,
}

/// Where a collector's numbers come from.
#[derive(Debug, Clone)]
pub enum SourceConfig {
    /// A Prometheus, or what speaks like one.
    Prometheus(PrometheusConfig),
    /// A Temporal frontend.
    Temporal(TemporalConfig),
}

impl CollectorConfig {
    /// What is special to a Prometheus collector; `None` for another.
    #[must_use]
    pub fn prometheus(&self) -> Option<&PrometheusConfig> {
        match &self.source {
            SourceConfig::Prometheus(config) => Some(config),
            SourceConfig::Temporal(_) => None,
        }
    }
}

/// What is special to a Prometheus collector.
#[derive(Debug, Clone)]
pub struct PrometheusConfig {
    /// What it asks. `$APP_NAME` and `${APP_NAME}` are still to be replaced.
    pub query: String,
    /// The API's address without `/api/v1` and without a trailing slash.
    pub address: String,
    /// The token, as given.
    pub token: Option<Secret>,
    /// What an empty result means; `None`: a failure.
    pub empty: Option<f64>,
    /// A sample older than this is a failure; `None`: age does not matter.
    pub max_age: Option<Duration>,
    /// What to make of several series.
    pub series: SeriesRule,
    /// Which labels tell values apart.
    pub by: By,
    /// With `by: region`, how long a region that lost its series keeps its last value.
    pub absent_after: Duration,
}

/// What is special to a Temporal collector.
#[derive(Debug, Clone)]
pub struct TemporalConfig {
    /// `http://` or `https://`, then host and port. `https://` wherever there is an identity or a key.
    pub address: String,
    /// The namespace.
    pub namespace: String,
    /// What narrows the count of running workflows. `$APP_NAME` is still to be replaced.
    pub query: Option<String>,
    /// The API key.
    pub api_key: Option<Secret>,
    /// The client certificate and its key. They belong together.
    pub identity: Option<TlsIdentity>,
}

/// A client certificate and its private key, both as PEM text.
#[derive(Debug, Clone)]
pub struct TlsIdentity {
    /// The certificate, perhaps with its chain.
    pub certificate: Secret,
    /// The key.
    pub key: Secret,
}

/// What [`load`] found.
#[derive(Debug)]
pub struct Loaded {
    /// What holds.
    pub config: Config,
    /// What works, but perhaps not as meant.
    pub warnings: Vec<Warning>,
    /// Every value with its origin, secrets as `***`.
    pub effective: Vec<EffectiveValue>,
    /// What tells secrets apart without showing them.
    pub hidden: Fingerprints,
}

/// Reads the configuration from `flags`, `env` and the file that one of them names.
///
/// # Errors
///
/// Every mistake that can be found in one go, together with the warnings: a misspelt variable is often why
/// something is missing.
pub fn load(flags: &FlagValues, env: &dyn EnvSource) -> Result<Loaded, ConfigErrors> {
    let mut mistakes = Mistakes::default();
    let mut warnings = Vec::new();
    let mut used = BTreeSet::new();
    let file = match source::find(flags, env, &mut warnings)? {
        Some(source) => read_file(&source, env, &mut used, &mut mistakes)?,
        None => Raw::default(),
    };
    let layering = Layering { flags, env, used, mistakes: &mut mistakes, warnings };
    let (mut raw, mut warnings) = layering.merge(file);
    effective::add_fallback_token(&mut raw.settings, env);
    match validate::validate(&raw, env, &mut mistakes, &mut warnings) {
        Some(config) if mistakes.is_empty() => {
            let Effective { values: effective, hidden } = effective::effective(&raw, env);
            Ok(Loaded { config, warnings, effective, hidden })
        }
        _ => Err(mistakes.into_errors(warnings)),
    }
}

/// Reads the file's settings. Text that is no map of settings ends it here: everything in it would be
/// reported as missing.
fn read_file(
    source: &Arc<SourceText>,
    env: &dyn EnvSource,
    used: &mut BTreeSet<String>,
    mistakes: &mut Mistakes,
) -> Result<Raw, ConfigErrors> {
    let root = yaml::parse(&source.text).map_err(|(error, mark)| {
        let place = Place::Text(Arc::clone(source), mark);
        ConfigError { mistake: Mistake::Yaml(error), place }
    })?;
    FileReader { source, env, used, mistakes }.read(root)
}
