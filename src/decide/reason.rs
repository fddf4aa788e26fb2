//! Why something is done, or not: one closed list, with a code and a sentence each.

mod code;
mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::damp::Eased;
use crate::model::{Bounds, Kind, MachineId, MetricName, Region, Side, SuspendObstacle, Timestamp};

/// Why. Codes are stable: they are labels of metrics and keys of the JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Fewer machines than wanted: create or start.
    BelowMin {
        /// Of which number.
        kind: Kind,
        /// How many there are.
        observed: u32,
        /// How many there should be at least.
        target: u32,
    },
    /// More machines than wanted: destroy or stop.
    AboveMax {
        /// Of which number.
        kind: Kind,
        /// How many there are.
        observed: u32,
        /// How many there should be at most.
        target: u32,
    },
    /// As wanted: nothing to do.
    WithinBounds {
        /// Of which number.
        kind: Kind,
        /// How many there are.
        observed: u32,
        /// What is wanted.
        bounds: Bounds,
    },
    /// No expression asks for a number here.
    NoTarget,
    /// Each region has numbers of its own, and all of them together have no bounds.
    ByRegion,
    /// A machine that runs is stopped now and destroyed in a later tick.
    StopBeforeDestroy,
    /// A machine is taken out of the proxy's rotation now and stopped in a later tick.
    CordonBeforeStop {
        /// For how long it is cordoned, in seconds.
        seconds: u64,
    },
    /// Machines that are to be stopped have not been cordoned for long enough.
    WaitingForCordon {
        /// How many.
        count: u32,
        /// When the first of them is stopped.
        until: Timestamp,
    },
    /// A machine that we have cordoned is put back into the proxy's rotation.
    CordonOver {
        /// Why.
        why: CordonEnd,
    },
    /// Machines that run are cordoned by someone else.
    CordonedByOthers {
        /// How many.
        count: u32,
    },
    /// In which order machines leave could not be asked for, so that they leave by id.
    StopMetricFailed {
        /// What went wrong.
        message: String,
    },
    /// Machines that no autoscaler has created are not destroyed.
    KeepsUnmanaged {
        /// How many were passed over.
        count: u32,
    },
    /// A machine that was stopped only to be destroyed is wanted again.
    WantedAgain,
    /// Machines to be destroyed are still on their way to `stopped`.
    WaitingForStop {
        /// How many.
        count: u32,
    },
    /// The target is so near to what is there that nothing is done.
    WithinTolerance(Eased),
    /// Not so much was wanted for all of the stabilization window.
    Stabilized(Eased),
    /// One step goes no further.
    LimitedByStep(Eased),
    /// The last change is not long enough ago.
    CoolingDown(Eased),
    /// It is not the time for changes.
    OutsideHours(Eased),
    /// The expressions wanted fewer than `min-machines`.
    LimitedByMinMachines {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What the expression gave.
        wanted: u32,
        /// What it was raised to.
        limit: u32,
    },
    /// The expressions wanted more than `max-machines` allows.
    LimitedByMaxMachines {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What the expression gave.
        wanted: u32,
        /// What it was lowered to: `max-machines`, less the machines on hosts that do not answer.
        limit: u32,
    },
    /// A region in which a machine is to run at all times would have had fewer.
    AlwaysRunning {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What the expression gave; `None`: there is none.
        wanted: Option<u32>,
        /// What it was raised to.
        limit: u32,
    },
    /// The regions together would have had fewer machines than the bounds over all of them allow.
    RaisedByAppWide {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What the region's expression gave.
        wanted: u32,
        /// What it was raised to.
        limit: u32,
        /// The least that all regions together should have.
        app_wide: u32,
    },
    /// The regions together would have had more machines than the bounds over all of them allow.
    LoweredByAppWide {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What the region's expression gave.
        wanted: u32,
        /// What it was lowered to.
        limit: u32,
        /// The most that all regions together should have.
        app_wide: u32,
    },
    /// The region is excluded: it gets no machine.
    RegionExcluded {
        /// Whose number its traffic counts to, with `unlisted-regions: nearest`.
        #[serde(skip_serializing_if = "Option::is_none")]
        nearest: Option<Region>,
    },
    /// The region is not among those that are scaled.
    RegionNotListed {
        /// Whose number its traffic counts to, with `unlisted-regions: nearest`.
        #[serde(skip_serializing_if = "Option::is_none")]
        nearest: Option<Region>,
    },
    /// Fly offers no machines in the region.
    RegionNotOffered {
        /// Whose number its traffic counts to, with `unlisted-regions: nearest`.
        #[serde(skip_serializing_if = "Option::is_none")]
        nearest: Option<Region>,
    },
    /// A label `region` that is no region of Fly's.
    RegionUnknown {
        /// The region that was probably meant.
        #[serde(skip_serializing_if = "Option::is_none")]
        meant: Option<Region>,
    },
    /// The machines of an excluded region go.
    Draining,
    /// The machines of an excluded region stay until others stand in for them.
    DrainWaits {
        /// How many machines stay; `None`: what is wanted elsewhere is not known.
        lacking: Option<u32>,
    },
    /// Fly had no room in the region, which is left alone for a while.
    RegionResting {
        /// The region.
        region: Region,
        /// What Fly answered.
        answer: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// Fly had no room in a region, so that machines are created in others for a while.
    RegionPassedOver {
        /// The region.
        region: Region,
        /// What Fly answered.
        answer: String,
        /// When it is tried again.
        until: Timestamp,
    },
    /// No region is left in which a machine may be created.
    NoRegion {
        /// Those that were looked at, and what to do.
        detail: String,
    },
    /// The bounds over all regions could not be evaluated, so no region is scaled.
    AppWideHeld,
    /// A machine that is cloned in this tick is destroyed in a later one.
    KeepsCloneSource {
        /// The machine.
        source: MachineId,
    },
    /// The last machine that can be cloned is kept, or there would be nothing to scale up from.
    KeepsLastMachine,
    /// The process group has no machine at all.
    NoMachines {
        /// What was looked at, and what to do.
        detail: String,
    },
    /// Fewer machines are stopped or suspended than should be started.
    NotEnoughStopped {
        /// How many should be started.
        wanted: u32,
        /// How many can be.
        available: u32,
    },
    /// Fewer machines are fully started than should be stopped; the rest are on their way up.
    NotEnoughStarted {
        /// How many should be stopped.
        wanted: u32,
        /// How many can be.
        available: u32,
    },
    /// Machines are stopped where they should be suspended.
    CannotSuspend {
        /// How many.
        count: u32,
        /// What stands in the way, of how many each.
        why: BTreeMap<SuspendObstacle, u32>,
    },
    /// Fewer machines may be destroyed now than should be.
    NotEnoughDestroyable {
        /// How many should be destroyed.
        wanted: u32,
        /// How many can be.
        available: u32,
    },
    /// There are more machines than wanted only with those that we created and the list does not show.
    NotListedYet {
        /// Of which number.
        kind: Kind,
        /// How many it does not show.
        count: u32,
    },
    /// A large destroy waits until it was wished for in several ticks in a row.
    DestroyBrake {
        /// How many would go.
        destroys: u32,
        /// Of how many.
        of: u32,
        /// The number of ticks in a row, this one included.
        wish: u32,
        /// How many it takes.
        needed: u32,
    },
    /// min is above max, so there is no number to go to.
    MinAboveMax {
        /// Of which number.
        kind: Kind,
        /// The lower end.
        min: u32,
        /// The upper end.
        max: u32,
    },
    /// A metric has no usable value.
    MetricFailed {
        /// Which.
        metric: MetricName,
        /// What went wrong.
        message: String,
    },
    /// A last value stands in for a metric that fails, and nothing is scaled down meanwhile.
    ScaleDownHeld {
        /// Which.
        metric: MetricName,
        /// Since when it fails.
        since: Timestamp,
        /// Until when its last value is used; then the scope is held.
        until: Timestamp,
        /// What went wrong.
        message: String,
    },
    /// An expression has no usable result.
    ExpressionFailed {
        /// Of which number.
        kind: Kind,
        /// Of which end.
        side: Side,
        /// What went wrong.
        message: String,
    },
    /// A function that looks back or ahead has nothing to give yet.
    NoHistory {
        /// The call.
        call: String,
        /// What is missing, and when it will be there.
        message: String,
    },
    /// Too many machines are on hosts that do not answer to create or destroy any.
    FleetUnhealthy {
        /// How many.
        unhealthy: u32,
        /// Of how many.
        of: u32,
    },
    /// Fly's list of the organization's machines lacks those of regions that matter here.
    RegionsUnread {
        /// The regions.
        regions: Vec<Region>,
    },
    /// The machine to clone is known only as far as judging takes.
    ConfigUnread {
        /// The machine.
        source: MachineId,
    },
    /// There is no machine that a new one could be cloned from.
    NoMachineToClone {
        /// What was looked at, and what to do.
        detail: String,
    },
    /// The machine to clone mounts a volume, and none of that name is free for a clone.
    VolumesNeeded {
        /// The machine to clone.
        source: MachineId,
        /// The name of its volume.
        volume: String,
        /// The regions that were looked at.
        regions: Vec<Region>,
    },
    /// The machine to clone mounts several volumes, or one whose name is not known.
    CannotCloneVolumes {
        /// The machine to clone.
        source: MachineId,
        /// What is known of its volumes: their names, or else their ids.
        volumes: Vec<String>,
    },
    /// The machine to clone mounts a volume, and the app's volumes are not known.
    VolumesUnread {
        /// The machine to clone.
        source: MachineId,
        /// Why they could not be read; `None`: they were not asked for yet.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A deploy is under way.
    ReleaseInProgress {
        /// The release.
        version: u64,
        /// When it began, if known.
        since: Option<Timestamp>,
    },
    /// A release has been `running` for so long that its deploy is taken as abandoned.
    ReleaseAbandoned {
        /// The release.
        version: u64,
        /// When it began.
        since: Timestamp,
    },
    /// Whether a deploy is under way could not be read.
    ReleaseUnreadable {
        /// What went wrong.
        message: String,
    },
    /// Another scaler is creating or destroying machines of this group right now.
    LeaseHeld {
        /// What Fly said.
        message: String,
    },
    /// The lease could not be taken for another reason than that someone holds it.
    LeaseFailed {
        /// What went wrong.
        message: String,
    },
}

/// Why a cordon of ours ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CordonEnd {
    /// The machine is not to be stopped any more.
    Wanted,
    /// It has stopped: whoever starts it is to get one that serves.
    AtRest,
    /// It is back in rotation already, and only the mark is left.
    Lifted,
}

/// What a reason means for the scope that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Explains an action, or that none is needed.
    Cause,
    /// Changed a number on the way.
    Limit,
    /// Kept something from being done.
    Hold,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_what_the_json_says() {
        let reasons = [
            Reason::KeepsLastMachine,
            Reason::StopBeforeDestroy,
            Reason::BelowMin { kind: Kind::Started, observed: 1, target: 2 },
            Reason::LimitedByMaxMachines {
                kind: Kind::Created,
                side: Side::Max,
                wanted: 9,
                limit: 4,
            },
            Reason::LeaseHeld { message: "x".into() },
            Reason::CannotSuspend { count: 1, why: [(SuspendObstacle::Swap, 1)].into() },
        ];
        for reason in reasons {
            let json = serde_json::to_value(&reason).expect("a reason serializes");
            assert_eq!(json["code"], reason.code());
        }
    }
}
