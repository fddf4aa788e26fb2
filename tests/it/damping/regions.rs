//! Each region by its own rules, all of them together by those of the group.

use std::sync::Arc;

use fly_autoscaler::decide::{
    Change, GroupTargets, History, Observed, Plan, Policy, Reason, RegionTargets, Targets, Wanted,
    decide,
};
use fly_autoscaler::model::{Bounds, Kind, Kinds, Region, ScopeBounds};

use super::{START, group, policy};
use crate::double::machine;

/// `lhr:4`: so many that run.
fn observed(text: &str) -> Observed {
    let mut machines = Vec::new();
    for part in text.split_whitespace() {
        let (region, count) = part.split_once(':').unwrap();
        for number in 0..count.parse::<u32>().unwrap() {
            machines.push(machine(&format!("{region}{number:02}"), "started", region));
        }
    }
    Observed { machines, ..Observed::default() }
}

fn wanted(count: Option<u32>) -> Wanted {
    let started = count.map_or_else(Bounds::default, Bounds::exactly);
    Wanted::Bounds(ScopeBounds { started, ..ScopeBounds::default() })
}

fn plan(policy: Policy, list: &str, own: &str, app_wide: Option<u32>, history: &History) -> Plan {
    let by_region = own.split_whitespace().map(|part| {
        let (region, count) = part.split_once(':').unwrap();
        RegionTargets { region: Region::new(region), wanted: wanted(count.parse().ok()) }
    });
    let mut targets = GroupTargets::app_wide(group(), Arc::new(policy), wanted(app_wide));
    targets.by_region = by_region.collect();
    targets.regions = targets.by_region.iter().map(|own| own.region.clone()).collect();
    targets.regional = Kinds { started: !targets.by_region.is_empty(), created: false };
    decide(&observed(list), &Targets { groups: vec![targets] }, history, START)
}

/// `iad:2` for each scope with actions: how many machines it stops; and the codes of its damping.
fn stops(plan: &Plan) -> String {
    let scopes = plan.scopes.iter().map(|scope| {
        let name = scope.scope.region.as_ref().map_or("all", Region::as_str);
        let codes = scope.reasons.iter().map(Reason::code);
        let codes: Vec<_> = codes
            .filter(|code| {
                ["limited_by_step", "cooling_down", "lowered_by_app_wide"].contains(code)
            })
            .collect();
        format!("{name}:{}={}", scope.actions.len(), codes.join("+"))
    });
    scopes.collect::<Vec<_>>().join(" ")
}

const STEP: &str = "regions=lhr,iad region-scale-down-step-size=2 scale-down-step-size-lhr=3";

#[test]
fn a_region_goes_by_its_own_rules() {
    let none = History::new("s1");
    let inherited = policy("regions=lhr,iad scale-down-step-size=2");
    for (policy, own, app_wide, expected) in [
        (policy(STEP), "lhr:0 iad:0", None, "all:0= lhr:3=limited_by_step iad:2=limited_by_step"),
        // Without rules of its own it has those of the group, each region for itself: there is no step
        // for their sum.
        (
            inherited.clone(),
            "lhr:0 iad:0",
            None,
            "all:0= lhr:2=limited_by_step iad:2=limited_by_step",
        ),
        // What is wanted over all regions limits their sum, and comes about as slowly as its rules say;
        // but what it takes from the regions then is a limit, which is not damped again.
        (
            inherited.clone(),
            "lhr:6 iad:6",
            Some(0),
            "all:0=limited_by_step lhr:1=lowered_by_app_wide iad:1=lowered_by_app_wide",
        ),
        (inherited, "lhr:0 iad:6", Some(9), "all:0=limited_by_step lhr:2=limited_by_step iad:0="),
    ] {
        let plan = plan(policy, "lhr:6 iad:6", own, app_wide, &none);
        assert_eq!(stops(&plan), expected, "{own} {app_wide:?}");
    }
}

#[test]
fn what_was_done_counts_where_it_was_done() {
    let mut history = History::new("s1");
    let change = |region: &str, by| Change {
        at: START,
        region: Region::new(region),
        kind: Kind::Started,
        by,
    };
    history.changes.insert(group(), Arc::new(vec![change("lhr", -1)]));
    let cooling = "scale-down-cooldown=1m regions=lhr,iad";
    let drained = "excluded-regions=lhr excluded-regions-drain=true";
    for (rules, own, app_wide, expected) in [
        (cooling.to_owned(), "lhr:0 iad:0", None, "all:0= lhr:0=cooling_down iad:6="),
        (cooling.to_owned(), "", Some(0), "all:0=cooling_down"),
        // A region that is drained is in no number over all regions, and neither is what is done there.
        (format!("scale-down-cooldown=1m {drained}"), "", Some(0), "all:6= lhr:0="),
    ] {
        let plan = plan(policy(&rules), "lhr:6 iad:6", own, app_wide, &history);
        let done: Vec<_> = stops(&plan).split(' ').map(str::to_owned).collect();
        for part in expected.split(' ') {
            let is_lhr = part.starts_with("lhr:0=") && rules.contains("drain");
            assert!(is_lhr || done.iter().any(|own| own == part), "{rules}: {done:?}, not {part}");
        }
    }
    // Nobody looks back any more: it is forgotten.
    let next = plan(policy("regions=lhr,iad"), "lhr:6 iad:6", "lhr:0 iad:0", None, &history).next;
    assert!(next.changes.is_empty());
    let next = plan(policy(cooling), "lhr:6 iad:6", "lhr:0 iad:0", None, &history).next;
    assert_eq!(next.changes, history.changes);
    // Only the rules of regions look back: that is enough.
    let regional = "regions=lhr,iad region-scale-down-cooldown=1m";
    let next = plan(policy(regional), "lhr:6 iad:6", "lhr:0 iad:0", None, &history).next;
    assert_eq!(next.changes, history.changes);
}

/// Windows are kept for each scope, and go with the scope.
#[test]
fn each_scope_remembers_what_it_wanted() {
    let window = policy("regions=lhr,iad scale-down-stabilization-window=5m");
    let history = History::new("s1");
    let next = plan(window.clone(), "lhr:6 iad:6", "lhr:1 iad:6", Some(12), &history).next;
    let scopes: Vec<_> = next.recommendations.keys().map(ToString::to_string).collect();
    assert_eq!(scopes, ["app", "app/iad", "app/lhr"]);
    let next = plan(window, "lhr:6 iad:6", "lhr:1", None, &next).next;
    let scopes: Vec<_> = next.recommendations.keys().map(ToString::to_string).collect();
    assert_eq!(scopes, ["app/lhr"]);
    let next = plan(policy("regions=lhr,iad"), "lhr:6 iad:6", "lhr:1", None, &next).next;
    assert!(next.recommendations.is_empty());
}
