//! From a configuration to what a reconciler is made of, as the binary does it.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::collect::prometheus::{PrometheusQuery, PrometheusSource};
use fly_autoscaler::collect::{Collector, MachineLoads};
use fly_autoscaler::config::{Config, FlagValues, GroupConfig, MapEnv, Secret, load};
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::{By, MetricName, SeriesRule};
use fly_autoscaler::ports::{Clock, LoadSource, StateStore};
use fly_autoscaler::reconcile::{Adapters, Fills, Group, Reconciler, Settings, StopMetrics};
use fly_autoscaler::sim::Simulator;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::Client;

/// A configuration for the app `web` of the organization `acme` of a simulator, as its variables say it, with a
/// queue to go by, and these variables more.
pub(crate) fn config(sim: &Simulator, variables: &[(&str, &str)]) -> Config {
    let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
    let given = [
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", url.as_str()),
        ("FLY_API_BASE_URL", url.as_str()),
    ];
    let env: MapEnv = given.iter().chain(variables).copied().collect();
    load(&FlagValues::default(), &env).unwrap().config
}

/// What scales the one app of `config`.
pub(crate) fn reconciler(
    config: &Config,
    http: &Client,
    clock: Arc<dyn Clock>,
    store: Arc<dyn StateStore>,
) -> Reconciler {
    let api = Arc::new(fly(config, http, Arc::clone(&clock)));
    let metrics = Arc::new(Metrics::new("test", "test"));
    let adapters = Adapters { api, clock, store, metrics };
    let app = config.apps.one().unwrap().clone();
    Reconciler::new(app, collectors(config, http), groups(config), settings(config), adapters)
        .with_stop_metrics(stop_metrics(config, http))
        .with_ticks_apart(config.interval, Fills::default())
}

fn stop_metrics(config: &Config, http: &Client) -> StopMetrics {
    let metrics = config.groups.iter().filter_map(|group| {
        let own = group.stop_metric.as_ref()?;
        let query = PrometheusQuery {
            metric: MetricName::new("stop-metric"),
            query: own.query.clone(),
            by: By::None,
            series: SeriesRule::One,
        };
        let token = own.token.as_ref().map(Secret::as_secret_string);
        let source = PrometheusSource::new(http.clone(), &own.address, token, query).unwrap();
        let loads = MachineLoads::new(source, Duration::from_secs(1));
        Some((group.group.clone(), Arc::new(loads) as Arc<dyn LoadSource>))
    });
    Arc::new(metrics.collect())
}

pub(crate) fn fly(config: &Config, http: &Client, clock: Arc<dyn Clock>) -> FlyClient {
    let token = config.require_api_token().unwrap().as_secret_string();
    let (flaps, api) = (&config.flaps_base_url, &config.api_base_url);
    FlyClient::new(http.clone(), flaps, api, token, clock).unwrap()
}

fn collectors(config: &Config, http: &Client) -> Vec<Collector> {
    config
        .collectors
        .iter()
        .map(|collector| {
            let own = collector.prometheus().unwrap();
            let query = PrometheusQuery {
                metric: collector.metric.clone(),
                query: own.query.clone(),
                by: own.by,
                series: own.series,
            };
            let token = own.token.as_ref().map(Secret::as_secret_string);
            let source = PrometheusSource::new(http.clone(), &own.address, token, query).unwrap();
            Collector {
                source: Box::new(source),
                by: own.by,
                timeout: collector.timeout,
                empty: own.empty,
                max_age: own.max_age,
                on_failure: collector.on_failure,
                last_for: collector.last_for,
                absent_after: own.absent_after,
            }
        })
        .collect()
}

fn groups(config: &Config) -> Vec<Group> {
    let group = |own: &GroupConfig| Group {
        group: own.group.clone(),
        expressions: own.expressions.clone(),
        per_region: own.per_region.clone(),
        policy: Arc::new(own.policy.clone()),
        forecast_min_skill: own.forecast_min_skill,
    };
    config.groups.iter().map(group).collect()
}

fn settings(config: &Config) -> Settings {
    Settings {
        timeout: config.timeout,
        release_guard: config.release_guard,
        release_timeout: config.release_timeout,
        action_concurrency: config.action_concurrency,
        dry_run: config.dry_run,
        own_machine: config.own_machine.clone(),
    }
}
