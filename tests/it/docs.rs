//! Documents must stay true: what they name exists, and what exists is named.

mod migrating;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::config::setting::{
    COLLECTOR_SETTINGS, REGION_SETTINGS, SETTINGS, VARIABLES, region_variable,
};
use fly_autoscaler::model::Region;
use fly_autoscaler::sim::{AppSpec, Load, SimOptions, Simulator};
use regex::Regex;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files under `folder` that end in one of `extensions`, relative to the root.
fn files(folder: &str, extensions: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if !["target", ".git", "node_modules"].contains(&name) {
                    folders.push(path);
                }
            } else if extensions.iter().any(|extension| name.ends_with(extension)) {
                found.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

/// All Markdown, and what is beside the code for people to copy.
fn documents() -> Vec<String> {
    let mut documents = files(".", &[".md"]);
    assert!(documents.iter().any(|name| name == "README.md"));
    documents.extend(files("etc", &[".toml", ".yml"]));
    documents.push("fly-autoscaler.yml".into());
    documents
}

/// The cells of every table row in `text` whose first cell is code.
fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split(" | ").map(|cell| cell.trim().into()).collect())
        .collect()
}

/// Every `code` in `text`.
fn codes(text: &str) -> BTreeSet<String> {
    let code = Regex::new("`([^`]+)`").unwrap();
    code.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_reason_is_explained_with_its_weight() {
    let source = read("src/decide/reason/code.rs");
    let section = |from: &str, to: &str| {
        let start = source.find(from).unwrap();
        source[start..start + source[start..].find(to).unwrap()].to_owned()
    };
    let code = Regex::new(r#"Self::(\w+)(?: \{ \.\. \})? => "(\w+)""#).unwrap();
    let code_arms = section("pub fn code(", "pub fn weight(");
    let code_of: BTreeMap<String, String> =
        code.captures_iter(&code_arms).map(|arm| (arm[1].into(), arm[2].into())).collect();
    let weight_arms = section("pub fn weight(", "\n}\n");
    let mut in_code = BTreeMap::new();
    for arm in weight_arms.split_inclusive("Weight::").collect::<Vec<_>>().windows(2) {
        let weight = all(r"^(\w+)", arm[1]).pop_first().unwrap().to_lowercase();
        for variant in all(r"Self::(\w+)", arm[0]) {
            in_code.insert(code_of[&variant].clone(), weight.clone());
        }
    }
    assert_eq!(in_code.len(), code_of.len(), "the weights were not read");
    let in_docs: BTreeMap<String, String> = rows(&read("docs/reasons.md"))
        .into_iter()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()))
        .collect();
    assert_eq!(in_docs, in_code);
}

