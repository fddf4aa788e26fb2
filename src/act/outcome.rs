//! What became of each action.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::decide::{Action, Cordoned, Effect, History, Reason, Refusal, Verb};
use crate::model::{MachineId, ProcessGroup, Region, Scope, Timestamp, Volume, VolumeId};
use crate::ports::{ApiError, ErrorClass};

/// What became of one action.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The scope that it was planned in.
    pub scope: Scope,
    /// What was to be done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
    /// What came of it.
    pub result: ActionResult,
    /// What a create asked for, where a machine came of it or may have.
    pub asked: Option<Asked>,
    /// Volumes that were made for a machine and that no machine has: later creates use them.
    pub left_volumes: Vec<Volume>,
    /// Regions in which Fly had no room for it, each with what it answered.
    pub refusals: Vec<(Region, Arc<str>)>,
}

/// What a create asked for: one of the regions of its plan, and the volume that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Where the machine is, or would be.
    pub region: Region,
    /// What it mounts, or would.
    pub volume: Option<VolumeId>,
}

/// How an action ended.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionResult {
    /// Carried out, on this machine in this region.
    Done {
        /// The machine, new for a create.
        machine: MachineId,
        /// Where it is.
        region: Region,
    },
    /// There was nothing left to do: the machine is gone.
    Gone,
    /// Fly refused or failed. With `outcome_unknown` it may have happened all the same.
    Failed(ApiError),
    /// Not tried.
    NotAttempted(Skipped),
}

/// Why an action was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// The token was refused for an action before it.
    Authorization,
    /// The tick's time was over.
    Deadline,
    /// Fly had no room for an action before it, in any of the regions.
    NoRoom,
    /// Scaling was paused after the tick had begun to act.
    Paused,
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Authorization => "not attempted: the token was refused for an action before it",
            Self::Deadline => "not attempted: the tick's time was over",
            Self::NoRoom => "not attempted: Fly had no room there for another one",
            Self::Paused => "not attempted: scaling was paused meanwhile",
        })
    }
}

