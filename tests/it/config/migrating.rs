//! What someone brings along who comes from the predecessor (`docs/migrating.md`): its sample file, all of its
//! variables, and the expressions and queries of public projects.

use std::collections::BTreeSet;
use std::time::Duration;

use fly_autoscaler::config::{FlagValues, MapEnv, load};
use fly_autoscaler::evaluate::Expression;

use super::{MINIMAL, messages, warnings, with_env, with_file, with_yaml};

/// A certificate and its key.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn the_predecessors_sample_is_read_as_it_is() {
    let (certificate, key) = pair();
    let env = [("CERTIFICATE", certificate.as_str()), ("KEY", key.as_str())];
    let loaded = with_file("good-upstream-sample.yml", &env).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let metrics: Vec<_> = loaded.config.collectors.iter().map(|own| own.metric.as_str()).collect();
    assert_eq!(metrics, ["queue_depth", "workflow_count"]);
    assert_eq!(loaded.config.groups[0].policy.regions.listed().len(), 3);
}

#[test]
fn all_variables_of_the_predecessor_are_known_at_once() {
    let (certificate, key) = pair();
    let ours = [
        ("FAS_APP_NAME", "tenant-*"),
        ("FAS_ORG", "acme"),
        ("FAS_MIN_CREATED_MACHINE_COUNT", "2"),
        ("FAS_MAX_CREATED_MACHINE_COUNT", "queue_depth / 10 + 2"),
        ("FAS_MIN_STARTED_MACHINE_COUNT", "1"),
        ("FAS_MAX_STARTED_MACHINE_COUNT", "max(1, running_workflow_count / 2)"),
        ("FAS_INITIAL_MACHINE_STATE", "stopped"),
        ("FAS_API_TOKEN", "FlyV1 fm2_t"),
        ("FAS_PROCESS_GROUP", "worker"),
        ("FAS_REGIONS", "iad,ord"),
        ("FAS_CONCURRENCY", "1"),
        ("FAS_INTERVAL", "1m"),
        ("FAS_TIMEOUT", "90s"),
        ("FAS_APP_LIST_REFRESH_INTERVAL", "5m"),
        ("FAS_PROMETHEUS_ADDRESS", "https://api.fly.io/prometheus/acme/"),
        ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
        ("FAS_PROMETHEUS_QUERY", "sum(queue_depth{app='$APP_NAME', region='${REGION}'})"),
        ("FAS_PROMETHEUS_TOKEN", "FlyV1 fm2_p"),
        ("FAS_TEMPORAL_ADDRESS", "acme.a2dd6.tmprl.cloud:7233"),
        ("FAS_TEMPORAL_NAMESPACE", "acme.a2dd6"),
        ("FAS_TEMPORAL_METRIC_NAME", "running_workflow_count"),
        ("FAS_TEMPORAL_QUERY", "TaskQueue='jobs'"),
        ("FAS_TEMPORAL_CERT_DATA", &certificate),
        ("FAS_TEMPORAL_KEY_DATA", &key),
        ("TEMPORAL_TLS_CERT_DATA", &certificate),
        ("TEMPORAL_TLS_KEY_DATA", &key),
        ("REGION", "iad"),
    ];
    let env: MapEnv = ours.into_iter().collect();
    let loaded = load(&FlagValues::default(), &env).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let config = &loaded.config;
    assert_eq!(config.apps.one(), None);
    assert_eq!((config.concurrency, config.collectors.len()), (1, 2));
    assert_eq!(config.app_list_refresh_interval, Duration::from_secs(300));
    let expressions = &config.groups[0].expressions;
    let source = expressions.started_max.as_ref().map(Expression::source);
    assert_eq!(source, Some("max(1, running_workflow_count / 2)"));
}

/// Each expression of the table, as a count of a configuration that has its metrics.
#[test]
fn public_expressions_stand_in_configurations() {
    let table = include_str!("../../testdata/expressions-public.tsv");
    let mut seen = BTreeSet::new();
    for line in table.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let [kind, text, inputs, expected, ..] = columns[..] else { panic!("{line}") };
        if kind != "expr" || expected == "ErrCompile" || !seen.insert(text) {
            continue;
        }
        let inputs: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(inputs).unwrap();
        let collector = |name: &String| {
            format!(
                "  - {{type: prometheus, metric-name: {name}, address: 'http://p', query: up}}\n"
            )
        };
        let collectors: String = inputs.keys().map(collector).collect();
        let head = if inputs.is_empty() { "" } else { "metric-collectors:\n" };
        let yaml = format!("app-name: target\n{head}{collectors}");
        let loaded = with_yaml(&yaml, &[("FAS_STARTED_MACHINE_COUNT", &text.replace("\\n", "\n"))]);
        let loaded = loaded.unwrap_or_else(|errors| panic!("{text}: {errors}"));
        assert_eq!(warnings(&loaded), Vec::<String>::new(), "{text}");
    }
    assert!(seen.len() > 20, "{seen:?}");
}

/// `Bool` and numbers as Go's YAML reads them into the types of the predecessor.
#[test]
fn yaml_as_gos_decoder_takes_it() {
    let yaml = "app-name: target\nstarted-machine-count: 3\nverbose: yes\nregions:\n- iad\norg:\n";
    let loaded = with_yaml(yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert!(loaded.config.verbose);
    assert_eq!(loaded.config.org, None);
}

#[test]
fn what_upstream_made_the_best_of_is_a_mistake() {
    for (name, value, message) in [
        ("FAS_CONCURRENCY", "0", "`concurrency`: `0` is not a whole number from 1 to 1000"),
        ("FAS_INTERVAL", "500ms", "`interval`: 500ms is less than 1s"),
    ] {
        let errors = with_env(&[(name, value)]).unwrap_err();
        assert_eq!(messages(&errors), [message]);
    }
    assert_eq!(
        with_env(&[("FAS_INTERVAL", "1s"), MINIMAL[0]]).unwrap().config.interval.as_secs(),
        1
    );
}
