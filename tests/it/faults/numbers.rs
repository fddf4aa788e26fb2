//! What is no number never scales anything.

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{STARTED, Stage};

/// Would be 50 with upstream's `min` of NaN.
const CAPPED: (&str, &str) = ("FAS_STARTED_MACHINE_COUNT", "min(50, queue_depth / 2)");

#[tokio::test]
async fn what_is_not_finite_holds_whatever_the_expression() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        for count in [CAPPED, ("FAS_STARTED_MACHINE_COUNT", "max(0, queue_depth)")] {
            let stage = Stage::new(2, 3, 0.0).await;
            stage.queue(number);
            let mut scaler = stage.scaler("s1", &[count]);
            for _ in 0..3 {
                let said = stage.say(&stage.tick(&mut scaler).await);
                let written = match number {
                    number if number.is_nan() => "NaN",
                    number if number > 0.0 => "+Inf",
                    _ => "-Inf",
                };
                assert_eq!(
                    said,
                    format!(
                        "held: metric queue_depth: the query `sum(queue_depth{{app=\"web\"}})` \
                         returned {written}, which is no finite number"
                    )
                );
            }
            assert_eq!((stage.changes(), stage.fleet()), (0, (5, 2)));
        }
    }
}

#[tokio::test]
async fn an_expression_without_a_number_holds() {
    let table = [
        ("queue_depth / 0", "expression returned Inf"),
        ("0 / (queue_depth - queue_depth)", "expression returned NaN"),
        ("min(50, 1 / (queue_depth - queue_depth))", "expression returned Inf"),
        ("queue_depth * 1000000", "returned 20000000, more than the limit of 100000 machines"),
    ];
    for (expression, why) in table {
        let stage = Stage::new(2, 3, 20.0).await;
        let mut scaler = stage.scaler("s1", &[("FAS_STARTED_MACHINE_COUNT", expression)]);
        let said = stage.say(&stage.tick(&mut scaler).await);
        assert!(said.starts_with("held: "), "{expression}: {said}");
        assert!(said.contains(why), "{expression}: {said}");
        assert_eq!((stage.changes(), stage.fleet()), (0, (5, 2)), "{expression}");
    }
}

#[tokio::test]
async fn an_empty_result_holds_unless_it_was_said_what_it_means() {
    let stage = Stage::new(3, 0, 30.0).await;
    stage.sim.world().set_queue_depth(&super::web(), None).unwrap();
    let mut scaler = stage.scaler("s1", &[STARTED]);
    let said = stage.say(&stage.tick(&mut scaler).await);
    assert_eq!(
        said,
        "held: metric queue_depth: the query `sum(queue_depth{app=\"web\"})` returned no series"
    );
    assert_eq!((stage.changes(), stage.fleet()), (0, (3, 3)));

    let mut scaler = stage.scaler("s2", &[STARTED, ("FAS_PROMETHEUS_EMPTY", "0")]);
    stage.settles(&mut scaler, (3, 0), "an empty queue").await;
}

fn result(kind: &str, result: &Value) -> Value {
    json!({ "status": "success", "data": { "resultType": kind, "result": result } })
}

/// A vector of one series with this value.
fn value(text: &str) -> Value {
    result("vector", &json!([{ "metric": {}, "value": [1_787_310_000, text] }]))
}

/// Answers that are well-formed and yet give no number.
#[tokio::test]
async fn odd_answers_hold_and_say_what_is_odd() {
    let series = |app: &str| json!({ "metric": { "app": app }, "value": [1_787_310_000, "5"] });
    let answers = [
        (
            "an error in a 200",
            json!({ "status": "error", "errorType": "execution", "error": "query timed out" }),
        ),
        ("a matrix", result("matrix", &json!([{ "metric": {}, "values": [[1, "5"]] }]))),
        ("a text", result("string", &json!([1, "five"]))),
        ("two series", result("vector", &json!([series("a"), series("b")]))),
        ("a histogram", result("vector", &json!([{ "metric": {}, "histogram": [1, {}] }]))),
        ("a number beyond all numbers", value("1e999")),
        ("a word", value("many")),
        ("no text", value("")),
        ("a value that is no text", result("vector", &json!([{ "metric": {}, "value": [1, 5] }]))),
        ("a value without a time", result("vector", &json!([{ "metric": {}, "value": ["5"] }]))),
        ("no data", json!({ "status": "success" })),
        ("null", Value::Null),
        ("an unknown kind", result("tensor", &json!([]))),
    ];
    let mut table = String::new();
    for (name, answer) in answers {
        let said = held_by(ResponseTemplate::new(200).set_body_json(answer), &[]).await;
        table += &format!("{name}: {said}\n");
    }
    let late = ResponseTemplate::new(200).set_body_json(value("5"));
    let said = held_by(late, &[("FAS_PROMETHEUS_MAX_AGE", "1m")]).await;
    table += &format!("too old: {said}\n");
    let slow =
        ResponseTemplate::new(200).set_delay(Duration::from_secs(30)).set_body_json(value("5"));
    let said = held_by(slow, &[("FAS_PROMETHEUS_TIMEOUT", "200ms")]).await;
    table += &format!("too slow: {said}\n");
    insta::assert_snapshot!(table);
}

/// What a tick says where Prometheus gives this answer, and that nothing was changed.
async fn held_by(answer: ResponseTemplate, variables: &[(&str, &str)]) -> String {
    let prometheus = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&prometheus).await;
    let stage = Stage::new(2, 3, 0.0).await;
    // A minute and a half after what the answers say.
    stage.clock.advance(Duration::from_secs(90));
    let address = [STARTED, ("FAS_PROMETHEUS_ADDRESS", &prometheus.uri())];
    let variables: Vec<_> = address.iter().chain(variables).copied().collect();
    let mut scaler = stage.scaler("s1", &variables);
    let said = stage.say(&stage.tick(&mut scaler).await);
    assert_eq!((stage.changes(), stage.fleet()), (0, (5, 2)), "{said}");
    said.replace(&prometheus.uri(), "http://prom")
}
