//! Each row of the table of settings: wrong values, defaults and examples.

use fly_autoscaler::config::setting::temporal::TEMPORAL_SETTINGS;
use fly_autoscaler::config::setting::{
    COLLECTOR_SETTINGS, Kind, REGION_SETTINGS, SETTINGS, Setting, find, region_variable,
};
use fly_autoscaler::config::{
    ConfigErrors, FlagValues, Loaded, MapEnv, Origin, SourceConfig, load,
};

use super::{MINIMAL, with_env, with_yaml};

/// A value that no setting of this kind accepts, and a part of the message about it.
fn wrong_value(kind: Kind) -> Option<(&'static str, &'static str)> {
    Some(match kind {
        Kind::Text => ("a\u{7}b", "control character"),
        Kind::AppName => ("a/b", "not the name of an app"),
        Kind::OrgSlug => ("a/b", "not a name on Fly"),
        Kind::Regions => ("london", "not a region code"),
        Kind::RegionList => ("auto,lhr", "`auto` stands alone"),
        Kind::MetricName => ("a b", "not a name that expressions can read"),
        Kind::Url => ("ftp://x", "not an http:// or https:// address"),
        Kind::Listen => ("nowhere", "not host:port"),
        Kind::Path => ("/data/", "names a directory"),
        Kind::Duration { .. } | Kind::Age { .. } => ("soon", "not a duration"),
        Kind::Size { .. } => ("large", "not a size"),
        Kind::Count { .. } => ("-1", "not a whole number from"),
        Kind::GrpcAddress => ("nowhere", "not host:port"),
        Kind::Word => ("a b", "cannot be sent"),
        Kind::Bearer => ("hunter2", "characters"),
        Kind::Pem => ("hunter2", "in PEM form"),
        Kind::Number => ("NaN", "not a finite number"),
        Kind::Fraction => ("1.5", "not a fraction from 0 to 1"),
        Kind::Step => ("0%", "would never get anywhere"),
        Kind::Calendar => ("nonsense", "neither a day"),
        Kind::Skill => ("1", "not a number from -1 to below 1"),
        Kind::Bool => ("maybe", "neither true nor false"),
        Kind::Switch => ("maybe", "neither on nor off"),
        Kind::Choice(_) => ("maybe", "not one of"),
        Kind::OnFailure => ("inf", "not hold, hold-scale-down, last, nil or a finite number"),
        Kind::By => ("host", "not a label"),
        Kind::Query => ("up{a='$NOWHERE'}", "`NOWHERE`, which is not set"),
        Kind::Expression => ("1 +", ""),
    })
}

/// The least that makes a collector of each kind.
const PROMETHEUS: [(&str, &str); 3] = [
    ("FAS_PROMETHEUS_ADDRESS", "http://prom"),
    ("FAS_PROMETHEUS_METRIC_NAME", "x"),
    ("FAS_PROMETHEUS_QUERY", "up"),
];
const TEMPORAL: [(&str, &str); 3] = [
    ("FAS_TEMPORAL_ADDRESS", "temporal:7233"),
    ("FAS_TEMPORAL_METRIC_NAME", "x"),
    ("FAS_TEMPORAL_QUERY", "TaskQueue='q'"),
];

fn is_among(settings: &[&Setting], setting: &Setting) -> bool {
    settings.iter().any(|own| own.env == setting.env && own.key == setting.key)
}

/// Settings of collectors that only a file can say.
fn is_file_only(setting: &Setting) -> bool {
    setting.env.is_none()
}

