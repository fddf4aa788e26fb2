//! What is wanted: this tick's bounds and the policy around them.

use std::sync::Arc;

use crate::model::{ProcessGroup, Region, ScopeBounds};

use super::reason::Reason;

/// What is wanted of one app in one tick.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    /// One entry for each process group that is scaled.
    pub groups: Vec<GroupTargets>,
}

/// What is wanted of one process group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupTargets {
    /// The group.
    pub group: ProcessGroup,
    /// The rules around the numbers.
    pub policy: Arc<Policy>,
    /// The bounds over all regions together.
    pub app_wide: Wanted,
}

/// What the expressions of a scope gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Numbers.
    Bounds(ScopeBounds),
    /// No numbers, so nothing may be scaled, and why.
    Hold(Vec<Reason>),
}

/// Which of the machines that run are stopped first, and destroyed first among those in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StopOrder {
    /// By id, as the Go autoscaler does.
    #[default]
    Id,
    /// The one created last.
    Newest,
    /// The one created first.
    Oldest,
}

/// How a process group is to be scaled. Comes from the configuration and does not change between ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Regions for new machines, in order of preference; empty: the region of the machine cloned.
    pub regions: Vec<Region>,
    /// Whether new machines run at once.
    pub launch_created: bool,
    /// Limits on the total of each target that is defined, applied last.
    pub min_machines: u32,
    /// See `min_machines`.
    pub max_machines: u32,
    /// Large destroys need the same wish in three ticks.
    pub destroy_brake: bool,
    /// Destroy machines that run without stopping them first.
    pub destroy_force: bool,
    /// Suspend the machines that should not run, where Fly can, instead of stopping them.
    pub suspend: bool,
    /// Which machines are stopped and destroyed first.
    pub stop_order: StopOrder,
    /// Make a volume for a new machine that needs one where none is free.
    pub create_volumes: bool,
}

impl Default for Policy {
    /// The documented defaults of the configuration.
    fn default() -> Self {
        Self {
            regions: Vec::new(),
            launch_created: true,
            min_machines: 0,
            max_machines: 1000,
            destroy_brake: true,
            destroy_force: false,
            suspend: false,
            stop_order: StopOrder::default(),
            create_volumes: false,
        }
    }
}
