//! What tests and the demo do with a world while it is served: furnish it, break it, look at it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::{AppName, HostStatus, MachineId, MachineState, Region, Timestamp};
use crate::ports::Clock;

use super::app::App;
use super::call::Endpoint;
use super::faults::FaultRule;
use super::journal::{Request, Tally};
use super::machines_api::memory_mb;
use super::spec::{AppSpec, MachineSpec, ReleaseSpec};
use super::volumes::Volume;
use super::watch::Watched;
use super::world::World;

/// The world of a simulator. Clones are the same world.
#[derive(Clone)]
pub struct WorldHandle {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
}

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// No such app.
    #[error("the simulator has no app `{0}`")]
    App(AppName),
    /// The app has no such machine.
    #[error("the simulator's app `{app}` has no machine `{id}`")]
    Machine {
        /// The app.
        app: AppName,
        /// The machine.
        id: MachineId,
    },
}

/// A machine as it really is, whatever lists say.
#[derive(Debug, Clone, PartialEq)]
pub struct MachineView {
    /// Its id.
    pub id: MachineId,
    /// Where it is.
    pub region: Region,
    /// Its state.
    pub state: MachineState,
    /// Taken out of the proxy's rotation.
    pub is_cordoned: bool,
    /// Its config.
    pub config: Arc<serde_json::Value>,
}