#[test]
fn a_wrong_value_is_found_in_every_setting_through_every_source() {
    for setting in SETTINGS.iter().chain(COLLECTOR_SETTINGS).copied() {
        if is_file_only(setting) {
            continue;
        }
        let (value, part) = wrong_value(setting.kind).unwrap();
        let is_temporal = is_among(TEMPORAL_SETTINGS, setting);
        let required = if is_temporal { &TEMPORAL } else { &PROMETHEUS };
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
        let others = || MINIMAL.iter().chain(required.as_slice()).copied().filter(is_other);
        let base: MapEnv = others().collect();
        check(load(&FlagValues::default().with(setting, value), &base), flag);
        let with_env: MapEnv = others().chain([(env, value)]).collect();
        check(load(&FlagValues::default(), &with_env), env);

        let quoted = serde_json::to_string(value).unwrap();
        let yaml = if is_among(COLLECTOR_SETTINGS, setting) {
            let kind = if is_temporal { "type: temporal" } else { "type: prometheus" };
            let rest = [kind, "metric-name: x", "address: 'http://p'", "query: up"];
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
fn a_wrong_value_is_found_in_every_setting_of_regions_through_every_source() {
    let listed = MINIMAL.into_iter().chain([("FAS_REGIONS", "lhr,iad")]);
    for setting in REGION_SETTINGS {
        let (value, part) = wrong_value(setting.kind).unwrap();
        let check = |flags: FlagValues, pair: Option<(&str, &str)>, region: &str, place: &str| {
            let env: MapEnv = listed.clone().chain(pair).collect();
            let text = load(&flags, &env).expect_err(setting.key).to_string();
            let message = format!("error: {region}: `{}`", setting.key);
            assert!(text.contains(&message) && text.contains(part), "{}: {text}", setting.key);
            assert!(text.contains(place), "{}: {place} not in {text}", setting.key);
        };
        let none = FlagValues::default();
        let (env, flag) = (setting.env.unwrap(), setting.flag.unwrap());
        check(none.clone().with(setting, value), None, "every region", flag);
        check(none.clone(), Some((env, value)), "every region", env);
        let own = format!("{}_LHR", find(SETTINGS, setting.key).unwrap().env.unwrap());
        assert_eq!(region_variable(&own).map(|(found, _)| found.key), Some(setting.key));
        check(none.clone(), Some((&own, value)), "region lhr", &own);
        for (name, region) in [("*", "every region"), ("iad", "region iad")] {
            let yaml = serde_json::json!({ "per-region": { name: { setting.key: value } } });
            let yaml = ("FAS_CONFIG_YAML", &*yaml.to_string());
            check(none.clone(), Some(yaml), region, "FAS_CONFIG_YAML:1:");
        }
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
    const SECRET: &str = "hunter2-and-some-more";
    let secrets = SETTINGS.iter().chain(COLLECTOR_SETTINGS).filter(|setting| setting.is_secret);
    // PEM text is checked as a pair: `a_certificate_and_its_key_are_checked_before_anything_is_dialled`.
    for setting in secrets.filter(|setting| setting.kind != Kind::Pem) {
        let is_temporal = is_among(TEMPORAL_SETTINGS, setting);
        let required = if is_temporal { &TEMPORAL } else { &PROMETHEUS };
        // The token of a metric that nobody asks for is used nowhere.
        let by_load = [
            ("FAS_STOP_ORDER", "least-loaded"),
            ("FAS_STOP_METRIC_PROMETHEUS_QUERY", "q"),
            ("FAS_STOP_METRIC_PROMETHEUS_ADDRESS", "http://prom"),
        ];
        let env = MINIMAL.iter().chain(required).chain(&by_load).copied();
        let by_env: MapEnv = env.clone().chain([(setting.env.unwrap(), SECRET)]).collect();
        let flags = FlagValues::default().with(setting, SECRET);
        let by_flag = load(&flags, &env.collect::<MapEnv>()).unwrap();
        for loaded in [load(&FlagValues::default(), &by_env).unwrap(), by_flag] {
            let config = &loaded.config;
            let token = match &config.collectors[0].source {
                SourceConfig::Prometheus(own) => own.token.as_ref(),
                SourceConfig::Temporal(own) => own.api_key.as_ref(),
            };
            let by_load = config.groups[0].stop_metric.as_ref().and_then(|own| own.token.as_ref());
            let token =
                token.or(config.api_token.as_ref()).or(by_load).or(config.http_token.as_ref());
            assert_eq!(token.unwrap().expose(), SECRET);
            assert!(!format!("{loaded:?}").contains(SECRET), "{}", setting.key);
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
