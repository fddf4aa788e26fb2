//! From a configuration to the adapters and to what scales its apps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fly_autoscaler::collect::prometheus::{PrometheusQuery, PrometheusSource};
use fly_autoscaler::collect::temporal::{Credentials, TemporalQuery, TemporalSource};
use fly_autoscaler::collect::{Collector, MachineLoads};
use fly_autoscaler::config::{
    CollectorConfig, Config, GroupConfig, PrometheusConfig, Secret, SourceConfig, TemporalConfig,
};
use fly_autoscaler::decide::Unlisted;
use fly_autoscaler::fleet::Matching;
use fly_autoscaler::fly::{CallSeen, FlyClient, OrgClient};
use fly_autoscaler::model::{
    AppName, AppSelection, By, MetricName, Region, RegionList, SeriesRule, Timestamp,
};
use fly_autoscaler::ports::{
    Clock, LoadSource, MachinesApi, Organization, Overview, Platform, StateStore,
};
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::reconcile::{Adapters, Atlas, Fills, Group, Reconciler, Settings, StopMetrics};
use fly_autoscaler::supervisor::{Apps, Fleet, Renewal};
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::telemetry::events::ApiCall;
use fly_autoscaler::transport;

/// How long to wait for a connection to Fly, Prometheus or Temporal.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one request to Fly may take. Creates pull nothing: they are answered when the machine is
/// placed, within seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// How long asking for the load of machines may take, which comes out of the tick's time: as long as a
/// collector may by default.
const STOP_METRIC_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a command that answers once may take for all models together. Each takes some milliseconds, so
/// that this is only felt where very many apps forecast; what has none then is held, or uses the last value.
const FITTED_WITHIN: Duration = Duration::from_secs(5);

/// Models for a command that answers once: each is made when it is asked for.
pub(crate) fn fits_at_once(clock: Arc<dyn Clock>) -> Arc<Fits> {
    Arc::new(Fits::at_once(clock, FITTED_WITHIN))
}

/// The HTTP client that everything shares, for these addresses. What is slower than the tick allows is
/// cut off by it.
pub(crate) fn http_client<'a>(
    addresses: impl Iterator<Item = &'a str>,
) -> anyhow::Result<transport::Client> {
    let timeouts = transport::Timeouts { connect: CONNECT_TIMEOUT, request: REQUEST_TIMEOUT };
    // Reading the system's certificates is most of what starting up costs.
    let client = if needs_https(addresses) {
        transport::client(timeouts)
    } else {
        transport::client_without_https(timeouts)
    };
    client.context("cannot set up the HTTP client")
}

/// Whether any of the addresses is asked over TLS.
pub(crate) fn needs_https<'a>(mut addresses: impl Iterator<Item = &'a str>) -> bool {
    addresses.any(|address| !address.starts_with("http://"))
}

/// Where Fly is.
pub(crate) fn fly_addresses(config: &Config) -> impl Iterator<Item = &str> {
    [config.flaps_base_url.as_str(), config.api_base_url.as_str()].into_iter()
}

/// Everything that is asked.
pub(crate) fn all_addresses(config: &Config) -> impl Iterator<Item = &str> {
    let stop_metrics = config.groups.iter().filter_map(|own| own.stop_metric.as_ref());
    fly_addresses(config)
        .chain(prometheus_addresses(&config.collectors))
        .chain(stop_metrics.map(|own| own.address.as_str()))
}

/// What the collectors ask by HTTP. Temporal has connections of its own.
pub(crate) fn prometheus_addresses(configs: &[CollectorConfig]) -> impl Iterator<Item = &str> {
    configs.iter().filter_map(|config| Some(config.prometheus()?.address.as_str()))
}

/// Fly, with every request counted.
pub(crate) fn fly(
    config: &Config,
    token: &Secret,
    http: transport::Client,
    clock: Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<Arc<FlyClient>> {
    let metrics = Arc::clone(metrics);
    let observer = Arc::new(move |seen: &CallSeen<'_>| {
        ApiCall {
            operation: seen.operation.as_str(),
            subject: seen.subject,
            status: seen.status,
            duration: seen.duration,
            request_id: seen.request_id,
        }
        .emit(&metrics);
    });
    let client = FlyClient::new(
        http,
        &config.flaps_base_url,
        &config.api_base_url,
        token.as_secret_string(),
        clock,
    )?;
    Ok(Arc::new(client.with_observer(observer)))
}

