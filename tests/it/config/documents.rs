//! The documents that must say what the table of settings says.

use std::collections::BTreeMap;

use fly_autoscaler::config::setting::temporal::TEMPORAL_SETTINGS;
use fly_autoscaler::config::setting::{
    COLLECTOR_SETTINGS, GROUP_SETTINGS, Kind, METRIC_COLLECTORS, PER_REGION, PROCESS_GROUPS,
    PROMETHEUS_SETTINGS, REGION_SETTINGS, SETTINGS, Setting, VARIABLES, in_section,
};
use fly_autoscaler::config::{FlagValues, MapEnv, load};

use super::{origin, warnings, with_yaml};

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

/// The rows of the table of what stands under `per-region`.
fn region_rows() -> String {
    let mut text = String::from(
        "| under `per-region` | variable for `\"*\"` | flag for `\"*\"` | meaning |\n|---|---|---|---|\n",
    );
    for own in REGION_SETTINGS {
        let (env, flag) = (own.env.unwrap(), own.flag.unwrap());
        text.push_str(&format!("| `{}` | `{env}` | `--{flag}` | {} |\n", own.key, own.doc));
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
    for table in [
        rows(SETTINGS),
        region_rows(),
        rows(PROMETHEUS_SETTINGS),
        rows(TEMPORAL_SETTINGS),
        variable_rows(),
    ] {
        assert!(text.contains(&table), "docs/configuration.md should contain:\n\n{table}");
    }
}

#[test]
fn the_documentation_has_the_settings_of_a_group() {
    let text = std::fs::read_to_string("docs/configuration.md").unwrap();
    let keys: Vec<_> = GROUP_SETTINGS.iter().map(|own| format!("`{}`", own.key)).collect();
    let listed = format!("A group may have: {}.", keys.join(", "));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(&text).contains(&listed), "docs/configuration.md should contain: {listed}");
    let mut examples = text.split("```yaml\n").map(|from| from.split("```").next().unwrap());
    let example = examples.find(|example| example.contains("process-groups:")).unwrap();
    let yaml = format!("app-name: my-app\n{example}{COLLECTORS}");
    let loaded = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.config.groups.len(), 2);
}

#[test]
fn the_example_of_many_apps_works() {
    let text = std::fs::read_to_string("docs/configuration.md").unwrap();
    let mut examples = text.split("```yaml\n").map(|from| from.split("```").next().unwrap());
    let example = examples.find(|example| example.contains("tenant-*")).unwrap();
    let loaded = with_yaml(example, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.config.apps.one(), None);
}

/// The same said twice, as a file and by variables.
#[test]
fn the_examples_of_regions_work_and_say_the_same() {
    let text = std::fs::read_to_string("docs/configuration.md").unwrap();
    let block = |kind: &str| {
        let fence = format!("```{kind}\n");
        let mut blocks = text.split(&*fence).skip(1);
        let block = blocks.find(|block| block.contains("traffic / 40")).unwrap();
        block.split("```").next().unwrap().to_owned()
    };
    let (yaml, toml) = (block("yaml"), block("toml"));
    let file = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let pairs = toml.lines().map(|line| line.split_once(" = ").unwrap());
    let env: MapEnv = pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect();
    let env = load(&FlagValues::default(), &env).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!((warnings(&file), warnings(&env)), (Vec::new(), Vec::new()));
    let [file, env] = [file, env].map(|loaded| loaded.config.groups.into_iter().next().unwrap());
    assert_eq!((file.per_region, file.policy), (env.per_region, env.policy));
}

#[test]
fn the_annotated_file_shows_regions_that_work() {
    let text = std::fs::read_to_string("etc/fly-autoscaler.yml").unwrap();
    let example = text.split("#     per-region:\n").nth(1).unwrap();
    let lines = example.lines().map_while(|line| line.strip_prefix("#     "));
    let regions: String = lines.map(|line| format!("{line}\n")).collect();
    let yaml = format!("app-name: my-app\nregions: [lhr, iad]\nper-region:\n{regions}{COLLECTORS}");
    let loaded = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    let per_region = &loaded.config.groups[0].per_region;
    assert!(!per_region.is_empty() && per_region.own.len() == 1);
}

