//! Many apps from one process: what a tick of them costs, and that none touches another.

mod kept;
mod lists;
mod outside;
mod regions;
mod troubles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::ScaledClock;
use fly_autoscaler::collect::Collector;
use fly_autoscaler::collect::prometheus::{PrometheusQuery, PrometheusSource};
use fly_autoscaler::decide::Policy;
use fly_autoscaler::evaluate::{Expression, Names, PerRegion, ScopeExpressions};
use fly_autoscaler::fleet::{Matching, Roster};
use fly_autoscaler::fly::{FlyClient, OrgClient};
use fly_autoscaler::journal::Journal;
use fly_autoscaler::model::{
    AppName, AppPattern, By, MachineState, MetricName, OnFailure, ProcessGroup, Region, SeriesRule,
    Timestamp,
};
use fly_autoscaler::ports::{Clock, MetricSource as _, Organization, StateStore};
use fly_autoscaler::reconcile::{Adapters, Group, Reconciler, Settings};
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, ManualClock, SimOptions, Simulator};
use fly_autoscaler::status::{AppStatus, Board};
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::supervisor::{Apps, Fleet, Supervisor};
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};
use secrecy::SecretString;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::running::PATIENCE;

const INTERVAL: Duration = Duration::from_secs(15);
const REFRESH: Duration = Duration::from_secs(60);

/// A simulated organization whose apps `tenant-N` each have a queue, and an autoscaler for all of them.
struct Stage {
    sim: Simulator,
    clock: Arc<ManualClock>,
    board: Board,
    metrics: Arc<Metrics>,
    /// How often to look at all apps, which takes a while where there are many.
    poll: Duration,
    _stop: DropGuard,
}

/// How the autoscaler of a stage differs from the usual one.
struct Differently {
    query: &'static str,
    by: By,
    concurrency: usize,
    request: Duration,
    store: Arc<dyn StateStore>,
    page_size: usize,
    /// How long the query for all apps may take.
    query_timeout: Duration,
    counts: Counts,
    journal: Option<Arc<dyn Journal>>,
}

/// What the queue says how many there are of.
#[derive(Clone, Copy, PartialEq)]
enum Counts {
    Started,
    Created,
    /// Those that run in each of two regions, each by its own queue.
    StartedByRegion,
}

impl Default for Differently {
    fn default() -> Self {
        Self {
            query: "sum by (app) (queue_depth)",
            by: By::App,
            concurrency: 8,
            request: PATIENCE,
            store: Arc::new(MemoryStore::new("fleet-test")),
            page_size: 1000,
            query_timeout: PATIENCE,
            counts: Counts::Started,
            journal: None,
        }
    }
}

/// An app with `started` and `stopped` machines and a queue of `depth`.
fn tenant(name: &str, started: usize, stopped: usize, depth: f64) -> AppSpec {
    let mut spec = AppSpec::new(name, "acme").with_machines("iad", started, stopped);
    spec.load = Load::Fixed { traffic: BTreeMap::new(), queue_depth: Some(depth) };
    spec
}

fn app(number: usize) -> AppName {
    AppName::new(format!("tenant-{number}"))
}

impl Stage {
    /// `count` apps with one machine of two started, which is what their queues ask for.
    async fn new(count: usize) -> Self {
        Self::with(count, |_| {}, Differently::default()).await
    }

