//! What the real binary serves over HTTP, and what it never does.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use fly_autoscaler::model::AppName;
use fly_autoscaler::sim::{Endpoint, FaultKind, FaultRule};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    FLY_TOKEN, HTTP_TOKEN, PROMETHEUS_TOKEN, connect, fly, raw, readiness, serving, serving_by,
};
use crate::running::{Program, serve, until};

#[tokio::test]
async fn every_metric_of_the_list_is_there_once_it_has_happened() {
    let sim = fly().await;
    // A look back at the sample of now alone, and one ahead at which the last value stands in.
    let count = r#"ceil(max(avg_over("queue_depth", "1s"), forecast("queue_depth", "1s")) / 10)"#;
    let scaler = serving_by(&sim, count).await;
    readiness(&scaler, 200).await;
    let told = || scaler.program.told();
    until("a start", told, async || {
        let text = scaler.get("/metrics").await.1;
        let line = r#"fas_machine_start_count{status="ok"} 1"#;
        text.lines().any(|own| own == line).then_some(()).ok_or(text)
    })
    .await;
    let mut seen = families(&scaler.get("/metrics").await.1);
    let status = scaler.get("/status").await.1.replace([' ', '\n'], "");
    assert!(status.contains(r#""history":{"series":2,"bytes":"#), "{status}");
    // A sample and an expression that fail, so that these are there too; the value is not any more.
    sim.world().set_queue_depth(&AppName::new("web"), Some(f64::NAN)).unwrap();
    readiness(&scaler, 503).await;

    let (status, text) = scaler.get("/metrics").await;
    assert_eq!(status, 200);
    seen.extend(families(&text));
    let seen: BTreeSet<String> = seen.into_iter().collect();
    let source = include_str!("../../../src/telemetry/names.rs");
    let listed: Vec<&str> = source
        .lines()
        .filter_map(|line| line.trim().split_once(" = \"")?.1.split_once('"'))
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("fas_"))
        .collect();
    // What is known of forecasts only after some tens of ticks is there in whole ticks with a clock that is moved:
    // `reconcile::past`.
    // Likewise limits, of which there are none here.
    let later = [
        "fas_forecast_skill",
        "fas_forecast_error",
        "fas_forecast_fit_duration_seconds",
        "fas_limited_total",
    ];
    let listed: Vec<&str> = listed.into_iter().filter(|name| !later.contains(name)).collect();
    assert!(listed.len() >= 19, "{listed:?}");
    for name in &listed {
        assert!(seen.contains(*name), "{name} is not in\n{text}");
    }
    assert_eq!(seen.len(), listed.len(), "{seen:?}");
}

/// The names of the metrics in a text of Prometheus's format; fails where it is none.
fn families(text: &str) -> Vec<String> {
    let sample = regex::Regex::new(
        r#"^([a-z_]+)(\{([a-z_]+="([^"\\]|\\.)*"(,|\}))+)? (NaN|[+-]Inf|-?[0-9.]+(e[+-]?[0-9]+)?)$"#,
    )
    .unwrap();
    let (mut helped, mut typed): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            helped.push(rest.split_once(' ').unwrap().0.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            typed.push(name.to_owned());
        } else {
            let name = &sample.captures(line).unwrap_or_else(|| panic!("{line}"))[1];
            let family = typed.last().unwrap();
            let tail = name.strip_prefix(family.as_str()).unwrap_or_else(|| panic!("{line}"));
            assert!(["", "_bucket", "_sum", "_count"].contains(&tail), "{line}");
        }
    }
    assert_eq!(helped, typed);
    typed
}

#[tokio::test]
async fn readiness_follows_trouble_and_says_what_it_is() {
    let sim = fly().await;
    let scaler = serving(&sim).await;
    assert_eq!(readiness(&scaler, 200).await, "ready\n");

    sim.world().set_queue_depth(&AppName::new("web"), None).unwrap();
    let why = readiness(&scaler, 503).await;
    let why = regex::Regex::new(r"\d+ s ago").unwrap().replace(&why, "N s ago").into_owned();
    assert_eq!(
        why,
        "not ready: the last successful tick ended N s ago: metric queue_depth: the query \
         `sum(queue_depth{app=\"web\"})` returned no series\n"
    );
    assert_eq!(scaler.get("/healthz").await, (200, "ok\n".into()), "the process is well");

    sim.world().set_queue_depth(&AppName::new("web"), Some(20.0)).unwrap();
    assert_eq!(readiness(&scaler, 200).await, "ready\n");
}

