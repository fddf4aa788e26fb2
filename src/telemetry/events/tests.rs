use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::decide::{Action, Choice, History, Plan, PlannedAction, Reason, ScopePlan, Tally};
use crate::model::{
    AppName, Bounds, Instead, Kind, MachineId, MetricName, ProcessGroup, Region, Scope, Side,
    TickOutcome, Timestamp,
};
use crate::telemetry::capture;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, thiserror::Error)]
#[error("start machine m1: 503 no (fly-request-id r1)")]
struct Failure;

fn metrics() -> Metrics {
    Metrics::new("0.4.0", "abc1234")
}

fn scope() -> Scope {
    Scope::app_wide(ProcessGroup::new("app"))
}

fn start(id: &str) -> Action {
    Action::Start { machine: MachineId::new(id), region: Region::new("lhr") }
}

fn plan(actions: Vec<Action>, reasons: Vec<Reason>) -> Plan {
    let reason = Reason::BelowMin { kind: Kind::Started, observed: 0, target: 2 };
    let actions = actions
        .into_iter()
        .map(|action| PlannedAction { action, reason: reason.clone(), choice: Choice::Every })
        .collect();
    let scope_plan = ScopePlan {
        scope: scope(),
        observed: Tally::default(),
        wanted: None,
        targets: None,
        actions,
        spares: Vec::new(),
        reasons,
        held_since: None,
    };
    Plan::new(vec![scope_plan], History::default())
}

/// The samples that are not zero, without buckets and the build.
fn counted(metrics: &Metrics) -> Vec<String> {
    let text = metrics.render().expect("rendered");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"))
        .filter(|line| !line.contains("_bucket{") && !line.starts_with("fas_build_info"))
        .filter(|line| !line.starts_with("fas_state_ok") && *line != "fas_config_ok 1")
        .map(str::to_owned)
        .collect()
}

/// What `emit` logs with `verbose`, without `target`, which says where in the source.
fn logged(verbose: bool, emit: impl FnOnce()) -> Vec<Value> {
    let mut lines = capture::json(verbose, emit);
    for line in &mut lines {
        line.as_object_mut().expect("an object").remove("target");
    }
    lines
}

fn ended<'a>(app: &'a AppName, outcome: TickOutcome, plan: Option<&'a Plan>) -> TickEnded<'a> {
    TickEnded {
        app,
        outcome,
        at: Timestamp::from_millis(2500),
        duration: Duration::from_millis(500),
        plan,
        done: 0,
        failed: 0,
        not_attempted: 0,
    }
}

#[test]
fn a_tick_that_did_something_is_one_info_line_with_actions_and_reasons() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let reason = Reason::BelowMin { kind: Kind::Started, observed: 0, target: 2 };
    let plan = plan(vec![start("m1"), start("m2")], vec![reason]);
    let event = TickEnded { done: 2, ..ended(&app, TickOutcome::Acted, Some(&plan)) };
    assert_eq!(
        logged(false, || event.emit(&metrics)),
        [json!({
            "level": "INFO", "msg": "tick ended", "app": "a1", "outcome": "acted", "done": 2, "failed": 0, "not_attempted": 0,
            "duration_seconds": 0.5, "actions": "start m1 in lhr; start m2 in lhr",
            "reasons": "app: 0 started, at least 2 wanted",
        })]
    );
    assert_eq!(
        counted(&metrics),
        [
            r#"fas_last_success_timestamp_seconds{app="a1"} 2.5"#,
            r#"fas_reconcile_count{status="start"} 1"#,
            "fas_tick_duration_seconds_sum 0.5",
            "fas_tick_duration_seconds_count 1",
            r#"fas_ticks_total{outcome="acted"} 1"#,
        ]
    );
}

