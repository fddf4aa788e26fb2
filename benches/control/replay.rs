//! One recorded load through the real ticks.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::collect::Collector;
use fly_autoscaler::config::{FlagValues, MapEnv, load};
use fly_autoscaler::model::{AppName, By, MetricName, OnFailure, Sample, Timestamp};
use fly_autoscaler::ports::{BoxFuture, Clock, MetricSource, PastRange, SourceError};
use fly_autoscaler::reconcile::forecasts::Fits;
use fly_autoscaler::reconcile::{Adapters, Group, Reconciler, Settings};
use fly_autoscaler::sim::ManualClock;
use fly_autoscaler::store::MemoryStore;
use fly_autoscaler::telemetry::Metrics;

use super::fleet::InMemory;
use super::load::{Load, PER_MACHINE};
use super::settings::{Setting, UTILISATION};

/// From one tick to the next: the default.
const INTERVAL: Duration = Duration::from_secs(15);
/// What the metric is a rate over.
const WINDOW: Duration = Duration::from_secs(60);
/// How old the newest scrape is when it is asked for.
const LAG: Duration = Duration::from_secs(15);
/// When a change after the opposite one counts as flapping.
const REVERSAL: Duration = Duration::from_secs(600);
/// The recordings begin here, a Thursday at midnight.
const START: Timestamp = Timestamp::from_millis(0);
/// How many machines there are to run.
const MACHINES: usize = 200;

/// What became of a load.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Score {
    /// Hours of all machines that ran, those that boot included.
    pub(crate) machine_hours: f64,
    /// The same, had as many run at each moment as were wanted then.
    pub(crate) least_hours: f64,
    /// Minutes in which fewer served than were wanted.
    pub(crate) short: f64,
    /// Minutes in which those that served had more to do than they can.
    pub(crate) overloaded: f64,
    /// Ticks that started machines.
    pub(crate) ups: u32,
    /// Ticks that stopped machines.
    pub(crate) downs: u32,
    /// Changes within ten minutes of one in the other direction.
    pub(crate) flaps: u32,
    /// Hours replayed.
    pub(crate) hours: f64,
}

/// The load as a metric: a rate over a minute, a scrape old, as uneven as counted events are.
struct Measured {
    metric: MetricName,
    load: Arc<Load>,
}

impl MetricSource for Measured {
    fn metric(&self) -> &MetricName {
        &self.metric
    }

    fn sample<'a>(
        &'a self,
        _: &'a AppName,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        let value = self.load.measured(now.minus(LAG));
        Box::pin(async move {
            let empty = || SourceError::Empty { query: "load".into() };
            Ok(Sample::Plain { value: value.ok_or_else(empty)?, at: None })
        })
    }

    fn past<'a>(
        &'a self,
        _: &'a AppName,
        range: PastRange,
    ) -> BoxFuture<'a, Result<Vec<(Timestamp, Sample)>, SourceError>> {
        let mut steps = Vec::new();
        let mut at = range.from.max(START.plus(LAG + WINDOW));
        while at <= range.until {
            let value = self.load.measured(at.minus(LAG));
            steps.extend(value.map(|value| (at, Sample::Plain { value, at: None })));
            at = at.plus(range.step);
        }
        Box::pin(std::future::ready(Ok(steps)))
    }
}

impl Load {
    /// The rate that a monitor gives at `at`.
    fn measured(&self, at: Timestamp) -> Option<f64> {
        let middle = at.minus(WINDOW / 2).since(START);
        let rate = self.rate(middle)?;
        let events = rate * WINDOW.as_secs_f64();
        let uneven = events + events.sqrt() * normal(at.as_millis() as u64);
        Some(uneven.max(0.0) / WINDOW.as_secs_f64())
    }
}

/// A number from the normal distribution, the same for the same seed: the sum of twelve even ones.
fn normal(seed: u64) -> f64 {
    let mut state = seed;
    let mut even = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
    };
    (0..12).map(|_| even()).sum::<f64>() - 6.0
}

