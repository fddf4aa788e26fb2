//! What a reconciler is made of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::decide::Policy;
use crate::evaluate::{Look, PerRegion, ScopeExpressions};
use crate::model::{MachineId, ProcessGroup};
use crate::ports::{Clock, LoadSource, MachinesApi, StateStore};
use crate::telemetry::Metrics;

/// How one process group is scaled.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group.
    pub group: ProcessGroup,
    /// What gives the numbers over all regions together.
    pub expressions: ScopeExpressions,
    /// What gives the numbers of single regions.
    pub per_region: PerRegion,
    /// The rules around them.
    pub policy: Arc<Policy>,
    /// What a forecast must be worth to be relied on; else the last value is used.
    pub forecast_min_skill: Option<f64>,
}

impl Group {
    /// The calls of all its expressions that look back or ahead.
    pub(super) fn looks(&self) -> impl Iterator<Item = &Look> {
        self.expressions.looks().into_iter().chain(self.per_region.looks())
    }
}

/// How ticks are run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a tick may take. Actions under way are awaited beyond it; none begins.
    pub timeout: Duration,
    /// Whether a deploy that is under way holds the tick.
    pub release_guard: bool,
    /// When a deploy that is under way counts as abandoned.
    pub release_timeout: Duration,
    /// How many actions may be under way at once.
    pub action_concurrency: usize,
    /// Show what would be done, and do nothing.
    pub dry_run: bool,
    /// The machine that this process runs on.
    pub own_machine: Option<MachineId>,
}

/// How far apart ticks are unless something else is said: the default of `interval`.
pub(super) const INTERVAL: Duration = Duration::from_secs(15);

/// What a reconciler works with.
#[derive(Clone)]
pub struct Adapters {
    /// Fly.
    pub api: Arc<dyn MachinesApi>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where histories are kept.
    pub store: Arc<dyn StateStore>,
    /// Where it is counted what happens.
    pub metrics: Arc<Metrics>,
}

/// What tells the load of a group's machines, for each group in which they leave in that order. The
/// reconcilers of many apps share it.
pub type StopMetrics = Arc<BTreeMap<ProcessGroup, Arc<dyn LoadSource>>>;
