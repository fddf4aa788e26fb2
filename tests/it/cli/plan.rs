//! `plan`: what the next tick would do. It changes nothing.

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{AppSpec, Endpoint};
use insta::assert_snapshot;

use super::{Fly, Ran, my_app};

/// The requests with which a plan looks.
const LOOKING: [Endpoint; 7] = [
    Endpoint::List,
    Endpoint::AppGet,
    Endpoint::ReleaseCurrent,
    Endpoint::Graphql,
    Endpoint::PrometheusQuery,
    Endpoint::TokenCurrent,
    // Where the configuration names regions.
    Endpoint::Regions,
];

/// Runs `plan --exit-code` with these variables, and makes sure that it only looked.
pub(super) async fn plan(fly: &Fly, env: &[(&str, &str)]) -> Ran {
    let app = AppName::new("my-app");
    let before = fly.simulator.world().machines(&app).unwrap();
    let ran = fly.command(&["plan", "--exit-code"]).env(env).run_beside().await;
    assert_eq!(fly.simulator.world().machines(&app).unwrap(), before);
    let asked = fly.asked();
    assert!(asked.iter().all(|endpoint| LOOKING.contains(endpoint)), "{asked:?}");
    ran
}

const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");

#[tokio::test]
async fn machines_to_start() {
    let fly = Fly::with(&my_app(1, 3, 25.0).with_machines("lhr", 1, 0)).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  25

                   machines            target
    app by region   started  stopped  started  next     why
      iad                 1        3        -  start 1  total: 2 started, at least 3 wanted
      lhr                 1        -        -  -
      total               2        3        3  start 1  2 started, at least 3 wanted

      all regions together
        2 started, at least 3 wanted [below_min]
          start 2460a1ddbfa683 in iad
            suspended before stopped, then the newest release, then by id: 1st of 3 that can be started (stopped, release 1)

    would start 1 machine
    ");
}

#[tokio::test]
async fn machines_to_stop() {
    let fly = Fly::with(&my_app(4, 0, 25.0)).await;
    assert_snapshot!(plan(&fly, &[STARTED]).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  25

    machines of app  started
      iad                  4

    plan for app  created  started
      observed          4        4
      wanted            -        3
      target            -        3

      4 started, at most 3 wanted [above_max]
        stop 2460a1ddbfa683 in iad
          by id: 1st of 4 that run

    would stop 1 machine
    ");
}

#[tokio::test]
async fn nothing_to_do() {
    let fly = Fly::with(&my_app(2, 3, 25.0)).await;
    let band = [
        ("FAS_MIN_STARTED_MACHINE_COUNT", "queue_depth / 25"),
        ("FAS_MAX_STARTED_MACHINE_COUNT", "queue_depth / 5"),
    ];
    assert_snapshot!(plan(&fly, &band).await, @"
    exit 0
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  25

    machines of app  started  stopped
      iad                  2        3

    plan for app  created  started
      observed          5        2
      wanted            -     1..5
      target            -     1..5

      2 started, 1..5 wanted [within_bounds]

    nothing to do
    ");
}

#[tokio::test]
async fn machines_to_create_with_regions_to_fall_back_to() {
    let fly = Fly::with(&my_app(2, 0, 45.0)).await;
    let regions = ("FAS_REGIONS", "iad,lhr,nrt");
    assert_snapshot!(plan(&fly, &[CREATED, STARTED, regions]).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  45

                   machines   target   target
    app by region   started  created  started  next      why
      iad                 2        -        -  -
      lhr                 -        -        -  create 2  total: 2 created, at least 5 wanted
      nrt                 -        -        -  create 1  total: 2 created, at least 5 wanted
      total               2        5        5  create 3  2 created, at least 5 wanted

      all regions together
        2 started, at least 5 wanted [below_min]
        2 created, at least 5 wanted [below_min]
          create a machine in lhr, cloned from 94b35983cf8a35, started (or else in nrt, iad)
          create a machine in nrt, cloned from 94b35983cf8a35, started (or else in lhr, iad)
          create a machine in lhr, cloned from 94b35983cf8a35, started (or else in nrt, iad)
            neither failed nor cordoned, then the newest release, then the same region, then by id: 94b35983cf8a35, 1st of 2 that can be cloned (in iad, release 1); each goes where there are the fewest

    would create 3 machines
    ");
}

#[tokio::test]
async fn more_than_may_be_had() {
    let fly = Fly::with(&my_app(1, 1, 990.0)).await;
    let limit = ("FAS_MAX_MACHINES", "4");
    assert_snapshot!(plan(&fly, &[STARTED, limit]).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  990

    machines of app  started  stopped
      iad                  1        1

    plan for app  created  started
      observed          2        1
      wanted            -       99
      target            -        4

      1 started, at least 4 wanted [below_min]
        start ac9b412dd47c47 in iad
          suspended before stopped, then the newest release, then by id: the only one that can be started (stopped, release 1)
      limited: min started lowered from 99 to 4 (max-machines) [limited_by_max_machines]
      limited: max started lowered from 99 to 4 (max-machines) [limited_by_max_machines]
      limited: 3 to start but only 1 stopped or suspended; set a created count to get more [not_enough_stopped]

    would start 1 machine
    ");
}

#[tokio::test]
async fn machines_to_destroy_are_stopped_first() {
    let fly = Fly::with(&my_app(4, 0, 20.0)).await;
    assert_snapshot!(plan(&fly, &[CREATED]).await, @"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  20

    machines of app  started
      iad                  4

    plan for app  created  started
      observed          4        4
      wanted            2        -
      target            2        -

      4 created, at most 2 wanted [above_max]
        stop 2460a1ddbfa683 in iad: stopped first, to be destroyed in a later tick [stop_before_destroy]
        stop 94b35983cf8a35 in iad: stopped first, to be destroyed in a later tick [stop_before_destroy]
          failed before stopped, suspended, created and started, then by id: 2 of 4 that may go

    would stop 2 machines
    ");
}

#[tokio::test]
async fn the_last_machine_stays() {
    let fly = Fly::with(&AppSpec::new("my-app", "my-org").with_machines("iad", 0, 2)).await;
    assert_snapshot!(plan(&fly, &[("FAS_CREATED_MACHINE_COUNT", "0")]).await, @r#"
    exit 3
    --- stdout
    my-app at [TIME]

    metrics
      queue_depth  no value: the query `queue_depth{app="my-app"}` returned no series

    machines of app  stopped
      iad                  2

    plan for app  created  started
      observed          2        0
      wanted            0        -
      target            1        -

      2 created, at most 1 wanted [above_max]
        destroy 94b35983cf8a35 in iad
          failed before stopped, suspended, created and started, then by id: 1st of 2 that may go (stopped)
      limited: the last machine that can be cloned is kept: scaling up starts from it [keeps_last_machine]

    would destroy 1 machine
    "#);
}
