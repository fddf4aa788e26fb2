//! Calls to Fly by name, and what they may fail with.

use std::fmt;

use serde::Serialize;

/// The calls that this program makes, as labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "each variant is the call of that name on `MachinesApi`, or of `FlyClient` beside it"
)]
pub enum Operation {
    List,
    Get,
    Create,
    FindCreated,
    Start,
    Stop,
    Suspend,
    Cordon,
    Uncordon,
    SetMetadata,
    Destroy,
    AcquireLease,
    ReleaseLease,
    ListVolumes,
    CreateVolume,
    CurrentRelease,
    CurrentToken,
    ListApps,
    ListOrg,
    ListRegions,
}

impl Operation {
    /// The label, in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::FindCreated => "find_created",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Suspend => "suspend",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::SetMetadata => "set_metadata",
            Self::Destroy => "destroy",
            Self::AcquireLease => "acquire_lease",
            Self::ReleaseLease => "release_lease",
            Self::ListVolumes => "list_volumes",
            Self::CreateVolume => "create_volume",
            Self::CurrentRelease => "current_release",
            Self::CurrentToken => "current_token",
            Self::ListApps => "list_apps",
            Self::ListOrg => "list_org",
            Self::ListRegions => "list_regions",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::List => "list machines",
            Self::Get => "get machine",
            Self::Create => "create machine",
            Self::FindCreated => "look up created machine",
            Self::Start => "start machine",
            Self::Stop => "stop machine",
            Self::Suspend => "suspend machine",
            Self::Cordon => "cordon machine",
            Self::Uncordon => "uncordon machine",
            Self::SetMetadata => "set metadata of machine",
            Self::Destroy => "destroy machine",
            Self::AcquireLease => "acquire lease",
            Self::ReleaseLease => "release lease",
            Self::ListVolumes => "list volumes",
            Self::CreateVolume => "create volume",
            Self::CurrentRelease => "read current release",
            Self::CurrentToken => "check the token for",
            Self::ListApps => "list the apps of",
            Self::ListOrg => "list changed machines of",
            Self::ListRegions => "list the regions of",
        })
    }
}

/// What a caller can do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The token is missing, wrong, or of the wrong kind. Nothing else will work either.
    Authorization,
    /// No room: host, region or quota. Another region or machine may do.
    Capacity,
    /// Someone else holds or changed the machine, or it is in another state than thought.
    Conflict,
    /// It does not exist (any more). Done, for a stop or a destroy.
    Gone,
    /// Too many requests.
    RateLimited,
    /// Fly or the network failed; the same call may work later.
    Transient,
    /// Fly will not do this to this machine, though it may do something else to it.
    Unsupported,
    /// Fly refuses the request as such, or answered something that cannot be read.
    Rejected,
}

impl ErrorClass {
    /// The label, in snake case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Capacity => "capacity",
            Self::Conflict => "conflict",
            Self::Gone => "gone",
            Self::RateLimited => "rate_limited",
            Self::Transient => "transient",
            Self::Unsupported => "unsupported",
            Self::Rejected => "rejected",
        }
    }
}

/// A call to Fly that did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{operation} {subject}: {}{message}{}", status_prefix(*.status), request_id_suffix(.request_id.as_deref()))]
pub struct ApiError {
    /// What was tried.
    pub operation: Operation,
    /// On what: an app or a machine.
    pub subject: String,
    /// What can be done about it.
    pub class: ErrorClass,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Fly's own words or the network's, shortened, never a token.
    pub message: String,
    /// Fly's `fly-request-id`, which its support asks for.
    pub request_id: Option<String>,
    /// The request may have been carried out all the same (timeout, 408, 5xx, broken connection).
    pub outcome_unknown: bool,
}

fn status_prefix(status: Option<u16>) -> String {
    status.map(|status| format!("{status} ")).unwrap_or_default()
}

fn request_id_suffix(request_id: Option<&str>) -> String {
    request_id.map(|id| format!(" (fly-request-id {id})")).unwrap_or_default()
}
