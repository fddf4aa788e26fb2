//! The apps whose names match a pattern.

use std::sync::Arc;

use crate::model::{AppName, AppPattern};
use crate::ports::{ApiError, BoxFuture, Directory, Organization};

/// The apps of an organization that match a pattern.
pub struct Matching {
    organization: Arc<dyn Organization>,
    pattern: AppPattern,
}

impl Matching {
    /// Those of `organization` that match `pattern`.
    #[must_use]
    pub fn new(organization: Arc<dyn Organization>, pattern: AppPattern) -> Self {
        Self { organization, pattern }
    }
}

impl Directory for Matching {
    fn apps(&self) -> BoxFuture<'_, Result<Vec<AppName>, ApiError>> {
        Box::pin(async move {
            let mut apps = self.organization.apps().await?;
            apps.retain(|app| self.pattern.matches(app));
            Ok(apps)
        })
    }
}
