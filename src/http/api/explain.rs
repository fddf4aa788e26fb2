//! Why: ticks, explained stage by stage.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;

use crate::http::Served;
use crate::http::answer::Refusal;
use crate::http::query::{Asked, no_such_app};
use crate::journal::{self, Explanation, Passage, Verb, When};
use crate::model::{AppName, Region};

/// How many explanations an answer has where nothing else is said.
const SOME: usize = 20;
const MOST: usize = 200;
/// How many passages are in memory at once, and how many are looked through for those with an action.
const PAGE: usize = 50;
const LOOKED_THROUGH: usize = 20_000;

#[derive(Serialize)]
struct Answer {
    explanations: Vec<Explanation>,
}

pub(in crate::http) async fn explain(
    State(shared): State<Served>,
    uri: Uri,
) -> Result<Response, Refusal> {
    let sources = &shared.sources;
    let asked = Asked::read(&uri, &["app", "at", "last", "region", "action", "limit"])?;
    let now = sources.clock.now();
    let when = match (asked.time("at")?, asked.duration("last")?) {
        (Some(_), Some(_)) => return Err(Refusal::bad("say `at` or `last`, not both")),
        (Some(at), None) => When::At(at),
        (None, Some(last)) => When::Between(now.minus(last), now),
        (None, None) => When::At(now),
    };
    let app = asked.one_app(&sources.board)?;
    let region = asked.region();
    let action = asked.choice("action")?;
    let limit = asked.count("limit", MOST)?.unwrap_or(SOME);

    let wanted = Wanted { action, region, limit };
    let explanations = explained(&shared, &app, when, wanted).await?;
    shared.heavy.place().await?.json(move || Answer { explanations }).await
}

/// Which ticks are explained, and how much of them.
struct Wanted {
    action: Option<Verb>,
    region: Option<Region>,
    limit: usize,
}

/// Reads page by page, and keeps of each what is wanted.
async fn explained(
    shared: &Served,
    app: &AppName,
    when: When,
    wanted: Wanted,
) -> Result<Vec<Explanation>, Refusal> {
    let sources = &shared.sources;
    let wanted = Arc::new(wanted);
    let mut found = Vec::new();
    let (mut left, mut looked_through) = (Some(when), 0);
    while let Some(when) = left
        && found.len() < wanted.limit
        && looked_through < LOOKED_THROUGH
    {
        let all = if wanted.action.is_some() { PAGE } else { wanted.limit - found.len() };
        let most = all.min(PAGE);
        let page = sources.journal.passages(app, when, most).await?;
        if looked_through == 0 && page.is_empty() && !sources.board.has(app) {
            return Err(no_such_app(app, &sources.board));
        }
        looked_through += page.len();
        left = when.after(&page, most);
        let wanted = Arc::clone(&wanted);
        let explain = move || {
            let missing = wanted.limit - found.len();
            let region = wanted.region.as_ref();
            let explain = |own: &Passage| journal::explained(own, wanted.action, region);
            found.extend(page.iter().filter_map(explain).take(missing));
            found
        };
        found = shared.heavy.place().await?.run(explain).await?;
    }
    Ok(found)
}
