//! An autoscaler and a simulated Fly that share a clock, which moves on only when both have nothing left to do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::Config;
use fly_autoscaler::model::{AppName, MachineState, Region, Timestamp};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::sim::{AppSpec, Endpoint, SimOptions, Simulator, WorldHandle};
use fly_autoscaler::status::{Board, Tick};
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::supervisor::{Renewal, Supervisor};
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client_without_https};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::composed;
use crate::soak::settle;
use crate::soak::time::SteppedClock;

/// One app, and who scales it.
pub(crate) struct Driven {
    pub(crate) sim: Simulator,
    clock: Arc<SteppedClock>,
    app: AppName,
    board: Board,
    metrics: Arc<Metrics>,
    fits: Arc<Fits>,
    store: Arc<MemoryStore>,
    supervisor: Option<Supervisor>,
    stop: Option<DropGuard>,
}

/// The machines of one region: how many there are, and how many of them are started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) present: usize,
    pub(crate) started: usize,
}

impl Driven {
    /// A Fly with that app, as its own rules have it: with limits on requests, and lists that are
    /// behind. Its machines are an hour old.
    pub(crate) async fn new(start: Timestamp, spec: &AppSpec) -> Self {
        let clock = SteppedClock::new(start.minus(Duration::from_secs(3600)));
        let options = SimOptions {
            list_lag: Duration::from_secs(1),
            enforce_rate_limits: true,
            ..SimOptions::new(Arc::clone(&clock) as Arc<dyn Clock>)
        };
        let sim = Simulator::start(options).await.unwrap();
        sim.world().add_app(spec);
        clock.step(start);
        sim.world().watch(&spec.name).unwrap();
        Self {
            sim,
            clock,
            app: spec.name.clone(),
            board: Board::default(),
            metrics: Arc::new(Metrics::new("test", "test")),
            fits: Arc::default(),
            store: Arc::new(MemoryStore::new("test")),
            supervisor: None,
            stop: None,
        }
    }

    /// Begins to scale it by `config`: the first tick is now.
    pub(crate) fn scale(&mut self, config: &Config) {
        let reconciler = self.maker(config)();
        let supervisor = Supervisor::new(
            Arc::clone(&self.clock) as Arc<dyn Clock>,
            self.board.clone(),
            Arc::clone(&self.metrics),
            config.interval,
            config.shutdown_timeout,
        );
        let stop = CancellationToken::new();
        self.stop = Some(stop.clone().drop_guard());
        self.supervisor = Some(supervisor.clone());
        tokio::spawn(async move { supervisor.run(reconciler, stop).await });
    }

    /// Goes on to scale it by another.
    pub(crate) fn go_on_with(&self, config: &Config) {
        let make = self.maker(config);
        self.supervisor.as_ref().unwrap().go_on_with(Renewal {
            make: Arc::new(move |_| make()),
            interval: config.interval,
            shutdown_timeout: config.shutdown_timeout,
            refresh: config.app_list_refresh_interval,
            concurrency: config.concurrency,
            is_spread: false,
        });
    }

    /// Makes what scales the app by `config`.
    fn maker(&self, config: &Config) -> impl Fn() -> Reconciler + Send + Sync + 'static {
        // Of real time, which passes only while something hangs.
        let request = Duration::from_secs(5);
        let http = client_without_https(Timeouts { connect: request, request }).unwrap();
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let (config, store, fits) = (config.clone(), Arc::clone(&self.store), &self.fits);
        let fits = Arc::clone(fits);
        move || {
            let store = Arc::<MemoryStore>::clone(&store);
            composed::reconciler(&config, &http, Arc::clone(&clock), store)
                .with_forecasts(Arc::clone(&fits))
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn world(&self) -> &WorldHandle {
        self.sim.world()
    }

    /// The last tick, as `/status` would show it.
    pub(crate) fn last_tick(&self) -> Arc<Tick> {
        self.board.apps()[0].last_tick.clone().unwrap()
    }

    /// Lets time pass. Ends just before what is to happen then: what is changed now is what a tick of
    /// this moment sees.
    pub(crate) async fn pass(&self, duration: Duration) {
        let end = self.now().plus(duration);
        while self.now() < end {
            settle(&self.clock, 1).await;
            // Between two ticks, in no time: `serve` makes them beside the ticks.
            self.fits.make_due(self.clock.as_ref(), &self.metrics).await;
            self.clock.step(end);
        }
    }

    /// The machines of each region that has any. Those on their way out are none.
    pub(crate) fn machines(&self) -> BTreeMap<Region, Count> {
        let mut counts: BTreeMap<Region, Count> = BTreeMap::new();
        for machine in self.world().machines(&self.app).unwrap() {
            if machine.state != MachineState::Destroying {
                let count = counts.entry(machine.region).or_default();
                count.present += 1;
                count.started += usize::from(machine.state == MachineState::Started);
            }
        }
        counts
    }

    /// The same over all regions.
    pub(crate) fn total(&self) -> Count {
        let machines = self.machines();
        Count {
            present: machines.values().map(|count| count.present).sum(),
            started: machines.values().map(|count| count.started).sum(),
        }
    }

    /// How many requests of `endpoint` did what they asked for.
    pub(crate) fn done(&self, endpoint: Endpoint) -> u64 {
        let tallies = self.world().tallies();
        let done = tallies
            .iter()
            .filter(|((own, status), _)| *own == endpoint && status.is_some_and(|code| code < 300));
        done.map(|(_, tally)| tally.requests).sum()
    }

    /// Whatever was refused: nothing should be, as nothing is wrong in these worlds.
    pub(crate) fn refused(&self) -> Vec<String> {
        let requests = self.world().requests();
        let refused =
            requests.iter().filter(|request| request.status.is_none_or(|code| code > 299));
        refused.map(|own| format!("{}: {:?} {:?}", own.at, own.endpoint, own.status)).collect()
    }
}
