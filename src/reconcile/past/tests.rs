mod ahead;
mod kept;

use std::sync::Mutex;

use futures::future::BoxFuture;

use super::*;
use crate::collect::{Memory, collect};
use crate::decide::{History, Policy, Unlisted};
use crate::evaluate::{Expression, Names, PerRegion};
use crate::model::{By, Catalog, OnFailure, RegionList, Sample, ScopeBounds};
use crate::ports::{MetricSource, SourceError};
use crate::reconcile::{Facts, GroupNumbers};

const INTERVAL: Duration = Duration::from_secs(15);
const START: i64 = 1_787_306_400_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + 1000 * seconds)
}

/// What a source says: now, and when it is asked for the past.
struct Script {
    now: Result<Sample, SourceError>,
    past: Result<Vec<(Timestamp, Sample)>, SourceError>,
    asked: Vec<PastRange>,
}

#[derive(Clone)]
struct Source(MetricName, Arc<Mutex<Script>>);

impl MetricSource for Source {
    fn metric(&self) -> &MetricName {
        &self.0
    }

    fn sample<'a>(
        &'a self,
        _: &'a AppName,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        let now = self.1.lock().expect("no panic").now.clone();
        Box::pin(std::future::ready(now))
    }

    fn past<'a>(
        &'a self,
        _: &'a AppName,
        range: PastRange,
    ) -> BoxFuture<'a, Result<Vec<(Timestamp, Sample)>, SourceError>> {
        let mut script = self.1.lock().expect("no panic");
        script.asked.push(range);
        Box::pin(std::future::ready(script.past.clone()))
    }
}

fn plain(value: f64) -> Sample {
    Sample::Plain { value, at: None }
}

fn by_region(values: &[(&str, f64)]) -> Sample {
    let values = values.iter().map(|(region, value)| (Region::new(region), Ok(*value)));
    Sample::ByRegion { values: values.collect(), at: None }
}

fn failed() -> SourceError {
    SourceError::Unreachable { address: "http://prom".into(), message: "refused".into() }
}

/// One app with one metric, tick by tick.
struct World {
    source: Source,
    group: Group,
    collectors: Arc<[Collector]>,
    past: Past,
    memory: Memory,
}

impl World {
    fn new(
        metric: &str,
        app_wide: &str,
        per_region: &str,
        change: impl FnOnce(&mut Collector),
    ) -> Self {
        let names =
            Names::new([metric.to_owned(), format!("{metric}_lhr"), format!("{metric}_iad")]);
        let compiled = |source: &str| {
            let minimum = (!source.is_empty()).then(|| {
                Expression::compile(source, &names).unwrap_or_else(|e| panic!("{}", e.render()))
            });
            ScopeExpressions { started_min: minimum, ..ScopeExpressions::default() }
        };
        let regions = if per_region.is_empty() {
            vec![]
        } else {
            vec![Region::new("lhr"), Region::new("iad")]
        };
        let policy =
            Policy { regions: regions.into(), unlisted: Unlisted::Nearest, ..Policy::default() };
        let group = Group {
            group: ProcessGroup::new("app"),
            expressions: compiled(app_wide),
            per_region: PerRegion { every: compiled(per_region), own: BTreeMap::new() },
            policy: Arc::new(policy),
            forecast_min_skill: None,
        };
        let script =
            Script { now: Ok(plain(0.0)), past: Err(SourceError::NoPast), asked: Vec::new() };
        let source = Source(MetricName::new(metric), Arc::new(Mutex::new(script)));
        let mut collector = Collector {
            source: Box::new(source.clone()),
            by: if per_region.is_empty() { By::None } else { By::Region },
            timeout: Duration::from_secs(10),
            empty: None,
            max_age: None,
            on_failure: OnFailure::Hold,
            last_for: Duration::ZERO,
            absent_after: Duration::from_secs(300),
        };
        change(&mut collector);
        let collectors: Arc<[Collector]> = vec![collector].into();
        let past = Past::new(std::slice::from_ref(&group), Arc::clone(&collectors), INTERVAL);
        Self { source, group, collectors, past, memory: Memory::default() }
    }

    fn says(&self, now: Result<Sample, SourceError>) {
        self.source.1.lock().expect("no panic").now = now;
    }

    fn remembers(&self, past: Vec<(Timestamp, Sample)>) {
        self.source.1.lock().expect("no panic").past = Ok(past);
    }

    fn asked(&self) -> usize {
        self.source.1.lock().expect("no panic").asked.len()
    }

    /// One tick: what is wanted over all regions, then in each; a machine count or what is said.
    async fn tick(&mut self, now: Timestamp) -> Vec<String> {
        let app = AppName::new("web");
        let collected = collect(&self.collectors, &app, &mut self.memory, now).await;
        self.past.fetch(&app, &Fills::default(), now).await;
        let facts = Facts {
            collected: &collected,
            observed: None,
            history: &History::default(),
            catalog: Catalog::builtin(),
            named: &super::super::named_regions(std::slice::from_ref(&self.group)),
            memory: &self.memory,
            now,
        };
        let numbers = GroupNumbers::of(&self.group, &facts, &mut self.past);
        self.past.prune(now);
        let own = numbers.by_region.into_iter().map(|(_, gave)| gave);
        std::iter::once(numbers.app_wide).chain(own).map(said).collect()
    }
}

