//! One run: warm up, change demands for some intervals, and see what that costs.

use std::collections::BTreeMap;
use std::time::Duration;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::model::{AppName, Timestamp};
use fly_autoscaler::ports::Clock as _;
use fly_autoscaler::sim::{Endpoint, Request, Tally};

use crate::Plan;
use crate::child::Autoscaler;
use crate::fleet::{self, Change, Fleet, Fly};
use crate::process;

/// How long the first read of all apps may take, beside what each of them adds.
const WARM_UP: Duration = Duration::from_secs(120);
const WARM_UP_PER_APP: Duration = Duration::from_millis(30);

/// What one run gave.
pub(crate) struct Run {
    pub(crate) apps: usize,
    pub(crate) interval: Duration,
    pub(crate) warm_up: WarmUp,
    pub(crate) windows: Vec<Window>,
    /// The most resident memory of the autoscaler, in kB, after the warm-up and at the end.
    pub(crate) peak_kb: (u64, u64),
    /// Processor time over all measured intervals, as `/proc/PID/stat` has it.
    pub(crate) coarse_cpu: Duration,
    /// From each change upwards to the arrival of its start, sorted.
    pub(crate) delays: Vec<Duration>,
    /// Changes upwards that were followed by no start.
    pub(crate) unanswered: usize,
    /// What the autoscaler itself says of its ticks.
    pub(crate) said: Said,
}

/// From the start of the autoscaler until every app had been read.
pub(crate) struct WarmUp {
    pub(crate) took: Duration,
    pub(crate) requests: u64,
    pub(crate) cpu: Duration,
    pub(crate) refused: u64,
}

/// What happened in one interval.
pub(crate) struct Window {
    pub(crate) requests: BTreeMap<Endpoint, u64>,
    /// Bytes of the answers' bodies.
    pub(crate) bytes: u64,
    /// Answers of 429.
    pub(crate) refused: u64,
    /// Processor time of the autoscaler.
    pub(crate) cpu: Duration,
    /// Processor time of the simulator's thread.
    pub(crate) simulator_cpu: Duration,
}

/// Series of the autoscaler's own `/metrics`, as they grew in the measured intervals.
pub(crate) struct Said {
    /// Histograms: the average, and the bucket's bound under which 99 of 100 are.
    pub(crate) tick_duration: Option<(f64, f64)>,
    pub(crate) tick_lateness: Option<(f64, f64)>,
    /// Ticks by outcome.
    pub(crate) outcomes: BTreeMap<String, f64>,
}

impl Window {
    pub(crate) fn total(&self) -> u64 {
        self.requests.values().sum()
    }
}

/// Measures a fleet of `apps`.
pub(crate) async fn run(apps: usize, plan: &Plan) -> Result<Run, String> {
    let fly = Fly::start();
    let mut fleet = Fleet::new(&fly.world, apps);
    fly.clock.catch_up();
    let began = SystemClock.now();
    let scaler = Autoscaler::start(&variables(&fly, apps, plan.interval))?;
    let warm_up = warm_up(&fly, &scaler, apps, began).await?;
    // Whatever follows from the first read is over after one more interval.
    SystemClock.sleep(plan.interval).await;

    let pid = scaler.pid();
    let (peak, coarse_before) = (process::status_kb(pid, "VmHWM"), process::coarse_cpu_time(pid));
    let (_, said_before) = scaler.get("/metrics").await?;
    let mut windows = Vec::new();
    let mut changes = Vec::new();
    for number in 0..plan.ticks {
        let before = Snapshot::take(&fly, pid);
        changes.extend(one_interval(&mut fleet, number, plan).await);
        windows.push(before.until(&Snapshot::take(&fly, pid)));
    }
    let coarse_cpu = process::coarse_cpu_time(pid).saturating_sub(coarse_before);
    let (_, said_after) = scaler.get("/metrics").await?;
    // The last changes have their turn in the next interval.
    SystemClock.sleep(plan.interval * 2).await;
    if process::status_kb(pid, "VmHWM") == 0 {
        return Err(format!("the autoscaler has ended:\n{}", scaler.told()));
    }
    let (delays, unanswered) = delays(&changes, &fly.world.requests());
    Ok(Run {
        apps,
        interval: plan.interval,
        warm_up,
        windows,
        peak_kb: (peak, process::status_kb(pid, "VmHWM")),
        coarse_cpu,
        delays,
        unanswered,
        said: said(&said_before, &said_after),
    })
}

