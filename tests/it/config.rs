//! config: text to a configuration, or every mistake in it.

mod advice;
mod documents;
mod environment;
mod every_setting;
mod leaving;
mod migrating;
mod process_groups;
mod regions;
mod sections;

use std::time::Duration;

use fly_autoscaler::config::setting;
use fly_autoscaler::config::{Config, ConfigErrors, FlagValues, Loaded, MapEnv, Secret, load};
use fly_autoscaler::evaluate::Expression;
use fly_autoscaler::model::{By, LogFormat, OnFailure, Region, SeriesRule};

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
    assert_eq!(config.apps.to_string(), "target");
    assert_eq!(config.org, None);
    let [group] = config.groups.as_slice() else { panic!("one group") };
    assert_eq!(group.group.as_str(), "app");
    assert_eq!(group.policy, fly_autoscaler::decide::Policy::default());
    let expressions = &group.expressions;
    assert!(expressions.created_min.is_none() && expressions.created_max.is_none());
    assert_eq!(expressions.started_min.as_ref().map(Expression::source), Some("1"));
    assert_eq!(expressions.started_max.as_ref().map(Expression::source), Some("1"));
    assert_eq!(config.interval, Duration::from_secs(15));
    assert_eq!(config.timeout, Duration::from_secs(30));
    assert_eq!(config.app_list_refresh_interval, Duration::from_secs(60));
    assert_eq!(config.release_timeout, Duration::from_secs(3600));
    assert_eq!(config.shutdown_timeout, Duration::from_secs(4));
    assert_eq!((config.concurrency, config.action_concurrency), (8, 8));
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
    assert_eq!(loaded.config.apps.to_string(), "target");
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
    assert_eq!(group.expressions.started_max.as_ref().map(Expression::source), Some("1"));
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
    assert_eq!(expressions.started_min.as_ref().map(Expression::source), Some("2"));
    assert_eq!(expressions.started_max.as_ref().map(Expression::source), Some("7"));
}

#[test]
fn the_predecessors_file_is_read_as_it_is() {
    let env = [("ORG", "acme"), ("PROM_TOKEN", "hunter2")];
    let loaded = with_file("good-upstream.yml", &env).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let Config { groups, collectors, .. } = &loaded.config;
    let policy = &groups[0].policy;
    assert_eq!(policy.regions.listed(), ["iad", "ord", "sjc"].map(Region::new));
    assert!(!policy.launch_created);
    assert_eq!(groups[0].group.as_str(), "worker");
    assert_eq!(loaded.config.timeout, Duration::from_secs(90));
    assert_eq!(loaded.config.concurrency, 4);
    assert!(loaded.config.verbose);
    assert_eq!(loaded.config.require_api_token().unwrap().expose(), "FlyV1 fm2_secret");
    let [collector] = collectors.as_slice() else { panic!("one collector") };
    assert_eq!(collector.timeout, Duration::from_secs(10));
    assert_eq!(collector.on_failure, OnFailure::Hold);
    let own = collector.prometheus().unwrap();
    assert_eq!(own.address, "https://api.fly.io/prometheus/acme");
    assert_eq!(own.query, "sum(queue_depth{app='$APP_NAME'})");
    assert_eq!(own.token.as_ref().map(Secret::expose), Some("hunter2"));
    assert_eq!((own.empty, own.max_age), (None, None));
    assert_eq!((own.series, own.by), (SeriesRule::One, By::None));
    assert_eq!(own.absent_after, Duration::from_secs(300));
}

#[test]
fn new_keys_aliases_and_merged_maps() {
    let config = with_file("good-new-keys.yml", &[]).unwrap().config;
    let policy = &config.groups[0].policy;
    assert_eq!((policy.min_machines, policy.max_machines), (2, 20));
    assert!(!policy.destroy_brake && policy.destroy_force && !config.release_guard);
    assert_eq!(config.release_timeout, Duration::from_secs(1800));
    assert_eq!((config.action_concurrency, config.listen.as_str()), (4, "[::]:8080"));
    assert_eq!(config.log_format, Some(LogFormat::Json));
    let [traffic, errors] = config.collectors.as_slice() else { panic!("two collectors") };
    assert_eq!(errors.on_failure, OnFailure::Nil);
    let [traffic, errors] = [traffic, errors].map(|own| own.prometheus().unwrap());
    assert_eq!(traffic.address, "https://api.fly.io/prometheus/personal");
    assert_eq!((traffic.by, traffic.max_age), (By::Region, Some(Duration::from_secs(120))));
    assert_eq!(errors.address, traffic.address);
    assert_eq!((errors.by, errors.series), (By::None, SeriesRule::First));
    assert_eq!(errors.empty, Some(0.0));
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
