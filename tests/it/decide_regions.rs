//! The rules of regions as tables: what is there, what is wanted where, what is done and why.

mod bounds;
mod excluded;
mod grow_only;
mod scaled;

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::{
    Action, GroupTargets, History, Limits, Observed, Plan, Policy, Reason, Refusal, RegionTargets,
    ScopePlan, Targets, Wanted, check, decide, scaled_regions,
};
use fly_autoscaler::model::{
    Bounds, Catalog, Kind, Machine, MachineId, MetricName, ProcessGroup, Region, RegionList, Scope,
    ScopeBounds, Site, Timestamp,
};

use crate::double::machine;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// `REGION:ID[:STATE]`, separated by spaces.
fn machines(text: &str) -> Vec<Machine> {
    let one = |text: &str| {
        let mut parts = text.split(':');
        let (region, id) = (parts.next().unwrap(), parts.next().unwrap());
        machine(id, parts.next().unwrap_or("started"), region)
    };
    text.split_whitespace().map(one).collect()
}

/// `c3 s1..4`: three created, one to four started; `?` cannot be evaluated; `^` may only grow.
fn wanted(text: &str) -> Wanted {
    let mut bounds = ScopeBounds::default();
    let mut grow_only = Vec::new();
    for word in text.split_whitespace() {
        if word == "?" {
            let metric = MetricName::new("traffic");
            return Wanted::Hold(vec![Reason::MetricFailed { metric, message: "NaN".into() }]);
        }
        if word == "^" {
            let metric = MetricName::new("traffic");
            let (since, until, message) = (NOW, NOW, "NaN".into());
            grow_only.push(Reason::ScaleDownHeld { metric, since, until, message });
            continue;
        }
        let (kind, number) = match word.split_at(1) {
            ("c", number) => (Kind::Created, number),
            ("s", number) => (Kind::Started, number),
            _ => panic!("{word}"),
        };
        *bounds.of_mut(kind) = match number.split_once("..") {
            Some((min, max)) => Bounds { min: min.parse().ok(), max: max.parse().ok() },
            None => Bounds::exactly(number.parse().unwrap()),
        };
    }
    if grow_only.is_empty() { Wanted::Bounds(bounds) } else { Wanted::GrowOnly(bounds, grow_only) }
}

fn regions(text: &str) -> Vec<Region> {
    text.split_whitespace().map(Region::new).collect()
}

/// What is there and wanted.
#[derive(Default)]
struct Given<'a> {
    there: &'a str,
    app_wide: &'a str,
    /// `lhr s2 | iad s1`.
    by_region: &'a str,
    policy: Policy,
    history: History,
    /// Regions in which Fly offers no new machines.
    closed: &'a str,
}

impl Given<'_> {
    fn targets(&self) -> Targets {
        let group = ProcessGroup::new("app");
        let policy = Arc::new(self.policy.clone());
        let mut targets = GroupTargets::app_wide(group, policy, wanted(self.app_wide));
        targets.closed = regions(self.closed);
        for text in self.by_region.split('|').map(str::trim).filter(|text| !text.is_empty()) {
            let (region, rest) = text.split_once(' ').unwrap();
            let wanted = wanted(rest);
            if let Wanted::Bounds(bounds) | Wanted::GrowOnly(bounds, _) = &wanted {
                targets.regional.created |= bounds.created.is_defined();
                targets.regional.started |= bounds.started.is_defined();
            }
            targets.by_region.push(RegionTargets { region: Region::new(region), wanted });
        }
        Targets { groups: vec![targets] }
    }

    fn plan(&self) -> Plan {
        let observed = Observed { machines: machines(self.there), ..Observed::default() };
        let plan = decide(&observed, &self.targets(), &self.history, NOW);
        assert_eq!(check::check(&plan, &observed), Vec::<String>::new(), "{}", self.there);
        plan
    }
}

/// Each scope in which something is done or said besides that all is well: `lhr: start a (below_min)`.
fn short(plan: &Plan) -> String {
    let scope = |own: &ScopePlan| {
        let actions: Vec<String> = own.actions.iter().map(|own| action(&own.action)).collect();
        let codes = own.reasons.iter().map(Reason::code);
        let codes: Vec<&str> =
            codes.filter(|code| !["within_bounds", "by_region"].contains(code)).collect();
        let name = own.scope.region.as_ref().map_or("all", Region::as_str);
        let text = format!("{name}: {} ({})", actions.join(", "), codes.join(" "));
        (!actions.is_empty() || !codes.is_empty()).then_some(text)
    };
    plan.scopes.iter().filter_map(scope).collect::<Vec<_>>().join("; ")
}

fn action(action: &Action) -> String {
    match action {
        Action::Create { regions, start, .. } => {
            format!("create {}{}", regions[0], if *start { "" } else { " stopped" })
        }
        other => format!("{} {}", other.verb(), other.machine().map_or("", MachineId::as_str)),
    }
}

fn listed(text: &str) -> Policy {
    Policy { regions: regions(text).into(), ..Policy::default() }
}

