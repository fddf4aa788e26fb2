//! config: text to a configuration, or every mistake in it.

use std::time::Duration;

use fly_autoscaler::config::setting::{
    self, COLLECTOR_SETTINGS, Kind, SETTINGS, Setting, VARIABLES,
};
use fly_autoscaler::config::{
    CollectorFault, Config, ConfigErrors, FlagValues, Loaded, LogFormat, MapEnv, Mistake, Origin,
    load,
};
use fly_autoscaler::model::{By, OnFailure, Region, SeriesRule};

/// The least that runs.
const MINIMAL: [(&str, &str); 2] = [("FAS_APP_NAME", "target"), ("FAS_STARTED_MACHINE_COUNT", "1")];

fn with_env(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let env: MapEnv = MINIMAL.iter().chain(pairs).copied().collect();
    load(&FlagValues::default(), &env)
}

fn with_yaml(yaml: &str, pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let yaml = [("FAS_CONFIG_YAML", yaml)];
    let env: MapEnv = yaml.iter().chain(pairs).copied().collect();
    load(&FlagValues::default(), &env)
}

fn with_file(name: &str, pairs: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
    let path = format!("tests/testdata/config/{name}");
    let flags = FlagValues::default().with_config(path);
    load(&flags, &pairs.iter().copied().collect::<MapEnv>())
}

fn messages(errors: &ConfigErrors) -> Vec<String> {
    errors.errors.iter().map(|error| error.mistake.to_string()).collect()
}

fn warnings(loaded: &Loaded) -> Vec<String> {
    loaded.warnings.iter().map(ToString::to_string).collect()
}

fn origin(loaded: &Loaded, key: &str) -> (Option<String>, String) {
    let found = loaded.effective.iter().find(|value| value.key == key);
    let found = found.unwrap_or_else(|| panic!("no {key}"));
    (found.value.clone(), found.origin.to_string())
}

#[test]
fn two_variables_are_enough() {
    let config = with_env(&[]).unwrap().config;
    assert_eq!(config.app.as_str(), "target");
    assert_eq!(config.org, None);
    let [group] = config.groups.as_slice() else { panic!("one group") };
    assert_eq!(group.group.as_str(), "app");
    assert_eq!(group.policy, fly_autoscaler::decide::Policy::default());
    let expressions = &group.expressions;
    assert!(expressions.created_min.is_none() && expressions.created_max.is_none());
    assert_eq!(expressions.started_min.as_ref().map(|e| e.source()), Some("1"));
    assert_eq!(expressions.started_max.as_ref().map(|e| e.source()), Some("1"));
    assert_eq!(config.interval, Duration::from_secs(15));
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert_eq!(config.app_list_refresh_interval, Duration::from_secs(60));
    assert_eq!(config.release_timeout, Duration::from_hours(1));
    assert_eq!(config.shutdown_timeout, Duration::from_secs(4));
    assert_eq!((config.concurrency, config.action_concurrency), (1, 8));
    assert_eq!(config.listen, "[::]:9090");
    assert_eq!(config.flaps_base_url, "https://api.machines.dev");
    assert_eq!(config.api_base_url, "https://api.fly.io");
    assert!(config.release_guard && !config.verbose && !config.dry_run);
    assert!(config.log_format.is_none() && config.api_token.is_none());
    assert!(config.own_machine.is_none() && config.collectors.is_empty());
}

#[test]
fn a_flag_beats_the_environment_beats_the_file_beats_the_default() {
    let yaml = "app-name: target\nstarted-machine-count: 1\ninterval: 20s\n";
    for (flag, env, file, interval, from) in [
        (Some("40s"), Some("30s"), true, "40s", "--interval"),
        (Some("40s"), None, false, "40s", "--interval"),
        (None, Some("30s"), true, "30s", "FAS_INTERVAL"),
        (None, Some("  "), true, "20s", "FAS_CONFIG_YAML:3"),
        (None, None, true, "20s", "FAS_CONFIG_YAML:3"),
        (None, None, false, "15s", "default"),
    ] {
        let mut pairs: Vec<_> = MINIMAL.to_vec();
        pairs.extend(env.map(|value| ("FAS_INTERVAL", value)));
        pairs.extend(file.then_some(("FAS_CONFIG_YAML", yaml)));
        let mut flags = FlagValues::default();
        if let Some(value) = flag {
            flags = flags.with(&setting::INTERVAL, value);
        }
        let loaded = load(&flags, &pairs.into_iter().collect::<MapEnv>()).unwrap();
        assert_eq!(origin(&loaded, "interval"), (Some(interval.into()), from.into()));
        let is_contested = flag.is_none() && env == Some("30s") && file;
        assert_eq!(!loaded.warnings.is_empty(), is_contested, "{:?}", warnings(&loaded));
    }
}

