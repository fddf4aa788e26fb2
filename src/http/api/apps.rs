//! Which apps there are, in short: of ten thousand, the whole status is too much to read for a choice.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use crate::http::Served;
use crate::http::answer::Refusal;
use crate::http::query::Asked;
use crate::model::{AppName, TickOutcome, Timestamp};
use crate::status::AppStatus;

#[derive(Serialize)]
struct Answer {
    apps: Vec<InShort>,
}

/// One app.
#[derive(Serialize)]
struct InShort {
    app: AppName,
    /// How its last tick ended; none has yet where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<TickOutcome>,
    /// When its last tick began.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    /// Whether somebody has paused it.
    paused: bool,
}

impl From<AppStatus> for InShort {
    fn from(own: AppStatus) -> Self {
        let last = own.last_tick.as_ref();
        Self {
            outcome: last.map(|tick| tick.outcome),
            at: last.map(|tick| tick.at),
            paused: own.paused,
            app: own.app,
        }
    }
}

pub(in crate::http) async fn apps(
    State(shared): State<Served>,
    uri: Uri,
) -> Result<Response, Refusal> {
    Asked::read(&uri, &[])?;
    let place = shared.heavy.place().await?;
    let apps = move || shared.sources.board.apps().into_iter().map(InShort::from).collect();
    place.json(move || Answer { apps: apps() }).await
}
