//! `demo`: the real autoscaler against an embedded Fly.
//!
//! The same loop, adapters, configuration and HTTP endpoints as in `serve`; only the clock is faster, and
//! Fly is [`fly_autoscaler::sim`], over real HTTP on loopback.

mod plain;
mod screen;
mod story;
mod summary;
mod view;
mod world;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use fly_autoscaler::clock::ScaledClock;
use fly_autoscaler::config::{Config, Loaded, duration};
use fly_autoscaler::http::{self, Configured, Sources};
use fly_autoscaler::model::AppName;
use fly_autoscaler::ports::Clock;
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::sim::Simulator;
use fly_autoscaler::status::AppStatus;
use fly_autoscaler::store::{JournalStore, MemoryStore};
use fly_autoscaler::supervisor::Supervisor;
use fly_autoscaler::telemetry::Metrics;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::compose::{Scaling, scaler_id};
use crate::{COMMIT, DONE, VERSION, compose, configuration, keep, output, runtime};

use story::{Entry, Story};
use world::Setting;

/// Where the demo serves HTTP, unless told otherwise: `serve`'s port, on loopback only.
const LISTEN: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 9090));
/// Beyond it a tick takes longer than its interval.
const MAX_SPEED: f64 = 1000.0;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// End after this much real time, such as 30s or 2m [default: when q or Ctrl-C is pressed]
    #[arg(long, value_parser = parse_duration, allow_hyphen_values = true)]
    duration: Option<Duration>,
    /// What traffic and faults depend on: the same seed gives the same day
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How many times as fast as real time the simulated time passes: 60 is a minute a second
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 60.0,
        value_parser = parse_speed,
        allow_hyphen_values = true
    )]
    speed: f64,
    /// Where to serve the page, /metrics, /healthz, /readyz and /status [default: 127.0.0.1:9090, or a free port]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address, allow_hyphen_values = true)]
    listen: Option<SocketAddr>,
    /// Print lines instead of drawing, as where stdout is no terminal
    #[arg(long)]
    plain: bool,
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = duration::parse(text).filter(|duration| !duration.is_zero());
    parsed.ok_or_else(|| "write a duration above zero such as 30s, 2m or 1h30m".into())
}

