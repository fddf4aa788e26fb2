//! `eval`, `plan` and `serve` make the same of the same.

use std::collections::BTreeMap;

use fly_autoscaler::model::Region;
use fly_autoscaler::sim::{AppSpec, Load};
use serde_json::Value;

use crate::cli::Fly;
use crate::running::{Autoscaler, until};

/// The least number of machines that should run in each region, and under "" over all of them.
type Wanted = BTreeMap<String, u64>;

fn wanted<const N: usize>(numbers: [(&str, u64); N]) -> Wanted {
    numbers.map(|(region, number)| (region.to_owned(), number)).into()
}

fn of_eval(json: &Value) -> Wanted {
    let least = |own: &Value| own["started"]["min"].as_u64().unwrap();
    let regions = json["regions"].as_object().into_iter().flatten();
    let regions = regions.map(|(region, own)| (region.clone(), least(own)));
    regions.chain([(String::new(), least(json))]).collect()
}

fn of_tick(tick: &Value) -> Wanted {
    let own = |scope: &Value| {
        let least = scope["wanted"]["started"]["min"].as_u64()?;
        Some((scope["region"].as_str().unwrap_or_default().to_owned(), least))
    };
    let scopes = tick["plan"]["scopes"].as_array();
    scopes.unwrap_or_else(|| panic!("no plan: {tick:#}")).iter().filter_map(own).collect()
}

/// Traffic in two regions that have machines, and in three that have none.
async fn fly() -> Fly {
    let mut app = AppSpec::new("my-app", "my-org").with_machines("lhr", 1, 1);
    app = app.with_machines("iad", 2, 0);
    let traffic = [("lhr", 95.0), ("iad", 0.0), ("fra", 30.0), ("ewr", 7.0), ("nrt", 50.0)];
    let traffic = traffic.map(|(region, value)| (Region::new(region), value));
    app.load = Load::Fixed { traffic: traffic.into(), queue_depth: None };
    Fly::with(&app).await
}

/// What the running scaler wants in its first tick.
async fn served(fly: &Fly, settings: &[(&str, &str)]) -> Wanted {
    let (url, prometheus) = (fly.simulator.url(), fly.simulator.prometheus_url("my-org"));
    let own = [
        ("FAS_APP_NAME", "my-app"),
        ("FAS_API_TOKEN", "fm2_test"),
        ("FAS_DRY_RUN", "true"),
        ("FLY_FLAPS_BASE_URL", url.as_str()),
        ("FLY_API_BASE_URL", url.as_str()),
        ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
    ];
    let scaler = Autoscaler::start(&own.iter().chain(settings).copied().collect::<Vec<_>>()).await;
    let tick = until(
        "a tick",
        || scaler.program.told(),
        || async {
            let status = scaler.status().await;
            let tick = status["apps"][0]["last_tick"].clone();
            if tick.is_null() { Err(status.to_string()) } else { Ok(tick) }
        },
    );
    of_tick(&tick.await)
}

#[tokio::test]
async fn the_numbers_of_eval_are_those_of_the_plan_and_of_the_scaler() {
    let fly = fly().await;
    let each = ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 10)");
    let machines =
        ("FAS_REGION_STARTED_MACHINE_COUNT", "started_machines + (region == \"lhr\" ? 1 : 0)");
    let nearest = ("FAS_UNLISTED_REGIONS", "nearest");
    let auto = ("FAS_REGIONS", "auto");
    let two = ("FAS_REGIONS", "lhr,iad");
    let excluded = ("FAS_EXCLUDED_REGIONS", "nrt,fra");
    let of_one = ("FAS_STARTED_MACHINE_COUNT", "traffic_lhr");
    let table = [
        (vec![two, each], wanted([("", 182), ("lhr", 10), ("iad", 0)])),
        (vec![two, machines], wanted([("", 182), ("lhr", 2), ("iad", 2)])),
        // The nearest to Tokyo is London, by a few hundred kilometres.
        (vec![two, each, nearest], wanted([("", 182), ("lhr", 18), ("iad", 1)])),
        (
            vec![auto, each],
            wanted([("", 182), ("lhr", 10), ("iad", 0), ("fra", 3), ("ewr", 1), ("nrt", 5)]),
        ),
        (
            vec![auto, each, nearest, excluded],
            wanted([("", 182), ("lhr", 18), ("iad", 0), ("ewr", 1)]),
        ),
        // No expressions for regions, but one that reads the number of one.
        (vec![two, nearest, of_one], wanted([("", 175)])),
        (vec![auto, nearest, excluded, of_one], wanted([("", 175)])),
    ];
    let all = [
        ("FAS_STARTED_MACHINE_COUNT", "traffic"),
        ("FAS_MAX_MACHINES", "500"),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", "sum by (region) (traffic)"),
        ("FAS_PROMETHEUS_BY", "region"),
    ];
    for (settings, want) in table {
        let settings: Vec<_> = all.into_iter().chain(settings).collect();
        let json = async |arguments: &[&str]| {
            let ran = fly.command(arguments).env(&settings).run_beside().await;
            serde_json::from_str::<Value>(&ran.stdout).expect(&ran.stderr)
        };
        assert_eq!(of_eval(&json(&["eval"]).await), want, "eval with {settings:?}");
        assert_eq!(
            of_tick(&json(&["plan", "--format", "json"]).await),
            want,
            "plan with {settings:?}"
        );
        assert_eq!(served(&fly, &settings).await, want, "serve with {settings:?}");
    }
}
