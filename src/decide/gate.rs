//! When nothing may be touched, or nothing created or destroyed.

use std::time::Duration;

use crate::model::{Kind, Region, ScopeBounds, Timestamp};

use super::observed::{Observed, ReleaseState};
use super::plan::{Plan, Tally};
use super::reason::Reason;
use super::targets::GroupTargets;
use super::view::View;

/// More unreachable machines than this, and a larger share than [`UNHEALTHY_PERCENT`], and a group is
/// left alone. Both numbers are those of the Kubernetes cluster-autoscaler (`ok-total-unready-count`
/// and `max-total-unready-percentage`): few machines say nothing, many say that the trouble is Fly's.
const UNHEALTHY_COUNT: u32 = 3;
/// See [`UNHEALTHY_COUNT`].
const UNHEALTHY_PERCENT: u64 = 45;

/// Why nothing may be created or destroyed in a group, if so many of its hosts do not answer.
#[must_use]
pub fn fleet_health(tally: Tally) -> Option<Reason> {
    let unhealthy = tally.unreachable;
    let of = tally.created.saturating_add(unhealthy);
    let too_many = unhealthy > UNHEALTHY_COUNT
        && u64::from(unhealthy) * 100 > u64::from(of) * UNHEALTHY_PERCENT;
    too_many.then_some(Reason::FleetUnhealthy { unhealthy, of })
}

/// Why nothing may be created or destroyed in a group, if Fly cannot list the machines of a region
/// that it has machines in or may get some in.
#[must_use]
pub fn regions_unread(
    observed: &Observed,
    view: &View<'_>,
    targets: &GroupTargets,
) -> Option<Reason> {
    let concerns = |region: &&Region| {
        targets.regions.contains(region)
            || view.machines.iter().any(|seen| seen.machine.region == **region)
    };
    let regions: Vec<Region> = observed.error_regions.iter().filter(concerns).cloned().collect();
    (!regions.is_empty()).then_some(Reason::RegionsUnread { regions })
}

/// Bounds whose lower end is above their upper end leave no number to go to.
#[must_use]
pub fn min_above_max(bounds: ScopeBounds) -> Vec<Reason> {
    [Kind::Created, Kind::Started]
        .into_iter()
        .filter_map(|kind| match (bounds.of(kind).min, bounds.of(kind).max) {
            (Some(min), Some(max)) if min > max => Some(Reason::MinAboveMax { kind, min, max }),
            _ => None,
        })
        .collect()
}

/// Holds a plan while a deploy is under way, since a deploy replaces machines by itself: what it has
/// just created must not be destroyed, nor an old version be cloned.
///
/// A release that has been `running` for longer than `timeout` is taken as abandoned: a deploy that was
/// killed leaves it so for ever (superfly/flyctl updates the status at best effort).
pub fn guard_release(
    plan: Plan,
    release: &ReleaseState,
    timeout: Duration,
    now: Timestamp,
) -> Plan {
    match release {
        ReleaseState::Ignored | ReleaseState::None => plan,
        ReleaseState::Unreadable(message) => {
            plan.held(&Reason::ReleaseUnreadable { message: message.clone() })
        }
        ReleaseState::Known(release) if release.status == "running" => match release.created_at {
            Some(since) if now.since(since) > timeout => {
                plan.noted(&Reason::ReleaseAbandoned { version: release.version, since })
            }
            since => plan.held(&Reason::ReleaseInProgress { version: release.version, since }),
        },
        ReleaseState::Known(_) => plan,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_unhealthy_above_three_machines_and_45_percent() {
        let verdict = |unreachable, created| {
            fleet_health(Tally { created, unreachable, ..Tally::default() }).is_some()
        };
        let table = [
            (0, 0, false),
            (3, 0, false),
            (4, 0, true),
            (4, 5, false),
            (4, 4, true),
            (9, 11, false),
            (10, 12, true),
            (u32::MAX, u32::MAX, true),
        ];
        for (unreachable, created, expected) in table {
            assert_eq!(verdict(unreachable, created), expected, "{unreachable} of +{created}");
        }
    }
}
