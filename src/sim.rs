//! A Fly to try it all on: machines, traffic and faults, over real HTTP.
//!
//! One server on loopback speaks the Machines API (`/v1/...`), Fly's GraphQL (`/graphql`) and REST
//! (`/api/v1/...`), Prometheus's query API (`/prometheus/{org}/api/v1/query`, `query_range`), and offers the same series
//! to be scraped (`/metrics`). The tests' double and the demo's world.
//!
//! ```text
//! HTTP ── server ── Call ── faults ── World::execute ── Answer
//!          wire     call               auth, limits, then by endpoint:
//!                                      machines_api, lease, volumes, account, graphql, series + promql
//! ```
//!
//! The world does no I/O and reads no clock: each call brings its time, and what was due by then happens
//! first (app by app, so that ten thousand of them cost no more than the one that is asked for).
//! The same seed, times and calls give the same bytes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::ports::Clock;

mod account;
mod answer;
mod app;
mod auth;
mod call;
mod clock;
mod faults;
mod graphql;
mod handle;
mod journal;
mod lease;
mod limits;
mod load;
mod machine;
mod machines_api;
mod org_list;
mod page;
mod past;
mod promql;
mod random;
mod regions;
mod series;
mod server;
mod spec;
mod volumes;
mod watch;
mod wire;
mod world;

pub use auth::{Access, Token};
pub use call::Endpoint;
pub use clock::ManualClock;
pub use faults::{FaultKind, FaultRule, Matching, Phase, Times};
pub use handle::{MachineView, Missing, WorldHandle};
pub use journal::{Request, Tally};
pub use load::{Day, Load, Trace};
pub use machine::Timings;
pub use spec::{AppSpec, MachineSpec, RegionSpec, ReleaseSpec, deployed_config};
pub use watch::Watched;

/// How a simulator behaves. Without anything said it is kind: no lag, no limits, no tokens, no failures.
#[derive(Clone)]
pub struct SimOptions {
    /// What its chance depends on.
    pub seed: u64,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// How long machines take.
    pub timings: Timings,
    /// How far lists are behind.
    pub list_lag: Duration,
    /// Whether Fly's documented request limits are enforced.
    pub enforce_rate_limits: bool,
    /// The most machines that one page of a list has.
    pub page_size: usize,
    /// The probability that a boot fails.
    pub boot_failure: f64,
    /// The tokens that it accepts; with none, everybody may do everything.
    pub tokens: Vec<Token>,
}

impl SimOptions {
    /// A kind simulator whose time is `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            seed: 1,
            clock,
            timings: Timings::default(),
            list_lag: Duration::ZERO,
            enforce_rate_limits: false,
            // Fly's own maximum (newer API description).
            page_size: 1000,
            boot_failure: 0.0,
            tokens: Vec::new(),
        }
    }
}

/// A running simulator; dropping it ends it.
pub struct Simulator {
    address: SocketAddr,
    world: WorldHandle,
    _stop: DropGuard,
}

impl Simulator {
    /// Starts a simulator on a free port of loopback. Needs a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When no port can be opened.
    pub async fn start(options: SimOptions) -> Result<Self, io::Error> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = world::Rules {
            seed: options.seed,
            timings: options.timings,
            list_lag: options.list_lag,
            enforce_rate_limits: options.enforce_rate_limits,
            page_size: std::cmp::max(1, options.page_size),
            boot_failure: options.boot_failure,
            tokens: options.tokens,
        };
        let world = WorldHandle::new(world::World::new(rules), options.clock);
        let stop = CancellationToken::new();
        tokio::spawn(server::serve(listener, world.clone(), stop.clone()));
        Ok(Self { address, world, _stop: stop.drop_guard() })
    }

    /// The base address, without a slash at the end: for the Machines API and for api.fly.io alike.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of an organization's Prometheus, as `FAS_PROMETHEUS_ADDRESS` has it.
    #[must_use]
    pub fn prometheus_url(&self, org: &str) -> String {
        format!("{}/prometheus/{org}", self.url())
    }

    /// What the simulator simulates.
    #[must_use]
    pub fn world(&self) -> &WorldHandle {
        &self.world
    }
}
