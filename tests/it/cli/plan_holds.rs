//! `plan` where something stands in the way.

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::AppName;
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, ReleaseSpec};
use insta::assert_snapshot;

use super::plan::plan;
use super::{Fly, fly_autoscaler, my_app};

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");

#[tokio::test]
async fn a_metric_has_no_value() {
    let fly = Fly::with(&my_app(2, 3, 45.0)).await;
    fly.simulator.world().set_queue_depth(&AppName::new("my-app"), None).unwrap();
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"");
}

#[tokio::test]
async fn a_deploy_is_under_way() {
    let mut app = my_app(2, 3, 45.0);
    let status = "running".to_owned();
    app.release = Some(ReleaseSpec { version: 7, status, created_at: SystemClock.now() });
    let fly = Fly::with(&app).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"");
}

#[tokio::test]
async fn too_many_would_go_at_once() {
    let fly = Fly::with(&my_app(10, 0, 10.0)).await;
    assert_snapshot!(plan(&fly, &[CREATED]).await, @"");
}

#[tokio::test]
async fn min_is_above_max() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let band = [("FAS_MIN_STARTED_MACHINE_COUNT", "5"), ("FAS_MAX_STARTED_MACHINE_COUNT", "2")];
    assert_snapshot!(plan(&fly, &band).await, @"");
}

#[tokio::test]
async fn there_is_no_machine_to_clone() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let worker = ("FAS_PROCESS_GROUP", "worker");
    assert_snapshot!(plan(&fly, &[CREATED, worker]).await, @"");
    let empty = Fly::with(&AppSpec::new("my-app", "my-org")).await;
    assert_snapshot!(plan(&empty, &[("FAS_CREATED_MACHINE_COUNT", "2")]).await, @"");
}

#[tokio::test]
async fn the_machines_cannot_be_listed() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let down = FaultKind::Status { code: 500, body: "down".into(), retry_after: None };
    fly.simulator.world().inject(FaultRule::always(Endpoint::List, down));
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"");
    let elsewhere = fly.command(&["plan", "--app-name", "my-ap"]).env(&[STARTED]);
    fly.simulator.world().clear_faults();
    assert_snapshot!(elsewhere.run_beside().await, @"");
}

#[test]
fn a_token_is_needed() {
    let env = [("FAS_APP_NAME", "my-app"), ("FAS_STARTED_MACHINE_COUNT", "2")];
    assert_snapshot!(fly_autoscaler(&["plan"]).env(&env).run(), @"");
}
