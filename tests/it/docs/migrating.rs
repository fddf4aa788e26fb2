//! `docs/migrating.md`: every output in it is that of the binary in the world that it describes.

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::sim::{AppSpec, Endpoint, Load, SimOptions, Simulator};
use regex::Regex;

use super::{read, shown_in};
use crate::cli::{Ran, fly_autoscaler};
use crate::faults;
use crate::running::{Autoscaler, until};

const GUIDE: &str = "docs/migrating.md";

/// `my-app`: five machines that run, one that waits, and 22 jobs.
async fn fly() -> Simulator {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let mut app =
        AppSpec::new("my-app", "my-org").with_machines("iad", 3, 1).with_machines("lhr", 2, 0);
    app.load = Load::Fixed { traffic: [].into(), queue_depth: Some(22.0) };
    sim.world().add_app(&app);
    sim
}

/// The `[env]` of the guide's `fly.toml`, the secrets, and where this Fly is.
fn variables(sim: &Simulator) -> Vec<(String, String)> {
    let text = read(GUIDE);
    let section = text.split("[env]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let line = Regex::new(r#"^  (\w+) = ["'](.*)["']$"#).unwrap();
    let pairs = section.lines().map(|text| line.captures(text).unwrap_or_else(|| panic!("{text}")));
    let mut variables: Vec<(String, String)> = pairs
        .map(|pair| (pair[1].to_owned(), pair[2].to_owned()))
        .filter(|(name, _)| name != "FAS_PROMETHEUS_ADDRESS")
        .collect();
    assert_eq!(variables.len(), 5, "{variables:?}");
    let given = [
        ("FAS_PROMETHEUS_ADDRESS", sim.prometheus_url("my-org")),
        ("FAS_API_TOKEN", "fm2_api".to_owned()),
        ("FAS_PROMETHEUS_TOKEN", "fm2_prometheus".to_owned()),
        ("FLY_FLAPS_BASE_URL", sim.url()),
        ("FLY_API_BASE_URL", sim.url()),
    ];
    variables.extend(given.map(|(name, value)| (name.to_owned(), value)));
    variables
}

fn borrowed(variables: &[(String, String)]) -> Vec<(&str, &str)> {
    variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn run(sim: &Simulator, arguments: &[&str], more: &[(&str, &str)]) -> Ran {
    let variables = variables(sim);
    fly_autoscaler(arguments).env(&borrowed(&variables)).env(more).run_beside().await
}

/// `text` as the guide has it: with Fly's own address instead of this one's, and without what differs from
/// run to run.
fn steady(text: &str, sim: &Simulator) -> String {
    let text = text.replace(&sim.prometheus_url("my-org"), "https://api.fly.io/prometheus/my-org");
    [
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME"),
        (r#""duration_seconds":[\d.]+"#, r#""duration_seconds":SECONDS"#),
        (r"  +", "  "),
    ]
    .iter()
    .fold(text, |text, (pattern, by)| {
        Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned()
    })
}

fn assert_shown(name: &str, text: &str, sim: &Simulator) {
    let (ours, shown) = (steady(text, sim), steady(&shown_in(GUIDE, name), sim));
    assert_eq!(ours, shown, "{name} in {GUIDE} should be:\n{text}");
}

#[tokio::test]
async fn the_guide_shows_what_check_eval_and_plan_print() {
    let sim = fly().await;
    let check = run(&sim, &["check"], &[]).await;
    assert_eq!(check.code, Some(0), "{check}");
    // The note of what stderr says comes first: it is not in the pipe.
    let set = check.stdout.lines().filter(|line| line.contains("FAS_"));
    let set: String = set.map(|line| format!("{line}\n")).collect();
    assert_shown("check", &format!("{}{set}", check.stderr), &sim);

    let invented = run(&sim, &["check"], &[("FAS_MAX_MACHINE_COUNT", "10")]).await;
    assert_eq!(invented.code, Some(2), "{invented}");
    assert_shown("check-unknown", &invented.stderr, &sim);

    let eval = run(&sim, &["eval"], &[]).await;
    assert_shown("eval", &eval.stdout, &sim);
    let plan = run(&sim, &["plan"], &[]).await;
    assert_eq!((plan.code, plan.stderr.as_str()), (Some(0), ""), "{plan}");
    assert_shown("plan", &plan.stdout, &sim);
}

#[tokio::test]
async fn the_guide_shows_what_a_dry_run_logs() {
    let sim = fly().await;
    let mut variables = variables(&sim);
    variables.push(("FAS_DRY_RUN".into(), "true".into()));
    let before = sim.world().machines(&my_app()).unwrap();
    let scaler = Autoscaler::start(&borrowed(&variables)).await;
    let told = || scaler.program.told();
    let lines = until("what would be done with three machines", told, async || {
        let written = scaler.program.written();
        let would = written.lines().filter(|line| line.contains(r#""msg":"would "#));
        let lines: Vec<String> = would.map(|line| format!("{line}\n")).collect();
        if lines.len() == 3 { Ok(lines.concat()) } else { Err(written) }
    })
    .await;
    assert_shown("dry-run", &lines, &sim);
    assert_eq!(sim.world().total(Endpoint::LeaseAcquire), 0);
    assert_eq!(sim.world().machines(&my_app()).unwrap(), before);
}

/// Several collectors in a file, `-config` with one dash, the token under the name of the first version.
#[tokio::test]
async fn a_file_of_upstream_works_with_the_flags_of_upstream() {
    let sim = fly().await;
    sim.world().set_gauge(&my_app(), "players", &[], 30.0).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("fas.yml");
    let address = sim.prometheus_url("my-org");
    let collector = |name: &str| {
        format!(
            "  - type: \"prometheus\"\n    metric-name: \"{name}\"\n    address: \"{address}\"\n    \
             query: \"sum({name}{{app='$APP_NAME'}})\"\n    token: \"$FAS_PROMETHEUS_TOKEN\"\n"
        )
    };
    let head = "app-name: \"my-app\"\nregions: [\"iad\", \"lhr\"]\nprocess-group: \"app\"\n\
                started-machine-count: \"max(2, ceil((queue_depth + players) / 10))\"\nmetric-collectors:\n";
    let yaml = [head, &collector("queue_depth"), &collector("players")].concat();
    std::fs::write(&file, yaml).unwrap();
    let arguments = |command| [command, "-config", file.to_str().unwrap()];
    let env = [
        ("FLY_ACCESS_TOKEN", "fm2_api"),
        ("FAS_PROMETHEUS_TOKEN", "fm2_prometheus"),
        ("FLY_FLAPS_BASE_URL", &sim.url()),
        ("FLY_API_BASE_URL", &sim.url()),
    ];
    for command in ["check", "eval", "plan"] {
        let ran = fly_autoscaler(&arguments(command)).env(&env).run_beside().await;
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(!ran.stderr.contains("warning"), "{ran}");
        let told = match command {
            "check" => ran.stderr == "the configuration is valid\n",
            "eval" => ran.stdout.contains("\"min\": 6,"),
            _ => ran.stdout.ends_with("\nwould start 1 machine\n"),
        };
        assert!(told, "{command}: {ran}");
    }
}

fn my_app() -> fly_autoscaler::model::AppName {
    fly_autoscaler::model::AppName::new("my-app")
}

/// What going back finds: the marks on machines that it made, and nothing else of its own.
#[tokio::test]
async fn all_that_it_leaves_behind_is_two_marks_on_the_machines_that_it_made() {
    let stage = faults::Stage::new(1, 0, 20.0).await;
    let before = stage.sim.world().machines(&faults::web()).unwrap();
    let mut scaler = stage.scaler("s1", &[faults::CREATED]);
    stage.settles(&mut scaler, (2, 2), "one more").await;
    let machines = stage.sim.world().machines(&faults::web()).unwrap();
    let (old, new): (Vec<_>, Vec<_>) = machines.iter().partition(|own| own.id == before[0].id);
    assert_eq!(old[0].config, before[0].config);
    let keys = |value: &serde_json::Value| -> BTreeSet<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    let (old, new) = (&old[0].config["metadata"], &new[0].config["metadata"]);
    let added: Vec<String> = keys(new).difference(&keys(old)).cloned().collect();
    assert_eq!(added, ["fly_autoscaler", "fly_autoscaler_create_id"]);
    for key in added {
        assert!(read(GUIDE).contains(&format!("`{key}`")), "{key}");
    }
}
