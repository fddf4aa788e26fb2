//! What is to be done, complete: the executor has no choices left.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize};

use crate::model::{Kind, MachineId, ProcessGroup, Region, Scope, ScopeBounds, Timestamp};

use super::choice::{self, Choice};
use super::history::History;
use super::reason::{Reason, Weight};
use super::template::Template;
use super::volumes::VolumeChoice;

/// The decision for one app in one tick.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[must_use = "a plan does nothing until it is executed"]
pub struct Plan {
    /// The short of it.
    pub verdict: Verdict,
    /// What was decided for each scope, in the order of the targets.
    pub scopes: Vec<ScopePlan>,
    /// What the next decision has to remember, before the outcomes of this one are added.
    #[serde(skip)]
    pub next: History,
}

/// What a plan comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// There is something to do.
    Act,
    /// Everything is as wanted.
    Quiet,
    /// Something is kept from being done, or cannot be judged.
    Hold,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Act => "act",
            Self::Quiet => "quiet",
            Self::Hold => "hold",
        })
    }
}

/// What was decided for one scope.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScopePlan {
    /// Which.
    #[serde(flatten)]
    pub scope: Scope,
    /// What was seen there.
    pub observed: Tally,
    /// What the expressions asked for; `None` where they could not be evaluated.
    pub wanted: Option<ScopeBounds>,
    /// The same after all limits.
    pub targets: Option<ScopeBounds>,
    /// What to do, in this order.
    pub actions: Vec<PlannedAction>,
    /// The next machines in order, for a start or a stop that fails.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spares: Vec<Action>,
    /// Why, and why not more.
    #[serde(serialize_with = "with_text")]
    pub reasons: Vec<Reason>,
    /// Since when something is held in it without a break; see [`Plan::held_since`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_since: Option<Timestamp>,
}

/// How many machines a scope has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Machines that exist.
    pub created: u32,
    /// Machines that run, or are on their way there.
    pub started: u32,
    /// Machines that can be started.
    pub stopped: u32,
    /// Machines on hosts that do not answer: in none of the other numbers.
    pub unreachable: u32,
}

impl Tally {
    /// The number that bounds of `kind` are about.
    #[must_use]
    pub fn of(self, kind: Kind) -> u32 {
        match kind {
            Kind::Created => self.created,
            Kind::Started => self.started,
        }
    }
}

/// An action with its reason, and why it is for this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedAction {
    /// What.
    #[serde(flatten)]
    pub action: Action,
    /// Why.
    #[serde(serialize_with = "one_with_text")]
    pub reason: Reason,
    /// Why on this machine and no other.
    #[serde(serialize_with = "choice::with_text")]
    pub choice: Choice,
}

/// One change to the app's machines.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Create a machine.
    Create {
        /// Unique among all creates of all scalers; goes into the machine's metadata.
        create_id: Arc<str>,
        /// Where: the first region, or the next one where Fly has no room.
        regions: Vec<Region>,
        /// What it mounts in each of the regions, in their order; none where the source mounts nothing.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        volumes: Vec<VolumeChoice>,
        /// What it is cloned from.
        #[serde(serialize_with = "source_only")]
        template: Arc<Template>,
        /// Whether it runs at once.
        start: bool,
    },
    /// Start a stopped or suspended machine.
    Start {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
    },
    /// Stop a started machine.
    Stop {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
    },
    /// Suspend a started machine: a start resumes it where it was.
    Suspend {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
    },
    /// Take a machine that is to be stopped out of the proxy's rotation, and mark it as ours.
    Cordon {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
        /// When it is decided, which is what the mark says.
        at: Timestamp,
    },
    /// Put a machine back that we have cordoned, and take the mark away.
    Uncordon {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
    },
    /// Destroy a machine.
    Destroy {
        /// Which.
        machine: MachineId,
        /// Where it is.
        region: Region,
        /// Even if it runs.
        force: bool,
    },
}

/// The kinds of action, as labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each variant is the action of that name")]
pub enum Verb {
    Create,
    Start,
    Stop,
    Suspend,
    Cordon,
    Uncordon,
    Destroy,
}

