//! `process-groups`: what a group may say, what it takes from the top level, and every mistake in it.

use fly_autoscaler::config::setting::{GROUP_SETTINGS, Kind, SETTINGS};
use fly_autoscaler::config::{FlagValues, MapEnv, load, setting};
use fly_autoscaler::evaluate::Expression;
use fly_autoscaler::model::Region;

use super::{messages, origin, warnings, with_yaml};

const APP: [(&str, &str); 1] = [("FAS_APP_NAME", "target")];

#[test]
fn each_group_has_its_own_counts_and_rules() {
    let yaml = "
max-machines: 20
regions: [fra]
process-groups:
  web: &web
    started-machine-count: 2
    regions: [lhr, iad]
    max-machines: 40
  worker:
    <<: *web
    started-machine-count: 3
    initial-machine-state: stopped
    max-machines:
  cron:
    min-created-machine-count: 1
    max-created-machine-count: 4
";
    let env = [APP[0], ("FAS_DESTROY_BRAKE", "off"), ("FAS_MIN_MACHINES", "1")];
    let loaded = with_yaml(yaml, &env).unwrap();
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let [web, worker, cron] = loaded.config.groups.as_slice() else { panic!("three groups") };
    let names = [web, worker, cron].map(|own| own.group.as_str());
    assert_eq!(names, ["web", "worker", "cron"]);
    let source = |own: &Option<Expression>| own.as_ref().map(|own| own.source().to_owned());
    assert_eq!(source(&web.expressions.started_max).as_deref(), Some("2"));
    assert_eq!(source(&worker.expressions.started_min).as_deref(), Some("3"));
    assert_eq!(source(&cron.expressions.started_min), None);
    assert_eq!(source(&cron.expressions.created_max).as_deref(), Some("4"));
    let policies = [web, worker, cron].map(|own| &own.policy);
    assert_eq!(policies.map(|own| own.max_machines), [40, 20, 20]);
    assert_eq!(policies.map(|own| own.launch_created), [true, false, true]);
    assert!(policies.iter().all(|own| !own.destroy_brake && own.min_machines == 1));
    let regions = |codes: &[&str]| codes.iter().map(Region::new).collect::<Vec<_>>();
    assert_eq!(policies[1].regions.listed(), regions(&["lhr", "iad"]));
    assert_eq!(policies[2].regions.listed(), regions(&["fra"]));
    assert_eq!(loaded.config.listed_regions(), regions(&["fra", "iad", "lhr"]));
    assert_eq!(
        origin(&loaded, "process-groups.web.max-machines"),
        (Some("40".into()), "FAS_CONFIG_YAML:8".into())
    );
    assert_eq!(
        origin(&loaded, "process-groups.cron.destroy-brake"),
        (Some("off".into()), "FAS_DESTROY_BRAKE".into())
    );
}

/// What a group says wins over the top level, wherever that was said.
#[test]
fn what_stands_under_a_group_is_stronger_than_a_variable_or_a_flag() {
    for setting in GROUP_SETTINGS.iter().filter(|own| own.kind != Kind::Expression) {
        let own = setting.example;
        // Quoted, since some examples are not plain YAML.
        let yaml = format!(
            "process-groups:\n  web: {{started-machine-count: 1, {}: [\"{own}\"]}}\n  worker: {{started-machine-count: 1}}\n",
            setting.key
        );
        let yaml = if setting.kind.is_list() {
            yaml.replace('"', "")
        } else {
            yaml.replace(['[', ']'], "")
        };
        // What holds without it, said where it is stronger than a file.
        let other = setting.default.unwrap_or(match setting.kind {
            Kind::Fraction | Kind::Step => "1",
            Kind::Duration { .. } => "1s",
            Kind::Calendar => "Mon",
            Kind::Skill => "0.5",
            Kind::Url => "https://syd",
            _ => "syd",
        });
        let shown = |value: &str| Some(if setting.is_secret { "***" } else { value }.to_owned());
        let env = [APP[0], (setting.env.unwrap(), other), ("FAS_CONFIG_YAML", &yaml)];
        let loaded = load(&FlagValues::default(), &env.into_iter().collect::<MapEnv>());
        let loaded = loaded.unwrap_or_else(|errors| panic!("{}: {errors}", setting.key));
        let value =
            |group: &str| origin(&loaded, &format!("process-groups.{group}.{}", setting.key));
        assert_eq!(value("web"), (shown(own), "FAS_CONFIG_YAML:2".into()));
        assert_eq!(value("worker"), (shown(other), setting.env.unwrap().into()));
        let is_warning = |text: &String| !text.contains("has no effect without");
        assert!(!warnings(&loaded).iter().any(is_warning), "{}", setting.key);

        let flags = FlagValues::default().with(setting, other);
        let loaded = load(&flags, &env.into_iter().collect::<MapEnv>()).unwrap();
        let value =
            |group: &str| origin(&loaded, &format!("process-groups.{group}.{}", setting.key)).1;
        assert_eq!(value("web"), "FAS_CONFIG_YAML:2");
        assert_eq!(value("worker"), format!("--{}", setting.key));
    }
}