/// One app is configured by variables alone, as most are; a fleet by a pattern, with one query for all.
fn variables(fly: &Fly, apps: usize, interval: Duration) -> Vec<(&'static str, String)> {
    let interval = format!("{}s", interval.as_secs());
    let prometheus = &fly.prometheus;
    let mut variables = vec![
        ("FAS_API_TOKEN", "fm2_bench".to_owned()),
        ("FAS_PROMETHEUS_TOKEN", "fm2_bench".to_owned()),
        ("FLY_FLAPS_BASE_URL", fly.url.clone()),
        ("FLY_API_BASE_URL", fly.url.clone()),
    ];
    if apps == 1 {
        variables.extend([
            ("FAS_APP_NAME", fleet::name(0)),
            ("FAS_INTERVAL", interval),
            ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)".to_owned()),
            ("FAS_PROMETHEUS_ADDRESS", prometheus.clone()),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth".to_owned()),
            ("FAS_PROMETHEUS_QUERY", r#"sum(queue_depth{app="$APP_NAME"})"#.to_owned()),
        ]);
        return variables;
    }
    // The token stands in the file: the variable is for a collector that is given by variables.
    variables.retain(|(name, _)| *name != "FAS_PROMETHEUS_TOKEN");
    let yaml = format!(
        r#"app-name: "tenant-*"
org: {org}
interval: {interval}
started-machine-count: "ceil(queue_depth / 10)"
metric-collectors:
  - type: prometheus
    metric-name: queue_depth
    address: {prometheus}
    by: app
    query: sum by (app) (queue_depth)
    token: fm2_bench
"#,
        org = fleet::ORG
    );
    variables.push(("FAS_CONFIG_YAML", yaml));
    variables
}

/// Waits until each app's machines have been read once and a tick has ended well.
async fn warm_up(
    fly: &Fly,
    scaler: &Autoscaler,
    apps: usize,
    began: Timestamp,
) -> Result<WarmUp, String> {
    let limit = WARM_UP + WARM_UP_PER_APP * u32::try_from(apps).unwrap_or(u32::MAX);
    loop {
        let took = SystemClock.now().since(began);
        let listed = fly.world.count(Endpoint::List, Some(200));
        if listed >= apps as u64 && scaler.get("/readyz").await.is_ok_and(|ready| ready.0 == 200) {
            let requests = total(&fly.world.tallies()).requests;
            let refused = fly.world.answered(429);
            let cpu = process::cpu_time(scaler.pid());
            return Ok(WarmUp { took, requests, cpu, refused });
        }
        if took > limit {
            let told = scaler.told();
            return Err(format!("{listed} of {apps} apps were read within {took:?}:\n{told}"));
        }
        SystemClock.sleep(Duration::from_millis(50)).await;
    }
}

/// Changes the demand of a share of the apps, evenly through the interval, and waits for its end.
async fn one_interval(fleet: &mut Fleet, number: u32, plan: &Plan) -> Vec<Change> {
    let wanted = std::cmp::max(1, (fleet.len() as f64 * plan.share).round() as usize);
    // An app is left in peace for more than an interval, so that no change hides the one before.
    let count = if wanted * 2 > fleet.len() && number % 2 == 1 { 0 } else { wanted };
    let began = SystemClock.now();
    // Not at the same phase of each interval, which might be that of the ticks: by the golden ratio.
    let phase = (f64::from(number) * 0.618_034).fract();
    let mut changes = Vec::with_capacity(count);
    for turn in 0..count {
        let part = (turn as f64 + phase) / count as f64;
        sleep_until(began.plus(plan.interval.mul_f64(part))).await;
        changes.push(fleet.change_next());
    }
    sleep_until(began.plus(plan.interval)).await;
    changes
}

