//! A Machines API that answers by script and remembers what it was asked: for what a decision does
//! call by call. Whole ticks are tested on the simulator.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::act::{Terms, UnderWay};
use fly_autoscaler::decide::Release;
use fly_autoscaler::model::{
    AppName, HostStatus, Machine, MachineFacts, MachineId, MachineState, ProcessGroup, Region,
    Volume, VolumeId,
};
use fly_autoscaler::ports::{
    ApiError, BoxFuture, CreateRequest, ErrorClass, Lease, MachinesApi, Operation, VolumeRequest,
};

/// So many actions at once, without leases, and nobody pauses.
pub(crate) fn unpaused(concurrency: usize, under_way: &UnderWay) -> Terms<'_> {
    Terms { leases: &[], concurrency, under_way, is_paused: &|| false }
}

/// What the double was asked to change, as one line each.
#[derive(Default)]
pub(crate) struct Double {
    calls: Mutex<Vec<String>>,
    failures: BTreeMap<String, ApiError>,
    known_creates: Vec<MachineId>,
}

impl Double {
    /// Fails the call that is written as `call` with an error of `class`.
    pub(crate) fn failing(mut self, call: &str, class: ErrorClass, outcome_unknown: bool) -> Self {
        let error = ApiError {
            operation: Operation::Start,
            subject: call.into(),
            class,
            status: None,
            message: "marker".into(),
            request_id: None,
            outcome_unknown,
        };
        self.failures.insert(call.into(), error);
        self
    }

    /// Makes the list show this machine for every create id.
    pub(crate) fn listing_created(mut self, id: &str) -> Self {
        self.known_creates.push(MachineId::new(id));
        self
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    fn note<T>(&self, call: String, answer: T) -> BoxFuture<'_, Result<T, ApiError>>
    where
        T: Send + 'static,
    {
        let result = self.failures.get(&call).map_or(Ok(answer), |error| Err(error.clone()));
        self.calls.lock().unwrap().push(call);
        Box::pin(async move { result })
    }
}

impl MachinesApi for Double {
    fn list<'a>(&'a self, _: &'a AppName) -> BoxFuture<'a, Result<Vec<Machine>, ApiError>> {
        self.note("list".into(), Vec::new())
    }

    fn get<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        self.note(format!("get {id}"), machine(id.as_str(), "started", "iad"))
    }

    fn create<'a>(
        &'a self,
        _: &'a AppName,
        request: &'a CreateRequest,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        let launch = if request.skip_launch { " stopped" } else { "" };
        let volume = request.config["mounts"][0]["volume"].as_str();
        let volume = volume.map(|id| format!(" with {id}")).unwrap_or_default();
        let call = format!("create {}{launch}{volume}", request.region);
        let id = format!("new{}", self.calls().len());
        self.note(call, machine(&id, "created", request.region.as_str()))
    }

    fn find_created<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<MachineId>, ApiError>> {
        self.note("find_created".into(), self.known_creates.first().cloned())
    }

    fn start<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("start {id}"), ())
    }

    fn stop<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("stop {id}"), ())
    }

    fn suspend<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("suspend {id}"), ())
    }

    fn cordon<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("cordon {id}"), ())
    }

    fn uncordon<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("uncordon {id}"), ())
    }

    fn set_metadata<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        key: &'static str,
        value: Option<String>,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("= {value}"));
        self.note(format!("mark {id} {key} {value}"), ())
    }

    fn destroy<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        force: bool,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("destroy {id}{}", if force { " force" } else { "" }), ())
    }

    fn acquire_lease<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Duration,
    ) -> BoxFuture<'a, Result<Lease, ApiError>> {
        self.note(format!("lease {id}"), Lease { machine: id.clone(), nonce: "n".into() })
    }

    fn keep_lease<'a>(
        &'a self,
        _: &'a AppName,
        lease: &'a Lease,
        ttl: Duration,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("keep {} for {ttl:?}", lease.machine), ())
    }

    fn release_lease<'a>(
        &'a self,
        _: &'a AppName,
        lease: &'a Lease,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.note(format!("release {}", lease.machine), ())
    }

    fn list_volumes<'a>(&'a self, _: &'a AppName) -> BoxFuture<'a, Result<Vec<Volume>, ApiError>> {
        self.note("list_volumes".into(), Vec::new())
    }

    fn create_volume<'a>(
        &'a self,
        _: &'a AppName,
        request: &'a VolumeRequest,
    ) -> BoxFuture<'a, Result<Volume, ApiError>> {
        let call = format!("create_volume {} {}", request.name, request.region);
        let id = format!("vol_new{}", self.calls().len());
        self.note(call, volume(&id, &request.name, request.region.as_str()))
    }

    fn current_release<'a>(
        &'a self,
        _: &'a AppName,
    ) -> BoxFuture<'a, Result<Option<Release>, ApiError>> {
        self.note("release".into(), None)
    }
}

/// A volume that no machine has.
pub(crate) fn volume(id: &str, name: &str, region: &str) -> Volume {
    Volume {
        id: VolumeId::new(id),
        name: Arc::from(name),
        region: Region::new(region),
        size_gb: Some(3),
        encrypted: Some(true),
        is_attached: false,
        host_status: HostStatus::Ok,
        state: Arc::from("created"),
    }
}

/// A machine of the group `app` that can be cloned.
pub(crate) fn machine(id: &str, state: &str, region: &str) -> Machine {
    let config = serde_json::json!({
        "image": "registry.fly.io/app:v1",
        "metadata": { "fly_process_group": "app", "made_from": id },
    });
    Machine {
        id: MachineId::new(id),
        state: MachineState::parse(state),
        region: Region::new(region),
        host_status: HostStatus::Ok,
        is_cordoned: false,
        created_at: None,
        image: Some(Arc::from("registry.fly.io/app:v1")),
        facts: MachineFacts { group: Some(ProcessGroup::new("app")), ..MachineFacts::default() },
        config: Some(Arc::from(serde_json::value::to_raw_value(&config).unwrap())),
    }
}
