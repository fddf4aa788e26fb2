//! Which outcomes count as a change: what was done or may have been, not what was refused or gone.

use std::sync::Arc;

use fly_autoscaler::act::{ActionResult, Asked, Outcome, Skipped};
use fly_autoscaler::decide::{Action, History, Reason, Template};
use fly_autoscaler::model::{MachineId, Region, Scope};
use fly_autoscaler::ports::{ApiError, ErrorClass, Operation};

use super::{START, group};
use crate::double::machine;

fn failed(outcome_unknown: bool) -> ActionResult {
    ActionResult::Failed(ApiError {
        operation: Operation::Stop,
        subject: "m1".into(),
        class: ErrorClass::Transient,
        status: None,
        message: "no".into(),
        request_id: None,
        outcome_unknown,
    })
}

/// The changes in short: `iad created +1`.
fn changes(action: Action, result: ActionResult, asked: Option<Asked>) -> String {
    let outcome = Outcome {
        scope: Scope::app_wide(group()),
        action,
        reason: Reason::NoTarget,
        result,
        asked,
        left_volumes: Vec::new(),
        refusals: Vec::new(),
    };
    let mut history = History::new("s1");
    outcome.remember(&mut history, START);
    let all = history.changes.get(&group()).map(|all| all.to_vec()).unwrap_or_default();
    assert!(all.iter().all(|own| own.at == START));
    let short = all.iter().map(|own| format!("{} {} {:+}", own.region, own.kind, own.by));
    short.collect::<Vec<_>>().join(", ")
}

#[test]
fn only_what_changed_something_counts() {
    let (id, iad) = (MachineId::new("m1"), Region::new("iad"));
    let done = || ActionResult::Done { machine: id.clone(), region: iad.clone() };
    let stop = || Action::Stop { machine: id.clone(), region: iad.clone() };
    let start = || Action::Start { machine: id.clone(), region: iad.clone() };
    let suspend = || Action::Suspend { machine: id.clone(), region: iad.clone() };
    let destroy = |force| Action::Destroy { machine: id.clone(), region: iad.clone(), force };
    let create = |start| Action::Create {
        create_id: Arc::from("c1"),
        regions: vec![iad.clone(), Region::new("lhr")],
        volumes: Vec::new(),
        template: Arc::new(Template::from_machine(&machine("m0", "started", "iad")).unwrap()),
        start,
    };
    let skipped = || ActionResult::NotAttempted(Skipped::Deadline);
    for (action, result, expected) in [
        (stop(), done(), "iad started -1"),
        (suspend(), done(), "iad started -1"),
        (start(), done(), "iad started +1"),
        (destroy(false), done(), "iad created -1"),
        (destroy(true), done(), "iad created -1, iad started -1"),
        (create(true), done(), "iad created +1, iad started +1"),
        (create(false), done(), "iad created +1"),
        // It may have happened.
        (stop(), failed(true), "iad started -1"),
        // It did not, or was none of our doing.
        (stop(), failed(false), ""),
        (stop(), ActionResult::Gone, ""),
        (destroy(false), ActionResult::Gone, ""),
        (start(), skipped(), ""),
        (create(true), failed(false), ""),
    ] {
        assert_eq!(changes(action.clone(), result.clone(), None), expected, "{action}: {result:?}");
    }
    // A create counts where it was asked for in the end.
    let asked = Some(Asked { region: Region::new("lhr"), volume: None });
    assert_eq!(changes(create(false), failed(true), asked), "lhr created +1");
}
