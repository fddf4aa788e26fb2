//! Numbers of regions under the bounds over all of them.

use super::*;

/// The targets of each region, as `lhr s2 iad s1..3`.
fn targets(plan: &Plan) -> String {
    let of = |own: &ScopePlan| {
        let region = own.scope.region.as_ref()?;
        let bounds = own.targets?;
        let kinds = [("c", bounds.created), ("s", bounds.started)];
        let kinds = kinds.into_iter().filter(|(_, own)| own.is_defined());
        let kinds = kinds.map(|(kind, own)| format!(" {kind}{own}"));
        Some(format!("{region}{}", kinds.collect::<String>()))
    };
    plan.scopes.iter().filter_map(of).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_bounds_over_all_regions_raise_and_lower_those_of_each() {
    let limits = |min_machines, max_machines| Limits { min_machines, max_machines };
    let with = |change: &dyn Fn(&mut Policy)| {
        let mut policy = listed("lhr iad fra");
        change(&mut policy);
        policy
    };
    let plain = || with(&|_| ());
    // there | all | by region | policy | targets
    let table: [(&str, &str, &str, Policy, &str); 21] = [
        ("", "s0..9", "lhr s4 | iad s2", plain(), "lhr s4 iad s2"),
        ("", "s0..3", "lhr s4 | iad s2", plain(), "lhr s2 iad s1"),
        ("", "s9", "lhr s4 | iad s2", plain(), "lhr s6 iad s3"),
        // First inside the bands that the regions have themselves.
        ("", "s5..9", "lhr s1..4 | iad s1..2", plain(), "lhr s3..4 iad s2"),
        ("", "s8..9", "lhr s1..4 | iad s1..2", plain(), "lhr s5 iad s3"),
        ("", "s0..3", "lhr s1..4 | iad s1..2", plain(), "lhr s1..2 iad s1"),
        // What a region wants at least goes before what others might have ...
        ("iad:a", "s0..6", "lhr s1..20 | iad s1", plain(), "lhr s1..5 iad s1"),
        // ... and what is there before what might come.
        ("iad:a iad:b iad:c lhr:d", "s0..4", "lhr s1..20 | iad s0..3", plain(), "lhr s1 iad s0..3"),
        ("iad:a iad:b iad:c lhr:d", "s0..3", "lhr s1..20 | iad s0..3", plain(), "lhr s1 iad s0..2"),
        ("lhr:a lhr:b lhr:c iad:d", "s4", "lhr s1..4 | iad s1..2", plain(), "lhr s3 iad s1"),
        // Nothing to go by: evenly, in list order.
        ("", "s2..9", "lhr s0 | iad s0 | fra s0", plain(), "lhr s1 iad s1 fra s0"),
        // Machines that no region decides about count as they are.
        ("syd:a syd:b", "s0..5", "lhr s4 | iad s2", plain(), "lhr s2 iad s1"),
        ("iad:a iad:b", "s0..5", "lhr s4 | iad ?", plain(), "lhr s3"),
        // The limits of a region.
        (
            "",
            "",
            "lhr s4 | iad s0",
            with(&|own| own.region_limits.every = limits(1, 3)),
            "lhr s3 iad s1",
        ),
        (
            "",
            "s9",
            "lhr s4 | iad s2",
            with(&|own| {
                own.region_limits.own.insert(Region::new("lhr"), limits(0, 5));
            }),
            "lhr s5 iad s4",
        ),
        // The ceiling and the floor of the group.
        ("", "", "lhr s40 | iad s20", with(&|own| own.max_machines = 6), "lhr s4 iad s2"),
        ("", "", "lhr s0 | iad s1", with(&|own| own.min_machines = 3), "lhr s0 iad s3"),
        (
            "",
            "",
            "lhr c40 s1 | iad c20 s2",
            with(&|own| own.max_machines = 6),
            "lhr c4 s1 iad c2 s2",
        ),
        // A machine that always runs is kept from the share of what is too much ...
        (
            "",
            "s0..3",
            "lhr s9 | iad s0",
            with(&|own| own.always_running = regions("iad")),
            "lhr s2 iad s1",
        ),
        // ... even where the expressions over all regions want fewer than there are such regions ...
        (
            "",
            "s0..1",
            "lhr s9 | iad s0",
            with(&|own| own.always_running = regions("lhr iad")),
            "lhr s1 iad s1",
        ),
        // ... but not beyond the ceiling.
        (
            "syd:a",
            "",
            "lhr s9 | iad s1",
            with(&|own| (own.max_machines, own.always_running) = (2, regions("lhr iad"))),
            "lhr s0 iad s1",
        ),
    ];
    for (there, app_wide, by_region, policy, want) in table {
        let text = format!("{there} | {app_wide} | {by_region} | {policy:?}");
        let given = Given { there, app_wide, by_region, policy, ..Given::default() };
        assert_eq!(targets(&given.plan()), want, "{text}");
    }
}

#[test]
fn a_change_over_all_regions_is_said_in_each() {
    let (app_wide, by_region) = ("s0..3", "lhr s4 | iad s2");
    let policy = listed("lhr iad");
    let plan = Given { app_wide, by_region, policy, ..Given::default() }.plan();
    let said = plan.scopes[1].reasons.iter().map(ToString::to_string).next().unwrap();
    assert_eq!(said, "max started lowered from 4 to 2: total at most 3");
}

#[test]
fn many_regions_that_each_lose_a_few_are_a_large_loss() {
    let there = "lhr:a:stopped lhr:b:stopped iad:c:stopped iad:d:stopped fra:e:stopped fra:f:stopped lhr:g iad:h";
    let mut given = Given {
        there,
        by_region: "lhr c1 s1 | iad c1 s1 | fra c0 s0",
        policy: listed("lhr iad fra"),
        ..Given::default()
    };
    for wish in 1..=3 {
        let plan = given.plan();
        let destroys = plan.actions().count();
        assert_eq!(destroys, if wish < 3 { 0 } else { 6 }, "wish {wish}: {}", short(&plan));
        given.history = plan.next;
    }
}
