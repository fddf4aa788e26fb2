//! The rules of regions as tables: what is there, what is wanted where, what is done and why.

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

/// `c3 s1..4`: three created, one to four started; `?` cannot be evaluated.
fn wanted(text: &str) -> Wanted {
    let mut bounds = ScopeBounds::default();
    for word in text.split_whitespace() {
        if word == "?" {
            let metric = MetricName::new("traffic");
            return Wanted::Hold(vec![Reason::MetricFailed { metric, message: "NaN".into() }]);
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
    Wanted::Bounds(bounds)
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
            if let Wanted::Bounds(bounds) = wanted {
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

#[test]
fn which_regions_are_scaled_and_why_not_the_others() {
    let set = |text: &str| regions(text).into_iter().collect();
    let current = || {
        let site = |deprecated| Site {
            name: "here".into(),
            latitude: 0.0,
            longitude: 0.0,
            is_deprecated: deprecated,
        };
        let all = ["lhr", "iad", "fra", "new"].map(|code| (Region::new(code), site(false)));
        let old = (Region::new("old"), site(true));
        Catalog::current(all.into_iter().chain([old]).collect())
    };
    let builtin = Catalog::builtin();
    let auto = || Policy { regions: RegionList::Auto, ..Policy::default() };
    // policy, busy, inhabited, catalog -> scaled | skipped
    let table = [
        (listed("lhr iad"), "", "", builtin.as_ref().clone(), "lhr iad", ""),
        (
            listed("iad lhr"),
            "fra xyz",
            "syd",
            current(),
            "iad lhr",
            "fra region_not_listed, syd region_not_offered, xyz region_unknown",
        ),
        // Where there are machines there is a region, whatever a list says.
        (listed("old gone lhr"), "", "old gone", current(), "old gone lhr", ""),
        // What has no label is no region, whatever Fly may have by now.
        (listed("lhr"), "(none)", "", builtin.as_ref().clone(), "lhr", "(none) region_unknown"),
        // Fly may have a region by now that the list in the program lacks.
        (listed("new lhr"), "", "", builtin.as_ref().clone(), "new lhr", ""),
        (
            listed("old gone lhr"),
            "",
            "",
            current(),
            "lhr",
            "gone region_unknown, old region_not_offered",
        ),
        (
            Policy { excluded_regions: regions("fra"), ..listed("lhr") },
            "fra",
            "",
            current(),
            "lhr",
            "fra region_excluded",
        ),
        (auto(), "lhr fra xyz", "iad", current(), "fra iad lhr", "xyz region_unknown"),
        (
            Policy { excluded_regions: regions("fra"), ..auto() },
            "lhr fra",
            "iad",
            current(),
            "iad lhr",
            "fra region_excluded",
        ),
        (Policy { always_running: regions("iad"), ..auto() }, "lhr", "", current(), "iad lhr", ""),
        (
            auto(),
            "lhr q1 q2 q3 q4 q5 q6 q7 q8",
            "",
            current(),
            "lhr",
            "q1 region_unknown, q2 region_unknown, q3 region_unknown, q4 region_unknown, q5 region_unknown",
        ),
    ];
    for (policy, busy, inhabited, catalog, scaled, skipped) in table {
        let got = scaled_regions(&policy, &set(busy), &set(inhabited), &catalog);
        assert_eq!(got.regions, regions(scaled), "{policy:?} {busy} | {inhabited}");
        let why = got.skipped.iter().map(|(region, reason)| format!("{region} {}", reason.code()));
        assert_eq!(why.collect::<Vec<_>>().join(", "), skipped, "{policy:?} {busy} | {inhabited}");
    }
}

#[test]
fn traffic_that_counts_elsewhere_says_where() {
    use fly_autoscaler::decide::Unlisted;
    let policy = Policy { unlisted: Unlisted::Nearest, ..listed("lhr iad") };
    let busy = regions("fra").into_iter().collect();
    let got =
        scaled_regions(&policy, &busy, &std::collections::BTreeSet::new(), Catalog::builtin());
    assert_eq!(got.skipped[0].1.to_string(), "unlisted; counts to lhr, the nearest");
}