/// Fly's regions, where the configuration says anything of regions: otherwise nobody needs to ask.
pub(crate) fn atlas(
    config: &Config,
    platform: Arc<dyn Platform>,
    clock: Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> Option<Arc<Atlas>> {
    let named = named_regions(config)?;
    Some(Arc::new(Atlas::new(platform, clock, Arc::clone(metrics), named)))
}

/// The regions that the configuration names; `None` where it says nothing of regions.
pub(crate) fn named_regions(config: &Config) -> Option<BTreeSet<Region>> {
    let mut named: BTreeSet<Region> = BTreeSet::new();
    let mut is_needed = false;
    for group in &config.groups {
        let (policy, per_region) = (&group.policy, &group.per_region);
        named.extend(policy.regions.listed().iter().cloned());
        named.extend(policy.excluded_regions.iter().chain(&policy.always_running).cloned());
        named.extend(per_region.own.keys().chain(policy.region_limits.own.keys()).cloned());
        is_needed |= policy.regions == RegionList::Auto
            || policy.unlisted == Unlisted::Nearest
            || !per_region.is_empty();
    }
    (is_needed || !named.is_empty()).then_some(named)
}

/// For how long one answer serves all apps that want it, where there are many: long enough for a tick of
/// all of them, short enough that the next tick sees a new one.
pub(crate) fn shared_for(config: &Config) -> Option<Duration> {
    config.apps.one().is_none().then(|| config.interval / 3)
}

/// The collectors of a configuration. Those whose query is the same for all apps ask once for all that
/// want to know within `shared_for`.
pub(crate) fn collectors(
    configs: &[CollectorConfig],
    http: &transport::Client,
    shared_for: Option<Duration>,
) -> anyhow::Result<Vec<Collector>> {
    let collector = |config: &CollectorConfig| {
        match &config.source {
            SourceConfig::Prometheus(own) => prometheus(config, own, http, shared_for),
            SourceConfig::Temporal(own) => temporal(config, own, shared_for),
        }
        .with_context(|| format!("metric {}", config.metric))
    };
    configs.iter().map(collector).collect()
}

fn prometheus(
    config: &CollectorConfig,
    own: &PrometheusConfig,
    http: &transport::Client,
    shared_for: Option<Duration>,
) -> anyhow::Result<Collector> {
    let query = PrometheusQuery {
        metric: config.metric.clone(),
        query: own.query.clone(),
        by: own.by,
        series: own.series,
    };
    let token = own.token.as_ref().map(Secret::as_secret_string);
    let mut source = PrometheusSource::new(http.clone(), &own.address, token, query)?;
    if let Some(fresh_for) = shared_for {
        source = source.shared_for(fresh_for, config.timeout);
    }
    Ok(Collector {
        source: Box::new(source),
        by: own.by,
        timeout: config.timeout,
        empty: own.empty,
        max_age: own.max_age,
        on_failure: config.on_failure,
        last_for: config.last_for,
        absent_after: own.absent_after,
    })
}

/// What tells the load of each group's machines, for the groups in which they leave in that order.
pub(crate) fn stop_metrics(
    config: &Config,
    http: &transport::Client,
    shared_for: Option<Duration>,
) -> anyhow::Result<StopMetrics> {
    let mut all = BTreeMap::new();
    for group in &config.groups {
        let Some(own) = &group.stop_metric else { continue };
        let query = PrometheusQuery {
            metric: MetricName::new("stop-metric"),
            query: own.query.clone(),
            by: By::None,
            series: SeriesRule::One,
        };
        let token = own.token.as_ref().map(Secret::as_secret_string);
        let mut source = PrometheusSource::new(http.clone(), &own.address, token, query)
            .context("stop-metric")?;
        if let Some(fresh_for) = shared_for {
            source = source.shared_for(fresh_for, STOP_METRIC_TIMEOUT);
        }
        let source: Arc<dyn LoadSource> = Arc::new(MachineLoads::new(source, STOP_METRIC_TIMEOUT));
        all.insert(group.group.clone(), source);
    }
    Ok(all.into())
}

fn temporal(
    config: &CollectorConfig,
    own: &TemporalConfig,
    shared_for: Option<Duration>,
) -> anyhow::Result<Collector> {
    let query = TemporalQuery {
        metric: config.metric.clone(),
        namespace: own.namespace.clone(),
        query: own.query.clone(),
    };
    let credentials = Credentials {
        api_key: own.api_key.as_ref().map(Secret::as_secret_string),
        identity: own
            .identity
            .as_ref()
            .map(|pair| [&pair.certificate, &pair.key].map(Secret::as_secret_string)),
    };
    let mut source = TemporalSource::new(&own.address, credentials, query, CONNECT_TIMEOUT)?;
    if let Some(fresh_for) = shared_for {
        source = source.shared_for(fresh_for, config.timeout);
    }
    Ok(Collector {
        source: Box::new(source),
        by: By::None,
        timeout: config.timeout,
        // A count is never empty, and is always of now.
        empty: None,
        max_age: None,
        on_failure: config.on_failure,
        last_for: config.last_for,
        absent_after: Duration::ZERO,
    })
}

/// The process groups of a configuration, as ticks take them.
pub(crate) fn groups(config: &Config) -> Vec<Group> {
    let group = |own: &GroupConfig| Group {
        group: own.group.clone(),
        expressions: own.expressions.clone(),
        per_region: own.per_region.clone(),
        policy: Arc::new(own.policy.clone()),
        forecast_min_skill: own.forecast_min_skill,
    };
    config.groups.iter().map(group).collect()
}

/// Everything that scaling takes, but for the app: one for all of them.
pub(crate) struct Scaling {
    collectors: Arc<[Collector]>,
    groups: Arc<[Group]>,
    settings: Settings,
    adapters: Adapters,
    stop_metrics: StopMetrics,
    overview: Option<Arc<dyn Overview>>,
    atlas: Option<Arc<Atlas>>,
    interval: Duration,
    /// The turns in which the apps ask for the past.
    fills: Fills,
    /// The models of what the apps forecast.
    fits: Arc<Fits>,
}

impl Scaling {
    pub(crate) fn new(
        config: &Config,
        collectors: Vec<Collector>,
        api: Arc<dyn MachinesApi>,
        clock: Arc<dyn Clock>,
        store: Arc<dyn StateStore>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let settings = Settings {
            timeout: config.timeout,
            release_guard: config.release_guard,
            release_timeout: config.release_timeout,
            action_concurrency: config.action_concurrency,
            dry_run: config.dry_run,
            own_machine: config.own_machine.clone(),
        };
        Self {
            collectors: collectors.into(),
            groups: groups(config).into(),
            settings,
            adapters: Adapters { api, clock, store, metrics },
            stop_metrics: StopMetrics::default(),
            overview: None,
            atlas: None,
            interval: config.interval,
            fills: Fills::default(),
            fits: Arc::default(),
        }
    }

    /// The same, with `metrics` for the order in which machines leave.
    pub(crate) fn with_stop_metrics(mut self, metrics: StopMetrics) -> Self {
        self.stop_metrics = metrics;
        self
    }

    /// The same, with Fly's regions from `atlas` if there is one.
    pub(crate) fn with_atlas(mut self, atlas: Option<Arc<Atlas>>) -> Self {
        self.atlas = atlas;
        self
    }

    /// The same, with models of what the apps forecast from `fits`.
    pub(crate) fn with_fits(mut self, fits: Arc<Fits>) -> Self {
        self.fits = fits;
        self
    }

    /// The same, which asks each app itself only where `overview` does not tell enough.
    pub(crate) fn with_overview(mut self, overview: Option<Arc<dyn Overview>>) -> Self {
        self.overview = overview;
        self
    }

    /// The same, which asks for the past in turn with all others that share `fills`.
    pub(crate) fn with_fills(mut self, fills: Fills) -> Self {
        self.fills = fills;
        self
    }

    /// What scales `app`.
    pub(crate) fn of(&self, app: AppName) -> Reconciler {
        let (collectors, groups) = (Arc::clone(&self.collectors), Arc::clone(&self.groups));
        let (settings, adapters) = (self.settings.clone(), self.adapters.clone());
        let mut reconciler = Reconciler::new(app, collectors, groups, settings, adapters)
            .with_stop_metrics(Arc::clone(&self.stop_metrics))
            .with_ticks_apart(self.interval, self.fills.clone())
            .with_forecasts(Arc::clone(&self.fits));
        if let Some(overview) = &self.overview {
            reconciler = reconciler.with_overview(Arc::clone(overview));
        }
        match &self.atlas {
            Some(atlas) => reconciler.with_atlas(Arc::clone(atlas)),
            None => reconciler,
        }
    }

    /// The apps of a configuration, with what scales them.
    pub(crate) fn apps(self, config: &Config, fly: &Arc<FlyClient>) -> Apps {
        let (pattern, organization) = match &config.apps {
            AppSelection::One(app) => return self.of(app.clone()).into(),
            AppSelection::Matching { pattern, org } => (pattern.clone(), organization(fly, org)),
        };
        Apps::Found(Fleet {
            pattern: pattern.clone(),
            directory: Arc::new(Matching::new(organization, pattern, config.own_app.clone())),
            refresh: config.app_list_refresh_interval,
            is_spread: self.is_spread(),
            make: Box::new(move |app| self.of(app)),
            concurrency: config.concurrency,
        })
    }

    /// How the same apps are scaled from now on.
    pub(crate) fn renewal(self, config: &Config) -> Renewal {
        Renewal {
            interval: config.interval,
            shutdown_timeout: config.shutdown_timeout,
            refresh: config.app_list_refresh_interval,
            concurrency: config.concurrency,
            is_spread: config.apps.one().is_none() && self.is_spread(),
            make: Arc::new(move |app| self.of(app)),
        }
    }

    /// Whether each app costs requests of its own.
    fn is_spread(&self) -> bool {
        !self.collectors.iter().all(|collector| collector.source.serves_all_apps())
    }
}

/// The organization `slug`, as Fly tells of it.
pub(crate) fn organization(fly: &Arc<FlyClient>, slug: &str) -> Arc<dyn Organization> {
    Arc::new(OrgClient::new(Arc::clone(fly), slug))
}

/// Tells this process's create requests from those of any other scaler: the machine it runs on, or
/// else the process, and when it began.
pub(crate) fn scaler_id(config: &Config, now: Timestamp) -> String {
    let host = config
        .own_machine
        .as_ref()
        .map_or_else(|| std::process::id().to_string(), ToString::to_string);
    format!("{host}-{:x}", now.as_millis())
}
