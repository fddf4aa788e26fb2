//! The last tick of each app.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::Served;
use crate::http::answer::Refusal;
use crate::http::query::Asked;
use crate::model::Timestamp;
use crate::status::{AppListStatus, AppStatus};

#[derive(Serialize)]
struct Answer {
    version: &'static str,
    now: Timestamp,
    interval_seconds: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_list: Option<AppListStatus>,
    apps: Vec<AppStatus>,
}

pub(in crate::http) async fn status(
    State(shared): State<Served>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let sources = &shared.sources;
    let app = Asked::read(&uri, &["app"])?.app(&sources.board)?;
    let mut apps = sources.board.apps();
    apps.retain(|own| app.as_ref().is_none_or(|app| own.app == *app));
    let answer = Answer {
        version: sources.version,
        now: sources.clock.now(),
        interval_seconds: sources.configured.borrow().interval.as_secs_f64(),
        app_list: sources.board.app_list(),
        apps,
    };
    Ok(Json(answer).into_response())
}
