//! Every path with every method: without the token nothing changes.

use std::time::Duration;

use fly_autoscaler::http::ROUTES;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{HTTP_TOKEN, connect, fly, machines, queue, readiness, serving_with};
use crate::running::{Autoscaler, PATIENCE};

const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "FROBNICATE"];

/// The status of the answer to one request. A stream goes on after it, and is left.
async fn status_of(scaler: &Autoscaler, method: &str, path: &str, token: Option<&str>) -> u16 {
    let mut stream = connect(scaler).await;
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n{token}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut begin = [0; 12];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut begin)).await;
    read.unwrap_or_else(|_| panic!("{method} {path} has no answer")).unwrap();
    std::str::from_utf8(&begin[9..]).unwrap().parse().unwrap()
}

/// What nobody may change without the token.
async fn state(scaler: &Autoscaler, sim: &fly_autoscaler::sim::Simulator) -> String {
    let status = scaler.status().await;
    let app = &status["apps"][0];
    format!("{:?} {} {} {}", machines(sim), app["paused"], app["last_tick"]["at"], app["next_tick"])
}

#[tokio::test]
async fn no_request_without_the_token_changes_anything() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    // From here on a tick would start a machine.
    queue(&sim, 30.0);
    let before = state(&scaler, &sim).await;
    assert!(ROUTES.len() >= 15, "{}", ROUTES.len());
    for route in ROUTES {
        let path = route.path.replace("{*path}", "theme.css");
        let is_reading = route.method == "GET";
        let wrong = Some("a-token-that-is-not-it");
        let tokens: &[_] =
            if is_reading { &[None, wrong, Some(HTTP_TOKEN)] } else { &[None, wrong] };
        for (method, token) in
            METHODS.iter().flat_map(|own| tokens.iter().map(move |one| (own, *one)))
        {
            let status = status_of(&scaler, method, &path, token).await;
            let wanted: &[u16] = match *method {
                "GET" | "HEAD" if is_reading => &[200],
                "POST" if !is_reading && token.is_none() => &[401],
                // After ten guesses another one has to wait.
                "POST" if !is_reading => &[401, 429],
                // What is no path is no request of this kind.
                "CONNECT" => &[400, 404, 405],
                _ => &[405],
            };
            assert!(wanted.contains(&status), "{method} {path} with {token:?}: {status}");
        }
    }
    assert_eq!(state(&scaler, &sim).await, before);
    // All of this was no reason for a tick: the next one that is asked for is the first to see the queue.
    let answer = super::order(&scaler, "/api/v1/trigger").await;
    assert_eq!(answer["deployed"][0]["region"], "iad", "{answer}");
    assert_ne!(state(&scaler, &sim).await, before);
}

#[tokio::test]
async fn every_answer_says_what_browsers_may_not_make_of_it() {
    let sim = fly().await;
    let scaler = serving_with(&sim, &[]).await;
    readiness(&scaler, 200).await;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
    let paths = ROUTES.iter().map(|own| own.path.replace("{*path}", "theme.css"));
    for path in paths.chain(["/nowhere".into(), "/api/v1/status?x=1".into()]) {
        let answer = client.get(format!("{}{path}", scaler.url)).send().await.unwrap();
        let header = |name| answer.headers().get(name).map_or("", |own| own.to_str().unwrap());
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("x-frame-options"), "DENY", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert!(!header("content-type").is_empty(), "{path}");
        if path.starts_with("/api") || path == "/status" {
            assert!(header("cache-control").contains("no-"), "{path}");
        }
    }
}
