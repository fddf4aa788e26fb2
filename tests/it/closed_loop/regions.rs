//! Machines where the traffic is, by what a real server says of each region.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{MachineState, Region};
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator};

use super::{SHORT, Server, app};
use crate::running::{Autoscaler, until};

/// A simulated Fly with one machine in lhr, and traffic for it.
async fn fly() -> Simulator {
    let mut options = SimOptions::new(Arc::new(SystemClock));
    options.timings = SHORT;
    options.list_lag = Duration::from_millis(500);
    options.enforce_rate_limits = true;
    let sim = Simulator::start(options).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("lhr", 1, 0);
    spec.load = Load::Fixed { traffic: [(Region::new("lhr"), 40.0)].into(), queue_depth: None };
    sim.world().add_app(&spec);
    sim
}

/// How many machines run in each region, and how many there are besides.
fn running(sim: &Simulator) -> (BTreeMap<String, usize>, usize) {
    let machines = sim.world().machines(&app()).unwrap();
    let mut running: BTreeMap<String, usize> = BTreeMap::new();
    let mut others = 0;
    for machine in machines.iter().filter(|own| own.state != MachineState::Destroying) {
        match machine.state {
            MachineState::Started => *running.entry(machine.region.to_string()).or_default() += 1,
            _ => others += 1,
        }
    }
    (running, others)
}

/// Sets the traffic (`None`: the series vanishes) and waits for the machines that it asks for.
async fn traffic(
    sim: &Simulator,
    rates: &[(&str, Option<f64>)],
    wanted: &[(&str, usize)],
    told: &impl Fn() -> String,
) {
    for (region, rate) in rates {
        sim.world().set_traffic(&app(), &Region::new(region), *rate).unwrap();
    }
    let wanted = (wanted.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect(), 0);
    until(&format!("{wanted:?} for {rates:?}"), told, async || match running(sim) {
        now if now == wanted => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// Traffic arises in a region without machines, moves on, and ends; an excluded region gets nothing, its
/// traffic counts to the nearest, and home stays.
async fn follows(sim: &Simulator, prometheus: &str, told: impl Fn() -> String) {
    let url = sim.url();
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_closed_loop"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_PROMETHEUS_ADDRESS", prometheus),
        ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        ("FAS_PROMETHEUS_QUERY", r#"sum by (region) (traffic{app="$APP_NAME"})"#),
        ("FAS_PROMETHEUS_BY", "region"),
        ("FAS_PROMETHEUS_ABSENT_AFTER", "3s"),
        ("FAS_REGIONS", "lhr,nrt,iad"),
        ("FAS_EXCLUDED_REGIONS", "fra"),
        ("FAS_UNLISTED_REGIONS", "nearest"),
        ("FAS_ALWAYS_RUNNING_REGIONS", "lhr"),
        ("FAS_REGION_CREATED_MACHINE_COUNT", "ceil(traffic / 50)"),
        ("FAS_REGION_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
        ("FAS_MAX_MACHINES", "4"),
        ("FAS_DESTROY_BRAKE", "off"),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ])
    .await;
    let told = || scaler.program.told() + &told();
    let nrt = |rate| ("nrt", rate);
    traffic(sim, &[nrt(Some(90.0))], &[("lhr", 1), ("nrt", 2)], &told).await;
    let moved = [nrt(Some(10.0)), ("iad", Some(60.0))];
    traffic(sim, &moved, &[("iad", 2), ("lhr", 1), ("nrt", 1)], &told).await;
    // Frankfurt's is London's, and more than the ceiling allows; Tokyo's is not even zero any more.
    let full = [nrt(None), ("fra", Some(200.0))];
    traffic(sim, &full, &[("iad", 1), ("lhr", 3)], &told).await;
    let ended = [("fra", None), ("iad", None), ("lhr", Some(0.0))];
    traffic(sim, &ended, &[("lhr", 1)], &told).await;
    assert!(sim.world().peak_machines(&app()).unwrap() <= 4, "{}", told());
    assert_eq!(scaler.get("/readyz").await, (200, "ready\n".to_owned()), "{}", told());
    let (_, metrics) = scaler.get("/metrics").await;
    let of_region =
        r#"fas_target_machines{app="web",group="app",region="lhr",kind="started",bound="min"} 1"#;
    assert!(metrics.lines().any(|line| line == of_region), "{metrics}");
}

#[tokio::test]
async fn the_simulators_own_prometheus_moves_machines_to_where_the_traffic_is() {
    let sim = fly().await;
    follows(&sim, &sim.prometheus_url("acme"), String::new).await;
}

#[tokio::test]
async fn prometheus_moves_machines_to_where_the_traffic_is() {
    let sim = fly().await;
    let Some(server) = Server::prometheus(&sim).await else { return };
    follows(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn victoria_metrics_moves_machines_to_where_the_traffic_is() {
    let sim = fly().await;
    let Some(server) = Server::victoria_metrics(&sim).await else { return };
    follows(&sim, &server.url, || server.program.told()).await;
}
