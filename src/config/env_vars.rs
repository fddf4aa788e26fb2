//! Every environment variable that this program knows, one constant each.
//!
//! Which key a variable sets, with what default, stands in [`super::setting`].

/// Path of the YAML file, where `--config` is not given.
pub const FAS_CONFIG: &str = "FAS_CONFIG";
/// The YAML itself, for those who can only set variables.
pub const FAS_CONFIG_YAML: &str = "FAS_CONFIG_YAML";

/// Sets `app-name`.
pub const FAS_APP_NAME: &str = "FAS_APP_NAME";
/// Sets `org`.
pub const FAS_ORG: &str = "FAS_ORG";
/// Sets `regions`: a comma list.
pub const FAS_REGIONS: &str = "FAS_REGIONS";
/// Sets `excluded-regions`: a comma list.
pub const FAS_EXCLUDED_REGIONS: &str = "FAS_EXCLUDED_REGIONS";
/// Sets `excluded-regions-drain`.
pub const FAS_EXCLUDED_REGIONS_DRAIN: &str = "FAS_EXCLUDED_REGIONS_DRAIN";
/// Sets `always-running-regions`: a comma list.
pub const FAS_ALWAYS_RUNNING_REGIONS: &str = "FAS_ALWAYS_RUNNING_REGIONS";
/// Sets `unlisted-regions`.
pub const FAS_UNLISTED_REGIONS: &str = "FAS_UNLISTED_REGIONS";
/// Sets `region-backoff`.
pub const FAS_REGION_BACKOFF: &str = "FAS_REGION_BACKOFF";
/// Sets `process-group`.
pub const FAS_PROCESS_GROUP: &str = "FAS_PROCESS_GROUP";
/// Sets `created-machine-count`.
pub const FAS_CREATED_MACHINE_COUNT: &str = "FAS_CREATED_MACHINE_COUNT";
/// Sets `min-created-machine-count`.
pub const FAS_MIN_CREATED_MACHINE_COUNT: &str = "FAS_MIN_CREATED_MACHINE_COUNT";
/// Sets `max-created-machine-count`.
pub const FAS_MAX_CREATED_MACHINE_COUNT: &str = "FAS_MAX_CREATED_MACHINE_COUNT";
/// Sets `started-machine-count`.
pub const FAS_STARTED_MACHINE_COUNT: &str = "FAS_STARTED_MACHINE_COUNT";
/// Sets `min-started-machine-count`.
pub const FAS_MIN_STARTED_MACHINE_COUNT: &str = "FAS_MIN_STARTED_MACHINE_COUNT";
/// Sets `max-started-machine-count`.
pub const FAS_MAX_STARTED_MACHINE_COUNT: &str = "FAS_MAX_STARTED_MACHINE_COUNT";
/// Sets `min-machines`.
pub const FAS_MIN_MACHINES: &str = "FAS_MIN_MACHINES";
/// Sets `max-machines`.
pub const FAS_MAX_MACHINES: &str = "FAS_MAX_MACHINES";
/// Sets `tolerance`.
pub const FAS_TOLERANCE: &str = "FAS_TOLERANCE";
/// Sets `scale-up-tolerance`.
pub const FAS_SCALE_UP_TOLERANCE: &str = "FAS_SCALE_UP_TOLERANCE";
/// Sets `scale-up-stabilization-window`.
pub const FAS_SCALE_UP_STABILIZATION_WINDOW: &str = "FAS_SCALE_UP_STABILIZATION_WINDOW";
/// Sets `scale-up-step-size`.
pub const FAS_SCALE_UP_STEP_SIZE: &str = "FAS_SCALE_UP_STEP_SIZE";
/// Sets `scale-up-step-interval`.
pub const FAS_SCALE_UP_STEP_INTERVAL: &str = "FAS_SCALE_UP_STEP_INTERVAL";
/// Sets `scale-up-cooldown`.
pub const FAS_SCALE_UP_COOLDOWN: &str = "FAS_SCALE_UP_COOLDOWN";
/// Sets `scale-up-only-during`.
pub const FAS_SCALE_UP_ONLY_DURING: &str = "FAS_SCALE_UP_ONLY_DURING";
/// Sets `scale-down-tolerance`.
pub const FAS_SCALE_DOWN_TOLERANCE: &str = "FAS_SCALE_DOWN_TOLERANCE";
/// Sets `scale-down-stabilization-window`.
pub const FAS_SCALE_DOWN_STABILIZATION_WINDOW: &str = "FAS_SCALE_DOWN_STABILIZATION_WINDOW";
/// Sets `scale-down-step-size`.
pub const FAS_SCALE_DOWN_STEP_SIZE: &str = "FAS_SCALE_DOWN_STEP_SIZE";
/// Sets `scale-down-step-interval`.
pub const FAS_SCALE_DOWN_STEP_INTERVAL: &str = "FAS_SCALE_DOWN_STEP_INTERVAL";
/// Sets `scale-down-cooldown`.
pub const FAS_SCALE_DOWN_COOLDOWN: &str = "FAS_SCALE_DOWN_COOLDOWN";
/// Sets `scale-down-only-during`.
pub const FAS_SCALE_DOWN_ONLY_DURING: &str = "FAS_SCALE_DOWN_ONLY_DURING";
/// Sets `initial-machine-state`.
pub const FAS_INITIAL_MACHINE_STATE: &str = "FAS_INITIAL_MACHINE_STATE";
/// Sets `stop-order`.
pub const FAS_STOP_ORDER: &str = "FAS_STOP_ORDER";
/// Sets `query` of `stop-metric`.
pub const FAS_STOP_METRIC_PROMETHEUS_QUERY: &str = "FAS_STOP_METRIC_PROMETHEUS_QUERY";
/// Sets `address` of `stop-metric`.
pub const FAS_STOP_METRIC_PROMETHEUS_ADDRESS: &str = "FAS_STOP_METRIC_PROMETHEUS_ADDRESS";
/// Sets `token` of `stop-metric`.
pub const FAS_STOP_METRIC_PROMETHEUS_TOKEN: &str = "FAS_STOP_METRIC_PROMETHEUS_TOKEN";
/// Sets `cordon-before-stop`.
pub const FAS_CORDON_BEFORE_STOP: &str = "FAS_CORDON_BEFORE_STOP";
/// Sets `destroy`.
pub const FAS_DESTROY: &str = "FAS_DESTROY";
/// Sets `stop-action`.
pub const FAS_STOP_ACTION: &str = "FAS_STOP_ACTION";
/// Sets `destroy-brake`.
pub const FAS_DESTROY_BRAKE: &str = "FAS_DESTROY_BRAKE";
/// Sets `forecast-min-skill`.
pub const FAS_FORECAST_MIN_SKILL: &str = "FAS_FORECAST_MIN_SKILL";
/// Sets `destroy-force`.
pub const FAS_DESTROY_FORCE: &str = "FAS_DESTROY_FORCE";
/// Sets `volumes`.
pub const FAS_VOLUMES: &str = "FAS_VOLUMES";
/// Sets `release-guard`.
pub const FAS_RELEASE_GUARD: &str = "FAS_RELEASE_GUARD";
/// Sets `release-timeout`.
pub const FAS_RELEASE_TIMEOUT: &str = "FAS_RELEASE_TIMEOUT";
/// Sets `interval`.
pub const FAS_INTERVAL: &str = "FAS_INTERVAL";
/// Sets `timeout`.
pub const FAS_TIMEOUT: &str = "FAS_TIMEOUT";
/// Sets `shutdown-timeout`.
pub const FAS_SHUTDOWN_TIMEOUT: &str = "FAS_SHUTDOWN_TIMEOUT";
/// Sets `concurrency`.
pub const FAS_CONCURRENCY: &str = "FAS_CONCURRENCY";
/// Sets `action-concurrency`.
pub const FAS_ACTION_CONCURRENCY: &str = "FAS_ACTION_CONCURRENCY";
/// Sets `app-list-refresh-interval`.
pub const FAS_APP_LIST_REFRESH_INTERVAL: &str = "FAS_APP_LIST_REFRESH_INTERVAL";
/// Sets `metrics-per-app`.
pub const FAS_METRICS_PER_APP: &str = "FAS_METRICS_PER_APP";
/// Sets `state`.
pub const FAS_STATE: &str = "FAS_STATE";
/// Sets `api-token`.
pub const FAS_API_TOKEN: &str = "FAS_API_TOKEN";
/// Sets `http-token`.
pub const FAS_HTTP_TOKEN: &str = "FAS_HTTP_TOKEN";
/// Sets `listen`.
pub const FAS_LISTEN: &str = "FAS_LISTEN";
/// Sets `log-format`.
pub const FAS_LOG_FORMAT: &str = "FAS_LOG_FORMAT";
/// Sets `verbose`.
pub const FAS_VERBOSE: &str = "FAS_VERBOSE";
/// Sets `dry-run`.
pub const FAS_DRY_RUN: &str = "FAS_DRY_RUN";

