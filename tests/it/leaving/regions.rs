//! What leaves where several scopes have a say: drained regions, regions in which one machine always runs,
//! and regions with numbers of their own.

use fly_autoscaler::decide::{Reason, RegionTargets};
use fly_autoscaler::model::{Kinds, MetricName};

use super::*;

/// `2` machines started, `c2` created.
fn wanted(text: &str) -> Wanted {
    let count = |text: &str| Bounds::exactly(text.parse().unwrap());
    Wanted::Bounds(match text.strip_prefix('c') {
        Some(created) => ScopeBounds { created: count(created), ..ScopeBounds::default() },
        None => ScopeBounds { started: count(text), ..ScopeBounds::default() },
    })
}

/// Decides with what is wanted over all regions, and in fra if something is.
fn decided(list: &str, app_wide: Wanted, fra: Option<Wanted>, policy: &Policy) -> Plan {
    let seen = observed(list, None);
    let policy = Arc::new(policy.clone());
    let mut group = GroupTargets::app_wide(ProcessGroup::new("app"), policy, app_wide);
    if let Some(wanted) = fra {
        let region = Region::new("fra");
        group.regions = vec![Region::new("iad"), region.clone()];
        group.regional = Kinds { created: true, started: false };
        group.by_region = vec![RegionTargets { region, wanted }];
    }
    let plan = decide(&seen, &Targets { groups: vec![group] }, &History::new("t"), NOW);
    assert_eq!(check::check(&plan, &seen), Vec::<String>::new(), "{list}");
    plan
}

/// What is done over all regions, and in fra.
fn done(plan: &Plan) -> [String; 2] {
    let in_fra = plan.scopes.iter().find(|scope| scope.scope.region == Some(Region::new("fra")));
    [actions(plan), in_fra.map(actions_in).unwrap_or_default()]
}

fn draining() -> Policy {
    let excluded_regions = vec![Region::new("fra")];
    Policy { excluded_regions, drain_excluded: true, ..cordoning(60) }
}

#[test]
fn a_region_is_drained_by_way_of_a_cordon() {
    // machines | wanted | over all regions, in fra
    let table = [
        ("a b:started:x", "1", ["", "cordon b"]),
        ("a b:started:x:c10", "1", ["", ""]),
        ("a b:started:x:c60", "1", ["", "stop b"]),
        ("a b:started:x", "c1", ["", "cordon b"]),
        ("a b:started:x:c10", "c1", ["", ""]),
        ("a b:started:x:c60", "c1", ["", "stop b"]),
        ("a b:stopped:x:c90", "c1", ["", "destroy b"]),
        // Nobody stands in for it yet: until then it serves, cordoned or not.
        ("a:stopped b:started:x", "1", ["start a", ""]),
        ("a:stopped b:started:x:c60", "1", ["start a", "uncordon b"]),
        ("a:starting b:started:x:c60", "1", ["", "uncordon b"]),
        // What someone else has cordoned goes without a step before.
        ("a b:started:x:c", "1", ["", "stop b"]),
    ];
    for (list, count, want) in table {
        let plan = decided(list, wanted(count), None, &draining());
        assert_eq!(done(&plan), want, "{list} {count}");
    }
    let waits = decided("a b:started:x:c10", wanted("1"), None, &draining());
    let until = NOW.plus(Duration::from_secs(50));
    assert_eq!(
        reasons_in(&waits.scopes[1]),
        format!("1 cordoned and not stopped yet, the first at {until}")
    );
}

#[test]
fn while_it_is_not_known_what_is_wanted_nothing_is_cordoned_and_nothing_put_back() {
    let why = Reason::MetricFailed { metric: MetricName::new("q"), message: "no answer".into() };
    let list = "a:started:c10 b:started:x:c60 c:started:x";
    let held = decided(list, Wanted::Hold(vec![why]), None, &draining());
    assert_eq!(done(&held), ["", ""]);
    let known = decided(list, wanted("1"), None, &draining());
    assert_eq!(done(&known), ["uncordon a", "stop b, cordon c"]);
}

#[test]
fn where_one_always_runs_the_last_that_serves_is_not_cordoned() {
    let policy = Policy { always_running: vec![Region::new("fra")], ..cordoning(60) };
    // machines | started | over all regions, in fra
    let table = [
        ("a b:started:x", "1", ["cordon a", ""]),
        // It was cordoned before it was the last one.
        ("a b:started:x:c60", "1", ["cordon a", "uncordon b"]),
        ("a b:started:x c:started:x", "1", ["cordon a, cordon b", ""]),
        // Of two, the one that serves is kept: not the one that we or others have cordoned.
        ("b:started:x c:started:x:c60", "1", ["stop c", ""]),
        ("b:started:x c:started:x:c", "1", ["stop c", ""]),
        ("b:started:x:c10 c:started:x", "1", ["", ""]),
    ];
    for (list, started, want) in table {
        let plan = decided(list, wanted(started), None, &policy);
        assert_eq!(done(&plan), want, "{list} {started}");
    }
}

/// One that is destroyed in its region runs no longer: over all regions none is stopped in its place.
#[test]
fn what_one_scope_takes_away_is_one_less_for_the_others_to_stop() {
    let (cordoning, at_once) = (cordoning(60), Policy::default());
    // machines | started over all regions | created in fra | policy | over all regions, in fra
    let table = [
        ("a b:started:x", "1", "c0", &at_once, ["", "stop b"]),
        ("a b:started:x", "0", "c0", &at_once, ["stop a", "stop b"]),
        ("a b c:started:x", "1", "c0", &at_once, ["stop a | stop b", "stop c"]),
        ("a b:started:x", "1", "c0", &cordoning, ["", "cordon b"]),
        ("a b:started:x:c10", "1", "c0", &cordoning, ["", ""]),
        ("a b:started:x:c60", "1", "c0", &cordoning, ["", "stop b"]),
    ];
    for (list, started, created, policy, want) in table {
        let plan = decided(list, wanted(started), Some(wanted(created)), policy);
        assert_eq!(done(&plan), want, "{list} {started} {created}");
    }
}
