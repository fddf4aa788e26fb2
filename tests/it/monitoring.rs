//! `etc/grafana-dashboard.json` and `etc/alerts.yml`: what they ask for exists, and the rules fire when they should.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::closed_loop::{skipped, wanted};

/// What any scrape adds, and what a histogram has.
const ADDED: [&str; 3] = ["job", "instance", "le"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn dashboard() -> Value {
    serde_json::from_str(&read("etc/grafana-dashboard.json")).unwrap()
}

/// The metrics that the code has, with their labels.
fn metrics() -> BTreeMap<String, BTreeSet<String>> {
    let name = Regex::new(r#"= "(fas_\w+)" \[([^\]]*)\]"#).unwrap();
    let label = Regex::new(r#""(\w+)""#).unwrap();
    let text = read("src/telemetry/names.rs");
    let metrics = name.captures_iter(&text).map(|found| {
        let labels = label.captures_iter(&found[2]).map(|own| own[1].to_owned());
        (found[1].to_owned(), labels.collect())
    });
    metrics.collect()
}

/// The metric of a series: one of a histogram has its suffix.
fn metric_of(series: &str) -> &str {
    ["_bucket", "_count", "_sum"]
        .iter()
        .find_map(|suffix| series.strip_suffix(suffix).filter(|own| own.ends_with("_seconds")))
        .unwrap_or(series)
}

/// Every string under the key `name`, wherever it is.
fn strings(value: &Value, name: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(own) => own.iter().for_each(|(key, value)| match value {
            Value::String(text) if key == name => found.push(text.clone()),
            value => strings(value, name, found),
        }),
        Value::Array(own) => own.iter().for_each(|value| strings(value, name, found)),
        _ => {}
    }
}

/// The queries of the dashboard, as Prometheus gets them.
fn dashboard_queries() -> Vec<String> {
    let mut found = Vec::new();
    strings(&dashboard(), "expr", &mut found);
    found.iter().map(|text| with_values(text)).collect()
}

fn with_values(text: &str) -> String {
    [
        ("$__rate_interval", "5m"),
        ("$__interval", "1m"),
        ("$__range", "1h"),
        ("$app_label", "app"),
        ("$region_label", "region"),
        ("$job", ".*"),
        ("$instance", ".*"),
        ("$app", "web"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (variable, value)| text.replace(variable, value))
}

/// The expressions of the rules.
fn rule_queries() -> Vec<String> {
    let text = read("etc/alerts.yml");
    let expr = Regex::new(r"(?ms)^        expr: (?:>-\n)?(.*?)\n        for: ").unwrap();
    expr.captures_iter(&text).map(|found| found[1].to_owned()).collect()
}

fn all(pattern: &str, text: &str) -> Vec<String> {
    let pattern = Regex::new(pattern).unwrap();
    pattern.captures_iter(text).map(|found| found[1].to_owned()).collect()
}

#[test]
fn every_series_that_is_asked_for_exists_with_its_labels() {
    let metrics = metrics();
    let series = Regex::new(r"\b(fas_\w+)(?:\{([^}]*)\})?").unwrap();
    let queries = [dashboard_queries(), rule_queries()].concat();
    assert!(queries.len() > 60, "{} queries were found", queries.len());
    for query in queries {
        let mut labels: BTreeSet<String> = ADDED.map(str::to_owned).into();
        for found in series.captures_iter(&query) {
            let name = metric_of(&found[1]);
            let own = metrics.get(name).unwrap_or_else(|| panic!("no metric {name}: {query}"));
            let matched = found.get(2).map_or("", |own| own.as_str());
            for label in all(r"(\w+)\s*(?:=~|!~|!=|=)", matched) {
                let is_known = own.contains(&label) || ADDED.contains(&label.as_str());
                assert!(is_known, "{name} has no label {label}: {query}");
            }
            labels.extend(own.iter().cloned());
        }
        for by in all(r"\bby \(([^)]*)\)", &query) {
            let is_known = |label: &str| labels.contains(label.trim());
            assert!(by.split(',').all(is_known), "by ({by}): {query}");
        }
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let shown: BTreeSet<String> = dashboard_queries()
        .iter()
        .flat_map(|query| all(r"\b(fas_\w+)", query))
        .map(|series| metric_of(&series).to_owned())
        .collect();
    let missing: Vec<_> = metrics().into_keys().filter(|name| !shown.contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn legends_and_variables_name_labels_that_there_are() {
    let metrics = metrics();
    let mut legends = Vec::new();
    strings(&dashboard(), "legendFormat", &mut legends);
    let mut known: BTreeSet<&str> =
        metrics.values().flatten().map(String::as_str).chain(ADDED).collect();
    known.extend(["exported_app", "exported_region"]);
    for legend in legends {
        for label in all(r"\{\{(\w+)\}\}", &legend) {
            assert!(known.contains(label.as_str()), "{legend}");
        }
    }
    for variable in dashboard()["templating"]["list"].as_array().unwrap() {
        for name in all(r"\b(fas_\w+)", variable["definition"].as_str().unwrap_or_default()) {
            assert!(metrics.contains_key(&name), "{variable}");
        }
    }
}

#[test]
fn panels_have_numbers_of_their_own_places_and_the_data_source_that_was_chosen() {
    let dashboard = dashboard();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut numbers = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(numbers.insert(panel["id"].as_u64().unwrap()), "{title}");
        let place = ["x", "y", "w", "h"].map(|key| panel["gridPos"][key].as_u64().unwrap());
        let [x, y, width, height] = place;
        assert!(x + width <= 24, "{title}");
        for cell in (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{title} lies over another");
        }
        let is_row = panel["type"] == "row";
        assert!(is_row || !panel["description"].as_str().unwrap().is_empty(), "{title}");
    }
    let mut sources = Vec::new();
    strings(&dashboard, "uid", &mut sources);
    let own = dashboard["uid"].as_str().unwrap();
    assert!(sources.iter().all(|uid| uid == "${datasource}" || uid == own), "{sources:?}");
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&str> = variables.iter().map(|own| own["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["datasource", "job", "instance", "app_label", "region_label", "app"]);
    assert_eq!(variables[0]["type"], "datasource");
}

#[test]
fn every_rule_says_what_to_do_and_is_tried() {
    let (rules, tried) = (read("etc/alerts.yml"), read("tests/testdata/alerts_test.yml"));
    let mut parts = rules.split("\n      - alert: ");
    parts.next();
    let mut count = 0;
    for rule in parts {
        let name = rule.lines().next().unwrap();
        let has = |text: &str| rule.contains(text);
        assert!(has("severity: critical") || has("severity: warning"), "{name}");
        assert!(has("summary: ") && has("description: ") && has("for: "), "{name}");
        let fires = format!("alertname=\"{name}\"");
        assert!(tried.contains(&fires), "{name} is never seen to fire");
        let runbook = all(r"runbook: (\S+)", rule).pop().unwrap_or_else(|| panic!("{name}"));
        let (path, anchor) = runbook.split_once('#').unwrap_or((runbook.as_str(), ""));
        let headings = all(r"(?m)^#+ (.*)$", &read(path));
        let leads = |title: &String| title.to_lowercase().replace(' ', "-") == anchor;
        assert!(anchor.is_empty() || headings.iter().any(leads), "{name}: {runbook}");
        count += 1;
    }
    assert_eq!(count, rule_queries().len());
    let in_docs = all(r"`(FlyAutoscaler\w+)`", &read("docs/operating.md"));
    let named = all(r"alert: (\w+)", &rules);
    assert_eq!(in_docs.into_iter().collect::<BTreeSet<_>>(), named.into_iter().collect());
}

/// What `promtool` says to this, and whether it is content.
fn promtool(arguments: &[&str]) -> Option<(bool, String)> {
    if !wanted() {
        skipped("promtool");
        return None;
    }
    let output = Command::new("promtool").current_dir(root()).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].map(|own| String::from_utf8(own).unwrap()).concat();
    Some((output.status.success(), text))
}

#[test]
fn the_rules_fire_when_they_should_and_are_silent_else() {
    for arguments in
        [["check", "rules", "etc/alerts.yml"], ["test", "rules", "tests/testdata/alerts_test.yml"]]
    {
        let Some((is_content, text)) = promtool(&arguments) else { return };
        assert!(is_content, "{text}");
    }
}

#[test]
fn prometheus_understands_every_query_of_the_dashboard() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("queries.yml");
    let mut text = "groups:\n- name: queries\n  rules:\n".to_owned();
    for (number, query) in dashboard_queries().iter().enumerate() {
        text += &format!("  - record: query_{number}\n    expr: {}\n", Value::from(query.as_str()));
    }
    fs::write(&path, text).unwrap();
    let Some((is_content, text)) = promtool(&["check", "rules", path.to_str().unwrap()]) else {
        return;
    };
    assert!(is_content, "{text}");
}
