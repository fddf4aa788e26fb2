//! What is no number, or one too many.

use crate::faults::{Stage, web};

const COUNT: &str = "FAS_STARTED_MACHINE_COUNT";

/// In Go `min(50, NaN)` is 50: with upstream, an idle queue whose query divides by zero starts 50 machines.
#[tokio::test]
async fn bug_06_nan_does_not_become_the_maximum() {
    let table = [
        (f64::NAN, "min(50, queue_depth / 2)"),
        (f64::NAN, "max(3, queue_depth)"),
        (0.0, "min(50, queue_depth / queue_depth)"),
        (0.0, "min(50, 10 / queue_depth)"),
        (0.0, "max(2, min(10, ceil(queue_depth / queue_depth)))"),
    ];
    for (depth, expression) in table {
        let stage = Stage::new(2, 60, depth).await;
        let mut scaler = stage.scaler("s1", &[(COUNT, expression)]);
        let said = stage.say(&stage.tick(&mut scaler).await);
        assert!(said.starts_with("held: "), "{expression} of {depth}: {said}");
        assert_eq!((stage.changes(), stage.fleet()), (0, (62, 2)), "{expression} of {depth}");
    }
}

/// The query of three public repositories: which series comes first is chance, and may be the 0.
#[tokio::test]
async fn bug_07_of_several_series_none_is_taken_by_chance() {
    let series = r#"fly_app_tcp_connects_count{app="$APP_NAME"}"#;
    let stage = Stage::new(3, 3, 0.0).await;
    for (region, connects) in [("iad", 5.0), ("lhr", 45.0)] {
        let labels = [("region", region)];
        stage
            .sim
            .world()
            .set_gauge(&web(), "fly_app_tcp_connects_count", &labels, connects)
            .unwrap();
    }
    let ask = |query: String| {
        let given = [(COUNT, "ceil(queue_depth / 10)"), ("FAS_PROMETHEUS_QUERY", query.as_str())];
        stage.scaler("s1", &given)
    };
    let said = stage.say(&stage.tick(&mut ask(format!("{series} or vector(0)"))).await);
    let query = series.replace("$APP_NAME", "web");
    assert_eq!(
        said,
        format!(
            "held: metric queue_depth: the query `{query} or vector(0)` returned 3 series; use sum(...) \
             or another aggregation to get one"
        )
    );
    assert_eq!((stage.changes(), stage.fleet()), (0, (6, 3)));

    stage.settles(&mut ask(format!("sum({series}) or vector(0)")), (6, 5), "as advised").await;
}
