//! What happened, one thing at a time.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ActionRecord, OutcomeRecord, ReasonRecord, Record, ResultKind, ScopeRecord};
use crate::decide::{Verb, Weight};
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

impl Entry {
    /// What happened in the tick of `app` at `at`: what was done, or would have been; what was held, for each
    /// scope and code once; and that there was no plan.
    #[must_use]
    pub fn of(app: &AppName, at: Timestamp, record: &Record) -> Vec<Self> {
        let bare = |kind, text: &str| Self::bare(Some(app), at, kind, text);
        let mut entries = Vec::new();
        if let Some(error) = &record.error {
            entries.push(bare(EntryKind::Failure, error));
        }
        for own in &record.scopes {
            let mut codes = BTreeSet::new();
            let holds = own.reasons.iter().filter(|reason| reason.weight == Weight::Hold);
            let holds = holds.filter(|reason| codes.insert(reason.code.as_str()));
            entries.extend(holds.map(|reason| bare(EntryKind::Hold, "").held(own, reason)));
            if record.dry_run || record.paused {
                let would = |action| bare(EntryKind::Action, "").not_done(own, action);
                entries.extend(own.actions.iter().map(would));
            }
        }
        let done = |outcome| bare(EntryKind::Action, "").done(outcome);
        entries.extend(record.outcomes.iter().map(done));
        entries
    }

    /// Something that is no tick.
    #[must_use]
    pub fn noted(noted: &Noted) -> Self {
        Self::bare(noted.app.as_ref(), noted.at, noted.kind, &noted.text)
    }

    fn bare(app: Option<&AppName>, at: Timestamp, kind: EntryKind, text: &str) -> Self {
        Self {
            app: app.cloned(),
            at,
            until: at,
            kind,
            would: false,
            group: None,
            region: None,
            verb: None,
            machine: None,
            result: None,
            code: None,
            text: text.to_owned(),
            reason: None,
        }
    }

    fn held(self, own: &ScopeRecord, reason: &ReasonRecord) -> Self {
        Self {
            group: Some(own.scope.group.clone()),
            region: own.scope.region.clone(),
            code: Some(reason.code.clone()),
            text: reason.text.clone(),
            ..self
        }
    }

    fn not_done(self, own: &ScopeRecord, action: &ActionRecord) -> Self {
        Self {
            would: true,
            group: Some(own.scope.group.clone()),
            region: action.region.clone(),
            verb: Some(action.verb),
            machine: action.machine.clone(),
            code: Some(action.reason.code.clone()),
            text: action.text.clone(),
            reason: Some(action.reason.text.clone()),
            ..self
        }
    }

    fn done(self, outcome: &OutcomeRecord) -> Self {
        Self {
            group: Some(outcome.scope.group.clone()),
            region: outcome.machine_region.clone(),
            verb: Some(outcome.verb),
            machine: outcome.machine.clone(),
            result: Some(outcome.result),
            code: Some(outcome.reason.code.clone()),
            text: outcome.text.clone(),
            reason: Some(outcome.reason.text.clone()),
            ..self
        }
    }

    /// Whether it may go on in the next tick: a hold, a failure, or what is only shown.
    #[must_use]
    pub fn lasts(&self) -> bool {
        matches!(self.kind, EntryKind::Hold | EntryKind::Failure) || self.would
    }

    /// Whether this is the same thing as `before`, of the tick before: it goes on, and does not happen anew.
    /// What failed fails for the same reason, whatever numbers and ids stand in it.
    #[must_use]
    pub fn goes_on_from(&self, before: &Self) -> bool {
        let key = |own: &Self| {
            let Self { app, kind, would, group, region, verb, machine, result, code, .. } =
                own.clone();
            (app, kind, would, group, region, verb, machine, result, code)
        };
        self.lasts()
            && key(self) == key(before)
            && (self.kind != EntryKind::Failure || says_the_same(&self.text, &before.text))
    }
}

/// Whether two texts are alike but for words with digits in them: times, counts, ids of requests.
fn says_the_same(one: &str, other: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = Option<&str>> {
        let is_word = |own: &str| !own.contains(|letter: char| letter.is_ascii_digit());
        text.split_whitespace().map(move |own| is_word(own).then_some(own))
    }
    words(one).eq(words(other))
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

impl EntryKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Action,
        Self::Hold,
        Self::Failure,
        Self::Reload,
        Self::Start,
        Self::Pause,
        Self::Resume,
    ];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Hold => "hold",
            Self::Failure => "failure",
            Self::Reload => "reload",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
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
    /// In this region, and what is about all of them.
    pub region: Option<Region>,
    /// Of this kind.
    pub kind: Option<EntryKind>,
    /// Only this action.
    pub verb: Option<Verb>,
    /// At most so many, the newest.
    pub most: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_goes_on_whatever_its_times_and_ids_are() {
        let refused = "list machines web: 500 sorry (fly-request-id 01KJQ0BN-lhr)";
        for (text, goes_on) in [
            (refused, true),
            ("list machines web: 502 sorry (fly-request-id 01KJQ04B-iad)", true),
            ("list machines web: 500 worried (fly-request-id 01KJQ0BN-lhr)", false),
            ("list machines web: 500 sorry", false),
        ] {
            let failure = |text: &str| {
                let failure = Noted {
                    at: Timestamp::from_millis(0),
                    app: Some(AppName::new("web")),
                    kind: EntryKind::Failure,
                    text: text.to_owned(),
                };
                Entry::noted(&failure)
            };
            assert_eq!(failure(text).goes_on_from(&failure(refused)), goes_on, "{text}");
        }
    }
}
