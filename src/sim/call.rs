//! Which call a request is: its endpoint, what it is about, and its parameters.

use axum::extract::Query;
use axum::http::{HeaderMap, Method, Uri};
use serde_json::Value;

use crate::model::{AppName, MachineId, Region};

/// The calls that the simulator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is the call of that name in Fly's API description")]
pub enum Endpoint {
    List,
    Create,
    Get,
    Destroy,
    Start,
    Stop,
    Suspend,
    Cordon,
    Uncordon,
    Wait,
    Events,
    LeaseGet,
    LeaseAcquire,
    LeaseRelease,
    MetadataList,
    MetadataMerge,
    MetadataGet,
    MetadataSet,
    MetadataDelete,
    OrgMachines,
    AppList,
    AppGet,
    VolumeList,
    VolumeCreate,
    VolumeGet,
    VolumeDelete,
    Regions,
    TokenCurrent,
    /// `GET /api/v1/apps/{app}/releases/current`.
    ReleaseCurrent,
    /// `POST /graphql`, whatever it asks for.
    Graphql,
    /// `/prometheus/{org}/api/v1/query`.
    PrometheusQuery,
    /// `/prometheus/{org}/api/v1/query_range`.
    PrometheusQueryRange,
    /// `GET /metrics`: the same series, to be scraped.
    Metrics,
}

impl Endpoint {
    /// Whether the call changes something, which a read-only token may not.
    pub(crate) fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Destroy
                | Self::Start
                | Self::Stop
                | Self::Suspend
                | Self::Cordon
                | Self::Uncordon
                | Self::LeaseAcquire
                | Self::LeaseRelease
                | Self::MetadataMerge
                | Self::MetadataSet
                | Self::MetadataDelete
                | Self::VolumeCreate
                | Self::VolumeDelete
        )
    }

    /// Whether Fly's documented limits of the Machines API apply.
    pub(crate) fn is_machines_api(self) -> bool {
        !matches!(
            self,
            Self::ReleaseCurrent
                | Self::Graphql
                | Self::PrometheusQuery
                | Self::PrometheusQueryRange
                | Self::Metrics
        )
    }
}

/// A request that was understood.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) endpoint: Endpoint,
    pub(crate) app: Option<AppName>,
    pub(crate) org: Option<String>,
    pub(crate) machine: Option<MachineId>,
    /// A metadata key or a volume's id.
    pub(crate) item: Option<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) body: Value,
}

impl Call {
    /// Reads a request; `None` where the simulator has nothing at that address.
    pub(crate) fn parse(
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<Self> {
        let mut call = Self {
            endpoint: Endpoint::Metrics,
            app: None,
            org: None,
            machine: None,
            item: None,
            query: pairs(uri),
            authorization: text(headers, "authorization"),
            nonce: text(headers, "fly-machine-lease-nonce"),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        };
        let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
        call.endpoint = match (method.as_str(), parts.as_slice()) {
            (method, ["v1", rest @ ..]) => call.machines_api(method, rest)?,
            ("GET", ["api", "v1", "apps", app, "releases", "current"]) => {
                call.app = Some(AppName::new(app));
                Endpoint::ReleaseCurrent
            }
            ("POST", ["graphql"]) => {
                call.app = call.body["variables"]["appName"].as_str().map(AppName::new);
                Endpoint::Graphql
            }
            (
                "GET" | "POST",
                ["prometheus", org, "api", "v1", which @ ("query" | "query_range")],
            ) => {
                call.org = Some((*org).to_owned());
                if method == Method::POST {
                    call.query.extend(form(body));
                }
                if *which == "query" {
                    Endpoint::PrometheusQuery
                } else {
                    Endpoint::PrometheusQueryRange
                }
            }
            ("GET", ["metrics"]) => Endpoint::Metrics,
            _ => return None,
        };
        Some(call)
    }

    fn machines_api(&mut self, method: &str, parts: &[&str]) -> Option<Endpoint> {
        match (method, parts) {
            ("GET", ["platform", "regions"]) => Some(Endpoint::Regions),
            ("GET", ["tokens", "current"]) => Some(Endpoint::TokenCurrent),
            ("GET", ["apps"]) => Some(Endpoint::AppList),
            ("GET", ["orgs", org, "machines"]) => {
                self.org = Some((*org).to_owned());
                Some(Endpoint::OrgMachines)
            }
            (method, ["apps", app, rest @ ..]) => {
                self.app = Some(AppName::new(app));
                self.of_app(method, rest)
            }
            _ => None,
        }
    }

    fn of_app(&mut self, method: &str, parts: &[&str]) -> Option<Endpoint> {
        match (method, parts) {
            ("GET", []) => Some(Endpoint::AppGet),
            ("GET", ["machines"]) => Some(Endpoint::List),
            ("POST", ["machines"]) => Some(Endpoint::Create),
            ("GET", ["volumes"]) => Some(Endpoint::VolumeList),
            ("POST", ["volumes"]) => Some(Endpoint::VolumeCreate),
            (method, ["volumes", volume]) => {
                self.item = Some((*volume).to_owned());
                match method {
                    "GET" => Some(Endpoint::VolumeGet),
                    "DELETE" => Some(Endpoint::VolumeDelete),
                    _ => None,
                }
            }
            (method, ["machines", machine, rest @ ..]) => {
                self.machine = Some(MachineId::new(machine));
                self.of_machine(method, rest)
            }
            _ => None,
        }
    }

    fn of_machine(&mut self, method: &str, parts: &[&str]) -> Option<Endpoint> {
        Some(match (method, parts) {
            ("GET", []) => Endpoint::Get,
            ("DELETE", []) => Endpoint::Destroy,
            ("POST", ["start"]) => Endpoint::Start,
            ("POST", ["stop"]) => Endpoint::Stop,
            ("POST", ["suspend"]) => Endpoint::Suspend,
            ("POST", ["cordon"]) => Endpoint::Cordon,
            ("POST", ["uncordon"]) => Endpoint::Uncordon,
            ("GET", ["wait"]) => Endpoint::Wait,
            ("GET", ["events"]) => Endpoint::Events,
            ("GET", ["lease"]) => Endpoint::LeaseGet,
            ("POST", ["lease"]) => Endpoint::LeaseAcquire,
            ("DELETE", ["lease"]) => Endpoint::LeaseRelease,
            ("GET", ["metadata"]) => Endpoint::MetadataList,
            ("PATCH" | "PUT", ["metadata"]) => Endpoint::MetadataMerge,
            (method, ["metadata", key]) => {
                self.item = Some((*key).to_owned());
                match method {
                    "GET" => Endpoint::MetadataGet,
                    "POST" => Endpoint::MetadataSet,
                    "DELETE" => Endpoint::MetadataDelete,
                    _ => return None,
                }
            }
            _ => return None,
        })
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether a switch is on.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), Some("true" | "1"))
    }

    /// The region that the call names, if it names one.
    pub(crate) fn region(&self) -> Option<Region> {
        self.param("region").or_else(|| self.body["region"].as_str()).map(Region::new)
    }
}

fn pairs(uri: &Uri) -> Vec<(String, String)> {
    Query::try_from_uri(uri).map(|Query(pairs)| pairs).unwrap_or_default()
}

/// A form has the syntax of a query string.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let uri = std::str::from_utf8(body).ok().and_then(|body| format!("/?{body}").parse().ok());
    uri.as_ref().map(pairs).unwrap_or_default()
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
