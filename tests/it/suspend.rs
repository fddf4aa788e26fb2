//! `stop-action: suspend`: which machines are suspended, which are stopped instead, and what is done to
//! make it so. Whole ticks are in `faults::suspends`.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::act::{Outcome, UnderWay, act};
use fly_autoscaler::decide::{
    Effect, GroupTargets, History, Observed, Plan, Policy, Reason, Targets, Wanted, check, decide,
};
use fly_autoscaler::model::{
    AppName, Bounds, Machine, MachineId, ProcessGroup, ScopeBounds, SuspendObstacle, Timestamp,
};
use fly_autoscaler::ports::ErrorClass;

use crate::double::{Double, machine, unpaused};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `id:state:obstacle`, separated by spaces.
fn machines(text: &str) -> Vec<Machine> {
    let one = |text: &str| {
        let mut parts = text.split(':');
        let mut next = |default| parts.next().unwrap_or(default);
        let mut machine = machine(next("m"), next("started"), "iad");
        machine.facts.suspend_obstacle = match next("") {
            "" => None,
            "memory" => Some(SuspendObstacle::Memory),
            "swap" => Some(SuspendObstacle::Swap),
            "gpu" => Some(SuspendObstacle::Gpu),
            "unknown" => Some(SuspendObstacle::Unknown),
            other => panic!("{other}"),
        };
        machine
    };
    text.split_whitespace().map(one).collect()
}

fn plan_with(list: &str, created: &str, started: &str, policy: Policy, history: &History) -> Plan {
    let number = |text: &str| text.parse().map_or_else(|_| Bounds::default(), Bounds::exactly);
    let bounds = ScopeBounds { created: number(created), started: number(started) };
    let group =
        GroupTargets::app_wide(ProcessGroup::new("app"), Arc::new(policy), Wanted::Bounds(bounds));
    let observed = Observed { machines: machines(list), ..Observed::default() };
    let plan = decide(&observed, &Targets { groups: vec![group] }, history, NOW);
    assert_eq!(check::check(&plan, &observed), Vec::<String>::new());
    plan
}

fn suspending() -> Policy {
    Policy { suspend: true, ..Policy::default() }
}

fn plan(list: &str, created: &str, started: &str) -> Plan {
    plan_with(list, created, started, suspending(), &History::new("t"))
}

/// The actions in short: `suspend b, stop c`.
fn actions(plan: &Plan) -> String {
    let short = plan.actions().map(|(_, planned)| {
        let action = &planned.action;
        format!("{} {}", action.verb(), action.machine().map_or("", MachineId::as_str))
    });
    short.collect::<Vec<_>>().join(", ")
}

/// What is said about machines that are stopped instead.
fn said(plan: &Plan) -> String {
    let reasons = plan.scopes[0].reasons.iter();
    let own = reasons.filter(|reason| matches!(reason, Reason::CannotSuspend { .. }));
    own.map(ToString::to_string).collect::<Vec<_>>().join(" | ")
}

#[test]
fn each_machine_is_suspended_where_fly_can_and_else_stopped() {
    // machines, created, started -> actions, what is said
    let table = [
        ("a b c", "-", "1", "suspend a, suspend b", ""),
        ("a b c", "-", "0", "suspend a, suspend b, suspend c", ""),
        (
            "a:started:memory b c",
            "-",
            "1",
            "stop a, suspend b",
            "1 stopped, not suspended: 1 with more than 2 GB of memory",
        ),
        // What would only be next in order is not counted.
        ("a b c:started:swap", "-", "1", "suspend a, suspend b", ""),
        (
            "a:started:gpu b:started:swap c:started:unknown d:started:memory e:started:memory f",
            "-",
            "0",
            "stop a, stop b, stop c, stop d, stop e, suspend f",
            "5 stopped, not suspended: 2 with more than 2 GB of memory, 1 with swap, 1 with a GPU, \
             1 whose size is not known",
        ),
        // On its way to be destroyed: a suspended one would keep its memory for nothing.
        ("a b c", "2", "-", "stop a", ""),
        ("a b c", "2", "2", "stop a", ""),
        // A suspended one is destroyed before one that runs is stopped.
        ("a b:suspended", "1", "-", "destroy b", ""),
        ("a b:suspending", "1", "-", "", ""),
        // On its way down already.
        ("a b:suspending", "-", "1", "", ""),
        // Up again: the suspended ones first.
        ("a b:stopped c:suspended", "-", "2", "start c", ""),
        ("a:stopped b:suspended c:suspended", "-", "3", "start b, start c, start a", ""),
        ("a b", "-", "-", "", ""),
    ];
    for (list, created, started, want, why) in table {
        let plan = plan(list, created, started);
        let row = format!("{list} | created {created} started {started}");
        assert_eq!((actions(&plan).as_str(), said(&plan).as_str()), (want, why), "{row}");
    }
}

#[test]
fn without_it_everything_is_stopped_and_nothing_is_said() {
    let plan = plan_with("a b:started:swap c", "-", "1", Policy::default(), &History::new("t"));
    assert_eq!((actions(&plan).as_str(), said(&plan).as_str()), ("stop a, stop b", ""));
}

