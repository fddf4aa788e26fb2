//! Scopes that may grow and may not lose a machine, since a last value stands in for a metric that fails.

use super::*;

#[test]
fn what_may_only_grow_loses_nothing_whatever_else_would_take_it() {
    let plain = || listed("lhr iad");
    let with = |change: &dyn Fn(&mut Policy)| {
        let mut policy = plain();
        change(&mut policy);
        policy
    };
    // there | all | by region | policy | done and said
    let table: [(&str, &str, &str, Policy, &str); 22] = [
        // Growth is as ever.
        ("lhr:a lhr:b:stopped", "^ s2", "", plain(), "all: start b (scale_down_held below_min)"),
        ("lhr:a", "^ c2", "", plain(), "all: create iad (scale_down_held below_min)"),
        // Neither stopped nor destroyed.
        ("lhr:a lhr:b", "^ s1", "", plain(), "all:  (scale_down_held)"),
        ("lhr:a lhr:b", "^ s..1", "", plain(), "all:  (scale_down_held)"),
        ("lhr:a lhr:b:stopped", "^ c1", "", plain(), "all:  (scale_down_held)"),
        ("lhr:a lhr:b:failed", "^ c1 s1", "", plain(), "all:  (scale_down_held)"),
        (
            "lhr:a lhr:b",
            "^ c1 s0",
            "",
            with(&|own| own.destroy_force = true),
            "all:  (scale_down_held)",
        ),
        // Not by the ceiling either; nor does a floor below what is there matter.
        (
            "lhr:a lhr:b lhr:c",
            "^ s1",
            "",
            with(&|own| own.max_machines = 2),
            "all:  (scale_down_held limited_by_max_machines)",
        ),
        // Numbers that fight each other are a hold, as ever.
        ("lhr:a lhr:b", "^ s2..1", "", plain(), "all:  (min_above_max)"),
        // In one region: that one alone.
        (
            "lhr:a lhr:b iad:c iad:d",
            "",
            "lhr ^ s1 | iad s1",
            plain(),
            "lhr:  (scale_down_held); iad: stop c (above_max)",
        ),
        ("lhr:a lhr:b:stopped", "", "lhr ^ c1", plain(), "lhr:  (scale_down_held)"),
        (
            "lhr:a lhr:b:stopped iad:c",
            "",
            "lhr ^ s2 | iad s0",
            plain(),
            "lhr: start b (scale_down_held below_min); iad: stop c (above_max)",
        ),
        // The bounds over all regions lower the others in its place, and take nothing there.
        (
            "lhr:a lhr:b iad:c iad:d",
            "s..2",
            "lhr ^ s2 | iad s2",
            plain(),
            "all:  (above_max); lhr:  (scale_down_held); iad: stop c, stop d (lowered_by_app_wide above_max)",
        ),
        ("lhr:a lhr:b", "s..1", "lhr ^ s2", plain(), "all:  (above_max); lhr:  (scale_down_held)"),
        (
            "lhr:a lhr:b lhr:c",
            "",
            "lhr ^ s3",
            with(&|own| own.max_machines = 1),
            "lhr:  (scale_down_held lowered_by_app_wide)",
        ),
        // Nor does what all regions together lose come from there, if it is but held.
        (
            "lhr:a:stopped lhr:b:stopped iad:c:stopped",
            "c1",
            "lhr ^ s0 | iad s0",
            plain(),
            "all: destroy c (above_max not_enough_destroyable); lhr:  (scale_down_held)",
        ),
        (
            "lhr:a:stopped lhr:b:stopped iad:c:stopped",
            "c1",
            "lhr ? s0 | iad s0",
            plain(),
            "all: destroy c (above_max not_enough_destroyable); lhr:  (metric_failed)",
        ),
        // Over all regions: in each of them, whatever its own numbers.
        (
            "lhr:a lhr:b iad:c iad:d:stopped",
            "^ s1..9",
            "lhr s1 | iad s2",
            plain(),
            "all:  (scale_down_held); lhr:  (scale_down_held); iad: start d (scale_down_held below_min)",
        ),
        (
            "lhr:a lhr:b iad:c",
            "^ s1",
            "lhr s2 | iad s1",
            plain(),
            "all:  (scale_down_held); lhr:  (scale_down_held); iad:  (scale_down_held)",
        ),
        // Whoever cannot be judged at all is held.
        (
            "lhr:a lhr:b iad:c iad:d",
            "^ s4",
            "lhr ? | iad s1",
            plain(),
            "all:  (scale_down_held); lhr:  (metric_failed); iad:  (scale_down_held)",
        ),
        // Excluded regions keep theirs, as it is not known what is needed.
        (
            "lhr:a fra:b",
            "^ s1",
            "",
            with(&|own| {
                own.excluded_regions = regions("fra");
                own.drain_excluded = true;
            }),
            "all:  (scale_down_held); fra:  (drain_waits)",
        ),
        (
            "lhr:a lhr:b fra:c",
            "",
            "lhr ^ s1",
            with(&|own| {
                own.excluded_regions = regions("fra");
                own.drain_excluded = true;
            }),
            "lhr:  (scale_down_held); fra:  (drain_waits)",
        ),
    ];
    let mut wrong = Vec::new();
    for (there, app_wide, by_region, policy, want) in table {
        let given = Given { there, app_wide, by_region, policy, ..Given::default() };
        let got = short(&given.plan());
        if got != want {
            wrong.push(format!("{there} | {app_wide} | {by_region}: {got}, not {want}"));
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn what_was_stopped_to_be_destroyed_stays_so_until_it_is_known_whether_it_goes() {
    let mut history = History::default();
    history.stopped_to_destroy.insert(MachineId::new("b"));
    let there = "lhr:a lhr:b:stopped";
    // What is wanted | done and said
    let table = [
        ("c1", "all: destroy b (above_max)"),
        ("^ c1", "all:  (scale_down_held)"),
        ("^ c2", "all: start b (scale_down_held)"),
        ("c2", "all: start b ()"),
    ];
    for (app_wide, want) in table {
        let (policy, history) = (listed("lhr"), history.clone());
        let given = Given { there, app_wide, policy, history, ..Given::default() };
        assert_eq!(short(&given.plan()), want, "{app_wide}");
    }
}

#[test]
fn the_wishes_for_a_large_destroy_begin_anew() {
    let scope = Scope::app_wide(ProcessGroup::new("app"));
    let there = "lhr:a:stopped lhr:b:stopped lhr:c:stopped lhr:d:stopped lhr:e:stopped";
    let mut history = History::default();
    history.large_destroy_wishes.insert(scope.clone(), 2);
    for (app_wide, wishes) in [("c1", Some(3)), ("^ c1", None)] {
        let history = history.clone();
        let given = Given { there, app_wide, history, policy: listed("lhr"), ..Given::default() };
        assert_eq!(
            given.plan().next.large_destroy_wishes.get(&scope).copied(),
            wishes,
            "{app_wide}"
        );
    }
}

#[test]
fn a_scope_says_since_when_it_is_held() {
    let minutes = |ago: u64| NOW.minus(Duration::from_secs(60 * ago));
    let mut history = History::default();
    let mut tick = |by_region: &str, now: Timestamp| {
        let policy = listed("lhr iad");
        let given = Given { there: "lhr:a iad:b", by_region, policy, ..Given::default() };
        let plan = given.plan().held_since(&history, now);
        history = plan.next.clone();
        let since = |own: &ScopePlan| {
            let region = own.scope.region.as_ref()?;
            Some(format!("{region} {}", NOW.since(own.held_since?).as_secs() / 60))
        };
        plan.scopes.iter().filter_map(since).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(tick("lhr ? | iad s1", minutes(9)), "lhr 9");
    assert_eq!(tick("lhr ? | iad ^ s1", minutes(8)), "lhr 9, iad 8");
    assert_eq!(tick("lhr ^ s1 | iad s1", minutes(7)), "lhr 9", "held for another reason");
    assert_eq!(tick("lhr s1 | iad ?", minutes(6)), "iad 6");
    assert_eq!(tick("lhr s1 | iad ?", minutes(12)), "iad 12", "the clock was set back");
    assert_eq!(tick("lhr s1 | iad s1", minutes(5)), "");
}