fn said(gave: crate::reconcile::Gave) -> String {
    match gave {
        Ok(ScopeBounds { started, .. }) => started.min.map_or("-".into(), |min| min.to_string()),
        Err(errors) => errors.iter().map(|(_, _, error)| error.to_string()).collect(),
    }
}

#[tokio::test]
async fn what_is_measured_is_recorded_and_what_stands_in_is_not() {
    let mut world = World::new("q", r#"max_over("q", "1m")"#, "", |own| {
        own.on_failure = OnFailure::Number(500.0);
        own.empty = Some(7.0);
    });
    let empty = || Err(SourceError::Empty { query: "q".into() });
    // (seconds, what the source says, what is wanted)
    for (seconds, now, want) in [
        (0, Ok(plain(10.0)), None),
        (15, Ok(plain(20.0)), None),
        (30, Ok(plain(30.0)), None),
        (45, Ok(plain(40.0)), Some("40")),
        // The number stands for the metric and for its past, and is not kept.
        (60, Err(failed()), Some("500")),
        (75, Ok(plain(20.0)), Some("40")),
        // What `empty` means is as good as measured.
        (90, empty(), Some("40")),
        (105, empty(), Some("20")),
        (135, empty(), Some("7")),
    ] {
        world.says(now);
        let got = world.tick(at(seconds)).await;
        match want {
            Some(want) => assert_eq!(got, [want], "{seconds}"),
            None => assert!(got[0].contains("enough in"), "{seconds}: {got:?}"),
        }
    }
}