#[tokio::test]
async fn not_ready_before_the_first_tick_and_while_none_succeeds() {
    let sim = fly().await;
    sim.world().inject(FaultRule::always(Endpoint::List, FaultKind::Hang));
    let scaler = serving(&sim).await;
    assert_eq!(readiness(&scaler, 503).await, "not ready: no tick has ended yet\n");

    let sim = fly().await;
    let body = r#"{"error":"out of order"}"#.into();
    let kind = FaultKind::Status { code: 500, body, retry_after: None };
    sim.world().inject(FaultRule::always(Endpoint::List, kind));
    let scaler = serving(&sim).await;
    let told = || scaler.program.told();
    let why = until("a failed tick", told, async || match scaler.get("/readyz").await {
        (503, text) if text.contains("no tick has succeeded") => Ok(text),
        other => Err(format!("{other:?}")),
    })
    .await;
    let failed = "not ready: no tick has succeeded yet: list machines web: 500 out of order \
                  (fly-request-id ";
    assert!(why.starts_with(failed), "{why}");
}

#[tokio::test]
async fn the_status_tells_what_was_seen_and_done() {
    let sim = fly().await;
    let scaler = serving(&sim).await;
    let told = || scaler.program.told();
    let status = until("a quiet tick after one that acted", told, async || {
        let status = scaler.status().await;
        let app = &status["apps"][0];
        let found = app["last_tick"]["outcome"] == "quiet" && app["last_action"].is_object();
        if found { Ok(status) } else { Err(status.to_string()) }
    })
    .await;

    assert_eq!(status["interval_seconds"], 1.0);
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    let app = &status["apps"][0];
    assert_eq!(app["app"], "web");
    for key in ["last_success", "next_tick"] {
        assert!(app[key].is_string(), "{key}: {app}");
    }
    assert_eq!(app["last_error"], Value::Null);
    assert_eq!(app["troubled_since"], Value::Null);
    let tick = &app["last_tick"];
    assert_eq!(tick["samples"][0]["metric"], "queue_depth");
    assert_eq!(tick["samples"][0]["value"], 20.0);
    assert_eq!(tick["plan"]["scopes"][0]["targets"]["started"]["min"], 2);
    assert_eq!(tick["plan"]["scopes"][0]["reasons"][0]["code"], "within_bounds");
    let regions = &tick["regions"][0];
    assert_eq!(regions["rows"][0]["region"], "iad");
    let machines = regions["rows"][0]["machines"].as_object().unwrap();
    assert_eq!(machines.values().filter_map(Value::as_u64).sum::<u64>(), 3, "{regions}");
    assert_eq!(regions["total"]["why"]["code"], "within_bounds");
    let acted = &app["last_action"];
    assert_eq!(acted["outcome"], "acted");
    assert_eq!(acted["outcomes"].as_array().map(Vec::len), Some(1), "{acted}");
    assert_eq!(acted["outcomes"][0]["result"], "done", "{acted}");
    assert_eq!(acted["regions"][0]["rows"][0]["actions"]["start"], 1, "{acted}");
}

