//! One simulated app: its machines through time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::model::{AppName, MachineId, MachineState, Region, Timestamp};

use super::answer::{Answer, Outcome};
use super::limits::Buckets;
use super::load::LoadState;
use super::machine::{Birth, SimMachine, Step, Timings};
use super::machines_api::memory_mb;
use super::past::Past;
use super::random::{Random, hash};
use super::spec::{AppSpec, ReleaseSpec};
use super::volumes::Volume;
use super::watch::Watched;

/// An app. All that concerns it is in here, so that one request costs what one app costs, however many
/// others there are.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) name: AppName,
    pub(crate) org: String,
    pub(crate) config: Arc<Value>,
    pub(crate) release: Option<ReleaseSpec>,
    pub(crate) machines: BTreeMap<MachineId, SimMachine>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) load: LoadState,
    /// What its numbers were.
    pub(crate) past: Past,
    /// Gauges that a test has set: by name and labels.
    pub(crate) gauges: BTreeMap<(String, BTreeMap<String, String>), f64>,
    pub(crate) buckets: Buckets,
    pub(crate) random: Random,
    /// The most machines that there were at once, and how many there ever were.
    pub(crate) peak_machines: usize,
    pub(crate) machines_made: usize,
    /// What is noted at every change, where somebody wants to know.
    pub(crate) watched: Option<Watched>,
    /// How many of the next boots fail.
    pub(crate) failing_boots: u32,
    pub(crate) boot_failure: f64,
    pub(crate) created_at: Timestamp,
    /// Machines that are forgotten but still in their organization's list, and the time that they are
    /// listed under.
    pub(crate) forgotten: Vec<(Timestamp, MachineId)>,
    timings: Timings,
    /// When each machine changes next: the order in which time passes.
    due: BTreeSet<(Timestamp, MachineId)>,
    started: usize,
}

/// How long a destroyed machine can still be looked up by its id.
const REMEMBERED: Duration = Duration::from_secs(60);

/// What `start` found and did.
pub(crate) struct Started {
    pub(crate) previous: MachineState,
}

impl App {
    pub(crate) fn new(spec: &AppSpec, seed: u64, timings: Timings, now: Timestamp) -> Self {
        let mut app = Self {
            name: spec.name.clone(),
            org: spec.org.clone(),
            config: Arc::new(spec.machine_config()),
            release: spec.release.clone(),
            machines: BTreeMap::new(),
            volumes: BTreeMap::new(),
            load: LoadState::new(spec.load.clone(), seed ^ hash(spec.name.as_str()), now),
            past: Past::default(),
            gauges: BTreeMap::new(),
            buckets: Buckets::default(),
            random: Random::new(seed, spec.name.as_str()),
            peak_machines: 0,
            machines_made: 0,
            watched: None,
            failing_boots: 0,
            boot_failure: 0.0,
            created_at: now,
            forgotten: Vec::new(),
            timings,
            due: BTreeSet::new(),
            started: 0,
        };
        app.note(now);
        app
    }

