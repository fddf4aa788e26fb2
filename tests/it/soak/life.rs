//! A day of one app in four regions, with one thing after another going wrong.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::{HostStatus, MachineId, MachineState, ProcessGroup, Region, Timestamp};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::{
    AppSpec, Endpoint, FaultKind, FaultRule, Load, MachineSpec, Matching, Phase, ReleaseSpec,
    SimOptions, Simulator, Times, deployed_config,
};
use serde_json::json;

use super::time::SteppedClock;
use super::{Process, Random, refused_for_the_rate, settle, slow_network, web};

/// A create is decided on what was measured up to a minute before, where an answer was lost; a tick that
/// creates many takes a while.
const STALE: Duration = Duration::from_secs(60);
/// How long the last part of each hour is, in which the target stays.
const CALM: Duration = Duration::from_secs(20 * 60);
/// How many more machines exist than run.
const SPARE: usize = 2;

const VARIABLES: [(&str, &str); 3] = [
    ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10) + 2"),
    ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)"),
    ("FAS_REGIONS", "lhr,iad,fra,nrt"),
];

/// What was seen in a day.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// What should not have been, with its time.
    pub(crate) wrong: Vec<String>,
    /// The machines that were made, those at first left out.
    pub(crate) made: usize,
    pub(crate) destroyed: usize,
    /// The most machines that were started beyond what was wanted.
    pub(crate) most_beyond: usize,
}

struct Life {
    seed: u64,
    sim: Simulator,
    clock: Arc<SteppedClock>,
    random: Random,
    wanted: VecDeque<(Timestamp, usize)>,
    /// Machines that are not the autoscaler's to touch.
    foreign: BTreeSet<MachineId>,
    unreachable: BTreeSet<MachineId>,
    /// When lost hosts were found again last.
    hosts_back: Timestamp,
    /// The machines at the last look, and how many ran.
    here: BTreeSet<MachineId>,
    ran: usize,
    seen: Seen,
}

/// Runs a day.
pub(crate) async fn a_day_in_the_life(seed: u64) -> Seen {
    let mut life = Life::new(seed).await;
    let process = Process::start(&life.sim, &life.clock, "s1", &VARIABLES);
    for hour in 0..24 {
        life.hour(hour).await;
    }
    process.kill();
    life.end()
}

