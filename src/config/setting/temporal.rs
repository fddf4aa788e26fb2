//! The settings of a Temporal collector.

use super::super::env_vars as var;
use super::{Kind, MILLISECOND, PLAIN, SECOND, Setting, TYPE};

/// `metric-collectors[].metric-name`
pub const METRIC_NAME: Setting = Setting {
    key: "metric-name",
    env: Some(var::FAS_TEMPORAL_METRIC_NAME),
    flag: Some("temporal.metric-name"),
    kind: Kind::MetricName,
    doc: "The name under which expressions read the count",
    example: "workflow_count",
    ..PLAIN
};
/// `metric-collectors[].address`
pub const ADDRESS: Setting = Setting {
    key: "address",
    env: Some(var::FAS_TEMPORAL_ADDRESS),
    flag: Some("temporal.address"),
    kind: Kind::GrpcAddress,
    doc: "Where the Temporal frontend is: host:port; https:// in front asks for TLS",
    example: "my-namespace.my-account.tmprl.cloud:7233",
    ..PLAIN
};
/// `metric-collectors[].namespace`
pub const NAMESPACE: Setting = Setting {
    key: "namespace",
    env: Some(var::FAS_TEMPORAL_NAMESPACE),
    flag: Some("temporal.namespace"),
    kind: Kind::Word,
    default: Some("default"),
    doc: "The namespace whose workflows are counted",
    example: "my-namespace.my-account",
    ..PLAIN
};
/// `metric-collectors[].query`
pub const QUERY: Setting = Setting {
    key: "query",
    env: Some(var::FAS_TEMPORAL_QUERY),
    flag: Some("temporal.query"),
    kind: Kind::Query,
    doc: "Which of the running workflows to count, as a list filter; $APP_NAME becomes the app",
    example: "TaskQueue='$APP_NAME'",
    ..PLAIN
};
/// `metric-collectors[].api-key`
pub const API_KEY: Setting = Setting {
    key: "api-key",
    env: Some(var::FAS_TEMPORAL_API_KEY),
    flag: Some("temporal.api-key"),
    kind: Kind::Word,
    doc: "API key of Temporal Cloud; asks for TLS",
    example: "eyJhbGciOi...",
    is_secret: true,
    ..PLAIN
};
/// `metric-collectors[].cert-data`
pub const CERT_DATA: Setting = Setting {
    key: "cert-data",
    env: Some(var::FAS_TEMPORAL_CERT_DATA),
    env_first: Some(var::TEMPORAL_TLS_CERT_DATA),
    flag: Some("temporal.cert-data"),
    kind: Kind::Pem,
    doc: "Client certificate for mutual TLS, as PEM text",
    example: "-----BEGIN CERTIFICATE-----",
    is_secret: true,
    ..PLAIN
};
/// `metric-collectors[].key-data`
pub const KEY_DATA: Setting = Setting {
    key: "key-data",
    env: Some(var::FAS_TEMPORAL_KEY_DATA),
    env_first: Some(var::TEMPORAL_TLS_KEY_DATA),
    flag: Some("temporal.key-data"),
    kind: Kind::Pem,
    doc: "The private key of cert-data, as PEM text",
    example: "-----BEGIN PRIVATE KEY-----",
    is_secret: true,
    ..PLAIN
};
/// `metric-collectors[].timeout`
pub const TIMEOUT: Setting = Setting {
    key: "timeout",
    env: Some(var::FAS_TEMPORAL_TIMEOUT),
    flag: Some("temporal.timeout"),
    kind: Kind::Duration { min: MILLISECOND },
    default: Some("10s"),
    doc: "How long one count may take",
    example: "5s",
    ..PLAIN
};
/// `metric-collectors[].on-failure`
pub const ON_FAILURE: Setting = Setting {
    key: "on-failure",
    env: Some(var::FAS_TEMPORAL_ON_FAILURE),
    flag: Some("temporal.on-failure"),
    kind: Kind::OnFailure,
    default: Some("hold"),
    doc: "When there is no count: hold (scale nothing that reads it), hold-scale-down (its last value, and only growth, for last-for), last (its last value, for last-for), nil (for `??`), or a number to use instead",
    example: "nil",
    ..PLAIN
};
/// `metric-collectors[].last-for`
pub const LAST_FOR: Setting = Setting {
    key: "last-for",
    env: Some(var::FAS_TEMPORAL_LAST_FOR),
    flag: Some("temporal.last-for"),
    kind: Kind::Duration { min: SECOND },
    default: Some("15m"),
    doc: "With on-failure: hold-scale-down or last, how long the last count is used; then what reads it is held",
    example: "30m",
    ..PLAIN
};
/// The settings of a Temporal collector. Their variables and flags describe one collector beside those of
/// the file.
pub static TEMPORAL_SETTINGS: &[&Setting] = &[
    &TYPE,
    &METRIC_NAME,
    &ADDRESS,
    &NAMESPACE,
    &QUERY,
    &API_KEY,
    &CERT_DATA,
    &KEY_DATA,
    &TIMEOUT,
    &ON_FAILURE,
    &LAST_FOR,
];
