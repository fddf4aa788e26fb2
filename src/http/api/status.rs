//! The last tick of each app.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use crate::http::answer::Refusal;
use crate::http::query::Asked;
use crate::http::{Served, Sources};
use crate::model::{AppName, Timestamp};
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
    let app = Asked::read(&uri, &["app"])?.app(&shared.sources.board)?;
    let place = shared.heavy.place().await?;
    place.json(move || Answer::of(&shared.sources, app.as_ref())).await
}

impl Answer {
    /// How `app` is, or each of them.
    fn of(sources: &Sources, app: Option<&AppName>) -> Self {
        let mut apps = sources.board.apps();
        apps.retain(|own| app.is_none_or(|app| own.app == *app));
        Self {
            version: sources.version,
            now: sources.clock.now(),
            interval_seconds: sources.configured.borrow().interval.as_secs_f64(),
            app_list: sources.board.app_list(),
            apps,
        }
    }
}
