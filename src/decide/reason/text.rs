//! Each reason in a sentence.

use std::fmt;

use super::{CordonEnd, Reason};
use crate::decide::Eased;
use crate::model::{Region, Side};

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BelowMin { kind, observed, target } => {
                write!(f, "{observed} {kind}, at least {target} wanted")
            }
            Self::AboveMax { kind, observed, target } => {
                write!(f, "{observed} {kind}, at most {target} wanted")
            }
            Self::WithinBounds { kind, observed, bounds } => {
                write!(f, "{observed} {kind}, {bounds} wanted")
            }
            Self::NoTarget => f.write_str("no number of machines is asked for"),
            Self::ByRegion => f.write_str("each region has its own numbers"),
            Self::StopBeforeDestroy => {
                f.write_str("stopped first, to be destroyed in a later tick")
            }
            Self::CordonBeforeStop { seconds } => {
                write!(f, "cordoned first, to be stopped in {seconds} s if it is still to go then")
            }
            Self::WaitingForCordon { count, until } => {
                write!(f, "{count} cordoned and not stopped yet, the first at {until}")
            }
            Self::CordonOver { why } => f.write_str(match why {
                CordonEnd::Wanted => "it was cordoned to be stopped, and is wanted again",
                CordonEnd::AtRest => "it has stopped, and is to serve when it is started again",
                CordonEnd::Lifted => "its cordon is lifted, and the mark of it is left",
            }),
            Self::CordonedByOthers { count } => {
                write!(f, "{count} that run are cordoned by someone else, and stay so")
            }
            Self::StopMetricFailed { message } => {
                write!(f, "machines leave by id, not by load (stop-metric): {message}")
            }
            Self::KeepsUnmanaged { count } => write!(
                f,
                "{count} not created by the autoscaler, so not destroyed (destroy: managed)"
            ),
            Self::WantedAgain => {
                f.write_str("it was stopped only to be destroyed, and is wanted again")
            }
            Self::WaitingForStop { count } => {
                write!(f, "waiting for {count} to stop before destroying")
            }
            Self::WithinTolerance(eased) => {
                let (of, rule) = (eased.of, &eased.rule);
                write!(f, "{eased} (tolerance {rule} of {of})")
            }
            Self::Stabilized(eased) => {
                let rule = &eased.rule;
                write!(f, "{eased} ({} stabilization-window {rule}", section(eased))?;
                ending(f, eased)
            }
            Self::LimitedByStep(eased) => {
                let (of, rule) = (eased.of, &eased.rule);
                write!(f, "{eased} ({} step-size {rule}, from {of}", section(eased))?;
                ending(f, eased)
            }
            Self::CoolingDown(eased) => {
                let rule = &eased.rule;
                write!(f, "{eased} ({} cooldown {rule}", section(eased))?;
                ending(f, eased)
            }
            Self::OutsideHours(eased) => {
                let rule = &eased.rule;
                write!(f, "{eased} ({} only-during {rule}", section(eased))?;
                ending(f, eased)
            }
            Self::LimitedByMinMachines { kind, side, wanted, limit } => {
                write!(f, "{side} {kind} raised from {wanted} to {limit} (min-machines)")
            }
            Self::LimitedByMaxMachines { kind, side, wanted, limit } => {
                write!(f, "{side} {kind} lowered from {wanted} to {limit} (max-machines)")
            }
            Self::AlwaysRunning { kind, side, wanted: Some(wanted), limit } => {
                write!(f, "{side} {kind} raised from {wanted} to {limit} (always-running-regions)")
            }
            Self::AlwaysRunning { kind, side, wanted: None, limit } => {
                write!(f, "{side} {kind} is {limit} (always-running-regions)")
            }
            Self::RaisedByAppWide { kind, side, wanted, limit, app_wide } => write!(
                f,
                "{side} {kind} raised from {wanted} to {limit}: total at least {app_wide}"
            ),
            Self::LoweredByAppWide { kind, side, wanted, limit, app_wide } => write!(
                f,
                "{side} {kind} lowered from {wanted} to {limit}: total at most {app_wide}"
            ),
            // Tables cut these short: where the traffic goes has to stand in the first 40 characters.
            Self::RegionExcluded { nearest: None } => f.write_str("excluded (excluded-regions)"),
            Self::RegionExcluded { nearest: Some(nearest) } => counted_in(f, "excluded", nearest),
            Self::RegionNotListed { nearest: None } => f.write_str("not one of `regions`"),
            Self::RegionNotListed { nearest: Some(nearest) } => counted_in(f, "unlisted", nearest),
            Self::RegionNotOffered { nearest: None } => f.write_str("Fly offers no machines there"),
            Self::RegionNotOffered { nearest: Some(nearest) } => {
                counted_in(f, "not offered", nearest)
            }
            Self::RegionUnknown { meant } => {
                f.write_str("no region of Fly's")?;
                meant.as_ref().map_or(Ok(()), |meant| write!(f, " (is `{meant}` meant?)"))?;
                f.write_str(": its traffic is in no region's number")
            }
            Self::Draining => f.write_str("excluded: its machines go, as others stand in for them"),
            Self::DrainWaits { lacking: Some(lacking) } => {
                write!(f, "{lacking} stay until machines in other regions stand in for them")
            }
            Self::DrainWaits { lacking: None } => {
                f.write_str("its machines stay: what is wanted elsewhere is not known")
            }
            Self::RegionResting { region, answer, until } => {
                write!(f, "Fly had no room in {region} ({answer}); it is tried again at {until}")
            }
            Self::RegionPassedOver { region, answer, until } => write!(
                f,
                "Fly had no room in {region} ({answer}); other regions are tried until {until}"
            ),
            Self::NoRegion { detail } => {
                write!(f, "no region is left to create a machine in: {detail}")
            }
            Self::AppWideHeld => {
                f.write_str("app-wide numbers could not be evaluated, so no region is scaled")
            }
            Self::KeepsCloneSource { source } => {
                write!(f, "machine {source} is cloned in this tick, and destroyed in a later one")
            }
            Self::KeepsLastMachine => f.write_str(
                "the last machine that can be cloned is kept: scaling up starts from it",
            ),
            Self::NoMachines { detail } => f.write_str(detail),
            Self::NotEnoughStopped { wanted, available } => write!(
                f,
                "{wanted} to start but only {available} stopped or suspended; set a created count to get more"
            ),
            Self::NotEnoughStarted { wanted, available } => {
                write!(f, "{wanted} to stop but only {available} fully started so far")
            }
            Self::CannotSuspend { count, why } => {
                write!(f, "{count} stopped, not suspended")?;
                let mut sign = ':';
                for (obstacle, count) in why {
                    write!(f, "{sign} {count} {obstacle}")?;
                    sign = ',';
                }
                Ok(())
            }
            Self::NotEnoughDestroyable { wanted, available } => write!(
                f,
                "{wanted} to destroy but only {available} in a state in which they may be"
            ),
            Self::NotListedYet { kind, count } => {
                write!(f, "{count} {kind} that the list does not show yet; none goes until it does")
            }
            Self::DestroyBrake { destroys, of, wish, needed } => write!(
                f,
                "destroying {destroys} of {of} at once takes the same wish in {needed} ticks in a row; this is number {wish}"
            ),
            Self::MinAboveMax { kind, min, max } => {
                write!(f, "min {kind} is {min}, above max {kind} {max}")
            }
            Self::MetricFailed { metric, message } => write!(f, "metric {metric}: {message}"),
            Self::ScaleDownHeld { metric, since, until, message } => write!(
                f,
                "scaling down is held: metric {metric} fails since {since}, its last value is used until {until}: {message}"
            ),
            Self::ExpressionFailed { kind, side, message } => {
                write!(f, "{side} {kind} machine count: {message}")
            }
            Self::NoHistory { call, message } => write!(f, "{call} has no value: {message}"),
            Self::FleetUnhealthy { unhealthy, of } => write!(
                f,
                "{unhealthy} of {of} machines are on hosts that do not answer: nothing is created or destroyed"
            ),
            Self::RegionsUnread { regions } => write!(
                f,
                "Fly cannot list the machines in {} at the moment: nothing is created or destroyed",
                regions.iter().map(Region::as_str).collect::<Vec<_>>().join(", ")
            ),
            Self::ConfigUnread { source } => {
                write!(f, "machine {source}, which is to be cloned, has to be read first")
            }
            Self::NoMachineToClone { detail } => {
                write!(f, "no machine available to clone for scale up: {detail}")
            }
            Self::VolumesNeeded { source, volume, regions } => {
                let regions: Vec<&str> = regions.iter().map(Region::as_str).collect();
                write!(
                    f,
                    "a clone of machine {source} needs a volume {volume}, and none is unattached in {}; make one (fly volumes create {volume} -r {}), or set volumes: create (FAS_VOLUMES)",
                    regions.join(", "),
                    regions.first().unwrap_or(&"REGION")
                )
            }
            Self::CannotCloneVolumes { source, volumes } => write!(
                f,
                "machine {source} mounts {}; only a machine with one volume, whose name is known, can be cloned",
                volumes.join(", ")
            ),
            Self::VolumesUnread { source, message } => {
                write!(f, "machine {source} mounts a volume, and the app's volumes ")?;
                match message {
                    Some(message) => write!(f, "could not be read: {message}"),
                    None => f.write_str("were not read"),
                }
            }
            Self::ReleaseInProgress { version, since } => {
                write!(f, "release v{version} is being deployed")?;
                since.map_or(Ok(()), |since| write!(f, " since {since}"))
            }
            Self::ReleaseAbandoned { version, since } => {
                write!(f, "release v{version} says `running` since {since}: taken as abandoned")
            }
            Self::ReleaseUnreadable { message } => {
                write!(f, "cannot tell whether a deploy is under way: {message}")
            }
            Self::LeaseHeld { message } => {
                write!(f, "another scaler holds the lease: {message}")
            }
            Self::LeaseFailed { message } => write!(f, "the lease could not be taken: {message}"),
        }
    }
}

