//! In and out of the proxy's rotation, and the metadata that say whose doing it was.

use reqwest::Method;
use serde_json::json;

use super::calls::{nonce_for, to_body};
use super::client::FlyClient;
use crate::model::{AppName, MachineId};
use crate::ports::{ApiError, Lease, Operation};

impl FlyClient {
    /// `POST cordon` or `POST uncordon`, as `tail` says.
    pub(super) async fn rotate(
        &self,
        operation: Operation,
        tail: &str,
        app: &AppName,
        id: &MachineId,
        lease: Option<&Lease>,
    ) -> Result<(), ApiError> {
        let mut call = self.on_machine(operation, Method::POST, app, id, &[tail])?;
        call.nonce = nonce_for(id, lease);
        self.make_plain(&call).await.map(drop)
    }

    /// Sets one key of the metadata, or removes it.
    pub(super) async fn metadata(
        &self,
        app: &AppName,
        id: &MachineId,
        key: &str,
        value: Option<String>,
        lease: Option<&Lease>,
    ) -> Result<(), ApiError> {
        let method = if value.is_some() { Method::POST } else { Method::DELETE };
        let tail = &["metadata", key];
        let mut call = self.on_machine(Operation::SetMetadata, method, app, id, tail)?;
        // fly-go sends none with metadata; a lease of ours must not be what refuses them.
        call.nonce = nonce_for(id, lease);
        call.body = value.map(|value| to_body(&json!({ "value": value })));
        // 204, without a body.
        self.make(&call).await.map(drop)
    }
}
