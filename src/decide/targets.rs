//! What is wanted: this tick's bounds and the policy around them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Kinds, ProcessGroup, Region, RegionList, ScopeBounds};

use super::damp::{Damping, RegionDamping};
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
    /// The regions that new machines may go to, in order of preference; none: that of the machine
    /// cloned. See [`scaled_regions`](super::regions::scaled_regions).
    pub regions: Vec<Region>,
    /// Those of them in which no machine is created.
    pub closed: Vec<Region>,
    /// The bounds over all regions together.
    pub app_wide: Wanted,
    /// The bounds of single regions, in the order of `regions`; none where there are no expressions for
    /// regions.
    pub by_region: Vec<RegionTargets>,
    /// The numbers that the expressions of regions are about, whether they could be evaluated or not: what
    /// they decide, the bounds over all regions only limit.
    pub regional: Kinds,
    /// Regions with traffic or machines that are not scaled, each with why.
    pub skipped: Vec<(Region, Reason)>,
}

impl GroupTargets {
    /// Targets over all regions together, and none for a single one.
    #[must_use]
    pub fn app_wide(group: ProcessGroup, policy: Arc<Policy>, app_wide: Wanted) -> Self {
        let regions = policy.regions.listed().to_vec();
        Self {
            group,
            policy,
            regions,
            closed: Vec::new(),
            app_wide,
            by_region: Vec::new(),
            regional: Kinds::default(),
            skipped: Vec::new(),
        }
    }
}

/// What is wanted of one process group in one region.
#[derive(Debug, Clone, PartialEq)]
pub struct RegionTargets {
    /// The region.
    pub region: Region,
    /// What its expressions gave.
    pub wanted: Wanted,
}

/// What the expressions of a scope gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Numbers.
    Bounds(ScopeBounds),
    /// Numbers by which nothing may be scaled down, and why.
    GrowOnly(ScopeBounds, Vec<Reason>),
    /// No numbers, so nothing may be scaled, and why.
    Hold(Vec<Reason>),
}

/// Which of the machines that run are stopped first, and destroyed first among those in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopOrder {
    /// By id, as the Go autoscaler does.
    #[default]
    Id,
    /// The one created last.
    Newest,
    /// The one created first.
    Oldest,
    /// The one that has least to do, as [`Observed::loads`](super::Observed::loads) says; one of which that
    /// is not known goes last.
    LeastLoaded,
}

/// The least and the most machines of a region, whatever its expressions say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// No target of the region is lower.
    pub min_machines: u32,
    /// No target of the region is higher.
    pub max_machines: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { min_machines: 0, max_machines: u32::MAX }
    }
}

/// The limits of each region.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionLimits {
    /// Those of a region that has none of its own.
    pub every: Limits,
    /// Those of single regions.
    pub own: BTreeMap<Region, Limits>,
}

impl RegionLimits {
    /// The limits of `region`.
    #[must_use]
    pub fn of(&self, region: &Region) -> Limits {
        self.own.get(region).copied().unwrap_or(self.every)
    }
}

/// What becomes of the traffic of regions that are not scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unlisted {
    /// It is in no region's number.
    #[default]
    Ignore,
    /// It is added to that of the nearest region that is scaled.
    Nearest,
}

/// How a process group is to be scaled. Comes from the configuration and does not change between ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The regions that are scaled, and where new machines go.
    pub regions: RegionList,
    /// Regions that never get a machine.
    pub excluded_regions: Vec<Region>,
    /// Take the machines in excluded regions away, once others stand in for them.
    pub drain_excluded: bool,
    /// Regions in which a machine runs at all times.
    pub always_running: Vec<Region>,
    /// How long a region in which Fly has no room is left alone.
    pub region_backoff: Duration,
    /// Limits on the targets of single regions.
    pub region_limits: RegionLimits,
    /// What becomes of the traffic of regions that are not scaled.
    pub unlisted: Unlisted,
    /// What slows the way to the targets over all regions, and in regions that have no rules of their own.
    pub damping: Damping,
    /// What slows the way to the targets of single regions.
    pub region_damping: RegionDamping,
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
    /// How long a machine is out of the proxy's rotation before it is stopped; `None`: it is stopped at once.
    pub cordon_before_stop: Option<Duration>,
    /// Destroy only machines that an autoscaler has created.
    pub destroy_managed: bool,
    /// Make a volume for a new machine that needs one where none is free.
    pub create_volumes: bool,
}

impl Default for Policy {
    /// The documented defaults of the configuration.
    fn default() -> Self {
        Self {
            regions: RegionList::default(),
            excluded_regions: Vec::new(),
            drain_excluded: false,
            always_running: Vec::new(),
            region_backoff: Duration::from_secs(300),
            region_limits: RegionLimits::default(),
            unlisted: Unlisted::default(),
            damping: Damping::default(),
            region_damping: RegionDamping::default(),
            launch_created: true,
            min_machines: 0,
            max_machines: 1000,
            destroy_brake: true,
            destroy_force: false,
            suspend: false,
            stop_order: StopOrder::default(),
            cordon_before_stop: None,
            destroy_managed: false,
            create_volumes: false,
        }
    }
}
