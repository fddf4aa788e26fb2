//! What is served: metrics, health, readiness and status. Nothing here changes anything.

mod server;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

use crate::model::{AppName, Timestamp};
use crate::ports::Clock;
use crate::status::{AppListStatus, AppStatus, Board, Readiness};
use crate::telemetry::metrics::{Metrics, TEXT_FORMAT};

pub use server::serve;

/// What the endpoints read.
#[derive(Clone)]
pub struct Sources {
    /// The last tick of each app.
    pub board: Board,
    /// The numbers for Prometheus.
    pub metrics: Arc<Metrics>,
    /// The time, for the age of the last success.
    pub clock: Arc<dyn Clock>,
    /// How often there should be a tick.
    pub interval: Duration,
    /// This program's version.
    pub version: &'static str,
}

/// The routes.
pub fn router(sources: Sources) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/status", get(status))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(sources)
}

async fn metrics(State(sources): State<Sources>) -> Response {
    match sources.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot render the metrics: {error}\n"))
                .into_response()
        }
    }
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(sources): State<Sources>) -> Response {
    match sources.board.readiness(sources.clock.now(), sources.interval) {
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotReady(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}

/// The answer of `/status`.
#[derive(Serialize)]
struct StatusAnswer {
    version: &'static str,
    now: Timestamp,
    interval_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_list: Option<AppListStatus>,
    apps: Vec<AppStatus>,
}

/// What of the status is wanted.
#[derive(Deserialize)]
struct StatusQuery {
    /// This app only.
    app: Option<AppName>,
}

async fn status(
    State(sources): State<Sources>,
    Query(StatusQuery { app }): Query<StatusQuery>,
) -> Response {
    let mut apps = sources.board.apps();
    if let Some(wanted) = app {
        apps.retain(|own| own.app == wanted);
        if apps.is_empty() {
            return (StatusCode::NOT_FOUND, "no such app is scaled here\n").into_response();
        }
    }
    let answer = StatusAnswer {
        version: sources.version,
        now: sources.clock.now(),
        interval_seconds: sources.interval.as_secs_f64(),
        app_list: sources.board.app_list(),
        apps,
    };
    Json(answer).into_response()
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; there are /metrics, /healthz, /readyz and /status\n")
}

async fn method_not_allowed() -> (StatusCode, &'static str) {
    (StatusCode::METHOD_NOT_ALLOWED, "only GET is answered here\n")
}
