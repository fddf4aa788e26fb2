//! The machine that leaves is the one that has least to do, as a server tells it.

use std::collections::BTreeMap;

use fly_autoscaler::model::{MachineId, MachineState};
use fly_autoscaler::sim::Simulator;

use super::{STARTED, Server, app, fly};
use crate::running::{Autoscaler, until};

/// How busy the machines are: the last one in the order of ids has least to do.
const BUSY: [f64; 3] = [3.0, 2.0, 1.0];

fn states(sim: &Simulator) -> BTreeMap<MachineId, MachineState> {
    let machines = sim.world().machines(&app()).unwrap();
    machines.into_iter().map(|machine| (machine.id, machine.state)).collect()
}

/// Three machines, as busy as said, and work for all of them.
async fn busy() -> Simulator {
    let sim = fly(3, 0).await;
    sim.world().set_queue_depth(&app(), Some(30.0)).unwrap();
    for (id, busy) in states(&sim).keys().zip(BUSY) {
        let labels = [("instance", id.as_str())];
        sim.world().set_gauge(&app(), "busy", &labels, busy).unwrap();
    }
    sim
}

async fn the_least_busy_leaves(sim: &Simulator, prometheus: &str, told: impl Fn() -> String) {
    let url = sim.url();
    let scaler = Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_closed_loop"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_PROMETHEUS_ADDRESS", prometheus),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FAS_STOP_ORDER", "least-loaded"),
        ("FAS_STOP_METRIC_PROMETHEUS_QUERY", r#"sum by (instance) (busy{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
        STARTED,
    ])
    .await;
    let told = || scaler.program.told() + &told();
    let ids: Vec<MachineId> = states(sim).into_keys().collect();
    // One after the other, the idlest first, though by id it would be the other way round.
    for left in [2, 1] {
        sim.world().set_queue_depth(&app(), Some(10.0 * left as f64)).unwrap();
        let what = format!("the {left} busiest machines are left");
        until(&what, &told, async || {
            let states = states(sim);
            let running = |id: &&MachineId| states[*id] == MachineState::Started;
            let running: Vec<_> = ids.iter().filter(running).collect();
            if running == ids[..left].iter().collect::<Vec<_>>() {
                Ok(())
            } else {
                Err(format!("{states:?}"))
            }
        })
        .await;
    }
}

#[tokio::test]
async fn the_simulators_own_prometheus_tells_who_is_busy() {
    let sim = busy().await;
    the_least_busy_leaves(&sim, &sim.prometheus_url("acme"), String::new).await;
}

#[tokio::test]
async fn prometheus_tells_who_is_busy() {
    let sim = busy().await;
    let Some(server) = Server::prometheus(&sim).await else { return };
    the_least_busy_leaves(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn victoria_metrics_tells_who_is_busy() {
    let sim = busy().await;
    let Some(server) = Server::victoria_metrics(&sim).await else { return };
    the_least_busy_leaves(&sim, &server.url, || server.program.told()).await;
}