#[test]
fn a_quiet_tick_is_a_debug_line_and_counts_as_no_scale() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let reason =
        Reason::WithinBounds { kind: Kind::Started, observed: 2, bounds: Bounds::exactly(2) };
    let plan = plan(Vec::new(), vec![reason]);
    let event = ended(&app, TickOutcome::Quiet, Some(&plan));
    assert_eq!(logged(false, || event.emit(&metrics)), [] as [Value; 0]);
    assert!(counted(&metrics).contains(&r#"fas_reconcile_count{status="no_scale"} 1"#.to_owned()));
    assert_eq!(
        logged(true, || event.emit(&metrics)),
        [json!({
            "level": "DEBUG", "msg": "tick ended", "app": "a1", "outcome": "quiet",
            "duration_seconds": 0.5, "reasons": "app: 2 started, 2 wanted",
        })]
    );
}

#[test]
fn a_held_tick_counts_its_holds_and_is_no_success() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let plan = plan(
        Vec::new(),
        vec![Reason::KeepsLastMachine, Reason::MinAboveMax { kind: Kind::Started, min: 3, max: 2 }],
    );
    ended(&app, TickOutcome::Held, Some(&plan)).emit(&metrics);
    assert_eq!(
        counted(&metrics),
        [
            r#"fas_held_total{reason="min_above_max"} 1"#,
            "fas_tick_duration_seconds_sum 0.5",
            "fas_tick_duration_seconds_count 1",
            r#"fas_ticks_total{outcome="held"} 1"#,
        ]
    );
}

#[test]
fn a_group_that_is_held_in_many_regions_counts_once_and_what_is_done_is_said_first() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let held = |region: &str| ScopePlan {
        scope: Scope { region: Some(Region::new(region)), ..scope() },
        ..plan(Vec::new(), vec![Reason::AppWideHeld]).scopes.remove(0)
    };
    let below = Reason::BelowMin { kind: Kind::Started, observed: 0, target: 2 };
    let quiet = plan(Vec::new(), vec![Reason::NoTarget]).scopes;
    let acting = plan(vec![start("m1")], vec![below]).scopes;
    let scopes = quiet.into_iter().chain(["iad", "lhr"].map(held)).chain(acting).collect();
    let plan = Plan::new(scopes, History::default());
    let event = TickEnded { done: 1, ..ended(&app, TickOutcome::Acted, Some(&plan)) };
    let lines = logged(false, || event.emit(&metrics));
    let held = r#"fas_held_total{reason="app_wide_held"} 1"#;
    assert!(counted(&metrics).contains(&held.to_owned()));
    let hold = Reason::AppWideHeld;
    let reasons = format!(
        "app: 0 started, at least 2 wanted; app/iad: {hold}; app/lhr: {hold}; app: {}",
        Reason::NoTarget
    );
    assert_eq!(lines[0]["reasons"], reasons);
    assert_eq!(lines[0]["actions"], "start m1 in lhr");
}

#[test]
fn a_tick_that_failed_before_a_decision_counts_as_nothing_but_failed() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    ended(&app, TickOutcome::Failed, None).emit(&metrics);
    assert_eq!(
        counted(&metrics),
        [
            "fas_tick_duration_seconds_sum 0.5",
            "fas_tick_duration_seconds_count 1",
            r#"fas_ticks_total{outcome="failed"} 1"#,
        ]
    );
}

#[test]
fn a_dry_run_says_what_it_would_do_and_counts_no_action() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let plan = plan(vec![start("m1")], Vec::new());
    let reason = Reason::BelowMin { kind: Kind::Started, observed: 0, target: 2 };
    let lines = logged(false, || {
        WouldAct { app: &app, scope: &scope(), action: &start("m1"), reason: &reason }
            .emit(&metrics);
        ended(&app, TickOutcome::Quiet, Some(&plan)).emit(&metrics);
    });
    assert_eq!(
        lines,
        [json!({
            "level": "INFO", "msg": "would start m1 in lhr", "app": "a1", "scope": "app",
            "reason": "0 started, at least 2 wanted",
        })]
    );
    assert!(!counted(&metrics).iter().any(|line| line.starts_with("fas_reconcile_count")));
}

#[test]
fn a_long_list_is_cut_and_says_so() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let plan = plan((0..12).map(|n| start(&format!("m{n}"))).collect(), Vec::new());
    let event = TickEnded { done: 12, ..ended(&app, TickOutcome::Acted, Some(&plan)) };
    let lines = logged(false, || event.emit(&metrics));
    let actions = lines[0]["actions"].as_str().expect("text");
    assert!(actions.ends_with("; start m9 in lhr; and 2 more"), "{actions}");
}

#[test]
fn late_and_skipped_ticks_are_counted() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let lines = logged(false, || {
        TickBegan { app: &app, lateness: Duration::from_millis(250) }.emit(&metrics);
        let (missed, running_for, waited_for) = (1, Duration::from_secs(20), Duration::ZERO);
        TickSkipped { app: &app, missed, running_for, waited_for }.emit(&metrics);
    });
    assert_eq!(
        lines,
        [json!({
            "level": "WARN", "msg": "tick skipped: the last one is still running", "app": "a1",
            "missed": 1, "running_seconds": 20.0,
        })]
    );
    assert_eq!(
        counted(&metrics),
        [
            "fas_tick_lateness_seconds_sum 0.25",
            "fas_tick_lateness_seconds_count 1",
            r#"fas_ticks_total{outcome="skipped"} 1"#,
        ]
    );
}

