//! The simulated apps: what they begin with, and how their demand changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock};
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator, WorldHandle};
use tokio::sync::oneshot;

use crate::process;

pub(crate) const ORG: &str = "acme";

/// The machines of an app, in two regions.
const MACHINES: usize = 10;

/// Apps that no pattern matches, for each hundred of the fleet: an organization has others too.
const OTHERS_PER_HUNDRED: usize = 2;

/// Shows the time of an hour ago until it is told otherwise, so that what is built meanwhile is old: in a
/// fleet that was there before, nothing has just changed.
#[derive(Default)]
pub(crate) struct AgedClock {
    has_caught_up: AtomicBool,
}

impl AgedClock {
    pub(crate) fn catch_up(&self) {
        self.has_caught_up.store(true, Ordering::Relaxed);
    }
}

impl Clock for AgedClock {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        let has_caught_up = self.has_caught_up.load(Ordering::Relaxed);
        if has_caught_up { now } else { now.minus(Duration::from_secs(3600)) }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        SystemClock.sleep(duration)
    }
}

/// A simulator in a thread of its own, so that its processor time is known. It ends with this value.
pub(crate) struct Fly {
    pub(crate) world: WorldHandle,
    pub(crate) clock: Arc<AgedClock>,
    pub(crate) url: String,
    pub(crate) prometheus: String,
    pub(crate) thread: u32,
    stop: Option<oneshot::Sender<()>>,
    joins: Option<JoinHandle<()>>,
}

impl Fly {
    /// Starts one that enforces Fly's documented limits.
    pub(crate) fn start() -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (ready, is_ready) = mpsc::channel();
        let clock = Arc::new(AgedClock::default());
        let of_the_world = Arc::clone(&clock);
        let joins = thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut options = SimOptions::new(of_the_world);
                options.enforce_rate_limits = true;
                let sim = Simulator::start(options).await.unwrap();
                let prometheus = sim.prometheus_url(ORG);
                let told = (sim.world().clone(), sim.url(), prometheus, process::thread_id());
                ready.send(told).unwrap();
                // An error means that nobody needs it any more either.
                let _ = stopped.await;
            });
        });
        let (world, url, prometheus, thread) = is_ready.recv().unwrap();
        Self { world, clock, url, prometheus, thread, stop: Some(stop), joins: Some(joins) }
    }
}

impl Drop for Fly {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(joins) = self.joins.take() {
            // A panic in there has been printed.
            let _ = joins.join();
        }
    }
}

/// The demand for an app's machines: half of the apps begin with five, half with six, and a change goes
/// from the one to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Demand {
    Five,
    Six,
}

impl Demand {
    fn machines(self) -> usize {
        match self {
            Self::Five => 5,
            Self::Six => 6,
        }
    }

    /// Jobs that wait: ten for each machine.
    fn queue_depth(self) -> f64 {
        self.machines() as f64 * 10.0
    }
}

/// A change of demand.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) app: AppName,
    pub(crate) at: Timestamp,
    /// Whether it asks for a machine more, or for one less.
    pub(crate) is_up: bool,
}

/// All apps and their demand.
pub(crate) struct Fleet {
    world: WorldHandle,
    demands: Vec<Demand>,
    next: usize,
}

impl Fleet {
    /// Puts `count` apps into the world, and some that are none of its business.
    pub(crate) fn new(world: &WorldHandle, count: usize) -> Self {
        let demands: Vec<Demand> =
            [Demand::Five, Demand::Six].into_iter().cycle().take(count).collect();
        for (index, demand) in demands.iter().enumerate() {
            world.add_app(&spec(&name(index), *demand));
        }
        for index in 0..count * OTHERS_PER_HUNDRED / 100 {
            world.add_app(&spec(&format!("other-{index:05}"), Demand::Five));
        }
        Self { world: world.clone(), demands, next: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.demands.len()
    }

    /// Changes the demand for the next app in turn: each is as long in peace as the others.
    pub(crate) fn change_next(&mut self) -> Change {
        let index = self.next;
        self.next = (index + 1) % self.demands.len();
        let demand = if self.demands[index] == Demand::Five { Demand::Six } else { Demand::Five };
        self.demands[index] = demand;
        let (app, at) = (AppName::new(name(index)), SystemClock.now());
        self.world.set_queue_depth(&app, Some(demand.queue_depth())).unwrap();
        Change { app, at, is_up: demand == Demand::Six }
    }
}

/// The name of the app of that number.
pub(crate) fn name(index: usize) -> String {
    format!("tenant-{index:05}")
}

fn spec(name: &str, demand: Demand) -> AppSpec {
    let started = demand.machines();
    let mut spec = AppSpec::new(name, ORG).with_machines("iad", 3, 2).with_machines(
        "fra",
        started - 3,
        MACHINES - 2 - started,
    );
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(demand.queue_depth()) };
    spec
}