    /// Lets everything happen that is due by `now`, in order of time.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.due.first().filter(|(at, _)| *at <= now).cloned() {
            self.due.pop_first();
            self.load.advance(at, self.started);
            let Some(machine) = self.machines.get_mut(&id) else { continue };
            match machine.plan.pop_front() {
                Some((_, Step::Enter(state))) => {
                    machine.enter(state, at, &mut self.random);
                    self.reschedule(&id);
                }
                Some((_, Step::Forget)) => {
                    let listed_at = self.machines.remove(&id).and_then(|gone| gone.listed_at);
                    self.buckets.forget(&id);
                    self.forgotten.extend(listed_at.map(|at| (at, id)));
                }
                None => {}
            }
            self.count_started();
        }
        self.load.advance(now, self.started);
        if self.load.changes_by_itself() {
            self.note(now);
        }
    }

    /// Makes a machine that is in `state` and stays there.
    pub(crate) fn place(
        &mut self,
        region: Region,
        config: Arc<Value>,
        state: MachineState,
        name: Option<String>,
        now: Timestamp,
    ) -> MachineId {
        let id = MachineId::new(self.random.hex(14));
        let name = name.unwrap_or_else(|| random_name(&mut self.random));
        let birth = Birth { id: id.clone(), name, region, config, state };
        self.machines.insert(id.clone(), SimMachine::new(birth, now, &mut self.random));
        self.machines_made += 1;
        self.peak_machines = std::cmp::max(self.peak_machines, self.present());
        self.count_started();
        id
    }

    /// Makes a machine as the API does: it is `created` while its image is pulled, then boots or, with
    /// `skip_launch`, is `stopped`.
    pub(crate) fn create(
        &mut self,
        region: Region,
        config: Value,
        name: Option<String>,
        skip_launch: bool,
        now: Timestamp,
    ) -> MachineId {
        let id = self.place(region, Arc::new(config), MachineState::Created, name, now);
        let pulled = now.plus(self.some(self.timings.pull));
        if skip_launch {
            self.plan(&id, [(pulled, Step::Enter(MachineState::Stopped))]);
        } else {
            let booted = pulled.plus(self.some(self.timings.boot));
            let end = if self.boot_fails() { MachineState::Failed } else { MachineState::Started };
            let starting = (pulled, Step::Enter(MachineState::Starting));
            self.plan(&id, [starting, (booted, Step::Enter(end))]);
            self.watch();
        }
        id
    }

    /// Starts a machine. Which states allow it, and what is said otherwise: fly-api notes, 1.4.
    pub(crate) fn start(&mut self, id: &MachineId, now: Timestamp) -> Outcome<Started> {
        let previous = self.machine(id)?.state.clone();
        let takes = match previous {
            MachineState::Stopped | MachineState::Failed => self.timings.boot,
            MachineState::Suspended => self.timings.resume,
            MachineState::Started | MachineState::Starting => return Ok(Started { previous }),
            MachineState::Stopping | MachineState::Replacing => {
                return Err(Answer::precondition("machine getting replaced, refusing to start"));
            }
            MachineState::Suspending => {
                return Err(Answer::precondition("machine still active, refusing to start"));
            }
            other => return Err(wrong_state("start", &other)),
        };
        let takes = self.some(takes);
        // A machine whose program fails at once is restarted a few times and left stopped.
        let end = if self.boot_fails() { MachineState::Stopped } else { MachineState::Started };
        self.enter(id, MachineState::Starting, now);
        self.plan(id, [(now.plus(takes), Step::Enter(end))]);
        Ok(Started { previous })
    }

    /// Asks a machine to stop.
    pub(crate) fn stop(&mut self, id: &MachineId, now: Timestamp) -> Outcome<()> {
        match self.machine(id)?.state.clone() {
            MachineState::Stopped | MachineState::Stopping => Ok(()),
            // Its snapshot is dropped; there is nothing that runs.
            MachineState::Suspended => {
                self.enter(id, MachineState::Stopped, now);
                self.plan(id, []);
                Ok(())
            }
            MachineState::Started | MachineState::Starting => {
                self.pass(
                    id,
                    MachineState::Stopping,
                    self.timings.stop,
                    MachineState::Stopped,
                    now,
                );
                Ok(())
            }
            other => Err(wrong_state("stop", &other)),
        }
    }

    /// Asks a machine to suspend.
    pub(crate) fn suspend(&mut self, id: &MachineId, now: Timestamp) -> Outcome<()> {
        match self.machine(id)?.state.clone() {
            MachineState::Suspended | MachineState::Suspending => Ok(()),
            MachineState::Started => {
                if let Some(why) = not_suspendable(&self.machine(id)?.config) {
                    return Err(Answer::precondition(format!("machine {id} {why}")));
                }
                let (via, to) = (MachineState::Suspending, MachineState::Suspended);
                self.pass(id, via, self.timings.suspend, to, now);
                Ok(())
            }
            other => Err(wrong_state("suspend", &other)),
        }
    }

    /// Destroys a machine; one that runs only by force. Says whether it was there until now.
    pub(crate) fn destroy(&mut self, id: &MachineId, force: bool, now: Timestamp) -> Outcome<bool> {
        let state = self.machine(id)?.state.clone();
        match state {
            MachineState::Destroying | MachineState::Destroyed => return Ok(false),
            MachineState::Stopped
            | MachineState::Suspended
            | MachineState::Created
            | MachineState::Failed
            | MachineState::LaunchFailed => {}
            running if !force => return Err(wrong_state("destroy", &running)),
            _ => {}
        }
        let gone = now.plus(self.some(self.timings.destroy));
        self.enter(id, MachineState::Destroying, now);
        let destroyed = (gone, Step::Enter(MachineState::Destroyed));
        self.plan(id, [destroyed, (gone.plus(REMEMBERED), Step::Forget)]);
        for volume in self.volumes.values_mut() {
            volume.detach(id);
        }
        Ok(true)
    }

    /// Puts a machine into `state`, where it stays: for tests.
    pub(crate) fn force_state(
        &mut self,
        id: &MachineId,
        state: MachineState,
        now: Timestamp,
    ) -> Outcome<()> {
        self.machine(id)?;
        self.enter(id, state, now);
        self.plan(id, []);
        Ok(())
    }

    pub(crate) fn machine(&self, id: &MachineId) -> Outcome<&SimMachine> {
        self.machines.get(id).ok_or_else(|| Answer::not_found("machine"))
    }

    pub(crate) fn machine_mut(&mut self, id: &MachineId) -> Outcome<&mut SimMachine> {
        self.machines.get_mut(id).ok_or_else(|| Answer::not_found("machine"))
    }

    /// What a list shows that lags by `lag`: each machine with its state of then. Destroyed ones linger
    /// for a while, and longer where the reader asks for them.
    pub(crate) fn listed(
        &self,
        now: Timestamp,
        lag: Duration,
        include_deleted: bool,
    ) -> impl Iterator<Item = (&SimMachine, &MachineState)> {
        let then = now.minus(lag);
        self.machines.values().filter_map(move |machine| {
            self.listed_state(machine, then, include_deleted).map(|state| (machine, state))
        })
    }

    /// The state in which a list shows a machine that knows what was so `then`, if it shows it.
    pub(crate) fn listed_state<'a>(
        &self,
        machine: &'a SimMachine,
        then: Timestamp,
        include_deleted: bool,
    ) -> Option<&'a MachineState> {
        let state = machine.state_at(then)?;
        let is_over =
            machine.destroyed_since().is_some_and(|since| then.since(since) > self.timings.linger);
        (include_deleted || !is_over).then_some(state)
    }

    /// When the next machine changes by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// How many machines exist.
    pub(crate) fn present(&self) -> usize {
        self.machines.values().filter(|machine| machine.is_present()).count()
    }

    fn pass(
        &mut self,
        id: &MachineId,
        via: MachineState,
        takes: Duration,
        to: MachineState,
        now: Timestamp,
    ) {
        let takes = self.some(takes);
        self.enter(id, via, now);
        self.plan(id, [(now.plus(takes), Step::Enter(to))]);
    }

    fn enter(&mut self, id: &MachineId, state: MachineState, now: Timestamp) {
        if let Some(machine) = self.machines.get_mut(id) {
            machine.enter(state, now, &mut self.random);
        }
        self.count_started();
    }

    /// Replaces what comes next for a machine.
    fn plan<const N: usize>(&mut self, id: &MachineId, steps: [(Timestamp, Step); N]) {
        let Some(machine) = self.machines.get_mut(id) else { return };
        if let Some((at, _)) = machine.plan.front() {
            self.due.remove(&(*at, id.clone()));
        }
        machine.plan = steps.into();
        self.reschedule(id);
    }

    fn reschedule(&mut self, id: &MachineId) {
        if let Some((at, _)) = self.machines.get(id).and_then(|machine| machine.plan.front()) {
            self.due.insert((*at, id.clone()));
        }
    }

    fn count_started(&mut self) {
        self.started =
            self.machines.values().filter(|machine| machine.state == MachineState::Started).count();
        self.watch();
    }

    /// Notes what is so now, if somebody wants to know.
    pub(crate) fn watch(&mut self) {
        if let Some(watched) = &mut self.watched {
            watched.look(self.machines.values());
        }
    }

    fn some(&mut self, duration: Duration) -> Duration {
        self.random.jitter(duration, self.timings.jitter)
    }

    fn boot_fails(&mut self) -> bool {
        // Always drawn, so that ordering a failure does not shift the luck of what follows.
        let unlucky = self.random.unit() < self.boot_failure;
        if self.failing_boots > 0 {
            self.failing_boots -= 1;
            return true;
        }
        unlucky
    }
}

