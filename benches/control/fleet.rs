//! The machines of one app in memory, which boot by the clock: enough of Fly for ticks that start and stop.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fly_autoscaler::decide::Release;
use fly_autoscaler::model::{
    AppName, HostStatus, Machine, MachineFacts, MachineId, MachineState, ProcessGroup, Region,
    Timestamp, Volume,
};
use fly_autoscaler::ports::{
    ApiError, BoxFuture, Clock, CreateRequest, ErrorClass, Lease, MachinesApi, Operation,
    VolumeRequest,
};

/// What is known of one machine.
#[derive(Clone, Copy)]
struct Own {
    /// Since when it was asked to run; `None`: it is stopped.
    running_since: Option<Timestamp>,
}

/// The machines of an app. A start takes `boot` until the machine serves; a stop takes effect at once.
pub(crate) struct InMemory {
    clock: Arc<dyn Clock>,
    boot: Duration,
    machines: Mutex<Vec<Own>>,
}

impl InMemory {
    /// So many machines, the first `running` of which serve already.
    pub(crate) fn new(clock: Arc<dyn Clock>, boot: Duration, count: usize, running: usize) -> Self {
        let began = clock.now().minus(boot);
        let own = |number| Own { running_since: (number < running).then_some(began) };
        Self { clock, boot, machines: Mutex::new((0..count).map(own).collect()) }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Own>> {
        self.machines.lock().unwrap()
    }

    /// How many machines are paid for, and how many of them serve.
    pub(crate) fn running_and_serving(&self) -> (u32, u32) {
        let now = self.clock.now();
        self.lock()
            .iter()
            .filter_map(|own| own.running_since)
            .fold((0, 0), |(on, up), since| (on + 1, up + u32::from(now.since(since) >= self.boot)))
    }

    fn machine(&self, number: usize, own: Own) -> Machine {
        let state = match own.running_since {
            None => MachineState::Stopped,
            Some(since) if self.clock.now().since(since) < self.boot => MachineState::Starting,
            Some(_) => MachineState::Started,
        };
        Machine {
            id: MachineId::new(format!("{number:04}")),
            state,
            region: Region::new("iad"),
            host_status: HostStatus::Ok,
            is_cordoned: false,
            created_at: None,
            image: None,
            facts: MachineFacts {
                group: Some(ProcessGroup::new("app")),
                ..MachineFacts::default()
            },
            config: None,
        }
    }

    fn set(
        &self,
        id: &MachineId,
        running_since: Option<Timestamp>,
    ) -> BoxFuture<'_, Result<(), ApiError>> {
        let number: usize = id.as_str().parse().unwrap();
        self.lock()[number].running_since = running_since;
        Box::pin(async { Ok(()) })
    }
}

/// Nothing in the replay asks for it.
fn unused<T: Send>(operation: Operation) -> BoxFuture<'static, Result<T, ApiError>> {
    Box::pin(async move {
        Err(ApiError {
            operation,
            subject: "replay".into(),
            class: ErrorClass::Rejected,
            status: None,
            message: "the replay only starts and stops".into(),
            request_id: None,
            outcome_unknown: false,
        })
    })
}

impl MachinesApi for InMemory {
    fn list<'a>(&'a self, _: &'a AppName) -> BoxFuture<'a, Result<Vec<Machine>, ApiError>> {
        let machines = self
            .lock()
            .iter()
            .enumerate()
            .map(|(number, own)| self.machine(number, *own))
            .collect();
        Box::pin(async move { Ok(machines) })
    }

    fn start<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.set(id, Some(self.clock.now()))
    }

    fn stop<'a>(
        &'a self,
        _: &'a AppName,
        id: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        self.set(id, None)
    }

    fn current_release<'a>(
        &'a self,
        _: &'a AppName,
    ) -> BoxFuture<'a, Result<Option<Release>, ApiError>> {
        Box::pin(async { Ok(None) })
    }

    fn get<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        unused(Operation::Get)
    }

    fn create<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a CreateRequest,
    ) -> BoxFuture<'a, Result<Machine, ApiError>> {
        unused(Operation::Create)
    }

    fn find_created<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<MachineId>, ApiError>> {
        unused(Operation::FindCreated)
    }

    fn suspend<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::Suspend)
    }

    fn cordon<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::Cordon)
    }

    fn uncordon<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::Uncordon)
    }

    fn set_metadata<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: &'static str,
        _: Option<String>,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::SetMetadata)
    }

    fn destroy<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: bool,
        _: Option<&'a Lease>,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::Destroy)
    }

    fn acquire_lease<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a MachineId,
        _: Duration,
    ) -> BoxFuture<'a, Result<Lease, ApiError>> {
        unused(Operation::AcquireLease)
    }

    fn keep_lease<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a Lease,
        _: Duration,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::AcquireLease)
    }

    fn release_lease<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a Lease,
    ) -> BoxFuture<'a, Result<(), ApiError>> {
        unused(Operation::ReleaseLease)
    }

    fn list_volumes<'a>(&'a self, _: &'a AppName) -> BoxFuture<'a, Result<Vec<Volume>, ApiError>> {
        unused(Operation::ListVolumes)
    }

    fn create_volume<'a>(
        &'a self,
        _: &'a AppName,
        _: &'a VolumeRequest,
    ) -> BoxFuture<'a, Result<Volume, ApiError>> {
        unused(Operation::CreateVolume)
    }
}
