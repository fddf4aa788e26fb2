//! Why: ticks, explained stage by stage.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::http::Served;
use crate::http::answer::Refusal;
use crate::http::query::{Asked, no_such_app};
use crate::journal::{Explanation, Passage, When};

/// How many explanations an answer has where nothing else is said.
const SOME: usize = 20;
const MOST: usize = 200;
/// How many passages are looked through for those with an action.
const LOOKED_THROUGH: usize = 2000;

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

    let most = if action.is_some() { LOOKED_THROUGH } else { limit };
    let passages = sources.journal.passages(&app, when, most).await?;
    if passages.is_empty() && !sources.board.has(&app) {
        return Err(no_such_app(&app, &sources.board));
    }
    let has_action = |own: &Passage| {
        let mut planned = own.record.scopes.iter().flat_map(|scope| &scope.actions);
        action.is_none_or(|verb| {
            planned.any(|own| {
                own.verb == verb && (region.is_none() || own.region.as_ref() == region.as_ref())
            })
        })
    };
    let chosen = passages.iter().filter(|own| has_action(own)).take(limit);
    let mut explanations: Vec<Explanation> = chosen.map(Explanation::of).collect();
    if let Some(region) = region {
        let concerns = |own: &Option<_>| own.as_ref().is_none_or(|own| *own == region);
        for own in &mut explanations {
            own.parts.retain(|part| concerns(&part.scope.region));
        }
    }
    Ok(Json(Answer { explanations }).into_response())
}
