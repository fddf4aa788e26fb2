//! The code of each reason, and what it means for its scope.

use super::{Reason, Weight};

impl Reason {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BelowMin { .. } => "below_min",
            Self::AboveMax { .. } => "above_max",
            Self::WithinBounds { .. } => "within_bounds",
            Self::NoTarget => "no_target",
            Self::ByRegion => "by_region",
            Self::StopBeforeDestroy => "stop_before_destroy",
            Self::CordonBeforeStop { .. } => "cordon_before_stop",
            Self::WaitingForCordon { .. } => "waiting_for_cordon",
            Self::CordonOver { .. } => "cordon_over",
            Self::CordonedByOthers { .. } => "cordoned_by_others",
            Self::StopMetricFailed { .. } => "stop_metric_failed",
            Self::KeepsUnmanaged { .. } => "keeps_unmanaged",
            Self::WantedAgain => "wanted_again",
            Self::WaitingForStop { .. } => "waiting_for_stop",
            Self::WithinTolerance { .. } => "within_tolerance",
            Self::Stabilized { .. } => "stabilized",
            Self::LimitedByStep { .. } => "limited_by_step",
            Self::CoolingDown { .. } => "cooling_down",
            Self::OutsideHours { .. } => "outside_hours",
            Self::LimitedByMinMachines { .. } => "limited_by_min_machines",
            Self::LimitedByMaxMachines { .. } => "limited_by_max_machines",
            Self::AlwaysRunning { .. } => "always_running",
            Self::RaisedByAppWide { .. } => "raised_by_app_wide",
            Self::LoweredByAppWide { .. } => "lowered_by_app_wide",
            Self::RegionExcluded { .. } => "region_excluded",
            Self::RegionNotListed { .. } => "region_not_listed",
            Self::RegionNotOffered { .. } => "region_not_offered",
            Self::RegionUnknown { .. } => "region_unknown",
            Self::Draining => "draining",
            Self::DrainWaits { .. } => "drain_waits",
            Self::RegionResting { .. } => "region_resting",
            Self::RegionPassedOver { .. } => "region_passed_over",
            Self::NoRegion { .. } => "no_region",
            Self::AppWideHeld => "app_wide_held",
            Self::KeepsCloneSource { .. } => "keeps_clone_source",
            Self::KeepsLastMachine => "keeps_last_machine",
            Self::NoMachines { .. } => "no_machines",
            Self::NotEnoughStopped { .. } => "not_enough_stopped",
            Self::NotEnoughStarted { .. } => "not_enough_started",
            Self::CannotSuspend { .. } => "cannot_suspend",
            Self::NotEnoughDestroyable { .. } => "not_enough_destroyable",
            Self::NotListedYet { .. } => "not_listed_yet",
            Self::DestroyBrake { .. } => "destroy_brake",
            Self::MinAboveMax { .. } => "min_above_max",
            Self::MetricFailed { .. } => "metric_failed",
            Self::ScaleDownHeld { .. } => "scale_down_held",
            Self::ExpressionFailed { .. } => "expression_failed",
            Self::NoHistory { .. } => "no_history",
            Self::FleetUnhealthy { .. } => "fleet_unhealthy",
            Self::RegionsUnread { .. } => "regions_unread",
            Self::ConfigUnread { .. } => "config_unread",
            Self::NoMachineToClone { .. } => "no_machine_to_clone",
            Self::VolumesNeeded { .. } => "volumes_needed",
            Self::CannotCloneVolumes { .. } => "cannot_clone_volumes",
            Self::VolumesUnread { .. } => "volumes_unread",
            Self::ReleaseInProgress { .. } => "release_in_progress",
            Self::ReleaseAbandoned { .. } => "release_abandoned",
            Self::ReleaseUnreadable { .. } => "release_unreadable",
            Self::LeaseHeld { .. } => "lease_held",
            Self::LeaseFailed { .. } => "lease_failed",
        }
    }

    /// What it means for the scope that it belongs to.
    #[must_use]
    pub fn weight(&self) -> Weight {
        match self {
            Self::BelowMin { .. }
            | Self::AboveMax { .. }
            | Self::WithinBounds { .. }
            | Self::NoTarget
            | Self::ByRegion
            | Self::StopBeforeDestroy
            | Self::CordonBeforeStop { .. }
            | Self::CordonOver { .. }
            | Self::CordonedByOthers { .. }
            | Self::WantedAgain
            | Self::CannotSuspend { .. }
            | Self::RegionExcluded { .. }
            | Self::RegionNotListed { .. }
            | Self::RegionNotOffered { .. }
            | Self::RegionUnknown { .. }
            | Self::Draining => Weight::Cause,
            Self::WaitingForStop { .. }
            | Self::WaitingForCordon { .. }
            | Self::StopMetricFailed { .. }
            | Self::KeepsUnmanaged { .. }
            | Self::WithinTolerance { .. }
            | Self::Stabilized { .. }
            | Self::LimitedByStep { .. }
            | Self::CoolingDown { .. }
            | Self::OutsideHours { .. }
            | Self::LimitedByMinMachines { .. }
            | Self::LimitedByMaxMachines { .. }
            | Self::AlwaysRunning { .. }
            | Self::RaisedByAppWide { .. }
            | Self::LoweredByAppWide { .. }
            | Self::DrainWaits { .. }
            | Self::RegionPassedOver { .. }
            | Self::KeepsCloneSource { .. }
            | Self::KeepsLastMachine
            | Self::NoMachines { .. }
            | Self::NotEnoughStopped { .. }
            | Self::NotEnoughStarted { .. }
            | Self::NotEnoughDestroyable { .. }
            | Self::NotListedYet { .. }
            | Self::ReleaseAbandoned { .. } => Weight::Limit,
            Self::DestroyBrake { .. }
            | Self::RegionResting { .. }
            | Self::NoRegion { .. }
            | Self::AppWideHeld
            | Self::MinAboveMax { .. }
            | Self::MetricFailed { .. }
            | Self::ScaleDownHeld { .. }
            | Self::ExpressionFailed { .. }
            | Self::NoHistory { .. }
            | Self::FleetUnhealthy { .. }
            | Self::RegionsUnread { .. }
            | Self::ConfigUnread { .. }
            | Self::NoMachineToClone { .. }
            | Self::VolumesNeeded { .. }
            | Self::CannotCloneVolumes { .. }
            | Self::VolumesUnread { .. }
            | Self::ReleaseInProgress { .. }
            | Self::ReleaseUnreadable { .. }
            | Self::LeaseHeld { .. }
            | Self::LeaseFailed { .. } => Weight::Hold,
        }
    }
}