/// Sets `created-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_CREATED_MACHINE_COUNT: &str = "FAS_REGION_CREATED_MACHINE_COUNT";
/// Sets `min-created-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_MIN_CREATED_MACHINE_COUNT: &str = "FAS_REGION_MIN_CREATED_MACHINE_COUNT";
/// Sets `max-created-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_MAX_CREATED_MACHINE_COUNT: &str = "FAS_REGION_MAX_CREATED_MACHINE_COUNT";
/// Sets `started-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_STARTED_MACHINE_COUNT: &str = "FAS_REGION_STARTED_MACHINE_COUNT";
/// Sets `min-started-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_MIN_STARTED_MACHINE_COUNT: &str = "FAS_REGION_MIN_STARTED_MACHINE_COUNT";
/// Sets `max-started-machine-count` of `"*"` under `per-region`.
pub const FAS_REGION_MAX_STARTED_MACHINE_COUNT: &str = "FAS_REGION_MAX_STARTED_MACHINE_COUNT";
/// Sets `min-machines` of `"*"` under `per-region`.
pub const FAS_REGION_MIN_MACHINES: &str = "FAS_REGION_MIN_MACHINES";
/// Sets `max-machines` of `"*"` under `per-region`.
pub const FAS_REGION_MAX_MACHINES: &str = "FAS_REGION_MAX_MACHINES";
/// Sets `tolerance` of `"*"` under `per-region`.
pub const FAS_REGION_TOLERANCE: &str = "FAS_REGION_TOLERANCE";
/// Sets `scale-up-tolerance` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_TOLERANCE: &str = "FAS_REGION_SCALE_UP_TOLERANCE";
/// Sets `scale-up-stabilization-window` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_STABILIZATION_WINDOW: &str =
    "FAS_REGION_SCALE_UP_STABILIZATION_WINDOW";