/// A new top-level setting either is one of groups too or is listed here.
#[test]
fn what_only_the_whole_app_has_cannot_stand_under_a_group() {
    let of_the_app: Vec<&str> = SETTINGS
        .iter()
        .map(|own| own.key)
        .filter(|key| setting::find(GROUP_SETTINGS, key).is_none())
        .collect();
    assert_eq!(
        of_the_app,
        [
            "app-name",
            "org",
            "process-group",
            "release-guard",
            "release-timeout",
            "interval",
            "timeout",
            "shutdown-timeout",
            "concurrency",
            "action-concurrency",
            "app-list-refresh-interval",
            "metrics-per-app",
            "state",
            "journal-retention",
            "journal-size",
            "api-token",
            "listen",
            "http-token",
            "log-format",
            "verbose",
            "dry-run",
        ]
    );
    for key in of_the_app.into_iter().chain(["metric-collectors", "process-groups"]) {
        let yaml = format!("process-groups: {{web: {{started-machine-count: 1, {key}: x}}}}\n");
        let errors = with_yaml(&yaml, &APP).unwrap_err();
        assert_eq!(messages(&errors), [format!("`{key}` cannot be set for one process group")]);
        let hint = format!("hint: it holds for the whole app: set `{key}` at the top level");
        assert!(errors.to_string().ends_with(&hint), "{errors}");
    }
}

#[test]
fn what_is_not_for_one_of_several_groups_is_refused_from_every_source() {
    let yaml = "process-group: web\nmax-created-machine-count: 3\nprocess-groups:\n  web: {started-machine-count: 2}\n";
    let env = [APP[0], ("FAS_STARTED_MACHINE_COUNT", "1"), ("FAS_CONFIG_YAML", yaml)];
    let flags = FlagValues::default().with(&setting::MIN_CREATED_MACHINE_COUNT, "4");
    let errors = load(&flags, &env.into_iter().collect::<MapEnv>()).unwrap_err();
    insta::assert_snapshot!(errors, @"
    error: `min-created-machine-count` and `process-groups` are both set
      --> flag --min-created-machine-count
      hint: each group has counts of its own: set `min-created-machine-count` in the file, under the group that it is for

    error: `started-machine-count` and `process-groups` are both set
      --> environment variable FAS_STARTED_MACHINE_COUNT
      hint: each group has counts of its own: set `started-machine-count` in the file, under the group that it is for

    error: `process-group` and `process-groups` are both set
      --> FAS_CONFIG_YAML:1:16
       |
     1 | process-group: web
       |                ^^^
      hint: leave one of them out: what `process-groups` names is scaled, and nothing else

    error: `max-created-machine-count` and `process-groups` are both set
      --> FAS_CONFIG_YAML:2:28
       |
     2 | max-created-machine-count: 3
       |                            ^
      hint: each group has counts of its own: set `max-created-machine-count` in the file, under the group that it is for
    ");
}

#[test]
fn mistakes_in_the_top_level_are_told_once() {
    let yaml = "regions: [LHR]\nprocess-groups: {a: {started-machine-count: 1}, b: {started-machine-count: 1}}\n";
    let errors = with_yaml(yaml, &APP).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["`regions`: `LHR` is not a region code: three lower-case letters"]
    );
    // A limit that only together with one of the group makes no sense is that group's.
    let yaml = "max-machines: 3\nprocess-groups: {a: {started-machine-count: 1, min-machines: 4}, b: {started-machine-count: 1}}\n";
    let errors = with_yaml(yaml, &APP).unwrap_err();
    assert_eq!(
        messages(&errors),
        ["process-groups.a: `min-machines` is 4, more than `max-machines`, 3"]
    );
}

#[test]
fn a_group_of_flys_own_is_nobodys_to_scale() {
    let env = [APP[0], ("FAS_PROCESS_GROUP", "fly_app_release_command")];
    let errors = with_yaml("started-machine-count: 1\n", &env).unwrap_err();
    insta::assert_snapshot!(errors, @"
    error: `process-group`: `fly_app_release_command` is a process group of Fly's own, whose machines are never touched
      --> environment variable FAS_PROCESS_GROUP
    ");
}
