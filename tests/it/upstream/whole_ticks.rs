//! What whole ticks do differently on purpose, over HTTP to the simulator where Fly has a part in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fly_autoscaler::clock::{ScaledClock, SystemClock};
use fly_autoscaler::decide::{Policy, Reason};
use fly_autoscaler::evaluate::{Expression, Names, PerRegion, ScopeExpressions};
use fly_autoscaler::fly::FlyClient;
use fly_autoscaler::model::{AppName, ProcessGroup, TickOutcome, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock, MachinesApi};
use fly_autoscaler::reconcile::{Adapters, Group, Reconciler, Settings};
use fly_autoscaler::sim::{AppSpec, Endpoint, ReleaseSpec, SimOptions, Simulator};
use fly_autoscaler::status::{Board, Tick};
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::double::Double;

fn app() -> AppName {
    AppName::new("web")
}

/// How many machines there should be, as an expression without variables.
fn expression(count: &str) -> Option<Expression> {
    Some(Expression::compile(count, &Names::default()).unwrap())
}

fn started(count: &str) -> ScopeExpressions {
    ScopeExpressions { started_min: expression(count), ..ScopeExpressions::default() }
}

fn reconciler(
    api: Arc<dyn MachinesApi>,
    clock: Arc<dyn Clock>,
    expressions: ScopeExpressions,
    release_guard: bool,
) -> Reconciler {
    let group = Group {
        group: ProcessGroup::new("app"),
        expressions,
        per_region: PerRegion::default(),
        policy: Arc::new(Policy::default()),
        forecast_min_skill: None,
    };
    let settings = Settings {
        timeout: Duration::from_secs(30),
        release_guard,
        release_timeout: Duration::from_secs(3600),
        action_concurrency: 8,
        dry_run: false,
        own_machine: None,
    };
    let store = Arc::new(MemoryStore::new("t"));
    let adapters = Adapters { api, clock, store, metrics: Arc::new(Metrics::new("0", "c")) };
    Reconciler::new(app(), Vec::new(), vec![group], settings, adapters)
}

/// A Fly with one app that has a running and a stopped machine.
async fn fly() -> Simulator {
    let fly = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    fly.world().add_app(&AppSpec::new("web", "org").with_machines("iad", 1, 1));
    fly
}

async fn tick(fly: &Simulator, expressions: ScopeExpressions, release_guard: bool) -> Tick {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let http = client(Timeouts::default()).unwrap();
    let token = SecretString::from("fm2_t");
    let api = FlyClient::new(http, &fly.url(), &fly.url(), &token, Arc::clone(&clock)).unwrap();
    reconciler(Arc::new(api), clock, expressions, release_guard).tick().await
}

fn codes(tick: &Tick) -> Vec<&'static str> {
    tick.plan.as_ref().unwrap().scopes[0].reasons.iter().map(Reason::code).collect()
}

fn deploying() -> ReleaseSpec {
    ReleaseSpec { version: 2, status: "running".into(), created_at: SystemClock.now() }
}

#[tokio::test(start_paused = true)]
async fn the_first_tick_comes_at_start() {
    const INTERVAL: Duration = Duration::from_secs(3600);
    let start = Timestamp::from_millis(1_000);
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(start, 1.0));
    let api = Arc::new(Double::default());
    let supervisor = Supervisor::new(
        Arc::clone(&clock),
        Board::default(),
        Arc::new(Metrics::new("0", "c")),
        INTERVAL,
        Duration::ZERO,
    );
    let reconciler = reconciler(Arc::<Double>::clone(&api), clock, started("1"), true);
    let run = supervisor.run(reconciler, CancellationToken::new());
    assert!(tokio::time::timeout(INTERVAL / 2, run).await.is_err(), "it runs until it is stopped");
    assert_eq!(api.calls(), ["list"]);
    let apps = supervisor.board.apps();
    assert_eq!(apps[0].last_tick.as_ref().map(|tick| tick.at), Some(start));
    assert_eq!(apps[0].next_tick, Some(start.plus(INTERVAL)));
}

/// A clock that somebody sets back by an hour.
struct SetBack {
    clock: ScaledClock,
    is_set_back: AtomicBool,
}

impl Clock for SetBack {
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        let is_set_back = self.is_set_back.load(Ordering::Relaxed);
        if is_set_back { now.minus(Duration::from_secs(3600)) } else { now }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.clock.sleep(duration)
    }
}

#[tokio::test(start_paused = true)]
async fn ticks_go_on_when_the_clock_is_set_back() {
    const INTERVAL: Duration = Duration::from_secs(15);
    let clock = ScaledClock::new(Timestamp::from_millis(1_790_000_000_000), 1.0);
    let clock = Arc::new(SetBack { clock, is_set_back: AtomicBool::new(false) });
    let api = Arc::new(Double::default());
    let supervisor = Supervisor::new(
        clock.clone(),
        Board::default(),
        Arc::new(Metrics::new("0", "c")),
        INTERVAL,
        Duration::ZERO,
    );
    let reconciler = reconciler(Arc::<Double>::clone(&api), clock.clone(), started("1"), true);
    let mut run = Box::pin(supervisor.run(reconciler, CancellationToken::new()));
    assert!(tokio::time::timeout(INTERVAL / 2, &mut run).await.is_err());
    clock.is_set_back.store(true, Ordering::Relaxed);
    // How much of the hour had passed meanwhile nobody can tell: the second tick is late by an interval.
    assert!(tokio::time::timeout(INTERVAL * 3, &mut run).await.is_err());
    assert_eq!(api.calls(), ["list"; 3]);
}

#[tokio::test]
async fn the_release_is_read_only_when_there_is_something_to_do() {
    let fly = fly().await;
    assert_eq!(tick(&fly, started("1"), true).await.outcome, TickOutcome::Quiet);
    assert_eq!(fly.world().total(Endpoint::Graphql), 0);
    assert_eq!(tick(&fly, started("2"), true).await.outcome, TickOutcome::Acted);
    assert_eq!(fly.world().total(Endpoint::Graphql), 1);
}

#[tokio::test]
async fn an_app_without_a_release_is_scaled() {
    let fly = fly().await;
    fly.world().set_release(&app(), None).unwrap();
    assert_eq!(tick(&fly, started("2"), true).await.outcome, TickOutcome::Acted);
}

#[tokio::test]
async fn the_release_guard_can_be_switched_off() {
    let fly = fly().await;
    fly.world().set_release(&app(), Some(deploying())).unwrap();
    let held = tick(&fly, started("2"), true).await;
    assert_eq!((held.outcome, held.outcomes.len()), (TickOutcome::Held, 0));
    assert_eq!(codes(&held), ["below_min", "release_in_progress"]);
    assert_eq!(tick(&fly, started("2"), false).await.outcome, TickOutcome::Acted);
}

#[tokio::test]
async fn a_lease_that_another_scaler_holds_holds_the_group() {
    let fly = fly().await;
    let machines = fly.world().machines(&app()).unwrap();
    let lowest = machines.iter().map(|machine| &machine.id).min().unwrap();
    fly.world().lease(&app(), lowest, Duration::from_secs(30)).unwrap();
    let created = ScopeExpressions { created_min: expression("3"), ..ScopeExpressions::default() };
    let held = tick(&fly, created, true).await;
    assert_eq!((held.outcome, held.outcomes.len()), (TickOutcome::Held, 0));
    assert_eq!(codes(&held), ["below_min", "lease_held"]);
    assert_eq!(fly.world().machines(&app()).unwrap().len(), 2);
}
