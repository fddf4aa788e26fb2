//! Advice: what was seen at the machines that works against the configuration. It changes no decision.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Bounds, Kind, Machine, ProcessGroup, Timestamp};

use super::history::History;
use super::observed::Observed;
use super::targets::{GroupTargets, Targets, Wanted};

/// For how long a machine that another scaler made tells that this one is at work.
const RECENT: Duration = Duration::from_secs(3600);

/// What works against the configuration, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Advice {
    /// Fly Proxy stops machines that the expressions want to run.
    ProxyStops {
        /// The process group.
        group: ProcessGroup,
    },
    /// Fly Proxy starts machines that the expressions want stopped.
    ProxyStarts {
        /// The process group.
        group: ProcessGroup,
    },
    /// Machines are stopped, or destroyed, soon after others were started, again and again.
    StopsTooSoon {
        /// The process group.
        group: ProcessGroup,
    },
    /// Another scaler creates machines of this app.
    TwoScalers {
        /// What it puts before the ids of its creates.
        scaler: String,
    },
}

impl Advice {
    /// The stable code, as the JSON has it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ProxyStops { .. } => "proxy_stops",
            Self::ProxyStarts { .. } => "proxy_starts",
            Self::StopsTooSoon { .. } => "stops_too_soon",
            Self::TwoScalers { .. } => "two_scalers",
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ProxyStops { group } => write!(
                f,
                "Fly Proxy stops machines of process group {group} when they have little to do, and the started count starts them again: set auto_stop_machines = \"off\" for its services, or scale by created counts alone"
            ),
            Self::ProxyStarts { group } => write!(
                f,
                "Fly Proxy starts machines of process group {group} for requests, and the started count stops them again: set auto_start_machines = false for its services, or scale by created counts alone"
            ),
            Self::StopsTooSoon { group } => write!(
                f,
                "machines of process group {group} go within two minutes of others being started, three times in half an hour by now: they are paid for while they boot and gone before they serve; set scale-down: stabilization-window (FAS_SCALE_DOWN_STABILIZATION_WINDOW=10m)"
            ),
            Self::TwoScalers { scaler } => write!(
                f,
                "another autoscaler ({scaler}) creates machines of this app too: end one of the two, or let them scale different apps or process groups"
            ),
        }
    }
}

/// What is to be said about the machines as they are.
#[must_use]
pub fn advice(
    observed: &Observed,
    targets: &Targets,
    history: &History,
    now: Timestamp,
) -> Vec<Advice> {
    let mut advice = BTreeSet::new();
    for targets in &targets.groups {
        advice.extend(of_proxy(observed, targets));
    }
    let own = history.scaler.as_ref();
    let began = began(own).unwrap_or(now);
    let created = observed.machines.iter().filter_map(|machine| machine.facts.create_id.as_deref());
    for (scaler, at) in created.filter_map(maker) {
        if scaler != own && at > began && at.is_within(RECENT, now) {
            advice.insert(Advice::TwoScalers { scaler: scaler.to_owned() });
        }
    }
    advice.into_iter().collect()
}

/// Whether the proxy and a started count of the group work against each other.
fn of_proxy(observed: &Observed, targets: &GroupTargets) -> Vec<Advice> {
    let of_regions = targets.by_region.iter().map(|own| &own.wanted);
    let started: Vec<Bounds> = of_regions
        .chain([&targets.app_wide])
        .filter_map(|wanted| match wanted {
            Wanted::Bounds(bounds) | Wanted::GrowOnly(bounds, _) => Some(bounds.of(Kind::Started)),
            Wanted::Hold(_) => None,
        })
        .collect();
    let is_own = |own: &&Machine| {
        let facts = &own.facts;
        facts.group.as_ref() == Some(&targets.group) && !facts.is_standby && !facts.is_scheduled
    };
    let machines: Vec<&Machine> = observed.machines.iter().filter(is_own).collect();
    let group = || targets.group.clone();
    let are_to_run = started.iter().any(|own| own.min.is_some_and(|min| min > 0));
    let are_to_rest =
        started.iter().any(|own| own.max.is_some_and(|max| (max as usize) < machines.len()));
    let stops = are_to_run && machines.iter().any(|own| own.facts.proxy_stops);
    let starts = are_to_rest && machines.iter().any(|own| own.facts.proxy_starts);
    let stops = stops.then(|| Advice::ProxyStops { group: group() });
    let starts = starts.then(|| Advice::ProxyStarts { group: group() });
    stops.into_iter().chain(starts).collect()
}