#[test]
fn the_winner_of_two_sources_is_named() {
    let yaml = "app-name: other\nstarted-machine-count: 1\n";
    let loaded = with_yaml(yaml, &MINIMAL).unwrap();
    assert_eq!(loaded.config.app.as_str(), "target");
    assert_eq!(
        warnings(&loaded),
        [
            "warning: FAS_APP_NAME and the file set `app-name` to different values; the variable wins\n  \
          --> FAS_CONFIG_YAML:1:11\n   |\n 1 | app-name: other\n   |           ^^^^^"
        ]
    );
}

#[test]
fn a_count_is_said_in_one_way_and_the_stronger_source_chooses_which() {
    let range = "min-started-machine-count: 2\nmax-started-machine-count: 4\n";
    let loaded = with_yaml(range, &MINIMAL).unwrap();
    let group = &loaded.config.groups[0];
    assert_eq!(group.expressions.started_max.as_ref().map(|e| e.source()), Some("1"));
    assert_eq!(loaded.warnings.len(), 2);
    assert!(warnings(&loaded)[0].starts_with(
        "warning: `min-started-machine-count` is not used: FAS_STARTED_MACHINE_COUNT says it in another way and wins"
    ));
    // One end from each source is one range.
    let loaded = with_yaml(
        "app-name: target\nmin-started-machine-count: 2\n",
        &[("FAS_MAX_STARTED_MACHINE_COUNT", "7")],
    )
    .unwrap();
    let expressions = &loaded.config.groups[0].expressions;
    assert_eq!(expressions.started_min.as_ref().map(|e| e.source()), Some("2"));
    assert_eq!(expressions.started_max.as_ref().map(|e| e.source()), Some("7"));
}

#[test]
fn the_predecessors_file_is_read_as_it_is() {
    let env = [("ORG", "acme"), ("PROM_TOKEN", "hunter2")];
    let loaded = with_file("good-upstream.yml", &env).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let Config { groups, collectors, .. } = &loaded.config;
    let policy = &groups[0].policy;
    assert_eq!(policy.regions, ["iad", "ord", "sjc"].map(Region::new));
    assert!(!policy.launch_created);
    assert_eq!(groups[0].group.as_str(), "worker");
    assert_eq!(loaded.config.timeout, Duration::from_secs(90));
    assert_eq!(loaded.config.concurrency, 4);
    assert!(loaded.config.verbose);
    assert_eq!(loaded.config.require_api_token().unwrap().expose(), "FlyV1 fm2_secret");
    let [collector] = collectors.as_slice() else { panic!("one collector") };
    assert_eq!(collector.address, "https://api.fly.io/prometheus/acme");
    assert_eq!(collector.query, "sum(queue_depth{app='$APP_NAME'})");
    assert_eq!(collector.token.as_ref().map(|token| token.expose()), Some("hunter2"));
    assert_eq!(collector.timeout, Duration::from_secs(10));
    assert_eq!((collector.empty, collector.max_age), (None, None));
    assert_eq!(collector.on_failure, OnFailure::Hold);
    assert_eq!((collector.series, collector.by), (SeriesRule::One, By::None));
    assert_eq!(collector.absent_after, Duration::from_mins(5));
}

#[test]
fn new_keys_aliases_and_merged_maps() {
    let config = with_file("good-new-keys.yml", &[]).unwrap().config;
    let policy = &config.groups[0].policy;
    assert_eq!((policy.min_machines, policy.max_machines), (2, 20));
    assert!(!policy.destroy_brake && policy.destroy_force && !config.release_guard);
    assert_eq!(config.release_timeout, Duration::from_mins(30));
    assert_eq!((config.action_concurrency, config.listen.as_str()), (4, "[::]:8080"));
    assert_eq!(config.log_format, Some(LogFormat::Json));
    let [traffic, errors] = config.collectors.as_slice() else { panic!("two collectors") };
    assert_eq!(traffic.address, "https://api.fly.io/prometheus/personal");
    assert_eq!((traffic.by, traffic.max_age), (By::Region, Some(Duration::from_mins(2))));
    assert_eq!(errors.address, traffic.address);
    assert_eq!((errors.by, errors.series), (By::None, SeriesRule::First));
    assert_eq!((errors.empty, errors.on_failure), (Some(0.0), OnFailure::Nil));
    assert!(errors.query.starts_with("sum(rate("));
}

