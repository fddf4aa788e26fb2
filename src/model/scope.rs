//! What a target applies to.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ProcessGroup, Region};

/// One process group, either in every region or in one.
///
/// A target, a hold and the reasons of a plan always belong to a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The process group.
    pub group: ProcessGroup,
    /// The region, or `None` for the whole app.
    pub region: Option<Region>,
}

impl Scope {
    /// The scope that spans all regions of `group`.
    #[must_use]
    pub fn app_wide(group: ProcessGroup) -> Self {
        Self { group, region: None }
    }

    /// Whether a machine in `region` belongs to this scope, as far as the region goes.
    #[must_use]
    pub fn covers(&self, region: &Region) -> bool {
        self.region.as_ref().is_none_or(|own| own == region)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.region {
            None => write!(f, "{}", self.group),
            Some(region) => write!(f, "{}/{region}", self.group),
        }
    }
}