impl Verb {
    /// Every verb, for closed label sets.
    pub const ALL: [Self; 7] = [
        Self::Create,
        Self::Start,
        Self::Stop,
        Self::Suspend,
        Self::Cordon,
        Self::Uncordon,
        Self::Destroy,
    ];

    /// The label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Suspend => "suspend",
            Self::Cordon => "cordon",
            Self::Uncordon => "uncordon",
            Self::Destroy => "destroy",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Action {
    /// What kind of action it is.
    #[must_use]
    pub fn verb(&self) -> Verb {
        match self {
            Self::Create { .. } => Verb::Create,
            Self::Start { .. } => Verb::Start,
            Self::Stop { .. } => Verb::Stop,
            Self::Suspend { .. } => Verb::Suspend,
            Self::Cordon { .. } => Verb::Cordon,
            Self::Uncordon { .. } => Verb::Uncordon,
            Self::Destroy { .. } => Verb::Destroy,
        }
    }

    /// The machine that it changes; a create has none yet.
    #[must_use]
    pub fn machine(&self) -> Option<&MachineId> {
        match self {
            Self::Create { .. } => None,
            Self::Start { machine, .. }
            | Self::Stop { machine, .. }
            | Self::Suspend { machine, .. }
            | Self::Cordon { machine, .. }
            | Self::Uncordon { machine, .. }
            | Self::Destroy { machine, .. } => Some(machine),
        }
    }

    /// Where it happens; for a create the region tried first.
    #[must_use]
    pub fn region(&self) -> Option<&Region> {
        match self {
            Self::Create { regions, .. } => regions.first(),
            Self::Start { region, .. }
            | Self::Stop { region, .. }
            | Self::Suspend { region, .. }
            | Self::Cordon { region, .. }
            | Self::Uncordon { region, .. }
            | Self::Destroy { region, .. } => Some(region),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { regions, volumes, template, start, .. } => {
                f.write_str("create a machine")?;
                if let Some(region) = regions.first() {
                    write!(f, " in {region}")?;
                }
                match volumes.first() {
                    Some(VolumeChoice::Use(volume)) => write!(f, " with volume {volume}")?,
                    Some(VolumeChoice::Create(new)) => {
                        write!(f, " with a new volume {}", new.name)?;
                    }
                    None => {}
                }
                write!(f, ", cloned from {}", template.source)?;
                f.write_str(if *start { ", started" } else { ", left stopped" })
            }
            Self::Start { machine, region } => write!(f, "start {machine} in {region}"),
            Self::Stop { machine, region } => write!(f, "stop {machine} in {region}"),
            Self::Suspend { machine, region } => write!(f, "suspend {machine} in {region}"),
            Self::Cordon { machine, region, .. } => write!(f, "cordon {machine} in {region}"),
            Self::Uncordon { machine, region } => write!(f, "uncordon {machine} in {region}"),
            Self::Destroy { machine, region, force } => {
                write!(f, "destroy {machine} in {region}")?;
                f.write_str(if *force { " even if it runs" } else { "" })
            }
        }
    }
}

impl Plan {
    /// A plan from its scopes: the verdict follows from them.
    pub fn new(scopes: Vec<ScopePlan>, next: History) -> Self {
        let verdict = if scopes.iter().any(|scope| !scope.actions.is_empty()) {
            Verdict::Act
        } else if scopes.iter().any(ScopePlan::is_held) {
            Verdict::Hold
        } else {
            Verdict::Quiet
        };
        Self { verdict, scopes, next }
    }

    /// All actions of all scopes, in order.
    pub fn actions(&self) -> impl Iterator<Item = (&Scope, &PlannedAction)> {
        self.scopes
            .iter()
            .flat_map(|scope| scope.actions.iter().map(move |action| (&scope.scope, action)))
    }

    /// Whether machines would come into being or go.
    #[must_use]
    pub fn creates_or_destroys(&self) -> bool {
        self.actions()
            .any(|(_, planned)| matches!(planned.action.verb(), Verb::Create | Verb::Destroy))
    }

    /// The groups of which machines would leave: stop, or go. In which order can take a metric to tell.
    #[must_use]
    pub fn shrinking(&self) -> BTreeSet<&ProcessGroup> {
        let leaving = self.scopes.iter().filter(|scope| scope.leaves());
        leaving.map(|scope| &scope.scope.group).collect()
    }

