//! What the core needs from outside, and what each of those may fail with.
//!
//! Everything that can be replaced stands behind one of these traits: the real thing in `serve`, the
//! simulator in `demo` and in tests.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use futures::future::BoxFuture;
use serde::Serialize;

use crate::decide::{History, Release};
use crate::model::{AppName, Machine, MachineId, MetricName, Region, Sample, Timestamp, Volume};

/// Reads the time and waits. The only way for the core to do either.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Completes after `duration` of this clock's time.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Something that can measure one metric of an app.
///
/// Dropping the future cancels the request; the caller sets the deadline.
pub trait MetricSource: Send + Sync {
    /// The variable that the sample fills.
    fn metric(&self) -> &MetricName;

    /// Measures once.
    fn sample<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>>;
}

/// Why a source gave no sample. Never a number in disguise.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SourceError {
    /// The query is fine and found nothing. The one failure that `empty: NUMBER` answers.
    #[error("the query `{query}` returned no series")]
    Empty {
        /// The query as sent.
        query: String,
    },
    /// More than one series where one is needed.
    #[error(
        "the query `{query}` returned {count} series; use sum(...) or another aggregation to get one"
    )]
    Several {
        /// The query as sent.
        query: String,
        /// How many series came back.
        count: usize,
    },
    /// NaN or infinity.
    #[error("the query `{query}` returned {value}, which is no finite number")]
    NotFinite {
        /// The query as sent.
        query: String,
        /// The value as the source wrote it.
        value: String,
    },
    /// The source answered that it will not: a wrong query, a wrong token, too many requests.
    #[error("{address} answered {status}: {message}{hint}")]
    Refused {
        /// Where the query went, without credentials.
        address: String,
        /// The HTTP status, or that of gRPC in words.
        status: String,
        /// The source's own words, shortened.
        message: String,
        /// What to do about it: empty, or a sentence that begins with `; `.
        hint: &'static str,
    },
    /// No answer: the connection could not be made, broke, or took too long.
    #[error("{address} could not be reached: {message}")]
    Unreachable {
        /// Where the query went, without credentials.
        address: String,
        /// What went wrong, innermost cause included.
        message: String,
    },
    /// An answer that is not what the protocol says.
    #[error("{address} gave an answer that cannot be read: {message}")]
    Garbled {
        /// Where the query went, without credentials.
        address: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Fly's Machines API as far as an autoscaler needs it.
///
/// Implementations bound each request in time and size, keep to Fly's documented rates, and retry only
/// what is safe to retry. None of these calls waits for a machine to reach a state.
pub trait MachinesApi: Send + Sync {
    /// All machines of `app`, page by page. A failed page is a failed list: never a partial one.
    fn list<'a>(&'a self, app: &'a AppName) -> BoxFuture<'a, Result<Vec<Machine>, ApiError>>;

    /// One machine, from nearer to its host than the list.
    fn get<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
    ) -> BoxFuture<'a, Result<Machine, ApiError>>;

    /// Creates a machine. Not idempotent: after an error with `outcome_unknown` it may exist, and
    /// [`MachinesApi::find_created`] tells.
    fn create<'a>(
        &'a self,
        app: &'a AppName,
        request: &'a CreateRequest,
    ) -> BoxFuture<'a, Result<Machine, ApiError>>;

    /// The machine that the create request `create_id` made, if the list already shows it. The list
    /// lags, so `None` proves nothing.
    fn find_created<'a>(
        &'a self,
        app: &'a AppName,
        create_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<MachineId>, ApiError>>;

    /// Starts a stopped or suspended machine.
    fn start<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Asks a machine to stop by its own signal and timeout. Answered at once; the machine passes
    /// through `stopping`.
    fn stop<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Destroys a machine; `force` kills it where it still runs.
    fn destroy<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        force: bool,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Takes the lease of a machine for `ttl`. Held by someone else: class `Conflict`.
    fn acquire_lease<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<Lease, ApiError>>;

    /// Sets how long a lease of ours lasts from now on.
    fn keep_lease<'a>(
        &'a self,
        app: &'a AppName,
        lease: &'a Lease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Gives a lease back.
    fn release_lease<'a>(
        &'a self,
        app: &'a AppName,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// All volumes of `app`.
    fn list_volumes<'a>(&'a self, app: &'a AppName)
    -> BoxFuture<'a, Result<Vec<Volume>, ApiError>>;

    /// Creates a volume. Not idempotent.
    fn create_volume<'a>(
        &'a self,
        app: &'a AppName,
        request: &'a VolumeRequest,
    ) -> BoxFuture<'a, Result<Volume, ApiError>>;

    /// The app's current release, or `None` where it never had one (machines made by hand).
    fn current_release<'a>(
        &'a self,
        app: &'a AppName,
    ) -> BoxFuture<'a, Result<Option<Release>, ApiError>>;
}

/// What to create, complete: the client adds nothing.
#[derive(Debug, Clone)]
pub struct CreateRequest {
    /// Where.
    pub region: Region,
    /// The whole machine config.
    pub config: serde_json::Value,
    /// Leave it stopped.
    pub skip_launch: bool,
}

/// What volume to create. What is `None` is left to Fly.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeRequest {
    /// Its name.
    pub name: Arc<str>,
    /// Where.
    pub region: Region,
    /// Its size in GB.
    pub size_gb: Option<u32>,
    /// Whether it is encrypted.
    pub encrypted: Option<bool>,
    /// The `guest` of the machine that will mount it: Fly looks for a host that has room for both.
    pub guest: Option<serde_json::Value>,
    /// The image of that machine.
    pub image: Arc<str>,
}

/// A lease on one machine, held by us.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The machine.
    pub machine: MachineId,
    /// What proves that we hold it.
    pub nonce: String,
}

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
    Destroy,
    AcquireLease,
    ReleaseLease,
    ListVolumes,
    CreateVolume,
    CurrentRelease,
    CurrentToken,
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
            Self::Destroy => "destroy",
            Self::AcquireLease => "acquire_lease",
            Self::ReleaseLease => "release_lease",
            Self::ListVolumes => "list_volumes",
            Self::CreateVolume => "create_volume",
            Self::CurrentRelease => "current_release",
            Self::CurrentToken => "current_token",
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
            Self::Destroy => "destroy machine",
            Self::AcquireLease => "acquire lease",
            Self::ReleaseLease => "release lease",
            Self::ListVolumes => "list volumes",
            Self::CreateVolume => "create volume",
            Self::CurrentRelease => "read current release",
            Self::CurrentToken => "check the token for",
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

/// Where the history of each app is kept between ticks.
pub trait StateStore: Send + Sync {
    /// What was saved last for `app`; a fresh history where nothing was.
    fn load(&self, app: &AppName) -> History;

    /// Replaces what is kept for `app`.
    fn save(&self, app: &AppName, history: History);
}
