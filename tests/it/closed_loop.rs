//! The loop, closed: the real binary scales the simulated Fly by what a real server has scraped from it.
//!
//! The tests with real servers run where `FAS_TEST_REAL_SERVERS=1` says that they are installed, as
//! `tests/run` does.

mod history;
mod leaving;
mod regions;

use std::io::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, MachineState};
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator, Timings};
use tempfile::TempDir;

use crate::running::{Autoscaler, Program, get, until};

/// What makes a machine run or not, and what makes it exist or not.
const STARTED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)");
const CREATED: (&str, &str) = ("FAS_CREATED_MACHINE_COUNT", "ceil(queue_depth / 10)");

/// How far the fleet is behind the queue: none of these waits for anything but itself.
const SHORT: Timings = Timings {
    pull: Duration::from_millis(200),
    boot: Duration::from_millis(200),
    resume: Duration::from_millis(100),
    stop: Duration::from_millis(200),
    suspend: Duration::from_millis(200),
    destroy: Duration::from_millis(200),
    linger: Duration::from_millis(200),
    jitter: 0.1,
};

fn app() -> AppName {
    AppName::new("web")
}

/// A simulated Fly with `started` and `stopped` machines and a queue of 10, which one machine is for.
async fn fly(started: usize, stopped: usize) -> Simulator {
    let mut options = SimOptions::new(Arc::new(SystemClock));
    options.timings = SHORT;
    // Ticks follow each other faster than lists catch up with, as at Fly.
    options.list_lag = Duration::from_millis(500);
    options.enforce_rate_limits = true;
    let sim = Simulator::start(options).await.unwrap();
    let mut spec = AppSpec::new("web", "acme").with_machines("iad", started, stopped);
    spec.load = Load::Fixed { traffic: [].into(), queue_depth: Some(10.0) };
    sim.world().add_app(&spec);
    sim
}

async fn autoscaler(sim: &Simulator, prometheus: &str, count: (&str, &str)) -> Autoscaler {
    let url = sim.url();
    Autoscaler::start(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", "fm2_closed_loop"),
        ("FAS_INTERVAL", "1s"),
        ("FAS_PROMETHEUS_ADDRESS", prometheus),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#),
        ("FLY_FLAPS_BASE_URL", &url),
        ("FLY_API_BASE_URL", &url),
        count,
    ])
    .await
}

/// How many machines there are and how many of them run.
fn fleet(sim: &Simulator) -> (usize, usize) {
    let machines = sim.world().machines(&app()).unwrap();
    let there = machines.iter().filter(|machine| machine.state != MachineState::Destroying);
    let states: Vec<_> = there.map(|machine| &machine.state).collect();
    let started = states.iter().filter(|state| ***state == MachineState::Started).count();
    (states.len(), started)
}

