//! What machines ask: numbers, and whether the process is well.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Served;
use crate::status::Readiness;
use crate::telemetry::metrics::TEXT_FORMAT;

pub(super) async fn metrics(State(shared): State<Served>) -> Response {
    match shared.sources.metrics.render() {
        Ok(text) => ([(header::CONTENT_TYPE, TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("cannot render the metrics: {error}\n"))
                .into_response()
        }
    }
}

pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(shared): State<Served>) -> Response {
    let sources = &shared.sources;
    match sources.board.readiness(sources.clock.now(), sources.configured.borrow().interval) {
        // Who pauses wants nothing done; the process is well and does what it is told.
        Readiness::Ready if sources.board.pauses().any() => {
            format!("ready; paused: {}\n", sources.board.pauses()).into_response()
        }
        Readiness::Ready => "ready\n".into_response(),
        Readiness::NotReady(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n")).into_response()
        }
    }
}
