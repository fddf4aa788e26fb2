//! The apps whose names match a pattern.

use std::sync::Arc;

use crate::model::{AppName, AppPattern};
use crate::ports::{ApiError, BoxFuture, Directory, Organization};

/// The apps of an organization that match a pattern, but for the autoscaler itself: who writes `*` means
/// what is to be scaled.
pub struct Matching {
    organization: Arc<dyn Organization>,
    pattern: AppPattern,
    own_app: Option<AppName>,
}

impl Matching {
    /// Those of `organization` that match `pattern`, without `own_app`.
    #[must_use]
    pub fn new(
        organization: Arc<dyn Organization>,
        pattern: AppPattern,
        own_app: Option<AppName>,
    ) -> Self {
        Self { organization, pattern, own_app }
    }
}

impl Directory for Matching {
    fn apps(&self) -> BoxFuture<'_, Result<Vec<AppName>, ApiError>> {
        Box::pin(async move {
            let mut apps = self.organization.apps().await?;
            apps.retain(|app| self.pattern.matches(app) && self.own_app.as_ref() != Some(app));
            Ok(apps)
        })
    }
}
