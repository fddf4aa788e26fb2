use std::collections::BTreeSet;

use super::*;
use crate::decide::Tally;
use crate::forecast::{ENOUGH, Forecast, Model, Score};
use crate::model::{Bounds, MachineFacts, MachineId, ProcessGroup, Scope, ScopeBounds, Timestamp};
use crate::telemetry::Forecasted;

fn metrics() -> Metrics {
    Metrics::new("0.4.0", "abc1234")
}

/// The lines of the series of `name`, in order.
fn series(metrics: &Metrics, name: &str) -> Vec<String> {
    let text = metrics.render().expect("rendered");
    let is_of =
        |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
    text.lines().filter(is_of).map(str::to_owned).collect()
}

fn scope(region: Option<&str>, targets: Option<ScopeBounds>) -> ScopePlan {
    ScopePlan {
        scope: Scope { group: ProcessGroup::new("app"), region: region.map(Region::new) },
        observed: Tally::default(),
        wanted: None,
        targets,
        actions: Vec::new(),
        spares: Vec::new(),
        reasons: Vec::new(),
        held_since: None,
    }
}

fn machine(region: &str, state: &str, host_status: HostStatus) -> Machine {
    Machine {
        id: MachineId::new("m"),
        state: MachineState::parse(state),
        region: Region::new(region),
        host_status,
        is_cordoned: false,
        created_at: None,
        image: None,
        facts: MachineFacts { group: Some(ProcessGroup::new("app")), ..MachineFacts::default() },
        config: None,
    }
}

/// Shows a forecast of 12 for `depth` in ten minutes, by a model that was off by 1 in each of so many
/// comparisons, where the last value was off by 4.
fn set_forecast(metrics: &Metrics, app: &AppName, comparisons: u32) {
    let horizon = Duration::from_secs(600);
    let mut score = Score::new(horizon);
    for tick in 0..comparisons {
        let now = Timestamp::from_millis(0).plus(horizon * tick);
        score.came(now, 10.0);
        score.forecast(now, 11.0, 6.0);
    }
    score.came(Timestamp::from_millis(0).plus(horizon * comparisons), 10.0);
    let forecast = Forecast { value: 12.0, model: Model::Ets, fallback: None };
    let forecasted = Forecasted {
        group: &ProcessGroup::new("web"),
        metric: &MetricName::new("depth"),
        region: None,
        horizon: Duration::from_secs(600),
        forecast: &forecast,
        score: &score,
    };
    metrics.set_forecasts(app, &[forecasted]);
}