/// Replays `load` with the damping of `setting` and machines that take `boot` until they serve.
pub(crate) async fn replay(load: &Arc<Load>, setting: &Setting, boot: Duration) -> Score {
    let begin = START.plus(load.begin());
    let clock = Arc::new(ManualClock::new(begin));
    let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
    let per_machine = PER_MACHINE * UTILISATION;
    let wanted =
        |at: Timestamp| load.rate(at.since(START)).map(|rate| (rate / per_machine).ceil().max(1.0));
    let first = wanted(begin).unwrap_or(1.0) as usize;
    let fleet = Arc::new(InMemory::new(Arc::clone(&shared), boot, MACHINES, first));
    let metrics = Arc::new(Metrics::new("replay", "replay"));
    // As `serve` has them: in a tenth of a core, by the clock of the replay.
    let fits = Arc::new(Fits::default());
    let adapters = Adapters {
        api: Arc::<InMemory>::clone(&fleet),
        clock: shared,
        store: Arc::new(MemoryStore::new("replay")),
        metrics: Arc::clone(&metrics),
    };
    let mut reconciler =
        reconciler(load, setting, per_machine, adapters).with_forecasts(Arc::clone(&fits));

    let mut score = Score::default();
    let (mut last_up, mut last_down) = (None, None);
    let seconds = INTERVAL.as_secs_f64();
    while clock.now().since(START) < load.length() {
        let now = clock.now();
        let before = fleet.running_and_serving().0;
        reconciler.tick().await;
        fits.make_due(clock.as_ref(), &metrics).await;
        let (running, serving) = fleet.running_and_serving();
        let recent = |at: Option<Timestamp>| at.is_some_and(|at| now.since(at) <= REVERSAL);
        if running > before {
            score.ups += 1;
            score.flaps += u32::from(recent(last_down));
            last_up = Some(now);
        } else if running < before {
            score.downs += 1;
            score.flaps += u32::from(recent(last_up));
            last_down = Some(now);
        }
        score.machine_hours += f64::from(running) * seconds / 3600.0;
        if let (Some(wanted), Some(rate)) = (wanted(now), load.rate(now.since(START))) {
            score.least_hours += wanted * seconds / 3600.0;
            score.short += if f64::from(serving) < wanted { seconds / 60.0 } else { 0.0 };
            let is_overloaded = rate > f64::from(serving) * PER_MACHINE;
            score.overloaded += if is_overloaded { seconds / 60.0 } else { 0.0 };
        }
        score.hours += seconds / 3600.0;
        clock.advance(INTERVAL);
    }
    score
}

fn reconciler(
    load: &Arc<Load>,
    setting: &Setting,
    per_machine: f64,
    adapters: Adapters,
) -> Reconciler {
    let expression = setting.expression.replace("PER_MACHINE", &per_machine.to_string());
    let fixed = [
        ("FAS_APP_NAME", "replay"),
        ("FAS_API_TOKEN", "fm2_replay"),
        ("FAS_PROMETHEUS_ADDRESS", "http://localhost"),
        ("FAS_PROMETHEUS_METRIC_NAME", "load"),
        ("FAS_PROMETHEUS_QUERY", "load"),
        ("FAS_STARTED_MACHINE_COUNT", expression.as_str()),
        ("FAS_MIN_MACHINES", "1"),
    ];
    let own = setting.variables.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let env: MapEnv = fixed.into_iter().chain(own).collect();
    let loaded = load_config(&env);
    let group = |own: &fly_autoscaler::config::GroupConfig| Group {
        group: own.group.clone(),
        expressions: own.expressions.clone(),
        per_region: own.per_region.clone(),
        policy: Arc::new(own.policy.clone()),
        forecast_min_skill: own.forecast_min_skill,
    };
    let groups: Vec<Group> = loaded.groups.iter().map(group).collect();
    let source = Measured { metric: MetricName::new("load"), load: Arc::clone(load) };
    let collector = Collector {
        source: Box::new(source),
        by: By::None,
        timeout: loaded.timeout,
        empty: None,
        max_age: None,
        on_failure: OnFailure::Hold,
        last_for: Duration::ZERO,
        absent_after: Duration::ZERO,
    };
    let settings = Settings {
        timeout: loaded.timeout,
        release_guard: false,
        release_timeout: loaded.release_timeout,
        action_concurrency: loaded.action_concurrency,
        dry_run: false,
        own_machine: None,
    };
    Reconciler::new(AppName::new("replay"), vec![collector], groups, settings, adapters)
}

fn load_config(env: &MapEnv) -> fly_autoscaler::config::Config {
    let loaded = load(&FlagValues::default(), env).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
    loaded.config
}
