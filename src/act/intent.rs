//! What a plan is about to do, in the words of what was done.

use crate::decide::{Action, Plan, PlannedAction, Verb, VolumeChoice};
use crate::model::AppName;
use crate::ports::{ApiError, ErrorClass, Operation};

use super::outcome::{ActionResult, Asked, Outcome};

/// The outcomes to go by if this process ends before it knows the real ones: a create as one whose answer
/// got lost, everything else as done. Whoever decides next then repeats no create that may have been sent
/// and counts no machine twice; what was not sent is corrected once the list is believed again.
///
/// A cordon is none of them: taken for one that was never set, it would have the machine stopped in the middle of its
/// work. One that was set bears our mark, with its time, and is set again where the list does not show it yet.
pub fn intents<'a>(plan: &'a Plan, app: &'a AppName) -> impl Iterator<Item = Outcome> + 'a {
    let scopes = plan.scopes.iter();
    let actions =
        scopes.flat_map(|scope| scope.actions.iter().map(move |planned| (scope, planned)));
    let is_told = |planned: &PlannedAction| planned.action.verb() != Verb::Cordon;
    actions.filter(move |(_, planned)| is_told(planned)).map(|(scope, planned)| Outcome {
        scope: scope.scope.clone(),
        action: planned.action.clone(),
        reason: planned.reason.clone(),
        result: result(&planned.action, app),
        asked: asked(&planned.action),
        left_volumes: Vec::new(),
        refusals: Vec::new(),
    })
}

fn result(action: &Action, app: &AppName) -> ActionResult {
    match (action.machine(), action.region()) {
        (Some(machine), Some(region)) => {
            ActionResult::Done { machine: machine.clone(), region: region.clone() }
        }
        _ => ActionResult::Failed(ApiError {
            operation: Operation::Create,
            subject: app.to_string(),
            class: ErrorClass::Transient,
            status: None,
            message: "the process ended before there was an answer".into(),
            request_id: None,
            outcome_unknown: true,
        }),
    }
}

/// The first region, with its volume if there is one already. Should another one have taken the machine,
/// its create id tells as soon as the list shows it.
fn asked(action: &Action) -> Option<Asked> {
    let Action::Create { regions, volumes, .. } = action else { return None };
    let volume = match volumes.first() {
        Some(VolumeChoice::Use(volume)) => Some(volume.clone()),
        Some(VolumeChoice::Create(_)) | None => None,
    };
    Some(Asked { region: regions.first()?.clone(), volume })
}
