//! Each rule of the decision as a table: what is there, what is wanted, what is done and why.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::{
    Action, Effect, GroupTargets, History, Observed, Plan, Policy, Reason, Recent, Release,
    ReleaseState, Targets, Verdict, Wanted, decide, guard_release,
};
use fly_autoscaler::model::{
    Bounds, HostStatus, Machine, MachineId, MachineState, ProcessGroup, Region, ScopeBounds,
    Timestamp,
};

use crate::double::machine;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `id:state:region`, separated by spaces.
fn machines(text: &str) -> Vec<Machine> {
    let one = |text: &str| {
        let mut parts = text.split(':');
        let mut next = |default| parts.next().unwrap_or(default);
        machine(next("m"), next("started"), next("iad"))
    };
    text.split_whitespace().map(one).collect()
}

fn number(text: &str) -> Bounds {
    match text.split_once("..") {
        Some((min, max)) => Bounds { min: min.parse().ok(), max: max.parse().ok() },
        None => text.parse().map_or_else(|_| Bounds::default(), Bounds::exactly),
    }
}

fn plan_with(
    machines: Vec<Machine>,
    created: &str,
    started: &str,
    policy: Policy,
    history: &History,
) -> Plan {
    let observed = Observed { machines, ..Observed::default() };
    plan_of(&observed, created, started, policy, history)
}

fn plan_of(
    observed: &Observed,
    created: &str,
    started: &str,
    policy: Policy,
    history: &History,
) -> Plan {
    let bounds = ScopeBounds { created: number(created), started: number(started) };
    let targets = Targets {
        groups: vec![GroupTargets::app_wide(
            ProcessGroup::new("app"),
            Arc::new(policy),
            Wanted::Bounds(bounds),
        )],
    };
    decide(observed, &targets, history, NOW)
}

fn plan(list: &str, created: &str, started: &str) -> Plan {
    plan_with(machines(list), created, started, Policy::default(), &History::new("t"))
}

/// The actions in short: `start b`, `create lhr`, `create lhr stopped`.
fn actions(plan: &Plan) -> String {
    let short = |action: &Action| match action {
        Action::Create { regions, start, .. } => {
            format!("create {}{}", regions[0], if *start { "" } else { " stopped" })
        }
        other => format!("{} {}", other.verb(), other.machine().map_or("", MachineId::as_str)),
    };
    let all: Vec<String> = plan.actions().map(|(_, planned)| short(&planned.action)).collect();
    all.join(", ")
}

fn codes(plan: &Plan) -> String {
    let codes: Vec<&str> = plan.scopes[0].reasons.iter().map(Reason::code).collect();
    codes.join(" ")
}

#[test]
fn counts_become_actions() {
    // machines, created, started -> actions, reasons
    let table = [
        ("a b", "-", "2", "", "within_bounds"),
        ("a b", "-", "1..3", "", "within_bounds"),
        ("a b:stopped", "-", "2", "start b", "below_min"),
        ("a b", "-", "1", "stop a", "above_max"),
        ("a b:starting", "-", "1", "stop a", "above_max"),
        ("a:starting b:starting", "-", "1", "", "above_max not_enough_started"),
        ("a", "-", "3", "", "below_min not_enough_stopped"),
        ("a", "3", "-", "create iad, create iad", "below_min"),
        ("a", "3", "2", "create iad, create iad stopped", "below_min below_min"),
        ("a b:stopped", "3", "2", "start b, create iad stopped", "below_min below_min"),
        ("a b:stopped", "1", "-", "destroy b", "above_max"),
        // A scope that destroys does nothing else: the start waits.
        ("a b:stopped c:failed", "2", "2", "destroy c", "above_max below_min"),
        ("a:failed b:stopped c:suspended d:created e", "4", "-", "destroy a", "above_max"),
        ("a b:stopping", "1", "-", "", "above_max waiting_for_stop"),
        ("a:hibernating", "0", "-", "", "keeps_last_machine"),
        ("a:updating b:replacing c", "1", "-", "stop c", "above_max not_enough_destroyable"),
        ("a b c", "2", "2", "stop a", "above_max above_max"),
        ("", "0", "-", "", "below_min no_machine_to_clone keeps_last_machine"),
    ];
    for (list, created, started, want, why) in table {
        let plan = plan(list, created, started);
        assert_eq!(actions(&plan), want, "{list} | created {created} started {started}");
        let mut got: Vec<String> = codes(&plan).split(' ').map(str::to_owned).collect();
        let mut why: Vec<String> = why.split(' ').map(str::to_owned).collect();
        // What is as wanted besides is said too, and does not matter here.
        got.retain(|code| code != "within_bounds" || why.contains(code));
        got.sort();
        why.sort();
        assert_eq!(got, why, "{list} | created {created} started {started}");
    }
}

