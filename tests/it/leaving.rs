//! Which machines leave, in which order, and by which steps: `stop-order: least-loaded`,
//! `cordon-before-stop`, `destroy: managed`. Several scopes are in `leaving::regions`, whole ticks in
//! `leaving::ticks`.

mod regions;
mod ticks;

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::act::{Outcome, UnderWay, act};
use fly_autoscaler::decide::{
    Cordoned, Effect, GroupTargets, History, Loads, Observed, Plan, Policy, ScopePlan, StopOrder,
    Targets, Wanted, check, decide,
};
use fly_autoscaler::model::{
    AppName, Bounds, Machine, MachineId, ProcessGroup, Region, ScopeBounds, Timestamp,
};
use fly_autoscaler::ports::ErrorClass;

use crate::double::{Double, machine, unpaused};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `id:state:marks`, separated by spaces: `c30` is cordoned by us 30 seconds ago, `c` by someone else, `u30`
/// bears our mark and is back in rotation, `m` is managed, `x` is in the region fra.
fn machines(text: &str) -> Vec<Machine> {
    let one = |text: &str| {
        let mut parts = text.split(':');
        let mut machine = machine(parts.next().unwrap(), parts.next().unwrap_or("started"), "iad");
        for mark in parts {
            let ago = |text: &str| {
                let seconds = text.parse().ok()?;
                Some(NOW.minus(Duration::from_secs(seconds)))
            };
            match mark.split_at(1) {
                ("c", since) => {
                    machine.is_cordoned = true;
                    machine.facts.cordoned_at = ago(since);
                }
                ("u", since) => machine.facts.cordoned_at = ago(since),
                ("m", _) => machine.facts.is_managed = true,
                ("x", _) => machine.region = Region::new("fra"),
                other => panic!("{other:?}"),
            }
        }
        machine
    };
    text.split_whitespace().map(one).collect()
}

/// `a=1.5 b=2`
fn loads(text: &str) -> Loads {
    let one = |text: &str| {
        let (id, load) = text.split_once('=').unwrap();
        (MachineId::new(id), load.parse().unwrap())
    };
    Loads::Known(text.split_whitespace().map(one).collect())
}

fn observed(list: &str, loads: Option<Loads>) -> Observed {
    let group = ProcessGroup::new("app");
    let loads = loads.map(|loads| (group, loads)).into_iter().collect();
    Observed { machines: machines(list), loads, ..Observed::default() }
}

fn plan(observed: &Observed, created: &str, started: &str, policy: &Policy) -> Plan {
    plan_after(observed, created, started, policy, &History::new("t"))
}

fn plan_after(
    observed: &Observed,
    created: &str,
    started: &str,
    policy: &Policy,
    history: &History,
) -> Plan {
    let bounds = |text: &str| match text.split_once("..") {
        Some((min, max)) => Bounds { min: min.parse().ok(), max: max.parse().ok() },
        None => text.parse().map_or_else(|_| Bounds::default(), Bounds::exactly),
    };
    let bounds = ScopeBounds { created: bounds(created), started: bounds(started) };
    let policy = Arc::new(policy.clone());
    let group = GroupTargets::app_wide(ProcessGroup::new("app"), policy, Wanted::Bounds(bounds));
    let plan = decide(observed, &Targets { groups: vec![group] }, history, NOW);
    assert_eq!(check::check(&plan, observed), Vec::<String>::new());
    plan
}

/// The actions in short, with the machines that could take their place: `cordon b, stop c | stop d`.
fn actions(plan: &Plan) -> String {
    actions_in(&plan.scopes[0])
}

fn actions_in(scope: &ScopePlan) -> String {
    let short = |action: &fly_autoscaler::decide::Action| {
        let machine = action.machine().map_or("-".to_owned(), ToString::to_string);
        format!("{} {machine}", action.verb())
    };
    let acts: Vec<_> = scope.actions.iter().map(|planned| short(&planned.action)).collect();
    let spares: Vec<_> = scope.spares.iter().map(short).collect();
    let spares =
        if spares.is_empty() { String::new() } else { format!(" | {}", spares.join(", ")) };
    acts.join(", ") + &spares
}