    async fn with(
        count: usize,
        prepare: impl FnOnce(&Simulator),
        differently: Differently,
    ) -> Self {
        let start = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let mut options = SimOptions::new(clock.clone());
        options.page_size = differently.page_size;
        let sim = Simulator::start(options).await.unwrap();
        for number in 0..count {
            sim.world().add_app(&tenant(app(number).as_str(), 1, 1, 10.0));
        }
        // Old enough that nothing has just changed.
        clock.advance(Duration::from_secs(3600));
        prepare(&sim);

        let board = Board::default();
        let metrics = Arc::new(Metrics::new("0", "c"));
        let supervisor = Supervisor::new(
            clock.clone(),
            board.clone(),
            Arc::clone(&metrics),
            INTERVAL,
            Duration::ZERO,
        );
        let supervisor = match differently.journal.clone() {
            Some(journal) => supervisor.with_journal(journal),
            None => supervisor,
        };
        let fleet = fleet(&sim, clock.clone(), &metrics, differently);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move { supervisor.run(Apps::Found(fleet), stopped).await });
        let poll = Duration::from_millis(if count < 1000 { 2 } else { 300 });
        Self { sim, clock, board, metrics, poll, _stop: stop.drop_guard() }
    }

    /// Waits until `is_so` of what is known of the apps. Polls, as nothing else tells.
    async fn until(&self, what: &str, is_so: impl Fn(&[AppStatus]) -> bool) {
        let mut polls = tokio::time::interval(self.poll);
        let so = async {
            loop {
                polls.tick().await;
                if is_so(&self.board.apps()) {
                    return;
                }
            }
        };
        if tokio::time::timeout(PATIENCE * 4, so).await.is_err() {
            panic!("never: {what}; {}", self.told());
        }
    }

    /// What is known of the apps, for a failure.
    fn told(&self) -> String {
        let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for own in self.board.apps() {
            let outcome = own.last_tick.map(|tick| tick.outcome);
            let error = own.last_error.map(|error| error.text);
            kinds.entry(format!("{outcome:?} {error:?}")).or_default().push(own.app.to_string());
        }
        let kinds = kinds
            .into_iter()
            .map(|(kind, apps)| format!("{} apps, {} first: {kind}", apps.len(), apps[0]));
        kinds.collect::<Vec<_>>().join("\n")
    }

    /// Waits until each of `count` apps has a tick of now.
    async fn all_ticked(&self, count: usize) {
        let now = self.clock.now();
        self.until("all apps have ticked", |apps| {
            let ticked = |app: &AppStatus| {
                app.next_tick.is_some_and(|next| next > now) && app.last_tick.is_some()
            };
            apps.len() == count && apps.iter().all(ticked)
        })
        .await;
    }

    /// Moves the time by an interval and waits until all `count` apps have ticked.
    async fn tick(&self, count: usize) {
        self.clock.advance(INTERVAL);
        self.all_ticked(count).await;
    }

    fn queue(&self, number: usize, depth: f64) {
        self.sim.world().set_queue_depth(&app(number), Some(depth)).unwrap();
    }

    fn started(&self, number: usize) -> usize {
        let machines = self.sim.world().machines(&app(number)).unwrap();
        let runs =
            |state: &MachineState| matches!(state, MachineState::Started | MachineState::Starting);
        machines.iter().filter(|machine| runs(&machine.state)).count()
    }

    /// How many requests of each kind there were while `run` ran; those that there were none of are
    /// left out.
    async fn requests_of(&self, run: impl Future<Output = ()>) -> BTreeMap<&'static str, u64> {
        let count = || KINDS.map(|(_, endpoint)| self.sim.world().total(endpoint));
        let before = count();
        run.await;
        let after = count();
        let kinds = KINDS.iter().zip(before.into_iter().zip(after));
        let of = kinds.map(|((name, _), (before, after))| (*name, after - before));
        of.filter(|(_, count)| *count > 0).collect()
    }

    fn status(&self, name: &AppName) -> AppStatus {
        self.board.apps().into_iter().find(|own| own.app == *name).unwrap()
    }
}

/// The requests that an autoscaler makes, but for those that change machines.
const KINDS: [(&str, Endpoint); 9] = [
    ("query", Endpoint::PrometheusQuery),
    ("org machines", Endpoint::OrgMachines),
    ("apps", Endpoint::AppList),
    ("app machines", Endpoint::List),
    ("release", Endpoint::Graphql),
    ("start", Endpoint::Start),
    ("stop", Endpoint::Stop),
    ("create", Endpoint::Create),
    ("lease", Endpoint::LeaseAcquire),
];

