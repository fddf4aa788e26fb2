//! The OpenAPI document against what is served.

use std::collections::BTreeSet;
use std::sync::Arc;

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::http::ROUTES;
use fly_autoscaler::model::{AppName, Region};
use fly_autoscaler::sim::{AppSpec, Endpoint, FaultKind, FaultRule, Load, SimOptions, Simulator};
use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};

use super::{HTTP_TOKEN, fly, order, post, queue, readiness, serving_with};
use crate::running::{Autoscaler, until};

fn document() -> Value {
    serde_json::from_str(include_str!("../../../src/http/openapi.json")).unwrap()
}

/// The document's name for a path.
fn documented(path: &str) -> String {
    path.replace("{*path}", "{path}")
}

#[test]
fn every_route_is_in_the_document_and_nothing_else() {
    let document = document();
    let served: BTreeSet<(String, String)> =
        ROUTES.iter().map(|own| (documented(own.path), own.method.to_lowercase())).collect();
    let paths = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<(String, String)> = paths
        .flat_map(|(path, own)| {
            own.as_object().unwrap().keys().map(|verb| (path.clone(), verb.clone()))
        })
        .collect();
    assert_eq!(served, described);
}

#[test]
fn whatever_the_document_refers_to_is_in_it() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                found.extend(map.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
                map.values().for_each(|own| references(own, found));
            }
            Value::Array(all) => all.iter().for_each(|own| references(own, found)),
            _ => {}
        }
    }
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 100, "{}", found.len());
    for reference in found {
        let target = document.pointer(reference.strip_prefix('#').unwrap());
        assert!(target.is_some(), "{reference}");
    }
}

/// Fails where `answer` is not what the document says of this path, method and status.
fn assert_described(path: &str, verb: &str, status: u16, answer: &str) {
    let document = document();
    let bare = path.split('?').next().unwrap();
    let responses = &document["paths"][bare][verb]["responses"];
    let mut response = &responses[status.to_string()];
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).unwrap();
    }
    let schema = &response["content"]["application/json"]["schema"];
    assert!(schema.is_object(), "{verb} {path}: {status} is not described: {answer}");
    let answer: Value = serde_json::from_str(answer).unwrap();
    assert_is(schema, &answer, &format!("{verb} {path}: {status}"));
}

fn assert_is(schema: &Value, value: &Value, what: &str) {
    let mut schema = schema.clone();
    schema["components"] = document()["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut wrong = Vec::new();
    validator.iter_errors(value).for_each(|error| innermost(&error, &mut wrong));
    assert!(wrong.is_empty(), "{what}: {}\n{value:#}", wrong.join("\n"));
}

/// What is wrong in the end, where there were several ways to be right.
fn innermost(error: &ValidationError<'_>, wrong: &mut Vec<String>) {
    match error.kind() {
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            context.iter().flatten().for_each(|own| innermost(own, wrong));
        }
        _ => wrong.push(format!("{} at {}", error.masked(), error.instance_path())),
    }
}

/// All that is read of apps, as it is now.
async fn assert_all_described(scaler: &Autoscaler, app: &str) {
    let queries = [
        "/status",
        "/api/v1/apps",
        "/api/v1/status",
        "/api/v1/status?app=nobody",
        "/api/v1/status?what=1",
        "/api/v1/history?last=1h&limit=5",
        "/api/v1/history?kind=action&action=start&region=iad",
        "/api/v1/history?kind=nothing",
        "/api/v1/history?from=2026-01-01T00:00:00Z&until=1767225600000",
        "/api/v1/history?last=1h&from=0",
        "/api/v1/explain",
        "/api/v1/explain?last=1h&action=start&limit=3",
        "/api/v1/explain?last=1h&at=0",
        "/api/v1/chart?last=1h&points=50",
        "/api/v1/chart?points=0",
        "/api/v1/config",
        "/api/v1/config?app=web",
        "/api/v1/openapi.json",
    ];
    for path in queries {
        let needs_app = ["/explain", "/chart"].iter().any(|own| path.contains(own));
        let path = match (needs_app, path.contains('?')) {
            (true, true) => format!("{path}&app={app}"),
            (true, false) => format!("{path}?app={app}"),
            (false, _) => path.to_owned(),
        };
        let (status, answer) = scaler.get(&path).await;
        assert_described(&path, "get", status, &answer);
    }
}

