//! What a decision remembers of the ticks before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::damp::{Change, Recommendations};
use crate::model::{MachineId, ProcessGroup, Region, Scope, Timestamp, Volume, VolumeId, pairs};

/// How long our own actions overlay what the list says: it is served from an eventually consistent
/// store, where a new machine can be missing and a destroyed one can linger.
pub const OVERLAY: Duration = Duration::from_secs(60);

/// How long a refused suspend is remembered. A refusal is for what a machine is, which only an update
/// changes; but it may also have been a bad hour of Fly's, and a deploy may have made the machine smaller.
pub const REFUSAL: Duration = Duration::from_secs(6 * 3600);

/// What one app's decisions carry from tick to tick.
///
/// It is also what outlives the process, as JSON: what an older version did not write is empty here, and
/// what a newer one wrote besides is not read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct History {
    /// Makes the create ids of this process unique among scalers: the next process has its own.
    #[serde(skip)]
    pub scaler: Arc<str>,
    /// Our own actions that the list has not confirmed yet, oldest first.
    pub recent: Vec<Recent>,
    /// In how many consecutive ticks a scope has wished for a large destroy.
    #[serde(with = "pairs")]
    pub large_destroy_wishes: BTreeMap<Scope, u32>,
    /// Machines that ran and were stopped only to be destroyed. Should they be wanted again before that,
    /// they are started again, since nothing else would.
    pub stopped_to_destroy: BTreeSet<MachineId>,
    /// Volumes that we made for machines which then did not come about, and when: new machines take them,
    /// though the list may not show them yet.
    pub left_volumes: Vec<(Timestamp, Volume)>,
    /// Machines that Fly refused to suspend, and when: they are stopped instead.
    pub refused_suspends: BTreeMap<MachineId, Timestamp>,
    /// Machines that we have cordoned, to stop them later, or that bear the mark of an autoscaler that has.
    pub cordoned: BTreeMap<MachineId, Cordoned>,
    /// Regions in which Fly had no room for a machine of a group: they are left alone for a while.
    #[serde(with = "pairs")]
    pub resting: BTreeMap<Scope, Refusal>,
    /// What we changed lately in each process group, oldest first.
    pub changes: BTreeMap<ProcessGroup, Arc<Vec<Change>>>,
    /// What each scope's expressions asked for lately, where a stabilization window looks back on it.
    #[serde(with = "pairs")]
    pub recommendations: BTreeMap<Scope, Recommendations>,
    /// Since when scopes are held, each without a break.
    pub held_since: Vec<(Scope, Timestamp)>,
}

/// A cordon of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cordoned {
    /// Since when.
    pub since: Timestamp,
    /// Fly refused to stop the machine since: another one goes first.
    #[serde(default)]
    pub stop_failed: bool,
    /// Fly refused to lift it while the machine was at rest: that is asked for again once it runs.
    #[serde(default)]
    pub lift_refused: bool,
}

impl Cordoned {
    /// A cordon of which nothing has failed.
    #[must_use]
    pub fn since(since: Timestamp) -> Self {
        Self { since, stop_failed: false, lift_refused: false }
    }
}

/// That Fly had no room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// What Fly answered.
    pub answer: Arc<str>,
}

impl History {
    /// Has the next decision repeat the last wish of each scope for a large destroy rather than add one: it is made
    /// between two ticks, and the wishes of ticks that are no interval apart are one wish.
    pub fn repeat_wishes(&mut self) {
        for wishes in self.large_destroy_wishes.values_mut() {
            *wishes = wishes.saturating_sub(1);
        }
    }

    /// A history with nothing in it, for the process `scaler`.
    #[must_use]
    pub fn new(scaler: impl Into<Arc<str>>) -> Self {
        Self { scaler: scaler.into(), ..Self::default() }
    }
}

impl History {
    /// Whether all that is new since `before` is that what was wanted then is wanted still.
    #[must_use]
    pub fn only_goes_on_from(&self, before: &Self) -> bool {
        // By name, so that nobody forgets what is added one day.
        let Self {
            scaler,
            recent,
            large_destroy_wishes,
            stopped_to_destroy,
            left_volumes,
            refused_suspends,
            cordoned,
            resting,
            changes,
            recommendations,
            held_since,
        } = self;
        let pairs = recommendations.iter().zip(&before.recommendations);
        recommendations.len() == before.recommendations.len()
            && pairs.into_iter().all(|((scope, own), (other, earlier))| {
                scope == other && own.only_goes_on_from(earlier)
            })
            && (scaler, recent, held_since) == (&before.scaler, &before.recent, &before.held_since)
            && *large_destroy_wishes == before.large_destroy_wishes
            && *stopped_to_destroy == before.stopped_to_destroy
            && *left_volumes == before.left_volumes
            && *refused_suspends == before.refused_suspends
            && *cordoned == before.cordoned
            && *resting == before.resting
            && *changes == before.changes
    }

    /// When anything that a stabilization window looks back on was wanted last.
    #[must_use]
    pub fn wanted_at(&self) -> Option<Timestamp> {
        self.recommendations.values().filter_map(Recommendations::latest).max()
    }

    /// Takes what was wanted last as wanted for `span` longer, but not beyond `now`: for as long nobody may have
    /// written down that it was.
    pub fn wanted_for_longer(&mut self, span: Duration, now: Timestamp) {
        self.recommendations.values_mut().for_each(|own| own.prolong(span, now));
    }
}

/// One action of ours, and when it was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// When.
    pub at: Timestamp,
    /// What.
    pub effect: Effect,
}

impl Recent {
    /// Whether the overlay still applies. A time far in the future (the clock was set back) is
    /// treated like one far in the past, so that a wrong clock cannot freeze the overlay.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.at.is_within(OVERLAY, now)
    }
}

/// What an action of ours did to a machine, as far as the list may not show it yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// A machine was created, or may have been.
    Created {
        /// The id that we put into its metadata.
        create_id: Arc<str>,
        /// Its machine id; unknown where the answer got lost.
        machine: Option<MachineId>,
        /// The group it belongs to.
        group: ProcessGroup,
        /// Where it was asked for.
        region: Region,
        /// Whether it was launched to run.
        launched: bool,
        /// The volume that it mounts, which the list may still show as free.
        volume: Option<VolumeId>,
    },
    /// A machine was started.
    Started {
        /// Which.
        machine: MachineId,
    },
    /// A machine was asked to stop.
    Stopped {
        /// Which.
        machine: MachineId,
    },
    /// A machine was asked to suspend.
    Suspended {
        /// Which.
        machine: MachineId,
    },
    /// A machine was taken out of the proxy's rotation.
    Cordoned {
        /// Which.
        machine: MachineId,
    },
    /// A machine was put back into it.
    Uncordoned {
        /// Which.
        machine: MachineId,
    },
    /// A machine was destroyed.
    Destroyed {
        /// Which.
        machine: MachineId,
    },
}

impl Effect {
    /// The machine that was there before and is changed; a create has none.
    #[must_use]
    pub fn changed(&self) -> Option<&MachineId> {
        match self {
            Self::Created { .. } => None,
            Self::Started { machine }
            | Self::Stopped { machine }
            | Self::Suspended { machine }
            | Self::Cordoned { machine }
            | Self::Uncordoned { machine }
            | Self::Destroyed { machine } => Some(machine),
        }
    }

    /// Whether it is about the proxy's rotation, which goes on beside starts and stops.
    pub(super) fn is_rotation(&self) -> bool {
        matches!(self, Self::Cordoned { .. } | Self::Uncordoned { .. })
    }
}
