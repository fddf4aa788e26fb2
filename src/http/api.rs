//! What is read of apps, as JSON: how they are, what happened, why, and by which configuration.

mod apps;
mod explain;
mod history;
mod status;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use super::Served;
use super::answer::Refusal;
use super::query::Asked;
use crate::journal::JournalError;

pub(super) use apps::apps;
pub(super) use explain::explain;
pub(super) use history::{chart, history};
pub(super) use status::status;

pub(super) async fn config(State(shared): State<Served>, uri: Uri) -> Result<Response, Refusal> {
    Asked::read(&uri, &[])?;
    let configured = shared.sources.configured.borrow().clone();
    Ok(Json(configured).into_response())
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}
