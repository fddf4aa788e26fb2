//! The configuration, read again while the real binary runs against a simulated Fly.

mod files;
mod fleets;
mod many;
mod refused;
mod remembered;
mod restarts;
mod told;
mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, MachineState, Region};
use fly_autoscaler::sim::{AppSpec, SimOptions, Simulator, WorldHandle};
use serde_json::Value;
use tempfile::TempDir;

use crate::running::{Autoscaler, until};

/// Scales by `wanted`, up to `max-machines`.
const CONFIG: &str = r#"
app-name: web
started-machine-count: wanted
interval: 1s
metric-collectors:
  - {type: prometheus, address: $PROMETHEUS, metric-name: wanted, query: 'sum(wanted{app="$APP_NAME"})'}
"#;

fn app() -> AppName {
    AppName::new("web")
}

/// The binary, its configuration file, and the Fly that it scales.
struct Running {
    scaler: Autoscaler,
    sim: Simulator,
    folder: TempDir,
}

impl Running {
    /// One machine of eight in iad runs, as is wanted.
    async fn with(config: &str) -> Self {
        let spec = AppSpec::new("web", "acme").with_machines("iad", 1, 7);
        Self::of(&spec, config, &[]).await
    }

    async fn of(spec: &AppSpec, config: &str, more: &[(&str, &str)]) -> Self {
        let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
        sim.world().add_app(spec);
        sim.world().set_gauge(&spec.name, "wanted", &[], 1.0).unwrap();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("fas.yml");
        std::fs::write(&path, config).unwrap();
        let (url, prometheus) = (sim.url(), sim.prometheus_url("acme"));
        let mut variables = vec![
            ("FAS_CONFIG", path.to_str().unwrap()),
            ("FAS_API_TOKEN", "fm2_test"),
            ("PROMETHEUS", &prometheus),
            ("FLY_FLAPS_BASE_URL", &url),
            ("FLY_API_BASE_URL", &url),
        ];
        variables.extend(more);
        Self { scaler: Autoscaler::start(&variables).await, sim, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("fas.yml")
    }

    fn world(&self) -> &WorldHandle {
        self.sim.world()
    }

    fn want(&self, count: u32) {
        self.world().set_gauge(&app(), "wanted", &[], f64::from(count)).unwrap();
    }

    /// Writes the file as it stands.
    fn write(&self, config: &str) {
        std::fs::write(self.path(), config).unwrap();
    }

    /// Writes the file and has it read.
    fn reload(&self, config: &str) {
        self.write(config);
        self.scaler.program.signal("HUP");
    }

    /// How often the configuration was read again, by what came of it: ok, unchanged, failed.
    async fn reloads(&self) -> [u64; 3] {
        let metrics = self.scaler.get("/metrics").await.1;
        ["ok", "unchanged", "failed"].map(|status| {
            let name = format!("fas_config_reloads_total{{status=\"{status}\"}} ");
            let line = metrics.lines().find_map(|line| line.strip_prefix(name.as_str()));
            line.unwrap().parse().unwrap()
        })
    }

    async fn until_reloads(&self, wanted: [u64; 3]) {
        until(
            "so many reloads",
            || self.scaler.program.told(),
            async || {
                let reloads = self.reloads().await;
                if reloads == wanted { Ok(()) } else { Err(format!("{reloads:?}")) }
            },
        )
        .await;
    }

    async fn is_ok(&self) -> bool {
        self.scaler.get("/metrics").await.1.lines().any(|line| line == "fas_config_ok 1")
    }

    /// How many machines of a region run.
    fn running_in(&self, region: &str) -> usize {
        let region = Region::new(region);
        let machines = self.world().machines(&app()).unwrap();
        let runs = machines.iter().filter(|own| own.region == region);
        runs.filter(|own| own.state == MachineState::Started).count()
    }

    async fn until_running(&self, wanted: usize) {
        self.until_running_in("iad", wanted).await;
    }

    async fn until_running_in(&self, region: &str, wanted: usize) {
        let what = format!("{wanted} machines that run in {region}");
        until(
            &what,
            || self.scaler.program.told(),
            async || {
                let running = self.running_in(region);
                if running == wanted { Ok(()) } else { Err(running.to_string()) }
            },
        )
        .await;
    }

    /// The value in force, as `/api/v1/config` has it.
    async fn value(&self, key: &str) -> Value {
        let (code, body) = self.scaler.get("/api/v1/config").await;
        assert_eq!(code, 200, "{body}");
        let config: Value = serde_json::from_str(&body).unwrap();
        let values = config["values"].as_array().unwrap();
        let found = values.iter().find(|own| own["key"] == key);
        found.unwrap_or_else(|| panic!("no {key}: {body}"))["value"].clone()
    }

    /// Lets so many ticks begin and end from now on.
    async fn ticks(&self, count: u64) {
        let of = async || {
            let metrics = self.scaler.get("/metrics").await.1;
            let name = "fas_tick_duration_seconds_count ";
            let line = metrics.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
            line.parse::<u64>().unwrap()
        };
        let before = of().await;
        until(
            "some ticks",
            || self.scaler.program.told(),
            async || {
                let now = of().await;
                // One may be on its way already.
                if now > before + count { Ok(()) } else { Err(format!("{before}, {now}")) }
            },
        )
        .await;
    }

    /// The lines of the log with this message.
    fn said(&self, message: &str) -> Vec<Value> {
        let written = self.scaler.program.written();
        let lines = written.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let begins =
            |line: &Value| line["msg"].as_str().is_some_and(|own| own.starts_with(message));
        lines.filter(begins).collect()
    }
}

/// The file is looked at every two seconds, and a change counts in the second look: by then it was seen or will not
/// be.
const LOOKED: Duration = Duration::from_secs(5);