#[test]
fn a_forecast_is_shown_at_once_and_its_worth_once_it_was_compared_often_enough() {
    let (metrics, app) = (metrics(), AppName::new("a1"));
    let of = r#"app="a1",group="web",metric="depth",region="",horizon="10m""#;
    set_forecast(&metrics, &app, ENOUGH - 1);
    let value = format!(r#"fas_forecast_value{{{of},model="ets"}} 12"#);
    assert_eq!(series(&metrics, "fas_forecast_value"), [value]);
    assert_eq!(series(&metrics, "fas_forecast_skill"), [""; 0]);
    set_forecast(&metrics, &app, ENOUGH);
    let skill = format!(r#"fas_forecast_skill{{{of}}} 0.75"#);
    assert_eq!(series(&metrics, "fas_forecast_skill"), [skill]);
    let errors = series(&metrics, "fas_forecast_error").join("\n");
    for (error, size) in [("mae", 1), ("rmse", 1), ("naive_mae", 4), ("naive_rmse", 4)] {
        let shown = errors.lines().any(|line| {
            line.contains(&format!(r#"error="{error}""#)) && line.ends_with(&format!(" {size}"))
        });
        assert!(shown, "{error}: {errors}");
    }
    metrics.forget(&app);
    assert_eq!(series(&metrics, "fas_forecast_value"), [""; 0]);
    assert_eq!(series(&metrics, "fas_forecast_error"), [""; 0]);
}

/// Metrics with at least one series of every name, for an app called `app`.
fn full(app: &str) -> Metrics {
    let metrics = metrics();
    let app = AppName::new(app);
    metrics.observe_lateness(Duration::from_millis(3));
    metrics.count_tick(TickOutcome::Acted, Duration::from_secs(1));
    metrics.set_last_success(&app, Timestamp::from_millis(1500));
    metrics.set_metric_values(&app, [(&MetricName::new("depth"), None, 42.0)]);
    let targets = ScopeBounds { created: Bounds::default(), started: Bounds::exactly(2) };
    metrics.set_targets(&app, &[scope(None, Some(targets))]);
    metrics.set_machines(&app, &[machine("lhr", "started", HostStatus::Ok)]);
    set_forecast(&metrics, &app, ENOUGH);
    metrics.forecasts.fit_duration.with_label_values(&["none"]).observe(0.1);
    metrics.set_paused(&app, false);
    metrics.set_history(&app, SeriesSize { series: 2, bytes: 1024 });
    metrics.count_collect_error(&MetricName::new("depth"));
    metrics.count_evaluate_error("nan");
    metrics.count_held("metric_failed");
    metrics.count_limited("limited_by_max_machines");
    metrics.count_api_request("list", Some(200), Duration::from_millis(80));
    metrics
}

#[test]
fn every_name_of_the_list_is_shown_with_its_help_and_nothing_else_is() {
    let text = full("a1").render().expect("rendered");
    for name in names::ALL {
        assert!(text.contains(&format!("# HELP {} {}\n", name.name, name.help)), "{}", name.name);
    }
    let shown: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let listed: BTreeSet<_> = names::ALL.iter().map(|name| name.name).collect();
    assert_eq!(shown, listed);
    assert_eq!(listed.len(), names::ALL.len(), "a name stands in the list twice");
}

#[test]
fn every_series_has_the_labels_of_the_list() {
    for family in full("a1").registry.gather() {
        let name = names::ALL.iter().find(|name| name.name == family.name()).expect("listed");
        let expected: BTreeSet<_> = name.labels.iter().copied().collect();
        for metric in family.get_metric() {
            let labels =
                metric.get_label().iter().map(prometheus::proto::LabelPair::name).collect();
            assert_eq!(expected, labels, "{}", name.name);
        }
    }
}

#[test]
fn counters_with_known_labels_begin_at_zero() {
    let metrics = metrics();
    for verb in ["cordon", "create", "destroy", "start", "stop", "suspend", "uncordon"] {
        let name = format!("fas_machine_{verb}_count");
        let expected = ["failed", "ok"].map(|status| format!("{name}{{status=\"{status}\"}} 0"));
        assert_eq!(series(&metrics, &name), expected);
    }
    assert_eq!(
        series(&metrics, "fas_reconcile_count"),
        ["cordon", "create", "destroy", "no_scale", "start", "stop", "suspend", "uncordon"]
            .map(|status| format!("fas_reconcile_count{{status=\"{status}\"}} 0"))
    );
    assert_eq!(
        series(&metrics, "fas_ticks_total"),
        ["acted", "failed", "held", "quiet", "skipped"]
            .map(|outcome| format!("fas_ticks_total{{outcome=\"{outcome}\"}} 0"))
    );
    assert_eq!(
        series(&metrics, "fas_build_info"),
        [r#"fas_build_info{commit="abc1234",version="0.4.0"} 1"#]
    );
}

#[test]
fn label_values_from_outside_are_escaped() {
    let metrics = full("a\"b\\c\nd");
    assert_eq!(
        series(&metrics, "fas_last_success_timestamp_seconds"),
        [r#"fas_last_success_timestamp_seconds{app="a\"b\\c\nd"} 1.5"#]
    );
    metrics.count_collect_error(&MetricName::new("x\"\ny"));
    assert!(
        series(&metrics, "fas_collect_errors_total")
            .contains(&r#"fas_collect_errors_total{source="x\"\ny"} 1"#.to_owned())
    );
}

#[test]
fn machines_are_counted_by_state_and_vanish_when_they_go() {
    let metrics = metrics();
    let app = AppName::new("a1");
    let ok = HostStatus::Ok;
    metrics.set_machines(
        &app,
        &[
            machine("lhr", "started", ok),
            machine("lhr", "started", ok),
            machine("iad", "stopped", ok),
            machine("iad", "started", HostStatus::Unreachable),
            machine("iad", "a state of tomorrow", ok),
        ],
    );
    assert_eq!(
        series(&metrics, "fas_machines"),
        [
            r#"fas_machines{app="a1",group="app",region="iad",state="other"} 1"#,
            r#"fas_machines{app="a1",group="app",region="iad",state="stopped"} 1"#,
            r#"fas_machines{app="a1",group="app",region="iad",state="unreachable"} 1"#,
            r#"fas_machines{app="a1",group="app",region="lhr",state="started"} 2"#,
        ]
    );
    metrics.set_machines(&app, &[machine("lhr", "started", ok)]);
    assert_eq!(
        series(&metrics, "fas_machines"),
        [r#"fas_machines{app="a1",group="app",region="lhr",state="started"} 1"#]
    );
}

#[test]
fn targets_show_each_bound_that_was_asked_for() {
    let metrics = metrics();
    let app = AppName::new("a1");
    let started = Bounds { min: Some(2), max: Some(5) };
    let created = Bounds { min: None, max: Some(9) };
    metrics.set_targets(
        &app,
        &[
            scope(None, Some(ScopeBounds { created, started })),
            scope(Some("lhr"), Some(ScopeBounds { created: Bounds::default(), started })),
            scope(Some("iad"), None),
        ],
    );
    let of = |region: &str, kind: &str, bound: &str, count: u32| {
        format!(
            "fas_target_machines{{app=\"a1\",group=\"app\",region=\"{region}\",kind=\"{kind}\",bound=\"{bound}\"}} {count}"
        )
    };
    assert_eq!(
        series(&metrics, "fas_target_machines"),
        [
            of("", "created", "max", 9),
            of("", "started", "max", 5),
            of("", "started", "min", 2),
            of("lhr", "started", "max", 5),
            of("lhr", "started", "min", 2),
        ]
    );
    // A region that is no longer scaled, or cannot be judged, takes its series along.
    metrics.set_targets(
        &app,
        &[
            scope(Some("lhr"), None),
            scope(Some("iad"), Some(ScopeBounds { created: Bounds::default(), started })),
        ],
    );
    assert_eq!(
        series(&metrics, "fas_target_machines"),
        [of("iad", "started", "max", 5), of("iad", "started", "min", 2)]
    );
}

#[test]
fn a_metric_without_a_value_has_no_series() {
    let metrics = metrics();
    let app = AppName::new("a1");
    let (depth, traffic) = (MetricName::new("depth"), MetricName::new("traffic"));
    let lhr = Region::new("lhr");
    metrics.set_metric_values(&app, [(&depth, None, 42.0), (&traffic, Some(&lhr), 0.5)]);
    metrics.set_metric_values(&app, [(&traffic, Some(&lhr), 0.25)]);
    assert_eq!(
        series(&metrics, "fas_metric_value"),
        [r#"fas_metric_value{app="a1",metric="traffic",region="lhr"} 0.25"#]
    );
}

#[test]
fn an_app_that_goes_takes_its_series_along_and_no_others() {
    let metrics = full("a1");
    metrics.set_last_success(&AppName::new("a2"), Timestamp::from_millis(2000));
    metrics.forget(&AppName::new("a1"));
    let text = metrics.render().expect("rendered");
    assert!(!text.contains(r#"app="a1""#), "{text}");
    assert!(text.contains(r#"fas_last_success_timestamp_seconds{app="a2"} 2"#), "{text}");
}

#[test]
fn beyond_a_thousand_apps_there_are_sums_unless_told_otherwise() {
    let two = |per_app: Option<bool>, count: usize| {
        let metrics = metrics().with_series_per_app(per_app);
        for (app, seconds, depth) in [("a1", 7, 40.0), ("a2", 5, 2.0)] {
            let app = AppName::new(app);
            metrics.set_last_success(&app, Timestamp::from_millis(seconds * 1000));
            metrics.set_metric_values(&app, [(&MetricName::new("depth"), None, depth)]);
        }
        metrics.set_app_count(count);
        let of = |name| series(&metrics, name).join("\n");
        (of("fas_metric_value"), of("fas_last_success_timestamp_seconds"))
    };
    let (values, success) = two(None, 1001);
    assert_eq!(values, r#"fas_metric_value{app="",metric="depth",region=""} 42"#);
    assert_eq!(success, r#"fas_last_success_timestamp_seconds{app=""} 5"#, "the earliest");
    let each = two(None, 1000);
    assert!(each.0.contains(r#"app="a1""#) && each.0.contains(r#"app="a2""#), "{each:?}");
    assert_eq!(two(Some(true), 1001), each);
    assert_eq!(two(Some(false), 1), (values, success));
}

#[test]
fn what_is_no_http_status_opens_no_label() {
    let metrics = metrics();
    for status in [Some(200), Some(429), Some(999), None] {
        metrics.count_api_request("start", status, Duration::from_millis(10));
    }
    assert_eq!(
        series(&metrics, "fas_api_requests_total"),
        [
            r#"fas_api_requests_total{operation="start",status="200"} 1"#,
            r#"fas_api_requests_total{operation="start",status="429"} 1"#,
            r#"fas_api_requests_total{operation="start",status="none"} 2"#,
        ]
    );
    assert_eq!(
        series(&metrics, "fas_api_request_duration_seconds_count"),
        [r#"fas_api_request_duration_seconds_count{operation="start"} 4"#]
    );
}
