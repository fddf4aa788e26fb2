//! Each row of the table of settings: wrong values, defaults and examples.

use fly_autoscaler::config::setting::{self, COLLECTOR_SETTINGS, Kind, SETTINGS, Setting};
use fly_autoscaler::config::{ConfigErrors, FlagValues, Loaded, MapEnv, Origin, load};

use super::{MINIMAL, with_env, with_yaml};

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
        // A count from a stronger source would replace the wrong one of a weaker source.
        let is_other = |(name, _): &(&str, &str)| {
            *name != env && !(setting.kind == Kind::Expression && name.ends_with("_COUNT"))
        };
        let others = || MINIMAL.into_iter().chain(required).filter(is_other);
        let base: MapEnv = others().collect();
        check(load(&FlagValues::default().with(setting, value), &base), flag);
        let with_env: MapEnv = others().chain([(env, value)]).collect();
        check(load(&FlagValues::default(), &with_env), env);

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
        let pairs: Vec<_> = MINIMAL.into_iter().filter(is_other).collect();
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

#[test]
fn secrets_are_used_but_never_shown() {
    let required = [
        ("FAS_PROMETHEUS_ADDRESS", "http://prom"),
        ("FAS_PROMETHEUS_METRIC_NAME", "x"),
        ("FAS_PROMETHEUS_QUERY", "up"),
    ];
    let secrets = SETTINGS.iter().chain(COLLECTOR_SETTINGS).filter(|setting| setting.is_secret);
    for setting in secrets.filter(|setting| !is_file_only(setting)) {
        let env = MINIMAL.iter().chain(&required).copied();
        let by_env: MapEnv = env.clone().chain([(setting.env.unwrap(), "hunter2")]).collect();
        let flags = FlagValues::default().with(setting, "hunter2");
        let by_flag = load(&flags, &env.collect::<MapEnv>()).unwrap();
        for loaded in [load(&FlagValues::default(), &by_env).unwrap(), by_flag] {
            let config = &loaded.config;
            let token = config.collectors[0].token.as_ref().or(config.api_token.as_ref());
            assert_eq!(token.unwrap().expose(), "hunter2");
            assert!(!format!("{loaded:?}").contains("hunter2"), "{}", setting.key);
            let shown = loaded.effective.iter().find(|v| v.value.as_deref() == Some("***"));
            assert!(shown.unwrap().key.ends_with(setting.key));
        }
    }
    // A token in a variable that is meant for something else.
    let text = with_env(&[("FAS_ORG", "FlyV1 fm2_hunter2"), ("FAS_INTERVAL", "fo1_hunter2")])
        .unwrap_err()
        .to_string();
    assert!(!text.contains("hunter2") && text.contains("`fo1_***` is not a duration"), "{text}");
}
