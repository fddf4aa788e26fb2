//! Whole ticks against the simulator.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::act::Outcome;
use fly_autoscaler::decide::{Plan, Reason};
use fly_autoscaler::model::{AppName, TickOutcome};
use fly_autoscaler::reconcile::Reconciler;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::status::{Board, Readiness, Tick};

use super::{add, empty, fleet};
use crate::faults::Stage;

/// `front` follows its own metric and may be in two regions; `worker` follows the queue.
const GROUPS: &str = r#"
max-machines: 9
process-groups:
  front:
    started-machine-count: "front_load"
    created-machine-count: "front_load"
    regions: [lhr, iad]
    max-machines: 4
  worker:
    created-machine-count: "queue_depth / 10"
    initial-machine-state: stopped
metric-collectors:
  - type: prometheus
    metric-name: front_load
    address: $PROMETHEUS
    query: sum(front_load{app="$APP_NAME"})
"#;

fn app() -> AppName {
    AppName::new("web")
}

/// Two of `front` that run in `iad`, and three of `worker` in `fra`, one of them running.
async fn stage(front_load: Option<f64>, queue_depth: f64) -> Stage {
    let stage = Stage::with(empty("web", "acme"), queue_depth).await;
    let world = stage.sim.world();
    add(world, &app(), "front", "iad", 2, 0);
    add(world, &app(), "worker", "fra", 1, 2);
    if let Some(load) = front_load {
        world.set_gauge(&app(), "front_load", &[], load).unwrap();
    }
    // Old enough to be in every list.
    stage.clock.advance(Duration::from_secs(3600));
    stage
}

fn scaler(stage: &Stage, name: &str, yaml: &str) -> Reconciler {
    let prometheus = stage.sim.prometheus_url("acme");
    stage.scaler(name, &[("FAS_CONFIG_YAML", yaml), ("PROMETHEUS", &prometheus)])
}

fn fleets(stage: &Stage) -> [String; 2] {
    ["front", "worker"].map(|group| fleet(stage.sim.world(), &app(), group))
}

fn plan(tick: &Tick) -> &Plan {
    tick.plan.as_ref().unwrap_or_else(|| panic!("{:?}", tick.error))
}

/// The codes of the reasons of each group.
fn codes(tick: &Tick) -> Vec<String> {
    let of = |reasons: &[Reason]| reasons.iter().map(Reason::code).collect::<Vec<_>>().join(" ");
    let scopes = plan(tick).scopes.iter();
    scopes.map(|own| format!("{}: {}", own.scope, of(&own.reasons))).collect()
}

#[tokio::test]
async fn limits_regions_and_rules_are_those_of_the_group() {
    let stage = stage(Some(6.0), 50.0).await;
    let tick = stage.tick(&mut scaler(&stage, "s", GROUPS)).await;
    assert_eq!(
        codes(&tick),
        [
            "front: limited_by_max_machines limited_by_max_machines limited_by_max_machines \
             limited_by_max_machines below_min below_min",
            "worker: below_min"
        ]
    );
    // Two more of `front`, of which there may be four, in its regions; two more workers where there are
    // some, not launched.
    assert_eq!(fleets(&stage), ["iad started 2, lhr started 2", "fra started 1, fra stopped 4"]);
}

#[tokio::test]
async fn a_group_that_is_held_does_not_stop_the_others() {
    let stage = stage(None, 50.0).await;
    let mut scaler = scaler(&stage, "s", GROUPS);
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(codes(&tick), ["front: metric_failed", "worker: below_min"]);
    assert_eq!(tick.outcome, TickOutcome::Acted);
    assert_eq!(fleets(&stage), ["iad started 2", "fra started 1, fra stopped 4"]);
    // With nothing to do elsewhere, the hold is what the tick comes to.
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(codes(&tick), ["front: metric_failed", "worker: within_bounds"]);
    assert_eq!(tick.outcome, TickOutcome::Held);
}

#[tokio::test]
async fn readiness_names_the_group_that_is_held() {
    let stage = stage(None, 30.0).await;
    let tick = stage.tick(&mut scaler(&stage, "s", GROUPS)).await;
    let (board, now) = (Board::default(), tick.at);
    board.update(&app(), |own| own.record(Arc::new(tick), now));
    assert_eq!(
        board.readiness(now, Duration::from_secs(15)),
        Readiness::NotReady(
            "no tick has succeeded yet: front: metric front_load: the query \
             `sum(front_load{app=\"web\"})` returned no series"
                .into()
        )
    );
}

#[tokio::test]
async fn one_group_grows_while_another_shrinks_each_under_its_own_lease() {
    let stage = stage(Some(3.0), 10.0).await;
    let world = stage.sim.world();
    let lowest = |group: &str| {
        let machines = world.machines(&app()).unwrap().into_iter();
        let own = machines.filter(|own| own.config["metadata"]["fly_process_group"] == group);
        own.map(|own| own.id).min().unwrap()
    };
    let leaders = BTreeSet::from([lowest("front"), lowest("worker")]);
    let tick = stage.tick(&mut scaler(&stage, "s", GROUPS)).await;
    let verbs: Vec<_> = plan(&tick)
        .actions()
        .map(|(scope, own)| format!("{scope} {}", own.action.verb()))
        .collect();
    assert_eq!(verbs, ["front create", "worker destroy", "worker destroy"]);
    assert!(tick.outcomes.iter().all(Outcome::is_done), "{}", stage.say(&tick));
    assert_eq!(fleets(&stage), ["iad started 2, lhr started 1", "fra started 1"]);
    let requests = world.requests();
    let leased = requests.iter().filter(|own| own.endpoint == Endpoint::LeaseAcquire);
    assert_eq!(leased.filter_map(|own| own.machine.clone()).collect::<BTreeSet<_>>(), leaders);
}

