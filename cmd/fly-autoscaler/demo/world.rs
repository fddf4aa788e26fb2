//! The world of the demo: an app with traffic that follows the sun, and a Fly that is sometimes unwell.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::config::{self, FlagValues, Loaded, MapEnv};
use fly_autoscaler::model::{AppName, Region, Timestamp};
use fly_autoscaler::ports::Clock;
use fly_autoscaler::sim::{
    Access, AppSpec, Day, Endpoint, FaultKind, FaultRule, Load, SimOptions, Simulator, Times, Token,
};

/// Monday, 2 March 2026, 10:00 UTC: Europe's day rises, so that there is something to do soon.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_772_445_600_000);

/// The app that is scaled.
pub(crate) const APP: &str = "shop";
const ORG: &str = "demo";

/// Each region with its requests per second at the evening's peak, and the machines that it has at
/// first: started, stopped. Most traffic comes from Europe, so that the total rises and falls with its
/// day; all regions alike would add up to a flat line. A few too few machines run, so that the first tick
/// has something to do.
const REGIONS: [(&str, f64, usize, usize); 7] = [
    ("lhr", 480.0, 1, 2),
    ("fra", 400.0, 1, 1),
    ("iad", 150.0, 1, 2),
    ("sjc", 80.0, 0, 1),
    ("nrt", 90.0, 1, 1),
    ("syd", 40.0, 1, 0),
    (EXCLUDED, 60.0, 0, 0),
];
/// Has visitors and gets no machine: they are served from the nearest region that may have some.
const EXCLUDED: &str = "gru";
/// Keeps a machine at night too.
const ALWAYS_RUNNING: &str = "lhr";

/// What the embedded Fly accepts: as from `fly tokens create deploy` and `fly tokens create readonly`.
const API_TOKEN: &str = "fm2_demo_deploy_token";
const METRICS_TOKEN: &str = "fm2_demo_readonly_token";

/// What a demo's `POST /api/v1/pause` and the like want to see.
const HTTP_TOKEN: &str = "no-secret-in-a-demo";

/// A setting as the environment has it.
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    value: String,
    /// What to show in place of a secret.
    hint: Option<&'static str>,
}

impl Setting {
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        Self { name, value: value.into(), hint: None }
    }

    fn secret(name: &'static str, value: &str, hint: &'static str) -> Self {
        Self { name, value: value.to_owned(), hint: Some(hint) }
    }

    /// What can be shown of the value.
    pub(crate) fn shown(&self) -> &str {
        self.hint.unwrap_or(&self.value)
    }
}

/// How far the list of machines is behind.
pub(crate) const LIST_LAG: Duration = Duration::from_secs(2);

/// Starts the embedded Fly and furnishes it.
pub(crate) async fn start(seed: u64, clock: Arc<dyn Clock>) -> Result<Simulator, io::Error> {
    let options = SimOptions {
        seed,
        list_lag: LIST_LAG,
        enforce_rate_limits: true,
        boot_failure: 0.02,
        tokens: vec![
            Token { secret: API_TOKEN.into(), access: Access::App(AppName::new(APP)) },
            Token { secret: METRICS_TOKEN.into(), access: Access::ReadOnly(ORG.to_owned()) },
        ],
        ..SimOptions::new(clock)
    };
    let simulator = Simulator::start(options).await?;
    let peak: BTreeMap<Region, f64> =
        REGIONS.iter().map(|(region, peak, ..)| (Region::new(region), *peak)).collect();
    let mut app = AppSpec::new(APP, ORG);
    app.load = Load::Day(Day {
        trough: 0.05,
        noise: 0.15,
        burst_chance: 0.05,
        burst_factor: 1.8,
        ..Day::with_peak(peak)
    });
    for (region, _, started, stopped) in REGIONS {
        app = app.with_machines(region, started, stopped);
    }
    simulator.world().add_app(&app);
    for fault in faults() {
        simulator.world().inject(fault);
    }
    Ok(simulator)
}

