//! The kinds of collectors, and the settings of a Prometheus collector.

use std::time::Duration;

use super::super::env_vars as var;
use super::{Kind, MILLISECOND, PLAIN, SECOND, Setting, temporal};

/// The YAML key of the list of collectors.
pub const METRIC_COLLECTORS: &str = "metric-collectors";

/// `metric-collectors[].type`
pub const TYPE: Setting = Setting {
    key: "type",
    kind: Kind::Choice(&["prometheus", "temporal"]),
    doc: "What kind of source it is: prometheus or temporal",
    example: "prometheus",
    ..PLAIN
};
/// `metric-collectors[].metric-name`
pub const METRIC_NAME: Setting = Setting {
    key: "metric-name",
    env: Some(var::FAS_PROMETHEUS_METRIC_NAME),
    flag: Some("prometheus.metric-name"),
    kind: Kind::MetricName,
    doc: "The name under which expressions read the value",
    example: "queue_depth",
    ..PLAIN
};
/// `metric-collectors[].address`
pub const ADDRESS: Setting = Setting {
    key: "address",
    env: Some(var::FAS_PROMETHEUS_ADDRESS),
    flag: Some("prometheus.address"),
    kind: Kind::Url,
    doc: "Where the Prometheus API is, without /api/v1",
    example: "https://api.fly.io/prometheus/my-org",
    ..PLAIN
};
/// `metric-collectors[].query`
pub const QUERY: Setting = Setting {
    key: "query",
    env: Some(var::FAS_PROMETHEUS_QUERY),
    flag: Some("prometheus.query"),
    kind: Kind::Query,
    doc: "What to ask; $APP_NAME becomes the app",
    example: "sum(queue_depth{app='$APP_NAME'})",
    ..PLAIN
};
/// `metric-collectors[].token`
pub const TOKEN: Setting = Setting {
    key: "token",
    env: Some(var::FAS_PROMETHEUS_TOKEN),
    flag: Some("prometheus.token"),
    doc: "Token that may read the metrics (`fly tokens create readonly`); a deploy token may not",
    example: "FlyV1 ...",
    is_secret: true,
    ..PLAIN
};
/// `metric-collectors[].timeout`
pub const COLLECTOR_TIMEOUT: Setting = Setting {
    key: "timeout",
    env: Some(var::FAS_PROMETHEUS_TIMEOUT),
    flag: Some("prometheus.timeout"),
    kind: Kind::Duration { min: MILLISECOND },
    default: Some("10s"),
    doc: "How long one query may take",
    example: "5s",
    ..PLAIN
};
/// `metric-collectors[].empty`
pub const EMPTY: Setting = Setting {
    key: "empty",
    env: Some(var::FAS_PROMETHEUS_EMPTY),
    flag: Some("prometheus.empty"),
    kind: Kind::Number,
    doc: "What a result without any series means; without it, that is a failure",
    example: "0",
    ..PLAIN
};
/// `metric-collectors[].max-age`
pub const MAX_AGE: Setting = Setting {
    key: "max-age",
    env: Some(var::FAS_PROMETHEUS_MAX_AGE),
    flag: Some("prometheus.max-age"),
    kind: Kind::Duration { min: SECOND },
    doc: "A sample older than this is a failure; without it, age does not matter",
    example: "5m",
    ..PLAIN
};
/// `metric-collectors[].on-failure`
pub const ON_FAILURE: Setting = Setting {
    key: "on-failure",
    env: Some(var::FAS_PROMETHEUS_ON_FAILURE),
    flag: Some("prometheus.on-failure"),
    kind: Kind::OnFailure,
    default: Some("hold"),
    doc: "When there is no sample: hold (scale nothing that reads it), hold-scale-down (its last value, and only growth, for last-for), last (its last value, for last-for), nil (for `??`), or a number to use instead",
    example: "hold-scale-down",
    ..PLAIN
};
/// `metric-collectors[].last-for`
pub const LAST_FOR: Setting = Setting {
    key: "last-for",
    env: Some(var::FAS_PROMETHEUS_LAST_FOR),
    flag: Some("prometheus.last-for"),
    kind: Kind::Duration { min: SECOND },
    default: Some("15m"),
    doc: "With on-failure: hold-scale-down or last, how long the last value is used; then what reads it is held",
    example: "30m",
    ..PLAIN
};
/// `metric-collectors[].series`
pub const SERIES: Setting = Setting {
    key: "series",
    env: Some(var::FAS_PROMETHEUS_SERIES),
    flag: Some("prometheus.series"),
    kind: Kind::Choice(&["one", "first"]),
    default: Some("one"),
    doc: "Whether a result of several series is a failure (one) or the first counts (first)",
    example: "first",
    ..PLAIN
};
/// `metric-collectors[].by`
pub const BY: Setting = Setting {
    key: "by",
    env: Some(var::FAS_PROMETHEUS_BY),
    flag: Some("prometheus.by"),
    kind: Kind::By,
    doc: "One value per label: region, app, or both; then `NAME_lhr` is one region and `NAME` the sum",
    example: "region",
    ..PLAIN
};
/// `metric-collectors[].absent-after`
pub const ABSENT_AFTER: Setting = Setting {
    key: "absent-after",
    env: Some(var::FAS_PROMETHEUS_ABSENT_AFTER),
    flag: Some("prometheus.absent-after"),
    kind: Kind::Duration { min: Duration::ZERO },
    default: Some("5m"),
    doc: "With by: region, how long a region that lost its series keeps its last value before it counts as 0",
    example: "10m",
    ..PLAIN
};
/// The settings of a Prometheus collector. Their variables and flags describe one collector beside those
/// of the file.
pub static PROMETHEUS_SETTINGS: &[&Setting] = &[
    &TYPE,
    &METRIC_NAME,
    &ADDRESS,
    &QUERY,
    &TOKEN,
    &COLLECTOR_TIMEOUT,
    &EMPTY,
    &MAX_AGE,
    &ON_FAILURE,
    &LAST_FOR,
    &SERIES,
    &BY,
    &ABSENT_AFTER,
];
/// All settings of collectors. A key that both kinds have stands here twice, each time with its own
/// variable and flag.
pub static COLLECTOR_SETTINGS: &[&Setting] = &[
    &TYPE,
    &METRIC_NAME,
    &ADDRESS,
    &QUERY,
    &TOKEN,
    &COLLECTOR_TIMEOUT,
    &EMPTY,
    &MAX_AGE,
    &ON_FAILURE,
    &LAST_FOR,
    &SERIES,
    &BY,
    &ABSENT_AFTER,
    &temporal::METRIC_NAME,
    &temporal::ADDRESS,
    &temporal::NAMESPACE,
    &temporal::QUERY,
    &temporal::API_KEY,
    &temporal::CERT_DATA,
    &temporal::KEY_DATA,
    &temporal::TIMEOUT,
    &temporal::ON_FAILURE,
    &temporal::LAST_FOR,
];

/// What one kind of collector can be told.
#[derive(Debug)]
pub struct CollectorKind {
    /// The value of `type`.
    pub name: &'static str,
    /// Its settings.
    pub settings: &'static [&'static Setting],
    /// The variable without which its other ones describe nothing.
    pub needs: &'static str,
}

/// The kinds of collectors.
pub static COLLECTOR_KINDS: [CollectorKind; 2] = [
    CollectorKind {
        name: "prometheus",
        settings: PROMETHEUS_SETTINGS,
        needs: var::FAS_PROMETHEUS_ADDRESS,
    },
    CollectorKind {
        name: "temporal",
        settings: temporal::TEMPORAL_SETTINGS,
        needs: var::FAS_TEMPORAL_ADDRESS,
    },
];

/// The kind of this name.
#[must_use]
pub fn collector_kind(name: &str) -> Option<&'static CollectorKind> {
    COLLECTOR_KINDS.iter().find(|kind| kind.name == name)
}