#[tokio::test]
async fn a_lease_that_is_held_holds_its_own_group_alone() {
    let stage = stage(Some(3.0), 50.0).await;
    let world = stage.sim.world();
    let machines = world.machines(&app()).unwrap().into_iter();
    let front = machines.filter(|own| own.config["metadata"]["fly_process_group"] == "front");
    world.lease(&app(), &front.map(|own| own.id).min().unwrap(), Duration::from_secs(60)).unwrap();
    let tick = stage.tick(&mut scaler(&stage, "s", GROUPS)).await;
    assert_eq!(codes(&tick), ["front: below_min below_min lease_held", "worker: below_min"]);
    assert_eq!(fleets(&stage), ["iad started 2", "fra started 1, fra stopped 4"]);
}

/// The two new workers are not listed yet when the lease of `front` is asked for, and no longer believed in
/// when it is there.
#[tokio::test]
async fn what_needs_a_lease_only_at_the_second_look_waits_for_the_next_tick() {
    let stage = stage(Some(2.0), 50.0).await;
    let mut scaler = scaler(&stage, "s", GROUPS);
    let world = stage.sim.world();
    world.set_list_lag(Duration::from_secs(600));
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(codes(&tick), ["front: within_bounds within_bounds", "worker: below_min"]);

    stage.clock.advance(Duration::from_secs(35));
    world.set_gauge(&app(), "front_load", &[], 3.0).unwrap();
    let slow = FaultKind::Delay(Duration::from_secs(20));
    world.inject(FaultRule::once(Endpoint::LeaseAcquire, slow));
    let made = world.machines_made(&app()).unwrap();
    let tick = stage.tick(&mut scaler).await;
    assert_eq!(codes(&tick), ["front: below_min below_min", "worker: below_min lease_failed"]);
    assert_eq!(
        stage.say(&tick),
        "acted: create a machine in lhr, cloned from ID, started: done, ID in lhr; the lease could not \
         be taken: the machines changed while other groups' leases were taken; the next tick asks for it"
    );
    assert_eq!(world.machines_made(&app()).unwrap(), made + 1, "a machine of `front`");
}

#[tokio::test]
async fn a_group_that_no_machine_belongs_to_names_those_that_there_are() {
    let stage = stage(Some(3.0), 30.0).await;
    let yaml = GROUPS.replace("  worker:", "  workers:\n    started-machine-count: 2\n  wrkr:");
    let yaml = yaml.replace(
        "    created-machine-count: \"queue_depth / 10\"\n",
        "    created-machine-count: 2\n",
    );
    let tick = stage.tick(&mut scaler(&stage, "s", &yaml)).await;
    let said: Vec<String> = plan(&tick).scopes[1..]
        .iter()
        .flat_map(|own| {
            own.reasons
                .iter()
                .map(move |reason| format!("{}: {reason} [{}]", own.scope, reason.code()))
        })
        .collect();
    assert_eq!(
        said,
        [
            "workers: 0 started, at least 2 wanted [below_min]",
            "workers: no machine in process group workers, but 2 in front, 3 in worker; name the one \
             to scale in process-group (FAS_PROCESS_GROUP) or process-groups [no_machines]",
            "wrkr: 0 created, at least 2 wanted [below_min]",
            "wrkr: no machine available to clone for scale up: no machine in process group wrkr, but \
             2 in front, 3 in worker; name the one to scale in process-group (FAS_PROCESS_GROUP) or \
             process-groups [no_machine_to_clone]",
        ]
    );
}

/// Fly grants one create a second and app: a group that grows must not keep the others waiting.
#[tokio::test]
async fn the_creates_of_one_group_do_not_come_before_the_starts_of_another() {
    let stage = stage(Some(9.0), 0.0).await;
    // One at a time, so that their order is that in which they begin.
    let yaml = format!("action-concurrency: 1\n{GROUPS}");
    let yaml = yaml.replace("max-machines: 4", "max-machines: 9").replace(
        "    created-machine-count: \"queue_depth / 10\"\n",
        "    started-machine-count: 3\n",
    );
    let tick = stage.tick(&mut scaler(&stage, "s", &yaml)).await;
    assert!(tick.outcomes.iter().all(Outcome::is_done), "{}", stage.say(&tick));
    let requests = stage.sim.world().requests();
    let order =
        requests.iter().filter(|own| matches!(own.endpoint, Endpoint::Create | Endpoint::Start));
    let order: Vec<_> = order.map(|own| own.endpoint).collect();
    assert_eq!(order[..2], [Endpoint::Start, Endpoint::Start], "{order:?}");
    assert_eq!(order.len(), 9);
}