impl Life {
    async fn new(seed: u64) -> Self {
        let start = Timestamp::parse_rfc3339("2026-08-21T00:00:00Z").unwrap();
        let clock = SteppedClock::new(start);
        let options = SimOptions {
            seed,
            list_lag: Duration::from_secs(2),
            enforce_rate_limits: true,
            boot_failure: 0.03,
            ..SimOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)
        };
        let sim = Simulator::start(options).await.unwrap();
        let mut spec = AppSpec::new("web", "acme");
        for region in ["lhr", "iad", "fra", "nrt"] {
            spec = spec.with_machines(region, 1, 0);
        }
        spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(20.0) };
        sim.world().add_app(&spec);
        let foreign = add_foreign(&sim);
        clock.step(start.plus(Duration::from_secs(3600)));
        usual_faults(&sim);
        slow_network(&sim);
        let mut life = Self {
            seed,
            hosts_back: start,
            random: Random::new(seed),
            wanted: [(clock.now(), 2)].into(),
            clock,
            sim,
            foreign,
            unreachable: BTreeSet::new(),
            here: BTreeSet::new(),
            ran: 0,
            seen: Seen::default(),
        };
        life.here = life.machines().into_iter().map(|(id, ..)| id).collect();
        life
    }

    async fn hour(&mut self, hour: u64) {
        let begin = self.clock.now();
        let end = begin.plus(Duration::from_secs(3600));
        self.disturb(hour);
        while self.clock.now() < end.minus(CALM) {
            self.want(hour);
            let minutes = 3 + self.random.below(12);
            let until = self.clock.now().plus(Duration::from_secs(60 * minutes));
            self.pass(std::cmp::min(until, end.minus(CALM))).await;
        }
        self.pass(end).await;
        // Hours in which it cannot or must not.
        if !matches!(hour, 7 | 10 | 16 | 18 | 20) {
            self.check_converged(hour);
        }
    }

    /// What happens in an hour, beside the usual.
    fn disturb(&mut self, hour: u64) {
        let world = self.sim.world();
        let (now, lhr) = (self.clock.now(), Region::new("lhr"));
        let release = |version, status: &str| {
            let release = ReleaseSpec { version, status: status.to_owned(), created_at: now };
            world.set_release(&web(), Some(release)).unwrap();
        };
        let always = |endpoint, code| {
            let body = r#"{"error":"out of order"}"#.to_owned();
            let kind = FaultKind::Status { code, body, retry_after: None };
            world.clear_faults();
            world.inject(FaultRule::always(endpoint, kind));
            usual_faults(&self.sim);
            slow_network(&self.sim);
        };
        match hour {
            2 => world.set_capacity(&lhr, Some(2)),
            5 => world.set_capacity(&lhr, None),
            7 => release(2, "running"),
            8 => release(2, "complete"),
            // Never ended: taken as abandoned after an hour.
            10 => release(3, "running"),
            13 => release(4, "complete"),
            14 => self.lose_hosts(2),
            15 => self.find_hosts(),
            16 => self.lose_hosts(100),
            17 => self.find_hosts(),
            18 => always(Endpoint::PrometheusQuery, 503),
            20 => always(Endpoint::List, 500),
            19 | 21 => {
                world.clear_faults();
                usual_faults(&self.sim);
                slow_network(&self.sim);
            }
            _ => {}
        }
    }

    fn lose_hosts(&mut self, most: usize) {
        // Half of the machines at most, so that something is left to clone.
        let machines = self.machines();
        let count = std::cmp::min(most, machines.len() / 2);
        for (id, ..) in machines.into_iter().take(count) {
            self.sim.world().set_host_status(&web(), &id, HostStatus::Unreachable).unwrap();
            self.unreachable.insert(id);
        }
    }

    fn find_hosts(&mut self) {
        self.hosts_back = self.clock.now();
        for id in std::mem::take(&mut self.unreachable) {
            let found = self.sim.world().set_host_status(&web(), &id, HostStatus::Ok);
            if found.is_err() {
                self.wrong(format!("the unreachable machine {id} is gone"));
            }
        }
    }

    fn want(&mut self, hour: u64) {
        let height = 0.5 - 0.5 * (hour as f64 / 24.0 * std::f64::consts::TAU).cos();
        let wanted = (1 + (height * 6.0) as u64 + self.random.below(4)) as usize;
        self.wanted.push_back((self.clock.now(), wanted));
        self.sim.world().set_queue_depth(&web(), Some(wanted as f64 * 10.0)).unwrap();
    }

    async fn pass(&mut self, end: Timestamp) {
        while self.clock.now() < end {
            settle(&self.clock, 1).await;
            self.look();
            self.clock.step(end);
        }
    }

    /// Checks what has changed since the last look.
    fn look(&mut self) {
        let now = self.clock.now();
        while self.wanted.get(1).is_some_and(|(from, _)| *from <= now.minus(STALE)) {
            self.wanted.pop_front();
        }
        let wanted = || self.wanted.iter().map(|(_, count)| *count);
        let (least, most) = (wanted().min().unwrap(), wanted().max().unwrap());
        let machines = self.machines();
        let here: BTreeSet<_> = machines.iter().map(|(id, ..)| id.clone()).collect();
        let made = here.difference(&self.here).count();
        let gone: Vec<_> = self.here.difference(&here).cloned().collect();
        let reachable = here.len() - here.intersection(&self.unreachable).count();
        if made > 0 && reachable > most + SPARE {
            self.wrong(format!("{made} made: {reachable} machines, {most}+{SPARE} wanted"));
        }
        if !gone.is_empty() && reachable < least + SPARE {
            let gone = gone.len();
            self.wrong(format!("{gone} destroyed: {reachable} machines, {least}+{SPARE} wanted"));
        }
        if gone.iter().any(|id| self.unreachable.contains(id)) {
            self.wrong("a machine on an unreachable host was destroyed".to_owned());
        }
        let running = self.running(&machines);
        // Machines that come back with their hosts are stopped again.
        if running > self.ran && now.since(self.hosts_back) > CALM {
            let beyond = running.saturating_sub(most);
            self.seen.most_beyond = std::cmp::max(self.seen.most_beyond, beyond);
        }
        self.ran = running;
        self.seen.made += made;
        self.seen.destroyed += gone.len();
        self.here = here;
    }

    fn check_converged(&mut self, hour: u64) {
        let wanted = self.wanted.back().unwrap().1;
        let machines = self.machines();
        let reachable = machines.iter().filter(|(id, ..)| !self.unreachable.contains(id)).count();
        let running = self.running(&machines);
        if (reachable, running) != (wanted + SPARE, wanted) {
            let states: Vec<_> = machines.iter().map(|(_, state)| state.to_string()).collect();
            self.wrong(format!(
                "hour {hour}: {reachable} machines, {running} running, {wanted} wanted: {}",
                states.join(" ")
            ));
        }
    }

    /// The machines that are scaled, but for those on their way out.
    fn machines(&self) -> Vec<(MachineId, MachineState)> {
        let machines = self.sim.world().machines(&web()).unwrap();
        machines
            .into_iter()
            .filter(|machine| machine.state != MachineState::Destroying)
            .filter(|machine| !self.foreign.contains(&machine.id))
            .map(|machine| (machine.id, machine.state))
            .collect()
    }

    fn running(&self, machines: &[(MachineId, MachineState)]) -> usize {
        machines
            .iter()
            .filter(|(id, _)| !self.unreachable.contains(id))
            .filter(|(_, state)| [MachineState::Starting, MachineState::Started].contains(state))
            .count()
    }

    fn wrong(&mut self, what: impl std::fmt::Display) {
        self.seen.wrong.push(format!("seed {}, {}: {what}", self.seed, self.clock.now()));
    }

    fn end(mut self) -> Seen {
        let all = self.sim.world().machines(&web()).unwrap();
        for id in self.foreign.clone() {
            let machine = all.iter().find(|machine| machine.id == id);
            if machine.is_none_or(|machine| machine.state != MachineState::Stopped) {
                self.wrong(format!("{id} was touched, which is not the autoscaler's"));
            }
        }
        for request in refused_for_the_rate(&self.sim) {
            self.wrong(format!("Fly's limits were exceeded: {request}"));
        }
        self.seen
    }
}

