//! The expressions of single regions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Look, ScopeExpressions};
use crate::model::{Kind, Kinds, Region};

/// What was configured for the regions of a process group, each of which is a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PerRegion {
    /// For each region that has none of its own (`"*"`).
    pub every: ScopeExpressions,
    /// For single regions, with those of `every` where they have none of a kind.
    pub own: BTreeMap<Region, ScopeExpressions>,
}

impl PerRegion {
    /// The expressions of `region`.
    #[must_use]
    pub fn of(&self, region: &Region) -> &ScopeExpressions {
        self.own.get(region).unwrap_or(&self.every)
    }

    /// Whether no region has any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.kinds().any()
    }

    /// The numbers that regions ask for.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        let any = |kind| self.all().any(|own| own.has(kind));
        Kinds { created: any(Kind::Created), started: any(Kind::Started) }
    }

    /// The variables that any of them reads.
    #[must_use]
    pub fn reads(&self) -> BTreeSet<Arc<str>> {
        self.all().flat_map(ScopeExpressions::reads).collect()
    }

    /// The calls of any of them that look back or ahead.
    pub fn looks(&self) -> impl Iterator<Item = &Look> {
        self.all().flat_map(ScopeExpressions::looks)
    }

    fn all(&self) -> impl Iterator<Item = &ScopeExpressions> {
        self.own.values().chain([&self.every])
    }
}