#[test]
fn the_annotated_file_shows_process_groups_that_work() {
    let text = std::fs::read_to_string("etc/fly-autoscaler.yml").unwrap();
    // Prose, since the file's own counts and `process-groups` exclude each other.
    let (before, example) = text.split_once("#     process-groups:\n").unwrap();
    let note = before.rsplit("\n\n").next().unwrap();
    let (note, _) = note.split_once("it takes from").unwrap();
    for setting in GROUP_SETTINGS.iter().filter(|own| own.kind != Kind::Expression) {
        let name = in_section(setting.key).map_or(setting.key, |(section, _)| section);
        assert!(note.contains(name), "{} is missing", setting.key);
    }
    let lines = example.lines().map_while(|line| line.strip_prefix("#     "));
    let groups: String = lines.map(|line| format!("{line}\n")).collect();
    let yaml = format!("app-name: my-app\nprocess-groups:\n{groups}{COLLECTORS}");
    let loaded = with_yaml(&yaml, &[]).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(loaded.config.groups.len(), 2);
}

/// The metrics that the examples read.
const COLLECTORS: &str = "metric-collectors:
  - {type: prometheus, metric-name: queue_depth, address: 'http://p', query: up}
  - {type: prometheus, metric-name: traffic, address: 'http://p', query: up}
";

/// The annotated file: prose behind `# `, settings behind `#` alone or bare.
#[test]
fn the_annotated_file_has_every_key_with_its_default_and_its_variable() {
    let text = std::fs::read_to_string("etc/fly-autoscaler.yml").unwrap();
    let is_there = |key: &str| {
        text.lines().any(|line| {
            let line = line.trim_start_matches(['#', ' ', '-']);
            line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':'))
        })
    };
    assert!([METRIC_COLLECTORS, PER_REGION, PROCESS_GROUPS].into_iter().all(is_there));
    for setting in SETTINGS.iter().chain(COLLECTOR_SETTINGS) {
        let is_said = match in_section(setting.key) {
            // Its variable below is what tells the two sections apart.
            Some((section, key)) => is_there(section) && is_there(key),
            None => is_there(setting.key),
        };
        assert!(is_said, "{} is missing", setting.key);
        if let Some(env) = setting.env {
            assert!(text.contains(env), "{env} is missing");
        }
        if let Some(default) = setting.default {
            let doc = format!("Default {default}");
            assert!(text.contains(&doc), "{}: `{doc}` is missing", setting.key);
        }
    }
}

/// A certificate and its key.
fn pair() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

#[test]
fn the_annotated_file_is_valid_with_and_without_its_comments() {
    let (certificate, key) = pair();
    let env = [
        ("PROMETHEUS_TOKEN", "t"),
        ("FLY_DEPLOY_TOKEN", "t"),
        ("HTTP_TOKEN", "as-long-as-needed"),
        ("TEMPORAL_API_KEY", "t"),
        ("TEMPORAL_CERT", certificate.as_str()),
        ("TEMPORAL_KEY", key.as_str()),
    ];
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

/// A variable of `[env]` in etc/fly.toml, and its value.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.trim().split_once(" = ")?;
    let value = value.split(" # ").next().unwrap_or(value).trim().trim_matches('"');
    Some((name.to_owned(), value.to_owned()))
}

#[test]
fn the_example_of_a_deployment_says_everything_by_variables() {
    let text = std::fs::read_to_string("etc/fly.toml").unwrap();
    let section = text.split("[env]").nth(1).unwrap().split("\n[").next().unwrap();
    let secrets = ["FAS_API_TOKEN", "FAS_PROMETHEUS_TOKEN"];
    let secrets = secrets.map(|name| (name.to_owned(), "t".to_owned()));
    let is_on = |line: &&str| !line.trim().starts_with('#');
    let mut env: BTreeMap<String, String> =
        section.lines().filter(is_on).filter_map(variable).chain(secrets).collect();
    let loaded = load(&FlagValues::default(), &env.clone().into_iter().collect::<MapEnv>());
    let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    assert_eq!(loaded.config.collectors.len(), 1);

    // The same with what it offers instead: every region by its own traffic.
    env.remove("FAS_STARTED_MACHINE_COUNT");
    let (_, offered) = section.split_once("Instead of").unwrap();
    let offered = offered.lines().skip(1).map_while(|line| line.trim().strip_prefix("# "));
    env.extend(offered.filter_map(variable));
    let loaded = load(&FlagValues::default(), &env.into_iter().collect::<MapEnv>());
    let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings(&loaded), Vec::<String>::new());
    let [group] = loaded.config.groups.as_slice() else { panic!("one group") };
    assert_eq!((group.policy.regions.listed().len(), group.per_region.own.len()), (3, 1));
    assert!(group.per_region.every.started_min.is_some());
    assert_eq!((group.policy.always_running.len(), group.policy.excluded_regions.len()), (1, 1));
}
