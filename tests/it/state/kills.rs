//! The real binary, killed at random points and started again at once: no machine is made twice for one need, and
//! none goes that was wanted. With [`super::kills_with_care`] it is a hundred times.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::{ScaledClock, SystemClock};
use fly_autoscaler::model::{AppName, MachineState};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::{
    AppSpec, Endpoint, FaultKind, FaultRule, MachineView, SimOptions, Simulator,
};
use tempfile::TempDir;

use crate::faults::Random;
use crate::running::{Program, serve};

const EPISODES: usize = 5;
const KILLS_EACH: usize = 10;
/// Fly's time runs faster than the autoscaler's: a lease of 30 s that nobody gives back is over before the next
/// process asks for it.
pub(super) const SPEED: f64 = 500.0;
/// Longer than that process takes to its first list: only what was kept tells it what the last one did.
pub(super) const LAG: Duration = Duration::from_secs(300);
/// The longest that a process lives.
pub(super) const LIFE_MS: u64 = 400;
/// And one that is to be killed in the middle of a create, where there is none.
const MOST_PATIENT_MS: u64 = 1500;

const CONFIG: &str = r#"
created-machine-count: wanted
started-machine-count: busy
interval: 1s
destroy-force: true
metric-collectors:
  - {type: prometheus, address: $PROMETHEUS, metric-name: wanted, query: 'sum(wanted{app="$APP_NAME"})'}
  - {type: prometheus, address: $PROMETHEUS, metric-name: busy, query: 'sum(busy{app="$APP_NAME"})'}
"#;

pub(crate) struct World {
    pub(crate) sim: Simulator,
    pub(super) clock: Arc<ScaledClock>,
    directory: TempDir,
    config: &'static str,
}

/// How many machines there are, and how many of them run or may be about to.
#[derive(Debug, Clone, Copy)]
struct Count {
    created: usize,
    running: usize,
}

impl World {
    pub(crate) async fn new(config: &'static str) -> Self {
        let clock = Arc::new(ScaledClock::new(SystemClock.now(), SPEED));
        let sim = Simulator::start(SimOptions::new(clock.clone())).await.unwrap();
        sim.world().set_list_lag(LAG);
        Self { sim, clock, directory: TempDir::new().unwrap(), config }
    }

    /// Where the state is kept.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("fas.db")
    }

    /// The names of the files there.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub(crate) fn start(&self, app: &AppName) -> Program {
        let (url, prometheus) = (self.sim.url(), self.sim.prometheus_url("acme"));
        let state = self.state();
        Program::start(
            "fly-autoscaler",
            &mut serve(&[
                ("FAS_APP_NAME", app.as_str()),
                ("FAS_API_TOKEN", "fm2_test"),
                ("FAS_CONFIG_YAML", self.config),
                ("FAS_STATE", state.to_str().unwrap()),
                ("PROMETHEUS", &prometheus),
                ("FLY_FLAPS_BASE_URL", &url),
                ("FLY_API_BASE_URL", &url),
            ]),
        )
    }

    pub(super) fn want(&self, app: &AppName, created: u64, running: u64) {
        let set = |name, value: u64| {
            self.sim.world().set_gauge(app, name, &[], value as f64).unwrap();
        };
        set("wanted", created);
        set("busy", running);
    }

    fn count(&self, app: &AppName) -> Count {
        let machines = self.sim.world().machines(app).unwrap();
        let is_there = |own: &&MachineView| {
            !matches!(own.state, MachineState::Destroying | MachineState::Destroyed)
        };
        let runs = |own: &&MachineView| {
            use MachineState::{Created, Creating, Restarting, Started, Starting};
            matches!(own.state, Created | Creating | Starting | Restarting | Started)
        };
        let there: Vec<_> = machines.iter().filter(is_there).collect();
        let running = there.iter().copied().filter(runs).count();
        Count { created: there.len(), running }
    }

    /// Lets a process live for a while and kills it; at times just when a create has come in whose answer
    /// it will not get.
    pub(super) async fn live_and_die(
        &self,
        app: &AppName,
        life: Duration,
        is_forced: bool,
    ) -> String {
        let world = self.sim.world();
        if is_forced {
            world.inject(FaultRule::once(Endpoint::Create, FaultKind::Hang).after());
        }
        let before = world.total(Endpoint::Create);
        let mut program = self.start(app);
        let asked = async {
            let mut polls = tokio::time::interval(Duration::from_millis(1));
            while !is_forced || world.total(Endpoint::Create) == before {
                polls.tick().await;
            }
        };
        let how = match tokio::time::timeout(life, asked).await {
            Ok(()) => "in the middle of a create".to_owned(),
            Err(_) => format!("after {life:?}"),
        };
        program.signal("KILL");
        program.ended().await;
        world.clear_faults();
        format!("{how}\n{}", program.written())
    }
}

#[tokio::test]
async fn killed_again_and_again_it_makes_nothing_twice_and_takes_nothing_away_that_is_wanted() {
    let seed = u64::from(std::process::id());
    let mut random = Random::new(seed);
    let world = World::new(CONFIG).await;
    let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
    for episode in 0..EPISODES {
        // What may have been done a moment before a kill counts for a minute, so that each app lives for
        // some kills only.
        let app = AppName::new(format!("web-{episode}"));
        let (started, stopped) = (1 + random.below(4), random.below(4));
        let spec = AppSpec::new(app.as_str(), "acme");
        let spec = spec.with_machines("iad", started as usize, stopped as usize);
        world.sim.world().add_app(&spec);
        let (mut wanted, mut busy) = (started + stopped, started);
        for kill in 0..KILLS_EACH {
            if kill % 5 == 0 {
                wanted = if episode + kill == 0 { wanted + 3 } else { 1 + random.below(9) };
                busy = random.below(wanted + 1);
                world.want(&app, wanted, busy);
                // The list has caught up with what came before.
                world.clock.sleep(LAG).await;
            }
            let before = world.count(&app);
            // The first of all is sure to: nothing was done before, and machines are missing.
            let is_forced = episode + kill == 0 || (kill % 5 == 0 && random.below(2) == 0);
            let life = if is_forced { MOST_PATIENT_MS } else { random.below(LIFE_MS) };
            let died = world.live_and_die(&app, Duration::from_millis(life), is_forced).await;
            let after = world.count(&app);
            let what = format!(
                "seed {seed}, {app}, kill {kill}: {before:?} to {after:?}, wanted {wanted} and {busy}, died {died}"
            );
            let (wanted, busy) = (wanted as usize, busy as usize);
            assert!(after.created <= before.created.max(wanted), "made twice: {what}");
            assert!(after.created >= before.created.min(wanted), "destroyed too many: {what}");
            assert!(after.running >= before.running.min(busy), "stopped too many: {what}");
            if died.starts_with("in the middle") {
                *ends.entry("in the middle of a create").or_default() += 1;
            }
        }
    }
    for endpoint in [Endpoint::Create, Endpoint::Start, Endpoint::Stop, Endpoint::Destroy] {
        let count = world.sim.world().total(endpoint);
        assert!(count > 0, "seed {seed}: there was no {endpoint:?}");
    }
    assert!(!ends.is_empty(), "seed {seed}: none died in the middle of a create");
}