async fn sleep_until(at: Timestamp) {
    SystemClock.sleep(at.since(SystemClock.now())).await;
}

/// Counters at one moment.
struct Snapshot {
    tallies: BTreeMap<(Endpoint, Option<u16>), Tally>,
    cpu: Duration,
    simulator_cpu: Duration,
}

impl Snapshot {
    fn take(fly: &Fly, pid: u32) -> Self {
        Self {
            tallies: fly.world.tallies(),
            cpu: process::cpu_time(pid),
            simulator_cpu: process::thread_cpu_time(fly.thread),
        }
    }

    fn until(&self, later: &Self) -> Window {
        let mut requests = BTreeMap::new();
        let mut refused = 0;
        for ((endpoint, status), tally) in &later.tallies {
            let before = self.tallies.get(&(*endpoint, *status)).copied().unwrap_or_default();
            let new = tally.requests - before.requests;
            *requests.entry(*endpoint).or_default() += new;
            refused += if *status == Some(429) { new } else { 0 };
        }
        Window {
            requests,
            bytes: total(&later.tallies).bytes - total(&self.tallies).bytes,
            refused,
            cpu: later.cpu.saturating_sub(self.cpu),
            simulator_cpu: later.simulator_cpu.saturating_sub(self.simulator_cpu),
        }
    }
}

fn total(tallies: &BTreeMap<(Endpoint, Option<u16>), Tally>) -> Tally {
    tallies.values().fold(Tally::default(), |sum, tally| Tally {
        requests: sum.requests + tally.requests,
        bytes: sum.bytes + tally.bytes,
    })
}

/// How long each change upwards waited for the first start of its app, and how many wait still.
fn delays(changes: &[Change], requests: &[Request]) -> (Vec<Duration>, usize) {
    let mut starts: BTreeMap<&AppName, Vec<Timestamp>> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.endpoint == Endpoint::Start) {
        if let Some(app) = &request.app {
            starts.entry(app).or_default().push(request.at);
        }
    }
    let upwards: Vec<&Change> = changes.iter().filter(|change| change.is_up).collect();
    let answer = |change: &&Change| {
        let first = starts.get(&change.app)?.iter().find(|at| **at >= change.at)?;
        Some(first.since(change.at))
    };
    let mut delays: Vec<Duration> = upwards.iter().filter_map(answer).collect();
    delays.sort_unstable();
    let unanswered = upwards.len() - delays.len();
    (delays, unanswered)
}

fn said(before: &str, after: &str) -> Said {
    let grown =
        |series: &str| value(after, series).unwrap_or(0.0) - value(before, series).unwrap_or(0.0);
    let histogram = |name: &str| {
        let count = grown(&format!("{name}_count"));
        let average = grown(&format!("{name}_sum")) / count;
        let head = format!("{name}_bucket{{le=\"");
        let bounds = after.lines().filter_map(|line| line.strip_prefix(&head)?.split_once('"'));
        let bound = bounds
            .map(|(bound, _)| bound)
            .find(|bound| grown(&format!("{head}{bound}\"}}")) >= 0.99 * count)?;
        (count > 0.0).then_some((average, bound.parse().unwrap_or(f64::INFINITY)))
    };
    let outcomes = after.lines().filter_map(|line| {
        let outcome = line.strip_prefix("fas_ticks_total{outcome=\"")?.split_once('"')?.0;
        let series = format!("fas_ticks_total{{outcome=\"{outcome}\"}}");
        Some((outcome.to_owned(), grown(&series)))
    });
    Said {
        tick_duration: histogram("fas_tick_duration_seconds"),
        tick_lateness: histogram("fas_tick_lateness_seconds"),
        outcomes: outcomes.collect(),
    }
}

fn value(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}