#[test]
fn the_clone_source_is_sound_new_and_near() {
    let regions = vec![Region::new("lhr")];
    let source = |change: &dyn Fn(&mut Vec<Machine>)| {
        let mut list = machines("a:started:iad b:started:lhr c:stopped:lhr");
        change(&mut list);
        let policy = Policy { regions: regions.clone().into(), ..Policy::default() };
        let plan = plan_with(list, "4", "-", policy, &History::new("t"));
        plan.actions().find_map(|(_, planned)| match &planned.action {
            Action::Create { template, .. } => Some(template.source.to_string()),
            _ => None,
        })
    };
    assert_eq!(source(&|_| {}).as_deref(), Some("b"), "in the target region, lowest id");
    assert_eq!(source(&|list| list[1].is_cordoned = true).as_deref(), Some("c"));
    assert_eq!(source(&|list| list[0].facts.release_version = Some(2)).as_deref(), Some("a"));
    assert_eq!(source(&|list| list[1].state = MachineState::parse("failed")).as_deref(), Some("c"));
    let going = |list: &mut Vec<Machine>| {
        list[1].facts.bluegreen_tag = Some(Arc::from("safe_to_destroy"));
        list[2].config = None;
    };
    assert_eq!(source(&going).as_deref(), Some("a"));
}

#[test]
fn a_wrong_process_group_is_named() {
    let mut list = machines("a b");
    for machine in &mut list {
        machine.facts.group = Some(ProcessGroup::new("worker"));
    }
    let plan = plan_with(list, "1", "-", Policy::default(), &History::new("t"));
    assert_eq!(
        plan.scopes[0].reasons[1].to_string(),
        "no machine available to clone for scale up: no machine in process group app, but 2 in worker; \
         name the one to scale in process-group (FAS_PROCESS_GROUP) or process-groups"
    );
}

#[test]
fn a_group_without_a_machine_says_why() {
    let of = |group: &'static str| {
        move |own: &mut Machine| own.facts.group = Some(ProcessGroup::new(group))
    };
    let other = "no machine in process group app, but 2 in worker; name the one to scale in \
                 process-group (FAS_PROCESS_GROUP) or process-groups";
    let own = "every machine in process group app is a standby, scheduled, on its way out or the \
               autoscaler's own";
    let none =
        "the app has no machine; create the first one with `fly deploy` or `fly machine run`";
    // list, what is odd about each -> what is said, with starts to do and without
    type Row<'a> = (&'a str, &'a dyn Fn(&mut Machine), &'a str);
    let table: [Row<'_>; 5] = [
        ("a b", &of("worker"), other),
        ("a b", &of("fly_app_console"), none),
        ("", &|_| {}, none),
        ("a b", &|own| own.facts.is_standby = true, own),
        ("a:destroying b:destroyed", &|_| {}, own),
    ];
    for (list, change, said) in table {
        for (wanted, beside) in [("2", "below_min"), ("0", "within_bounds")] {
            let mut list = machines(list);
            list.iter_mut().for_each(change);
            let plan = plan_with(list, "-", wanted, Policy::default(), &History::new("t"));
            let reasons = &plan.scopes[0].reasons;
            let found = reasons.iter().find(|own| own.code() == "no_machines").unwrap();
            assert_eq!(found.to_string(), said);
            assert!(reasons.len() == 2 && reasons.iter().any(|own| own.code() == beside));
        }
    }
    // Out of sight is not gone, and a create has a reason of its own.
    let codes =
        |plan: &Plan| plan.scopes[0].reasons.iter().map(Reason::code).collect::<Vec<_>>().join(" ");
    let mut list = machines("a b");
    list.iter_mut().for_each(|own| own.host_status = HostStatus::Unreachable);
    let plan = plan_with(list.clone(), "-", "2", Policy::default(), &History::new("t"));
    assert_eq!(codes(&plan), "below_min not_enough_stopped");
    let plan = plan_with(list, "2", "-", Policy::default(), &History::new("t"));
    assert_eq!(codes(&plan), "below_min no_machine_to_clone");
    assert_eq!(
        plan.scopes[0].reasons[1].to_string(),
        "no machine available to clone for scale up: every machine is on a host that does not answer"
    );
}

