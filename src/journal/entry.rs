//! What happened, one thing at a time.

use serde::{Deserialize, Serialize};

use super::ResultKind;
use crate::decide::Verb;
use crate::model::{AppName, MachineId, ProcessGroup, Region, Timestamp};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// To which app; `None`: to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppName>,
    /// When the tick began; of a hold or a failure, the first of them.
    pub at: Timestamp,
    /// When the last tick began to which it still applied; as `at` for what happens once.
    pub until: Timestamp,
    /// What kind of thing.
    pub kind: EntryKind,
    /// Whether it would have been done, and was not: with `dry-run`, or while paused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub would: bool,
    /// The process group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<ProcessGroup>,
    /// The region: of an action that of its machine, of a hold that of its scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<Verb>,
    /// To which machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineId>,
    /// How it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ResultKind>,
    /// The code of the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What happened, in a sentence.
    pub text: String,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// Something was done to a machine, or tried.
    Action,
    /// Something was kept from being done.
    Hold,
    /// A tick had no plan.
    Failure,
    /// The configuration changed while the process ran.
    Reload,
    /// The process began.
    Start,
    /// Somebody paused the scaling.
    Pause,
    /// Somebody resumed it.
    Resume,
}

/// Something that happened and is no tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// When.
    pub at: Timestamp,
    /// To which app; `None`: to all.
    pub app: Option<AppName>,
    /// What kind of thing.
    pub kind: EntryKind,
    /// What, in a sentence.
    pub text: String,
}

/// Which things are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Of this app; `None`: of all.
    pub app: Option<AppName>,
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
    /// In this region.
    pub region: Option<Region>,
    /// Of this kind.
    pub kind: Option<EntryKind>,
    /// Only this action.
    pub verb: Option<Verb>,
    /// At most so many, the newest.
    pub most: usize,
}
