//! Every path that is served, in one table: the router is made of it, and the tests of all paths are.

use axum::routing::{MethodRouter, get, post};

use super::{Served, api, control, events, health, openapi, page};

/// One path.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The path, as a pattern of axum's.
    pub path: &'static str,
    /// The method that is answered there; with GET, HEAD too.
    pub method: &'static str,
    serves: fn() -> MethodRouter<Served>,
}

impl Route {
    const fn reads(path: &'static str, serves: fn() -> MethodRouter<Served>) -> Self {
        Self { path, method: "GET", serves }
    }

    const fn controls(path: &'static str, serves: fn() -> MethodRouter<Served>) -> Self {
        Self { path, method: "POST", serves }
    }

    /// What answers there.
    pub(super) fn serves(&self) -> MethodRouter<Served> {
        (self.serves)()
    }
}

/// Every path.
pub const ROUTES: &[Route] = &[
    Route::reads("/", || get(page::index)),
    Route::reads("/assets/{*path}", || get(page::asset)),
    Route::reads("/metrics", || get(health::metrics)),
    Route::reads("/healthz", || get(health::healthz)),
    Route::reads("/readyz", || get(health::readyz)),
    Route::reads("/status", || get(api::status)),
    Route::reads("/api/v1/apps", || get(api::apps)),
    Route::reads("/api/v1/status", || get(api::status)),
    Route::reads("/api/v1/history", || get(api::history)),
    Route::reads("/api/v1/explain", || get(api::explain)),
    Route::reads("/api/v1/chart", || get(api::chart)),
    Route::reads("/api/v1/config", || get(api::config)),
    Route::reads("/api/v1/events", || get(events::events)),
    Route::reads("/api/v1/openapi.json", || get(openapi::openapi)),
    Route::controls("/api/v1/trigger", || post(control::trigger)),
    Route::controls("/api/v1/pause", || post(control::pause)),
    Route::controls("/api/v1/resume", || post(control::resume)),
];
