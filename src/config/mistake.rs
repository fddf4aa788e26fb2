//! What can be wrong with a configuration.

mod placement;

use crate::evaluate::CompileError;
use crate::model::{Kind, Side};

use super::env_vars as var;
use super::expand::ExpandError;
use super::setting::{EVERY_REGION, SECTIONS};
use super::value::Fault;
use super::yaml::YamlError;

pub use placement::PlacementFault;

/// One mistake, without its place.
///
/// Messages that upstream has too read as they do there.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum Mistake {
    #[error("the file cannot be read: {why}")]
    Unreadable { why: String },
    #[error("this is a directory, not a file")]
    Directory,
    #[error("more than {} KiB: this is no configuration", .limit / 1024)]
    TooLarge { limit: usize },
    #[error("not UTF-8 text: byte {offset} is no part of a character")]
    NotUtf8 { offset: usize },
    #[error("{} and {} are both set", var::FAS_CONFIG, var::FAS_CONFIG_YAML)]
    TwoFiles,
    #[error("{0}")]
    Yaml(YamlError),
    #[error("settings are expected here (`key: value`), not {found}")]
    NotSettings { found: &'static str },
    #[error("unknown key `{key}`")]
    UnknownKey { key: String, nearest: Option<&'static str> },
    #[error("unknown key `{key}` in `{section}`")]
    UnknownInSection {
        section: &'static str,
        key: String,
        nearest: Option<&'static str>,
        known: Vec<&'static str>,
    },
    #[error("`{key}` is set twice")]
    DuplicateKey { key: String },
    #[error("`{key}` must be {expected}, not {found}")]
    Shape { key: String, expected: &'static str, found: &'static str },
    #[error("`{key}` {why}")]
    Expand { key: &'static str, why: ExpandError },
    #[error("`{key}` refers to an environment variable that is not set")]
    ExpandSecret { key: &'static str },
    #[error("`{key}`: {fault}")]
    Value { key: &'static str, fault: Fault },
    #[error("app name required")]
    AppNameRequired,
    #[error("org required where `app-name` is a pattern")]
    OrgRequired,
    #[error("api token required")]
    ApiTokenRequired,
    #[error("must define either created machine count or started machine count")]
    NoMachineCount,
    #[error("cannot define {kind} machine count and min/max {kind} machine count")]
    CountAndRange { kind: Kind },
    #[error("{missing} {kind} machine count required if {given} {kind} machine count is defined")]
    RangeEnd { kind: Kind, missing: Side, given: Side },
    #[error("`min-machines` is {min}, more than `max-machines`, {max}")]
    MinAboveMax { min: u32, max: u32 },
    #[error("`stop-order: least-loaded` without `stop-metric`")]
    StopMetricRequired,
    #[error("`stop-metric` has no address, and there is no Prometheus collector to take it from")]
    StopMetricAddress,
    #[error("`{key}`: {error}")]
    Expression { key: &'static str, error: CompileError },
    #[error("metric-collectors[{index}]: {fault}")]
    Collector { index: usize, fault: CollectorFault },
    #[error("`process-groups` names no group")]
    NoGroups,
    #[error("`{key}` cannot be set for one process group")]
    NotForGroup { key: String },
    #[error("`{key}` cannot be set for one region")]
    NotForRegion { key: &'static str },
    #[error("`{key}` and `process-groups` are both set")]
    BesideGroups { key: &'static str },
    #[error("process-groups: {fault}")]
    GroupName { fault: Fault },
    #[error("process-groups.{group}: {mistake}")]
    InGroup { group: String, mistake: Box<Mistake> },
    #[error("{}: {mistake}", region_in_words(region))]
    InRegion { region: String, mistake: Box<Mistake> },
    #[error(transparent)]
    Placement(PlacementFault),
}

fn region_in_words(name: &str) -> String {
    if name == EVERY_REGION { "every region".to_owned() } else { format!("region {name}") }
}

/// What can be wrong with one collector.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant says what its fields are")]
pub enum CollectorFault {
    #[error("metric name required")]
    MetricNameRequired,
    #[error("type required")]
    TypeRequired,
    #[error("invalid type: \"{value}\"")]
    InvalidType { value: String },
    #[error("prometheus address required")]
    AddressRequired,
    #[error("prometheus query required")]
    QueryRequired,
    #[error("temporal address required")]
    TemporalAddressRequired,
    #[error("`cert-data` is set without `key-data`")]
    KeyDataRequired,
    #[error("`key-data` is set without `cert-data`")]
    CertDataRequired,
    #[error("`{key}` needs TLS, but the address begins with http://")]
    PlainAddress { key: &'static str },
    #[error("`{name}` is already given by metric-collectors[{by}]")]
    SecondSource { name: String, by: usize },
}

impl Mistake {
    /// What to do about it, where that can be told.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TwoFiles => "unset one of them, or choose a file with --config".to_owned(),
            Self::Yaml(YamlError::Empty) => {
                format!(
                    "write settings into it, or say everything by variables and unset {}",
                    var::FAS_CONFIG
                )
            }
            Self::Yaml(YamlError::BareStar) => "write it in quotes: `\"*\":`".to_owned(),
            Self::UnknownKey { key, nearest: Some(nearest) }
            | Self::UnknownInSection { key, nearest: Some(nearest), .. }
                if key.replace('_', "-") == *nearest =>
            {
                format!("keys have dashes: `{nearest}`")
            }
            Self::UnknownInSection { section, nearest: None, known, .. } if !known.is_empty() => {
                format!("the keys of `{section}` are {}", known.join(", "))
            }
            Self::Shape { key, .. } if key == "stop-metric" => {
                "write the query under it: `stop-metric: {query: ...}`".to_owned()
            }
            Self::Shape { key, .. } if SECTIONS.contains(&key.as_str()) => {
                format!("say what of: for example `{key}: {{cooldown: 5m}}`")
            }
            Self::UnknownKey { nearest, .. } | Self::UnknownInSection { nearest, .. } => format!("did you mean `{}`?", (*nearest)?),
            Self::Expand { why: ExpandError::Unset { name }, .. } => {
                format!("set {name}, or `fly secrets set {name}=...`")
            }
            Self::Value { fault, .. } | Self::GroupName { fault } => fault.hint()?,
            Self::AppNameRequired => format!("set `app-name` or {}", var::FAS_APP_NAME),
            Self::OrgRequired => {
                format!(
                    "set `org` or {} to the organization's slug (`fly orgs list`)",
                    var::FAS_ORG
                )
            }
            Self::ApiTokenRequired => format!(
                "set {} to the output of `fly tokens create deploy -a APP`, best by `fly secrets set`",
                var::FAS_API_TOKEN
            ),
            Self::NoMachineCount => format!(
                "set `started-machine-count` or {}, for example to `ceil(queue_depth / 10)`",
                var::FAS_STARTED_MACHINE_COUNT
            ),
            Self::CountAndRange { kind } => format!(
                "min and max are a range in which nothing happens, not limits of the count: keep `{kind}-machine-count` and limit it with `min-machines` and `max-machines`"
            ),
            Self::RangeEnd { kind, missing, .. } => {
                format!("add `{missing}-{kind}-machine-count`, or set `{kind}-machine-count` alone")
            }
            Self::StopMetricRequired => format!(
                "set `query` under `stop-metric` or {}, for example to `sum by (instance) (fly_app_concurrency{{app=\"$APP_NAME\"}})`",
                var::FAS_STOP_METRIC_PROMETHEUS_QUERY
            ),
            Self::StopMetricAddress => format!(
                "set `address` under `stop-metric` or {}, on Fly to https://api.fly.io/prometheus/ORG",
                var::FAS_STOP_METRIC_PROMETHEUS_ADDRESS
            ),
            Self::Expression { error, .. } => error.hint.clone()?,
            Self::Collector { fault, .. } => fault.hint()?,
            Self::NoGroups => {
                "name one and set a count under it, or leave the key out to scale `process-group` alone"
                    .to_owned()
            }
            Self::NotForGroup { key } => {
                format!("it holds for the whole app: set `{key}` at the top level")
            }
            Self::NotForRegion { key } => {
                format!("it holds for all regions: set `{key}` outside of `per-region`")
            }
            Self::BesideGroups { key: "process-group" } => {
                "leave one of them out: what `process-groups` names is scaled, and nothing else"
                    .to_owned()
            }
            Self::BesideGroups { key } => format!(
                "each group has counts of its own: set `{key}` in the file, under the group that it is for"
            ),
            Self::InGroup { group, mistake } => match mistake.as_ref() {
                Self::NoMachineCount => format!(
                    "set `started-machine-count` under `{group}`, for example to `ceil(queue_depth / 10)`"
                ),
                mistake => mistake.hint()?,
            },
            Self::InRegion { mistake, .. } => match mistake.as_ref() {
                Self::BesideGroups { key } => format!(
                    "each group has counts of its own: set `{key}` in the file, under `per-region` of the group that it is for"
                ),
                mistake => mistake.hint()?,
            },
            Self::Placement(fault) => fault.hint()?,
            _ => return None,
        })
    }
}

impl CollectorFault {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::MetricNameRequired => {
                format!(
                    "set `metric-name`, {} or {}",
                    var::FAS_PROMETHEUS_METRIC_NAME,
                    var::FAS_TEMPORAL_METRIC_NAME
                )
            }
            Self::TypeRequired => "write `type: prometheus` or `type: temporal`".to_owned(),
            Self::AddressRequired => format!(
                "set `address` or {}, on Fly to https://api.fly.io/prometheus/ORG",
                var::FAS_PROMETHEUS_ADDRESS
            ),
            Self::QueryRequired => format!("set `query` or {}", var::FAS_PROMETHEUS_QUERY),
            Self::SecondSource { .. } => "give one of them another `metric-name`".to_owned(),
            Self::InvalidType { .. } => "the type is `prometheus` or `temporal`".to_owned(),
            Self::TemporalAddressRequired => format!(
                "set `address` or {}, on Temporal Cloud to NAMESPACE.ACCOUNT.tmprl.cloud:7233",
                var::FAS_TEMPORAL_ADDRESS
            ),
            Self::KeyDataRequired | Self::CertDataRequired => {
                "a certificate and its private key are given together, or neither".to_owned()
            }
            Self::PlainAddress { .. } => {
                "write the address as host:port or with https://".to_owned()
            }
        })
    }
}
