use std::collections::BTreeSet;

use super::*;
use crate::config::setting::SETTINGS;
use crate::config::{FlagValues, Loaded, MapEnv, load};

/// What is in force with this YAML and what a scaler needs besides.
fn loaded(text: &str) -> (Config, Effective) {
    let text = format!("app-name: web\nstarted-machine-count: '1'\n{text}");
    let env: MapEnv = [("FAS_CONFIG_YAML", text.as_str())].into_iter().collect();
    let Loaded { config, effective, hidden, .. } =
        load(&FlagValues::default(), &env).unwrap_or_else(|errors| panic!("{text}\n{errors}"));
    (config, Effective { values: effective, hidden })
}

fn sentences(before: &str, after: &str) -> Vec<String> {
    let differences = loaded(after).1.since(&loaded(before).1);
    differences.iter().map(ToString::to_string).collect()
}

const QUEUE: &str = "{type: prometheus, address: 'http://p', metric-name: queue, query: up";
const RATE: &str = "{type: prometheus, address: 'http://p', metric-name: rate, query: rps}";

#[test]
fn each_value_that_changed_is_one_sentence() {
    let queue = |more: &str| format!("metric-collectors: [{QUEUE}{more}}}]");
    let both = format!("metric-collectors: [{RATE}, {QUEUE}}}]");
    let long = format!("metric-collectors: [{QUEUE}or {}}}]", "x".repeat(500));
    let table: [(&str, &str, &[&str]); 14] = [
        ("", "", &[]),
        ("max-machines: 10", "max-machines: 20", &["`max-machines` 10 -> 20"]),
        // Said, and what it was anyway.
        ("", "max-machines: 1000", &[]),
        ("", "interval: 30s", &["`interval` 15s -> 30s"]),
        ("", "org: acme", &["`org` set to acme"]),
        ("org: acme", "", &["`org` no longer set, was acme"]),
        ("api-token: one", "api-token: two", &["`api-token` changed"]),
        ("api-token: one", "api-token: one", &[]),
        ("", "api-token: one", &["`api-token` set to ***"]),
        (
            "regions: [iad, lhr]\nexcluded-regions: [sin]",
            "regions: [lhr, iad]\nexcluded-regions: [sin, fra]",
            &["`regions` iad,lhr -> lhr,iad", "`excluded-regions` sin -> sin,fra"],
        ),
        (&queue(""), &queue(", timeout: 3s"), &["`metric-collectors[queue].timeout` 10s -> 3s"]),
        // One that was put before it changes nothing about it.
        (
            &queue(""),
            &both,
            &[
                "`metric-collectors[rate].type` set to prometheus",
                "`metric-collectors[rate].metric-name` set to rate",
                "`metric-collectors[rate].query` set to rps",
            ],
        ),
        (
            &queue(", token: one"),
            &queue(", token: two"),
            &["`metric-collectors[queue].token` changed"],
        ),
        (&queue(""), &long, &["`metric-collectors[queue].query` up -> "]),
    ];
    for (before, after, wanted) in table {
        let found = sentences(before, after);
        let is_wanted = |(own, begin): (&String, &&str)| own.starts_with(begin) && own.len() < 300;
        let is_there = |begin: &&&str| found.iter().any(|own| is_wanted((own, begin)));
        assert!(wanted.iter().all(|begin| is_there(&begin)), "{before} | {after}: {found:#?}");
        let is_whole = before.contains("metric-collectors") && found.len() > wanted.len();
        assert!(is_whole || found.len() == wanted.len(), "{before} | {after}: {found:#?}");
    }
}

#[test]
fn no_secret_is_in_a_difference() {
    let with = |token: &str| format!("api-token: {token}\norg: a{}", token.len());
    let (before, after) = (loaded(&with("hunter2")).1, loaded(&with("hunter33")).1);
    let differences = after.since(&before);
    assert_eq!(differences.len(), 2, "{differences:?}");
    for own in &differences {
        assert!(!format!("{own} {own:?} {before:?}").contains("hunter"), "{own}");
    }
}

#[test]
fn what_needs_a_restart_stays_and_is_named() {
    let (running, before) = loaded("");
    let (mut config, mut after) = loaded(
        "listen: 127.0.0.1:1\nlog-format: text\nstate: /data/x.db\nmetrics-per-app: true\nmax-machines: 7",
    );
    let mut differences = after.since(&before);
    let kept = after.keep_until_restart(&before, &mut differences);
    config.keep_until_restart(&running);
    assert_eq!(kept, ["metrics-per-app", "state", "listen", "log-format"]);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].to_string(), "`max-machines` 1000 -> 7");
    let now = format!("{:?}", (&config.listen, &config.log_format, &config.state));
    assert_eq!(now, format!("{:?}", (&running.listen, &running.log_format, &running.state)));
    assert_eq!(config.groups[0].policy.max_machines, 7);
    // What is in force by now differs from the file still, and again in what needs a restart only.
    let again = loaded("listen: 127.0.0.1:1\nmax-machines: 7").1;
    let keys: Vec<String> = again.since(&after).into_iter().map(|own| own.key).collect();
    assert_eq!(keys, ["listen"]);
}

/// A new setting is taken over while the process runs, or is told to need a restart: one of both lists has it.
#[test]
fn somebody_has_decided_for_each_setting() {
    let taken_over: BTreeSet<&str> = [
        "regions",
        "excluded-regions",
        "excluded-regions-drain",
        "always-running-regions",
        "unlisted-regions",
        "region-backoff",
        "process-group",
        "created-machine-count",
        "min-created-machine-count",
        "max-created-machine-count",
        "started-machine-count",
        "min-started-machine-count",
        "max-started-machine-count",
        "min-machines",
        "max-machines",
        "tolerance",
        "scale-up-tolerance",
        "scale-up-stabilization-window",
        "scale-up-step-size",
        "scale-up-step-interval",
        "scale-up-cooldown",
        "scale-up-only-during",
        "scale-down-tolerance",
        "scale-down-stabilization-window",
        "scale-down-step-size",
        "scale-down-step-interval",
        "scale-down-cooldown",
        "scale-down-only-during",
        "forecast-min-skill",
        "initial-machine-state",
        "stop-order",
        "stop-metric-query",
        "stop-metric-address",
        "stop-metric-token",
        "stop-action",
        "cordon-before-stop",
        "destroy",
        "destroy-brake",
        "destroy-force",
        "volumes",
        "release-guard",
        "release-timeout",
        "interval",
        "timeout",
        "shutdown-timeout",
        "concurrency",
        "action-concurrency",
        "app-list-refresh-interval",
        "api-token",
        "http-token",
        "verbose",
        "dry-run",
    ]
    .into();
    let need_restart: BTreeSet<&str> = NEED_RESTART.iter().map(|own| own.key).collect();
    let all: BTreeSet<&str> = SETTINGS.iter().map(|own| own.key).collect();
    assert!(taken_over.is_disjoint(&need_restart));
    assert_eq!(taken_over.union(&need_restart).copied().collect::<BTreeSet<_>>(), all);
}
