//! What is served: metrics, health, the status and the past of each app, a stream of what happens, and, with a
//! token, three ways to step in.
//!
//! [`ROUTES`] is the one table of it all. Nothing but the three paths for those with a token changes
//! anything, and none of these can be called from a browser that was talked into it: each wants a header
//! that no other site can send.

mod answer;
mod api;
mod attempts;
mod control;
mod events;
mod health;
mod heavy;
mod openapi;
mod page;
mod peer;
mod query;
mod routes;
mod server;
mod token;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::map_response;
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::config::{EffectiveValue, Secret};
use crate::journal::Journal;
use crate::model::Timestamp;
use crate::ports::Clock;
use crate::status::Board;
use crate::supervisor::Orders;
use crate::telemetry::metrics::Metrics;

use answer::Refusal;
use attempts::Attempts;
use heavy::HeavyReads;
use peer::Shares;
pub use routes::{ROUTES, Route};
pub use server::serve;

/// What the endpoints read.
#[derive(Clone)]
pub struct Sources {
    /// The last tick of each app, and what changes.
    pub board: Board,
    /// Every tick on record.
    pub journal: Arc<dyn Journal>,
    /// The numbers for Prometheus.
    pub metrics: Arc<Metrics>,
    /// The time, for the age of the last success.
    pub clock: Arc<dyn Clock>,
    /// The configuration in force.
    pub configured: watch::Receiver<Arc<Configured>>,
    /// What the loop can be asked for.
    pub orders: Orders,
    /// This program's version.
    pub version: &'static str,
}

/// The configuration in force, as it may be shown.
#[derive(Debug, Clone, Serialize)]
pub struct Configured {
    /// Each value with its origin, secrets masked.
    pub values: Vec<EffectiveValue>,
    /// What works, but perhaps not as meant.
    pub warnings: Vec<String>,
    /// When it was read.
    pub loaded_at: Timestamp,
    /// How often there should be a tick.
    #[serde(skip)]
    pub interval: Duration,
    /// What has to be sent to change anything; `None`: nobody can.
    #[serde(skip)]
    pub token: Option<Secret>,
}

/// What all requests share.
struct Shared {
    sources: Sources,
    /// Places for those who watch.
    streams: Arc<Semaphore>,
    /// How many of them each host has.
    watching: Shares,
    /// Places for answers that take long to make.
    heavy: HeavyReads,
    /// Who tried wrong tokens.
    attempts: Attempts,
}

/// [`Shared`], for each of them.
type Served = Arc<Shared>;

/// The routes.
pub fn router(sources: Sources) -> Router {
    let streams = Arc::new(Semaphore::new(events::MOST));
    let (heavy, attempts) = (HeavyReads::default(), Attempts::default());
    let watching = Shares::of(events::MOST);
    let shared = Shared { sources, streams, watching, heavy, attempts };
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, route.serves());
    }
    router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(map_response(answer::harden))
        .with_state(Arc::new(shared))
}

async fn not_found() -> Refusal {
    let paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    Refusal::new(StatusCode::NOT_FOUND, format!("not found; there are {}", paths.join(", ")))
}

async fn method_not_allowed(method: Method, uri: Uri) -> Refusal {
    let wanted = ROUTES.iter().find(|route| route.path == uri.path());
    let wanted = wanted.map_or("GET", |route| route.method);
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not answered here; {wanted} is"),
    )
}
