//! The Prometheus source against a server on loopback.

mod loads;
mod past;

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fly_autoscaler::collect::prometheus::{PrometheusQuery, PrometheusSource};
use fly_autoscaler::model::{AppName, By, MetricName, Region, Sample, SeriesRule, Timestamp};
use fly_autoscaler::ports::{MetricSource, SourceError};
use fly_autoscaler::transport::{Timeouts, client};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{any, method};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::machines_api::raw::{Manner, Raw, nobody};

const AT: Timestamp = Timestamp::from_millis(1_787_306_400_500);

fn source_with(address: &str, token: Option<&str>, by: By, series: SeriesRule) -> PrometheusSource {
    let timeouts = Timeouts { connect: Duration::from_secs(2), request: Duration::from_secs(20) };
    let query = PrometheusQuery {
        metric: MetricName::new("q"),
        query: r#"sum(queue{app="$APP_NAME"}) + 1"#.into(),
        by,
        series,
    };
    let token = token.map(SecretString::from);
    PrometheusSource::new(client(timeouts).unwrap(), address, token.as_ref(), query).unwrap()
}

async fn sample(source: &PrometheusSource) -> Result<Sample, SourceError> {
    source.sample(&AppName::new("my-app"), AT).await
}

async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

async fn sample_of(answer: ResponseTemplate, by: By) -> Result<Sample, String> {
    let server = answering(answer).await;
    let source = source_with(&server.uri(), None, by, SeriesRule::One);
    // The port differs from run to run.
    sample(&source).await.map_err(|error| error.to_string().replace(&server.uri(), "http://prom"))
}

fn result(kind: &str, result: &Value) -> ResponseTemplate {
    let body = json!({"status": "success", "data": {"resultType": kind, "result": result}});
    ResponseTemplate::new(200).set_body_json(body)
}

/// A vector of series given by their labels and their value.
fn vector(series: &[(Value, &str)]) -> ResponseTemplate {
    let entries: Vec<_> = series
        .iter()
        .map(|(labels, value)| json!({"metric": labels, "value": [1_787_306_400.5, value]}))
        .collect();
    result("vector", &json!(entries))
}

fn plain(value: f64) -> Result<Sample, String> {
    Ok(Sample::Plain { value, at: Some(AT) })
}

const QUERY: &str = r#"sum(queue{app="my-app"}) + 1"#;

#[tokio::test]
async fn the_query_is_posted_as_a_form_with_the_apps_name_in_it() {
    let server = answering(vector(&[(json!({}), "4.5")])).await;
    let source = source_with(
        &format!("{}/prometheus/my-org/?nocache=1", server.uri()),
        None,
        By::None,
        SeriesRule::One,
    );
    assert_eq!(sample(&source).await.unwrap(), Sample::Plain { value: 4.5, at: Some(AT) });
    let requests = server.received_requests().await.unwrap();
    let request = &requests[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.url.path(), "/prometheus/my-org/api/v1/query");
    assert_eq!(request.url.query(), Some("nocache=1"));
    assert_eq!(request.headers["content-type"], "application/x-www-form-urlencoded");
    assert!(!request.headers.contains_key("authorization"));
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        "query=sum%28queue%7Bapp%3D%22my-app%22%7D%29+%2B+1"
    );
}

#[tokio::test]
async fn where_no_post_gets_through_the_query_goes_out_as_a_get() {
    for status in [405, 501] {
        let server = MockServer::start().await;
        let refused = ResponseTemplate::new(status);
        Mock::given(method("POST")).respond_with(refused).mount(&server).await;
        let good = vector(&[(json!({}), "4.5")]);
        Mock::given(method("GET")).respond_with(good).mount(&server).await;
        let source = source_with(&server.uri(), Some("fm2_a"), By::None, SeriesRule::One);
        assert_eq!(sample(&source).await.unwrap(), Sample::Plain { value: 4.5, at: Some(AT) });
        let requests = server.received_requests().await.unwrap();
        assert_eq!(
            requests[1].url.query(),
            Some("query=sum%28queue%7Bapp%3D%22my-app%22%7D%29+%2B+1")
        );
        assert_eq!(requests[1].headers["authorization"], "FlyV1 fm2_a");
    }
}

