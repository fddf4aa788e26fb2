//! `stop-metric`: what each machine has to do, from one series per machine.

use fly_autoscaler::collect::MachineLoads;
use fly_autoscaler::ports::LoadSource;

use super::*;

/// What is asked where nobody shall wait long.
const PATIENCE: Duration = Duration::from_secs(20);

async fn loads_at(
    address: &str,
    token: Option<&str>,
    patience: Duration,
) -> Result<String, String> {
    let source = source_with(address, token, By::None, SeriesRule::One);
    let loads = MachineLoads::new(source, patience).loads(&AppName::new("my-app"), AT).await;
    let loads = loads.map_err(|error| error.to_string().replace(address, "http://prom"))?;
    let shown: Vec<_> = loads.iter().map(|(id, load)| format!("{id}={load}")).collect();
    Ok(shown.join(" "))
}

async fn loads_of(answer: ResponseTemplate) -> Result<String, String> {
    loads_at(&answering(answer).await.uri(), None, PATIENCE).await
}

fn of(instance: &str) -> Value {
    json!({"instance": instance})
}

#[tokio::test]
async fn each_machine_has_the_value_of_its_series() {
    // series | loads
    let table = [
        (vec![(of("a"), "3"), (of("b"), "0.5")], "a=3 b=0.5"),
        // A port is no part of a machine's id; other labels say nothing.
        (vec![(of("a:9091"), "3"), (json!({"instance": "b", "region": "lhr"}), "-1")], "a=3 b=-1"),
        // What is no finite number says nothing of a machine, and it leaves last.
        (vec![(of("a"), "NaN"), (of("b"), "+Inf"), (of("c"), "-Inf"), (of("d"), "1")], "d=1"),
        (vec![(of("a"), "NaN")], ""),
    ];
    for (series, want) in table {
        assert_eq!(loads_of(vector(&series)).await.as_deref(), Ok(want), "{series:?}");
    }
}

#[tokio::test]
async fn series_that_are_not_one_for_each_machine_are_refused() {
    let garbled = |why: &str| format!("http://prom gave an answer that cannot be read: {why}");
    let without = garbled("a series without the label `instance`; use sum by (instance) (...)");
    let twice = |machine: &str| {
        garbled(&format!(
            "more than one series with the label `instance` of machine {machine}; use sum by (instance) (...)"
        ))
    };
    // series | error
    let table = [
        (vec![(json!({}), "3")], without.clone()),
        (vec![(of(""), "3")], without.clone()),
        (vec![(of(":9091"), "3")], without.clone()),
        (vec![(of("a"), "3"), (json!({"region": "lhr"}), "1")], without),
        (vec![(of("a"), "3"), (of("b"), "1"), (of("a"), "3")], twice("a")),
        (vec![(of("a:9091"), "3"), (of("a:9092"), "1")], twice("a")),
        // One that says nothing is one all the same.
        (vec![(of("a"), "NaN"), (of("a"), "1")], twice("a")),
        (vec![], format!("the query `{QUERY}` returned no series")),
    ];
    for (series, want) in table {
        assert_eq!(loads_of(vector(&series)).await, Err(want), "{series:?}");
    }
    // A plain number names no machine.
    let scalar = loads_of(result("scalar", &json!([1_787_306_400.5, "7"]))).await.unwrap_err();
    assert!(scalar.contains("a series without the label `instance`"), "{scalar}");
}

#[tokio::test]
async fn a_label_that_holds_the_token_is_not_repeated() {
    let label = of("fm2_secret_token");
    let server = answering(vector(&[(label.clone(), "1"), (label, "2")])).await;
    let error = loads_at(&server.uri(), Some("fm2_secret_token"), PATIENCE).await.unwrap_err();
    assert!(error.contains("more than one series") && !error.contains("secret"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_does_not_end_is_an_error_in_time() {
    let hangs = Raw::start(Manner::Hang).await;
    let patience = Duration::from_millis(150);
    assert_eq!(
        loads_at(&hangs.url, None, patience).await.unwrap_err(),
        "http://prom could not be reached: no answer within 150ms"
    );
    let flood = Raw::start(Manner::Flood).await;
    assert_eq!(
        loads_at(&flood.url, None, PATIENCE).await.unwrap_err(),
        "http://prom gave an answer that cannot be read: the answer is larger than 8192 KiB"
    );
    assert!(flood.sent.load(Ordering::SeqCst) < 24 << 20);
}
