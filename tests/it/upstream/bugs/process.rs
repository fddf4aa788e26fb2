//! What ended the process, or kept it from scaling.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fly_autoscaler::clock::{ScaledClock, SystemClock};
use fly_autoscaler::config::{FlagValues, MapEnv, load};
use fly_autoscaler::model::{AppName, MachineState, ProcessGroup, TickOutcome, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock};
use fly_autoscaler::sim::{
    AppSpec, Endpoint, FaultKind, FaultRule, SimOptions, Simulator, deployed_config,
};
use fly_autoscaler::status::Board;
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use tokio_util::sync::CancellationToken;

use crate::composed;
use crate::faults::{CREATED, STARTED, Stage};
use crate::process_groups::{add, empty, fleet};
use crate::running::{Autoscaler, PATIENCE, until};

/// Machines of `fly machine run`, no release at all: upstream reads the status of the release that is not there
/// and crashes.
#[tokio::test]
async fn bug_01_an_app_without_a_release_does_not_crash() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let web = AppName::new("web");
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 1);
    spec.release = None;
    let mut config = deployed_config(&web, &ProcessGroup::new("app"), 1);
    config["metadata"] = serde_json::json!({ "fly_process_group": "app" });
    spec.config = Some(config);
    sim.world().add_app(&spec);
    let url = sim.url();
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_t"),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FAS_INTERVAL", "1s"),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    let told = || scaler.program.told();
    until("both run", told, async || {
        let machines = sim.world().machines(&web).unwrap();
        let is_started = |state: &MachineState| *state == MachineState::Started;
        match machines.iter().filter(|own| is_started(&own.state)).count() {
            2 => Ok(()),
            count => Err(format!("{count} started")),
        }
    })
    .await;
    assert!(sim.world().total(Endpoint::Graphql) > 0, "the release was asked for");
    assert_eq!(scaler.get("/readyz").await, (200, "ready\n".to_owned()));
}

/// Upstream asks again at once, without end and without a look at its own time limit.
#[tokio::test]
async fn bug_02_a_refused_create_is_asked_for_a_bounded_number_of_times() {
    let refusals = [
        (400, "invalid config"),
        (403, "your organization has reached its machine quota"),
        (409, "words"),
        (412, "insufficient resources available to fulfill request"),
        (422, "insufficient memory in the region"),
        (500, "words"),
    ];
    for (code, text) in refusals {
        let stage = Stage::new(1, 1, 50.0).await;
        let body = format!(r#"{{"error":"{text}"}}"#);
        let kind = FaultKind::Status { code, body, retry_after: None };
        stage.sim.world().inject(FaultRule::always(Endpoint::Create, kind));
        let regions = [("FAS_REGIONS", "iad,lhr"), ("FAS_REGION_BACKOFF", "30s")];
        let mut scaler = stage.scaler("s1", &[CREATED, STARTED, regions[0], regions[1]]);
        let tick = tokio::time::timeout(PATIENCE, stage.tick(&mut scaler)).await.unwrap();
        // Three are missing, and there are two regions to try: once each where Fly has no room, which the
        // others need not be told again.
        let creates = stage.sim.world().total(Endpoint::Create);
        assert!((2..=6).contains(&creates), "{code}: {creates}, {}", stage.say(&tick));
        assert_eq!(stage.fleet(), (2, 2), "{code}: what can be started is");
        stage.sim.world().clear_faults();
        stage.settles(&mut scaler, (5, 5), "once it is no longer refused").await;
    }
}

const TWO_GROUPS: &str = "
process-groups:
  web: {started-machine-count: slow}
  worker: {started-machine-count: queue_depth / 10}
metric-collectors:
  - {type: prometheus, metric-name: slow, address: $SLOW, query: up, timeout: 300ms}
";

/// Upstream's query has no time limit: the first that hangs is the last thing that it does.
#[tokio::test]
async fn bug_03_a_prometheus_that_hangs_freezes_nothing() {
    // Takes connections, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", silent.local_addr().unwrap());
    let stage = Stage::with(empty("web", "acme"), 20.0).await;
    let (world, web) = (stage.sim.world(), AppName::new("web"));
    add(world, &web, "web", "iad", 1, 1);
    add(world, &web, "worker", "iad", 1, 2);
    let mut scaler = stage.scaler("s1", &[("FAS_CONFIG_YAML", TWO_GROUPS), ("SLOW", &address)]);
    for (depth, worker) in [
        (20.0, "iad started 2, iad stopped 1"),
        (30.0, "iad started 3"),
        (10.0, "iad started 1, iad stopped 2"),
    ] {
        stage.queue(depth);
        let tick = tokio::time::timeout(PATIENCE, stage.tick(&mut scaler)).await.unwrap();
        let said = stage.say(&tick);
        assert!(said.contains("metric slow: "), "{said}");
        assert!(said.contains("no answer within 300ms"), "{said}");
        assert_eq!(fleet(world, &web, "worker"), worker, "{said}");
        assert_eq!(fleet(world, &web, "web"), "iad started 1, iad stopped 1");
    }
}

/// Counts the sleepers that have not been dropped yet, and the most that there ever were.
struct CountingClock {
    time: ScaledClock,
    sleeping: Arc<AtomicUsize>,
    most: AtomicUsize,
}

struct Sleeper(Arc<AtomicUsize>);

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Clock for CountingClock {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let sleeping = self.sleeping.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(sleeping, Ordering::Relaxed);
        let sleeper = Sleeper(Arc::clone(&self.sleeping));
        let sleep = self.time.sleep(duration);
        Box::pin(async move {
            sleep.await;
            drop(sleeper);
        })
    }
}

