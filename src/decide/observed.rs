//! What the API said, and what can be made of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Machine, MachineId, ProcessGroup, Region, Timestamp, Volume};

/// What one tick saw of an app.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// Every machine that the list named, of all process groups and on all hosts. The list lags:
    /// [`super::History`] lays our own recent actions over it.
    pub machines: Vec<Machine>,
    /// The machine that this process runs on, which is never touched.
    pub own_machine: Option<MachineId>,
    /// The app's volumes, which are read only for machines to be created that mount one.
    pub volumes: Volumes,
    /// What the machines of a group have to do, for `stop-order: least-loaded`: read only where one is to
    /// leave.
    pub loads: BTreeMap<ProcessGroup, Loads>,
    /// Regions whose machines Fly cannot list at the moment, as far as it says so.
    pub error_regions: Vec<Region>,
}

/// What is known of the load of a group's machines.
#[derive(Debug, Clone, PartialEq)]
pub enum Loads {
    /// That of each machine that has a finite one.
    Known(BTreeMap<MachineId, f64>),
    /// It could not be read, and why.
    Unreadable(String),
}

/// What is known of an app's volumes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Volumes {
    /// Nothing: nobody has asked yet.
    #[default]
    Unread,
    /// All of them.
    Known(Vec<Volume>),
    /// They could not be read, and why.
    Unreadable(String),
}

/// The app's current release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Release {
    /// Its number.
    pub version: u64,
    /// Fly's word for how it goes: `running` while a deploy is under way, then `complete`, `failed` or
    /// `interrupted`. A free string; a deploy that was killed leaves `running` for ever.
    pub status: String,
    /// When it began, if Fly says so.
    pub created_at: Option<Timestamp>,
}

/// What was learned about the release before acting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseState {
    /// Not asked for: `release-guard: off`.
    Ignored,
    /// The app never had one.
    None,
    /// The current one.
    Known(Release),
    /// It could not be read, and why.
    Unreadable(String),
}

/// A machine in `created` or `creating` counts as started for this long after we launched it to run:
/// booting takes low double-digit seconds (docs, machines overview).
pub const LAUNCH_GRACE: Duration = Duration::from_secs(60);
