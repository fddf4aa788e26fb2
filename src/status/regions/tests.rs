use super::*;
use crate::decide::{Action, Choice, History, Plan, Tally};
use crate::model::{MachineId, Scope, Side, TickOutcome, Timestamp};
use crate::status::MachineCount;

fn started(min: u32, max: u32) -> Option<ScopeBounds> {
    let started = Bounds { min: Some(min), max: Some(max) };
    Some(ScopeBounds { started, ..ScopeBounds::default() })
}

fn scope(region: Option<&str>, targets: Option<ScopeBounds>, reasons: &[Reason]) -> ScopePlan {
    ScopePlan {
        scope: Scope { group: ProcessGroup::new("app"), region: region.map(Region::new) },
        observed: Tally::default(),
        wanted: targets,
        targets,
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: reasons.to_vec(),
        held_since: None,
    }
}

fn starting(machine: &str, region: &str, reason: &Reason) -> PlannedAction {
    let action = Action::Start { machine: MachineId::new(machine), region: Region::new(region) };
    PlannedAction { action, reason: reason.clone(), choice: Choice::Every }
}

fn traffic(values: &[(&str, f64)], failed: &[&str]) -> SampleStatus {
    SampleStatus {
        metric: MetricName::new("traffic"),
        by_region: true,
        value: failed.is_empty().then(|| values.iter().map(|(_, value)| value).sum()),
        regions: values.iter().map(|(region, value)| (Region::new(region), *value)).collect(),
        failed_regions: failed.iter().map(|own| (Region::new(own), "NaN".into())).collect(),
        error: failed.first().map(|region| format!("{region}: NaN")),
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
        dry_run: false,
        paused: false,
        evaluated: Vec::new(),
        samples: vec![samples],
        machines: machines.iter().map(count).collect(),
        plan: Some(Plan::new(scopes, History::default())),
        outcomes: Vec::new(),
        advice: Vec::new(),
        error: None,
        fly_failed: false,
        history: crate::model::SeriesSize::default(),
    }
}

fn below(target: u32) -> Reason {
    Reason::BelowMin { kind: Kind::Started, observed: 0, target }
}

fn metric_failed() -> Reason {
    Reason::MetricFailed { metric: MetricName::new("traffic"), message: "no answer".into() }
}

fn names(group: &GroupRegions) -> Vec<&str> {
    group.rows.iter().filter_map(|row| Some(row.region.as_ref()?.as_str())).collect()
}

fn whys(group: &GroupRegions) -> Vec<Option<&str>> {
    group.rows.iter().map(|row| row.why.as_ref().map(|why| why.reason.code())).collect()
}

#[test]
fn rows_are_those_of_the_plan_in_its_order_then_those_with_machines_or_traffic() {
    let scopes = vec![
        scope(None, Some(ScopeBounds::default()), &[Reason::ByRegion]),
        scope(Some("lhr"), started(2, 4), &[below(2)]),
        scope(Some("iad"), started(0, 1), &[]),
        scope(Some("gru"), None, &[Reason::RegionExcluded { nearest: None }]),
    ];
    let samples = traffic(&[("lhr", 80.0), ("syd", 0.0), ("nrt", 7.0)], &["fra"]);
    let tick = tick(scopes, &[("iad", "started", 1), ("ams", "stopped", 2)], samples);
    let group = &tick.regions()[0];
    assert_eq!(names(group), ["lhr", "iad", "gru", "ams", "fra", "nrt"]);

    let sample = |place: usize| group.rows[place].samples.values().next().copied();
    assert_eq!([sample(0), sample(1), sample(4)], [Some(Some(80.0)), None, Some(None)]);
    assert_eq!(group.rows[3].machines, [("stopped".to_owned(), 2)].into());
    let skipped: Vec<bool> = group.rows.iter().map(|row| row.skipped).collect();
    assert_eq!(skipped, [false, false, true, false, false, false]);

    let total = &group.total;
    assert_eq!(total.machines, [("started".to_owned(), 1), ("stopped".to_owned(), 2)].into());
    assert_eq!(total.targets, started(2, 5), "without app-wide bounds, what the regions come to");
    assert_eq!(total.why, None, "that nothing is asked for over all regions is no news");
    assert_eq!(total.samples.values().next(), Some(&None), "a sum that lacks a part is none");
}

