//! Volumes: the list, and a new one.

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::calls::to_body;
use super::client::{FlyClient, PAGE_ANSWER};
use super::wire;
use crate::model::{AppName, Volume};
use crate::ports::{ApiError, Operation, VolumeRequest};

impl FlyClient {
    /// All volumes of `app`: this list has no pages.
    pub(super) async fn volumes(&self, app: &AppName) -> Result<Vec<Volume>, ApiError> {
        let path = ["v1", "apps", app.as_str(), "volumes"];
        let mut call = self.call(Operation::ListVolumes, Method::GET, app, app.as_str(), &path)?;
        call.body_limit = PAGE_ANSWER;
        let answer = self.make(&call).await?;
        wire::volume::list(&answer.body)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))
    }

    pub(super) async fn make_volume(
        &self,
        app: &AppName,
        request: &VolumeRequest,
    ) -> Result<Volume, ApiError> {
        let path = ["v1", "apps", app.as_str(), "volumes"];
        let mut call =
            self.call(Operation::CreateVolume, Method::POST, app, app.as_str(), &path)?;
        call.subject = format!("{} of {app} in {}", request.name, request.region);
        call.body = Some(to_body(&body(request)));
        let answer = self.make(&call).await?;
        wire::volume::one(&answer.body)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))
    }
}

/// What `fly machine clone` sends too: on hosts of their own, the volumes of one app do not fail
/// together (superfly/flyctl, internal/command/machine/clone.go).
fn body(request: &VolumeRequest) -> Value {
    let mut body = Map::new();
    body.insert("name".into(), json!(request.name));
    body.insert("region".into(), json!(request.region));
    body.insert("require_unique_zone".into(), Value::Bool(true));
    body.insert("compute_image".into(), json!(request.image));
    let optional = [
        ("size_gb", request.size_gb.map(Value::from)),
        ("encrypted", request.encrypted.map(Value::from)),
        ("compute", request.guest.clone()),
    ];
    for (key, value) in optional {
        if let Some(value) = value {
            body.insert(key.into(), value);
        }
    }
    Value::Object(body)
}