impl Outcome {
    /// Whether what was wanted is so now.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.result, ActionResult::Done { .. } | ActionResult::Gone)
    }

    /// Where it was done, or tried: of a create that never got so far, the region tried first.
    #[must_use]
    pub fn region(&self) -> Option<&Region> {
        match (&self.result, &self.asked) {
            (ActionResult::Done { region, .. }, _) | (_, Some(Asked { region, .. })) => {
                Some(region)
            }
            (_, None) => self.action.region(),
        }
    }

    /// The error, if it failed.
    #[must_use]
    pub fn error(&self) -> Option<&ApiError> {
        match &self.result {
            ActionResult::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// What the next decisions have to lay over the list.
    ///
    /// A create whose answer got lost counts as carried out, so that it is not done twice.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        match (&self.action, &self.result) {
            (Action::Create { create_id, start, .. }, result) => {
                let (machine, region) = match result {
                    ActionResult::Done { machine, region } => (Some(machine), region),
                    ActionResult::Failed(error) if error.outcome_unknown => {
                        (None, &self.asked.as_ref()?.region)
                    }
                    _ => return None,
                };
                Some(Effect::Created {
                    create_id: create_id.clone(),
                    machine: machine.cloned(),
                    group: self.scope.group.clone(),
                    region: region.clone(),
                    launched: *start,
                    volume: self.asked.as_ref().and_then(|asked| asked.volume.clone()),
                })
            }
            (Action::Start { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Started { machine: machine.clone() })
            }
            (Action::Stop { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Stopped { machine: machine.clone() })
            }
            (Action::Suspend { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Suspended { machine: machine.clone() })
            }
            (Action::Cordon { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Cordoned { machine: machine.clone() })
            }
            (Action::Uncordon { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Uncordoned { machine: machine.clone() })
            }
            (
                Action::Stop { machine, .. }
                | Action::Suspend { machine, .. }
                | Action::Cordon { machine, .. }
                | Action::Uncordon { machine, .. }
                | Action::Destroy { machine, .. },
                ActionResult::Gone,
            )
            | (Action::Destroy { machine, .. }, ActionResult::Done { .. }) => {
                Some(Effect::Destroyed { machine: machine.clone() })
            }
            _ => None,
        }
    }

    /// Where it changed the numbers of machines, or may have; `None` where it surely did not. What was gone
    /// already is not our doing.
    fn changed_in(&self) -> Option<&Region> {
        match &self.result {
            ActionResult::Done { region, .. } => Some(region),
            ActionResult::Failed(error) if error.outcome_unknown => {
                self.asked.as_ref().map_or(self.action.region(), |asked| Some(&asked.region))
            }
            _ => None,
        }
    }

    /// Adds to `history` what the next decisions have to know.
    pub fn remember(&self, history: &mut History, at: Timestamp) {
        if let Some(effect) = self.effect() {
            history.record(at, effect);
        }
        if let Some(region) = self.changed_in() {
            history.note_change(at, &self.scope.group, region, &self.action);
        }
        for (region, answer) in &self.refusals {
            let scope = Scope { group: self.scope.group.clone(), region: Some(region.clone()) };
            history.resting.insert(scope, Refusal { at, answer: Arc::clone(answer) });
        }
        history.left_volumes.extend(self.left_volumes.iter().map(|volume| (at, volume.clone())));
        self.remember_cordon(history, at);
        // Asked again, Fly would refuse again, and the machine would run on.
        if let Action::Suspend { machine, .. } = &self.action
            && self.error().is_some_and(|error| error.class == ErrorClass::Unsupported)
        {
            history.refused_suspends.insert(machine.clone(), at);
        }
    }

    fn remember_cordon(&self, history: &mut History, at: Timestamp) {
        let Some(machine) = self.action.machine() else { return };
        match (self.action.verb(), &self.result) {
            (Verb::Cordon, ActionResult::Done { .. }) => {
                history.cordoned.insert(machine.clone(), Cordoned::since(at));
            }
            (Verb::Uncordon, ActionResult::Done { .. }) => {
                history.cordoned.remove(machine);
            }
            (verb, _) if self.is_refused() => {
                if let Some(own) = history.cordoned.get_mut(machine) {
                    own.stop_failed |= matches!(verb, Verb::Stop | Verb::Suspend);
                    own.lift_refused |= verb == Verb::Uncordon;
                }
            }
            _ => {}
        }
    }

    /// Whether Fly will not do this to this machine as it is: no passing trouble, and none of the token's. (A
    /// refused suspend is a stop in the next tick.)
    pub(super) fn is_refused(&self) -> bool {
        use ErrorClass::{Capacity, Conflict, Rejected};
        let is_final = |class| matches!(class, Capacity | Conflict | Rejected);
        self.error().is_some_and(|error| is_final(error.class) && !error.outcome_unknown)
    }

    /// Whether the next machine in order should be tried in place of this one.
    ///
    /// A refused token will be refused again. And a stop, a suspend or a cordon that may have happened is not made up for:
    /// one machine too many is corrected by the next tick, one too few is an outage. A start that may
    /// have happened is made up for, since a host that never answers would otherwise block scaling up.
    pub(super) fn wants_spare(&self) -> bool {
        match (&self.action, &self.result) {
            (Action::Start { .. }, ActionResult::Gone) => true,
            (Action::Start { .. }, ActionResult::Failed(error)) => {
                error.class != ErrorClass::Authorization
            }
            (
                Action::Stop { .. } | Action::Suspend { .. } | Action::Cordon { .. },
                ActionResult::Failed(error),
            ) => error.class != ErrorClass::Authorization && !error.outcome_unknown,
            _ => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.action)?;
        match &self.result {
            ActionResult::Done { machine, region } => match self.action {
                Action::Create { .. } => write!(f, "done, {machine} in {region}"),
                _ => f.write_str("done"),
            },
            ActionResult::Gone => f.write_str("the machine is gone"),
            ActionResult::Failed(error) if error.outcome_unknown => {
                write!(f, "may have happened, {error}")
            }
            ActionResult::Failed(error) => write!(f, "failed, {error}"),
            ActionResult::NotAttempted(skipped) => write!(f, "{skipped}"),
        }?;
        for volume in &self.left_volumes {
            write!(f, "; volume {}, made for it, is left for the next create", volume.id)?;
        }
        Ok(())
    }
}

impl Serialize for Outcome {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Form<'a> {
            group: &'a ProcessGroup,
            #[serde(flatten)]
            action: &'a Action,
            result: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            created: Option<&'a MachineId>,
            text: String,
        }
        let result = match &self.result {
            ActionResult::Done { .. } => "done",
            ActionResult::Gone => "gone",
            ActionResult::Failed(error) if error.outcome_unknown => "unknown",
            ActionResult::Failed(_) => "failed",
            ActionResult::NotAttempted(_) => "not_attempted",
        };
        let created = match (&self.action, &self.result) {
            (Action::Create { .. }, ActionResult::Done { machine, .. }) => Some(machine),
            _ => None,
        };
        let form = Form {
            group: &self.scope.group,
            action: &self.action,
            result,
            created,
            text: self.to_string(),
        };
        form.serialize(serializer)
    }
}
