//! Which machines leave first, and how.

use std::time::Duration;

use super::super::env_vars as var;
use super::{Kind, PLAIN, Setting};

/// `stop-order`
pub const STOP_ORDER: Setting = Setting {
    key: "stop-order",
    env: Some(var::FAS_STOP_ORDER),
    flag: Some("stop-order"),
    kind: Kind::Choice(&["id", "newest", "oldest", "least-loaded"]),
    default: Some("id"),
    doc: "Which machines are stopped first, and destroyed first among those in one state: by id, by when they were created, or by what they have to do (stop-metric)",
    example: "newest",
    ..PLAIN
};
/// `stop-metric-query`
pub const STOP_METRIC_QUERY: Setting = Setting {
    key: "stop-metric-query",
    env: Some(var::FAS_STOP_METRIC_PROMETHEUS_QUERY),
    flag: Some("stop-metric-query"),
    kind: Kind::Query,
    doc: "With stop-order: least-loaded, what each machine has to do: one series per machine, named by the label instance; $APP_NAME becomes the app",
    example: "sum by (instance) (fly_app_concurrency{app='$APP_NAME'})",
    ..PLAIN
};
/// `stop-metric-address`
pub const STOP_METRIC_ADDRESS: Setting = Setting {
    key: "stop-metric-address",
    env: Some(var::FAS_STOP_METRIC_PROMETHEUS_ADDRESS),
    flag: Some("stop-metric-address"),
    kind: Kind::Url,
    doc: "Where stop-metric is asked for; without it, at the address of the first Prometheus collector",
    example: "https://api.fly.io/prometheus/my-org",
    ..PLAIN
};
/// `stop-metric-token`
pub const STOP_METRIC_TOKEN: Setting = Setting {
    key: "stop-metric-token",
    env: Some(var::FAS_STOP_METRIC_PROMETHEUS_TOKEN),
    flag: Some("stop-metric-token"),
    doc: "Token for it; without it, at the address of the first Prometheus collector that collector's",
    example: "FlyV1 ...",
    is_secret: true,
    ..PLAIN
};
/// `stop-action`
pub const STOP_ACTION: Setting = Setting {
    key: "stop-action",
    env: Some(var::FAS_STOP_ACTION),
    flag: Some("stop-action"),
    kind: Kind::Choice(&["stop", "suspend"]),
    default: Some("stop"),
    doc: "What becomes of machines that should not run: stopped, or suspended where Fly can (2 GB of memory at most, no swap, no GPU)",
    example: "suspend",
    ..PLAIN
};
/// `cordon-before-stop`
pub const CORDON_BEFORE_STOP: Setting = Setting {
    key: "cordon-before-stop",
    env: Some(var::FAS_CORDON_BEFORE_STOP),
    flag: Some("cordon-before-stop"),
    kind: Kind::Duration { min: Duration::ZERO },
    default: Some("0s"),
    doc: "How long a machine that is to be stopped is cordoned before, so that it gets nothing new and can finish; 0s: stopped at once",
    example: "1m",
    ..PLAIN
};
/// `destroy`
pub const DESTROY: Setting = Setting {
    key: "destroy",
    env: Some(var::FAS_DESTROY),
    flag: Some("destroy"),
    kind: Kind::Choice(&["any", "managed"]),
    default: Some("any"),
    doc: "Which machines may be destroyed: any, or only those that an autoscaler has created (managed)",
    example: "managed",
    ..PLAIN
};