/// When a scaler began, which is what its id ends in.
fn began(scaler: &str) -> Option<Timestamp> {
    millis(scaler.rsplit_once('-')?.1)
}

/// Which scaler made a create id, and when.
fn maker(create_id: &str) -> Option<(&str, Timestamp)> {
    let (rest, _count) = create_id.rsplit_once('-')?;
    let (scaler, at) = rest.rsplit_once('-')?;
    began(scaler)?;
    Some((scaler, millis(at)?))
}

fn millis(hex: &str) -> Option<Timestamp> {
    i64::from_str_radix(hex, 16).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::decide::Policy;
    use crate::model::{HostStatus, MachineFacts, MachineId, MachineState, Region, ScopeBounds};

    const NOW: Timestamp = Timestamp::from_millis(0x19a_0000_0000);

    fn machine(facts: MachineFacts) -> Machine {
        let facts = MachineFacts { group: Some(ProcessGroup::new("app")), ..facts };
        Machine {
            id: MachineId::new("m"),
            state: MachineState::Started,
            region: Region::new("iad"),
            host_status: HostStatus::Ok,
            is_cordoned: false,
            created_at: None,
            image: None,
            facts,
            config: None,
        }
    }

    fn codes(machines: Vec<Machine>, started: Bounds) -> String {
        let wanted = Wanted::Bounds(ScopeBounds { started, ..ScopeBounds::default() });
        let policy = Arc::new(Policy::default());
        let group = GroupTargets::app_wide(ProcessGroup::new("app"), policy, wanted);
        let observed = Observed { machines, ..Observed::default() };
        let history = History::new(format!("m1-{:x}", NOW.minus(RECENT * 2).as_millis()));
        let advice = advice(&observed, &Targets { groups: vec![group] }, &history, NOW);
        for own in &advice {
            let json = serde_json::to_value(own).expect("advice serializes");
            assert_eq!(json["code"], own.code());
        }
        advice.iter().map(Advice::code).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_started_count_against_the_proxy() {
        let proxied = |proxy_stops, proxy_starts| {
            machine(MachineFacts { proxy_stops, proxy_starts, ..MachineFacts::default() })
        };
        let standby = |own: Machine| Machine {
            facts: MachineFacts { is_standby: true, ..own.facts.clone() },
            ..own
        };
        let between = |min, max| Bounds { min: Some(min), max: Some(max) };
        for (machines, started, said) in [
            (vec![proxied(true, true)], Bounds::default(), ""),
            (vec![proxied(false, false), proxied(false, false)], Bounds::exactly(1), ""),
            (vec![proxied(true, false), proxied(true, false)], Bounds::exactly(1), "proxy_stops"),
            (vec![proxied(false, true), proxied(false, true)], Bounds::exactly(1), "proxy_starts"),
            (
                vec![proxied(true, true), proxied(false, false)],
                Bounds::exactly(1),
                "proxy_stops proxy_starts",
            ),
            // The proxy alone decides between none and all.
            (vec![proxied(true, true), proxied(true, true)], between(0, 2), ""),
            (vec![standby(proxied(true, true)), proxied(false, false)], Bounds::exactly(1), ""),
        ] {
            assert_eq!(codes(machines.clone(), started), said, "{machines:?} {started}");
        }
    }

    #[test]
    fn another_scaler_shows_by_what_it_creates() {
        let made = |scaler: &str, began: Timestamp, at: Timestamp| {
            let id = format!("{scaler}-{:x}-{:x}-1", began.as_millis(), at.as_millis());
            machine(MachineFacts { create_id: Some(Arc::from(id)), ..MachineFacts::default() })
        };
        let ago = |hours: f64| NOW.minus(RECENT.mul_f64(hours));
        let odd =
            machine(MachineFacts { create_id: Some(Arc::from("x")), ..MachineFacts::default() });
        for (own, said) in [
            (made("m1", ago(2.0), ago(0.5)), ""),
            (made("m2", ago(3.0), ago(0.5)), "two_scalers"),
            // The same machine, after a restart of ours: it was the one before.
            (made("m1", ago(9.0), ago(2.5)), ""),
            // It may have ended since.
            (made("m2", ago(3.0), ago(1.5)), ""),
            (odd, ""),
        ] {
            let id = own.facts.create_id.clone();
            assert_eq!(codes(vec![own], Bounds::default()), said, "{id:?}");
        }
    }
}
