//! What the source makes of `query_range`.

use fly_autoscaler::ports::PastRange;

use super::*;

/// One minute before [`AT`], every 30 seconds.
const RANGE: PastRange = PastRange {
    from: Timestamp::from_millis(1_787_306_340_500),
    until: AT,
    step: Duration::from_secs(30),
};

async fn past_of(answer: ResponseTemplate, by: By) -> Result<Vec<(Timestamp, Sample)>, String> {
    let server = answering(answer).await;
    let source = source_with(&server.uri(), None, by, SeriesRule::One);
    let past = source.past(&AppName::new("my-app"), RANGE).await;
    past.map_err(|error| error.to_string().replace(&server.uri(), "http://prom"))
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_787_306_340_500 + 1000 * seconds)
}

fn of(value: f64) -> Sample {
    Sample::Plain { value, at: Some(AT) }
}

fn shown(past: &[(Timestamp, Sample)]) -> Vec<(Timestamp, String)> {
    let text = |sample: &Sample| match sample {
        Sample::Plain { value, .. } => value.to_string(),
        Sample::ByRegion { values, .. } => format!("{values:?}"),
    };
    past.iter().map(|(at, sample)| (*at, text(sample))).collect()
}

#[tokio::test]
async fn the_past_is_asked_for_as_a_form_in_steps() {
    let answer = result(
        "matrix",
        &json!([{"metric": {}, "values": [[1_787_306_340.5, "1"], [1_787_306_400.5, "3"]]}]),
    );
    let server = answering(answer).await;
    let source = source_with(&server.uri(), Some("fm2_a"), By::None, SeriesRule::One);
    let past = source.past(&AppName::new("my-app"), RANGE).await.unwrap();
    assert_eq!(shown(&past), shown(&[(at(0), of(1.0)), (at(60), of(3.0))]));
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/api/v1/query_range");
    assert_eq!(requests[0].headers["authorization"], "FlyV1 fm2_a");
    assert_eq!(
        String::from_utf8_lossy(&requests[0].body),
        "query=sum%28queue%7Bapp%3D%22my-app%22%7D%29+%2B+1&start=1787306340.5&end=1787306400.5&step=30"
    );
}

#[tokio::test]
async fn a_step_without_one_good_sample_is_left_out() {
    let two = json!([
        {"metric": {"a": "1"}, "values": [[1_787_306_340.5, "1"], [1_787_306_370.5, "2"]]},
        {"metric": {"a": "2"}, "values": [[1_787_306_370.5, "2"], [1_787_306_400.5, "NaN"]]},
    ]);
    let past = past_of(result("matrix", &two), By::None).await.unwrap();
    // Two series in the second step, no number in the third.
    assert_eq!(shown(&past), shown(&[(at(0), of(1.0))]));
    assert_eq!(past_of(result("matrix", &json!([])), By::None).await, Ok(Vec::new()));
}

#[tokio::test]
async fn regions_are_told_apart_in_each_step() {
    let regions = json!([
        {"metric": {"region": "lhr"}, "values": [[1_787_306_340.5, "1"], [1_787_306_370.5, "2"]]},
        {"metric": {"region": "iad"}, "values": [[1_787_306_370.5, "NaN"]]},
    ]);
    let past = past_of(result("matrix", &regions), By::Region).await.unwrap();
    assert_eq!(
        shown(&past),
        [
            (at(0), "{\"lhr\": Ok(1.0)}".to_owned()),
            (
                at(30),
                "{\"iad\": Err(\"the value is NaN, no finite number\"), \"lhr\": Ok(2.0)}"
                    .to_owned()
            ),
        ]
    );
}

#[tokio::test]
async fn what_is_no_past_is_an_error() {
    for (answer, message) in [
        (
            vector(&[(json!({}), "1")]),
            "http://prom gave an answer that cannot be read: the result type is `vector`, not matrix",
        ),
        (
            ResponseTemplate::new(400).set_body_json(
                json!({"status": "error", "errorType": "bad_data", "error": "exceeded maximum resolution"}),
            ),
            "http://prom answered 400: exceeded maximum resolution",
        ),
        (
            ResponseTemplate::new(200).set_body_string("<html>hello</html>"),
            "http://prom gave an answer that cannot be read: 200 OK with text/plain, not JSON: <html>hello</html>",
        ),
    ] {
        let error = past_of(answer, By::None).await.unwrap_err();
        assert_eq!(error.trim_end_matches('/').replace("prom/", "prom"), message);
    }
}

#[tokio::test]
async fn one_answer_serves_all_apps_that_begin_together() {
    let apps = json!([
        {"metric": {"app": "a"}, "values": [[1_787_306_340.5, "1"], [1_787_306_400.5, "3"]]},
        {"metric": {"app": "b"}, "values": [[1_787_306_400.5, "5"]]},
    ]);
    let server = answering(result("matrix", &apps)).await;
    let timeouts = Timeouts { connect: Duration::from_secs(2), request: Duration::from_secs(20) };
    let query = PrometheusQuery {
        metric: MetricName::new("q"),
        query: "sum by (app) (queue)".into(),
        by: By::App,
        series: SeriesRule::One,
    };
    let source = PrometheusSource::new(client(timeouts).unwrap(), &server.uri(), None, query)
        .unwrap()
        .shared_for(Duration::from_secs(5), Duration::from_secs(10));
    let past = |app: &str, range| {
        let (source, app) = (&source, AppName::new(app));
        async move { shown(&source.past(&app, range).await.unwrap()) }
    };
    assert_eq!(past("a", RANGE).await, shown(&[(at(0), of(1.0)), (at(60), of(3.0))]));
    assert_eq!(past("b", RANGE).await, shown(&[(at(60), of(5.0))]));
    assert_eq!(past("c", RANGE).await, shown(&[]));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
    // Another window is another question, of no more than sixty steps.
    let day = Duration::from_secs(24 * 3600);
    let long = PastRange::before(AT, day, Duration::from_secs(15), u32::MAX);
    past("a", long).await;
    past("b", long).await;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 2);
    assert!(String::from_utf8_lossy(&requests[1].body).ends_with("&step=1440"));
}