/// Sets `scale-up-step-size` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_STEP_SIZE: &str = "FAS_REGION_SCALE_UP_STEP_SIZE";
/// Sets `scale-up-step-interval` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_STEP_INTERVAL: &str = "FAS_REGION_SCALE_UP_STEP_INTERVAL";
/// Sets `scale-up-cooldown` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_COOLDOWN: &str = "FAS_REGION_SCALE_UP_COOLDOWN";
/// Sets `scale-up-only-during` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_UP_ONLY_DURING: &str = "FAS_REGION_SCALE_UP_ONLY_DURING";
/// Sets `scale-down-tolerance` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_TOLERANCE: &str = "FAS_REGION_SCALE_DOWN_TOLERANCE";
/// Sets `scale-down-stabilization-window` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_STABILIZATION_WINDOW: &str =
    "FAS_REGION_SCALE_DOWN_STABILIZATION_WINDOW";
/// Sets `scale-down-step-size` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_STEP_SIZE: &str = "FAS_REGION_SCALE_DOWN_STEP_SIZE";
/// Sets `scale-down-step-interval` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_STEP_INTERVAL: &str = "FAS_REGION_SCALE_DOWN_STEP_INTERVAL";
/// Sets `scale-down-cooldown` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_COOLDOWN: &str = "FAS_REGION_SCALE_DOWN_COOLDOWN";
/// Sets `scale-down-only-during` of `"*"` under `per-region`.
pub const FAS_REGION_SCALE_DOWN_ONLY_DURING: &str = "FAS_REGION_SCALE_DOWN_ONLY_DURING";