#[test]
fn our_own_recent_actions_overlay_the_list() {
    let created = |machine: Option<&str>, launched| Effect::Created {
        create_id: Arc::from("c1"),
        machine: machine.map(MachineId::new),
        group: ProcessGroup::new("app"),
        region: Region::new("iad"),
        launched,
        volume: None,
    };
    let stopped = |id: &str| Effect::Stopped { machine: MachineId::new(id) };
    let started = |id: &str| Effect::Started { machine: MachineId::new(id) };
    let destroyed = |id: &str| Effect::Destroyed { machine: MachineId::new(id) };
    // the list says, we did, so long ago (s) -> created, started
    let table = [
        ("a", created(None, true), 5, (2, 2)),
        ("a", created(None, false), 5, (2, 1)),
        ("a", created(None, true), 61, (1, 1)),
        ("a b:created", created(Some("b"), true), 5, (2, 2)),
        ("a b:created", created(Some("b"), false), 5, (2, 1)),
        ("a b:stopped", started("b"), 5, (2, 2)),
        ("a b:stopped", started("b"), 61, (2, 1)),
        ("a b", stopped("b"), 5, (2, 1)),
        ("a b", destroyed("b"), 5, (1, 1)),
        ("a b", destroyed("b"), 61, (2, 2)),
    ];
    for (list, effect, ago, counts) in table {
        let mut history = History::new("t");
        let row = format!("{list} {effect:?} {ago}");
        history.recent.push(Recent { at: NOW.minus(Duration::from_secs(ago)), effect });
        let plan = plan_with(machines(list), "-", "-", Policy::default(), &history);
        let observed = plan.scopes[0].observed;
        assert_eq!((observed.created, observed.started), counts, "{row}");
    }
}

#[test]
fn what_the_list_confirms_is_no_longer_overlaid() {
    let mut history = History::new("t");
    history.record(NOW, Effect::Started { machine: MachineId::new("b") });
    let confirmed = plan_with(machines("a b"), "-", "2", Policy::default(), &history);
    assert!(confirmed.next.recent.is_empty());
    // It crashed right after: the next tick sees it as it is and starts it again.
    let crashed = plan_with(machines("a b:stopped"), "-", "2", Policy::default(), &confirmed.next);
    assert_eq!(actions(&crashed), "start b");
}

#[test]
fn an_unhealthy_fleet_is_neither_grown_nor_shrunk() {
    let mut list = machines("a b c d e f:stopped g h i");
    for machine in list.iter_mut().take(5) {
        machine.host_status = HostStatus::Unreachable;
    }
    let grow = plan_with(list.clone(), "9", "4", Policy::default(), &History::new("t"));
    assert_eq!(actions(&grow), "start f", "starting is no create");
    assert!(codes(&grow).contains("fleet_unhealthy"));
    let shrink = plan_with(list, "1", "-", Policy::default(), &History::new("t"));
    assert_eq!((shrink.verdict, actions(&shrink).as_str()), (Verdict::Hold, ""));
}