#[test]
fn what_is_done_for_all_regions_together_stands_where_it_happens() {
    let reason = below(3);
    let mut app_wide = scope(None, started(3, 3), std::slice::from_ref(&reason));
    app_wide.actions = ["a", "b"].map(|id| starting(id, "iad", &reason)).to_vec();
    app_wide.actions.push(starting("c", "lhr", &reason));
    let tick = tick(vec![app_wide], &[], traffic(&[], &[]));
    let group = &tick.regions()[0];

    assert_eq!(names(group), ["iad", "lhr"]);
    assert_eq!(group.rows[0].actions, [(Verb::Start, 2)].into());
    let why = group.rows[0].why.as_ref().expect("a reason");
    assert_eq!((why.reason.code(), why.of_total), ("below_min", true));
    assert_eq!(group.rows[0].reasons.len(), 1, "each reason once");
    assert_eq!(group.rows[0].targets, None, "nothing is asked of the region by itself");
    assert_eq!(group.total.actions, [(Verb::Start, 3)].into());
    assert_eq!(group.total.targets, started(3, 3));
}

#[test]
fn app_wide_bounds_are_the_total_and_what_is_not_known_has_none() {
    let total = |app_wide, regions: [Option<ScopeBounds>; 2]| {
        let held =
            |bounds: Option<_>| if bounds.is_some() { vec![] } else { vec![metric_failed()] };
        let mut scopes = vec![scope(None, Some(app_wide), &[])];
        for (name, bounds) in ["lhr", "iad"].into_iter().zip(regions) {
            scopes.push(scope(Some(name), bounds, &held(bounds)));
        }
        tick(scopes, &[], traffic(&[], &[])).regions()[0].total.clone()
    };
    let open = |min| {
        let started = Bounds { min: Some(min), max: None };
        ScopeBounds { started, ..ScopeBounds::default() }
    };
    let none = ScopeBounds::default();
    let cases = [
        (open(9), [started(1, 2), started(3, 4)], Some(open(9))),
        (none, [started(1, 2), started(3, 4)], started(4, 6)),
        (none, [Some(open(1)), started(3, 4)], Some(open(4))),
        (none, [Some(none), Some(none)], Some(none)),
        (none, [started(1, 2), None], None),
        (open(9), [started(1, 2), None], None),
    ];
    for (app_wide, regions, targets) in cases {
        let total = total(app_wide, regions);
        assert_eq!(total.targets, targets, "{app_wide:?} {regions:?}");
        assert_eq!(total.held, regions.contains(&None));
    }
}

#[test]
fn one_reason_decides() {
    let limit = Reason::NotEnoughStopped { wanted: 2, available: 0 };
    let lowered = Reason::LoweredByAppWide {
        kind: Kind::Started,
        side: Side::Min,
        wanted: 3,
        limit: 2,
        app_wide: 9,
    };
    let within =
        Reason::WithinBounds { kind: Kind::Started, observed: 2, bounds: Bounds::exactly(2) };
    let created = Reason::AboveMax { kind: Kind::Created, observed: 3, target: 2 };
    let acts = |reason: &Reason| vec![starting("a", "lhr", reason)];
    let cases = [
        (vec![within.clone(), lowered.clone()], vec![], "within_bounds"),
        (vec![below(2), lowered.clone(), limit.clone()], vec![], "not_enough_stopped"),
        (vec![below(2), lowered, limit], acts(&below(2)), "below_min"),
        (vec![within, metric_failed()], vec![], "metric_failed"),
        (vec![below(2), created.clone()], acts(&created), "above_max"),
        (vec![below(2)], acts(&Reason::StopBeforeDestroy), "below_min"),
        (vec![], acts(&Reason::StopBeforeDestroy), "stop_before_destroy"),
    ];
    for (reasons, actions, code) in cases {
        let mut own = scope(Some("lhr"), started(2, 2), &reasons);
        own.actions = actions;
        let tick = tick(vec![own], &[], traffic(&[], &[]));
        assert_eq!(whys(&tick.regions()[0]), [Some(code)], "{reasons:?}");
    }
}