/// Sets the queue and waits for the fleet that it asks for.
async fn queue(sim: &Simulator, depth: f64, wanted: (usize, usize), told: &impl Fn() -> String) {
    sim.world().set_queue_depth(&app(), Some(depth)).unwrap();
    let what = format!("(machines, started) = {wanted:?} for a queue of {depth}");
    until(&what, told, async || match fleet(sim) {
        fleet if fleet == wanted => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// Up, down, and up again, with machines that are started and stopped.
async fn starts_and_stops(sim: &Simulator, prometheus: &str, told: impl Fn() -> String) {
    let scaler = autoscaler(sim, prometheus, STARTED).await;
    let told = || scaler.program.told() + &told();
    queue(sim, 35.0, (5, 4), &told).await;
    queue(sim, 12.0, (5, 2), &told).await;
    queue(sim, 50.0, (5, 5), &told).await;
    assert_eq!(sim.world().machines_made(&app()).unwrap(), 5, "none was created{}", told());
    let (code, ready) = scaler.get("/readyz").await;
    assert_eq!((code, ready.as_str()), (200, "ready\n"), "{}", told());
}

/// Up and down with machines that are created and destroyed; down needs the brake's three ticks, then
/// stops the machines before it destroys them.
async fn creates_and_destroys(sim: &Simulator, prometheus: &str, told: impl Fn() -> String) {
    let scaler = autoscaler(sim, prometheus, CREATED).await;
    let told = || scaler.program.told() + &told();
    queue(sim, 55.0, (6, 6), &told).await;
    assert_eq!(sim.world().peak_machines(&app()).unwrap(), 6, "never one too many{}", told());
    queue(sim, 0.0, (1, 1), &told).await;
    // The tick that destroys counts when it ends, a moment after the last machine has gone.
    let metrics = until("the destroys are counted", told, async || {
        let (_, metrics) = scaler.get("/metrics").await;
        let counted = r#"fas_machine_destroy_count{status="ok"} 5"#;
        if metrics.contains(counted) { Ok(metrics) } else { Err(metrics) }
    })
    .await;
    let braked = metrics.lines().any(|line| line == r#"fas_held_total{reason="destroy_brake"} 2"#);
    assert!(braked, "{metrics}{}", told());
    let line = r#"fas_machine_create_count{status="ok"} 5"#;
    assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}{}", told());
}

#[tokio::test]
async fn the_simulators_own_prometheus_starts_and_stops_machines() {
    let sim = fly(1, 4).await;
    starts_and_stops(&sim, &sim.prometheus_url("acme"), String::new).await;
}

#[tokio::test]
async fn the_simulators_own_prometheus_creates_and_destroys_machines() {
    let sim = fly(1, 0).await;
    creates_and_destroys(&sim, &sim.prometheus_url("acme"), String::new).await;
}

#[tokio::test]
async fn prometheus_starts_and_stops_machines() {
    let sim = fly(1, 4).await;
    let Some(server) = Server::prometheus(&sim).await else { return };
    starts_and_stops(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn prometheus_creates_and_destroys_machines() {
    let sim = fly(1, 0).await;
    let Some(server) = Server::prometheus(&sim).await else { return };
    creates_and_destroys(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn victoria_metrics_starts_and_stops_machines() {
    let sim = fly(1, 4).await;
    let Some(server) = Server::victoria_metrics(&sim).await else { return };
    starts_and_stops(&sim, &server.url, || server.program.told()).await;
}

#[tokio::test]
async fn victoria_metrics_creates_and_destroys_machines() {
    let sim = fly(1, 0).await;
    let Some(server) = Server::victoria_metrics(&sim).await else { return };
    creates_and_destroys(&sim, &server.url, || server.program.told()).await;
}

/// A real server that scrapes a simulator.
struct Server {
    program: Program,
    url: String,
    _data: TempDir,
}

impl Server {
    async fn prometheus(sim: &Simulator) -> Option<Self> {
        Self::start(sim, "prometheus", "/-/ready", |address, config, data| {
            vec![
                format!("--web.listen-address={address}"),
                format!("--config.file={config}"),
                format!("--storage.tsdb.path={data}"),
            ]
        })
        .await
    }

    async fn victoria_metrics(sim: &Simulator) -> Option<Self> {
        Self::start(sim, "victoria-metrics", "/health", |address, config, data| {
            vec![
                format!("-httpListenAddr={address}"),
                format!("-promscrape.config={config}"),
                format!("-storageDataPath={data}"),
                // By default queries answer what was so half a minute ago.
                "-search.latencyOffset=0s".to_owned(),
                // Reserves most of the machine's memory otherwise.
                "-memory.allowedBytes=64MiB".to_owned(),
            ]
        })
        .await
    }

    /// Starts `name` on a free port and waits until it is ready; `None` where the tests are to do without
    /// real servers.
    async fn start(
        sim: &Simulator,
        name: &'static str,
        ready: &str,
        arguments: impl FnOnce(&str, &str, &str) -> Vec<String>,
    ) -> Option<Self> {
        if !wanted() {
            skipped(name);
            return None;
        }
        let data = tempfile::tempdir().unwrap();
        let config = data.path().join("scrape.yml");
        let mut file = std::fs::File::create(&config).unwrap();
        let target = sim.url().replace("http://", "");
        write!(
            file,
            "scrape_configs:\n- job_name: fly\n  scrape_interval: 1s\n  scrape_timeout: 1s\n  \
             honor_labels: true\n  static_configs:\n  - targets: ['{target}']\n"
        )
        .unwrap();
        let address = free_address();
        let (config, store) = (config.display().to_string(), data.path().join("data"));
        let arguments = arguments(&address, &config, &store.display().to_string());
        let program = Program::start(name, Command::new(name).args(arguments));
        let url = format!("http://{address}");
        let ready = format!("{url}{ready}");
        until(
            &format!("{name} ready"),
            || program.told(),
            async || match get(&ready).await {
                Ok((200, _)) => Ok(()),
                Ok((status, body)) => Err(format!("{status} {body}")),
                Err(why) => Err(why),
            },
        )
        .await;
        Some(Self { program, url, _data: data })
    }
}

/// An address on loopback that was free a moment ago.
pub(crate) fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

#[expect(clippy::disallowed_methods, reason = "says whether the real servers are installed")]
pub(crate) fn wanted() -> bool {
    std::env::var_os("FAS_TEST_REAL_SERVERS").is_some_and(|value| value == "1")
}

/// Says so past the harness, which would hide it from whoever looks at a row of passed tests.
pub(crate) fn skipped(name: &str) {
    let text =
        format!("skipped a closed-loop test: {name} is wanted only with FAS_TEST_REAL_SERVERS=1\n");
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}
