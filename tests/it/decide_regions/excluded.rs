//! Regions that get no machine: excluded, without room, or no longer offered.

use super::*;

#[test]
fn excluded_regions_get_nothing_and_are_drained_as_others_stand_in() {
    // there | all | by region | drain, ceiling | done and said
    let table = [
        // Without draining: what is there counts, is never started, and goes first.
        (
            "fra:a fra:b:stopped lhr:c",
            "s3",
            "",
            (false, 99),
            "all:  (below_min not_enough_stopped)",
        ),
        ("lhr:a fra:b", "s1", "", (false, 99), "all: stop b (above_max)"),
        ("fra:a", "c2", "", (false, 99), "all: create lhr (below_min)"),
        // Draining: the others are started first ...
        (
            "fra:a lhr:b lhr:c:stopped",
            "s2",
            "",
            (true, 99),
            "all: start c (below_min); fra:  (draining drain_waits)",
        ),
        ("fra:a lhr:b lhr:c:starting", "s2", "", (true, 99), "fra:  (draining drain_waits)"),
        ("fra:a lhr:b lhr:c", "s2", "", (true, 99), "fra: stop a (draining)"),
        // ... one for one ...
        (
            "fra:a fra:d lhr:b lhr:c:starting",
            "s2",
            "",
            (true, 99),
            "fra: stop a (draining drain_waits)",
        ),
        // ... and what is stopped there stays so.
        ("fra:a:stopped lhr:b", "s1", "", (true, 99), "fra:  (draining)"),
        // With a created count they are destroyed, those that run after they were stopped.
        ("fra:a:stopped fra:d lhr:b", "c1 s1", "", (true, 99), "fra: destroy a, stop d (draining)"),
        (
            "fra:a",
            "c1",
            "",
            (true, 99),
            "all: create lhr (below_min); fra:  (draining drain_waits)",
        ),
        // Why each one stays is said once.
        (
            "fra:a lhr:b lhr:c:stopped",
            "c2 s2",
            "",
            (true, 99),
            "all: start c (below_min); fra:  (draining drain_waits)",
        ),
        (
            "fra:a:updating lhr:b",
            "c1 s1",
            "",
            (true, 99),
            "fra:  (draining not_enough_destroyable)",
        ),
        // At the ceiling, one at a time.
        (
            "fra:a fra:b",
            "c2",
            "",
            (true, 2),
            "all:  (limited_by_max_machines below_min); fra: stop a (draining drain_waits)",
        ),
        (
            "fra:a:stopping fra:b",
            "c2",
            "",
            (true, 2),
            "all:  (limited_by_max_machines below_min); fra:  (draining drain_waits)",
        ),
        (
            "fra:a:stopped fra:b",
            "c2",
            "",
            (true, 2),
            "all:  (limited_by_max_machines below_min); fra: destroy a (draining drain_waits)",
        ),
        (
            "fra:b",
            "c2",
            "",
            (true, 2),
            "all: create lhr (limited_by_max_machines below_min); fra:  (draining drain_waits)",
        ),
        // Beside the numbers of regions.
        (
            "fra:a lhr:b:stopped iad:c",
            "",
            "lhr s1 | iad s1",
            (true, 99),
            "lhr: start b (below_min); fra:  (draining drain_waits)",
        ),
        ("fra:a lhr:b iad:c", "", "lhr s1 | iad s1", (true, 99), "fra: stop a (draining)"),
        // What is wanted elsewhere has to be known.
        ("fra:a lhr:b", "?", "", (true, 99), "all:  (metric_failed); fra:  (app_wide_held)"),
        (
            "fra:a lhr:b",
            "",
            "lhr s1 | iad ?",
            (true, 99),
            "iad:  (metric_failed); fra:  (drain_waits)",
        ),
    ];
    for (there, app_wide, by_region, (drain_excluded, max_machines), want) in table {
        let excluded_regions = regions("fra");
        let policy = Policy { excluded_regions, drain_excluded, max_machines, ..listed("lhr iad") };
        let given = Given { there, app_wide, by_region, policy, ..Given::default() };
        assert_eq!(short(&given.plan()), want, "{there} | {app_wide} | {by_region}");
    }
}

#[test]
fn without_a_list_new_machines_go_where_there_are_some_but_not_to_excluded_regions() {
    let excluded = |text: &str| Policy { excluded_regions: regions(text), ..Policy::default() };
    let short =
        |there, policy| short(&Given { there, app_wide: "c3", policy, ..Given::default() }.plan());
    assert_eq!(short("fra:a lhr:b", excluded("fra")), "all: create lhr (below_min)");
    assert_eq!(short("fra:a", excluded("fra")), "all:  (below_min no_region)");
}

#[test]
fn a_region_that_had_no_room_rests_and_comes_back() {
    let refused = |ago: u64| {
        let mut history = History::new("t");
        let scope = Scope { group: ProcessGroup::new("app"), region: Some(Region::new("lhr")) };
        let at = NOW.minus(Duration::from_secs(ago));
        history.resting.insert(scope, Refusal { at, answer: "412 insufficient resources".into() });
        history
    };
    let plan = |app_wide, by_region, ago| {
        let (there, policy, history) = ("iad:a", listed("lhr iad"), refused(ago));
        Given { there, app_wide, by_region, policy, history, closed: "" }.plan()
    };
    // A region's own number is not met elsewhere.
    let waiting = plan("", "lhr c1 | iad c2", 299);
    assert_eq!(short(&waiting), "lhr:  (below_min region_resting); iad: create iad (below_min)");
    assert_eq!(
        waiting.scopes[1].reasons[1].to_string(),
        "Fly had no room in lhr (412 insufficient resources); it is tried again at 2026-09-21T15:06:41Z"
            .replace("2026-09-21T15:06:41Z", &NOW.plus(Duration::from_secs(1)).to_string())
    );
    // What is asked of all regions together goes to the others meanwhile.
    assert_eq!(short(&plan("c2", "", 299)), "all: create iad (below_min region_passed_over)");
    // Then it is tried again, and forgotten.
    let again = plan("", "lhr c1 | iad c1", 300);
    assert_eq!(short(&again), "lhr: create lhr (below_min)");
    assert_eq!((waiting.next.resting.len(), again.next.resting.len()), (1, 0));

    let only = Given {
        there: "iad:a",
        app_wide: "c2",
        policy: listed("lhr"),
        history: refused(10),
        ..Given::default()
    };
    assert_eq!(short(&only.plan()), "all:  (below_min region_resting)");
}

/// Fly has given up a region: what runs there is still scaled, but nothing is asked for that is not to be had.
#[test]
fn where_fly_offers_no_new_machines_none_is_created() {
    // there | all | by region | closed | done and said
    let table = [
        (
            "iad:a lhr:b:stopped",
            "",
            "lhr c2 s2 | iad c1 s1",
            "lhr",
            "lhr: start b (below_min below_min region_not_offered not_enough_stopped)",
        ),
        (
            "iad:a lhr:b lhr:c:stopped",
            "",
            "lhr c1 s0 | iad c1 s1",
            "lhr",
            "lhr: destroy c (above_max above_max)",
        ),
        ("iad:a iad:d lhr:b", "c4", "", "lhr", "all: create iad (below_min)"),
        ("iad:a", "c2", "", "lhr iad", "all:  (below_min no_region)"),
    ];
    for (there, app_wide, by_region, closed, want) in table {
        let policy = listed("lhr iad");
        let given = Given { there, app_wide, by_region, policy, closed, ..Given::default() };
        assert_eq!(short(&given.plan()), want, "{there} | {app_wide} | {by_region}");
    }
}
