//! What is served over HTTP, by the real binary and to raw sockets.

mod control;
mod document;
pub(crate) mod events;
mod scan;
mod served;

use std::collections::BTreeMap;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{Access, AppSpec, Load, SimOptions, Simulator, Token};
use fly_autoscaler::transport::{Timeouts, client};
use secrecy::SecretString;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::running::{Autoscaler, until};

/// The tokens of these tests: no answer and no log line may hold them, whole or in part.
const FLY_TOKEN: &str = "fm2_f1yf1yf1ysecret";
const PROMETHEUS_TOKEN: &str = "fm2_pr0mpr0msecret";
const HTTP_TOKEN: &str = "httphttp-secret-of-these-tests";

async fn fly() -> Simulator {
    let mut options = SimOptions::new(Arc::new(SystemClock));
    let tokens = [
        (FLY_TOKEN, Access::App(AppName::new("web"))),
        (PROMETHEUS_TOKEN, Access::ReadOnly("acme".into())),
    ];
    options.tokens =
        tokens.map(|(secret, access)| Token { secret: SecretString::from(secret), access }).into();
    let sim = Simulator::start(options).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", 1, 2);
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(20.0) };
    sim.world().add_app(&spec);
    sim
}

/// What the queue of `web` is from now on.
fn queue(sim: &Simulator, depth: f64) {
    sim.world().set_queue_depth(&AppName::new("web"), Some(depth)).unwrap();
}

/// How many machines of `web` are in each state.
fn machines(sim: &Simulator) -> BTreeMap<String, usize> {
    let mut states = BTreeMap::new();
    for machine in sim.world().machines(&AppName::new("web")).unwrap() {
        *states.entry(machine.state.as_str().to_owned()).or_default() += 1;
    }
    states
}

/// How many machines of `web` run or are on their way there.
fn running(sim: &Simulator) -> usize {
    let all = machines(sim);
    ["starting", "started"].iter().filter_map(|state| all.get(*state)).sum()
}

async fn serving(sim: &Simulator) -> Autoscaler {
    serving_by(sim, "ceil(queue_depth / 10)").await
}

async fn serving_by(sim: &Simulator, started: &str) -> Autoscaler {
    serving_with(sim, &[("FAS_STARTED_MACHINE_COUNT", started), ("FAS_INTERVAL", "1s")]).await
}

/// Ticks once and then waits to be asked; `more` is set as well, and what is empty is not.
async fn serving_with(sim: &Simulator, more: &[(&str, &str)]) -> Autoscaler {
    let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
    let mut variables = BTreeMap::from([
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", FLY_TOKEN),
        ("FAS_HTTP_TOKEN", HTTP_TOKEN),
        ("FAS_INTERVAL", "1h"),
        ("FAS_VERBOSE", "true"),
        ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)"),
        ("FAS_FORECAST_MIN_SKILL", "0"),
        ("FAS_PROMETHEUS_ADDRESS", &prometheus),
        ("FAS_PROMETHEUS_TOKEN", PROMETHEUS_TOKEN),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
    ]);
    variables.extend(more.iter().copied());
    let variables: Vec<_> = variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    Autoscaler::start(&variables).await
}

/// Waits until `/readyz` answers this status and gives what it says.
async fn readiness(scaler: &Autoscaler, status: u16) -> String {
    let told = || scaler.program.told();
    until(&format!("/readyz {status}"), told, async || match scaler.get("/readyz").await {
        (got, text) if got == status => Ok(text),
        other => Err(format!("{other:?}")),
    })
    .await
}

/// Sends an order with `token`.
async fn post(scaler: &Autoscaler, path: &str, token: &str) -> (u16, Value) {
    let request = client(Timeouts::default()).unwrap().post(format!("{}{path}", scaler.url));
    let answer = request.header("authorization", format!("Bearer {token}")).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

/// Sends an order that is followed.
async fn order(scaler: &Autoscaler, path: &str) -> Value {
    let (status, answer) = post(scaler, path, HTTP_TOKEN).await;
    assert_eq!(status, 200, "{path}: {answer}{}", scaler.program.told());
    answer
}

/// Sends bytes and reads until the other side closes; what it refuses to read does not matter.
async fn raw(scaler: &Autoscaler, request: &[u8]) -> String {
    let mut stream = connect(scaler).await;
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn connect(scaler: &Autoscaler) -> TcpStream {
    TcpStream::connect(scaler.url.trim_start_matches("http://")).await.unwrap()
}
