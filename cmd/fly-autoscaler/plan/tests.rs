use std::collections::BTreeMap;

use fly_autoscaler::decide::{
    Action, Choice, History, Plan, PlannedAction, Reason, ScopePlan, Tally,
};
use fly_autoscaler::model::{
    AppName, Bounds, Kind, MachineId, MetricName, ProcessGroup, Region, Scope, ScopeBounds, Side,
    TickOutcome, Timestamp,
};
use fly_autoscaler::status::{MachineCount, SampleStatus, Tick};
use insta::assert_snapshot;

use super::text;

fn started(min: u32, max: u32) -> Option<ScopeBounds> {
    let started = Bounds { min: Some(min), max: Some(max) };
    Some(ScopeBounds { started, ..ScopeBounds::default() })
}

fn scope(region: Option<&str>, targets: Option<ScopeBounds>, reasons: Vec<Reason>) -> ScopePlan {
    ScopePlan {
        scope: Scope { group: ProcessGroup::new("app"), region: region.map(Region::new) },
        observed: Tally::default(),
        wanted: targets,
        targets,
        actions: Vec::new(),
        spares: Vec::new(),
        reasons,
        held_since: None,
    }
}

fn traffic(values: &[(&str, f64)]) -> SampleStatus {
    SampleStatus {
        metric: MetricName::new("traffic"),
        by_region: true,
        value: Some(values.iter().map(|(_, value)| value).sum()),
        regions: values.iter().map(|(region, value)| (Region::new(region), *value)).collect(),
        failed_regions: BTreeMap::new(),
        error: None,
        failures: Vec::new(),
    }
}

fn tick(scopes: Vec<ScopePlan>, machines: &[(&str, &str, u32)], samples: SampleStatus) -> Tick {
    let count = |(region, state, count): &(&str, &str, u32)| MachineCount {
        group: Some(ProcessGroup::new("app")),
        region: Region::new(region),
        state: (*state).to_owned(),
        count: *count,
    };
    Tick {
        at: Timestamp::from_millis(0),
        outcome: TickOutcome::Quiet,
        dry_run: true,
        paused: false,
        evaluated: Vec::new(),
        samples: vec![samples],
        machines: machines.iter().map(count).collect(),
        plan: Some(Plan::new(scopes, History::default())),
        outcomes: Vec::new(),
        advice: Vec::new(),
        error: None,
        fly_failed: false,
        history: fly_autoscaler::model::SeriesSize::default(),
    }
}

fn render(tick: &Tick) -> String {
    text::render(&AppName::new("shop"), tick)
}

fn below(observed: u32, target: u32) -> Reason {
    Reason::BelowMin { kind: Kind::Started, observed, target }
}

fn within(observed: u32, bounds: Bounds) -> Reason {
    Reason::WithinBounds { kind: Kind::Started, observed, bounds }
}

fn starting(machine: &str, region: &str, reason: Reason) -> PlannedAction {
    let action = Action::Start { machine: MachineId::new(machine), region: Region::new(region) };
    PlannedAction { action, reason, choice: Choice::Every }
}

