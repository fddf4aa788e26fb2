//! Whole ticks over real HTTP on the simulator: down by cordon and stop, up again by lifting the cordon, and
//! the order that a metric gives.

use std::time::Duration;

use fly_autoscaler::decide::Reason;
use fly_autoscaler::model::{MachineId, MachineState};
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use fly_autoscaler::status::Tick;

use crate::faults::{STARTED, Stage, web};

const CORDON: (&str, &str) = ("FAS_CORDON_BEFORE_STOP", "30s");
const ORDER: (&str, &str) = ("FAS_STOP_ORDER", "least-loaded");
const METRIC: (&str, &str) =
    ("FAS_STOP_METRIC_PROMETHEUS_QUERY", r#"sum by (instance) (busy{app="$APP_NAME"})"#);

/// The machines that are cordoned, and those that run.
fn fleet(stage: &Stage) -> (Vec<MachineId>, Vec<MachineId>) {
    let machines = stage.sim.world().machines(&web()).unwrap();
    let cordoned = machines.iter().filter(|own| own.is_cordoned).map(|own| own.id.clone());
    let started = machines.iter().filter(|own| own.state == MachineState::Started);
    (cordoned.collect(), started.map(|own| own.id.clone()).collect())
}

fn codes(tick: &Tick) -> Vec<&'static str> {
    let scopes = &tick.plan.as_ref().unwrap().scopes;
    scopes[0].reasons.iter().map(Reason::code).collect()
}

/// How often Fly was asked to cordon, to stop, to uncordon, to start.
fn asked(stage: &Stage) -> [u64; 4] {
    [Endpoint::Cordon, Endpoint::Stop, Endpoint::Uncordon, Endpoint::Start]
        .map(|endpoint| stage.sim.world().total(endpoint))
}

#[tokio::test]
async fn down_by_cordon_and_stop_with_a_restart_in_between_and_up_again() {
    for lag in [0, 5] {
        let stage = Stage::new(3, 0, 20.0).await;
        stage.sim.world().set_list_lag(Duration::from_secs(lag));
        let mut scaler = stage.scaler("s1", &[STARTED, CORDON]);
        stage.tick(&mut scaler).await;
        let (cordoned, started) = fleet(&stage);
        assert_eq!((cordoned.len(), started.len(), asked(&stage)), (1, 3, [1, 0, 0, 0]));
        let tick = stage.tick(&mut scaler).await;
        assert!(codes(&tick).contains(&"waiting_for_cordon"), "{:?}", codes(&tick));

        // Another process that remembers nothing: the mark tells it since when.
        let mut scaler = stage.scaler("s2", &[STARTED, CORDON]);
        stage.tick(&mut scaler).await;
        assert_eq!(asked(&stage), [1, 1, 0, 0], "list {lag} s behind");
        // At rest it is put back, and unmarked.
        stage.tick(&mut scaler).await;
        stage.tick(&mut scaler).await;
        assert_eq!((fleet(&stage).0.len(), asked(&stage)), (0, [1, 1, 1, 0]));
        let quiet = stage.tick(&mut scaler).await;
        assert!(quiet.outcomes.is_empty(), "{}", stage.say(&quiet));

        stage.queue(30.0);
        stage.tick(&mut scaler).await;
        assert_eq!(asked(&stage), [1, 1, 1, 1]);
    }
}

#[tokio::test]
async fn demand_that_returns_lifts_the_cordon_and_starts_nothing() {
    let stage = Stage::new(3, 2, 20.0).await;
    let mut scaler = stage.scaler("s1", &[STARTED, CORDON]);
    stage.tick(&mut scaler).await;
    stage.queue(30.0);
    stage.tick(&mut scaler).await;
    assert_eq!((fleet(&stage).0.len(), asked(&stage)), (0, [1, 0, 1, 0]));
    let quiet = stage.tick(&mut scaler).await;
    assert!(quiet.outcomes.is_empty(), "{}", stage.say(&quiet));
}

#[tokio::test]
async fn the_machine_with_least_to_do_is_the_one_that_goes() {
    let stage = Stage::new(3, 0, 20.0).await;
    let ids = fleet(&stage).1;
    for (id, busy) in ids.iter().zip([3.0, 2.0, 1.0]) {
        let instance = format!("{id}:9091");
        let labels = [("instance", instance.as_str())];
        stage.sim.world().set_gauge(&web(), "busy", &labels, busy).unwrap();
    }
    let mut scaler = stage.scaler("s1", &[STARTED, ORDER, METRIC]);
    stage.tick(&mut scaler).await;
    assert_eq!(fleet(&stage).1, ids[..2], "the third one has least to do");
    let asked = stage.sim.world().total(Endpoint::PrometheusQuery);
    stage.tick(&mut scaler).await;
    let quiet = stage.sim.world().total(Endpoint::PrometheusQuery) - asked;
    assert_eq!((asked, quiet), (2, 1), "nobody asks for loads in a quiet tick");
}

#[tokio::test]
async fn a_metric_that_fails_is_no_reason_to_hold() {
    let stage = Stage::new(3, 0, 20.0).await;
    let ids = fleet(&stage).1;
    // The query of the queue is answered, and then the other one is not.
    let mut scaler = stage.scaler("s1", &[STARTED, ORDER, METRIC]);
    let tick = stage.tick(&mut scaler).await;
    assert!(codes(&tick).contains(&"stop_metric_failed"), "{:?}", codes(&tick));
    assert_eq!(fleet(&stage).1, ids[1..], "by id");
}

#[tokio::test]
async fn a_cordon_that_fails_leaves_the_machine_serving_and_is_tried_again() {
    let stage = Stage::new(2, 0, 10.0).await;
    let fault = FaultKind::Status { code: 412, body: "{}".into(), retry_after: None };
    stage.sim.world().inject(FaultRule::always(Endpoint::Cordon, fault));
    let mut scaler = stage.scaler("s1", &[STARTED, CORDON]);
    stage.tick(&mut scaler).await;
    assert_eq!(fleet(&stage).1.len(), 2);
    assert_eq!(fleet(&stage).0, Vec::<MachineId>::new());
    stage.sim.world().clear_faults();
    stage.tick(&mut scaler).await;
    assert_eq!(fleet(&stage).0.len(), 1);
}

/// While the lease of the oldest machine is kept after a create, nobody may touch that machine without it.
#[tokio::test]
async fn the_machine_whose_lease_is_kept_is_cordoned_and_put_back_under_it() {
    let stage = Stage::new(1, 0, 30.0).await;
    let oldest = fleet(&stage).1.remove(0);
    let all = ("FAS_CREATED_MACHINE_COUNT", "3");
    let mut scaler = stage.scaler("s1", &[all, STARTED, CORDON, ("FAS_STOP_ORDER", "oldest")]);
    scaler.tick().await;
    assert_eq!(stage.fleet().0, 3);
    let other = stage.sim.world().requests();
    assert!(other.iter().any(|own| own.endpoint == Endpoint::LeaseAcquire), "a lease was taken");

    // In the same second: the lease is ours still.
    stage.queue(10.0);
    let tick = scaler.tick().await;
    assert_eq!(fleet(&stage).0, [oldest], "{}", stage.say(&tick));
    stage.queue(30.0);
    let tick = scaler.tick().await;
    assert_eq!(fleet(&stage).0, Vec::<MachineId>::new(), "{}", stage.say(&tick));
    assert_eq!(asked(&stage), [1, 0, 1, 0], "none was refused, and none tried twice");
}
