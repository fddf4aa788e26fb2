//! The top-level settings.

use std::time::Duration;

use super::super::env_vars as var;
use super::damping::{
    SCALE_DOWN_COOLDOWN, SCALE_DOWN_ONLY_DURING, SCALE_DOWN_STABILIZATION_WINDOW,
    SCALE_DOWN_STEP_INTERVAL, SCALE_DOWN_STEP_SIZE, SCALE_DOWN_TOLERANCE, SCALE_UP_COOLDOWN,
    SCALE_UP_ONLY_DURING, SCALE_UP_STABILIZATION_WINDOW, SCALE_UP_STEP_INTERVAL,
    SCALE_UP_STEP_SIZE, SCALE_UP_TOLERANCE, TOLERANCE,
};
use super::journal::{JOURNAL_RETENTION, JOURNAL_SIZE};
use super::leave::{
    CORDON_BEFORE_STOP, DESTROY, STOP_ACTION, STOP_METRIC_ADDRESS, STOP_METRIC_QUERY,
    STOP_METRIC_TOKEN, STOP_ORDER,
};
use super::placement::{
    ALWAYS_RUNNING_REGIONS, EXCLUDED_REGIONS, EXCLUDED_REGIONS_DRAIN, REGION_BACKOFF, REGIONS,
    UNLISTED_REGIONS,
};
use super::{Kind, MILLISECOND, PLAIN, SECOND, Setting};