async fn orders_are_described(scaler: &Autoscaler) {
    for (path, token) in [
        ("/api/v1/trigger", HTTP_TOKEN),
        ("/api/v1/pause", HTTP_TOKEN),
        ("/api/v1/trigger", HTTP_TOKEN),
        ("/api/v1/trigger?app=nobody", HTTP_TOKEN),
        ("/api/v1/trigger?apple=1", HTTP_TOKEN),
        ("/api/v1/pause", "a-token-that-is-not-it"),
        ("/api/v1/resume", HTTP_TOKEN),
    ] {
        let (status, answer) = post(scaler, path, token).await;
        assert_described(path, "post", status, &answer.to_string());
    }
}

#[tokio::test]
async fn every_answer_is_as_the_document_says_whatever_has_happened() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    // Acted, quiet, paused and not.
    queue(&sim, 30.0);
    orders_are_described(&scaler).await;
    assert_all_described(&scaler, "web").await;
    // Held: what cannot be measured.
    sim.world().set_queue_depth(&AppName::new("web"), None).unwrap();
    assert_eq!(order(&scaler, "/api/v1/trigger").await["tick"]["outcome"], "held");
    assert_all_described(&scaler, "web").await;
    // An action that fails, and machines that cannot be read.
    queue(&sim, 10.0);
    for endpoint in [Endpoint::Stop, Endpoint::List] {
        let kind = FaultKind::Status { code: 500, body: "{}".into(), retry_after: None };
        sim.world().inject(FaultRule::always(endpoint, kind));
        let answer = order(&scaler, "/api/v1/trigger").await;
        assert_eq!(answer["tick"]["outcome"], "failed", "{answer}");
        assert_described("/api/v1/trigger", "post", 200, &answer.to_string());
        assert_all_described(&scaler, "web").await;
    }
}

#[tokio::test]
async fn likewise_of_a_fleet_by_region_with_machines_that_come_and_go() {
    let sim = Simulator::start(SimOptions::new(Arc::new(SystemClock))).await.unwrap();
    for (name, traffic) in [("web-a", 90.0), ("web-b", 0.0)] {
        let mut spec =
            AppSpec::new(name, "acme").with_machines("iad", 1, 1).with_machines("lhr", 1, 0);
        spec.load = Load::Fixed {
            traffic: [("iad", traffic), ("lhr", 10.0), ("syd", 25.0)]
                .map(|(region, own)| (Region::new(region), own))
                .into(),
            queue_depth: None,
        };
        sim.world().add_app(&spec);
    }
    let collectors = format!(
        "metric-collectors:\n  - type: prometheus\n    metric-name: traffic\n    address: {}\n    \
         query: sum by (app, region) (rate(fly_edge_http_responses_count[1m]))\n    by: [app, region]\n\
         regions: [iad, lhr, syd]\nexcluded-regions: [gru]\nmin-machines: 1\nmax-machines: 9\n\
         per-region:\n  \"*\": {{created-machine-count: ceil(traffic / 10), started-machine-count: ceil(traffic / 20)}}\n",
        sim.prometheus_url("acme")
    );
    let scaler = serving_with(
        &sim,
        &[
            ("FAS_APP_NAME", "web-*"),
            ("FAS_ORG", "acme"),
            ("FAS_CONFIG_YAML", &collectors),
            ("FAS_STARTED_MACHINE_COUNT", ""),
            ("FAS_PROMETHEUS_ADDRESS", ""),
            ("FAS_PROMETHEUS_TOKEN", ""),
            ("FAS_PROMETHEUS_METRIC_NAME", ""),
            ("FAS_PROMETHEUS_QUERY", ""),
            ("FAS_INTERVAL", "1s"),
        ],
    )
    .await;
    // Nothing is known yet.
    assert_described("/api/v1/status", "get", 200, &scaler.get("/api/v1/status").await.1);
    let told = || scaler.program.told();
    until("machines created", told, async || {
        let status = scaler.status().await;
        let acted = &status["apps"][0]["last_action"];
        let actions = acted["outcomes"].as_array().map_or(0, Vec::len);
        if actions > 0 { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    assert_all_described(&scaler, "web-a").await;
    let (status, answer) = post(&scaler, "/api/v1/trigger", HTTP_TOKEN).await;
    let why = json!({"error": "say which app with `app`: there are web-a, web-b"});
    assert_eq!((status, &answer), (400, &why));
    for path in ["/api/v1/trigger?app=web-b", "/api/v1/pause?app=web-b", "/api/v1/resume"] {
        assert_described(path, "post", 200, &order(&scaler, path).await.to_string());
    }
    let answer = order(&scaler, "/api/v1/trigger?app=web-a").await;
    assert!(answer["created"]["before"].is_object(), "{answer}");
}
