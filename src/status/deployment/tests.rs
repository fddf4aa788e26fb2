use super::*;
use crate::act::Skipped;
use crate::decide::{Action, History, Plan, Reason, ScopePlan, Tally};
use crate::model::{Bounds, MachineId, Scope, ScopeBounds, SeriesSize, TickOutcome, Timestamp};
use crate::ports::{ApiError, ErrorClass, Operation};
use crate::status::MachineCount;

fn iad() -> Region {
    Region::new("iad")
}

fn below() -> Reason {
    Reason::BelowMin { kind: Kind::Started, observed: 2, target: 3 }
}

fn failed(outcome_unknown: bool) -> ActionResult {
    ActionResult::Failed(ApiError {
        operation: Operation::Start,
        subject: "m1".into(),
        class: ErrorClass::Transient,
        status: Some(500),
        message: "out of order".into(),
        request_id: None,
        outcome_unknown,
    })
}

fn done() -> ActionResult {
    ActionResult::Done { machine: MachineId::new("m1"), region: iad() }
}

/// Two machines of `app` that run in `iad` and one that does not; others that are none of its business.
fn tick(outcomes: Vec<Outcome>, created: Bounds) -> Tick {
    let group = ProcessGroup::new("app");
    let count = |group: &str, state: &str, count| MachineCount {
        group: Some(ProcessGroup::new(group)),
        region: iad(),
        state: state.to_owned(),
        count,
    };
    let wanted = Some(ScopeBounds { created, started: Bounds::exactly(3) });
    let scope = ScopePlan {
        scope: Scope::app_wide(group),
        observed: Tally::default(),
        wanted,
        targets: wanted,
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: vec![below()],
        held_since: None,
    };
    Tick {
        at: Timestamp::from_millis(0),
        outcome: TickOutcome::Acted,
        dry_run: false,
        paused: false,
        samples: Vec::new(),
        machines: vec![
            count("app", "started", 1),
            count("app", "starting", 1),
            count("app", "stopped", 1),
            count("app", "unreachable", 4),
            count("cron", "started", 9),
        ],
        history: SeriesSize::default(),
        evaluated: Vec::new(),
        plan: Some(Plan::new(vec![scope], History::default())),
        outcomes,
        advice: Vec::new(),
        error: None,
        fly_failed: false,
    }
}

fn outcome(action: Action, result: ActionResult) -> Outcome {
    Outcome {
        scope: Scope::app_wide(ProcessGroup::new("app")),
        action,
        reason: below(),
        result,
        asked: None,
        left_volumes: Vec::new(),
        refusals: Vec::new(),
    }
}

#[test]
fn each_action_counts_by_what_became_of_it() {
    let machine = || MachineId::new("m1");
    let start = || Action::Start { machine: machine(), region: iad() };
    let stop = || Action::Stop { machine: machine(), region: iad() };
    let suspend = || Action::Suspend { machine: machine(), region: iad() };
    let destroy = |force| Action::Destroy { machine: machine(), region: iad(), force };
    let cordon =
        Action::Cordon { machine: machine(), region: iad(), at: Timestamp::from_millis(0) };
    let wants = "2 started, at least 3 wanted";
    // (action, what became of it, started and created after, where it is told, the reason there)
    for (action, result, after, place, reason) in [
        (start(), done(), (3, 3), "deployed", wants),
        (start(), ActionResult::Gone, (2, 2), "deployed", wants),
        (
            start(),
            failed(false),
            (2, 3),
            "skipped",
            "start m1 in iad: failed, start machine m1: 500 out of order",
        ),
        (
            start(),
            failed(true),
            (2, 3),
            "skipped",
            "start m1 in iad: may have happened, start machine m1: 500 out of order",
        ),
        (
            start(),
            ActionResult::NotAttempted(Skipped::Deadline),
            (2, 3),
            "skipped",
            "start m1 in iad: not attempted: the tick's time was over",
        ),
        (stop(), done(), (1, 3), "removed", wants),
        (stop(), ActionResult::Gone, (1, 2), "removed", wants),
        (suspend(), done(), (1, 3), "removed", wants),
        (destroy(false), done(), (2, 2), "removed", wants),
        (destroy(true), done(), (1, 2), "removed", wants),
        (cordon, done(), (2, 3), "skipped", "cordon m1 in iad: done"),
    ] {
        let what = format!("{action}: {result:?}");
        let tick = tick(vec![outcome(action, result)], Bounds::exactly(3));
        let deployment = Deployment::of(&tick);
        assert_eq!(deployment.before[&iad()], 2, "{what}");
        assert_eq!(deployment.after[&iad()], after.0, "{what}");
        let created = deployment.created.expect("asked for");
        assert_eq!((created.before[&iad()], created.after[&iad()]), (3, after.1), "{what}");
        let told = [
            ("deployed", deployment.deployed),
            ("removed", deployment.removed),
            ("skipped", deployment.skipped),
        ];
        for (name, entries) in told {
            let reasons: Vec<&str> = entries.iter().map(|own| own.reason.as_str()).collect();
            let wanted: &[&str] = if name == place { &[reason] } else { &[] };
            assert_eq!(reasons, wanted, "{what}: {name}");
        }
    }
}

#[test]
fn where_nothing_was_done_the_reason_that_decided_is_told() {
    let deployment = Deployment::of(&tick(Vec::new(), Bounds::default()));
    assert_eq!(deployment.created, None, "nobody asked how many there are");
    assert_eq!(deployment.before, deployment.after);
    let told: Vec<_> =
        deployment.skipped.iter().map(|own| (own.region.clone(), own.reason.as_str())).collect();
    assert_eq!(told, [(Some(iad()), "2 started, at least 3 wanted")]);
}

#[test]
fn without_a_plan_the_error_is_told() {
    let mut tick = tick(Vec::new(), Bounds::default());
    (tick.plan, tick.error) = (None, Some("list machines web: 500".into()));
    let deployment = Deployment::of(&tick);
    let nowhere =
        InRegion { region: None, group: None, reason: "list machines web: 500".to_owned() };
    assert_eq!(deployment, Deployment { skipped: vec![nowhere], ..Deployment::default() });
}