#[test]
fn every_metric_is_explained_with_its_labels() {
    let name = Regex::new(r#"= "(fas_\w+)" \[([^\]]*)\]"#).unwrap();
    let in_code: BTreeMap<String, BTreeSet<String>> = name
        .captures_iter(&read("src/telemetry/names.rs"))
        .map(|found| (found[1].to_owned(), all(r#""(\w+)""#, &found[2])))
        .collect();
    assert!(in_code.len() > 10, "the names were not read");
    let text = read("docs/operating.md");
    let in_docs: BTreeMap<String, BTreeSet<String>> = rows(&text)
        .into_iter()
        .filter(|row| row[0].starts_with("`fas_"))
        .map(|row| (row[0].trim_matches('`').to_owned(), codes(&row[1])))
        .collect();
    assert_eq!(in_docs, in_code);
    for document in documents().into_iter().filter(|name| name.ends_with(".md")) {
        for mentioned in all(r"\b(fas_[a-z_]+[a-z])\b", &read(&document)) {
            assert!(in_code.contains_key(&mentioned), "{document}: no metric {mentioned}");
        }
    }
}

/// Every message in the table of log lines is one that the code has.
#[test]
fn every_log_line_that_is_explained_exists() {
    let code: String = ["src", "cmd"]
        .into_iter()
        .flat_map(|folder| files(folder, &[".rs"]))
        .map(|path| read(&path))
        .collect();
    let text = read("docs/operating.md");
    let section = text.split("\n## Log").nth(1).unwrap().split("\n## ").next().unwrap();
    let messages: Vec<String> = rows(section).iter().flat_map(|row| codes(&row[0])).collect();
    assert!(messages.len() > 10, "{messages:?}");
    for message in messages {
        let begin = message.trim_end_matches("...");
        assert!(code.contains(&format!("\"{begin}")), "no log line begins with `{begin}`");
    }
}

#[test]
fn variables_that_are_named_exist() {
    let settings = SETTINGS.iter().chain(REGION_SETTINGS).chain(COLLECTOR_SETTINGS);
    let known: BTreeSet<&str> = settings
        .filter_map(|setting| setting.env)
        .chain(VARIABLES.iter().map(|variable| variable.name))
        .collect();
    // An example of a misspelling, which is what it is named for.
    let misspelt = "FAS_MAX_MACHINE_COUNT";
    let in_these = ["docs/differences.md", "docs/migrating.md"];
    for document in documents() {
        for name in all(r"\b(FAS_[A-Z][A-Z_]*)", &read(&document)) {
            // `FAS_PROMETHEUS_*` stands for all that begin so.
            let is_known = known.contains(name.as_str())
                || region_variable(&name).is_some()
                || (name.ends_with('_') && known.iter().any(|own| own.starts_with(&name)))
                || (name == misspelt && in_these.contains(&document.as_str()));
            assert!(is_known, "{document}: no variable {name}");
        }
    }
}

#[test]
fn the_readme_says_what_the_table_of_settings_says() {
    let text = read("README.md");
    let section = text.split("\n## Settings").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = rows(section);
    assert!(rows.len() > 10, "{rows:?}");
    for row in rows {
        let key = row[0].trim_matches('`');
        let setting = SETTINGS.iter().chain(COLLECTOR_SETTINGS).find(|own| own.key == key);
        let setting = setting.unwrap_or_else(|| panic!("no setting {key}"));
        let code = |text: Option<&str>| text.map_or("-".to_owned(), |text| format!("`{text}`"));
        assert_eq!((&row[1], &row[2]), (&code(setting.env), &code(setting.default)), "{key}");
    }
}

#[test]
fn relative_links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let heading = Regex::new(r"(?m)^#+ (.*)$").unwrap();
    for document in files(".", &[".md"]) {
        let folder = Path::new(&document).parent().unwrap();
        for found in link.captures_iter(&read(&document)) {
            let target = &found[1];
            if target.contains("://") || target.starts_with('#') {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = root().join(folder).join(path);
            assert!(path.exists(), "{document}: {target} does not exist");
            let is_there = anchor.is_empty() || {
                let text = fs::read_to_string(&path).unwrap();
                heading
                    .captures_iter(&text)
                    .any(|title| title[1].to_lowercase().replace(' ', "-") == anchor)
            };
            assert!(is_there, "{document}: {target} has no such heading");
        }
    }
}

/// Every row names a test that is one, or says why there is none.
#[test]
fn tests_that_are_named_exist() {
    let test =
        Regex::new(r"#\[(?:tokio::)?test[^\n]*\n(?:\s*#\[[^\n]*\n)*\s*(?:async )?fn (\w+)\(");
    let test = test.unwrap();
    let sources = ["tests", "src"].into_iter().flat_map(|folder| files(folder, &[".rs"]));
    let mut tests = BTreeSet::new();
    for text in sources.map(|path| read(&path)) {
        tests.extend(test.captures_iter(&text).map(|found| found[1].to_owned()));
    }
    let text = read("docs/differences.md");
    for bug in 1..=13 {
        assert!(text.contains(&format!("`bug_{bug:02}_")), "bug {bug} is not there");
    }
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
    let mut count = 0;
    for row in rows {
        let last = row.trim_end_matches(" |").rsplit(" | ").next().unwrap_or_default();
        let named = codes(last);
        assert!(!named.is_empty() || last.starts_with("untested: "), "no test in: {row}");
        for name in named {
            assert!(tests.contains(&name), "no test is called {name}");
        }
        count += 1;
    }
    assert!(count > 60, "{count} rows were found");
}

#[test]
fn no_document_names_a_place_on_somebodys_machine() {
    let place = Regex::new(r"(?m)(^|[\s`'(=])/(work|root|home|tmp|Users|mnt)/").unwrap();
    for document in documents() {
        assert!(!place.is_match(&read(&document)), "{document}");
    }
}

/// The command's output as it stands in the README behind `<!-- output:NAME -->`, without the line of
/// the command.
fn shown(name: &str) -> String {
    shown_in("README.md", name)
}

/// The same in any document.
fn shown_in(document: &str, name: &str) -> String {
    let text = read(document);
    let marked = text.split(&format!("<!-- output:{name} -->\n```console\n$ ")).nth(1).unwrap();
    let block = marked.split("```\n<!-- /output -->").next().unwrap();
    block.split_once('\n').unwrap().1.to_owned()
}

fn output(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"))
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_two_commands_of_the_readme_exist() {
    let text = read("README.md");
    assert!(text.contains("\ncargo run --release -- demo "));
    assert!(output(&["demo", "--help"]).contains("Usage: fly-autoscaler demo"));
    assert!(text.contains("\ntests/run "));
    assert!(
        Command::new(root().join("tests/run")).arg("--help").output().unwrap().status.success()
    );
}

#[test]
fn the_readme_shows_what_an_expression_comes_to() {
    let arguments = ["eval", "ceil(queue_depth / 10)", "--var", "queue_depth=42"];
    assert!(
        read("README.md")
            .contains("$ fly-autoscaler eval 'ceil(queue_depth / 10)' --var queue_depth=42\n")
    );
    assert_eq!(output(&arguments), shown("eval-expression"));
}

/// What the world of the README's examples makes the binary print: an app with three machines that run
/// and three that wait, a queue of 42, and the settings of `etc/fly.toml`.
#[tokio::test]
async fn the_readme_shows_what_eval_and_plan_print() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let app =
        AppSpec::new("my-app", "my-org").with_machines("iad", 2, 3).with_machines("lhr", 1, 0);
    sim.world().add_app(&app);
    sim.world().set_queue_depth(&app.name, Some(42.0)).unwrap();
    let printed = async |subcommand: &'static str, query: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
        command.arg(subcommand).env_clear().envs([
            ("FLY_FLAPS_BASE_URL", sim.url().as_str()),
            ("FLY_API_BASE_URL", sim.url().as_str()),
            ("FAS_API_TOKEN", "secret"),
            ("FAS_APP_NAME", "my-app"),
            ("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)"),
            ("FAS_PROMETHEUS_ADDRESS", sim.prometheus_url("my-org").as_str()),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_PROMETHEUS_QUERY", query),
        ]);
        // The simulator runs on this thread and has to answer meanwhile.
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{subcommand}: {output:?}");
        without_time(&String::from_utf8(output.stdout).unwrap())
    };
    let query = r#"sum(queue_depth{app="$APP_NAME"})"#;
    assert_eq!(printed("eval", query).await, shown("eval"));
    assert_eq!(printed("plan", query).await, without_time(&shown("plan")));
    assert_eq!(printed("plan", "sum(nope)").await, without_time(&shown("plan-held")));
}

/// The variables of the README's two regions do what stands below them.
#[tokio::test]
async fn the_readme_shows_what_two_regions_get() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    let mut app =
        AppSpec::new("my-app", "my-org").with_machines("lhr", 1, 3).with_machines("iad", 2, 1);
    let traffic = [("lhr", 120.0), ("iad", 30.0), ("fra", 50.0)];
    let traffic = traffic.map(|(region, rate)| (Region::new(region), rate));
    app.load = Load::Fixed { traffic: traffic.into(), queue_depth: None };
    sim.world().add_app(&app);
    let text = read("README.md");
    let section = text.split("\n### Machines where the traffic is\n").nth(1).unwrap();
    let block = section.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let line = Regex::new(r#"(?m)^(\w+) = "([^"]*)""#).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fly-autoscaler"));
    command.arg("plan").env_clear();
    for pair in line.captures_iter(block) {
        command.env(&pair[1], &pair[2]);
    }
    command.envs([
        ("FLY_FLAPS_BASE_URL", sim.url()),
        ("FLY_API_BASE_URL", sim.url()),
        ("FAS_API_TOKEN", "secret".to_owned()),
        ("FAS_PROMETHEUS_ADDRESS", sim.prometheus_url("my-org")),
    ]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(without_time(&printed), without_time(&shown("plan-regions")), "{printed}");
}

/// The same with the time of the plan taken out.
fn without_time(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix("my-app at ") {
        Some(_) => "my-app at TIME\n".to_owned(),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}