#[test]
fn each_region_follows_its_own_numbers() {
    // there | all | by region | done and said
    let table = [
        ("lhr:a lhr:b:stopped iad:c", "", "lhr s2 | iad s1", "lhr: start b (below_min)"),
        (
            "lhr:a lhr:b iad:c:stopped",
            "",
            "lhr s1 | iad s1",
            "lhr: stop a (above_max); iad: start c (below_min)",
        ),
        // A region without any machine gets its first one from a machine elsewhere.
        (
            "lhr:a",
            "",
            "lhr c1 s1 | iad c2 s1",
            "iad: create iad, create iad stopped (below_min below_min)",
        ),
        ("lhr:a", "", "lhr c1 s1 | iad c0 s0", ""),
        // Machines in regions that are not listed are left alone.
        ("lhr:a fra:b:stopped fra:c", "", "lhr s1 | iad s0", ""),
        // One region that cannot be judged is left as it is, and the others go on.
        (
            "lhr:a lhr:b iad:c:stopped",
            "",
            "lhr ? | iad s1",
            "lhr:  (metric_failed); iad: start c (below_min)",
        ),
        ("lhr:a", "", "lhr s2..1 | iad s0", "lhr:  (min_above_max)"),
        // Over all regions nothing can be judged: nothing is done in any.
        (
            "lhr:a lhr:b:stopped",
            "?",
            "lhr s2 | iad s0",
            "all:  (metric_failed); lhr:  (app_wide_held); iad:  (app_wide_held)",
        ),
        ("lhr:a lhr:b:stopped", "s3..1", "lhr s2", "all:  (min_above_max); lhr:  (app_wide_held)"),
        // The last machine that can be cloned stays, in the region that is listed first.
        (
            "lhr:a:stopped iad:b:stopped",
            "",
            "lhr c0 | iad c0",
            "lhr:  (above_max keeps_last_machine); iad: destroy b (above_max)",
        ),
        // What is cloned in one region is not destroyed in another in the same tick.
        (
            "iad:b:stopped",
            "",
            "lhr c1 | iad c0",
            "lhr: create lhr (below_min); iad:  (above_max keeps_clone_source)",
        ),
        // Nor another one in its place, which is needed where it is.
        (
            "iad:a:stopped iad:b",
            "",
            "lhr c1 | iad c1 s1",
            "lhr: create lhr (below_min); iad:  (above_max keeps_clone_source)",
        ),
        // One that is as good goes at once.
        (
            "iad:a:stopped iad:b:stopped",
            "",
            "lhr c1 | iad c1",
            "lhr: create lhr (below_min); iad: destroy b (above_max)",
        ),
        (
            "iad:a iad:b",
            "",
            "lhr c1 s1 | iad c1 s1",
            "lhr: create lhr (below_min below_min); iad: stop b (above_max above_max)",
        ),
        // No more than that may be stopped: it is started for a region, while all regions decide what exists.
        (
            "lhr:a lhr:b:stopped iad:c",
            "c3",
            "lhr s2 | iad s0",
            "lhr: start b (below_min); iad: stop c (above_max)",
        ),
        (
            "lhr:a lhr:b:stopped iad:c",
            "c2",
            "lhr s2 | iad s1",
            "all: destroy b (above_max); lhr:  (below_min not_enough_stopped)",
        ),
    ];
    for (there, app_wide, by_region, want) in table {
        let policy = listed("lhr iad");
        let given = Given { there, app_wide, by_region, policy, ..Given::default() };
        assert_eq!(short(&given.plan()), want, "{there} | {app_wide} | {by_region}");
    }
}

#[test]
fn a_region_that_is_to_run_at_all_times_does() {
    // there | all | by region | done and said
    let table = [
        ("lhr:a iad:b:stopped", "s1", "", "lhr:  (always_running)"),
        // It is started although there are enough elsewhere: those stop in a later tick.
        ("lhr:a:stopped iad:b iad:c", "s2", "", "lhr: start a (always_running below_min)"),
        ("lhr:a iad:b iad:c", "s2", "", "all: stop b (above_max); lhr:  (always_running)"),
        ("lhr:a lhr:b iad:c", "s1", "", "all: stop a, stop c (above_max); lhr:  (always_running)"),
        (
            "lhr:a lhr:b iad:c",
            "s0",
            "",
            "all: stop a, stop c (always_running above_max); lhr:  (always_running)",
        ),
        // With none to start there, one is created where a created count is set, else it is said.
        ("iad:b", "s1", "", "lhr:  (always_running below_min not_enough_stopped)"),
        ("iad:b", "c1", "", "lhr: create lhr (always_running always_running below_min below_min)"),
        ("iad:b lhr:a", "c1", "", "all: stop b (above_max); lhr:  (always_running always_running)"),
        // Beside the numbers of regions.
        ("lhr:a:stopped iad:b", "", "lhr s0 | iad s1", "lhr: start a (always_running below_min)"),
        ("lhr:a iad:b", "", "lhr s0 | iad s0", "lhr:  (always_running); iad: stop b (above_max)"),
        ("lhr:a iad:b", "", "iad s0", "iad: stop b (above_max); lhr:  (always_running)"),
        // A hold beats it.
        ("lhr:a:stopped", "?", "", "all:  (metric_failed); lhr:  (app_wide_held)"),
        ("lhr:a:stopped", "", "lhr ?", "all:  (no_target); lhr:  (metric_failed)"),
    ];
    for (there, app_wide, by_region, want) in table {
        let mut policy = listed("lhr iad");
        policy.always_running = regions("lhr");
        let given = Given { there, app_wide, by_region, policy, ..Given::default() };
        assert_eq!(short(&given.plan()), want, "{there} | {app_wide} | {by_region}");
    }
}