/// Upstream's loop keeps the timer of every tick until the process ends.
#[tokio::test(start_paused = true)]
async fn bug_04_a_thousand_ticks_leave_no_timer_behind() {
    const INTERVAL: Duration = Duration::from_secs(15);
    let sleeping = Arc::new(AtomicUsize::new(0));
    let time = ScaledClock::new(Timestamp::from_millis(0), 1.0);
    let most = AtomicUsize::new(0);
    let clock = Arc::new(CountingClock { time, sleeping: Arc::clone(&sleeping), most });
    // Nobody listens there: every tick fails, after its retries.
    let nowhere = "http://127.0.0.1:1";
    let env: MapEnv = [
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_t"),
        ("FAS_STARTED_MACHINE_COUNT", "1"),
        ("FLY_FLAPS_BASE_URL", nowhere),
        ("FLY_API_BASE_URL", nowhere),
    ]
    .into_iter()
    .collect();
    let config = load(&FlagValues::default(), &env).unwrap().config;
    let http = client(Timeouts::default()).unwrap();
    let store = Arc::new(MemoryStore::new("t"));
    let mut reconciler = composed::reconciler(&config, &http, clock.clone(), store);
    for _ in 0..1000 {
        assert_eq!(reconciler.tick().await.outcome, TickOutcome::Failed);
    }
    assert_eq!(sleeping.load(Ordering::Relaxed), 0);

    let supervisor = Supervisor::new(
        clock.clone(),
        Board::default(),
        Arc::new(Metrics::new("0", "c")),
        INTERVAL,
        Duration::ZERO,
    );
    let run = supervisor.run(reconciler, CancellationToken::new());
    // A failing app is looked at every five minutes.
    let over = tokio::time::timeout(INTERVAL * 20 * 1000, run).await;
    assert!(over.is_err(), "it runs until it is stopped");
    let ticks = supervisor.board.apps()[0].last_tick.as_ref().map(|tick| tick.at);
    assert!(ticks.is_some_and(|at| at.as_millis() > 200_000_000), "{ticks:?}");
    let most = clock.most.load(Ordering::Relaxed);
    assert!((1..=3).contains(&most), "{most} at once");
}

/// The same over real HTTP, with ticks that start, stop, create, destroy, fail and hold.
#[tokio::test]
async fn bug_04_a_thousand_ticks_leave_no_task_and_no_memory_behind() {
    let stage = Stage::new(2, 2, 20.0).await;
    let mut scaler = stage.scaler("s1", &[CREATED, STARTED]);
    let tasks = tokio::runtime::Handle::current().metrics();
    // What is remembered from tick to tick, and how many tasks there are: the most of each hundred ticks.
    let mut most = Vec::new();
    for _ in 0..10 {
        let (mut alive, mut remembered) = (0, 0);
        for round in 0..100 {
            stage.sim.world().set_queue_depth(&AppName::new("web"), None).unwrap();
            if round % 10 != 0 {
                stage.queue(f64::from(10 + round % 4 * 10));
            }
            if round % 25 == 0 {
                stage.sim.world().inject(FaultRule::once(Endpoint::List, FaultKind::Reset));
            }
            let tick = stage.tick(&mut scaler).await;
            alive = std::cmp::max(alive, tasks.num_alive_tasks());
            let next = tick.plan.map_or(0, |plan| format!("{:?}", plan.next).len());
            remembered = std::cmp::max(remembered, next);
        }
        most.push((alive, remembered));
    }
    // The first hundred may still open connections.
    let (alive, remembered) = most[1];
    for (later, memory) in &most[2..] {
        assert!(*later <= alive + 2 && *memory <= remembered + 200, "{most:?}");
    }
    assert!(stage.sim.world().total(Endpoint::Create) > 50, "machines came and went");
}