#[test]
fn a_failed_action_says_what_why_and_what_next() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let event = |class, needs_someone| ActionFailed {
        app: &app,
        action: &START,
        error: &Failure,
        class,
        needs_someone,
        next: "the next machine is tried",
    };
    static START: std::sync::LazyLock<Action> = std::sync::LazyLock::new(|| start("m1"));
    let line = |level: &str, class: &str| {
        json!({
            "level": level, "msg": "failed: start m1 in lhr", "app": "a1", "action": "start",
            "machine": "m1", "region": "lhr", "class": class,
            "error": "start machine m1: 503 no (fly-request-id r1)",
            "next": "the next machine is tried",
        })
    };
    assert_eq!(
        logged(false, || {
            event("transient", false).emit(&metrics);
            event("authorization", true).emit(&metrics);
        }),
        [line("WARN", "transient"), line("ERROR", "authorization")]
    );
    ActionDone { app: &app, action: &START, machine: &MachineId::new("m1") }.emit(&metrics);
    assert_eq!(
        counted(&metrics),
        [
            r#"fas_machine_start_count{status="failed"} 2"#,
            r#"fas_machine_start_count{status="ok"} 1"#,
        ]
    );
}

#[test]
fn requests_are_debug_lines_with_the_request_id() {
    let metrics = metrics();
    let event = ApiCall {
        operation: "list",
        subject: "app a1",
        status: Some(200),
        duration: Duration::from_millis(250),
        request_id: Some("01F-lhr"),
    };
    assert_eq!(
        logged(true, || event.emit(&metrics)),
        [json!({
            "level": "DEBUG", "msg": "api request", "operation": "list", "subject": "app a1",
            "status": 200, "duration_seconds": 0.25, "fly_request_id": "01F-lhr",
        })]
    );
    assert_eq!(
        counted(&metrics),
        [
            r#"fas_api_request_duration_seconds_sum{operation="list"} 0.25"#,
            r#"fas_api_request_duration_seconds_count{operation="list"} 1"#,
            r#"fas_api_requests_total{operation="list",status="200"} 1"#,
        ]
    );
}

#[test]
fn failed_samples_and_expressions_are_counted_by_source_and_reason() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let metric = MetricName::new("depth");
    for began in [true, false] {
        let (since, instead) = (Timestamp::from_millis(0), &Instead::Nothing);
        let (app, metric, error) = (&app, &metric, &Failure);
        CollectFailed { app, metric, error, since, instead, began }.emit(&metrics);
    }
    EvaluateFailed {
        app: &app,
        scope: &scope(),
        kind: Kind::Started,
        side: Side::Min,
        reason: "nan",
        error: &Failure,
    }
    .emit(&metrics);
    assert_eq!(
        counted(&metrics),
        [
            r#"fas_collect_errors_total{source="depth"} 2"#,
            r#"fas_evaluate_errors_total{reason="nan"} 1"#,
        ]
    );
}

#[test]
fn backing_off_is_news_once() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let until = Timestamp::from_millis(0);
    let lines = logged(false, || {
        for failures in 1..4 {
            BackingOff { app: &app, failures, until }.emit(&metrics);
        }
    });
    assert_eq!(
        lines,
        [json!({
            "level": "WARN", "msg": "backing off", "app": "a1", "failures": 2,
            "until": "1970-01-01T00:00:00.000Z",
        })]
    );
}

#[test]
fn a_list_of_regions_that_fails_is_news_when_it_begins_and_when_it_ends() {
    let metrics = metrics();
    let lines = logged(true, || {
        for (began, is_current) in [(true, false), (false, true)] {
            RegionListFailing { error: &Failure, began, is_current }.emit(&metrics);
        }
        RegionListRecovered.emit(&metrics);
    });
    let said: Vec<_> = lines.iter().map(|line| (&line["level"], &line["next"])).collect();
    assert_eq!(
        said,
        [
            (&json!("WARN"), &json!("the list that comes with the program is used; tried again")),
            (&json!("DEBUG"), &json!("the last list is used; tried again")),
            (&json!("INFO"), &Value::Null),
        ]
    );
}