#[tokio::test]
async fn the_token_goes_out_under_its_scheme() {
    let table = [
        (None, "", None),
        (None, "user:p%40ss@", Some("Basic dXNlcjpwQHNz")),
        (Some("fm2_a"), "", Some("FlyV1 fm2_a")),
        (Some("FlyV1 fm2_a,fm2_b"), "", Some("FlyV1 fm2_a,fm2_b")),
        (Some("secret,token"), "user:pass@", Some("Bearer secret,token")),
    ];
    for (token, credentials, want) in table {
        let server = answering(vector(&[(json!({}), "1")])).await;
        let address = server.uri().replace("http://", &format!("http://{credentials}"));
        let source = source_with(&address, token, By::None, SeriesRule::One);
        sample(&source).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let got = requests[0].headers.get("authorization").map(|value| value.to_str().unwrap());
        assert_eq!(got, want);
        assert!(!format!("{source:?}").contains("pass"));
    }
}

#[tokio::test]
async fn one_number_is_a_sample_and_nothing_else_is() {
    let table = [
        (vector(&[(json!({"app": "x"}), "4.5")]), plain(4.5)),
        (vector(&[(json!({}), "0")]), plain(0.0)),
        (result("scalar", &json!([1_787_306_400.5, "7"])), plain(7.0)),
        (vector(&[]), Err(format!("the query `{QUERY}` returned no series"))),
        (
            vector(&[(json!({"a": "1"}), "1"), (json!({"a": "2"}), "2")]),
            Err(format!(
                "the query `{QUERY}` returned 2 series; use sum(...) or another aggregation to get one"
            )),
        ),
        (
            vector(&[(json!({}), "NaN")]),
            Err(format!("the query `{QUERY}` returned NaN, which is no finite number")),
        ),
        (
            vector(&[(json!({}), "+Inf")]),
            Err(format!("the query `{QUERY}` returned +Inf, which is no finite number")),
        ),
        (
            result("scalar", &json!([1, "-Inf"])),
            Err(format!("the query `{QUERY}` returned -Inf, which is no finite number")),
        ),
        (
            result("matrix", &json!([{"metric": {}, "values": [[1, "1"]]}])),
            Err("http://prom gave an answer that cannot be read: the query gives a range of values for each series, not one; take the range selector off or aggregate over it, as avg_over_time(...) does".into()),
        ),
        (
            result("string", &json!([1, "text"])),
            Err("http://prom gave an answer that cannot be read: the query gives a text, not a number".into()),
        ),
        (
            result("tensor\n", &json!([])),
            Err("http://prom gave an answer that cannot be read: the result type `tensor\\n` is not known".into()),
        ),
        (
            result("vector", &json!([{"metric": {}, "histogram": [1, {}]}])),
            Err("http://prom gave an answer that cannot be read: a series has no plain value; is it a histogram?".into()),
        ),
    ];
    for (answer, want) in table {
        assert_eq!(sample_of(answer, By::None).await, want);
    }
}

#[tokio::test]
async fn the_first_of_several_series_counts_where_that_is_asked_for() {
    let server = answering(vector(&[(json!({"a": "1"}), "1"), (json!({"a": "2"}), "2")])).await;
    let source = source_with(&server.uri(), None, By::None, SeriesRule::First);
    assert_eq!(sample(&source).await.unwrap(), Sample::Plain { value: 1.0, at: Some(AT) });
}

