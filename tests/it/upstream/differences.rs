//! What is done differently on purpose, decision by decision. `docs/differences.md` names these tests.

use std::time::Duration;

use fly_autoscaler::decide::{Release, ReleaseState, guard_release};

use super::*;

#[tokio::test]
async fn a_machine_on_its_way_up_counts_as_started() {
    let api = Double::default();
    let machines = states(&[("1", "starting", "iad"), ("2", "stopped", "iad")]);
    let _ = reconcile(&api, &machines, started(Some(1), Some(1))).await;
    assert_eq!(api.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn suspended_machines_are_woken_before_stopped_ones() {
    let api = Double::default();
    let machines = states(&[("1", "stopped", "iad"), ("2", "suspended", "iad")]);
    let _ = reconcile(&api, &machines, started(Some(1), Some(1))).await;
    assert_eq!(api.calls(), ["start 2"]);
}

#[tokio::test]
async fn a_machine_that_runs_is_stopped_before_it_is_destroyed() {
    let api = Double::default();
    let mut machines = states(&[("1", "started", "iad"), ("2", "started", "iad")]);
    let _ = reconcile(&api, &machines, created(Some(1), Some(1))).await;
    assert_eq!(api.calls(), ["stop 1"]);

    machines[0].state = MachineState::Stopping;
    let api = Double::default();
    let (plan, _) = reconcile(&api, &machines, created(Some(1), Some(1))).await;
    assert_eq!(api.calls(), Vec::<String>::new());
    assert!(codes(&plan).contains(&"waiting_for_stop"));

    machines[0].state = MachineState::Stopped;
    let api = Double::default();
    let _ = reconcile(&api, &machines, created(Some(1), Some(1))).await;
    assert_eq!(api.calls(), ["destroy 1"]);
}

#[tokio::test]
async fn min_above_max_holds_instead_of_flapping() {
    let api = Double::default();
    let machines = states(&[("1", "started", "iad"), ("2", "stopped", "iad")]);
    let (plan, _) = reconcile(&api, &machines, started(Some(2), Some(1))).await;
    assert_eq!((plan.verdict, codes(&plan)), (Verdict::Hold, vec!["min_above_max"]));
    assert_eq!(api.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_large_destroy_takes_three_wishes() {
    let machines: Vec<Machine> =
        (0..8).map(|number| machine(&number.to_string(), "stopped", "iad")).collect();
    let observed = Observed { machines, ..Observed::default() };
    let targets = Targets {
        groups: vec![GroupTargets::app_wide(
            ProcessGroup::new("app"),
            Arc::new(Policy::default()),
            Wanted::Bounds(created(Some(1), Some(1))),
        )],
    };
    let mut history = History::new("t");
    let mut destroys = Vec::new();
    for tick in 0..3 {
        let plan = decide(&observed, &targets, &history, Timestamp::from_millis(tick * 15_000));
        destroys.push(plan.actions().count());
        history = plan.next;
    }
    assert_eq!(destroys, [0, 0, 7]);
}

#[tokio::test]
async fn new_machines_go_to_the_listed_region_with_the_fewest() {
    let machines =
        states(&[("1", "started", "iad"), ("2", "started", "iad"), ("3", "started", "lhr")]);
    let regions = ["iad", "lhr", "fra"].map(fly_autoscaler::model::Region::new).to_vec();
    let policy = Policy { regions: regions.into(), ..Policy::default() };
    let plan = plan_for(&machines, created(Some(6), Some(6)), policy);
    let first: Vec<String> = plan
        .actions()
        .filter_map(|(_, planned)| planned.action.region().map(ToString::to_string))
        .collect();
    assert_eq!(first, ["fra", "lhr", "fra"]);
}

#[tokio::test]
async fn a_refused_create_starves_no_start() {
    let api = Double::default().failing("create iad", ErrorClass::Rejected, false);
    let machines = states(&[("1", "started", "iad"), ("2", "stopped", "iad")]);
    let wanted = ScopeBounds { created: bounds(Some(3), Some(3)), started: bounds(Some(3), None) };
    let (_, outcomes) = reconcile(&api, &machines, wanted).await;
    assert_eq!(api.calls(), ["start 2", "create iad"]);
    assert_eq!(outcomes.iter().map(Outcome::is_done).collect::<Vec<_>>(), [true, false]);
}

#[tokio::test]
async fn what_is_created_beyond_the_started_target_is_left_stopped() {
    let api = Double::default();
    let machines = states(&[("1", "started", "iad")]);
    let wanted =
        ScopeBounds { created: bounds(Some(3), Some(3)), started: bounds(Some(2), Some(2)) };
    let _ = reconcile(&api, &machines, wanted).await;
    assert_eq!(api.calls(), ["create iad", "create iad stopped"]);
}

#[test]
fn the_newest_release_is_cloned() {
    let mut machines = states(&[
        ("1", "started", "iad"),
        ("2", "started", "iad"),
        ("3", "failed", "iad"),
        ("4", "started", "iad"),
    ]);
    for (machine, version) in machines.iter_mut().zip([1, 2, 3, 3]) {
        machine.facts.release_version = Some(version);
    }
    machines[3].is_cordoned = true;
    assert_eq!(sources(&plan_for(&machines, created(Some(5), Some(5)), Policy::default())), ["2"]);
}

#[test]
fn a_machine_with_volumes_is_not_cloned_with_them() {
    let mut machines = states(&[("1", "started", "iad")]);
    machines[0].facts.volumes = vec!["data".into(), "logs".into()];
    let plan = plan_for(&machines, created(Some(2), Some(2)), Policy::default());
    let codes = (plan.verdict, codes(&plan));
    assert_eq!(codes, (Verdict::Hold, vec!["below_min", "cannot_clone_volumes"]));
}

#[tokio::test]
async fn failed_machines_are_destroyed_first() {
    let api = Double::default();
    let machines = states(&[
        ("1", "created", "iad"),
        ("2", "stopped", "iad"),
        ("3", "suspended", "iad"),
        ("4", "failed", "iad"),
        ("5", "started", "iad"),
    ]);
    let _ = reconcile(&api, &machines, created(Some(2), Some(2))).await;
    assert_eq!(api.calls(), ["destroy 4", "destroy 2", "destroy 3"]);
}

#[test]
fn standbys_scheduled_machines_and_itself_are_left_alone() {
    let mut machines = states(&[
        ("1", "started", "iad"),
        ("2", "started", "iad"),
        ("3", "started", "iad"),
        ("4", "started", "iad"),
    ]);
    machines[0].facts.is_standby = true;
    machines[1].facts.is_scheduled = true;
    let observed =
        Observed { own_machine: Some(machines[2].id.clone()), machines, ..Observed::default() };
    let group = GroupTargets::app_wide(
        ProcessGroup::new("app"),
        Arc::new(Policy::default()),
        Wanted::Bounds(started(None, Some(0))),
    );
    let targets = Targets { groups: vec![group] };
    let plan = decide(&observed, &targets, &History::new("t"), Timestamp::from_millis(0));
    assert_eq!(plan.scopes[0].observed.created, 1);
    let actions: Vec<String> = plan.actions().map(|(_, own)| own.action.to_string()).collect();
    assert_eq!(actions, ["stop 4 in iad"]);
}

#[test]
fn too_many_silent_hosts_stop_creates_and_destroys() {
    let mut machines: Vec<Machine> =
        (0..8).map(|number| machine(&number.to_string(), "started", "iad")).collect();
    machines[7].state = MachineState::Stopped;
    for silent in &mut machines[..4] {
        silent.host_status = HostStatus::Unreachable;
    }
    let wanted = ScopeBounds { created: bounds(Some(8), Some(8)), started: bounds(Some(4), None) };
    let plan = plan_for(&machines, wanted, Policy::default());
    let actions: Vec<String> = plan.actions().map(|(_, own)| own.action.to_string()).collect();
    assert_eq!(actions, ["start 7 in iad"]);
    assert!(codes(&plan).contains(&"fleet_unhealthy"));
}

#[test]
fn only_a_deploy_under_way_holds() {
    const HOUR: Duration = Duration::from_secs(3600);
    let now = Timestamp::from_millis(10 * 3_600_000);
    let release = |status: &str, hours_ago: Option<u32>| {
        let created_at = hours_ago.map(|hours| now.minus(HOUR * hours));
        ReleaseState::Known(Release { version: 7, status: status.into(), created_at })
    };
    let table = [
        (ReleaseState::None, Verdict::Act, None),
        (ReleaseState::Ignored, Verdict::Act, None),
        (release("complete", Some(0)), Verdict::Act, None),
        (release("failed", None), Verdict::Act, None),
        (release("running", Some(1)), Verdict::Hold, Some("release_in_progress")),
        (release("running", None), Verdict::Hold, Some("release_in_progress")),
        (release("running", Some(2)), Verdict::Act, Some("release_abandoned")),
        (ReleaseState::Unreadable("no answer".into()), Verdict::Hold, Some("release_unreadable")),
    ];
    let machines = states(&[("1", "stopped", "iad")]);
    for (state, verdict, code) in table {
        let plan = plan_for(&machines, started(Some(1), None), Policy::default());
        let plan = guard_release(plan, &state, HOUR, now);
        assert_eq!(plan.verdict, verdict, "{state:?}");
        assert_eq!(codes(&plan).get(1).copied(), code, "{state:?}");
    }
}