#[test]
fn a_metric_that_fails_as_a_whole_fails_in_every_row() {
    let mut samples = traffic(&[], &[]);
    (samples.value, samples.error) = (None, Some("no answer".into()));
    let tick = tick(vec![scope(Some("lhr"), None, &[metric_failed()])], &[], samples);
    let group = &tick.regions()[0];
    assert_eq!(group.rows[0].samples, [(MetricName::new("traffic"), None)].into());
    assert!(group.rows[0].held && !group.rows[0].skipped);
}

#[test]
fn what_stands_for_a_metric_as_a_whole_stands_in_every_row() {
    let mut samples = traffic(&[], &[]);
    (samples.value, samples.error) = (Some(0.0), Some("no series: `empty` says 0".into()));
    let tick = tick(vec![scope(Some("lhr"), started(0, 0), &[])], &[], samples);
    let shown = [(MetricName::new("traffic"), Some(0.0))].into();
    assert_eq!(tick.regions()[0].rows[0].samples, shown);
}

#[test]
fn of_thousands_of_regions_a_few_are_shown_those_with_machines_first() {
    let skipped = |place| {
        scope(Some(&format!("r{place:05}")), None, &[Reason::RegionUnknown { meant: None }])
    };
    let mut scopes: Vec<ScopePlan> = (0..10_000).map(skipped).collect();
    scopes.push(scope(Some("lhr"), started(1, 1), &[below(1)]));
    let tick = tick(scopes, &[("zzz", "started", 1)], traffic(&[], &[]));
    let group = &tick.regions()[0];
    assert_eq!((group.rows.len(), group.more), (64, 10_002 - 64));
    assert_eq!(names(group)[..2], ["r00000", "r00001"]);
    assert_eq!(names(group)[62..], ["lhr", "zzz"]);
    assert_eq!(group.total.machines.values().sum::<u32>(), 1);
}

#[test]
fn groups_that_are_not_scaled_have_their_machines_and_no_samples() {
    let mut tick = tick(vec![scope(None, started(1, 1), &[])], &[], traffic(&[("lhr", 5.0)], &[]));
    tick.machines.push(MachineCount {
        group: None,
        region: Region::new("iad"),
        state: "started".into(),
        count: 2,
    });
    let groups = tick.regions();
    assert_eq!(groups[0].group, Some(ProcessGroup::new("app")));
    assert_eq!((&groups[1].group, names(&groups[1])), (&None, vec!["iad"]));
    assert!(groups[1].rows[0].samples.is_empty() && groups[1].total.samples.is_empty());
}

#[test]
fn the_json_has_the_regions_beside_all_that_was_there_before() {
    let tick = tick(vec![scope(Some("lhr"), started(1, 1), &[below(1)])], &[], traffic(&[], &[]));
    let json = serde_json::to_value(&tick).expect("a tick serializes");
    let keys: Vec<&str> = json.as_object().expect("an object").keys().map(String::as_str).collect();
    for key in ["at", "dry_run", "fly_failed", "machines", "outcome", "outcomes", "plan", "samples"]
    {
        assert!(keys.contains(&key), "{key} in {keys:?}");
    }
    let row = &json["regions"][0]["rows"][0];
    assert_eq!((&row["region"], &row["why"]["code"]), (&"lhr".into(), &"below_min".into()));
    assert_eq!(row["why"]["text"], "0 started, at least 1 wanted");
}

#[test]
fn of_two_numbers_the_one_that_is_not_as_wanted_is_told_then_how_many_run() {
    let within = |kind| Reason::WithinBounds { kind, observed: 2, bounds: Bounds::exactly(2) };
    let (created, runs) = (within(Kind::Created), within(Kind::Started));
    let too_few = Reason::NotEnoughStopped { wanted: 3, available: 1 };
    let told = |reasons: &[Reason]| {
        let tick = tick(vec![scope(Some("lhr"), started(2, 2), reasons)], &[], traffic(&[], &[]));
        tick.regions()[0].rows[0].why.as_ref().map(|why| why.reason.clone())
    };
    assert_eq!(told(&[created.clone(), runs.clone()]), Some(runs));
    assert_eq!(told(&[created.clone(), below(3)]), Some(below(3)));
    assert_eq!(told(&[created, below(3), too_few.clone()]), Some(too_few));
}