impl WorldHandle {
    pub(crate) fn new(world: World, clock: Arc<dyn Clock>) -> Self {
        Self { world: Arc::new(Mutex::new(world)), clock }
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Does something with the world as it is now.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut World, Timestamp) -> T) -> T {
        let now = self.clock.now();
        // A test that panicked while it held the world has said so already.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut world, now)
    }

    /// Does something with an app as it is now.
    fn with_app<T>(
        &self,
        name: &AppName,
        act: impl FnOnce(&mut App, Timestamp) -> T,
    ) -> Result<T, Missing> {
        self.with(|world, now| match world.app(name, now) {
            Ok(app) => Ok(act(app, now)),
            Err(_) => Err(Missing::App(name.clone())),
        })
    }

    /// Adds an app with its machines, or replaces the one of that name.
    pub fn add_app(&self, spec: &AppSpec) {
        self.with(|world, now| {
            world.remove_app(&spec.name);
            let mut app = App::new(spec, world.rules.seed, world.rules.timings, now);
            app.boot_failure = world.rules.boot_failure;
            let config = Arc::clone(&app.config);
            for region in &spec.regions {
                let states = [
                    (region.started, MachineState::Started),
                    (region.stopped, MachineState::Stopped),
                ];
                for (count, state) in states {
                    for _ in 0..count {
                        let (place, config) = (region.region.clone(), Arc::clone(&config));
                        app.place(place, config, state.clone(), None, now);
                        world.count_machine(
                            &spec.org,
                            &region.region,
                            memory_mb(&app.config),
                            true,
                        );
                    }
                }
            }
            world.org_mut(&spec.org).apps.insert(spec.name.clone());
            world.stale.touch(&spec.name);
            world.apps.insert(spec.name.clone(), app);
        });
    }

    /// Takes an app away, with all that it has.
    pub fn remove_app(&self, app: &AppName) {
        self.with(|world, _| world.remove_app(app));
    }

    /// Adds one machine.
    pub fn add_machine(&self, app: &AppName, spec: MachineSpec) -> Result<MachineId, Missing> {
        let region = spec.region.clone();
        let (id, org, memory) = self.with_app(app, |app, now| {
            let config = spec.config.map_or_else(|| Arc::clone(&app.config), Arc::new);
            let memory = memory_mb(&config);
            let id = app.place(spec.region, Arc::clone(&config), spec.state, None, now);
            app.attach_mounts(&config, &id, now);
            (id, app.org.clone(), memory)
        })?;
        self.with(|world, _| world.count_machine(&org, &region, memory, true));
        Ok(id)
    }

    /// Adds an unattached volume and tells its id.
    pub fn add_volume(
        &self,
        app: &AppName,
        name: &str,
        region: &Region,
        size_gb: u64,
    ) -> Result<String, Missing> {
        self.with_app(app, |app, now| {
            let volume = Volume::new(name, region.clone(), size_gb, now, &mut app.random);
            app.add_volume(volume).id().to_owned()
        })
    }

    /// Sets how many jobs wait; `None` takes the series away.
    pub fn set_queue_depth(&self, app: &AppName, depth: Option<f64>) -> Result<(), Missing> {
        self.with_app(app, |app, now| {
            app.load.set_queue_depth(depth);
            app.note(now);
        })
    }

    /// Sets the requests per second of a region; `None` gives them back to the app's load.
    pub fn set_traffic(
        &self,
        app: &AppName,
        region: &Region,
        rate: Option<f64>,
    ) -> Result<(), Missing> {
        self.with_app(app, |app, now| {
            app.load.set_traffic(region.clone(), rate);
            app.note(now);
        })
    }

    /// Sets a gauge of any name. The label `app` is added.
    pub fn set_gauge(
        &self,
        app: &AppName,
        name: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> Result<(), Missing> {
        let labels: BTreeMap<String, String> = labels
            .iter()
            .map(|(label, value)| ((*label).to_owned(), (*value).to_owned()))
            .collect();
        self.with_app(app, |app, now| {
            app.set_gauge((name.to_owned(), labels), value, now);
        })
    }

    /// Sets the current release; `None` for an app that never had one.
    pub fn set_release(&self, app: &AppName, release: Option<ReleaseSpec>) -> Result<(), Missing> {
        self.with_app(app, |app, _| app.release = release)
    }

    /// Lets the next `count` boots of an app fail.
    pub fn fail_next_boots(&self, app: &AppName, count: u32) -> Result<(), Missing> {
        self.with_app(app, |app, _| app.failing_boots = count)
    }

    /// Sets what Fly knows of the host under a machine.
    pub fn set_host_status(
        &self,
        app: &AppName,
        id: &MachineId,
        status: HostStatus,
    ) -> Result<(), Missing> {
        self.with_app(app, |app, _| {
            app.machine_mut(id).map(|machine| machine.host_status = status)
        })?
        .map_err(|_| Missing::Machine { app: app.clone(), id: id.clone() })
    }

    /// Puts a machine into a state, in which it stays.
    pub fn set_state(
        &self,
        app: &AppName,
        id: &MachineId,
        state: MachineState,
    ) -> Result<(), Missing> {
        self.with_app(app, |app, now| app.force_state(id, state, now))?
            .map_err(|_| Missing::Machine { app: app.clone(), id: id.clone() })
    }

    /// Takes the lease of a machine as someone else, and tells the nonce.
    pub fn lease(&self, app: &AppName, id: &MachineId, ttl: Duration) -> Result<String, Missing> {
        self.with_app(app, |app, now| app.lease(id, ttl, "someone else", now))?
            .map_err(|_| Missing::Machine { app: app.clone(), id: id.clone() })
    }

    /// Limits how many machines a region takes; `None` lifts the limit.
    pub fn set_capacity(&self, region: &Region, machines: Option<usize>) {
        self.with(|world, _| match machines {
            Some(machines) => world.capacity.insert(region.clone(), machines),
            None => world.capacity.remove(region),
        });
    }

    /// Takes a region off the list of regions, as if Fly never had it.
    pub fn drop_region(&self, region: &Region) {
        self.with(|world, _| world.dropped.insert(region.clone()));
    }

    /// Marks a region as deprecated in the list of regions.
    pub fn deprecate_region(&self, region: &Region) {
        self.with(|world, _| world.deprecated.insert(region.clone()));
    }

    /// Limits the memory that an organization's machines may use in each region, in MB.
    pub fn set_quota(&self, org: &str, memory_mb: Option<u64>) {
        self.with(|world, _| world.org_mut(org).quota_mb = memory_mb);
    }

    /// Sets how far lists are behind from now on.
    pub fn set_list_lag(&self, lag: Duration) {
        self.with(|world, _| world.rules.list_lag = lag);
    }

    /// Sets the regions that an organization's list cannot tell of: it names them, and their machines
    /// are missing. (Fly does not say what becomes of those machines; missing is the harder case.)
    pub fn set_error_regions(&self, org: &str, regions: &[Region]) {
        self.with(|world, _| {
            world.org_mut(org).error_regions = regions.iter().cloned().collect();
        });
    }

    /// Injects a fault.
    pub fn inject(&self, rule: FaultRule) {
        self.with(|world, _| world.faults.inject(rule));
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.with(|world, _| world.faults.clear());
    }

    /// The machines of an app as they are now, in the order of their ids, without those destroyed.
    pub fn machines(&self, app: &AppName) -> Result<Vec<MachineView>, Missing> {
        self.with_app(app, |app, _| {
            let machines = app.machines.values();
            let there = machines.filter(|machine| machine.state != MachineState::Destroyed);
            let view = |machine: &super::machine::SimMachine| MachineView {
                id: machine.id.clone(),
                region: machine.region.clone(),
                state: machine.state.clone(),
                is_cordoned: machine.cordoned,
                config: Arc::clone(&machine.config),
            };
            there.map(view).collect()
        })
    }

    /// How many jobs wait now.
    pub fn queue_depth(&self, app: &AppName) -> Result<Option<f64>, Missing> {
        self.with_app(app, |app, _| app.load.queue_depth())
    }

    /// Requests per second in each region now.
    pub fn traffic(&self, app: &AppName) -> Result<BTreeMap<Region, f64>, Missing> {
        self.with_app(app, |app, now| app.load.traffic(now))
    }

    /// The most machines that an app ever had at once.
    pub fn peak_machines(&self, app: &AppName) -> Result<usize, Missing> {
        self.with_app(app, |app, _| app.peak_machines)
    }

    /// How many machines an app ever had, those at first included.
    pub fn machines_made(&self, app: &AppName) -> Result<usize, Missing> {
        self.with_app(app, |app, _| app.machines_made)
    }

    /// Watches an app from now on: what [`WorldHandle::watched`] tells begins here.
    pub fn watch(&self, app: &AppName) -> Result<(), Missing> {
        self.with_app(app, |app, _| {
            app.watched = Some(Watched::default());
            app.watch();
        })
    }

    /// The most and the fewest machines at any moment since [`WorldHandle::watch`]; empty for an app that is
    /// not watched.
    pub fn watched(&self, app: &AppName) -> Result<Watched, Missing> {
        self.with_app(app, |app, _| app.watched.clone().unwrap_or_default())
    }

    /// The requests so far: the last 100,000.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.with(|world, _| world.journal.requests().cloned().collect())
    }

    /// How many requests of `endpoint` there were.
    #[must_use]
    pub fn total(&self, endpoint: Endpoint) -> u64 {
        self.with(|world, _| world.journal.total(endpoint))
    }

    /// How many requests of `endpoint` were answered with `status`; `None` for those left without an
    /// answer.
    #[must_use]
    pub fn count(&self, endpoint: Endpoint, status: Option<u16>) -> u64 {
        self.with(|world, _| world.journal.count(endpoint, status))
    }

    /// What was counted so far, by endpoint and status. It is never forgotten, unlike the requests
    /// themselves.
    #[must_use]
    pub fn tallies(&self) -> BTreeMap<(Endpoint, Option<u16>), Tally> {
        self.with(|world, _| world.journal.tallies().clone())
    }

    /// How many requests were answered with `status`, of all endpoints: 429 says whether Fly's limits
    /// were kept.
    #[must_use]
    pub fn answered(&self, status: u16) -> u64 {
        let tallies = self.tallies();
        let with_it = tallies.iter().filter(|((_, answered), _)| *answered == Some(status));
        with_it.map(|(_, tally)| tally.requests).sum()
    }
}
