use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::BoxFuture;

use super::*;
use crate::model::{Catalog, ProcessGroup, Region, Value, VariableTable};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// Answers with what it was given; never, where that is nothing.
struct Fixed {
    metric: MetricName,
    outcome: Option<Result<Sample, SourceError>>,
}

impl MetricSource for Fixed {
    fn metric(&self) -> &MetricName {
        &self.metric
    }

    fn sample<'a>(
        &'a self,
        _app: &'a AppName,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        match &self.outcome {
            Some(outcome) => Box::pin(std::future::ready(outcome.clone())),
            None => Box::pin(std::future::pending()),
        }
    }
}

fn collector(metric: &str, by: By, outcome: Option<Result<Sample, SourceError>>) -> Collector {
    Collector {
        source: Box::new(Fixed { metric: MetricName::new(metric), outcome }),
        by,
        timeout: Duration::from_secs(10),
        empty: None,
        max_age: None,
        on_failure: OnFailure::Hold,
        last_for: Duration::from_secs(900),
        absent_after: Duration::from_secs(300),
    }
}

fn plain(value: f64, seconds_ago: u64) -> Option<Result<Sample, SourceError>> {
    let at = Some(NOW.minus(Duration::from_secs(seconds_ago)));
    Some(Ok(Sample::Plain { value, at }))
}

fn by_region(values: &[(&str, Option<f64>)]) -> Option<Result<Sample, SourceError>> {
    let entry = |(region, value): &(&str, Option<f64>)| {
        (Region::new(region), value.ok_or_else(|| Arc::from("the value is NaN")))
    };
    let values: BTreeMap<_, _> = values.iter().map(entry).collect();
    Some(Ok(Sample::ByRegion { values, at: None }))
}

fn empty() -> Option<Result<Sample, SourceError>> {
    Some(Err(SourceError::Empty { query: "q".into() }))
}

async fn collected(collectors: &[Collector], memory: &mut Memory, now: Timestamp) -> Collected {
    collect(collectors, &AppName::new("my-app"), memory, now).await
}

/// The app-wide table where `lhr` and `iad` are listed.
async fn table(collectors: &[Collector], memory: &mut Memory, now: Timestamp) -> Vec<String> {
    let listed = regions(["lhr", "iad"]);
    let of = Regions { named: &listed, now, ..Regions::default() };
    shown(collected(collectors, memory, now).await.variables(&of).app_wide())
}

fn regions<const N: usize>(codes: [&str; N]) -> Vec<Region> {
    codes.map(Region::new).into()
}

/// A table as `name=value` with `nil`, and `!` and the reason for what failed.
fn shown(table: &VariableTable) -> Vec<String> {
    table
        .iter()
        .map(|(name, value)| match value {
            Ok(Value::Number(number)) => format!("{name}={number}"),
            Ok(Value::Truth(truth)) => format!("{name}={truth}"),
            Ok(Value::Nil) => format!("{name}=nil"),
            Ok(Value::Text(text)) => format!("{name}={text:?}"),
            Err(why) => format!("{name}! {why}"),
        })
        .collect()
}

async fn first_table(collectors: &[Collector]) -> Vec<String> {
    table(collectors, &mut Memory::default(), NOW).await
}

#[tokio::test(start_paused = true)]
async fn each_failure_is_taken_as_its_collector_says() {
    let failed = |on_failure| Collector { on_failure, ..collector("q", By::None, empty()) };
    let table = [
        (collector("q", By::None, plain(4.5, 0)), "q=4.5"),
        (failed(OnFailure::Hold), "q! the query `q` returned no series"),
        (failed(OnFailure::Nil), "q=nil"),
        (failed(OnFailure::Number(8.0)), "q=8"),
        (Collector { empty: Some(0.0), ..failed(OnFailure::Number(8.0)) }, "q=0"),
        (
            Collector { empty: Some(0.0), ..collector("q", By::None, None) },
            "q! no answer within 10s",
        ),
        (
            Collector {
                max_age: Some(Duration::from_secs(60)),
                ..collector("q", By::None, plain(4.5, 61))
            },
            "q! the sample is 61s old, more than max-age (60s)",
        ),
        (
            Collector {
                max_age: Some(Duration::from_secs(60)),
                ..collector("q", By::None, plain(4.5, 60))
            },
            "q=4.5",
        ),
    ];
    for (collector, want) in table {
        assert_eq!(first_table(&[collector]).await, [want]);
    }
}

#[tokio::test(start_paused = true)]
async fn collectors_run_at_once_and_one_that_hangs_delays_nobody_longer_than_its_timeout() {
    let collectors = [
        collector("a", By::None, None),
        collector("b", By::None, plain(1.0, 0)),
        collector("c", By::None, None),
    ];
    // Tokio's time is paused: this is how long it takes to the millisecond.
    let all = tokio::time::timeout(Duration::from_millis(10_001), first_table(&collectors)).await;
    let got = all.expect("two that hang take no longer than one");
    assert_eq!(got, ["a! no answer within 10s", "b=1", "c! no answer within 10s"]);
}

#[tokio::test]
async fn samples_come_in_the_order_of_the_collectors_and_as_measured() {
    let with_number = |metric, outcome| Collector {
        on_failure: OnFailure::Number(8.0),
        ..collector(metric, By::None, outcome)
    };
    let collectors = [with_number("z", empty()), with_number("a", plain(1.0, 0))];
    let app = AppName::new("my-app");
    let collected = collect(&collectors, &app, &mut Memory::default(), NOW).await;
    let samples = collected.samples.into_iter().map(|own| (own.metric, own.outcome));
    let error = CollectError::Source(SourceError::Empty { query: "q".into() });
    assert_eq!(
        samples.collect::<Vec<_>>(),
        [
            (MetricName::new("z"), Err(error)),
            (MetricName::new("a"), Ok(Sample::Plain { value: 1.0, at: Some(NOW) })),
        ]
    );
}

#[tokio::test]
async fn a_plain_failure_leaves_other_metrics_with_a_regions_ending_alone() {
    let collectors =
        [collector("queue_lhr", By::None, plain(1.0, 0)), collector("queue", By::None, empty())];
    assert_eq!(
        first_table(&collectors).await,
        ["queue! the query `q` returned no series", "queue_lhr=1"]
    );
}

mod failing;
mod regions;
