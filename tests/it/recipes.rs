//! Each file in `etc/recipes`, as it is, does what its first line says.

mod app_wide;
mod per_region;
mod placer;
mod steady;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fly_autoscaler::config::{Config, FlagValues, MapEnv, SourceConfig, load};
use fly_autoscaler::model::Timestamp;
use fly_autoscaler::sim::{AppSpec, Simulator};

use crate::placement::driven::Driven;

const MINUTE: Duration = Duration::from_secs(60);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("etc/recipes")
}

/// The recipe of that name with the variables that it asks for, turned from Fly towards a simulator.
fn config(name: &str, sim: &Simulator) -> Config {
    let [yaml, toml] = ["yml", "toml"].map(|end| folder().join(format!("{name}.{end}")));
    let is_yaml = yaml.exists();
    let text = fs::read_to_string(if is_yaml { &yaml } else { &toml }).unwrap();
    let url = sim.url();
    let mut env = vec![
        ("FAS_API_TOKEN", "fm2_test"),
        ("FLY_FLAPS_BASE_URL", url.as_str()),
        ("FLY_API_BASE_URL", url.as_str()),
    ];
    let mut flags = FlagValues::default();
    if is_yaml {
        flags = flags.with_config(yaml.to_str().unwrap());
    } else {
        env.extend(variables(&text));
    }
    if text.contains("$FAS_PROMETHEUS_TOKEN") {
        env.push(("FAS_PROMETHEUS_TOKEN", "fm2_read_only"));
    }
    let env: MapEnv = env.into_iter().collect();
    let loaded = load(&flags, &env).unwrap_or_else(|errors| panic!("{name}: {errors}"));
    assert!(loaded.warnings.is_empty(), "{name}: {:?}", loaded.warnings);
    let mut config = loaded.config;
    for collector in &mut config.collectors {
        let SourceConfig::Prometheus(source) = &mut collector.source else { continue };
        assert_eq!(source.address, "https://api.fly.io/prometheus/my-org");
        source.address = sim.prometheus_url("my-org");
    }
    for metric in config.groups.iter_mut().filter_map(|group| group.stop_metric.as_mut()) {
        metric.address = sim.prometheus_url("my-org");
    }
    config
}

/// The variables that a fly.toml sets.
fn variables(toml: &str) -> Vec<(&str, &str)> {
    let section = toml.split("\n[env]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let lines = section.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(" = "));
    pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

/// The app that every recipe scales.
fn my_app() -> AppSpec {
    AppSpec::new("my-app", "my-org")
}

/// Runs the recipe of that name on an app, from a Monday's noon on.
async fn run(name: &str, app: &AppSpec) -> Driven {
    let noon = Timestamp::parse_rfc3339("2026-03-02T12:00:00Z").unwrap();
    run_from(name, app, noon).await
}

async fn run_from(name: &str, app: &AppSpec, start: Timestamp) -> Driven {
    let mut driven = Driven::new(start, app).await;
    let config = config(name, &driven.sim);
    driven.scale(&config);
    driven
}

#[test]
fn every_recipe_is_listed_and_run() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    assert!(files.len() > 2, "{files:?}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let section = readme.split("\n## Recipes").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| line.strip_prefix("| [`"))
        .map(|line| line.split_once("`](etc/recipes/").unwrap())
        .map(|(name, rest)| {
            let file = rest.split_once(')').unwrap().0;
            assert!(file.starts_with(&format!("{name}.")), "{name} leads to {file}");
            file.to_owned()
        })
        .collect();
    assert_eq!(listed, files);
    let tests: String = fs::read_dir(root.join("tests/it/recipes"))
        .unwrap()
        .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
        .collect();
    for file in files {
        let name = file.split('.').next().unwrap();
        let is_run =
            ["run", "run_from"].iter().any(|run| tests.contains(&format!("{run}(\"{name}\"")));
        assert!(is_run, "{file} is run by no test");
    }
}