fn parse_speed(text: &str) -> Result<f64, String> {
    let parsed = text.parse().ok().filter(|speed| *speed > 0.0 && *speed <= MAX_SPEED);
    parsed.ok_or_else(|| format!("write a number above 0, at most {MAX_SPEED}"))
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an IP address and a port such as 127.0.0.1:9090".into())
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<u8> {
    runtime()?.block_on(demo(arguments))
}

/// A demo under way.
pub(crate) struct Running {
    app: AppName,
    seed: u64,
    speed: f64,
    address: String,
    settings: Vec<Setting>,
    config: Config,
    configured: Configured,
    clock: Arc<dyn Clock>,
    simulator: Simulator,
    supervisor: Supervisor,
    journal: Arc<JournalStore>,
    story: Story,
}

async fn demo(arguments: Arguments) -> anyhow::Result<u8> {
    let (listener, note) = listen(arguments.listen).await?;
    let is_plain = arguments.plain || !io::stdout().is_terminal();
    if let Some(note) = note {
        output::note(note);
    }
    let stop = CancellationToken::new();
    let (mut running, reconciler) = set_up(&arguments, listener.local_addr()?).await?;
    if is_plain {
        plain::introduce(&running)?;
    }
    let supervisor = running.supervisor.clone();
    let router = http::router(running.sources());
    let ends = ends(arguments.duration)?;
    let show = async {
        let shown = tokio::select! {
            shown = show(&mut running, is_plain) => shown,
            () = ends => Ok(()),
        };
        stop.cancel();
        shown
    };
    let shown = tokio::select! {
        (shown, ()) = async { tokio::join!(show, supervisor.run(reconciler, stop.clone())) } => shown,
        () = http::serve(listener, router, std::future::pending()) => Ok(()),
    };
    shown?;
    if !is_plain {
        // The picture had no room for the whole configuration.
        plain::introduce(&running)?;
    }
    output::line(&running.summary()?)?;
    Ok(DONE)
}

async fn show(running: &mut Running, is_plain: bool) -> anyhow::Result<()> {
    if is_plain { plain::run(running).await } else { screen::run(running).await }
}

/// Builds the world and the autoscaler.
async fn set_up(
    arguments: &Arguments,
    address: SocketAddr,
) -> anyhow::Result<(Running, Reconciler)> {
    // The app is older than what Fly's list lags: the first tick sees its machines.
    let before = world::START.minus(world::LIST_LAG);
    let clock: Arc<dyn Clock> = Arc::new(ScaledClock::new(before, arguments.speed));
    let simulator = world::start(arguments.seed, Arc::clone(&clock))
        .await
        .context("cannot start the embedded Fly")?;
    clock.sleep(world::LIST_LAG).await;
    let settings = world::settings(&simulator, address);
    let Loaded { config, warnings, effective, .. } = world::load(&settings)?;
    let configured = configuration::shown(&config, &warnings, effective, clock.now());

    let metrics = Arc::new(Metrics::new(VERSION, COMMIT));
    let http = compose::http_client(compose::all_addresses(&config))?;
    let collectors = compose::collectors(&config.collectors, &http, None)?;
    let token = config.require_api_token()?;
    let api = compose::fly(&config, token, http, Arc::clone(&clock), &metrics)?;
    let app = config.apps.one().context("the demo has one app")?.clone();
    let store = Arc::new(MemoryStore::new(scaler_id(&config, clock.now())));
    let scaling =
        Scaling::new(&config, collectors, api, Arc::clone(&clock), store, Arc::clone(&metrics));
    let reconciler = scaling.of(app.clone());
    let journal = keep::journal(&config, &clock, &metrics);
    let supervisor = Supervisor::new(
        Arc::clone(&clock),
        fly_autoscaler::status::Board::default(),
        metrics,
        config.interval,
        config.shutdown_timeout,
    )
    .with_journal(Arc::<JournalStore>::clone(&journal));
    let running = Running {
        app,
        seed: arguments.seed,
        speed: arguments.speed,
        address: format!("http://{address}"),
        settings,
        config,
        configured,
        clock,
        simulator,
        supervisor,
        journal,
        story: Story::default(),
    };
    Ok((running, reconciler))
}

/// Binds the address that was asked for, or else the usual one, or else any, which is then said.
async fn listen(asked: Option<SocketAddr>) -> anyhow::Result<(TcpListener, Option<String>)> {
    let address = asked.unwrap_or(LISTEN);
    match TcpListener::bind(address).await {
        Err(error) if asked.is_none() && error.kind() == io::ErrorKind::AddrInUse => {
            let listener = TcpListener::bind((LISTEN.ip(), 0))
                .await
                .context("cannot listen on any port of 127.0.0.1")?;
            let note = format!("{LISTEN} is in use: listening on {}", listener.local_addr()?);
            Ok((listener, Some(note)))
        }
        bound => {
            let bound = bound.with_context(|| {
                format!("cannot listen on {address}; choose another address with --listen")
            })?;
            Ok((bound, None))
        }
    }
}

/// Completes when the demo should end by itself: its time is over, or a signal came.
fn ends(after: Option<Duration>) -> anyhow::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    Ok(async move {
        let over = async {
            match after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = over => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

impl Running {
    fn sources(&self) -> Sources {
        Sources {
            board: self.supervisor.board.clone(),
            journal: Arc::<JournalStore>::clone(&self.journal),
            metrics: Arc::clone(&self.supervisor.metrics),
            clock: Arc::clone(&self.clock),
            configured: watch::channel(Arc::new(self.configured.clone())).1,
            orders: self.supervisor.orders(),
            version: VERSION,
        }
    }

    /// How far apart looks are, in simulated time: several for each tick, so that none is missed.
    fn look_distance(&self) -> Duration {
        self.config.interval / 3
    }

    fn status(&self) -> Option<AppStatus> {
        self.supervisor.board.apps().into_iter().next()
    }

    /// Takes in what has happened since the last look, and gives what is new, oldest first.
    fn look(&mut self) -> anyhow::Result<Vec<Entry>> {
        let world = self.simulator.world();
        let (traffic, machines) = (world.traffic(&self.app)?, world.machines(&self.app)?);
        self.story.see_world(self.clock.now(), traffic, &machines);
        Ok(self.status().map(|status| self.story.see_status(&status)).unwrap_or_default())
    }

    fn picture(&self) -> view::Picture<'_> {
        view::Picture {
            app: self.app.as_str(),
            now: self.clock.now(),
            speed: self.speed,
            address: &self.address,
            settings: &self.settings,
            status: self.status(),
            story: &self.story,
        }
    }

    fn summary(&self) -> anyhow::Result<String> {
        let world = self.simulator.world();
        let counters = summary::Counters::read(&self.supervisor.metrics)?;
        let machines_now = world.machines(&self.app)?.len();
        let peak = world.peak_machines(&self.app)?;
        Ok(summary::text(&counters, self.clock.now(), peak, machines_now))
    }
}