#[tokio::test]
async fn a_gap_stays_one_and_holds_when_it_is_long() {
    let mut world = World::new("q", r#"avg_over("q", "2m")"#, "", |_| {});
    for tick in 0..8 {
        world.says(Ok(plain(8.0)));
        world.tick(at(15 * tick)).await;
    }
    for tick in 8..12 {
        world.says(Err(failed()));
        let got = world.tick(at(15 * tick)).await;
        assert_eq!(got, ["metric `q` has no value: http://prom could not be reached: refused"]);
    }
    // Three of the eight before it are left, and this one: half of what the window holds.
    world.says(Ok(plain(4.0)));
    assert_eq!(world.tick(at(180)).await, ["7"]);
    world.says(Err(failed()));
    world.tick(at(195)).await;
    world.says(Ok(plain(4.0)));
    let got = world.tick(at(210)).await;
    assert!(got[0].contains("there are 3 samples of the last 2m"), "{got:?}");
}

#[tokio::test]
async fn a_restart_forgets_nothing_that_the_source_remembers() {
    let mut world = World::new("q", r#"avg_over("q", "10m")"#, "", |_| {});
    world.says(Ok(plain(40.0)));
    world.remembers((-39..=0).map(|tick| (at(15 * tick), plain(20.0))).collect());
    // 39 from before and the one of now.
    assert_eq!(world.tick(at(0)).await, ["20"]);
    assert_eq!(world.asked(), 1);
    let range = world.source.1.lock().expect("no panic").asked[0];
    assert_eq!((range.from, range.until, range.step), (at(-585), at(0), INTERVAL));
    for tick in 1..40 {
        world.tick(at(15 * tick)).await;
    }
    assert_eq!((world.tick(at(600)).await, world.asked()), (vec!["40".into()], 1));
}

#[tokio::test]
async fn without_a_past_the_window_fills_by_itself_and_says_why() {
    let mut world = World::new("q", r#"avg_over("q", "1m")"#, "", |_| {});
    world.says(Ok(plain(3.0)));
    let got = world.tick(at(0)).await;
    assert_eq!(
        got,
        [
            r#"`avg_over("q", "1m")` has no value: there are 1 samples of the last 1m, the first of them 0s ago; it takes 2 of 4, and a first one 45s ago: enough in 45s if every tick measures; its past could not be read: its source keeps no history: Temporal counts what runs now"#
        ]
    );
    for tick in 1..3 {
        assert_ne!(world.tick(at(15 * tick)).await, ["3"]);
    }
    assert_eq!(world.tick(at(45)).await, ["3"]);
    assert_eq!(world.asked(), 1, "a failure is not asked again");
}

#[tokio::test]
async fn regions_have_series_of_their_own_with_those_that_they_take_in() {
    // `ams` is not listed and nearest to `lhr`.
    let mut world = World::new(
        "t",
        r#"avg_over("t", "1m") + 1000 * avg_over("t_lhr", "1m")"#,
        r#"avg_over("t", "1m")"#,
        |_| {},
    );
    let values = [("ams", 5.0), ("lhr", 10.0), ("iad", 1.0)];
    world.says(Ok(by_region(&values)));
    world.remembers((-3..0).map(|tick| (at(15 * tick), by_region(&values[..2]))).collect());
    // In the past `iad` was not there: none. 15 + 15 + 15 + 16, and in iad 0 + 0 + 0 + 1.
    assert_eq!(world.tick(at(0)).await, ["15015", "15", "0"]);
    assert_eq!(world.asked(), 1, "one question for all regions");
    for tick in 1..4 {
        world.tick(at(15 * tick)).await;
    }
    assert_eq!(world.past.size().series, 3);
    // A region whose value failed has a gap, and so has the sum.
    let mut broken = by_region(&values);
    if let Sample::ByRegion { values, .. } = &mut broken {
        values.insert(Region::new("iad"), Err("the value is NaN".into()));
    }
    world.says(Ok(broken));
    let got = world.tick(at(60)).await;
    assert_eq!(got[1], "15");
    assert!(got[0].contains("NaN") && got[2].contains("NaN"), "{got:?}");
}

#[tokio::test]
async fn a_region_that_is_scaled_now_and_then_gets_its_past_all_the_same() {
    let mut world = World::new("t", "", r#"avg_over("t", "1m")"#, |_| {});
    Arc::make_mut(&mut world.group.policy).regions = RegionList::Auto;
    let lhr = [("lhr", 10.0)];
    world.remembers((-4..=40).map(|tick| (at(15 * tick), by_region(&lhr))).collect());
    // Traffic comes and goes; with none the region is not scaled. Its past is asked for in a tick in which
    // it is, and the answer is there when it is not.
    let mut gave = Vec::new();
    for tick in 0..6 {
        let value = if tick % 2 == 0 { 10.0 } else { 0.0 };
        world.says(Ok(by_region(&[("lhr", value)])));
        gave.extend(world.tick(at(15 * tick)).await.into_iter().skip(1));
    }
    assert_eq!(gave.last().map(String::as_str), Some("10"), "{gave:?}");
    assert!(world.asked() <= 2, "{}", world.asked());
}

#[tokio::test]
async fn what_nothing_looks_back_at_is_not_kept() {
    let mut world = World::new("q", "q + hour(\"UTC\") * 0", "", |_| {});
    world.says(Ok(plain(3.0)));
    assert_eq!(world.tick(at(0)).await, ["3"]);
    assert_eq!((world.past.size(), world.asked()), (SeriesSize::default(), 0));
}

#[tokio::test]
async fn long_windows_and_short_ones_are_kept_apart() {
    let mut world =
        World::new("q", r#"avg_over("q", "1m") * 1000 + avg_over("q", "100h")"#, "", |_| {});
    world.says(Ok(plain(2.0)));
    world.remembers((-24_000..=0).map(|tick| (at(15 * tick), plain(2.0))).collect());
    assert_eq!(world.tick(at(0)).await, ["2002"]);
    let SeriesSize { series, bytes } = world.past.size();
    assert_eq!(series, 2);
    assert!(bytes < 64 << 10, "{bytes}");
}

/// Counts how many questions are on their way.
struct Counting {
    metric: MetricName,
    now: Arc<Mutex<(usize, usize)>>,
}

impl MetricSource for Counting {
    fn metric(&self) -> &MetricName {
        &self.metric
    }

    fn sample<'a>(
        &'a self,
        _: &'a AppName,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        Box::pin(std::future::ready(Ok(plain(1.0))))
    }

    fn past<'a>(
        &'a self,
        _: &'a AppName,
        _: PastRange,
    ) -> BoxFuture<'a, Result<Vec<(Timestamp, Sample)>, SourceError>> {
        Box::pin(async move {
            {
                let mut counts = self.now.lock().expect("no panic");
                counts.0 += 1;
                counts.1 = counts.1.max(counts.0);
            }
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            self.now.lock().expect("no panic").0 -= 1;
            Ok(Vec::new())
        })
    }
}

#[tokio::test]
async fn a_fleet_that_begins_asks_a_few_at_a_time() {
    let world = World::new("q", r#"avg_over("q", "10m")"#, "", |_| {});
    let counts = Arc::new(Mutex::new((0, 0)));
    let collectors: Arc<[Collector]> = vec![Collector {
        source: Box::new(Counting { metric: MetricName::new("q"), now: Arc::clone(&counts) }),
        by: By::None,
        timeout: Duration::from_secs(10),
        empty: None,
        max_age: None,
        on_failure: OnFailure::Hold,
        last_for: Duration::ZERO,
        absent_after: Duration::from_secs(300),
    }]
    .into();
    let fills = Fills::default();
    let apps = (0..50).map(|number| {
        let (collectors, groups, fills) = (&collectors, [world.group.clone()], &fills);
        async move {
            let mut past = Past::new(&groups, Arc::clone(collectors), INTERVAL);
            past.fetch(&AppName::new(format!("app-{number}")), fills, at(0)).await
        }
    });
    assert!(join_all(apps).await.iter().all(Vec::is_empty));
    assert_eq!(*counts.lock().expect("no panic"), (0, FILLS_AT_ONCE));
}
