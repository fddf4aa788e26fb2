use std::time::Duration;

use futures::future::BoxFuture;

use super::*;
use crate::collect::{Collector, Memory, collect};
use crate::decide::Policy;
use crate::evaluate::{Expression, Names, PerRegion};
use crate::model::{
    AppName, By, HostStatus, Machine, MachineFacts, MachineId, MachineState, OnFailure, Sample,
};
use crate::ports::{MetricSource, SourceError};

const NOW: Timestamp = Timestamp::from_millis(1_000_000);

/// A metric that is `by: region`; a region without a number failed.
struct ByRegion(MetricName, Vec<(&'static str, Option<f64>)>);

impl MetricSource for ByRegion {
    fn metric(&self) -> &MetricName {
        &self.0
    }

    fn sample<'a>(
        &'a self,
        _: &'a AppName,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Sample, SourceError>> {
        let value = |(region, value): &(&str, Option<f64>)| {
            (Region::new(region), value.ok_or_else(|| "the value is NaN".into()))
        };
        let values = self.1.iter().map(value).collect();
        Box::pin(std::future::ready(Ok(Sample::ByRegion { values, at: None })))
    }
}

fn regions(codes: &[&str]) -> Vec<Region> {
    codes.iter().map(Region::new).collect()
}

fn started(source: &str) -> ScopeExpressions {
    let names = Names::new([
        "t",
        "u",
        "t_lhr",
        "t_iad",
        "region",
        "created_machines",
        "started_machines",
        "stopped_machines",
    ]);
    let both = Some(Expression::compile(source, &names).expect(source));
    let (started_min, started_max) = (both.clone(), both);
    ScopeExpressions { started_min, started_max, ..ScopeExpressions::default() }
}

/// `every` for each region and `own` for some; without text there is none.
fn per_region(every: &str, own: &[(&str, &str)]) -> PerRegion {
    let of = |source: &str| match source {
        "" => ScopeExpressions::default(),
        some => started(some),
    };
    let own = own.iter().map(|(region, source)| (Region::new(region), of(source))).collect();
    PerRegion { every: of(every), own }
}

fn group(app_wide: &str, per_region: PerRegion, policy: Policy) -> Group {
    let group = ProcessGroup::new("app");
    Group {
        group,
        expressions: started(app_wide),
        per_region,
        policy: Arc::new(policy),
        forecast_min_skill: None,
    }
}

fn machine(region: &str, state: MachineState) -> Machine {
    Machine {
        id: MachineId::new(format!("{region}-{}", state.as_str())),
        state,
        region: Region::new(region),
        host_status: HostStatus::Ok,
        is_cordoned: false,
        created_at: None,
        image: None,
        facts: MachineFacts { group: Some(ProcessGroup::new("app")), ..MachineFacts::default() },
        config: None,
    }
}

/// The targets of `group` where `t` and `u` are these, and there is a machine that runs and one that is
/// stopped in `lhr`.
async fn targets(
    group: Group,
    t: &[(&'static str, Option<f64>)],
    u: &[(&'static str, Option<f64>)],
) -> GroupTargets {
    let collector = |metric: &str, values: &[(&'static str, Option<f64>)]| Collector {
        source: Box::new(ByRegion(MetricName::new(metric), values.to_vec())),
        by: By::Region,
        timeout: Duration::from_secs(10),
        empty: None,
        max_age: None,
        on_failure: OnFailure::Hold,
        last_for: Duration::from_secs(900),
        absent_after: Duration::from_secs(300),
    };
    let collectors = [collector("t", t), collector("u", u)];
    let app = AppName::new("web");
    let collected = collect(&collectors, &app, &mut Memory::default(), NOW).await;
    let machines =
        vec![machine("lhr", MachineState::Started), machine("lhr", MachineState::Stopped)];
    let facts = Facts {
        collected: &collected,
        observed: Some(&Observed { machines, ..Observed::default() }),
        history: &History::default(),
        catalog: Catalog::builtin(),
        named: &named_regions(std::slice::from_ref(&group)),
        memory: &Memory::default(),
        now: NOW,
    };
    let mut past = Past::new(std::slice::from_ref(&group), Vec::new(), Duration::from_secs(15));
    GroupNumbers::of(&group, &facts, &mut past).into_targets(&group)
}

fn said(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Bounds(bounds) => format!("{:?}", bounds.started.min),
        Wanted::GrowOnly(bounds, why) => format!("{:?} or more: {why:?}", bounds.started.min),
        Wanted::Hold(reasons) => {
            reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
    }
}

/// What is wanted over all regions and in each.
fn wishes(targets: &GroupTargets) -> Vec<String> {
    let own = |own: &RegionTargets| format!("{}: {}", own.region, said(&own.wanted));
    let app_wide = format!("all: {}", said(&targets.app_wide));
    std::iter::once(app_wide).chain(targets.by_region.iter().map(own)).collect()
}

fn skipped(targets: &GroupTargets) -> Vec<String> {
    targets.skipped.iter().map(|(region, why)| format!("{region}: {why}")).collect()
}

fn listed(codes: &[&str]) -> Policy {
    Policy { regions: regions(codes).into(), ..Policy::default() }
}

#[tokio::test]
async fn each_region_has_its_own_numbers_in_the_order_of_the_list() {
    let group = group("t", per_region("ceil(t / 50)", &[]), listed(&["lhr", "iad", "syd"]));
    let t = [("iad", Some(51.0)), ("lhr", Some(149.0)), ("fra", Some(7.0))];
    let got = targets(group, &t, &[]).await;
    assert_eq!(got.regions, regions(&["lhr", "iad", "syd"]));
    assert_eq!(wishes(&got), ["all: Some(207)", "lhr: Some(3)", "iad: Some(2)", "syd: Some(0)"]);
    assert_eq!(skipped(&got), ["fra: not one of `regions`"]);
}

#[tokio::test]
async fn a_regions_machines_and_its_code_can_be_read_and_its_own_expressions_go_first() {
    let counts = "100 * created_machines + 10 * started_machines + stopped_machines";
    let own = [("iad", r#"region == "iad" ? 7 : 8"#), ("syd", "")];
    let policy = listed(&["iad", "syd", "lhr"]);
    let got = targets(group(counts, per_region(counts, &own), policy), &[], &[]).await;
    // None for syd, for which nothing is said.
    assert_eq!(wishes(&got), ["all: Some(211)", "iad: Some(7)", "lhr: Some(211)"]);
}

#[tokio::test]
async fn a_region_whose_value_failed_is_held_and_so_is_what_reads_the_sum() {
    let group = group("t", per_region("t", &[]), listed(&["lhr", "iad"]));
    let got = targets(group, &[("lhr", None), ("iad", Some(2.0))], &[]).await;
    let why = "metric t: region lhr: the value is NaN";
    assert_eq!(wishes(&got), [format!("all: {why}"), format!("lhr: {why}"), "iad: Some(2)".into()]);
}

#[tokio::test]
async fn with_auto_a_region_is_scaled_where_what_is_read_has_a_value_or_a_machine_is() {
    let auto = || Policy { regions: RegionList::Auto, ..Policy::default() };
    let t = [("iad", Some(2.0)), ("syd", Some(0.0)), ("fra", None), ("xyz", Some(1.0))];
    let u = [("nrt", Some(9.0))];
    let got = targets(group("1", per_region("t", &[]), auto()), &t, &u).await;
    assert_eq!(wishes(&got), ["all: Some(1)", "iad: Some(2)", "lhr: Some(0)"]);
    let unknown = "xyz: no region of Fly's (is `yyz` meant?): its traffic is in no region's number";
    assert_eq!(skipped(&got), [unknown]);
    let got = targets(group("u", per_region("t_iad", &[]), auto()), &t, &u).await;
    assert_eq!(wishes(&got), ["all: Some(9)", "iad: Some(2)", "lhr: Some(2)", "nrt: Some(2)"]);
    // A region that a metric has nothing for still has its variable.
    let got = targets(group("1", per_region("t_lhr + 1", &[]), auto()), &t, &u).await;
    assert_eq!(wishes(&got)[1..], ["iad: Some(1)", "lhr: Some(1)"]);
}

#[tokio::test]
async fn the_traffic_of_regions_that_are_not_scaled_counts_to_the_nearest() {
    let policy = Policy {
        unlisted: Unlisted::Nearest,
        excluded_regions: regions(&["ewr"]),
        ..listed(&["lhr", "iad"])
    };
    let t = [("fra", Some(1.0)), ("lhr", Some(2.0)), ("ewr", Some(4.0)), ("xyz", Some(8.0))];
    let own = [("iad", "t_iad")];
    let got = targets(group("t", per_region("t", &own), policy.clone()), &t, &[]).await;
    assert_eq!(wishes(&got), ["all: Some(15)", "lhr: Some(3)", "iad: Some(4)"]);
    // What is told of the nearest is the same without expressions for regions.
    let got = targets(group("t_iad", PerRegion::default(), policy), &t, &[]).await;
    assert_eq!(wishes(&got), ["all: Some(4)"]);
}

#[tokio::test]
async fn without_anything_said_of_single_regions_nothing_is_said_of_them() {
    let t = [("fra", Some(1.0)), ("lhr", Some(2.0))];
    for codes in [&["lhr", "iad"][..], &[]] {
        let got = targets(group("t", PerRegion::default(), listed(codes)), &t, &[]).await;
        assert_eq!(wishes(&got), ["all: Some(3)"]);
        assert_eq!((got.regions, got.skipped), (regions(codes), Vec::new()));
    }
}

/// What becomes of regions where nothing is asked of them: `regions: auto` says where new machines may go.
#[tokio::test]
async fn with_auto_and_numbers_over_all_regions_alone() {
    let auto = Policy { regions: RegionList::Auto, ..Policy::default() };
    let without = |code| Policy { excluded_regions: regions(&[code]), ..auto.clone() };
    let always = Policy { always_running: regions(&["nrt"]), ..auto.clone() };
    let nearest = Policy { unlisted: Unlisted::Nearest, ..without("iad") };
    type T = [(&'static str, Option<f64>)];
    let busy: &T = &[("iad", Some(2.0)), ("syd", Some(0.0)), ("fra", None)];
    let fine: &T = &[("iad", Some(2.0)), ("syd", Some(0.0))];
    // the policy | what is read | the metric t -> where it is scaled | where not, and why | what is wanted
    // A machine runs and one is stopped in `lhr`, and the metric u, which few read, has a value in `gru`.
    type Row<'a> = (&'a Policy, &'a str, &'a T, &'a [&'a str], &'a [&'a str], &'a str);
    let table: [Row<'_>; 9] = [
        (&auto, "t", fine, &["iad", "lhr"], &[], "all: Some(2)"),
        (&auto, "t_iad + 1", fine, &["iad", "lhr"], &[], "all: Some(3)"),
        (&auto, "u", fine, &["gru", "lhr"], &[], "all: Some(9)"),
        (&auto, "3", fine, &["lhr"], &[], "all: Some(3)"),
        (&auto, "t", busy, &["iad", "lhr"], &[], "all: metric t: region fra: the value is NaN"),
        (&always, "t", fine, &["iad", "lhr", "nrt"], &[], "all: Some(2)"),
        (
            &without("lhr"),
            "t",
            fine,
            &["iad"],
            &["lhr: excluded (excluded-regions)"],
            "all: Some(2)",
        ),
        (
            &nearest,
            "t_lhr",
            &[("iad", Some(2.0)), ("lhr", Some(1.0))],
            &["lhr"],
            &["iad: excluded; counts to lhr, the nearest"],
            "all: Some(3)",
        ),
        (
            &auto,
            "t",
            &[("xyz", Some(1.0))],
            &["lhr"],
            &["xyz: no region of Fly's (is `yyz` meant?): its traffic is in no region's number"],
            "all: Some(1)",
        ),
    ];
    for (policy, expression, t, scaled, not, wanted) in table {
        let group = group(expression, PerRegion::default(), policy.clone());
        let got = targets(group, t, &[("gru", Some(9.0))]).await;
        let what = format!("{expression} {t:?} {policy:?}");
        assert_eq!(got.regions, regions(scaled), "{what}");
        assert_eq!(skipped(&got), not, "{what}");
        assert_eq!(wishes(&got), [wanted], "{what}");
    }
}

#[test]
fn what_runs_or_did_until_a_moment_ago_may_have_served() {
    let table = [
        (&["started"][..], Presence::MayServe),
        (&["starting"], Presence::MayServe),
        (&["restarting"], Presence::MayServe),
        (&["updating"], Presence::MayServe),
        (&["stopping"], Presence::MayServe),
        (&["suspending"], Presence::MayServe),
        (&["hibernating"], Presence::MayServe),
        (&["stopped", "started", "stopped"], Presence::MayServe),
        (&["stopped", "suspended"], Presence::AtRest),
        (&["created"], Presence::AtRest),
        (&["failed"], Presence::AtRest),
        (&["launch_failed"], Presence::AtRest),
    ];
    for (states, want) in table {
        let machines = states.iter().map(|state| machine("lhr", MachineState::parse(state)));
        let observed = Observed { machines: machines.collect(), ..Observed::default() };
        let history = History::default();
        let view = View::of_group(&observed, &ProcessGroup::new("app"), &history, NOW);
        assert_eq!(presence(&view), [(Region::new("lhr"), want)].into(), "{states:?}");
    }
    // One of ours that the list does not show yet.
    let region = Region::new("syd");
    for (launched, want) in [(true, Presence::MayServe), (false, Presence::AtRest)] {
        let view = View { unlisted: vec![(&region, launched)], ..View::default() };
        assert_eq!(presence(&view), [(region.clone(), want)].into());
    }
}