#[test]
fn bad_files_say_what_is_wrong_where_and_what_to_do() {
    let mut names: Vec<_> = std::fs::read_dir("tests/testdata/config")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("bad-"))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    for name in names {
        let errors = with_file(&name, &[]).expect_err(&name);
        let text = errors.to_string();
        assert!(!text.contains("hunter2"), "{name}: {text}");
        assert!(!format!("{errors:?}").contains("hunter2"), "{name}: {errors:?}");
        insta::assert_snapshot!(name.trim_end_matches(".yml"), text);
    }
}

#[test]
fn files_that_are_no_text_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("latin1"), b"app-name: caf\xe9").unwrap();
    std::fs::write(path("huge"), vec![b'#'; (1 << 20) + 1]).unwrap();
    std::fs::write(path("bom"), "\u{feff}app-name: x\nstarted-machine-count: 1\n").unwrap();
    let message = |path: String| {
        let flags = FlagValues::default().with_config(path);
        load(&flags, &MapEnv::default()).map(|_| ()).map_err(|errors| messages(&errors).join(";"))
    };
    assert_eq!(message(path("")), Err("this is a directory, not a file".into()));
    assert_eq!(
        message(path("latin1")),
        Err("not UTF-8 text: byte 13 is no part of a character".into())
    );
    assert_eq!(message(path("huge")), Err("more than 1024 KiB: this is no configuration".into()));
    assert_eq!(
        message(path("none")),
        Err("the file cannot be read: No such file or directory (os error 2)".into())
    );
    assert_eq!(message(path("bom")), Ok(()));
}

#[test]
fn one_source_of_yaml_at_a_time() {
    let both = [("FAS_CONFIG", "x.yml"), ("FAS_CONFIG_YAML", "app-name: x")];
    let errors = with_env(&both).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "error: FAS_CONFIG and FAS_CONFIG_YAML are both set\n  hint: unset one of them, or choose a file with --config"
    );
    let loaded = with_file("good-new-keys.yml", &both[1..]).unwrap();
    assert_eq!(warnings(&loaded), ["warning: FAS_CONFIG_YAML is not used: --config names a file"]);
    let path = [("FAS_CONFIG", "tests/testdata/config/good-new-keys.yml")];
    assert!(load(&FlagValues::default(), &path.into_iter().collect::<MapEnv>()).is_ok());
}

