//! `plan`: what the next tick would do. It changes nothing.

use fly_autoscaler::sim::{AppSpec, Endpoint};
use insta::assert_snapshot;

use super::{Fly, Ran, my_app};

/// The requests with which a plan looks.
const LOOKING: [Endpoint; 5] = [
    Endpoint::List,
    Endpoint::AppGet,
    Endpoint::ReleaseCurrent,
    Endpoint::Graphql,
    Endpoint::PrometheusQuery,
];

/// Runs `plan --exit-code` with these variables, and makes sure that it only looked.
pub(super) async fn plan(fly: &Fly, env: &[(&str, &str)]) -> Ran {
    let before = fly.simulator.world().machines(&"my-app".into()).unwrap();
    let ran = fly.command(&["plan", "--exit-code"]).env(env).run_beside().await;
    assert_eq!(fly.simulator.world().machines(&"my-app".into()).unwrap(), before);
    let asked = fly.asked();
    assert!(asked.iter().all(|endpoint| LOOKING.contains(endpoint)), "{asked:?}");
    ran
}

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");

#[tokio::test]
async fn machines_to_start() {
    let fly = Fly::with(&my_app(1, 3, 25.0).with_machines("lhr", 1, 0)).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"");
    let json = fly.command(&["plan", "--format", "json"]).env(&[STARTED]).run_beside().await;
    assert_snapshot!(json, @"");
}

#[tokio::test]
async fn machines_to_stop() {
    let fly = Fly::with(&my_app(4, 0, 25.0)).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"");
}

#[tokio::test]
async fn nothing_to_do() {
    let fly = Fly::with(&my_app(2, 3, 25.0)).await;
    let band = [
        ("FAS_MIN_STARTED_MACHINE_COUNT", "queue_depth / 25"),
        ("FAS_MAX_STARTED_MACHINE_COUNT", "queue_depth / 5"),
    ];
    assert_snapshot!(plan(&fly, &band).await, @"");
}

#[tokio::test]
async fn machines_to_create_with_regions_to_fall_back_to() {
    let fly = Fly::with(&my_app(2, 0, 45.0)).await;
    let regions = ("FAS_REGIONS", "iad,lhr,nrt");
    assert_snapshot!(plan(&fly, &[CREATED, STARTED, regions]).await, @"");
    let json = fly.command(&["plan", "--format=json"]).env(&[CREATED, regions]).run_beside().await;
    assert_snapshot!(json, @"");
}

#[tokio::test]
async fn more_than_may_be_had() {
    let fly = Fly::with(&my_app(1, 1, 990.0)).await;
    let limit = ("FAS_MAX_MACHINES", "4");
    assert_snapshot!(plan(&fly, &[STARTED, limit]).await, @"");
}

#[tokio::test]
async fn machines_to_destroy_are_stopped_first() {
    let fly = Fly::with(&my_app(4, 0, 20.0)).await;
    assert_snapshot!(plan(&fly, &[CREATED]).await, @"");
}

#[tokio::test]
async fn the_last_machine_stays() {
    let fly = Fly::with(&AppSpec::new("my-app", "my-org").with_machines("iad", 0, 2)).await;
    assert_snapshot!(plan(&fly, &[("FAS_CREATED_MACHINE_COUNT", "0")]).await, @"");
}
