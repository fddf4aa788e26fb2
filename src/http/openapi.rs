//! The document that describes all of it, for whoever makes a client.

use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::answer::Refusal;
use super::query::Asked;

const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn openapi(uri: Uri) -> Result<Response, Refusal> {
    Asked::read(&uri, &[])?;
    Ok(([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response())
}