#[test]
fn upstreams_rules_in_upstreams_words() {
    for (pairs, message) in [
        (&[("FAS_STARTED_MACHINE_COUNT", "1")][..], "app name required"),
        (
            &[("FAS_APP_NAME", "x")],
            "must define either created machine count or started machine count",
        ),
        (
            &[
                ("FAS_APP_NAME", "x"),
                ("FAS_CREATED_MACHINE_COUNT", "1"),
                ("FAS_MIN_CREATED_MACHINE_COUNT", "1"),
            ],
            "cannot define created machine count and min/max created machine count",
        ),
        (
            &[("FAS_APP_NAME", "x"), ("FAS_MIN_CREATED_MACHINE_COUNT", "1")],
            "max created machine count required if min created machine count is defined",
        ),
        (
            &[("FAS_APP_NAME", "x"), ("FAS_MAX_CREATED_MACHINE_COUNT", "1")],
            "min created machine count required if max created machine count is defined",
        ),
        (
            &[
                ("FAS_APP_NAME", "x"),
                ("FAS_STARTED_MACHINE_COUNT", "1"),
                ("FAS_MAX_STARTED_MACHINE_COUNT", "1"),
            ],
            "cannot define started machine count and min/max started machine count",
        ),
        (
            &[("FAS_APP_NAME", "x"), ("FAS_MIN_STARTED_MACHINE_COUNT", "1")],
            "max started machine count required if min started machine count is defined",
        ),
        (
            &[("FAS_APP_NAME", "x"), ("FAS_MAX_STARTED_MACHINE_COUNT", "1")],
            "min started machine count required if max started machine count is defined",
        ),
    ] {
        let env: MapEnv = pairs.iter().copied().collect();
        let errors = load(&FlagValues::default(), &env).unwrap_err();
        assert_eq!(messages(&errors), [message]);
        assert!(errors.to_string().contains("\n  hint: "), "{errors}");
    }
    let missing = with_env(&[]).unwrap().config.require_api_token().unwrap_err();
    assert_eq!(messages(&missing), ["api token required"]);
    let errors = with_env(&[("FAS_PROMETHEUS_ADDRESS", "http://prom")]).unwrap_err();
    assert_eq!(
        messages(&errors),
        [
            "metric-collectors[0]: metric name required",
            "metric-collectors[0]: prometheus query required"
        ]
    );
}

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
    assert_eq!(env.query, "sum(x{app='$APP_NAME', env='prod'})");
    assert_eq!(env.token.as_ref().map(|token| token.expose()), Some("hunter2"));
    assert_eq!((env.empty, env.on_failure), (Some(-1.5), OnFailure::Number(7.0)));
    assert_eq!((env.by, env.series), (By::AppAndRegion, SeriesRule::First));
    assert_eq!(env.absent_after, Duration::ZERO);

    let loaded = with_yaml(yaml, &ours("a")).unwrap();
    assert_eq!(loaded.config.collectors.len(), 1);
    assert_eq!(loaded.config.collectors[0].address, "http://e");
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
    let env = [("FAS_MAX_MACHINE_COUNT", "10"), ("FAS_XYZZY", "1"), ("FAS_PROMETHEUS_EMPTY", "0")];
    let loaded = with_env(&env).unwrap();
    assert_eq!(
        warnings(&loaded),
        [
            "warning: FAS_PROMETHEUS_EMPTY has no effect without FAS_PROMETHEUS_ADDRESS\n  --> environment variable FAS_PROMETHEUS_EMPTY",
            "warning: unknown variable FAS_MAX_MACHINE_COUNT\n  hint: did you mean FAS_MAX_MACHINES?",
            "warning: unknown variable FAS_XYZZY",
        ]
    );
    let fatal: Vec<_> = loaded.warnings.iter().map(|w| w.is_error_in_check()).collect();
    assert_eq!(fatal, [false, true, true]);
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
fn temporal_is_known_but_not_there() {
    let errors = with_env(&[("FAS_TEMPORAL_ADDRESS", "x:7233")]).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "error: the temporal collector is not available in this version\n  --> environment variable FAS_TEMPORAL_ADDRESS"
    );
    let fault = &errors.errors[0].mistake;
    assert!(matches!(fault, Mistake::Variable { fault: CollectorFault::Temporal }));
}

#[test]
fn flys_own_variables() {
    let env = [
        ("FLY_ACCESS_TOKEN", "fo1_hunter2"),
        ("FLY_FLAPS_BASE_URL", "http://_api.internal:4280/"),
        ("FLY_API_BASE_URL", "http://127.0.0.1:1"),
        ("FLY_MACHINE_ID", "148e306b73d789"),
    ];
    let loaded = with_env(&env).unwrap();
    assert_eq!(loaded.config.require_api_token().unwrap().expose(), "fo1_hunter2");
    assert_eq!(loaded.config.flaps_base_url, "http://_api.internal:4280");
    assert_eq!(loaded.config.api_base_url, "http://127.0.0.1:1");
    assert_eq!(loaded.config.own_machine.as_ref().unwrap().as_str(), "148e306b73d789");
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

/// A value that no setting of this kind accepts, and a part of the message about it.
fn wrong_value(kind: Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::Text => ("a\u{7}b", "control character"),
        Kind::AppName | Kind::OrgSlug => ("a/b", "not a name on Fly"),
        Kind::Regions => ("london", "not a region code"),
        Kind::MetricName => ("a b", "not a name that expressions can read"),
        Kind::Url => ("ftp://x", "not an http:// or https:// address"),
        Kind::Listen => ("nowhere", "not host:port"),
        Kind::Duration { .. } => ("soon", "not a duration"),
        Kind::Count { .. } => ("-1", "not a whole number from"),
        Kind::Number => ("NaN", "not a finite number"),
        Kind::Bool => ("maybe", "neither true nor false"),
        Kind::Switch => ("maybe", "neither on nor off"),
        Kind::Choice(_) => ("maybe", "not one of"),
        Kind::OnFailure => ("inf", "not hold, nil or a finite number"),
        Kind::By => ("host", "not a label"),
        Kind::Query => ("up{a='$NOWHERE'}", "`NOWHERE`, which is not set"),
        Kind::Expression => ("1 +", ""),
    })
}

