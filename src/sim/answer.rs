//! What the simulated services answer, before it is HTTP.

use serde::Serialize;
use serde_json::json;

/// One answer: a status and a body.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Vec<u8>,
    /// The header `fly-next-cursor`, where a list goes on.
    pub(crate) next_cursor: Option<String>,
}

pub(crate) const JSON: &str = "application/json; charset=utf-8";
pub(crate) const TEXT: &str = "text/plain; charset=utf-8";

impl Answer {
    /// An answer of `status` whose body is `value` as JSON.
    pub(crate) fn json(status: u16, value: &impl Serialize) -> Self {
        // Serializing plain data with text keys into memory does not fail.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self { status, content_type: JSON, body, next_cursor: None }
    }

    pub(crate) fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, content_type: TEXT, body: body.into(), next_cursor: None }
    }

    /// The 200 that says no more than that it went well.
    pub(crate) fn ok() -> Self {
        Self::json(200, &json!({ "ok": true }))
    }

    pub(crate) fn no_content() -> Self {
        Self::text(204, "")
    }

    /// A refusal in the form of the Machines API.
    pub(crate) fn refuse(status: u16, error: impl AsRef<str>) -> Self {
        Self::json(status, &json!({ "error": error.as_ref(), "status": "unknown" }))
    }

    /// A refusal for want of room.
    pub(crate) fn no_capacity(status: u16, error: impl AsRef<str>) -> Self {
        Self::json(status, &json!({ "error": error.as_ref(), "status": "insufficient_capacity" }))
    }

    pub(crate) fn precondition(error: impl AsRef<str>) -> Self {
        Self::refuse(412, format!("failed_precondition: {}", error.as_ref()))
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::refuse(404, format!("{what} not found"))
    }
}

/// What an operation gives, or the answer that refuses it.
pub(crate) type Outcome<T> = Result<T, Answer>;
