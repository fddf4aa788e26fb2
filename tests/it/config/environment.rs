//! What variables say: a collector, what the file refers to, and what nobody knows.

use std::time::Duration;

use fly_autoscaler::config::{FlagValues, MapEnv, Secret, Warning, load};
use fly_autoscaler::model::{By, OnFailure, SeriesRule};

use super::{MINIMAL, messages, origin, warnings, with_env, with_yaml};

#[test]
fn the_environment_describes_one_more_collector() {
    let yaml = "metric-collectors:\n  - {type: prometheus, metric-name: a, address: 'http://f', query: up}\n";
    let ours = |metric| {
        [
            ("FAS_PROMETHEUS_ADDRESS", "http://e"),
            ("FAS_PROMETHEUS_METRIC_NAME", metric),
            ("FAS_PROMETHEUS_QUERY", "sum(x{app='$APP_NAME', env='$STAGE'})"),
            ("FAS_PROMETHEUS_TOKEN", "hunter2"),
            ("FAS_PROMETHEUS_TIMEOUT", "3s"),
            ("FAS_PROMETHEUS_EMPTY", "-1.5"),
            ("FAS_PROMETHEUS_MAX_AGE", "1m"),
            ("FAS_PROMETHEUS_ON_FAILURE", "7"),
            ("FAS_PROMETHEUS_SERIES", "first"),
            ("FAS_PROMETHEUS_BY", "app, region"),
            ("FAS_PROMETHEUS_ABSENT_AFTER", "0s"),
            ("STAGE", "prod"),
            MINIMAL[0],
            MINIMAL[1],
        ]
    };
    let loaded = with_yaml(yaml, &ours("b")).unwrap();
    let [file, env] = loaded.config.collectors.as_slice() else { panic!("two collectors") };
    assert_eq!((file.metric.as_str(), env.metric.as_str()), ("a", "b"));
    assert_eq!(env.on_failure, OnFailure::Number(7.0));
    let env = env.prometheus().unwrap();
    assert_eq!(env.query, "sum(x{app='$APP_NAME', env='prod'})");
    assert_eq!(env.token.as_ref().map(Secret::expose), Some("hunter2"));
    assert_eq!(env.empty, Some(-1.5));
    assert_eq!((env.by, env.series), (By::AppAndRegion, SeriesRule::First));
    assert_eq!(env.absent_after, Duration::ZERO);

    let loaded = with_yaml(yaml, &ours("a")).unwrap();
    assert_eq!(loaded.config.collectors.len(), 1);
    assert_eq!(loaded.config.collectors[0].prometheus().unwrap().address, "http://e");
    assert!(warnings(&loaded)[0].contains("the collector of `a` in the file is replaced"));
    assert!(!format!("{loaded:?}").contains("hunter2"));

    let errors = with_env(&[
        ("FAS_PROMETHEUS_ADDRESS", "http://e"),
        ("FAS_PROMETHEUS_METRIC_NAME", "x"),
        ("FAS_PROMETHEUS_QUERY", "up{a='$NOWHERE'}"),
    ])
    .unwrap_err();
    assert_eq!(
        messages(&errors),
        ["`query` refers to the environment variable `NOWHERE`, which is not set"]
    );
}

#[test]
fn variables_that_the_file_refers_to_are_the_files() {
    let yaml = "metric-collectors:\n  - type: prometheus\n    metric-name: a\n    \
                address: $FAS_PROMETHEUS_ADDRESS\n    query: up{x='$FAS_MY_OWN'}\n    token: $FAS_PROMETHEUS_TOKEN\n";
    let env = [
        ("FAS_PROMETHEUS_ADDRESS", "http://e"),
        ("FAS_PROMETHEUS_TOKEN", "t"),
        ("FAS_MY_OWN", "1"),
        MINIMAL[0],
        MINIMAL[1],
    ];
    let loaded = with_yaml(yaml, &env).unwrap();
    assert_eq!(loaded.config.collectors.len(), 1);
    assert_eq!(warnings(&loaded), Vec::<String>::new());
}

#[test]
fn unknown_variables_are_warned_of_with_what_was_meant() {
    let env = [
        ("FAS_MAX_MACHINE_COUNT", "10"),
        ("FAS_STOP_METRIC", "q"),
        ("FAS_XYZZY", "1"),
        ("FAS_PROMETHEUS_EMPTY", "0"),
    ];
    let loaded = with_env(&env).unwrap();
    assert_eq!(
        warnings(&loaded),
        [
            "warning: FAS_PROMETHEUS_EMPTY has no effect without FAS_PROMETHEUS_ADDRESS\n  --> environment variable FAS_PROMETHEUS_EMPTY",
            "warning: unknown variable FAS_MAX_MACHINE_COUNT\n  hint: did you mean FAS_MAX_MACHINES?",
            "warning: unknown variable FAS_STOP_METRIC\n  hint: each key under `stop-metric` has its own: FAS_STOP_METRIC_PROMETHEUS_QUERY, FAS_STOP_METRIC_PROMETHEUS_ADDRESS, FAS_STOP_METRIC_PROMETHEUS_TOKEN",
            "warning: unknown variable FAS_XYZZY",
        ]
    );
    let fatal: Vec<_> = loaded.warnings.iter().map(Warning::is_error_in_check).collect();
    assert_eq!(fatal, [false, true, true, true]);
    // A misspelt name is the cause of what is missing, so it is said there too.
    let env: MapEnv =
        [("FAS_APPNAME", "x"), ("FAS_STARTED_MACHINE_COUNT", "1")].into_iter().collect();
    let errors = load(&FlagValues::default(), &env).unwrap_err();
    assert!(
        errors
            .to_string()
            .ends_with("warning: unknown variable FAS_APPNAME\n  hint: did you mean FAS_APP_NAME?")
    );
}

#[test]
fn flys_own_variables() {
    let env = [
        ("FLY_ACCESS_TOKEN", "fo1_hunter2"),
        ("FLY_FLAPS_BASE_URL", "http://_api.internal:4280/"),
        ("FLY_API_BASE_URL", "http://127.0.0.1:1"),
        ("FLY_MACHINE_ID", "148e306b73d789"),
        ("FLY_APP_NAME", "my-scaler"),
    ];
    let loaded = with_env(&env).unwrap();
    assert_eq!(loaded.config.require_api_token().unwrap().expose(), "fo1_hunter2");
    assert_eq!(loaded.config.flaps_base_url, "http://_api.internal:4280");
    assert_eq!(loaded.config.api_base_url, "http://127.0.0.1:1");
    assert_eq!(loaded.config.own_machine.as_ref().unwrap().as_str(), "148e306b73d789");
    assert_eq!(loaded.config.own_app.as_ref().unwrap().as_str(), "my-scaler");
    assert_eq!(origin(&loaded, "api-token"), (Some("***".into()), "FLY_ACCESS_TOKEN".into()));
    assert!(!format!("{loaded:?}").contains("hunter2"));
    let loaded = with_env(&[("FLY_ACCESS_TOKEN", "a"), ("FAS_API_TOKEN", "b")]).unwrap();
    assert_eq!(loaded.config.require_api_token().unwrap().expose(), "b");
    let errors = with_env(&[("FLY_API_BASE_URL", "nowhere")]).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["`FLY_API_BASE_URL`: `nowhere` is not an http:// or https:// address"]
    );
}