/// Why a region is not scaled, and whose number its traffic counts to.
fn counted_in(f: &mut fmt::Formatter<'_>, why: &str, nearest: &Region) -> fmt::Result {
    write!(f, "{why}; counts to {nearest}, the nearest")
}

/// Where the rule is set.
fn section(eased: &Eased) -> &'static str {
    if eased.side == Side::Min { "scale-up" } else { "scale-down" }
}

fn ending(f: &mut fmt::Formatter<'_>, eased: &Eased) -> fmt::Result {
    match eased.until {
        Some(until) => write!(f, "); more from {until}"),
        None => f.write_str(")"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    #[test]
    fn what_a_region_s_reason_turns_on_stands_in_its_first_forty_characters() {
        let nearest = || Some(Region::new("iad"));
        let (kind, side, wanted, limit, app_wide) = (Kind::Started, Side::Max, 12, 10, 22);
        for (reason, word) in [
            (Reason::RegionExcluded { nearest: None }, "excluded"),
            (Reason::RegionExcluded { nearest: nearest() }, "excluded; counts to iad"),
            (Reason::RegionNotListed { nearest: nearest() }, "unlisted; counts to iad"),
            (Reason::RegionNotOffered { nearest: nearest() }, "counts to iad"),
            (Reason::RegionUnknown { meant: nearest() }, "no region of Fly's (is `iad` meant?)"),
            (Reason::RaisedByAppWide { kind, side, wanted, limit, app_wide }, "total"),
            (Reason::LoweredByAppWide { kind, side, wanted, limit, app_wide }, "total"),
            (Reason::AppWideHeld, "could not be evaluated"),
            (Reason::DrainWaits { lacking: Some(3) }, "until machines in other regions"),
        ] {
            let text = reason.to_string();
            let start: String = text.chars().take(40).collect();
            assert!(start.contains(word), "{text}");
        }
    }
}