/// Why Fly cannot suspend a machine of this config: fly-api notes, section 7. The words are not Fly's,
/// which are not known.
fn not_suspendable(config: &Value) -> Option<&'static str> {
    let guest = &config["guest"];
    if memory_mb(config) > 2048 {
        Some("has more than 2 GB of memory and cannot be suspended")
    } else if config["init"]["swap_size_mb"].as_u64().is_some_and(|size| size > 0) {
        Some("has swap and cannot be suspended")
    } else if config["schedule"].is_string() {
        Some("has a schedule and cannot be suspended")
    } else if guest["gpu_kind"].is_string() || guest["gpus"].as_u64().is_some_and(|gpus| gpus > 0) {
        Some("has a GPU and cannot be suspended")
    } else {
        None
    }
}

fn wrong_state(action: &str, state: &MachineState) -> Answer {
    Answer::precondition(format!("unable to {action} machine from current state: '{state}'"))
}

fn random_name(random: &mut Random) -> String {
    const ADJECTIVES: [&str; 8] =
        ["quiet", "green", "late", "small", "bright", "cold", "old", "swift"];
    const NOUNS: [&str; 8] = ["river", "dawn", "field", "stone", "leaf", "moon", "wind", "lake"];
    let number = random.next() % 10_000;
    format!("{}-{}-{number}", random.pick(&ADJECTIVES), random.pick(&NOUNS))
}