/// The reasons of a scope in their words, but for how many machines there are.
fn reasons(plan: &Plan) -> String {
    reasons_in(&plan.scopes[0])
}

fn reasons_in(scope: &ScopePlan) -> String {
    let texts = scope.reasons.iter().filter(|own| {
        !matches!(own.code(), "above_max" | "within_bounds" | "below_min" | "draining")
    });
    texts.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn least_loaded() -> Policy {
    Policy { stop_order: StopOrder::LeastLoaded, ..Policy::default() }
}

fn cordoning(seconds: u64) -> Policy {
    Policy { cordon_before_stop: Some(Duration::from_secs(seconds)), ..Policy::default() }
}

#[test]
fn the_least_loaded_leaves_first_and_one_of_which_nothing_is_known_last() {
    let failed = || Some(Loads::Unreadable("no answer within 10s".to_owned()));
    let none = "machines leave by id, not by load (stop-metric): no series has one of the machines in its label `instance`, and a finite value";
    let told = "machines leave by id, not by load (stop-metric): no answer within 10s";
    // machines | created | started | loads | actions | reasons
    let table = [
        ("a b c", "", "2", Some(loads("a=3 b=1 c=2")), "stop b | stop c, stop a", ""),
        ("a b c", "", "1", Some(loads("a=3 b=-1 c=0")), "stop b, stop c | stop a", ""),
        // Equal: by id. No value: last.
        ("c b a", "", "2", Some(loads("a=1 b=1 c=1")), "stop a | stop b, stop c", ""),
        ("a b c", "", "2", Some(loads("c=900")), "stop c | stop a, stop b", ""),
        ("a b c", "", "2", Some(loads("a=0 b=-0 c=1")), "stop a | stop b, stop c", ""),
        // Nothing known: by id, and why.
        ("a b c", "", "2", failed(), "stop a | stop b, stop c", told),
        ("a b c", "", "2", Some(loads("")), "stop a | stop b, stop c", none),
        ("a b c", "", "2", Some(loads("other=1")), "stop a | stop b, stop c", none),
        // Asked for by nobody yet: a plan that is made again.
        ("a b c", "", "2", None, "stop a | stop b, stop c", ""),
        // Nothing leaves, so it does not matter.
        ("a b c", "", "3", failed(), "", ""),
        // Destroyed is first what does not run, then the least loaded, which is stopped before.
        ("a b c:stopped", "2", "", Some(loads("a=3 b=1")), "destroy c", ""),
        ("a b c", "2", "", Some(loads("a=3 b=1 c=2")), "stop b", ""),
        ("a:stopped b:stopped c", "2", "", Some(loads("b=0")), "destroy b", none),
    ];
    for (list, created, started, loads, want, said) in table {
        let plan = plan(&observed(list, loads), created, started, &least_loaded());
        assert_eq!(actions(&plan), want, "{list} {created} {started}");
        assert_eq!(reasons(&plan), said, "{list} {created} {started}");
    }
}

#[test]
fn a_metric_says_nothing_where_machines_leave_in_another_order() {
    let seen = observed("a b c", Some(loads("c=0 b=1")));
    assert_eq!(actions(&plan(&seen, "", "2", &Policy::default())), "stop a | stop b, stop c");
}

#[test]
fn a_machine_is_cordoned_first_and_stopped_when_it_was_so_for_long_enough() {
    let until = |seconds: u64| {
        let until = NOW.plus(Duration::from_secs(seconds));
        format!("1 cordoned and not stopped yet, the first at {until}")
    };
    let others = "1 that run are cordoned by someone else, and stay so";
    // machines | created | started | actions | reasons
    let table = [
        ("a b c", "", "2", "cordon a | cordon b, cordon c", String::new()),
        ("a b c:started:c10", "", "2", "", until(50)),
        ("a b c:started:c60", "", "2", "stop c | cordon a, cordon b", String::new()),
        // The longest cordoned first; what is not to go serves again.
        ("a:started:c10 b c:started:c61", "", "2", "uncordon a, stop c | cordon b", String::new()),
        ("a b:started:c10 c", "", "1", "cordon a | cordon c", until(50)),
        // Demand is back: it serves before another is started.
        ("a b:started:c10 c:stopped", "", "2", "uncordon b", String::new()),
        ("a b:started:c10 c:stopped", "", "3", "uncordon b, start c", String::new()),
        ("a b:started:c10 c:stopped", "", "1..3", "uncordon b", String::new()),
        // One that someone else has cordoned gets nothing new already, and is left cordoned.
        ("a b:started:c c", "", "0", "cordon a, stop b, cordon c", others.to_owned()),
        ("a b:started:c c", "", "3", "", others.to_owned()),
        // At rest it goes back too, and a mark that is left goes.
        ("a b:stopped:c90", "", "1", "uncordon b", String::new()),
        ("a b:suspended:c90", "", "1", "uncordon b", String::new()),
        ("a b:stopping:c90", "", "1", "", String::new()),
        ("a b:started:u90", "", "2", "uncordon b", String::new()),
        ("a b:stopping:u90", "", "1", "", String::new()),
        ("a b:stopped:u90", "", "1", "uncordon b", String::new()),
        ("a b:stopped:c", "", "1", "", String::new()),
        // A start comes before it: the machine is put back when it is on its way.
        ("a b:stopped:c90", "", "2", "start b", String::new()),
        ("a b:starting:c90", "", "2", "uncordon b", String::new()),
        // Stopped to be destroyed: cordoned before that.
        ("a b c", "2", "", "cordon a", String::new()),
        ("a b c:started:c10", "2", "", "", until(50)),
        ("a b c:started:c60", "2", "", "stop c", String::new()),
        ("a b c:stopped:c90", "2", "", "destroy c", String::new()),
        ("a b:started:c90 c:stopped", "2", "", "uncordon b, destroy c", String::new()),
        // What is on its way to be stopped stays so while another one is destroyed, if it is to go still.
        ("a b:started:c10 c d:stopped", "3", "2", "destroy d", String::new()),
        ("a b:started:c90 c d:stopped", "3", "2", "destroy d", String::new()),
        ("a b:started:c10 c d:stopped", "3", "3", "uncordon b, destroy d", String::new()),
        (
            "a:started:c10 b:started:c20 c d:stopped",
            "3",
            "2",
            "uncordon a, destroy d",
            String::new(),
        ),
        ("a:started:u90 b c:stopped", "2", "1", "uncordon a, destroy c", String::new()),
        // Those that run go back first, then by id, whatever the order of the list.
        (
            "c:stopped:c90 b:started:c10 a:stopped:c90",
            "",
            "1",
            "uncordon b, uncordon a, uncordon c",
            String::new(),
        ),
        // What goes back stands in for no other.
        ("a b:started:u90 c", "", "2", "uncordon b, cordon a | cordon c", String::new()),
        // At rest one that was stopped goes before one that was suspended, and neither is cordoned.
        ("a:suspended b:stopped c", "2", "", "destroy b", String::new()),
        // One that others have cordoned has its place in the order, and is stopped without a step before.
        ("a b c:started:c", "", "2", "cordon a | cordon b, stop c", others.to_owned()),
    ];
    for (list, created, started, want, said) in table {
        let plan = plan(&observed(list, None), created, started, &cordoning(60));
        assert_eq!(actions(&plan), want, "{list} {created} {started}");
        assert_eq!(reasons(&plan), said, "{list} {created} {started}");
    }
}

#[test]
fn a_load_that_changes_has_no_second_machine_cordoned() {
    let policy = Policy { stop_order: StopOrder::LeastLoaded, ..cordoning(60) };
    let seen = |list: &str, text: &str| observed(list, Some(loads(text)));
    let first = plan(&seen("a b c", "a=3 b=1 c=2"), "", "2", &policy);
    assert_eq!(actions(&first), "cordon b | cordon c, cordon a");
    // It finishes what it has; by now another one has less to do, or nothing is known of it any more.
    for text in ["a=0 b=1 c=2", "a=0 c=0"] {
        let second = plan(&seen("a b:started:c30 c", text), "", "2", &policy);
        assert_eq!(actions(&second), "", "{text}");
        let third = plan(&seen("a b:started:c60 c", text), "", "2", &policy);
        assert!(actions(&third).starts_with("stop b"), "{text}");
    }
}

#[test]
fn without_the_setting_what_bears_our_mark_is_put_back_or_stopped_at_once() {
    let off = Policy::default();
    let table = [
        ("a b c:started:c1", "3", "uncordon c"),
        ("a b c:started:c1", "2", "stop c | stop a, stop b"),
        ("a b c:started:c", "3", ""),
    ];
    for (list, started, want) in table {
        assert_eq!(actions(&plan(&observed(list, None), "", started, &off)), want, "{list}");
    }
}

#[test]
fn suspending_force_and_excluded_regions_go_with_a_cordon() {
    let suspending = Policy { suspend: true, ..cordoning(60) };
    let forcing = Policy { destroy_force: true, ..cordoning(60) };
    let order = |policy: &Policy| Policy { stop_order: StopOrder::Newest, ..policy.clone() };
    // machines | created | started | policy | actions
    let table = [
        ("a b", "", "1", &suspending, "cordon a | cordon b"),
        ("a:started:c60 b", "", "1", &suspending, "suspend a | cordon b"),
        // Stopped to be destroyed it is never suspended.
        ("a:started:c60 b", "1", "", &suspending, "stop a"),
        // By force is at once.
        ("a b", "1", "", &forcing, "destroy a"),
        ("a b:started:c1", "1", "", &forcing, "destroy b"),
        ("a b:started:c1", "", "1", &order(&cordoning(60)), ""),
    ];
    for (list, created, started, policy, want) in table {
        let plan = plan(&observed(list, None), created, started, policy);
        assert_eq!(actions(&plan), want, "{list} {created} {started}");
    }
    let excluded = Policy { excluded_regions: vec![Region::new("fra")], ..cordoning(60) };
    let plan = plan(&observed("a b:started:x c", None), "", "2", &excluded);
    assert_eq!(actions(&plan), "cordon b | cordon a, cordon c");
}

#[test]
fn only_what_an_autoscaler_has_created_is_destroyed_where_that_is_asked_for() {
    let managed = Policy { destroy_managed: true, ..Policy::default() };
    let left = |count| {
        format!("{count} not created by the autoscaler, so not destroyed (destroy: managed)")
    };
    // machines | created | actions | reasons
    let table = [
        ("a b:started:m c:stopped:m", "2", "destroy c", String::new()),
        ("a:stopped b:stopped:m c", "2", "destroy b", left(1)),
        ("a:stopped b:started:m c", "2", "stop b", left(1)),
        ("a b c:started:m", "1", "stop c", left(2)),
        ("a b c", "1", "", left(3)),
        ("a b c", "3", "", String::new()),
    ];
    for (list, created, want, said) in table {
        let plan = plan(&observed(list, None), created, "", &managed);
        assert_eq!(actions(&plan), want, "{list} {created}");
        assert_eq!(reasons(&plan), said, "{list} {created}");
        assert!(!plan.scopes[0].is_held());
    }
    // Stopping destroys nothing.
    assert_eq!(actions(&plan(&observed("a b", None), "", "1", &managed)), "stop a | stop b");
}

#[test]
fn what_was_done_a_moment_ago_is_laid_over_the_list() {
    let id = |text: &str| MachineId::new(text);
    let mut history = History::new("t");
    history.record(NOW.minus(Duration::from_secs(5)), Effect::Cordoned { machine: id("b") });
    history.cordoned.insert(id("b"), Cordoned::since(NOW.minus(Duration::from_secs(5))));
    let policy = cordoning(60);
    let again = plan_after(&observed("a b c", None), "", "2", &policy, &history);
    assert_eq!(actions(&again), "");
    assert!(again.next.cordoned.contains_key(&id("b")));

    let mut history = History::new("t");
    history.record(NOW.minus(Duration::from_secs(9)), Effect::Started { machine: id("b") });
    history.record(NOW.minus(Duration::from_secs(5)), Effect::Uncordoned { machine: id("b") });
    assert_eq!(history.recent.len(), 2, "a start is not forgotten over it");
    let again = plan_after(&observed("a b:stopped:c60 c", None), "", "3", &policy, &history);
    assert_eq!(actions(&again), "");
    assert_eq!(again.scopes[0].observed.started, 3);
}

/// What is remembered after the actions of `plan`, where each of `answers` is an error.
async fn acted(plan: &Plan, double: &Double) -> (Vec<Outcome>, History) {
    let app = AppName::new("app");
    let (under_way, never) = (UnderWay::default(), futures::future::pending());
    let outcomes = act(double, &app, plan, unpaused(1, &under_way), Box::pin(never)).await;
    let mut history = plan.next.clone();
    outcomes.iter().for_each(|outcome| outcome.remember(&mut history, NOW));
    (outcomes, history)
}

#[tokio::test]
async fn the_mark_is_set_before_the_cordon_and_taken_away_after_it() {
    let double = Double::default();
    let (_, history) = acted(&plan(&observed("a b", None), "", "1", &cordoning(60)), &double).await;
    assert_eq!(
        double.calls(),
        [format!("mark a fly_autoscaler_cordoned = {NOW}"), "cordon a".into()]
    );
    assert_eq!(history.cordoned[&MachineId::new("a")], Cordoned::since(NOW));

    let double = Double::default();
    let back = plan(&observed("a:started:c9 b", None), "", "2", &cordoning(60));
    assert!(back.next.cordoned.contains_key(&MachineId::new("a")));
    let (_, history) = acted(&back, &double).await;
    assert_eq!(double.calls(), ["uncordon a", "mark a fly_autoscaler_cordoned -"]);
    assert!(history.cordoned.is_empty());
}

#[tokio::test]
async fn a_machine_that_fly_will_not_stop_serves_again_and_another_one_goes() {
    let policy = cordoning(60);
    let stop = plan(&observed("a:started:c60 b c", None), "", "2", &policy);
    let double = Double::default().failing("stop a", ErrorClass::Conflict, false);
    let (_, history) = acted(&stop, &double).await;
    let mark = format!("mark b fly_autoscaler_cordoned = {NOW}");
    assert_eq!(double.calls(), ["stop a".to_owned(), mark, "cordon b".to_owned()]);
    let next =
        plan_after(&observed("a:started:c75 b:started:c15 c", None), "", "2", &policy, &history);
    assert_eq!(actions(&next), "uncordon a");

    // A passing trouble, or a suspend that is a stop in the next tick: nobody else is bothered.
    for class in [ErrorClass::Transient, ErrorClass::Unsupported] {
        let double = Double::default().failing("stop a", class, false);
        let (_, history) = acted(&stop, &double).await;
        assert_eq!(double.calls(), ["stop a"], "{class:?}");
        assert!(!history.cordoned[&MachineId::new("a")].stop_failed, "{class:?}");
    }
}

#[tokio::test]
async fn a_cordon_that_fails_goes_to_the_next_machine() {
    let double = Double::default().failing("cordon a", ErrorClass::Conflict, false);
    let (outcomes, history) =
        acted(&plan(&observed("a b c", None), "", "2", &cordoning(60)), &double).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_done()).count(), 1);
    assert!(double.calls().contains(&"cordon b".to_owned()));
    assert_eq!(history.cordoned.keys().map(MachineId::as_str).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test]
async fn an_uncordon_that_fly_refuses_at_rest_waits_until_the_machine_runs() {
    let policy = cordoning(60);
    let at_rest = plan(&observed("a b:stopped:c90", None), "", "1", &policy);
    let double = Double::default().failing("uncordon b", ErrorClass::Conflict, false);
    let (_, history) = acted(&at_rest, &double).await;
    let next = |list: &str, started: &str| {
        actions(&plan_after(&observed(list, None), "", started, &policy, &history))
    };
    assert_eq!(next("a b:stopped:c95", "1"), "");
    assert_eq!(next("a b:started:c95", "2"), "uncordon b");
}
