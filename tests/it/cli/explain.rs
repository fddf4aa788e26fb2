//! `explain` and `history`: what the real `serve` left in its journal, and what a server answers.

use std::path::PathBuf;

use fly_autoscaler::journal::{Explanation, Stage};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Fly, fly_autoscaler, my_app};
use crate::running::{Autoscaler, until};

/// The journal of a `serve` that has run one tick, and has ended.
struct Left {
    directory: TempDir,
}

impl Left {
    /// Of `my-app`, which starts machines for the jobs that wait.
    async fn by_starting() -> Self {
        Self::by(&[("FAS_STARTED_MACHINE_COUNT", "ceil(queue_depth / 10)")]).await
    }

    async fn by(settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        let state = directory.path().join("fas.db");
        let fly = Fly::with(&my_app(1, 3, 25.0)).await;
        let (url, prometheus) = (fly.simulator.url(), fly.simulator.prometheus_url("my-org"));
        let mut variables = vec![
            ("FAS_APP_NAME", "my-app"),
            ("FAS_API_TOKEN", "fm2_test"),
            ("FLY_FLAPS_BASE_URL", url.as_str()),
            ("FLY_API_BASE_URL", url.as_str()),
            ("FAS_PROMETHEUS_ADDRESS", prometheus.as_str()),
            ("FAS_PROMETHEUS_QUERY", r#"queue_depth{app="$APP_NAME"}"#),
            ("FAS_PROMETHEUS_METRIC_NAME", "queue_depth"),
            ("FAS_STATE", state.to_str().unwrap()),
            // One tick, and no other while the test runs.
            ("FAS_INTERVAL", "1h"),
        ];
        variables.extend_from_slice(settings);
        let mut serve = Autoscaler::start(&variables).await;
        until(
            "a tick",
            || serve.program.told(),
            async || {
                let status = serve.status().await;
                let tick = &status["apps"][0]["last_tick"];
                if tick.is_object() { Ok(()) } else { Err(status.to_string()) }
            },
        )
        .await;
        serve.program.signal("TERM");
        assert!(serve.program.ended().await.success());
        Self { directory }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("fas-journal.db")
    }

    fn ask(&self, command: &str, arguments: &[&str]) -> super::Ran {
        let path = self.path();
        let file = [command, "--file", path.to_str().unwrap()];
        fly_autoscaler(&[&file, arguments].concat()).run()
    }
}

#[tokio::test]
async fn the_file_tells_what_was_done_and_why() {
    let left = Left::by_starting().await;
    assert_snapshot!(left.ask("explain", &[]), @"
    exit 0
    --- stdout
    my-app at [TIME]: started 2 machines

      collect   queue_depth = 25
      observe   machines of app: iad 1 started, 3 stopped
    app, all regions together
      observe   4 created, 1 started, 3 that can be started
      evaluate  started: ceil(queue_depth / 10) = ceil(25 / 10) = 3
                asked for: 3 started
      limit     after all limits: 3 started, as asked for
      choose    1 started, at least 3 wanted [below_min]
                start 2460a1ddbfa683 in iad: suspended before stopped, then the newest release, then by
                id: 1st of 3 that can be started (stopped, release 1) [below_min]
                start ac9b412dd47c47 in iad: suspended before stopped, then the newest release, then by
                id: 2nd of 3 that can be started (stopped, release 1) [below_min]
      act       start 2460a1ddbfa683 in iad: done
                start ac9b412dd47c47 in iad: done
    ");
    assert_snapshot!(left.ask("history", &["--kind", "action"]), @"
    exit 0
    --- stdout
    [TIME]  action  start ac9b412dd47c47 in iad: done: 1 started, at least 3 wanted
                                  [below_min]
    [TIME]  action  start 2460a1ddbfa683 in iad: done: 1 started, at least 3 wanted
                                  [below_min]
    ");

    let json = left.ask("explain", &["--format", "json", "--last", "1h", "--action", "start"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    let explanations: Vec<Explanation> =
        serde_json::from_value(json["explanations"].clone()).unwrap();
    let [one] = explanations.as_slice() else { panic!("{json}") };
    assert_eq!(one.app.as_str(), "my-app");
    let stages: Vec<Stage> = one.parts[0].lines.iter().map(|line| line.stage).collect();
    assert!(stages.is_sorted(), "{stages:?}");

    // By the configuration, the journal is beside the state.
    let state = left.directory.path().join("fas.db");
    let configured = fly_autoscaler(&["explain"]).env(&[
        ("FAS_APP_NAME", "my-app"),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FAS_STATE", state.to_str().unwrap()),
    ]);
    let ran = configured.run();
    assert_eq!((ran.code, &ran.stdout), (Some(0), &left.ask("explain", &[]).stdout));
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_to_do() {
    let left = Left::by(&[("FAS_STARTED_MACHINE_COUNT", "1")]).await;
    for (command, arguments, code, message) in [
        ("explain", &["--app", "your-app"][..], 2, "knows no app your-app; it has my-app"),
        ("explain", &["--at", "24h"], 1, "there was no tick then; `history` lists"),
        ("explain", &["--action", "stop"], 1, "there was no tick with that action"),
        ("explain", &["--at", "tomorrow"], 2, "of the last 24 hours"),
        ("explain", &["--last", "0s"], 2, "a length of time"),
        ("explain", &["--action", "restart"], 2, "possible values: create"),
        ("explain", &["--at", "10m", "--last", "1h"], 2, "cannot be used with"),
        ("history", &["--kind", "action"], 0, "nothing of that kind happened"),
        ("history", &["--from", "1h", "--until", "2h"], 2, "after --until"),
        ("history", &["--app", "your-app"], 2, "knows no app your-app"),
    ] {
        let ran = left.ask(command, arguments);
        assert_eq!(ran.code, Some(code), "{command} {arguments:?}: {ran}");
        assert!(ran.stderr.contains(message), "{command} {arguments:?}: {ran}");
    }
    let quiet = left.ask("explain", &[]);
    assert!(quiet.stdout.contains("nothing to do: 1 started, 1 wanted"), "{quiet}");

    let nowhere = left.directory.path().join("none.db");
    let ran = fly_autoscaler(&["explain", "--file", nowhere.to_str().unwrap()]).run();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("there is no journal"), "{ran}");
    std::fs::write(&nowhere, "this is no journal, and long enough not to be taken for one")
        .unwrap();
    let ran = fly_autoscaler(&["explain", "--file", nowhere.to_str().unwrap()]).run();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("none.db"), "{ran}");
}

fn explanation() -> Value {
    json!({
        "app": "my-app", "at": "2026-03-02T12:00:00.000Z", "from": "2026-03-02T11:00:00.000Z",
        "until": "2026-03-02T12:30:00.000Z", "ticks": 360, "outcome": "held",
        "summary": "nothing was done, held: metric \u{1b}[2Jtraffic: no answer",
        "lines": [
            {"stage": "collect", "text": "traffic: no value"},
            {"stage": "collect", "text": format!("traffic: {}", "no answer ".repeat(20))},
        ],
        "parts": [{"group": "app", "region": "lhr", "lines": [
            {"stage": "limit", "code": "metric_failed", "weight": "hold",
             "text": "metric \u{202e}traffic: no answer"},
        ]}],
    })
}

/// A server that answers `status` and `body` to what is asked at `route`.
async fn server(route: &str, status: u16, body: Value) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("GET")).and(path(route)).respond_with(answer).mount(&server).await;
    server
}

#[tokio::test]
async fn a_server_is_asked_for_what_is_wanted_and_nothing_else() {
    let server = MockServer::start().await;
    let answer =
        || ResponseTemplate::new(200).set_body_json(json!({ "explanations": [explanation()] }));
    Mock::given(method("GET"))
        .and(path("/api/v1/explain"))
        .and(query_param("app", "my-app"))
        .and(query_param("region", "lhr"))
        .and(query_param("action", "stop"))
        .and(query_param("last", "1h"))
        .and(query_param("limit", "20"))
        .and(query_param_is_missing("at"))
        .respond_with(answer())
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path("/api/v1/explain"))
        .and(query_param("at", "2026-03-02T12:00:00.000Z"))
        .and(query_param("limit", "1"))
        .and(query_param_is_missing("app"))
        .respond_with(answer())
        .expect(1)
        .mount(&server)
        .await;
    let url = server.uri();
    let all = ["explain", "--url", &url, "--app", "my-app", "--region", "LHR", "--action", "stop"];
    let ran = fly_autoscaler(&[&all[..], &["--last", "1h"]].concat()).run_beside().await;
    assert_eq!(ran.code, Some(0), "{ran}");
    let at = fly_autoscaler(&["explain", "--url", &url, "--at", "2026-03-02T13:00:00+01:00"]);
    assert_snapshot!(at.run_beside().await, @"
    exit 0
    --- stdout
    my-app at [TIME]: nothing was done, held: metric �[2Jtraffic: no answer
      one of 360 ticks that came to the same, [TIME] to [TIME]

      collect   traffic: no value
                traffic: no answer no answer no answer no answer no answer no answer no answer no answer
                no answer no answer no answer no answer no answer no answer no answer no answer no
                answer no answer no answer no answer
    app in lhr
      limit     held: metric �traffic: no answer [metric_failed]
    ");
}

#[tokio::test]
async fn history_of_a_server_is_a_table() {
    let entries = json!({ "entries": [
        {"app": "my-app", "at": "2026-03-02T12:00:00.000Z", "until": "2026-03-02T12:00:00.000Z",
         "kind": "action", "group": "app", "region": "lhr", "verb": "start", "machine": "m1",
         "result": "done", "code": "below_min", "text": "start m1 in lhr: done",
         "reason": "1 started, at least 3 wanted"},
        {"app": "my-app", "at": "2026-03-02T11:00:00.000Z", "until": "2026-03-02T11:30:00.000Z",
         "kind": "hold", "group": "app", "region": "lhr", "code": "metric_failed",
         "text": "metric traffic: no answer"},
        {"at": "2026-03-02T10:00:00.000Z", "until": "2026-03-02T10:00:00.000Z", "kind": "start",
         "text": "fly-autoscaler 0.4.0 began"},
    ]});
    let server = server("/api/v1/history", 200, entries).await;
    let ran = fly_autoscaler(&["history", "--url", &server.uri()]).run_beside().await;
    assert_snapshot!(ran.stdout, @"
    2026-03-02T12:00:00Z  action  start m1 in lhr: done: 1 started, at least 3 wanted [below_min]
    2026-03-02T11:00:00Z  hold    app/lhr: metric traffic: no answer [metric_failed], until
                                  2026-03-02T11:30:00Z
    2026-03-02T10:00:00Z  start   fly-autoscaler 0.4.0 began
    ");
    let ran = fly_autoscaler(&["history", "--url", &server.uri(), "--format", "json"]);
    let ran = ran.run_beside().await;
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["entries"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn what_a_server_refuses_is_said_in_its_words() {
    let error = |text: &str| json!({ "error": text });
    for (status, body, code, message) in [
        (404, error("no app `x` is scaled here; there is my-app"), 2, "there is my-app"),
        (400, error("say which app with `app`: a, b"), 2, "say which app"),
        (503, error("the journal cannot be read: the disk"), 1, "answered 503: the journal"),
        (404, json!("not found"), 1, "is it fly-autoscaler, and of this version?"),
        (200, json!({"surprise": 1}), 1, "answered what is no explain"),
    ] {
        let server = server("/api/v1/explain", status, body).await;
        let ran = fly_autoscaler(&["explain", "--url", &server.uri()]).run_beside().await;
        assert_eq!(ran.code, Some(code), "{ran}");
        assert!(ran.stderr.contains(message), "{ran}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn where_nobody_answers_it_says_where_it_asked() {
    let nobody = fly_autoscaler(&["history", "--url", "http://127.0.0.1:1"]).run();
    assert_eq!(nobody.code, Some(1));
    assert!(nobody.stderr.contains("http://127.0.0.1:1 does not answer"), "{nobody}");
    assert!(nobody.stderr.contains("does `serve` run there?"), "{nobody}");

    // By the configuration: the port that it listens on, on this machine.
    let configured = fly_autoscaler(&["explain"]).env(&[
        ("FAS_APP_NAME", "my-app"),
        ("FAS_STARTED_MACHINE_COUNT", "2"),
        ("FAS_LISTEN", "0.0.0.0:1"),
    ]);
    let ran = configured.run();
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("http://127.0.0.1:1 does not answer"), "{ran}");

    let wrong = fly_autoscaler(&["explain", "--url", "my-scaler:9090"]).run();
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("--url must begin with http://"), "{wrong}");
    assert_eq!(fly_autoscaler(&["explain"]).run().code, Some(2), "no configuration at all");
}