#[tokio::test]
async fn no_token_is_in_any_answer_or_log_line() {
    let sim = fly().await;
    let scaler = serving(&sim).await;
    readiness(&scaler, 200).await;
    // Whoever answers repeats what was sent, as proxies do in their error pages.
    let body = format!("<p>authorization: Bearer {FLY_TOKEN} FlyV1 {PROMETHEUS_TOKEN}</p>");
    for endpoint in [Endpoint::PrometheusQuery, Endpoint::Start, Endpoint::List] {
        let kind = FaultKind::Status { code: 418, body: body.clone(), retry_after: None };
        sim.world().set_queue_depth(&AppName::new("web"), Some(30.0)).unwrap();
        sim.world().inject(FaultRule::always(endpoint, kind));
        let told = || scaler.program.told();
        until("the teapot", told, async || {
            let status = scaler.status().await.to_string();
            if status.contains("418") { Ok(()) } else { Err(status) }
        })
        .await;
        for path in ["/metrics", "/readyz", "/status", "/api/v1/config", "/nowhere"] {
            let (_, text) = scaler.get(path).await;
            for secret in ["f1yf1yf1y", "pr0mpr0m", HTTP_TOKEN] {
                assert!(!text.contains(secret), "{path} after {endpoint:?}: {text}");
            }
        }
        sim.world().clear_faults();
        readiness(&scaler, 200).await;
    }
    let written = scaler.program.written();
    assert!(written.contains("418"), "{written}");
    assert!(written.contains(r#""level":"DEBUG""#), "{written}");
    for secret in ["f1yf1yf1y", "pr0mpr0m", HTTP_TOKEN] {
        assert!(!written.contains(secret), "{written}");
    }
}

#[tokio::test]
async fn what_is_not_there_and_what_would_change_something_is_refused() {
    let sim = fly().await;
    let scaler = serving(&sim).await;
    for path in ["/nowhere", "/metrics/", "/status/../x", "//", "/api/v1"] {
        let (status, text) = scaler.get(path).await;
        assert_eq!(status, 404, "{path}");
        assert!(text.starts_with(r#"{"error":"not found; there are /"#), "{path}: {text}");
        assert!(text.contains("/api/v1/explain"), "{path}: {text}");
    }
    for verb in ["POST", "PUT", "DELETE", "PATCH"] {
        let request = format!("{verb} /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = raw(&scaler, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 405 "), "{verb}: {answer}");
        assert!(answer.contains("\r\nallow: GET,HEAD\r\n"), "{verb}: {answer}");
        let why = format!(r#"{{"error":"{verb} is not answered here; GET is"}}"#);
        assert!(answer.ends_with(&why), "{answer}");
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1 << 20));
    let answer = raw(&scaler, long.as_bytes()).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    assert_eq!(scaler.get("/healthz").await.0, 200);
}

/// More clients of one address than it may have, none of which ever finishes: half of them never a request,
/// the other half never another one.
#[tokio::test]
async fn clients_that_hold_on_for_ever_are_let_go_and_leave_places_for_others() {
    let sim = fly().await;
    let scaler = serving(&sim).await;
    let mut clients = Vec::new();
    for number in 0..200 {
        let mut stream = connect(&scaler).await;
        let begun: &[u8] = match number % 2 {
            0 => b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ",
            _ => b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        };
        // What is beyond is closed at once.
        let _ = stream.write_all(begun).await;
        clients.push(stream);
    }
    let other = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, 2]));
    let other = other.timeout(Duration::from_secs(5)).build().unwrap();
    let healthy = other.get(format!("{}/healthz", scaler.url)).send().await.unwrap();
    assert_eq!(healthy.status(), 200);
    let closed = async {
        for stream in &mut clients {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
        }
    };
    let closed = tokio::time::timeout(Duration::from_secs(30), closed).await;
    assert!(closed.is_ok(), "the slow ones are closed{}", scaler.program.told());
    let told = || scaler.program.told();
    until("a place", told, async || {
        crate::running::get(&format!("{}/healthz", scaler.url)).await.map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = serve(&[
        ("FAS_APP_NAME", "web"),
        ("FAS_API_TOKEN", FLY_TOKEN),
        ("FAS_STARTED_MACHINE_COUNT", "1"),
        ("FAS_LISTEN", &address),
    ]);
    let mut program = Program::start("fly-autoscaler", &mut command);
    assert_eq!(program.ended().await.code(), Some(1), "{}", program.told());
    let wanted = format!(
        "cannot listen on {address}; choose another address with `listen` (FAS_LISTEN): Address \
         already in use (os error 98)"
    );
    let says_so = |line: &str| line.contains(&wanted).then_some(());
    program.line("that the port is taken", says_so).await;
}
