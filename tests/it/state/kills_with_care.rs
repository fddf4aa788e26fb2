//! The real binary, killed at random points, with a cooldown, steps, a stabilization window and cordons: the journal of
//! the simulator tells whether each was kept to over all kills.

use std::collections::BTreeMap;
use std::time::Duration;

use fly_autoscaler::model::{AppName, MachineId, MachineState, Timestamp};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::{AppSpec, Endpoint, Request};

use super::kills::{LAG, LIFE_MS, SPEED, World};
use crate::faults::Random;
use crate::running::until;

const EPISODES: usize = 2;
const KILLS_EACH: usize = 25;
const MACHINES: u64 = 8;

/// In the autoscaler's time, which is the real one. Each is several lives long.
const COOLDOWN: Duration = Duration::from_millis(2000);
const STEP: (usize, Duration) = (2, Duration::from_millis(2500));
const WINDOW: Duration = Duration::from_millis(1500);
const CORDON: Duration = Duration::from_millis(500);
/// A change counts from the moment when it was written down, just before Fly was asked for it.
const SLACK: Duration = Duration::from_millis(500);

const CONFIG: &str = r#"
started-machine-count: busy
interval: 1s
cordon-before-stop: 500ms
scale-down: {cooldown: 2s, step-size: 1, stabilization-window: 1500ms}
scale-up: {step-size: 2, step-interval: 2500ms}
metric-collectors:
  - {type: prometheus, address: $PROMETHEUS, metric-name: busy, query: 'sum(busy{app="$APP_NAME"})'}
"#;

/// What Fly did for the asking.
struct Journal(Vec<Request>);

impl Journal {
    fn of(world: &World, app: &AppName) -> Self {
        let requests = world.sim.world().requests().into_iter();
        let own = requests.filter(|own| own.app.as_ref() == Some(app) && own.status == Some(200));
        Self(own.collect())
    }

    fn times(&self, endpoint: Endpoint) -> Vec<Timestamp> {
        self.0.iter().filter(|own| own.endpoint == endpoint).map(|own| own.at).collect()
    }

    /// That no more than `count` of `endpoint` are closer together than `span`.
    fn spaced(&self, endpoint: Endpoint, count: usize, span: Duration, what: &str) {
        let times = self.times(endpoint);
        for some in times.windows(count + 1) {
            let apart = real(some[0], some[count]);
            assert!(apart + SLACK >= span, "{endpoint:?}: {count} more after {apart:?}; {what}");
        }
    }

    /// That nothing was taken out of rotation or stopped within the window after less was wanted, and nothing stopped
    /// that had not been cordoned for long enough.
    fn left_with_care(&self, less_wanted: Timestamp, what: &str) {
        let mut out: BTreeMap<&MachineId, Timestamp> = BTreeMap::new();
        for Request { at, endpoint, machine, .. } in &self.0 {
            let Some(machine) = machine else { continue };
            match endpoint {
                Endpoint::Cordon => drop(out.insert(machine, *at)),
                Endpoint::Uncordon => drop(out.remove(machine)),
                Endpoint::Stop => {
                    let since = out.get(machine).map(|since| real(*since, *at));
                    let is_long = since.is_some_and(|since| since + SLACK >= CORDON);
                    assert!(is_long, "{machine} stopped, cordoned for {since:?}; {what}");
                }
                _ => continue,
            }
            if *endpoint != Endpoint::Uncordon {
                let after = real(less_wanted, *at);
                // The clocks are read a moment apart.
                let is_stable = after + Duration::from_millis(50) >= WINDOW;
                assert!(is_stable, "{endpoint:?} {after:?} after less was wanted; {what}");
            }
        }
    }
}

/// How long it was from one time of the simulator to another, in the autoscaler's time.
fn real(from: Timestamp, to: Timestamp) -> Duration {
    to.since(from).div_f64(SPEED)
}

#[tokio::test]
async fn killed_again_and_again_it_keeps_to_cooldowns_steps_windows_and_cordons() {
    let seed = u64::from(std::process::id());
    let mut random = Random::new(seed);
    let world = World::new(CONFIG).await;
    for episode in 0..EPISODES {
        let app = AppName::new(format!("web-{episode}"));
        let machines = MACHINES as usize;
        let spec = AppSpec::new(app.as_str(), "acme").with_machines("iad", machines, 0);
        world.sim.world().add_app(&spec);
        let mut less_wanted = None;
        let mut wanted = MACHINES;
        world.want(&app, MACHINES, wanted);
        for kill in 0..KILLS_EACH {
            let next = if (3..18).contains(&kill) { MACHINES / 2 } else { MACHINES };
            if next != wanted {
                if next < wanted {
                    less_wanted = Some(world.clock.now());
                }
                wanted = next;
                world.want(&app, MACHINES, wanted);
            }
            let life = Duration::from_millis(100 + random.below(LIFE_MS));
            world.live_and_die(&app, life, false).await;
        }
        // Nothing else is wanted: who is left is put back.
        let running = || {
            let machines = world.sim.world().machines(&app).unwrap();
            let runs = machines.iter().filter(|own| own.state == MachineState::Started).count();
            (runs, machines.iter().filter(|own| own.is_cordoned).count())
        };
        let last = world.start(&app);
        until(
            "all run and none is cordoned",
            || last.told(),
            || async {
                let found = running();
                if found == (machines, 0) { Ok(()) } else { Err(format!("{found:?}")) }
            },
        )
        .await;
        drop(last);
        world.clock.sleep(LAG).await;

        let journal = Journal::of(&world, &app);
        let what = format!(
            "seed {seed}, {app}: {:#?}",
            journal.0.iter().filter(|own| own.machine.is_some()).collect::<Vec<_>>()
        );
        journal.spaced(Endpoint::Stop, 1, COOLDOWN, &what);
        journal.spaced(Endpoint::Start, STEP.0, STEP.1, &what);
        journal.left_with_care(less_wanted.unwrap(), &what);
        for endpoint in [Endpoint::Cordon, Endpoint::Stop, Endpoint::Start] {
            assert!(!journal.times(endpoint).is_empty(), "no {endpoint:?}; {what}");
        }
    }
}
