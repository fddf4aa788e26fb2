//! `stop-metric` and what goes with it: what is taken from where, and what is told of mistakes.

use fly_autoscaler::config::{Config, ConfigErrors, FlagValues, Loaded, MapEnv, Secret, load};

fn loaded(yaml: &str, variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let yaml = format!("app-name: web\n{yaml}");
    let given = [("FAS_CONFIG_YAML", yaml.as_str())];
    let env: MapEnv = given.iter().chain(variables).copied().collect();
    load(&FlagValues::default(), &env)
}

fn config(yaml: &str, variables: &[(&str, &str)]) -> Config {
    loaded(yaml, variables).unwrap().config
}

const COUNT: &str = "started-machine-count: \"2\"\n";
const COLLECTOR: &str = "metric-collectors:\n- {type: prometheus, metric-name: x, query: up, address: 'http://prom', token: secret}\n";

#[test]
fn address_and_token_are_those_of_the_first_collector_unless_it_has_its_own() {
    // section | address, token
    let table = [
        ("{query: q}", "http://prom", Some("secret")),
        ("{query: q, token: own}", "http://prom", Some("own")),
        ("{query: q, address: 'http://prom'}", "http://prom", Some("secret")),
        // A token goes to no server that it was not given for.
        ("{query: q, address: 'http://other'}", "http://other", None),
        ("{query: q, address: 'http://other', token: own}", "http://other", Some("own")),
    ];
    for (section, address, token) in table {
        let yaml = format!("{COUNT}{COLLECTOR}stop-order: least-loaded\nstop-metric: {section}\n");
        let own = config(&yaml, &[]).groups.remove(0).stop_metric.unwrap();
        assert_eq!((own.query.as_str(), own.address.as_str()), ("q", address), "{section}");
        assert_eq!(own.token.as_ref().map(Secret::expose), token, "{section}");
    }
}

#[test]
fn variables_say_it_too_and_groups_have_their_own() {
    let variables = [
        ("FAS_STOP_ORDER", "least-loaded"),
        ("FAS_STOP_METRIC_PROMETHEUS_QUERY", "q"),
        ("FAS_STOP_METRIC_PROMETHEUS_ADDRESS", "http://other"),
        ("FAS_CORDON_BEFORE_STOP", "1m"),
        ("FAS_DESTROY", "managed"),
    ];
    let one = config(COUNT, &variables).groups.remove(0);
    assert_eq!(one.stop_metric.unwrap().address, "http://other");
    assert_eq!(one.policy.cordon_before_stop.map(|own| own.as_secs()), Some(60));
    assert!(one.policy.destroy_managed);

    let yaml = format!(
        "{COLLECTOR}stop-metric: {{query: q}}\nprocess-groups:\n  a: {{started-machine-count: '1', stop-order: least-loaded}}\n  b: {{started-machine-count: '1', cordon-before-stop: 0s}}\n"
    );
    let groups = config(&yaml, &[("FAS_CORDON_BEFORE_STOP", "1m")]).groups;
    let has = |own: &fly_autoscaler::config::GroupConfig| {
        (own.stop_metric.is_some(), own.policy.cordon_before_stop.is_some())
    };
    assert_eq!(groups.iter().map(has).collect::<Vec<_>>(), [(true, true), (false, false)]);
}

#[test]
fn mistakes_say_what_is_missing_and_what_has_no_effect() {
    // rest of the file | what is said
    let mistakes = [
        (
            format!("{COLLECTOR}stop-order: least-loaded\n"),
            "`stop-order: least-loaded` without `stop-metric`",
        ),
        (
            "stop-order: least-loaded\nstop-metric: {query: q}\n".to_owned(),
            "`stop-metric` has no address, and there is no Prometheus collector to take it from",
        ),
        (
            format!(
                "{COLLECTOR}stop-order: least-loaded\nstop-metric: {{query: q, address: 'ftp://x'}}\n"
            ),
            "`stop-metric-address`",
        ),
        ("stop-metric: {qury: q}\n".to_owned(), "unknown key `qury` in `stop-metric`"),
    ];
    for (rest, want) in mistakes {
        let error = loaded(&format!("{COUNT}{rest}"), &[]).unwrap_err();
        assert_eq!(error.errors.len(), 1, "{error}");
        assert!(error.to_string().contains(want), "{error}");
    }
    let loaded = loaded(&format!("{COUNT}{COLLECTOR}stop-metric: {{query: q}}\n"), &[]).unwrap();
    let warnings: Vec<_> = loaded.warnings.iter().map(|own| own.notice.to_string()).collect();
    assert_eq!(warnings, ["`stop-metric-query` has no effect without `stop-order: least-loaded`"]);
}