/// Settings of collectors that only a file can say.
fn is_file_only(setting: &Setting) -> bool {
    setting.env.is_none()
}

#[test]
fn a_wrong_value_is_found_in_every_setting_through_every_source() {
    let required = [
        ("FAS_PROMETHEUS_ADDRESS", "http://prom"),
        ("FAS_PROMETHEUS_METRIC_NAME", "x"),
        ("FAS_PROMETHEUS_QUERY", "up"),
    ];
    for setting in SETTINGS.iter().chain(COLLECTOR_SETTINGS).copied() {
        if is_file_only(setting) {
            continue;
        }
        let (value, part) = wrong_value(setting.kind).unwrap();
        let check = |result: Result<Loaded, ConfigErrors>, place: &str| {
            let text = result.expect_err(setting.key).to_string();
            let name = format!("`{}`", setting.key);
            assert!(text.contains(&name) && text.contains(part), "{}: {text}", setting.key);
            assert!(text.contains(place), "{}: {place} not in {text}", setting.key);
        };
        let (env, flag) = (setting.env.unwrap(), setting.flag.unwrap());
        let base: MapEnv = MINIMAL.iter().chain(&required).copied().collect();
        check(load(&FlagValues::default().with(setting, value), &base), flag);
        let pairs = MINIMAL.iter().chain(&required).copied().filter(|(name, _)| *name != env);
        check(load(&FlagValues::default(), &pairs.chain([(env, value)]).collect::<MapEnv>()), env);

        let quoted = serde_json::to_string(value).unwrap();
        let is_collector = setting::find(COLLECTOR_SETTINGS, setting.key)
            .is_some_and(|own| std::ptr::eq(own, setting));
        let yaml = if is_collector {
            let rest = ["type: prometheus", "metric-name: x", "address: 'http://p'", "query: up"];
            let rest: Vec<_> =
                rest.into_iter().filter(|line| !line.starts_with(setting.key)).collect();
            format!("metric-collectors: [{{{}, {}: {quoted}}}]", rest.join(", "), setting.key)
        } else {
            format!("{}: {quoted}", setting.key)
        };
        let pairs: Vec<_> = MINIMAL.into_iter().filter(|(name, _)| *name != env).collect();
        check(with_yaml(&yaml, &pairs), "FAS_CONFIG_YAML:1:");
    }
}

#[test]
fn every_default_and_every_example_is_valid() {
    let loaded = with_env(&[]).unwrap();
    for value in &loaded.effective {
        let is_set = matches!(&value.origin, Origin::Env(name) if MINIMAL.iter().any(|(own, _)| own == name));
        assert!(is_set || value.origin == Origin::Default, "{}", value.key);
    }
    for setting in SETTINGS {
        let pairs: Vec<_> = [
            ("FAS_APP_NAME", "target"),
            ("FAS_CREATED_MACHINE_COUNT", "1"),
            ("FAS_PROMETHEUS_ADDRESS", "http://prom"),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_PROMETHEUS_QUERY", "up"),
            (setting.env.unwrap(), setting.example),
        ]
        .into_iter()
        .filter(|(name, _)| {
            // An example of one end of a range needs the other, and excludes the single count.
            let is_created = setting.key.ends_with("-created-machine-count");
            !(is_created && *name == "FAS_CREATED_MACHINE_COUNT")
        })
        .collect();
        let other_end = match setting.key {
            key if key.starts_with("min-") => setting.env.unwrap().replace("MIN_", "MAX_"),
            key if key.starts_with("max-") => setting.env.unwrap().replace("MAX_", "MIN_"),
            _ => String::new(),
        };
        let other = other_end.ends_with("_COUNT").then_some((other_end.as_str(), "1"));
        let env: MapEnv = pairs.into_iter().chain(other).collect();
        let result = load(&FlagValues::default(), &env);
        assert!(result.is_ok(), "{}: {}", setting.key, result.unwrap_err());
    }
}

mod documents {
    use super::*;