#[test]
fn a_table_says_of_each_region_what_is_there_what_happens_and_why() {
    let lowered = Reason::LoweredByAppWide {
        kind: Kind::Started,
        side: Side::Min,
        wanted: 5,
        limit: 4,
        app_wide: 7,
    };
    let mut lhr = scope(Some("lhr"), started(4, 4), vec![below(2, 4), lowered]);
    lhr.actions = ["a1", "b2"].map(|id| starting(id, "lhr", below(2, 4))).to_vec();
    let band = Bounds { min: Some(1), max: Some(3) };
    let exists = Reason::WithinBounds { kind: Kind::Created, observed: 2, bounds: band };
    let resting = Reason::RegionResting {
        region: Region::new("fra"),
        answer: "422 insufficient capacity".into(),
        until: Timestamp::from_millis(60_000),
    };
    let always =
        Reason::AlwaysRunning { kind: Kind::Started, side: Side::Min, wanted: Some(0), limit: 1 };
    let mut total =
        scope(None, started(2, 7), vec![within(5, Bounds { min: Some(2), max: Some(7) })]);
    total.targets = started(2, 7);
    let scopes = vec![
        total,
        lhr,
        scope(Some("iad"), started(1, 3), vec![exists, within(2, band)]),
        scope(Some("fra"), started(1, 1), vec![below(0, 1), resting]),
        scope(Some("syd"), started(1, 1), vec![within(1, Bounds::exactly(1)), always]),
        scope(Some("gru"), None, vec![Reason::RegionExcluded { nearest: None }]),
    ];
    let there = [
        ("lhr", "started", 2),
        ("lhr", "stopped", 3),
        ("iad", "started", 2),
        ("syd", "started", 1),
        ("ams", "unreachable", 1),
    ];
    let samples = traffic(&[("lhr", 240.0), ("iad", 80.25), ("fra", 0.1 + 0.2), ("gru", 60.0)]);
    assert_snapshot!(render(&tick(scopes, &there, samples)), @"
    shop at 1970-01-01T00:00:00.000Z

    metrics
      traffic  380.55

                            machines                         target
    app by region  traffic   started  stopped  unreachable  started  next     why
      lhr              240         2        3            -        4  start 2  2 started, at least 4 wanted
      iad            80.25         2        -            -     1..3  -        2 started, 1..3 wanted
      fra              0.3         -        -            -        1  held     Fly had no room in fra (422…
      syd                -         1        -            -        1  -        1 started, 1 wanted
      gru               60         -        -            -        -  -        excluded (excluded-regions)
      ams                -         -        -            1        -  -
      total         380.55         5        3            1     2..7  start 2  5 started, 2..7 wanted

      lhr
        2 started, at least 4 wanted [below_min]
          start a1 in lhr
          start b2 in lhr
        limited: min started lowered from 5 to 4: total at most 7 [lowered_by_app_wide]
      fra
        0 started, at least 1 wanted [below_min]
        held: Fly had no room in fra (422 insufficient capacity); it is tried again at 1970-01-01T00:01:00.000Z [region_resting]
      syd
        1 started, 1 wanted [within_bounds]
        limited: min started raised from 0 to 1 (always-running-regions) [always_running]

    would start 2 machines; held: app/fra
    ");
}

#[test]
fn a_cause_that_holds_many_regions_is_told_once() {
    let failed = Reason::MetricFailed {
        metric: MetricName::new("traffic"),
        message: "Prometheus at https://metrics.example/prometheus answered 503: the query service restarts".into(),
    };
    let names: Vec<String> = (0..30).map(|place| format!("r{place:02}")).collect();
    let mut scopes = vec![scope(None, Some(ScopeBounds::default()), vec![Reason::NoTarget])];
    scopes.extend(names.iter().map(|name| scope(Some(name), None, vec![failed.clone()])));
    let mut samples = traffic(&[]);
    (samples.value, samples.error) = (None, Some("answered 503".into()));
    let text = render(&tick(scopes, &[("r00", "started", 2)], samples));
    let (table, told) = text
        .split_once("\n  r00, r01, r02, r03, r04, r05, r06, r07, r08, r09 and 20 more\n")
        .expect("told below the table");
    let row = "  r29                ?         -       ?  held  metric traffic: Prometheus at…";
    assert!(table.lines().any(|line| line == row), "{table}");
    assert_snapshot!(told, @"
        held: metric traffic: Prometheus at https://metrics.example/prometheus answered 503: the query service restarts [metric_failed]

    held: nothing would be done
    ");
}

#[test]
fn hostile_labels_and_texts_do_not_break_the_table() {
    let long = "x".repeat(5000);
    let labels = ["\u{1b}[2J\u{1b}[31mred", "a\nb\tc", "", "\u{202e}lrh", "東京", &long];
    let unknown =
        |label: &&str| scope(Some(label), None, vec![Reason::RegionUnknown { meant: None }]);
    let mut scopes: Vec<ScopePlan> = labels.iter().map(unknown).collect();
    let message = format!("first\nsecond \u{1b}[31m {}", "long ".repeat(1000));
    let failed = Reason::MetricFailed { metric: MetricName::new("traffic"), message };
    scopes.push(scope(Some("lhr"), None, vec![failed]));
    let samples = traffic(&[("\u{1b}[2J\u{1b}[31mred", 5.0), (&long, 1e300)]);
    let text = render(&tick(scopes, &[], samples));

    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    let (table, told) = text.split_once("\n\n  lhr\n").expect("told below the table");
    assert_eq!(told.lines().count(), 3, "{told}");
    assert_snapshot!(table, @r#"
    shop at 1970-01-01T00:00:00.000Z

    metrics
      traffic  1e300

                                 target
    app by region       traffic          next  why
      \u{1b}[2J\u{1b}…        5       -  -     no region of Fly's: its traffic is in no region's number
      a\nb\tc                 -       -  -     no region of Fly's: its traffic is in no region's number
      (empty)                 -       -  -     no region of Fly's: its traffic is in no region's number
      \u{202e}lrh             -       -  -     no region of Fly's: its traffic is in no region's number
      \u{6771}\u{4eac}        -       -  -     no region of Fly's: its traffic is in no region's number
      xxxxxxxxxxxxxxx…  1.0e300       -  -     no region of Fly's: its traffic is in no region's number
      lhr                     -       ?  held  metric traffic: first second �[31m long long long long…
      total             1.0e300       ?  held
    "#);
}

#[test]
fn without_a_plan_the_regions_stand_beside_their_metric_the_first_ones() {
    let names: Vec<String> = (0..1000).map(|place| format!("r{place:03}\u{7}")).collect();
    let values: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
    let mut tick = tick(Vec::new(), &[], traffic(&values));
    tick.plan = None;
    assert_snapshot!(render(&tick), @r#"
    shop at 1970-01-01T00:00:00.000Z

    metrics
      traffic  1000  (r000\u{7} 1, r001\u{7} 1, r002\u{7} 1, r003\u{7} 1, r004\u{7} 1, r005\u{7} 1, r006\u{7} 1, r007\u{7} 1, r008\u{7} 1, r009\u{7} 1 and 990 more)
    "#);
}

#[test]
fn a_quiet_app_of_many_regions_is_a_line() {
    let quiet = |place: u32| {
        scope(Some(&format!("r{place:02}")), started(1, 1), vec![within(1, Bounds::exactly(1))])
    };
    let tick = tick((0..30).map(quiet).collect(), &[], traffic(&[]));
    assert_snapshot!(text::in_a_line(&tick), @"r00: 1 started, 1 wanted; r01: 1 started, 1 wanted; r02: 1 started, 1 wanted; r03: 1 started, 1 wanted; r04: 1 started, 1 wanted; r05: 1 started, 1 wanted; r06: 1 started, 1 wanted; r07: 1 started, 1 wanted; r08: 1 started, 1 wanted; r09: 1 started, 1 wanted; and 20 more");
}