/// A standby, a scheduled machine and one of another group.
fn add_foreign(sim: &Simulator) -> BTreeSet<MachineId> {
    let own = deployed_config(&web(), &ProcessGroup::new("app"), 1);
    let mut standby = own.clone();
    standby["standbys"] = json!(["some-machine"]);
    let mut scheduled = own;
    scheduled["schedule"] = json!("daily");
    let worker = deployed_config(&web(), &ProcessGroup::new("worker"), 1);
    let specs = [standby, scheduled, worker].map(|config| MachineSpec {
        region: Region::new("iad"),
        state: MachineState::Stopped,
        config: Some(config),
    });
    specs.into_iter().map(|spec| sim.world().add_machine(&web(), spec).unwrap()).collect()
}

/// What always goes wrong now and then: one call in twenty is answered with a 5xx, whether or not it was
/// carried out; connections break; and once in a while nothing answers at all.
fn usual_faults(sim: &Simulator) {
    let status = |code| {
        let body = r#"{"error":"something went wrong"}"#.to_owned();
        FaultKind::Status { code, body, retry_after: None }
    };
    let usual = [
        (status(500), Phase::Before, 0.015),
        (status(502), Phase::Before, 0.01),
        (status(503), Phase::After, 0.015),
        (status(504), Phase::After, 0.01),
        (FaultKind::Reset, Phase::Before, 0.005),
        (FaultKind::Reset, Phase::After, 0.005),
        (FaultKind::Hang, Phase::After, 0.0005),
    ];
    for (kind, phase, chance) in usual {
        let matching = Matching::default();
        sim.world().inject(FaultRule { matching, kind, phase, times: Times::Chance(chance) });
    }
}