    /// Whether it takes the app's volumes to decide, and nobody has asked for them yet.
    #[must_use]
    pub fn needs_volumes(&self) -> bool {
        let unread = |reason| matches!(reason, &Reason::VolumesUnread { message: None, .. });
        self.scopes.iter().any(|scope| scope.reasons.iter().any(unread))
    }

    /// Whether it takes more than was kept of the machines to decide: see
    /// [`MachineFacts::config_left_out`](crate::model::MachineFacts::config_left_out).
    #[must_use]
    pub fn needs_configs(&self) -> bool {
        let unread = |reason| matches!(reason, &Reason::ConfigUnread { .. });
        self.scopes.iter().any(|scope| scope.reasons.iter().any(unread))
    }

    /// The same plan with every action taken out, for `reason`, which is said over all regions and where
    /// something would have been done.
    pub fn held(self, reason: &Reason) -> Self {
        self.held_where(|own| own.scope.region.is_none() || !own.actions.is_empty(), reason)
    }

    /// The same plan with every action of `group` taken out, for `reason`: in each scope of the group that
    /// had some.
    pub fn held_in(self, group: &ProcessGroup, reason: &Reason) -> Self {
        self.held_where(|own| own.scope.group == *group && !own.actions.is_empty(), reason)
    }

    fn held_where(mut self, applies: impl Fn(&ScopePlan) -> bool, reason: &Reason) -> Self {
        for scope in self.scopes.iter_mut().filter(|own| applies(own)) {
            scope.actions.clear();
            scope.spares.clear();
            scope.reasons.push(reason.clone());
        }
        Self::new(self.scopes, self.next)
    }

    /// The same plan, at `now`, with since when its scopes are held, which `history` knows of those that were
    /// held before. To be asked for when nothing more is held in it.
    pub fn held_since(mut self, history: &History, now: Timestamp) -> Self {
        for own in self.scopes.iter_mut().filter(|own| own.is_held()) {
            let known = history.held_since.iter().find(|(scope, _)| *scope == own.scope);
            // Where the clock was set back, what began later begins now.
            own.held_since = Some(known.map_or(now, |(_, since)| (*since).min(now)));
        }
        let held = self.scopes.iter().filter_map(|own| Some((own.scope.clone(), own.held_since?)));
        self.next.held_since = held.collect();
        self
    }

    /// The same plan with one more thing said about every group.
    pub fn noted(mut self, reason: &Reason) -> Self {
        for scope in self.scopes.iter_mut().filter(|own| own.scope.region.is_none()) {
            scope.reasons.push(reason.clone());
        }
        self
    }
}

impl ScopePlan {
    /// Whether a machine would leave: stop, or go.
    #[must_use]
    pub fn leaves(&self) -> bool {
        self.actions.iter().any(|planned| {
            let verb = planned.action.verb();
            matches!(verb, Verb::Stop | Verb::Suspend | Verb::Cordon | Verb::Destroy)
        })
    }

    /// Whether something in this scope is kept from being done, or cannot be judged.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.reasons.iter().any(|reason| reason.weight() == Weight::Hold)
    }
}

/// A reason as data together with its sentence.
#[derive(Serialize)]
struct WithText<'a> {
    #[serde(flatten)]
    reason: &'a Reason,
    text: String,
}

impl<'a> From<&'a Reason> for WithText<'a> {
    fn from(reason: &'a Reason) -> Self {
        Self { reason, text: reason.to_string() }
    }
}

fn with_text<S: serde::Serializer>(reasons: &[Reason], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(reasons.iter().map(WithText::from))
}

fn one_with_text<S: serde::Serializer>(reason: &Reason, serializer: S) -> Result<S::Ok, S::Error> {
    WithText::from(reason).serialize(serializer)
}

/// The template's config may hold secrets in its `env`: only where it comes from is shown.
fn source_only<S: serde::Serializer>(
    template: &Arc<Template>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("source", &template.source)?;
    map.serialize_entry("image", &template.image)?;
    map.end()
}