/// `address` of the collector that the environment describes.
pub const FAS_PROMETHEUS_ADDRESS: &str = "FAS_PROMETHEUS_ADDRESS";
/// Its `metric-name`.
pub const FAS_PROMETHEUS_METRIC_NAME: &str = "FAS_PROMETHEUS_METRIC_NAME";
/// Its `query`.
pub const FAS_PROMETHEUS_QUERY: &str = "FAS_PROMETHEUS_QUERY";
/// Its `token`.
pub const FAS_PROMETHEUS_TOKEN: &str = "FAS_PROMETHEUS_TOKEN";
/// Its `timeout`.
pub const FAS_PROMETHEUS_TIMEOUT: &str = "FAS_PROMETHEUS_TIMEOUT";
/// Its `empty`.
pub const FAS_PROMETHEUS_EMPTY: &str = "FAS_PROMETHEUS_EMPTY";
/// Its `max-age`.
pub const FAS_PROMETHEUS_MAX_AGE: &str = "FAS_PROMETHEUS_MAX_AGE";
/// Its `on-failure`.
pub const FAS_PROMETHEUS_ON_FAILURE: &str = "FAS_PROMETHEUS_ON_FAILURE";
/// Its `last-for`.
pub const FAS_PROMETHEUS_LAST_FOR: &str = "FAS_PROMETHEUS_LAST_FOR";
/// Its `series`.
pub const FAS_PROMETHEUS_SERIES: &str = "FAS_PROMETHEUS_SERIES";
/// Its `by`: a comma list.
pub const FAS_PROMETHEUS_BY: &str = "FAS_PROMETHEUS_BY";
/// Its `absent-after`.
pub const FAS_PROMETHEUS_ABSENT_AFTER: &str = "FAS_PROMETHEUS_ABSENT_AFTER";

/// `address` of the Temporal collector that the environment describes.
pub const FAS_TEMPORAL_ADDRESS: &str = "FAS_TEMPORAL_ADDRESS";
/// Its `namespace`.
pub const FAS_TEMPORAL_NAMESPACE: &str = "FAS_TEMPORAL_NAMESPACE";
/// Its `metric-name`.
pub const FAS_TEMPORAL_METRIC_NAME: &str = "FAS_TEMPORAL_METRIC_NAME";
/// Its `query`.
pub const FAS_TEMPORAL_QUERY: &str = "FAS_TEMPORAL_QUERY";
/// Its `cert-data`.
pub const FAS_TEMPORAL_CERT_DATA: &str = "FAS_TEMPORAL_CERT_DATA";
/// Its `key-data`.
pub const FAS_TEMPORAL_KEY_DATA: &str = "FAS_TEMPORAL_KEY_DATA";
/// Its `api-key`.
pub const FAS_TEMPORAL_API_KEY: &str = "FAS_TEMPORAL_API_KEY";
/// Its `timeout`.
pub const FAS_TEMPORAL_TIMEOUT: &str = "FAS_TEMPORAL_TIMEOUT";
/// Its `on-failure`.
pub const FAS_TEMPORAL_ON_FAILURE: &str = "FAS_TEMPORAL_ON_FAILURE";
/// Its `last-for`.
pub const FAS_TEMPORAL_LAST_FOR: &str = "FAS_TEMPORAL_LAST_FOR";
/// Its `cert-data`, before `FAS_TEMPORAL_CERT_DATA`: Temporal's own programs read it too.
pub const TEMPORAL_TLS_CERT_DATA: &str = "TEMPORAL_TLS_CERT_DATA";
/// Its `key-data`, before `FAS_TEMPORAL_KEY_DATA`.
pub const TEMPORAL_TLS_KEY_DATA: &str = "TEMPORAL_TLS_KEY_DATA";

/// Where the Machines API is.
pub const FLY_FLAPS_BASE_URL: &str = "FLY_FLAPS_BASE_URL";
/// Where the GraphQL API is.
pub const FLY_API_BASE_URL: &str = "FLY_API_BASE_URL";
/// The API token, where `api-token` is set in no other way.
pub const FLY_ACCESS_TOKEN: &str = "FLY_ACCESS_TOKEN";
/// Set by Fly inside a machine: which machine this program runs on, so that it never touches it.
pub const FLY_MACHINE_ID: &str = "FLY_MACHINE_ID";
/// Set by Fly: the app that the autoscaler is.
pub const FLY_APP_NAME: &str = "FLY_APP_NAME";
