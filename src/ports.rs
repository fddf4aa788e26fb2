//! What the core needs from outside, and what each of those may fail with.
//!
//! Everything that can be replaced stands behind one of these traits: the real thing in `serve`, the
//! simulator in `demo` and in tests.

mod error;
mod past;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

pub use error::{ApiError, ErrorClass, Operation};
pub use futures::future::BoxFuture;
pub use past::PastRange;
pub use state::{AppState, KeptPauses, KeptSeries, Measured, StateStore};

use crate::decide::Release;
use crate::model::{
    AppName, Catalog, Machine, MachineId, MetricName, Region, Sample, Timestamp, Volume,
};

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

    /// Whether one answer serves every app, so that no app costs a request of its own.
    fn serves_all_apps(&self) -> bool {
        false
    }

    /// What it asks, and where, without secrets: what two sources with the same question measure is the same.
    fn question(&self) -> String {
        self.metric().to_string()
    }

    /// Measures once.
    fn sample<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>>;

    /// What it would have measured at each step of `range`, oldest first; a step without a good sample is
    /// left out. A source that keeps nothing says so.
    fn past<'a>(
        &'a self,
        app: &'a AppName,
        range: PastRange,
    ) -> BoxFuture<'a, Result<Vec<(Timestamp, Sample)>, SourceError>> {
        let _ = (app, range);
        Box::pin(std::future::ready(Err(SourceError::NoPast)))
    }
}

/// Something that knows what each machine of an app has to do.
///
/// Implementations bound the answer in size and in time.
pub trait LoadSource: Send + Sync {
    /// The finite load of each machine of which there is one, machines of other groups included.
    fn loads<'a>(
        &'a self,
        app: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<BTreeMap<MachineId, f64>, SourceError>>;
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
    /// `by: region`, and no series says of which region it is.
    #[error(
        "the query `{query}` returned a series without the label `region`; use sum by (region) (...)"
    )]
    Unlabelled {
        /// The query as sent.
        query: String,
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
    /// It was asked for the past and keeps none.
    #[error("its source keeps no history: Temporal counts what runs now")]
    NoPast,
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

    /// Asks a machine to suspend: its memory is kept, and a start resumes it. Answered at once; the machine
    /// passes through `suspending`. Refused for good: class `Unsupported`.
    fn suspend<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Takes a machine out of the proxy's rotation: it goes on with what it has, and gets nothing new.
    /// Harmless to repeat.
    fn cordon<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Puts a machine back into the proxy's rotation. Harmless to repeat.
    fn uncordon<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        lease: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>>;

    /// Sets one key of a machine's metadata, or removes it; no new version of the machine comes of it. A key
    /// that is not there to be removed: class `Gone`, as a machine that is not there.
    fn set_metadata<'a>(
        &'a self,
        app: &'a AppName,
        id: &'a MachineId,
        key: &'static str,
        value: Option<String>,
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

/// What Fly offers to everybody.
pub trait Platform: Send + Sync {
    /// Its regions. A list that cannot be all of them is an error.
    fn regions(&self) -> BoxFuture<'_, Result<Catalog, ApiError>>;
}

/// An organization as a whole: which apps it has, and what changed among their machines.
pub trait Organization: Send + Sync {
    /// The organization's slug.
    fn slug(&self) -> &str;

    /// The names of all its apps. A failed page is a failed list.
    fn apps(&self) -> BoxFuture<'_, Result<Vec<AppName>, ApiError>>;

    /// The machines of all apps that changed, in the order of their change.
    fn changes<'a>(&'a self, since: &'a Since) -> BoxFuture<'a, Result<OrgChanges, ApiError>>;
}

/// Where a list of changes begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// After this time, by Fly's clock.
    Time(Timestamp),
    /// Where an earlier list left off.
    Cursor(String),
}

/// What changed among the machines of an organization.
#[derive(Debug, Clone, Default)]
pub struct OrgChanges {
    /// The machines, those that are gone included.
    pub machines: Vec<OrgMachine>,
    /// Regions whose machines Fly could not list.
    pub error_regions: Vec<Region>,
    /// The time of the last change among them, by Fly's clock.
    pub last: Option<Timestamp>,
    /// Where the rest of them begins, if that is not all.
    pub rest: Option<String>,
}

/// A machine in the organization's list, which lacks most of the config and says nothing of the host.
#[derive(Debug, Clone)]
pub struct OrgMachine {
    /// Its app.
    pub app: AppName,
    /// Its state and what the metadata say. That it is on a host that answers, no standby and not
    /// scheduled is not known here, only assumed.
    pub machine: Machine,
}

/// Which apps are scaled, where that can change.
pub trait Directory: Send + Sync {
    /// The apps now.
    fn apps(&self) -> BoxFuture<'_, Result<Vec<AppName>, ApiError>>;
}

/// What is known of the machines of many apps without asking for those of each.
pub trait Overview: Send + Sync {
    /// What is known of `app`. Never fails: where nothing is known, the app is asked itself.
    fn look<'a>(&'a self, app: &'a AppName, now: Timestamp) -> BoxFuture<'a, Glance>;

    /// Takes in what the app itself said at `now`.
    fn learn(&self, app: &AppName, machines: &[Machine], now: Timestamp);

    /// Drops what is known of `app`, which is no longer scaled.
    fn forget(&self, app: &AppName);
}

/// What is known of one app's machines without asking for them.
#[derive(Debug, Clone, Default)]
pub struct Glance {
    /// The machines without their configs; `None` where the app has to be asked itself.
    pub machines: Option<Vec<Machine>>,
    /// Regions whose machines Fly cannot list at the moment.
    pub error_regions: Vec<Region>,
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
