//! Machines that are stopped as soon as they are up: what that looks like, tick by tick.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::act::Outcome;
use crate::decide::{Advice, Verb};
use crate::model::{ProcessGroup, Scope, Timestamp};

/// So soon after a start few machines have served anything: Fly takes seconds to start one, the app in it
/// often a minute.
const SOON: Duration = Duration::from_secs(120);
/// So often within [`WATCHED`] it is no accident.
const OFTEN: usize = 3;
/// For how long it is watched.
const WATCHED: Duration = Duration::from_secs(1800);

/// When machines were started, and when others were stopped soon after.
#[derive(Debug, Default)]
pub(super) struct Flaps {
    started: BTreeMap<Scope, Timestamp>,
    too_soon: BTreeMap<ProcessGroup, Vec<Timestamp>>,
}

impl Flaps {
    /// Takes in what was done in a tick that ended at `now`.
    pub(super) fn note(&mut self, outcomes: &[Outcome], now: Timestamp) {
        self.started.retain(|_, at| now.since(*at) < SOON);
        let done = outcomes.iter().filter(|own| own.is_done());
        let mut stopped: Vec<&Scope> = Vec::new();
        for own in done {
            match own.action.verb() {
                Verb::Create | Verb::Start => drop(self.started.insert(own.scope.clone(), now)),
                Verb::Stop | Verb::Suspend | Verb::Destroy => stopped.push(&own.scope),
                Verb::Cordon | Verb::Uncordon => {}
            }
        }
        for scope in stopped {
            // What is started and stopped in one tick moves from one region to another.
            if self.started.remove(scope).is_some_and(|at| at < now) {
                self.too_soon.entry(scope.group.clone()).or_default().push(now);
            }
        }
        self.too_soon.retain(|_, seen| {
            seen.retain(|at| now.since(*at) < WATCHED);
            !seen.is_empty()
        });
    }

    /// The groups in which it happens often.
    pub(super) fn advice(&self) -> impl Iterator<Item = Advice> {
        let often = self.too_soon.iter().filter(|(_, seen)| seen.len() >= OFTEN);
        often.map(|(group, _)| Advice::StopsTooSoon { group: group.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::act::ActionResult;
    use crate::decide::{Action, Reason};
    use crate::model::{MachineId, Region};

    fn outcome(action: &str) -> Outcome {
        let (machine, region) = (MachineId::new("m"), Region::new("iad"));
        let action = match action {
            "start" => Action::Start { machine: machine.clone(), region },
            _ => Action::Stop { machine: machine.clone(), region },
        };
        Outcome {
            scope: Scope::app_wide(ProcessGroup::new("app")),
            action,
            reason: Reason::NoTarget,
            result: ActionResult::Done { machine, region: Region::new("iad") },
            asked: None,
            left_volumes: Vec::new(),
            refusals: Vec::new(),
        }
    }

    #[test]
    fn stops_soon_after_starts_are_told_when_they_are_no_accident() {
        // Times in seconds, and whether it is told in the end.
        let table: [(&[(u64, &str)], bool); 5] = [
            (&[(0, "start"), (60, "stop"), (200, "start"), (260, "stop")], false),
            (
                &[
                    (0, "start"),
                    (60, "stop"),
                    (200, "start"),
                    (260, "stop"),
                    (400, "start"),
                    (500, "stop"),
                ],
                true,
            ),
            // Not soon.
            (
                &[
                    (0, "start"),
                    (180, "stop"),
                    (200, "start"),
                    (400, "stop"),
                    (500, "start"),
                    (700, "stop"),
                ],
                false,
            ),
            // Not often: the first is long ago.
            (
                &[
                    (0, "start"),
                    (60, "stop"),
                    (1000, "start"),
                    (1060, "stop"),
                    (2000, "start"),
                    (2060, "stop"),
                ],
                false,
            ),
            // Several stops after one start are one.
            (&[(0, "start"), (15, "stop"), (30, "stop"), (45, "stop"), (60, "stop")], false),
        ];
        for (script, told) in table {
            let mut flaps = Flaps::default();
            for (seconds, action) in script {
                let now = Timestamp::from_millis(0).plus(Duration::from_secs(*seconds));
                flaps.note(&[outcome(action)], now);
            }
            assert_eq!(flaps.advice().next().is_some(), told, "{script:?}");
        }
    }
}
