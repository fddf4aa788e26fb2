//! What happened, one thing at a time, and numbers over time.

use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use crate::http::Served;
use crate::http::answer::Refusal;
use crate::http::query::{Asked, no_such_app};
use crate::journal::{ChartQuery, Entry, HistoryQuery};

/// How far back `history` goes where nothing else is said.
const DAY: Duration = Duration::from_secs(24 * 3600);
/// Likewise `chart`.
const SIX_HOURS: Duration = Duration::from_secs(6 * 3600);
const ENTRIES: usize = 100;
const MOST_ENTRIES: usize = 1000;
const POINTS: usize = 500;
const MOST_POINTS: usize = 2000;

#[derive(Serialize)]
struct Answer {
    entries: Vec<Entry>,
}

pub(in crate::http) async fn history(
    State(shared): State<Served>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let sources = &shared.sources;
    let known = ["app", "from", "until", "last", "region", "kind", "action", "limit"];
    let asked = Asked::read(&uri, &known)?;
    let (from, until) = asked.span(sources.clock.now(), DAY)?;
    let query = HistoryQuery {
        app: asked.any_app(),
        from,
        until,
        region: asked.region(),
        kind: asked.choice("kind")?,
        verb: asked.choice("action")?,
        most: asked.count("limit", MOST_ENTRIES)?.unwrap_or(ENTRIES),
    };
    let entries = sources.journal.history(&query).await?;
    match query.app {
        // Of an app that is gone there may be something; of one that never was there is not.
        Some(app) if entries.is_empty() && !sources.board.has(&app) => {
            Err(no_such_app(&app, &sources.board))
        }
        _ => shared.heavy.place().await?.json(move || Answer { entries }).await,
    }
}

pub(in crate::http) async fn chart(
    State(shared): State<Served>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let sources = &shared.sources;
    let asked = Asked::read(&uri, &["app", "from", "until", "last", "points"])?;
    let (from, until) = asked.span(sources.clock.now(), SIX_HOURS)?;
    let app = asked.one_app(&sources.board)?;
    let most = asked.count("points", MOST_POINTS)?.unwrap_or(POINTS);
    let query = ChartQuery { app, from, until, most };
    let chart = sources.journal.chart(&query).await?;
    if chart.times.is_empty() && !sources.board.has(&query.app) {
        return Err(no_such_app(&query.app, &sources.board));
    }
    shared.heavy.place().await?.json(move || chart).await
}
