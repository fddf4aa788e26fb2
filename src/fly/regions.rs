//! The regions that Fly has.
//!
//! Source: the description of the Machines API (`Platform_regions_get`). Any token will do.

use reqwest::Method;

use super::client::{About, FlyClient};
use super::wire;
use crate::model::Catalog;
use crate::ports::{ApiError, BoxFuture, Operation, Platform};

impl FlyClient {
    async fn region_list(&self) -> Result<Catalog, ApiError> {
        let path = ["v1", "platform", "regions"];
        let call = self.call(Operation::ListRegions, Method::GET, About::Platform, "Fly", &path)?;
        let answer = self.make(&call).await?;
        wire::region::catalog(&answer.body)
            .map_err(|error| self.unreadable(&call, &answer, &error.to_string()))
    }
}

impl Platform for FlyClient {
    fn regions(&self) -> BoxFuture<'_, Result<Catalog, ApiError>> {
        Box::pin(self.region_list())
    }
}
