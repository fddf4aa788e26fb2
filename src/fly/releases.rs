//! The app's current release, which says whether a deploy is under way.
//!
//! Asked of GraphQL although Fly calls it internal, because that is what flyctl and the Go autoscaler
//! do with the same deploy token; that the REST call (`/api/v1/apps/APP/releases/current`) takes one
//! is not known. Source: fly-go (`resource_releases.go`).

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::calls::to_body;
use super::classify::advice;
use super::client::{Call, FlyClient, SMALL_ANSWER};
use crate::decide::Release;
use crate::model::{AppName, Timestamp};
use crate::ports::{ApiError, ErrorClass, Operation};
use crate::transport::body::excerpt;
use crate::transport::join;

const QUERY: &str = "query($appName: String!) { app(name: $appName) { \
    currentRelease: currentReleaseUnprocessed { version status createdAt } } }";

impl FlyClient {
    pub(super) async fn release(&self, app: &AppName) -> Result<Option<Release>, ApiError> {
        let call = Call {
            operation: Operation::CurrentRelease,
            about: app.into(),
            subject: app.to_string(),
            limited_by: app.as_str(),
            method: Method::POST,
            url: join(&self.api, &["graphql"]).unwrap_or_else(|| self.api.clone()),
            nonce: None,
            body: Some(to_body(&json!({ "query": QUERY, "variables": { "appName": app } }))),
            body_limit: SMALL_ANSWER,
        };
        let answer = self.make(&call).await?;
        let reply: Reply = serde_json::from_slice(&answer.body)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))?;
        if let Some(first) = reply.errors.unwrap_or_default().into_iter().next() {
            let class = first.class();
            let mut error = self.denied(&call, &answer, &first.message);
            error.class = class;
            error.message += &advice(call.operation, class, first.status(), app.into());
            return Err(error);
        }
        match reply.data {
            None => Err(self.unreadable(&call, &answer, "it has neither data nor errors")),
            Some(Data { app: None }) => {
                let message =
                    format!("but app {app} was not found, or the token does not cover it");
                Err(call.error(ErrorClass::Rejected, Some(answer.status), message))
            }
            Some(Data { app: Some(found) }) => Ok(found.current_release.map(|release| Release {
                version: release.version,
                status: excerpt(&release.status),
                created_at: release.created_at.as_deref().and_then(Timestamp::parse_rfc3339),
            })),
        }
    }
}

#[derive(Deserialize)]
struct Reply {
    data: Option<Data>,
    errors: Option<Vec<GraphQlError>>,
}

#[derive(Deserialize)]
struct Data {
    app: Option<App>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct App {
    current_release: Option<WireRelease>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRelease {
    version: u64,
    status: String,
    created_at: Option<String>,
}

#[derive(Deserialize)]
struct GraphQlError {
    #[serde(default)]
    message: String,
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    code: Option<String>,
}

impl GraphQlError {
    /// GraphQL answers 200 to everything; the code says what the status would have been.
    fn status(&self) -> u16 {
        let code = self.extensions.as_ref().and_then(|extensions| extensions.code.as_deref());
        match code.unwrap_or_default() {
            "UNAUTHORIZED" | "UNAUTHENTICATED" => 401,
            "FORBIDDEN" => 403,
            "NOT_FOUND" => 404,
            _ => 400,
        }
    }

    fn class(&self) -> ErrorClass {
        super::classify::classify(Operation::CurrentRelease, self.status(), "")
    }
}