fn fleet(
    sim: &Simulator,
    clock: Arc<ManualClock>,
    metrics: &Arc<Metrics>,
    differently: Differently,
) -> Fleet {
    let timeouts = Timeouts { connect: Duration::from_secs(5), request: differently.request };
    let http = client(timeouts).unwrap();
    // Fly's limits are counted in real time here: nobody moves the clock while a tick waits.
    let start = Timestamp::from_millis(0);
    let limits: Arc<dyn Clock> = Arc::new(ScaledClock::new(start, 1000.0));
    let token = SecretString::from("fm2_org");
    let fly = FlyClient::new(http.clone(), &sim.url(), &sim.url(), &token, limits).unwrap();
    let fly = Arc::new(fly);
    let organization: Arc<dyn Organization> = Arc::new(OrgClient::new(fly.clone(), "acme"));

    let query = PrometheusQuery {
        metric: MetricName::new("queue_depth"),
        query: differently.query.into(),
        by: differently.by,
        series: SeriesRule::One,
    };
    let source = PrometheusSource::new(http, &sim.prometheus_url("acme"), None, query).unwrap();
    let source = source.shared_for(INTERVAL / 3, differently.query_timeout);
    let is_spread = !source.serves_all_apps();
    let collector = Collector {
        source: Box::new(source),
        by: differently.by,
        timeout: PATIENCE,
        empty: None,
        max_age: None,
        on_failure: OnFailure::Hold,
        last_for: Duration::from_secs(900),
        absent_after: Duration::ZERO,
    };
    let collectors: Arc<[Collector]> = [collector].into();
    let names = Names::new(["queue_depth"]);
    let count = Expression::compile("ceil(queue_depth / 10)", &names).unwrap();
    let [min, max] = [Some(count.clone()), Some(count)];
    let counted = match differently.counts {
        Counts::Created => {
            ScopeExpressions { created_min: min, created_max: max, ..ScopeExpressions::default() }
        }
        Counts::Started | Counts::StartedByRegion => {
            ScopeExpressions { started_min: min, started_max: max, ..ScopeExpressions::default() }
        }
    };
    let group = ProcessGroup::new("app");
    let mut policy = Policy::default();
    let (mut expressions, mut per_region) = (counted, PerRegion::default());
    if differently.counts == Counts::StartedByRegion {
        policy.regions = ["iad", "lhr"].map(Region::new).to_vec().into();
        per_region.every = std::mem::take(&mut expressions);
    }
    let policy = Arc::new(policy);
    let groups: Arc<[Group]> =
        [Group { group, expressions, per_region, policy, forecast_min_skill: None }].into();
    let settings = Settings {
        timeout: PATIENCE * 2,
        release_guard: true,
        release_timeout: Duration::from_secs(3600),
        action_concurrency: 8,
        dry_run: false,
        own_machine: None,
    };
    let roster = Roster::new(Arc::clone(&organization), Arc::clone(metrics), INTERVAL / 3);
    let roster = Arc::new(roster);
    let adapters =
        Adapters { api: fly, clock, store: differently.store, metrics: Arc::clone(metrics) };
    let pattern = AppPattern::new("tenant-*");
    Fleet {
        pattern: pattern.clone(),
        directory: Arc::new(Matching::new(
            organization,
            pattern,
            Some(AppName::new("tenant-scaler")),
        )),
        refresh: REFRESH,
        make: Box::new(move |app| {
            let (collectors, groups) = (Arc::clone(&collectors), Arc::clone(&groups));
            Reconciler::new(app, collectors, groups, settings.clone(), adapters.clone())
                .with_overview(roster.clone())
        }),
        concurrency: differently.concurrency,
        is_spread,
    }
}
