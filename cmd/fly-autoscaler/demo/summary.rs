//! What a demo came to, in a few lines.

use fly_autoscaler::config::duration;
use fly_autoscaler::model::{TickOutcome, Timestamp};
use fly_autoscaler::telemetry::Metrics;

use super::story::day_and_time;
use super::world::START;

/// The autoscaler's own counters, read as Prometheus would: what they say is what a user would see.
pub(crate) struct Counters(Vec<(String, f64)>);

impl Counters {
    pub(crate) fn read(metrics: &Metrics) -> anyhow::Result<Self> {
        let text = metrics.render()?;
        let samples = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        });
        Ok(Self(samples.collect()))
    }

    /// The sum of the series of `name` that have all of `labels`, each written as `label="value"`.
    fn sum(&self, name: &str, labels: &[String]) -> u64 {
        let of_name = self.0.iter().filter(|(series, _)| {
            let rest = series.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('{'))
                && labels.iter().all(|label| series.contains(label))
        });
        of_name.map(|(_, value)| *value).sum::<f64>() as u64
    }

    fn ticks(&self, outcome: TickOutcome) -> u64 {
        self.sum("fas_ticks_total", &[format!("outcome=\"{outcome}\"")])
    }

    fn machines(&self, verb: &str) -> u64 {
        self.sum(&format!("fas_machine_{verb}_count"), &[r#"status="ok""#.to_owned()])
    }

    /// Requests to Fly by operation, those that were made.
    fn requests(&self) -> Vec<(String, u64)> {
        let mut requests = std::collections::BTreeMap::new();
        for (series, value) in &self.0 {
            let operation = series
                .strip_prefix("fas_api_requests_total{")
                .and_then(|rest| rest.split_once("operation=\""))
                .and_then(|(_, rest)| rest.split_once('"'));
            if let Some((operation, _)) = operation {
                *requests.entry(operation.to_owned()).or_insert(0) += *value as u64;
            }
        }
        requests.retain(|_, count| *count > 0);
        requests.into_iter().collect()
    }
}

/// The summary.
pub(crate) fn text(
    counters: &Counters,
    now: Timestamp,
    peak_machines: usize,
    machines_now: usize,
) -> String {
    let ran = std::time::Duration::from_secs(now.since(START).as_secs());
    let ticks: Vec<String> = TickOutcome::ALL
        .iter()
        .map(|outcome| format!("{} {outcome}", counters.ticks(*outcome)))
        .collect();
    let total: u64 = TickOutcome::ALL.iter().map(|outcome| counters.ticks(*outcome)).sum();
    let changes: Vec<String> = [
        ("start", "started"),
        ("stop", "stopped"),
        ("create", "created"),
        ("destroy", "destroyed"),
    ]
    .iter()
    .map(|(verb, done)| format!("{} {done}", counters.machines(verb)))
    .collect();
    let requests = counters.requests();
    let all: u64 = requests.iter().map(|(_, count)| count).sum();
    let requests: Vec<String> =
        requests.iter().map(|(operation, count)| format!("{count} {operation}")).collect();
    // Four on a line fit into 80 columns.
    let requests: Vec<String> = requests.chunks(4).map(|some| some.join(", ")).collect();
    let limited = counters.sum("fas_api_requests_total", &[r#"status="429""#.to_owned()]);
    format!(
        "Simulated {} ({} to {} UTC)\n\
         Ticks     {total}: {}\n\
         Machines  {}; {machines_now} now, at most {peak_machines}\n\
         Requests  {all}, {limited} answered 429\n          {}\n\
         Next: give an app of yours these settings; `fly-autoscaler plan` shows what would\n      \
         happen, `fly-autoscaler serve` does it.",
        duration::format(ran),
        day_and_time(START),
        day_and_time(now),
        ticks.join(", "),
        changes.join(", "),
        requests.join(",\n          "),
    )
}
