//! What `eval`, which has no memory of its own, learns of the past from a server.

use fly_autoscaler::sim::Simulator;

use super::{Server, app, fly};
use crate::cli::fly_autoscaler;
use crate::running::until;

/// The mean of four seconds follows the queue by as much, and is known to a process that has just begun.
async fn is_remembered(sim: &Simulator, prometheus: &str, told: impl Fn() -> String) {
    let eval = || {
        fly_autoscaler(&["eval"]).env(&[
            ("FAS_APP_NAME", "web"),
            ("FAS_INTERVAL", "1s"),
            ("FAS_STARTED_MACHINE_COUNT", r#"avg_over("queue_depth", "4s")"#),
            ("FAS_PROMETHEUS_ADDRESS", prometheus),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ])
    };
    let mean = async |wanted: u32| {
        until(&format!("a mean of {wanted}"), &told, async || {
            let ran = eval().run_beside().await;
            let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_default();
            if json["started"]["min"] == wanted { Ok(()) } else { Err(ran.to_string()) }
        })
        .await;
    };
    mean(10).await;
    sim.world().set_queue_depth(&app(), Some(50.0)).unwrap();
    mean(50).await;
}

#[tokio::test]
async fn the_simulators_own_prometheus_remembers() {
    let sim = fly(1, 0).await;
    is_remembered(&sim, &sim.prometheus_url("acme"), String::new).await;
}

#[tokio::test]
async fn prometheus_remembers() {
    let sim = fly(1, 0).await;
    let Some(server) = Server::prometheus(&sim).await else { return };
    is_remembered(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn victoria_metrics_remembers() {
    let sim = fly(1, 0).await;
    let Some(server) = Server::victoria_metrics(&sim).await else { return };
    is_remembered(&sim, &server.url, || server.program.told()).await;
}
