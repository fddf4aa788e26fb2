//! Many apps, each with numbers for its regions.

use fly_autoscaler::model::{By, Region};
use fly_autoscaler::sim::Endpoint;

use super::{Counts, Differently, Stage, app};

const COUNT: usize = 20;

/// One query serves all regions of all apps, and a queue that grows in one region of one app starts a machine
/// there and nowhere else.
#[tokio::test]
async fn one_query_serves_all_regions_of_all_apps() {
    let queue = |stage: &Stage, number: usize, depth: f64| {
        let labels = [("region", "iad")];
        stage.sim.world().set_gauge(&app(number), "load", &labels, depth).unwrap();
    };
    let own = Differently {
        query: "sum by (app, region) (load)",
        by: By::AppAndRegion,
        counts: Counts::StartedByRegion,
        ..Differently::default()
    };
    let prepare = |sim: &fly_autoscaler::sim::Simulator| {
        for number in 0..COUNT {
            let labels = [("region", "iad")];
            sim.world().set_gauge(&app(number), "load", &labels, 10.0).unwrap();
        }
    };
    let stage = Stage::with(COUNT, prepare, own).await;
    stage.all_ticked(COUNT).await;
    let quiet = stage.requests_of(stage.tick(COUNT)).await;
    assert_eq!(quiet["query"], 1, "{quiet:?}");
    assert_eq!(quiet.get("start"), None, "{quiet:?}");

    queue(&stage, 3, 20.0);
    let one = stage.requests_of(stage.tick(COUNT)).await;
    assert_eq!((one["query"], one["start"]), (1, 1), "{one:?}");
    assert_eq!((stage.started(3), stage.started(4)), (2, 1));
    let status = stage.status(&app(3));
    let plan = status.last_action.unwrap().plan.clone().unwrap();
    let (scope, planned) = plan.actions().next().unwrap();
    assert_eq!(scope.region, Some(Region::new("iad")));
    assert_eq!(planned.reason.to_string(), "1 started, at least 2 wanted");
    assert_eq!(stage.sim.world().total(Endpoint::Create), 0);
}