    /// The rows of the tables in docs/configuration.md.
    fn rows(settings: &[&Setting]) -> String {
        let mut text =
            String::from("| key | variable | flag | default | meaning |\n|---|---|---|---|---|\n");
        for setting in settings {
            let code = |text: Option<&str>| text.map_or("-".to_owned(), |text| format!("`{text}`"));
            let flag = setting.flag.map(|flag| format!("--{flag}"));
            let cells = [
                code(Some(setting.key)),
                code(setting.env),
                code(flag.as_deref()),
                code(setting.default),
                setting.doc.replace('|', "\\|"),
            ];
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text
    }

    fn variable_rows() -> String {
        let mut text = String::from("| variable | default | meaning |\n|---|---|---|\n");
        for variable in VARIABLES {
            let default = variable.default.map_or("-".to_owned(), |text| format!("`{text}`"));
            text.push_str(&format!("| `{}` | {default} | {} |\n", variable.name, variable.doc));
        }
        text
    }

    #[test]
    fn the_documentation_has_every_setting() {
        let text = std::fs::read_to_string("docs/configuration.md").unwrap();
        for table in [rows(SETTINGS), rows(COLLECTOR_SETTINGS), variable_rows()] {
            assert!(text.contains(&table), "docs/configuration.md should contain:\n\n{table}");
        }
    }

    /// The annotated file: prose behind `# `, settings behind `#` alone or bare.
    #[test]
    fn the_annotated_file_has_every_key_with_its_default_and_its_variable() {
        let text = std::fs::read_to_string("etc/fly-autoscaler.yml").unwrap();
        for setting in SETTINGS.iter().chain(COLLECTOR_SETTINGS) {
            let is_set = |line: &str| {
                let line = line.trim_start_matches(['#', ' ', '-']);
                line.strip_prefix(setting.key).is_some_and(|rest| rest.starts_with(':'))
            };
            assert!(text.lines().any(is_set), "{} is missing", setting.key);
            if let Some(env) = setting.env {
                assert!(text.contains(env), "{env} is missing");
            }
            if let Some(default) = setting.default {
                let doc = format!("Default {default}");
                assert!(text.contains(&doc), "{}: `{doc}` is missing", setting.key);
            }
        }
    }

    #[test]
    fn the_annotated_file_is_valid_with_and_without_its_comments() {
        let env = [("PROMETHEUS_TOKEN", "t"), ("FLY_DEPLOY_TOKEN", "t")];
        let text = std::fs::read_to_string("etc/fly-autoscaler.yml").unwrap();
        let loaded = with_yaml(&text, &env).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(warnings(&loaded), Vec::<String>::new());
        let uncommented: String = text
            .lines()
            .map(|line| {
                let indent = line.len() - line.trim_start().len();
                match line.trim_start().strip_prefix('#') {
                    // `#key: value` is a setting that is off; `# prose` stays a comment.
                    Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => {
                        format!("{}{rest}\n", &line[..indent])
                    }
                    _ => format!("{line}\n"),
                }
            })
            .collect();
        let loaded = with_yaml(&uncommented, &env).unwrap_or_else(|errors| panic!("{errors}"));
        let unset: Vec<_> = SETTINGS
            .iter()
            .filter(|setting| origin(&loaded, setting.key).1 == "default")
            .map(|setting| setting.key)
            .collect();
        // A count is either one number or a range: the file shows one of each.
        assert_eq!(
            unset,
            ["created-machine-count", "min-started-machine-count", "max-started-machine-count"]
        );
    }

    #[test]
    fn the_smallest_file_runs() {
        let text = std::fs::read_to_string("fly-autoscaler.yml").unwrap();
        let loaded = with_yaml(&text, &[("FAS_PROMETHEUS_TOKEN", "t"), ("FAS_API_TOKEN", "t")]);
        let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(loaded.config.collectors.len(), 1);
        assert_eq!(warnings(&loaded), Vec::<String>::new());
    }

    #[test]
    fn the_example_of_a_deployment_says_everything_by_variables() {
        let text = std::fs::read_to_string("etc/fly.toml").unwrap();
        let section = text.split("[env]").nth(1).unwrap().split("\n[").next().unwrap();
        let pairs = section.lines().filter_map(|line| line.trim().split_once('='));
        let env: MapEnv = pairs
            .filter(|(name, _)| !name.starts_with('#'))
            .map(|(name, value)| (name.trim(), value.split(" # ").next().unwrap_or(value)))
            .map(|(name, value)| (name, value.trim().trim_matches('"')))
            .chain([("FAS_API_TOKEN", "t"), ("FAS_PROMETHEUS_TOKEN", "t")])
            .collect();
        let loaded = load(&FlagValues::default(), &env).unwrap_or_else(|errors| panic!("{errors}"));
        assert_eq!(warnings(&loaded), Vec::<String>::new());
        assert_eq!(loaded.config.collectors.len(), 1);
    }
}
