//! `forecast()` in whole ticks over real HTTP: machines that start before the traffic rises, and what is held or used
//! where there is no model.

mod commands;
mod restarts;

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::model::{MachineState, Region, Timestamp};
use fly_autoscaler::ports::{Clock, StateStore};
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::reconcile::{Fills, Reconciler};
use fly_autoscaler::sim::{AppSpec, Load, ManualClock, SimOptions, Simulator, Trace};
use fly_autoscaler::status::Tick;
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::telemetry::Metrics;
use fly_autoscaler::transport::{Timeouts, client};

use crate::composed;
use crate::faults::web;

const INTERVAL: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// One machine for each ten requests, and by what the traffic will be.
const AHEAD: (&str, &str) = (
    "FAS_STARTED_MACHINE_COUNT",
    r#"max(ceil(traffic / 10), ceil(forecast("traffic", "15m") / 10))"#,
);
const NOW: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "ceil(traffic / 10)");

/// A simulated Fly whose app `web` has office hours.
struct Stage {
    sim: Simulator,
    clock: Arc<ManualClock>,
    metrics: Metrics,
}

/// Requests per second at an hour of the day: 20 at night, 100 from half past eight on, a ramp of half an hour between.
fn traffic(hour: f64) -> f64 {
    let up = ((hour - 8.0) * 2.0).clamp(0.0, 1.0);
    let down = ((hour - 18.0) * 2.0).clamp(0.0, 1.0);
    20.0 + 80.0 * (up - down)
}

impl Stage {
    /// The morning at this hour, after so many days of `traffic`.
    async fn at(hour: u32, days: u32) -> Self {
        let midnight = Timestamp::parse_rfc3339("2026-08-20T00:00:00Z").unwrap();
        let clock = Arc::new(ManualClock::new(midnight.plus(HOUR * hour)));
        let sim = Simulator::start(SimOptions::new(clock.clone())).await.unwrap();
        let mut spec = AppSpec::new("web", "acme").with_machines("iad", 2, 10);
        let step = 5 * MINUTE;
        let row = |number: u32| {
            // A ripple, as no two days are the same.
            let ripple = 1.0 + 0.02 * f64::from(number * 7 % 5 % 3);
            let hour = f64::from(number % 288) / 12.0;
            [(Region::new("iad"), traffic(hour) * ripple)].into()
        };
        let rows = (0..288 * (days + 2)).map(row).collect();
        let start = midnight.minus(24 * HOUR * days);
        spec.load = Load::Trace(Trace { start, step, rows });
        sim.world().add_app(&spec);
        Self { sim, clock, metrics: Metrics::new("test", "test") }
    }

    fn scaler(
        &self,
        fits: &Arc<Fits>,
        store: Arc<dyn StateStore>,
        variables: &[(&str, &str)],
    ) -> Reconciler {
        let metric = [
            ("FAS_PROMETHEUS_METRIC_NAME", "traffic"),
            ("FAS_PROMETHEUS_QUERY", r#"sum(traffic{app="$APP_NAME"})"#),
            ("FAS_INTERVAL", "60s"),
        ];
        let variables: Vec<_> = metric.iter().chain(variables).copied().collect();
        let config = composed::config(&self.sim, &variables);
        let timeouts = Timeouts { connect: Duration::from_secs(5), request: 30 * MINUTE / 60 };
        let http = client(timeouts).unwrap();
        composed::reconciler(&config, &http, self.clock.clone(), store)
            .with_ticks_apart(INTERVAL, Fills::default())
            .with_forecasts(Arc::clone(fits))
    }

    fn fresh(&self, fits: &Arc<Fits>, variables: &[(&str, &str)]) -> Reconciler {
        self.scaler(fits, Arc::new(MemoryStore::new("s1")), variables)
    }

    /// A tick and the fits that are due, and the time until the next.
    async fn tick(&self, scaler: &mut Reconciler, fits: &Fits) -> Tick {
        let tick = scaler.tick().await;
        fits.make_due(self.clock.as_ref(), &self.metrics).await;
        self.clock.advance(INTERVAL);
        tick
    }

    /// Ticks until this minute after the full hour at which it began.
    async fn until(&self, minute: u32, scaler: &mut Reconciler, fits: &Fits) {
        let end = Timestamp::from_millis(self.clock.now().as_millis() / 3_600_000 * 3_600_000)
            .plus(MINUTE * minute);
        while self.clock.now() < end {
            self.tick(scaler, fits).await;
        }
    }

    fn started(&self) -> usize {
        let machines = self.sim.world().machines(&web()).unwrap();
        let runs =
            |state: &MachineState| matches!(state, MachineState::Started | MachineState::Starting);
        machines.iter().filter(|machine| runs(&machine.state)).count()
    }
}

/// The sentences of a tick.
fn sentences(tick: &Tick) -> String {
    let plan = tick.plan.as_ref().unwrap();
    let reasons = plan.scopes.iter().flat_map(|scope| &scope.reasons);
    reasons.map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn machines_start_before_the_traffic_rises() {
    let mut started = Vec::new();
    for count in [NOW, AHEAD] {
        let stage = Stage::at(7, 14).await;
        let fits: Arc<Fits> = Arc::default();
        let mut scaler = stage.fresh(&fits, &[count]);
        stage.until(30, &mut scaler, &fits).await;
        assert!(stage.started() <= 3, "long before: {}", stage.started());
        stage.until(59, &mut scaler, &fits).await;
        started.push(stage.started());
    }
    // At a minute to eight the traffic is as it was all night; in a quarter of an hour it is 60.
    assert!(started[0] <= 3 && started[1] >= 5, "without a forecast, and with: {started:?}");
}

#[tokio::test]
async fn until_there_is_a_model_it_holds_or_uses_the_last_value_as_was_said() {
    let stage = Stage::at(12, 14).await;
    let fits: Arc<Fits> = Arc::default();
    let mut scaler = stage.fresh(&fits, &[AHEAD]);
    let tick = scaler.tick().await;
    let told = sentences(&tick);
    assert!(
        told.contains(r#"forecast("traffic", "15m") has no value: no model was fitted yet"#),
        "{told}"
    );
    assert_eq!(stage.started(), 2);
    fits.make_due(stage.clock.as_ref(), &stage.metrics).await;
    stage.clock.advance(INTERVAL);
    stage.tick(&mut scaler, &fits).await;
    assert!(stage.started() >= 10, "{}", stage.started());

    let stage = Stage::at(12, 14).await;
    let mut scaler = stage.fresh(&Arc::default(), &[AHEAD, ("FAS_FORECAST_MIN_SKILL", "0")]);
    scaler.tick().await;
    assert!(stage.started() >= 10, "{}", stage.started());
}

#[tokio::test]
async fn a_metric_without_a_past_says_how_much_is_missing() {
    let stage = Stage::at(12, 0).await;
    let mut scaler = stage.fresh(&Arc::default(), &[AHEAD]);
    // The day began at midnight: twelve hours are known.
    assert!(sentences(&scaler.tick().await).contains("no model was fitted yet"));
    let stage = Stage::at(0, 0).await;
    let fits: Arc<Fits> = Arc::default();
    let mut scaler = stage.fresh(&fits, &[AHEAD]);
    for known in ["1 values over 0s", "2 values over 1m", "3 values over 2m"] {
        let told = sentences(&stage.tick(&mut scaler, &fits).await);
        let known = format!(": {known} are known, and it takes 20 over 30m");
        assert!(told.contains(&known), "{told}");
    }
}
