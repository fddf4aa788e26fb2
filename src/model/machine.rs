//! A Fly Machine as far as decisions need to know it.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{ProcessGroup, Region, Timestamp, text_newtype};

text_newtype! {
    /// The id of a machine, such as `148e306b73d789`.
    MachineId
}

/// The states that the Machines API documents, and any other as its text.
///
/// Source: docs `machines/machine-states` (superfly/docs).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each variant is the state of that name in Fly's documentation")]
pub enum MachineState {
    Created,
    Creating,
    Starting,
    Restarting,
    Started,
    Stopping,
    Stopped,
    Suspending,
    Suspended,
    Updating,
    Replacing,
    Failed,
    LaunchFailed,
    Destroying,
    Destroyed,
    Replaced,
    Migrated,
    /// A state that this program does not know: the machine counts as created and is left alone.
    Other(Arc<str>),
}

impl MachineState {
    const KNOWN: [(&'static str, Self); 17] = [
        ("created", Self::Created),
        ("creating", Self::Creating),
        ("starting", Self::Starting),
        ("restarting", Self::Restarting),
        ("started", Self::Started),
        ("stopping", Self::Stopping),
        ("stopped", Self::Stopped),
        ("suspending", Self::Suspending),
        ("suspended", Self::Suspended),
        ("updating", Self::Updating),
        ("replacing", Self::Replacing),
        ("failed", Self::Failed),
        ("launch_failed", Self::LaunchFailed),
        ("destroying", Self::Destroying),
        ("destroyed", Self::Destroyed),
        ("replaced", Self::Replaced),
        ("migrated", Self::Migrated),
    ];

    /// The state that Fly calls `text`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::KNOWN
            .iter()
            .find(|(name, _)| *name == text)
            .map_or_else(|| Self::Other(Arc::from(text)), |(_, state)| state.clone())
    }

    /// What Fly calls this state.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Other(text) => text,
            known => Self::KNOWN
                .iter()
                .find(|(_, state)| state == known)
                .map_or("unknown", |(name, _)| name),
        }
    }
}

impl fmt::Display for MachineState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for MachineState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What Fly knows of the host under a machine. Anything but `ok` means that the machine's data may
/// be old and its config incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostStatus {
    /// The host answers.
    Ok,
    /// Fly cannot tell, or said something that this program does not know.
    Unknown,
    /// The host does not answer.
    Unreachable,
}

/// What stands in the way of suspending a machine.
///
/// Source: docs `reference/suspend-resume` (superfly/docs), for all but the last two. A schedule is one
/// too; scheduled machines are left alone anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspendObstacle {
    /// More than 2 GB of memory.
    Memory,
    /// It has swap.
    Swap,
    /// It has a GPU.
    Gpu,
    /// Its config does not say whether it could be.
    Unknown,
    /// Fly was asked to suspend it, and refused.
    Refused,
}

impl fmt::Display for SuspendObstacle {
    /// Reads on after a number of machines.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory => "with more than 2 GB of memory",
            Self::Swap => "with swap",
            Self::Gpu => "with a GPU",
            Self::Unknown => "whose size is not known",
            Self::Refused => "that Fly refused to suspend",
        })
    }
}

/// What decisions read from a machine's config. The config itself is kept as text, so that keys
/// which this program does not know survive a clone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MachineFacts {
    /// `metadata.fly_process_group`, else `metadata.process_group`.
    pub group: Option<ProcessGroup>,
    /// Has `standbys`: waits for another machine's host to fail.
    pub is_standby: bool,
    /// Has a `schedule`: Fly starts it by the calendar.
    pub is_scheduled: bool,
    /// What in its config keeps Fly from suspending it, if anything does.
    pub suspend_obstacle: Option<SuspendObstacle>,
    /// Names of the volumes it mounts, in order.
    pub volumes: Vec<Arc<str>>,
    /// `metadata.fly_release_version` as a number.
    pub release_version: Option<u64>,
    /// `metadata.fly_bluegreen_deployment_tag`.
    pub bluegreen_tag: Option<Arc<str>>,
    /// `metadata.fly_autoscaler_create_id`: which create request of ours made it.
    pub create_id: Option<Arc<str>>,
    /// `metadata.fly_autoscaler` is `started`: made by an autoscaler and launched to run at once.
    pub launched_by_autoscaler: bool,
    /// Fly Proxy stops or suspends it when it has little to do (`autostop` of one of its services).
    pub proxy_stops: bool,
    /// Fly Proxy starts it for requests (`autostart` of one of its services, on unless it says otherwise).
    pub proxy_starts: bool,
    /// `metadata.fly_autoscaler` says something: made by an autoscaler.
    pub is_managed: bool,
    /// `metadata.fly_autoscaler_cordoned`: when an autoscaler cordoned it, to stop it later.
    pub cordoned_at: Option<Timestamp>,
    /// The config is known and was left out to save memory: enough to judge whether there is something
    /// to do, not to clone the machine.
    pub config_left_out: bool,
}

impl Machine {
    /// What of this machine is enough to judge whether there is something to do: all but its config,
    /// its image and its volumes, which are most of its weight.
    #[must_use]
    pub fn outline(&self) -> Self {
        let facts = MachineFacts {
            volumes: Vec::new(),
            config_left_out: self.config.is_some(),
            ..self.facts.clone()
        };
        Self { facts, image: None, config: None, ..self.clone() }
    }
}

/// One machine of an app, as the list or a single look-up gave it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Its id.
    pub id: MachineId,
    /// Its state at the time of the look-up.
    pub state: MachineState,
    /// Where it runs.
    pub region: Region,
    /// What Fly knows of its host.
    pub host_status: HostStatus,
    /// Taken out of the proxy's rotation.
    pub is_cordoned: bool,
    /// When it was created, if known.
    pub created_at: Option<Timestamp>,
    /// The full image reference (`registry/repository:tag@digest`), if known.
    pub image: Option<Arc<str>>,
    /// What decisions read from the config.
    pub facts: MachineFacts,
    /// The config exactly as Fly sent it; `None` when the host did not answer.
    pub config: Option<Arc<RawValue>>,
}

impl PartialEq for Machine {
    fn eq(&self, other: &Self) -> bool {
        fn key(machine: &Machine) -> (&MachineId, &MachineState, &Region, HostStatus, bool) {
            (&machine.id, &machine.state, &machine.region, machine.host_status, machine.is_cordoned)
        }
        key(self) == key(other)
            && self.created_at == other.created_at
            && self.image == other.image
            && self.facts == other.facts
            && self.config.as_ref().map(|raw| raw.get())
                == other.config.as_ref().map(|raw| raw.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_state_is_read_and_written() {
        for (name, state) in MachineState::KNOWN {
            assert_eq!(MachineState::parse(name), state);
            assert_eq!(state.as_str(), name);
        }
    }

    #[test]
    fn an_unknown_state_keeps_its_text() {
        let state = MachineState::parse("hibernating");
        assert_eq!(state, MachineState::Other(Arc::from("hibernating")));
        assert_eq!(state.as_str(), "hibernating");
    }
}
