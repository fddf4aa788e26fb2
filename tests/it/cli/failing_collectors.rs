//! `eval` where a collector has no value: which one, where it was asked, and why.

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use insta::assert_snapshot;

use super::{Fly, my_app};

const COUNT: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");

#[tokio::test]
async fn nobody_listens() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    // Port 1 of loopback: nothing ever listens there.
    let closed = ("FAS_PROMETHEUS_ADDRESS", "http://127.0.0.1:1");
    assert_snapshot!(fly.command(&["eval"]).env(&[COUNT, closed]).run_beside().await, @"
    exit 1
    --- stderr
    error: metric `queue_depth` has no value: http://127.0.0.1:1 could not be reached: Connection refused (os error 111)
    ");
}

#[tokio::test]
async fn the_token_is_refused() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    let refused = FaultKind::Status {
        code: 401,
        body: "something went wrong resolving organization".into(),
        retry_after: None,
    };
    fly.simulator.world().inject(FaultRule::always(Endpoint::PrometheusQuery, refused));
    let token = ("FAS_PROMETHEUS_TOKEN", "fm2_hunter2");
    let ran = fly.command(&["eval"]).env(&[COUNT, token]).run_beside().await;
    assert_snapshot!(ran, @"
    exit 1
    --- stderr
    error: metric `queue_depth` has no value: http://127.0.0.1:[PORT]/prometheus/my-org answered 401: something went wrong resolving organization; Fly's Prometheus needs an org or read-only token (fly tokens create readonly), not a deploy token
    ");
}

#[tokio::test]
async fn nothing_is_found() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    fly.simulator.world().set_queue_depth(&AppName::new("my-app"), None).unwrap();
    assert_snapshot!(fly.command(&["eval"]).env(&[COUNT]).run_beside().await, @r#"
    exit 1
    --- stderr
    error: metric `queue_depth` has no value: the query `queue_depth{app="my-app"}` returned no series
    "#);
}

#[tokio::test]
async fn too_much_is_found() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    let app = AppName::new("my-app");
    for queue in ["mail", "video"] {
        fly.simulator.world().set_gauge(&app, "jobs", &[("queue", queue)], 3.0).unwrap();
    }
    let query = ("FAS_PROMETHEUS_QUERY", r#"jobs{app="$APP_NAME"}"#);
    assert_snapshot!(fly.command(&["eval"]).env(&[COUNT, query]).run_beside().await, @r#"
    exit 1
    --- stderr
    error: metric `queue_depth` has no value: the query `jobs{app="my-app"}` returned 2 series; use sum(...) or another aggregation to get one
    "#);
}

#[tokio::test]
async fn a_failure_that_something_stands_for_is_still_told() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    fly.simulator.world().set_queue_depth(&AppName::new("my-app"), None).unwrap();
    let empty = ("FAS_PROMETHEUS_EMPTY", "0");
    assert_snapshot!(fly.command(&["eval"]).env(&[COUNT, empty]).run_beside().await, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 0,
        "max": 0
      },
      "metrics": {
        "queue_depth": 0
      }
    }
    --- stderr
    warning: metric `queue_depth` has no value: the query `queue_depth{app="my-app"}` returned no series; 0 stands for it
    "#);
    let unread = ("FAS_STARTED_MACHINE_COUNT", "2");
    assert_snapshot!(fly.command(&["eval"]).env(&[unread]).run_beside().await, @r#"
    exit 0
    --- stdout
    {
      "created": {
        "min": null,
        "max": null
      },
      "started": {
        "min": 2,
        "max": 2
      },
      "metrics": {
        "queue_depth": null
      }
    }
    --- stderr
    warning: metric `queue_depth` has no value: the query `queue_depth{app="my-app"}` returned no series; no expression reads it
    "#);
}

#[tokio::test]
async fn a_number_that_is_none_is_said_once() {
    let fly = Fly::with(&my_app(1, 0, 0.0)).await;
    let divides = ("FAS_STARTED_MACHINE_COUNT", "100 / queue_depth");
    assert_snapshot!(fly.command(&["eval"]).env(&[divides]).run_beside().await, @"
    exit 1
    --- stderr
    error: started machine count: expression returned Inf
    ");
}

#[tokio::test]
async fn fly_refuses_the_list() {
    let fly = Fly::with(&my_app(1, 0, 42.0)).await;
    let refused = FaultKind::Status {
        code: 401,
        body: r#"{"error":"Authenticate: token validation error"}"#.into(),
        retry_after: None,
    };
    fly.simulator.world().inject(FaultRule::always(Endpoint::List, refused));
    let count = ("FAS_STARTED_MACHINE_COUNT", "started_machines");
    assert_snapshot!(fly.command(&["eval"]).env(&[count]).run_beside().await, @"
    exit 1
    --- stderr
    error: list machines my-app: 401 Authenticate: token validation error; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    ");
    let plan = fly.command(&["plan", "--exit-code"]).env(&[count]).run_beside().await;
    assert_snapshot!(plan, @"
    exit 1
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  42
    --- stderr
    error: list machines my-app: 401 Authenticate: token validation error; the Machines API needs a deploy token of this app (fly tokens create deploy -a my-app) or an org token (fly-request-id [ID])
    ");
}