#[test]
fn a_region_that_fly_cannot_list_holds_creates_and_destroys_where_it_matters() {
    // region | created | started | actions | whether the region stands in the way
    let table = [
        ("iad", "3", "2", "start b", true),
        ("iad", "1", "-", "", true),
        ("iad", "2", "1", "", false),
        ("lhr", "3", "2", "start b", true),
        ("syd", "3", "2", "start b, create lhr stopped", false),
        ("syd", "1", "-", "destroy b", false),
    ];
    for (region, created, started, want, holds) in table {
        // The group may get machines in lhr, and has some in iad.
        let policy = Policy { regions: vec![Region::new("lhr")].into(), ..Policy::default() };
        let observed = Observed {
            machines: machines("a b:stopped"),
            error_regions: vec![Region::new(region)],
            ..Observed::default()
        };
        let plan = plan_of(&observed, created, started, policy, &History::new("t"));
        let case = format!("{region} {created} {started}: {}", codes(&plan));
        assert_eq!(actions(&plan), want, "{case}");
        assert_eq!(codes(&plan).contains("regions_unread"), holds, "{case}");
    }
}

#[test]
fn a_hold_breaks_the_row_of_wishes_for_a_large_destroy() {
    let eight = "a:stopped b:stopped c:stopped d:stopped e:stopped f:stopped g:stopped h:stopped";
    let tick = |history: &History, created: &str| {
        plan_with(machines(eight), created, "-", Policy::default(), history)
    };
    let first = tick(&History::new("t"), "1");
    let second = tick(&first.next, "1");
    // min above max: a tick that cannot judge.
    let held = tick(&second.next, "5..2");
    let third = tick(&held.next, "1");
    assert_eq!(actions(&third), "", "the count begins anew");
    let small = tick(&second.next, "6");
    assert_eq!(actions(&small), "destroy a, destroy b", "a small destroy needs no row");
}

#[test]
fn a_release_under_way_holds() {
    let release = |status: &str, age: Option<u64>| {
        ReleaseState::Known(Release {
            version: 7,
            status: status.into(),
            created_at: age.map(|age| NOW.minus(Duration::from_secs(age))),
        })
    };
    let table = [
        (ReleaseState::Ignored, "start b", "below_min"),
        (ReleaseState::None, "start b", "below_min"),
        (release("complete", Some(5)), "start b", "below_min"),
        (release("failed", Some(5)), "start b", "below_min"),
        (release("running", Some(5)), "", "below_min release_in_progress"),
        (release("running", None), "", "below_min release_in_progress"),
        (release("running", Some(3601)), "start b", "below_min release_abandoned"),
        (ReleaseState::Unreadable("503".into()), "", "below_min release_unreadable"),
    ];
    for (release, want, why) in table {
        let plan = plan("a b:stopped", "-", "2");
        let plan = guard_release(plan, &release, Duration::from_secs(3600), NOW);
        assert_eq!((actions(&plan).as_str(), codes(&plan).as_str()), (want, why), "{release:?}");
    }
}

#[test]
fn what_was_stopped_only_to_be_destroyed_runs_again_when_it_is_wanted_again() {
    let tick = |list: &str, created: &str, started: &str, history: &History| {
        plan_with(machines(list), created, started, Policy::default(), history)
    };
    let first = tick("a b", "1", "-", &History::new("t"));
    assert_eq!(actions(&first), "stop a");
    // Wanted again before it was destroyed; while it stops, nothing can be done yet.
    let stopping = tick("a:stopping b", "2", "-", &first.next);
    assert_eq!(actions(&stopping), "");
    let again = tick("a:stopped b", "2", "-", &stopping.next);
    assert_eq!(actions(&again), "start a");
    let running = tick("a b", "2", "-", &again.next);
    assert!(running.next.stopped_to_destroy.is_empty());

    // Someone else's stopped machine stays stopped, and a started count decides by itself.
    assert_eq!(actions(&tick("a:stopped b", "2", "-", &History::new("t"))), "");
    assert_eq!(actions(&tick("a:stopped b", "2", "1", &first.next)), "");
    // Still unwanted: destroyed.
    assert_eq!(actions(&tick("a:stopped b", "1", "-", &first.next)), "destroy a");
}