#[test]
fn what_fly_refused_to_suspend_is_stopped_for_some_hours_or_as_long_as_it_is_there() {
    const HOUR: u64 = 3600;
    // the list, since the refusal (s) -> actions, whether it is remembered on
    let table = [
        ("a b", 0, "stop a", true),
        ("a b", 15, "stop a", true),
        ("a b", 6 * HOUR - 1, "stop a", true),
        ("a b", 6 * HOUR, "suspend a", false),
        ("b c", 15, "suspend b", false),
        ("a:suspended b c", 15, "suspend b", true),
    ];
    for (list, ago, want, remembered) in table {
        let mut history = History::new("t");
        let at = NOW.minus(Duration::from_secs(ago));
        history.refused_suspends.insert(MachineId::new("a"), at);
        let plan = plan_with(list, "-", "1", suspending(), &history);
        let kept = plan.next.refused_suspends.contains_key("a");
        assert_eq!((actions(&plan).as_str(), kept), (want, remembered), "{list}, {ago} s ago");
        let why = "1 stopped, not suspended: 1 that Fly refused to suspend";
        assert_eq!(said(&plan), if want == "stop a" { why } else { "" }, "{list}, {ago} s ago");
    }
    // A clock that was set back does not make it last.
    let mut history = History::new("t");
    let later = NOW.plus(Duration::from_secs(7 * HOUR));
    history.refused_suspends.insert(MachineId::new("a"), later);
    assert_eq!(actions(&plan_with("a b", "-", "1", suspending(), &history)), "suspend a");
}

#[test]
fn a_suspend_is_laid_over_the_list_until_that_confirms_it() {
    let suspended = Effect::Suspended { machine: MachineId::new("b") };
    // the list says, so long ago (s) -> started, can be started, whether it is laid over the next one
    let table = [
        ("a b", 5, (1, 0), true),
        ("a b", 61, (2, 0), false),
        ("a b:suspending", 5, (1, 0), false),
        ("a b:suspended", 5, (1, 1), false),
        // Fly could not, and stopped it.
        ("a b:stopped", 5, (1, 1), false),
    ];
    for (list, ago, counts, kept) in table {
        let mut history = History::new("t");
        history.record(NOW.minus(Duration::from_secs(ago)), suspended.clone());
        let plan = plan_with(list, "-", "-", suspending(), &history);
        let observed = plan.scopes[0].observed;
        let row = format!("{list}, {ago} s ago");
        assert_eq!((observed.started, observed.stopped), counts, "{row}");
        assert_eq!(!plan.next.recent.is_empty(), kept, "{row}");
    }
}

async fn acted(api: &Double, plan: &Plan) -> Vec<Outcome> {
    let under_way = UnderWay::default();
    act(api, &AppName::new("app"), plan, unpaused(1, &under_way), std::future::pending()).await
}

/// What the next decision starts from.
fn remembered(plan: &Plan, outcomes: &[Outcome]) -> History {
    let mut history = plan.next.clone();
    outcomes.iter().for_each(|outcome| outcome.remember(&mut history, NOW));
    history
}

#[tokio::test]
async fn a_suspend_that_fails_passes_to_the_next_machine_in_order() {
    use ErrorClass::{Authorization, Conflict, Gone, RateLimited, Transient, Unsupported};
    let tried = ["suspend a", "stop b", "suspend c"];
    // the class, whether it may have happened -> how many calls, whether it is not asked again
    let table = [
        (Unsupported, false, 2, true),
        (Conflict, false, 2, false),
        (RateLimited, false, 2, false),
        (Transient, false, 2, false),
        // One machine too few would be an outage.
        (Transient, true, 1, false),
        (Authorization, false, 1, false),
        (Gone, false, 1, false),
    ];
    for (class, unknown, calls, refused) in table {
        let plan = plan("a b:started:memory c d", "-", "3");
        let api = Double::default().failing("suspend a", class, unknown);
        let outcomes = acted(&api, &plan).await;
        assert_eq!(api.calls(), tried[..calls], "{class:?}");
        assert!(outcomes.iter().all(|outcome| outcome.reason == plan.scopes[0].reasons[0]));
        let history = remembered(&plan, &outcomes);
        assert_eq!(history.refused_suspends.contains_key("a"), refused, "{class:?}");
    }
    // The one that stands in for it is stopped, not suspended, and may fail too.
    let plan = plan("a b:started:memory c d", "-", "3");
    let api = Double::default()
        .failing("suspend a", Unsupported, false)
        .failing("stop b", Conflict, false);
    let outcomes = acted(&api, &plan).await;
    assert_eq!(api.calls(), tried);
    let history = remembered(&plan, &outcomes);
    let effects: Vec<_> = history.recent.iter().map(|recent| recent.effect.clone()).collect();
    assert_eq!(effects, [Effect::Suspended { machine: MachineId::new("c") }]);
    assert_eq!(history.refused_suspends.keys().map(MachineId::as_str).collect::<Vec<_>>(), ["a"]);
}