#[tokio::test]
async fn refusals_show_the_servers_own_words_and_what_to_do() {
    let error = |status: u16, body: Value| ResponseTemplate::new(status).set_body_json(body);
    let parse = json!({"status": "error", "errorType": "bad_data", "error": "1:5: parse error: unexpected end of input"});
    let token = "; no token is set for it: Fly's Prometheus needs an org or read-only token (fly tokens create readonly) in `token` (FAS_PROMETHEUS_TOKEN)";
    let table = [
        (error(400, parse.clone()), "http://prom answered 400: 1:5: parse error: unexpected end of input".to_owned()),
        (error(422, parse.clone()), "http://prom answered 422: 1:5: parse error: unexpected end of input".into()),
        (error(200, parse), "http://prom answered 200: 1:5: parse error: unexpected end of input".into()),
        (
            ResponseTemplate::new(401).set_body_string("something went wrong resolving organization"),
            format!("http://prom answered 401: something went wrong resolving organization{token}"),
        ),
        (ResponseTemplate::new(403), format!("http://prom answered 403: nothing more{token}")),
        (
            ResponseTemplate::new(404).set_body_string("404 page not found\n"),
            "http://prom answered 404: 404 page not found; is the address right? Fly's is https://api.fly.io/prometheus/ and the org's slug".into(),
        ),
        (ResponseTemplate::new(429).set_body_string("slow\0 down"), "http://prom answered 429: slow down".into()),
        (
            error(503, json!({"status": "error", "error": "query queue is full"})),
            "http://prom answered 503: query queue is full".into(),
        ),
        (
            ResponseTemplate::new(301).insert_header("location", "https://u:p@other.example/prom"),
            "http://prom answered 301: a redirect to https://other.example/prom, which is not followed because it could leak the token".into(),
        ),
        (
            ResponseTemplate::new(200).set_body_raw("<html>Sign in</html>", "text/html"),
            "http://prom gave an answer that cannot be read: 200 OK with text/html, not JSON: <html>Sign in</html>".into(),
        ),
        (
            ResponseTemplate::new(200).set_body_string("up"),
            "http://prom gave an answer that cannot be read: expected value at line 1 column 1".into(),
        ),
        (
            error(200, json!({"status": "success"})),
            "http://prom gave an answer that cannot be read: missing field `data` at line 1 column 20".into(),
        ),
    ];
    for (answer, want) in table {
        assert_eq!(sample_of(answer, By::None).await, Err(want));
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_of_the_wrong_kind() {
    for status in [401, 403] {
        let server = answering(ResponseTemplate::new(status).set_body_string("no")).await;
        let source = source_with(&server.uri(), Some("fm2_a"), By::None, SeriesRule::One);
        let error = sample(&source).await.unwrap_err().to_string();
        let hint = "Fly's Prometheus needs an org or read-only token (fly tokens create readonly), not a deploy token";
        assert_eq!(error, format!("{} answered {status}: no; {hint}", server.uri()));
    }
}

#[tokio::test]
async fn an_echoed_token_is_not_shown() {
    let server =
        answering(ResponseTemplate::new(401).set_body_string("no such token: hunter22")).await;
    let source = source_with(&server.uri(), Some("hunter22"), By::None, SeriesRule::One);
    let error = sample(&source).await.unwrap_err().to_string();
    assert!(error.contains("no such token: [token];"), "{error}");
}

#[tokio::test]
async fn each_region_has_its_value() {
    let region = |name: &str| json!({"region": name});
    let ok = |entries: &[(&str, Result<f64, &str>)]| {
        let entry = |(name, value): &(&str, Result<f64, &str>)| {
            (Region::new(name), value.map_err(Arc::<str>::from))
        };
        let values: BTreeMap<_, _> = entries.iter().map(entry).collect();
        Ok(Sample::ByRegion { values, at: Some(AT) })
    };
    let garbled = |why: &str| Err(format!("http://prom gave an answer that cannot be read: {why}"));
    let unlabelled = || {
        let why = "returned a series without the label `region`; use sum by (region) (...)";
        Err(format!("the query `{QUERY}` {why}"))
    };
    let many: Vec<_> = (0..1001).map(|index| (region(&format!("r{index}")), "1")).collect();
    let table = [
        (
            vector(&[(region("lhr"), "1.5"), (region("IAD"), "0")]),
            ok(&[("iad", Ok(0.0)), ("lhr", Ok(1.5))]),
        ),
        (
            vector(&[(region("lhr"), "1.5"), (region("iad"), "NaN")]),
            ok(&[("iad", Err("the value is NaN, no finite number")), ("lhr", Ok(1.5))]),
        ),
        (
            vector(&[(region("lhr"), "1"), (region("LHR"), "2"), (region("iad"), "3")]),
            ok(&[
                ("iad", Ok(3.0)),
                ("lhr", Err("the labels `lhr` and `LHR` are both this region")),
            ]),
        ),
        (
            vector(&[(region("lhr"), "1"), (region("lhr"), "2")]),
            ok(&[("lhr", Err("more than one series for the region; use sum by (region) (...)"))]),
        ),
        (vector(&[]), Err(format!("the query `{QUERY}` returned no series"))),
        (
            vector(&[(region("lhr"), "1"), (json!({}), "2")]),
            ok(&[("(none)", Ok(2.0)), ("lhr", Ok(1.0))]),
        ),
        (
            vector(&[(region(""), "NaN"), (region("(none)"), "3")]),
            ok(&[("(none)", Err("the value is NaN, no finite number")), ("_none_", Ok(3.0))]),
        ),
        (
            vector(&[(region(""), "2"), (region("lhr"), "1"), (json!({}), "2")]),
            ok(&[
                (
                    "(none)",
                    Err(
                        "more than one series without the label `region`; use sum by (region) (...)",
                    ),
                ),
                ("lhr", Ok(1.0)),
            ]),
        ),
        (vector(&[(region(""), "2"), (json!({}), "1")]), unlabelled()),
        (result("scalar", &json!([1, "1"])), unlabelled()),
        (
            vector(&[(region(&"x".repeat(65)), "2")]),
            garbled(&format!(
                "a label `region` begins with `{}` and is longer than 64 characters, which can hardly be a region",
                "x".repeat(64)
            )),
        ),
        (
            vector(&many),
            garbled("more than 1000 values of the label `region`, which can hardly be regions"),
        ),
    ];
    for (answer, want) in table {
        assert_eq!(sample_of(answer, By::Region).await, want);
    }
}

#[tokio::test]
async fn only_the_apps_own_series_count() {
    let series = |app: &str, region: &str| json!({"app": app, "region": region});
    let both = vector(&[(series("other", "lhr"), "1"), (series("my-app", "lhr"), "2")]);
    assert_eq!(sample_of(both.clone(), By::App).await, plain(2.0));
    let values = BTreeMap::from([(Region::new("lhr"), Ok(2.0))]);
    let by_region = Ok(Sample::ByRegion { values, at: Some(AT) });
    assert_eq!(sample_of(both, By::AppAndRegion).await, by_region);
    let other = vector(&[(series("other", "lhr"), "1")]);
    let empty = Err(format!("the query `{QUERY}` returned no series"));
    assert_eq!(sample_of(other.clone(), By::App).await, empty);
    assert_eq!(sample_of(other, By::AppAndRegion).await, empty);
    let twice = vector(&[(series("my-app", "lhr"), "1"), (series("my-app", "iad"), "2")]);
    assert_eq!(
        sample_of(twice, By::App).await,
        Err(format!(
            "the query `{QUERY}` returned 2 series; use sum(...) or another aggregation to get one"
        ))
    );
}

#[tokio::test]
async fn a_warning_does_not_spoil_the_sample_and_is_logged_once() {
    let warned = ["metric might not be a counter", "another"];
    let body = json!({
        "status": "success", "warnings": warned, "infos": ["i"],
        "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1_787_306_400.5, "1"]}]},
    });
    let server = answering(ResponseTemplate::new(200).set_body_json(body)).await;
    let source = source_with(&server.uri(), None, By::None, SeriesRule::One);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..3 {
        assert_eq!(sample(&source).await.unwrap(), Sample::Plain { value: 1.0, at: Some(AT) });
    }
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for warning in warned {
        assert_eq!(log.matches(warning).count(), 1, "{log}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_server_that_fails_below_http_is_unreachable() {
    let flood = "gave an answer that cannot be read: the answer is larger than 8192 KiB";
    let table = [
        (Manner::Close, "could not be reached: connection closed before message completed"),
        (Manner::BreakOff, "could not be reached: the answer broke off: "),
        (Manner::Flood, flood),
    ];
    for (manner, want) in table {
        let server = Raw::start(manner).await;
        let source = source_with(&server.url, None, By::None, SeriesRule::One);
        let error = sample(&source).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("{} {want}", server.url)), "{error}");
        assert_eq!(server.connections(), 1, "no retry: the next tick is one");
        assert!(server.sent.load(Ordering::SeqCst) < 24 << 20);
    }
    let url = nobody().await;
    let source = source_with(&url, None, By::None, SeriesRule::One);
    assert_eq!(
        sample(&source).await.unwrap_err().to_string(),
        format!("{url} could not be reached: Connection refused (os error 111)")
    );
}

#[tokio::test]
async fn a_server_that_hangs_takes_no_longer_than_the_clients_limit() {
    let server = Raw::start(Manner::Hang).await;
    let timeouts =
        Timeouts { connect: Duration::from_secs(2), request: Duration::from_millis(150) };
    let query = PrometheusQuery {
        metric: MetricName::new("q"),
        query: "up".into(),
        by: By::None,
        series: SeriesRule::One,
    };
    let source =
        PrometheusSource::new(client(timeouts).unwrap(), &server.url, None, query).unwrap();
    assert_eq!(
        sample(&source).await.unwrap_err().to_string(),
        format!("{} could not be reached: no complete answer in time", server.url)
    );
}

#[test]
fn an_address_that_cannot_work_is_refused_without_being_repeated() {
    let query = PrometheusQuery {
        metric: MetricName::new("q"),
        query: "up".into(),
        by: By::None,
        series: SeriesRule::One,
    };
    let http = client(Timeouts::default()).unwrap();
    let error = PrometheusSource::new(http, "u:hunter2@host", None, query).unwrap_err();
    assert_eq!(error.to_string(), "the Prometheus address must begin with http:// or https://");
}