/// What goes wrong now and then, so that holds and failures can be seen with their reasons.
fn faults() -> [FaultRule; 2] {
    let failing = |endpoint, chance, code, body: &str| {
        let kind = FaultKind::Status { code, body: body.to_owned(), retry_after: None };
        FaultRule { times: Times::Chance(chance), ..FaultRule::always(endpoint, kind) }
    };
    [
        failing(Endpoint::Start, 0.04, 500, r#"{"error":"the host does not answer"}"#),
        // About once in an hour of ticks.
        failing(
            Endpoint::PrometheusQuery,
            0.004,
            503,
            r#"{"status":"error","errorType":"unavailable","error":"the query service restarts"}"#,
        ),
    ]
}

/// The settings of the demo: those of a real app, but for the addresses and the tokens.
pub(crate) fn settings(simulator: &Simulator, listen: SocketAddr) -> Vec<Setting> {
    let regions = REGIONS.iter().map(|(region, ..)| *region);
    let scaled: Vec<&str> = regions.filter(|region| *region != EXCLUDED).collect();
    vec![
        Setting::new("FAS_APP_NAME", APP),
        Setting::secret("FAS_API_TOKEN", API_TOKEN, "(from: fly tokens create deploy)"),
        Setting::new("FAS_PROMETHEUS_ADDRESS", simulator.prometheus_url(ORG)),
        Setting::secret(
            "FAS_PROMETHEUS_TOKEN",
            METRICS_TOKEN,
            "(from: fly tokens create readonly)",
        ),
        Setting::new("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
        Setting::new(
            "FAS_PROMETHEUS_QUERY",
            r#"sum by (region) (rate(fly_edge_http_responses_count{app="$APP_NAME"}[1m]))"#,
        ),
        Setting::new("FAS_PROMETHEUS_BY", "region"),
        Setting::new("FAS_REGION_MIN_STARTED_MACHINE_COUNT", "ceil(traffic / 50)"),
        Setting::new("FAS_REGION_MAX_STARTED_MACHINE_COUNT", "ceil(traffic / 40)"),
        Setting::new("FAS_REGION_MIN_CREATED_MACHINE_COUNT", "ceil(traffic / 50)"),
        Setting::new("FAS_REGION_MAX_CREATED_MACHINE_COUNT", "ceil(traffic / 40) + 1"),
        Setting::new("FAS_REGIONS", scaled.join(",")),
        Setting::new("FAS_EXCLUDED_REGIONS", EXCLUDED),
        Setting::new("FAS_UNLISTED_REGIONS", "nearest"),
        Setting::new("FAS_ALWAYS_RUNNING_REGIONS", ALWAYS_RUNNING),
        Setting::new("FAS_INITIAL_MACHINE_STATE", "stopped"),
        Setting::new("FAS_MIN_MACHINES", "3"),
        Setting::new("FAS_MAX_MACHINES", "40"),
        Setting::new("FAS_LISTEN", listen.to_string()),
        // To try what takes one. No other site can have a browser send it.
        Setting::new("FAS_HTTP_TOKEN", HTTP_TOKEN),
        Setting::new("FLY_FLAPS_BASE_URL", simulator.url()),
        Setting::new("FLY_API_BASE_URL", simulator.url()),
    ]
}

/// Reads the settings as `serve` would, and nothing else: not the process's environment, no file.
pub(crate) fn load(settings: &[Setting]) -> anyhow::Result<Loaded> {
    let env: MapEnv =
        settings.iter().map(|setting| (setting.name, setting.value.as_str())).collect();
    Ok(config::load(&FlagValues::default(), &env)?)
}

/// The requests per second that one started machine is meant to take, by the expressions above.
pub(crate) const REQUESTS_PER_MACHINE: f64 = 50.0;

#[cfg(test)]
mod tests {
    use fly_autoscaler::clock::SystemClock;

    use super::*;

    #[test]
    fn the_day_begins_on_a_monday_morning() {
        assert_eq!(START.to_string(), "2026-03-02T10:00:00.000Z");
    }

    #[tokio::test]
    async fn the_settings_are_a_configuration_without_warnings_and_show_no_token() {
        let simulator = start(1, Arc::new(SystemClock)).await.expect("a free port");
        let settings = settings(&simulator, SocketAddr::from(([127, 0, 0, 1], 9090)));

        let loaded = load(&settings).expect("a valid configuration");

        let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, Vec::<String>::new());
        assert!(loaded.config.require_api_token().is_ok());
        assert!(settings.iter().all(|setting| !setting.shown().contains("fm2_")));
    }
}
