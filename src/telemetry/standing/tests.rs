use super::*;
use crate::decide::{History, ScopePlan, Tally};
use crate::model::{ProcessGroup, Region, Timestamp};
use crate::telemetry::capture;

#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct Failure;

fn held(region: &str, reasons: &[Reason]) -> ScopePlan {
    ScopePlan {
        scope: Scope { group: ProcessGroup::new("app"), region: Some(Region::new(region)) },
        observed: Tally::default(),
        wanted: None,
        targets: None,
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: reasons.to_vec(),
        held_since: None,
    }
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

fn metric_failed(metric: &str) -> Reason {
    Reason::MetricFailed { metric: MetricName::new(metric), message: "no answer".into() }
}

fn lease_held(message: &str) -> Reason {
    Reason::LeaseHeld { message: message.into() }
}

/// Level, message and the fields named, of each line logged.
fn news(fields: &[&str], emit: impl FnOnce()) -> Vec<String> {
    let lines = capture::json(false, emit);
    let text = |line: &serde_json::Value| {
        let named = ["level", "msg"].iter().chain(fields);
        let values = named.filter_map(|field| line[*field].as_str()).collect::<Vec<_>>();
        values.join(" | ")
    };
    lines.iter().map(text).collect()
}

#[test]
fn a_metric_that_keeps_failing_is_said_once_and_so_are_the_end_of_its_last_value_and_its_recovery()
{
    let (metrics, app, depth) =
        (Metrics::new("v", "c"), AppName::new("a1"), MetricName::new("depth"));
    let mut standing = Standing::default();
    let mut tick = |minute: i64, instead: Option<&Instead>| {
        let failing = instead.map(|instead| Failing {
            error: &Failure,
            since: at(1),
            instead,
            has_run_out: instead.has_run_out(),
        });
        let fields = ["metric", "error", "since", "next", "failed_seconds"];
        let emit = || standing.collected(&app, &depth, failing, at(minute), &metrics);
        capture::json(false, emit)
            .iter()
            .map(|line| {
                let named = ["level", "msg"].iter().chain(&fields).map(|field| &line[*field]);
                let values = named
                    .filter(|value| !value.is_null())
                    .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                values.collect::<Vec<_>>().join(" | ")
            })
            .collect::<Vec<_>>()
    };
    let last = Instead::Last { value: 7.0, measured_at: at(0), until: at(15), grow_only: true };
    let (ran_out, number) =
        (Instead::RanOut { measured_at: at(0) }, Instead::Number { value: 8.0 });
    let since = "1970-01-01T00:01:00.000Z";
    assert_eq!(tick(0, None), [""; 0]);
    assert_eq!(
        tick(1, Some(&last)),
        [format!(
            "WARN | metric began to fail | depth | no answer | {since} | its last value, of \
             1970-01-01T00:00:00.000Z, is used until 1970-01-01T00:15:00.000Z, and nothing is \
             scaled down; then what reads it is held; asked again in the next tick"
        )]
    );
    assert_eq!(tick(2, Some(&last)), [""; 0]);
    assert_eq!(
        tick(15, Some(&ran_out)),
        [format!(
            "WARN | the last value of a failing metric has run out | depth | {since} | what reads \
             it is held; asked again in the next tick"
        )]
    );
    assert_eq!(tick(16, Some(&ran_out)), [""; 0]);
    assert_eq!(tick(61, None), ["INFO | metric works again | depth | 3600.0"]);
    assert_eq!(tick(62, None), [""; 0]);
    // After a restart, or without last values, there is nothing that could run out.
    assert_eq!(tick(63, Some(&ran_out)).len(), 1);
    assert_eq!(tick(64, None).len(), 1);
    assert_eq!(
        tick(65, Some(&number)),
        [format!(
            "WARN | metric began to fail | depth | no answer | {since} | `on-failure` says 8; asked \
             again in the next tick"
        )]
    );
    let text = metrics.render().expect("rendered");
    assert!(text.contains(r#"fas_collect_errors_total{source="depth"} 6"#), "{text}");
}

#[test]
fn a_hold_that_ends_says_how_long_it_was() {
    let (metrics, app) = (Metrics::new("v", "c"), AppName::new("a1"));
    let mut standing = Standing::default();
    let mut ended = |minute: i64, scopes: Vec<ScopePlan>| {
        let plan = Plan::new(scopes, History::default());
        let lines = capture::json(false, || standing.decided(&app, &plan, at(minute), &metrics));
        lines.iter().filter_map(|line| line["held_seconds"].as_f64()).collect::<Vec<_>>()
    };
    let held_at = |region| held(region, &[lease_held("x")]);
    assert_eq!(ended(0, vec![held_at("lhr")]), [0.0; 0]);
    assert_eq!(ended(2, vec![held_at("lhr"), held_at("iad")]), [0.0; 0]);
    assert_eq!(ended(3, vec![held_at("lhr")]), [60.0], "iad was held for a minute");
    assert_eq!(ended(5, Vec::new()), [300.0]);
}

#[test]
fn a_hold_begins_and_ends_once_for_each_scope_and_reason() {
    let (metrics, app) = (Metrics::new("v", "c"), AppName::new("a1"));
    let mut standing = Standing::default();
    let mut tick = |scopes: Vec<ScopePlan>| {
        let plan = Plan::new(scopes, History::default());
        news(&["scope", "reason", "text"], || standing.decided(&app, &plan, at(0), &metrics))
    };
    let both = [lease_held("depth"), lease_held("rate"), Reason::KeepsLastMachine];
    assert_eq!(
        tick(vec![held("lhr", &both), held("iad", &[])]),
        ["INFO | hold began | app/lhr | lease_held | another scaler holds the lease: depth"]
    );
    assert_eq!(tick(vec![held("lhr", &[lease_held("rate")]), held("iad", &[])]), [""; 0]);
    assert_eq!(
        tick(vec![held("lhr", &[]), held("iad", &[lease_held("rate")])]),
        [
            "INFO | hold began | app/iad | lease_held | another scaler holds the lease: rate",
            "INFO | hold ended | app/lhr | lease_held",
        ]
    );
    // The metric's own lines say so.
    assert_eq!(
        tick(vec![held("lhr", &[metric_failed("depth")])]),
        ["INFO | hold ended | app/iad | lease_held"]
    );
    assert_eq!(tick(vec![held("lhr", &[])]), [""; 0]);
}

#[test]
fn what_holds_thirty_regions_is_one_line_at_each_end() {
    let (metrics, app) = (Metrics::new("v", "c"), AppName::new("a1"));
    let mut standing = Standing::default();
    let names: Vec<String> = (0..30).map(|place| format!("r{place:02}")).collect();
    let mut tick = |held_regions: usize, reason: &dyn Fn(&str) -> Reason| {
        let scope = |(place, name): (usize, &String)| {
            let reasons = if place < held_regions { vec![reason(name)] } else { vec![] };
            held(name, &reasons)
        };
        let scopes = names.iter().enumerate().map(scope).collect();
        let plan = Plan::new(scopes, History::default());
        news(&["scope", "reason", "text"], || standing.decided(&app, &plan, at(0), &metrics))
    };
    let app_wide = |_: &str| Reason::AppWideHeld;
    let ten =
        "app/r00; app/r01; app/r02; app/r03; app/r04; app/r05; app/r06; app/r07; app/r08; app/r09";
    let text = Reason::AppWideHeld;
    assert_eq!(
        tick(30, &app_wide),
        [format!("INFO | hold began | {ten}; and 20 more | app_wide_held | {text}")]
    );
    assert_eq!(tick(30, &app_wide), [""; 0]);
    assert_eq!(
        tick(28, &app_wide),
        ["INFO | hold ended | app/r28; app/r29 | app_wide_held"],
        "those that are scaled again, while others are not"
    );
    // Another cause, in words of each region's own: they are named too.
    let resting = |name: &str| Reason::RegionResting {
        region: Region::new(name),
        answer: "full".into(),
        until: Timestamp::from_millis(0),
    };
    let lines = tick(2, &resting);
    assert_eq!(
        lines[0],
        format!(
            "INFO | hold began | app/r00; app/r01 | region_resting | {}; {}",
            resting("r00"),
            resting("r01")
        )
    );
    assert_eq!(lines[1], format!("INFO | hold ended | {ten}; and 18 more | app_wide_held"));
    assert_eq!(lines.len(), 2);
}

#[test]
fn an_abandoned_release_is_said_once_for_the_app() {
    let (metrics, app) = (Metrics::new("v", "c"), AppName::new("a1"));
    let mut standing = Standing::default();
    let abandoned = Reason::ReleaseAbandoned { version: 7, since: Timestamp::from_millis(0) };
    let scopes = ["lhr", "iad"].map(|region| held(region, std::slice::from_ref(&abandoned)));
    let plan = Plan::new(scopes.to_vec(), History::default());
    let lines = news(&["text"], || {
        standing.decided(&app, &plan, at(0), &metrics);
        // A tick with nothing to do does not ask for the release.
        standing.decided(&app, &Plan::new(Vec::new(), History::default()), at(0), &metrics);
        standing.decided(&app, &plan, at(0), &metrics);
    });
    assert_eq!(
        lines,
        [
            "WARN | release guard let go | release v7 says `running` since 1970-01-01T00:00:00.000Z: taken as abandoned"
        ]
    );
}

#[test]
fn an_app_that_keeps_failing_is_said_once_and_so_is_its_recovery() {
    let (metrics, app) = (Metrics::new("v", "c"), AppName::new("a1"));
    let mut standing = Standing::default();
    let mut tick = |failure: Option<(&dyn Error, &str)>| {
        news(&["error", "next"], || standing.ticked(&app, failure, &metrics))
    };
    assert_eq!(tick(None), [""; 0]);
    let failure: (&dyn Error, &str) = (&Failure, "tried again in 15s");
    assert_eq!(
        tick(Some(failure)),
        ["WARN | ticks began to fail | no answer | tried again in 15s"]
    );
    assert_eq!(tick(Some(failure)), [""; 0]);
    assert_eq!(
        tick(Some(failure)),
        ["ERROR | ticks go on failing | no answer | tried again in 15s"]
    );
    assert_eq!(tick(Some(failure)), [""; 0]);
    assert_eq!(tick(None), ["INFO | ticks work again"]);
}
