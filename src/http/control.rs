//! A tick now, to pause, to go on: for those with the token.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::Served;
use super::answer::Refusal;
use super::peer::Peer;
use super::query::Asked;
use crate::model::AppName;
use crate::status::{Deployment, Tick};
use crate::supervisor::{NotTicked, Standing};

/// These requests need no body; what `curl -d ''` and the like send is let through.
const LONGEST_BODY: usize = 16;
/// How long a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long somebody waits for a tick: less than their connection may last. A tick has a timeout of its own,
/// and may have to wait for the one that is on.
const TICK_TIMEOUT: Duration = Duration::from_secs(280);

/// What came of a tick.
#[derive(Serialize)]
struct Triggered<'a> {
    app: &'a AppName,
    tick: &'a Tick,
    #[serde(flatten)]
    deployment: Deployment,
}

/// How things are after an order to pause or to go on.
#[derive(Serialize)]
struct Paused {
    paused: bool,
    app: Option<AppName>,
    text: String,
}

pub(super) async fn trigger(
    State(shared): State<Served>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked = admitted(&shared, peer, &uri, &headers, body).await?;
    let sources = &shared.sources;
    let app = asked.scaled_app(&sources.board)?;
    let by = peer.0.to_string();
    let Ok(ticked) = tokio::time::timeout(TICK_TIMEOUT, sources.orders.tick(&app, &by)).await
    else {
        let why = "the tick has not ended yet; /api/v1/status will have it";
        return Err(Refusal::new(StatusCode::GATEWAY_TIMEOUT, why));
    };
    let tick = ticked?;
    let answer = Triggered { app: &app, tick: &tick, deployment: Deployment::of(&tick) };
    Ok(Json(answer).into_response())
}

pub(super) async fn pause(
    State(shared): State<Served>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    set_paused(true, &shared, peer, &uri, &headers, body).await
}

pub(super) async fn resume(
    State(shared): State<Served>,
    Extension(peer): Extension<Peer>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    set_paused(false, &shared, peer, &uri, &headers, body).await
}

async fn set_paused(
    paused: bool,
    shared: &Served,
    peer: Peer,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let asked = admitted(shared, peer, uri, headers, body).await?;
    let sources = &shared.sources;
    let app = asked.app(&sources.board)?;
    let by = peer.0.to_string();
    let Standing { outlives_process } = match paused {
        true => sources.orders.pause(app.as_ref(), &by).await,
        false => sources.orders.resume(app.as_ref(), &by).await,
    };
    let whose = app.as_ref().map_or("all apps", AppName::as_str);
    let text = match (paused, outlives_process) {
        (true, true) => format!(
            "scaling of {whose} is paused, after a restart too: everything is computed and shown, and nothing new is done"
        ),
        (true, false) => format!(
            "scaling of {whose} is paused until it is resumed or this process ends: it cannot be kept for longer (see `state`); everything is computed and shown, and nothing new is done"
        ),
        (false, _) => format!("scaling of {whose} goes on with the next tick"),
    };
    Ok(Json(Paused { paused, app, text }).into_response())
}

/// What is asked for by somebody who may.
async fn admitted(
    shared: &Served,
    peer: Peer,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Result<Asked, Refusal> {
    shared.admit(headers, peer)?;
    let too_large = || {
        let why = "no body is needed: the app is said with `?app=`";
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // What says that it is long is not waited for.
    if body.size_hint().lower() > LONGEST_BODY as u64 {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, LONGEST_BODY)).await {
        Ok(Ok(_)) => Asked::read(uri, &["app"]),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
    }
}

impl From<NotTicked> for Refusal {
    fn from(error: NotTicked) -> Self {
        let status = match error {
            NotTicked::Panicked(_) => StatusCode::INTERNAL_SERVER_ERROR,
            NotTicked::Stopping | NotTicked::Gone | NotTicked::Crowded => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        Self::new(status, error.to_string())
    }
}
