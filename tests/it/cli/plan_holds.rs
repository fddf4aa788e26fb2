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
    assert_snapshot!(plan(&fly, &[STARTED]).await, @r#"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  no value: the query `queue_depth{app="my-app"}` returned no series

    machines of app  started  stopped
      iad                  2        3

    plan for app  created  started
      observed          5        2
      wanted            ?        ?
      target            ?        ?

      held: metric queue_depth: the query `queue_depth{app="my-app"}` returned no series [metric_failed]

    held: nothing would be done
    "#);
}

#[tokio::test]
async fn a_deploy_is_under_way() {
    let mut app = my_app(2, 3, 45.0);
    let status = "running".to_owned();
    app.release = Some(ReleaseSpec { version: 7, status, created_at: SystemClock.now() });
    let fly = Fly::with(&app).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  45

    machines of app  started  stopped
      iad                  2        3

    plan for app  created  started
      observed          5        2
      wanted            -        5
      target            -        5

      2 started, at least 5 wanted [below_min]
      held: release v7 is being deployed since [TIME] [release_in_progress]

    held: nothing would be done
    ");
}

#[tokio::test]
async fn too_many_would_go_at_once() {
    let fly = Fly::with(&my_app(10, 0, 10.0)).await;
    assert_snapshot!(plan(&fly, &[CREATED]).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  10

    machines of app  started
      iad                 10

    plan for app  created  started
      observed         10       10
      wanted            1        -
      target            1        -

      10 created, at most 1 wanted [above_max]
      held: destroying 9 of 10 at once takes the same wish in 3 ticks in a row; this is number 1 [destroy_brake]

    held: nothing would be done
    ");
}

#[tokio::test]
async fn min_is_above_max() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let band = [("FAS_MIN_STARTED_MACHINE_COUNT", "5"), ("FAS_MAX_STARTED_MACHINE_COUNT", "2")];
    assert_snapshot!(plan(&fly, &band).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  30

    machines of app  started
      iad                  2

    plan for app  created  started
      observed          2        2
      wanted            -     5..2
      target            ?        ?

      held: min started is 5, above max started 2 [min_above_max]

    held: nothing would be done
    --- stderr
    warning: min-started-machine-count is above max-started-machine-count always: 5 and 2
      --> environment variable FAS_MIN_STARTED_MACHINE_COUNT
      hint: nothing is scaled then; `max(5, ...)` around the maximum or `min(2, ...)` around the minimum keeps them in order
    ");
}

#[tokio::test]
async fn there_is_no_machine_to_clone() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let worker = ("FAS_PROCESS_GROUP", "worker");
    assert_snapshot!(plan(&fly, &[CREATED, worker]).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  30

    machines of app  started
      iad                  2

    plan for worker  created  started
      observed             0        0
      wanted               3        -
      target               3        -

      0 created, at least 3 wanted [below_min]
      held: no machine available to clone for scale up: no machine in process group worker, but 2 in app; name the one to scale in process-group (FAS_PROCESS_GROUP) or process-groups [no_machine_to_clone]

    held: nothing would be done
    ");
    let empty = Fly::with(&AppSpec::new("my-app", "my-org")).await;
    assert_snapshot!(plan(&empty, &[("FAS_CREATED_MACHINE_COUNT", "2")]).await, @r#"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  no value: the query `queue_depth{app="my-app"}` returned no series

    machines: none

    plan for app  created  started
      observed          0        0
      wanted            2        -
      target            2        -

      0 created, at least 2 wanted [below_min]
      held: no machine available to clone for scale up: the app has no machine; create the first one with `fly deploy` or `fly machine run` [no_machine_to_clone]

    held: nothing would be done
    "#);
}

#[tokio::test]
async fn the_machines_cannot_be_listed() {
    let fly = Fly::with(&my_app(2, 0, 30.0)).await;
    let down = FaultKind::Status { code: 500, body: "down".into(), retry_after: None };
    fly.simulator.world().inject(FaultRule::always(Endpoint::List, down));
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"
    exit 1
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  30
    --- stderr
    error: list machines my-app: 500 down (fly-request-id [ID])
    ");
    let elsewhere = fly.command(&["plan", "--app-name", "my-ap"]).env(&[STARTED]);
    fly.simulator.world().clear_faults();
    assert_snapshot!(elsewhere.run_beside().await, @r#"
    exit 1
    --- stdout
    my-ap at [TIME]

    metrics
      queue_depth  no value: the query `queue_depth{app="my-ap"}` returned no series
    --- stderr
    error: list machines my-ap: 404 app not found; app my-ap was not found, or the token does not cover it (fly-request-id [ID])
    "#);
}

#[test]
fn a_token_is_needed() {
    let env = [("FAS_APP_NAME", "my-app"), ("FAS_STARTED_MACHINE_COUNT", "2")];
    assert_snapshot!(fly_autoscaler(&["plan"]).env(&env).run(), @"
    exit 2
    --- stderr
    error: api token required
      hint: set FAS_API_TOKEN to the output of `fly tokens create deploy -a APP`, best by `fly secrets set`
    ");
}