/// `app-name`
pub const APP_NAME: Setting = Setting {
    key: "app-name",
    env: Some(var::FAS_APP_NAME),
    flag: Some("app-name"),
    flag_aliases: &["app"],
    kind: Kind::AppName,
    doc: "The app whose machines are scaled, or with * a pattern for many apps of one organization",
    example: "my-app",
    ..PLAIN
};
/// `org`
pub const ORG: Setting = Setting {
    key: "org",
    env: Some(var::FAS_ORG),
    flag: Some("org"),
    kind: Kind::OrgSlug,
    doc: "The organization that the app belongs to; required where app-name is a pattern",
    example: "personal",
    ..PLAIN
};
/// `process-group`
pub const PROCESS_GROUP: Setting = Setting {
    key: "process-group",
    env: Some(var::FAS_PROCESS_GROUP),
    flag: Some("process-group"),
    default: Some("app"),
    doc: "The process group that is scaled; machines of other groups are left alone",
    example: "worker",
    ..PLAIN
};
/// `created-machine-count`
pub const CREATED_MACHINE_COUNT: Setting = Setting {
    key: "created-machine-count",
    env: Some(var::FAS_CREATED_MACHINE_COUNT),
    flag: Some("created-machine-count"),
    kind: Kind::Expression,
    doc: "How many machines should exist: they are cloned and destroyed to match",
    example: "ceil(queue_depth / 10)",
    ..PLAIN
};
/// `min-created-machine-count`
pub const MIN_CREATED_MACHINE_COUNT: Setting = Setting {
    key: "min-created-machine-count",
    env: Some(var::FAS_MIN_CREATED_MACHINE_COUNT),
    flag: Some("min-created-machine-count"),
    kind: Kind::Expression,
    doc: "Create machines below this number; needs max-created-machine-count",
    example: "ceil(queue_depth / 10)",
    ..PLAIN
};
/// `max-created-machine-count`
pub const MAX_CREATED_MACHINE_COUNT: Setting = Setting {
    key: "max-created-machine-count",
    env: Some(var::FAS_MAX_CREATED_MACHINE_COUNT),
    flag: Some("max-created-machine-count"),
    kind: Kind::Expression,
    doc: "Destroy machines above this number; needs min-created-machine-count",
    example: "ceil(queue_depth / 10) + 2",
    ..PLAIN
};
/// `started-machine-count`
pub const STARTED_MACHINE_COUNT: Setting = Setting {
    key: "started-machine-count",
    env: Some(var::FAS_STARTED_MACHINE_COUNT),
    flag: Some("started-machine-count"),
    flag_aliases: &["expr"],
    kind: Kind::Expression,
    doc: "How many machines should run: they are started and stopped to match",
    example: "ceil(queue_depth / 10)",
    ..PLAIN
};
/// `min-started-machine-count`
pub const MIN_STARTED_MACHINE_COUNT: Setting = Setting {
    key: "min-started-machine-count",
    env: Some(var::FAS_MIN_STARTED_MACHINE_COUNT),
    flag: Some("min-started-machine-count"),
    kind: Kind::Expression,
    doc: "Start machines below this number; needs max-started-machine-count",
    example: "ceil(queue_depth / 10)",
    ..PLAIN
};
/// `max-started-machine-count`
pub const MAX_STARTED_MACHINE_COUNT: Setting = Setting {
    key: "max-started-machine-count",
    env: Some(var::FAS_MAX_STARTED_MACHINE_COUNT),
    flag: Some("max-started-machine-count"),
    kind: Kind::Expression,
    doc: "Stop machines above this number; needs min-started-machine-count",
    example: "ceil(queue_depth / 10) + 2",
    ..PLAIN
};
/// `min-machines`
pub const MIN_MACHINES: Setting = Setting {
    key: "min-machines",
    env: Some(var::FAS_MIN_MACHINES),
    flag: Some("min-machines"),
    kind: Kind::Count { min: 0, max: 100_000 },
    default: Some("0"),
    doc: "No target is lower than this, whatever the expressions say",
    example: "2",
    ..PLAIN
};
/// `max-machines`
pub const MAX_MACHINES: Setting = Setting {
    key: "max-machines",
    env: Some(var::FAS_MAX_MACHINES),
    flag: Some("max-machines"),
    kind: Kind::Count { min: 1, max: 100_000 },
    default: Some("1000"),
    doc: "No target is higher than this, whatever the expressions say",
    example: "50",
    ..PLAIN
};
/// `forecast-min-skill`
pub const FORECAST_MIN_SKILL: Setting = Setting {
    key: "forecast-min-skill",
    env: Some(var::FAS_FORECAST_MIN_SKILL),
    flag: Some("forecast-min-skill"),
    kind: Kind::Skill,
    doc: "How much better than the last value forecast() must have been of late (0: as good, 1: perfect), or the last value is used; without it, the forecast always is",
    example: "0",
    ..PLAIN
};
/// `initial-machine-state`
pub const INITIAL_MACHINE_STATE: Setting = Setting {
    key: "initial-machine-state",
    env: Some(var::FAS_INITIAL_MACHINE_STATE),
    flag: Some("initial-machine-state"),
    kind: Kind::Choice(&["started", "stopped"]),
    default: Some("started"),
    doc: "Whether new machines run at once (started) or wait (stopped)",
    example: "stopped",
    ..PLAIN
};
/// `destroy-brake`
pub const DESTROY_BRAKE: Setting = Setting {
    key: "destroy-brake",
    env: Some(var::FAS_DESTROY_BRAKE),
    flag: Some("destroy-brake"),
    kind: Kind::Switch,
    default: Some("on"),
    doc: "Destroying more than half of the machines, and more than 3, at once needs the same wish in three ticks",
    example: "off",
    ..PLAIN
};
/// `destroy-force`
pub const DESTROY_FORCE: Setting = Setting {
    key: "destroy-force",
    env: Some(var::FAS_DESTROY_FORCE),
    flag: Some("destroy-force"),
    kind: Kind::Bool,
    default: Some("false"),
    doc: "Destroy running machines at once instead of stopping them first",
    example: "true",
    ..PLAIN
};
/// `volumes`
pub const VOLUMES: Setting = Setting {
    key: "volumes",
    env: Some(var::FAS_VOLUMES),
    flag: Some("volumes"),
    kind: Kind::Choice(&["existing", "create"]),
    default: Some("existing"),
    doc: "Where the cloned machine mounts a volume: use only unattached volumes of that name (existing), or make one where there is none (create)",
    example: "create",
    ..PLAIN
};
/// `release-guard`
pub const RELEASE_GUARD: Setting = Setting {
    key: "release-guard",
    env: Some(var::FAS_RELEASE_GUARD),
    flag: Some("release-guard"),
    kind: Kind::Switch,
    default: Some("on"),
    doc: "Scale nothing while a release is being deployed",
    example: "off",
    ..PLAIN
};
/// `release-timeout`
pub const RELEASE_TIMEOUT: Setting = Setting {
    key: "release-timeout",
    env: Some(var::FAS_RELEASE_TIMEOUT),
    flag: Some("release-timeout"),
    kind: Kind::Duration { min: SECOND },
    default: Some("1h"),
    doc: "A deploy that runs longer is taken as abandoned",
    example: "30m",
    ..PLAIN
};
/// `interval`
pub const INTERVAL: Setting = Setting {
    key: "interval",
    env: Some(var::FAS_INTERVAL),
    flag: Some("interval"),
    kind: Kind::Duration { min: SECOND },
    default: Some("15s"),
    doc: "How often to look and act",
    example: "30s",
    ..PLAIN
};
/// `timeout`
pub const TIMEOUT: Setting = Setting {
    key: "timeout",
    env: Some(var::FAS_TIMEOUT),
    flag: Some("timeout"),
    kind: Kind::Duration { min: MILLISECOND },
    default: Some("30s"),
    doc: "How long one pass over an app may take",
    example: "1m",
    ..PLAIN
};
/// `shutdown-timeout`
pub const SHUTDOWN_TIMEOUT: Setting = Setting {
    key: "shutdown-timeout",
    env: Some(var::FAS_SHUTDOWN_TIMEOUT),
    flag: Some("shutdown-timeout"),
    kind: Kind::Duration { min: Duration::ZERO },
    default: Some("4s"),
    doc: "How long running actions may take to finish after SIGINT or SIGTERM",
    example: "10s",
    ..PLAIN
};
/// `concurrency`
pub const CONCURRENCY: Setting = Setting {
    key: "concurrency",
    env: Some(var::FAS_CONCURRENCY),
    flag: Some("concurrency"),
    kind: Kind::Count { min: 1, max: 1000 },
    default: Some("8"),
    doc: "How many apps are worked on at once, where app-name is a pattern",
    example: "16",
    ..PLAIN
};
/// `action-concurrency`
pub const ACTION_CONCURRENCY: Setting = Setting {
    key: "action-concurrency",
    env: Some(var::FAS_ACTION_CONCURRENCY),
    flag: Some("action-concurrency"),
    kind: Kind::Count { min: 1, max: 100 },
    default: Some("8"),
    doc: "How many machines of an app are changed at once",
    example: "4",
    ..PLAIN
};
/// `app-list-refresh-interval`
pub const APP_LIST_REFRESH_INTERVAL: Setting = Setting {
    key: "app-list-refresh-interval",
    env: Some(var::FAS_APP_LIST_REFRESH_INTERVAL),
    flag: Some("app-list-refresh-interval"),
    kind: Kind::Duration { min: SECOND },
    default: Some("60s"),
    doc: "How often to look for new apps, where app-name is a pattern",
    example: "5m",
    ..PLAIN
};
/// `metrics-per-app`
pub const METRICS_PER_APP: Setting = Setting {
    key: "metrics-per-app",
    env: Some(var::FAS_METRICS_PER_APP),
    flag: Some("metrics-per-app"),
    kind: Kind::Bool,
    doc: "Whether /metrics has series for each app; without it, up to 1,000 apps, and sums beyond",
    example: "true",
    ..PLAIN
};
/// `state`
pub const STATE: Setting = Setting {
    key: "state",
    env: Some(var::FAS_STATE),
    flag: Some("state"),
    kind: Kind::Path,
    doc: "The file in which what decisions remember survives a restart, best on a volume; without it, in memory",
    example: "/data/fas.db",
    ..PLAIN
};
/// `api-token`
pub const API_TOKEN: Setting = Setting {
    key: "api-token",
    env: Some(var::FAS_API_TOKEN),
    flag: Some("api-token"),
    doc: "Fly.io token that may change the app's machines (`fly tokens create deploy`)",
    example: "FlyV1 ...",
    is_secret: true,
    ..PLAIN
};
/// `listen`
pub const LISTEN: Setting = Setting {
    key: "listen",
    env: Some(var::FAS_LISTEN),
    flag: Some("listen"),
    kind: Kind::Listen,
    default: Some("[::]:9090"),
    doc: "Where /metrics, /healthz, /readyz, /status and the HTTP API (/api/v1) are served",
    example: "127.0.0.1:9090",
    ..PLAIN
};
/// `http-token`
pub const HTTP_TOKEN: Setting = Setting {
    key: "http-token",
    env: Some(var::FAS_HTTP_TOKEN),
    flag: Some("http-token"),
    kind: Kind::Bearer,
    doc: "Who sends it may trigger, pause and resume over HTTP; at least 16 characters; without it, nobody may",
    example: "c2NhbGUgbm90IHBhbmlj",
    is_secret: true,
    ..PLAIN
};
/// `log-format`
pub const LOG_FORMAT: Setting = Setting {
    key: "log-format",
    env: Some(var::FAS_LOG_FORMAT),
    flag: Some("log-format"),
    kind: Kind::Choice(&["json", "text"]),
    doc: "How log lines look: json or text; without it, text on a terminal and json elsewhere",
    example: "json",
    ..PLAIN
};
/// `verbose`
pub const VERBOSE: Setting = Setting {
    key: "verbose",
    env: Some(var::FAS_VERBOSE),
    flag: Some("verbose"),
    kind: Kind::Bool,
    default: Some("false"),
    doc: "Log what happens in quiet passes too",
    example: "true",
    ..PLAIN
};
/// `dry-run`
pub const DRY_RUN: Setting = Setting {
    key: "dry-run",
    env: Some(var::FAS_DRY_RUN),
    flag: Some("dry-run"),
    kind: Kind::Bool,
    default: Some("false"),
    doc: "Compute and show everything, change nothing",
    example: "true",
    ..PLAIN
};
/// All top-level settings, in the order in which they are documented. `metric-collectors` is not one:
/// it is a list of [`COLLECTOR_SETTINGS`](super::COLLECTOR_SETTINGS); nor is `process-groups`, a map of
/// [`GROUP_SETTINGS`](super::GROUP_SETTINGS), nor `per-region`, a map of
/// [`REGION_SETTINGS`](super::REGION_SETTINGS).
pub static SETTINGS: &[&Setting] = &[
    &APP_NAME,
    &ORG,
    &REGIONS,
    &EXCLUDED_REGIONS,
    &EXCLUDED_REGIONS_DRAIN,
    &ALWAYS_RUNNING_REGIONS,
    &UNLISTED_REGIONS,
    &REGION_BACKOFF,
    &PROCESS_GROUP,
    &CREATED_MACHINE_COUNT,
    &MIN_CREATED_MACHINE_COUNT,
    &MAX_CREATED_MACHINE_COUNT,
    &STARTED_MACHINE_COUNT,
    &MIN_STARTED_MACHINE_COUNT,
    &MAX_STARTED_MACHINE_COUNT,
    &MIN_MACHINES,
    &MAX_MACHINES,
    &TOLERANCE,
    &SCALE_UP_TOLERANCE,
    &SCALE_UP_STABILIZATION_WINDOW,
    &SCALE_UP_STEP_SIZE,
    &SCALE_UP_STEP_INTERVAL,
    &SCALE_UP_COOLDOWN,
    &SCALE_UP_ONLY_DURING,
    &SCALE_DOWN_TOLERANCE,
    &SCALE_DOWN_STABILIZATION_WINDOW,
    &SCALE_DOWN_STEP_SIZE,
    &SCALE_DOWN_STEP_INTERVAL,
    &SCALE_DOWN_COOLDOWN,
    &SCALE_DOWN_ONLY_DURING,
    &FORECAST_MIN_SKILL,
    &INITIAL_MACHINE_STATE,
    &STOP_ORDER,
    &STOP_METRIC_QUERY,
    &STOP_METRIC_ADDRESS,
    &STOP_METRIC_TOKEN,
    &STOP_ACTION,
    &CORDON_BEFORE_STOP,
    &DESTROY,
    &DESTROY_BRAKE,
    &DESTROY_FORCE,
    &VOLUMES,
    &RELEASE_GUARD,
    &RELEASE_TIMEOUT,
    &INTERVAL,
    &TIMEOUT,
    &SHUTDOWN_TIMEOUT,
    &CONCURRENCY,
    &ACTION_CONCURRENCY,
    &APP_LIST_REFRESH_INTERVAL,
    &METRICS_PER_APP,
    &STATE,
    &JOURNAL_RETENTION,
    &JOURNAL_SIZE,
    &API_TOKEN,
    &LISTEN,
    &HTTP_TOKEN,
    &LOG_FORMAT,
    &VERBOSE,
    &DRY_RUN,
];
