//! Functions that look back, ahead, and at the clock on the wall: what they mean in both languages, what is
//! said of those that are written wrong.

use fly_autoscaler::evaluate::{Expression, Names};
use fly_autoscaler::model::{Summary, Timestamp, Value, VariableTable};
use proptest::prelude::*;

fn names() -> Names {
    Names::new(["q", "traffic", "traffic_lhr", "hour", "avg_over"])
        .with_counts(["started_machines"])
}

fn compiled(source: &str) -> Expression {
    Expression::compile(source, &names()).unwrap_or_else(|error| panic!("{}", error.render()))
}

fn table(values: &[(&str, f64)]) -> VariableTable {
    let mut table = VariableTable::default();
    for (name, value) in values {
        table.set(*name, Value::Number(*value));
    }
    table
}

#[test]
fn a_call_is_a_variable_of_its_own_in_both_languages() {
    let values = [
        ("q", 100.0),
        (r#"avg_over("q", "10m")"#, 42.0),
        (r#"ewma("q", 0.3)"#, 17.5),
        (r#"forecast("q", "5m")"#, 60.0),
        (r#"stddev_over("q", "1h30m")"#, 2.0),
        (r#"max_over("traffic_lhr", "30s")"#, 9.0),
        ("traffic_lhr", 1.0),
        ("hour", 3.0),
        ("avg_over", 5.0),
    ];
    for (source, language, expected) in [
        (r#"avg_over("q", "10m")"#, "expr", 42.0),
        (r#"avg_over ( 'q' , `600s`, )"#, "expr", 42.0),
        (r#"ceil(avg_over("q", "10m") / 10) + q"#, "expr", 105.0),
        (r#"avg_over("q", "10m") + avg_over("q", "600s") * 2"#, "expr", 126.0),
        (r#"let avg = avg_over("q", "10m"); avg > 40 ? ewma("q", .3) : 1"#, "expr", 17.5),
        (r#"max([ewma("q", 0.30), forecast("q", "5m")])"#, "expr", 60.0),
        (r#"map([1, 2], {# * stddev_over("q", "90m")})[1]"#, "expr", 4.0),
        (r#"{"a": 1}.a + max_over("traffic_lhr", "30s")"#, "expr", 10.0),
        (r#"if(avg_over("q", "10m") > 40, ewma("q", 0.3), 1)"#, "evalexpr", 17.5),
        (r#"math::sqrt(avg_over("q", '10m') - 6) /* 95 / 10 */ + 95 / 10"#, "evalexpr", 15.5),
        (r#"if(forecast("q", "5m") > q, 1, max(2, avg_over("q", "10m")))"#, "evalexpr", 42.0),
        // A metric of that name is a variable as before.
        ("avg_over + hour", "expr", 8.0),
        (r#"avg_over + avg_over("q", "10m")"#, "expr", 47.0),
        (r#"if(hour > 2, avg_over, 0)"#, "evalexpr", 5.0),
    ] {
        let expression = compiled(source);
        assert_eq!(expression.language().to_string(), language, "{source}");
        let value = expression.evaluate(&table(&values), Timestamp::from_millis(0));
        assert_eq!(value, Ok(expected), "{source}");
    }
}

#[test]
fn what_it_looks_at_is_known_at_start() {
    let expression = compiled(r#"if(avg_over("traffic", "1h") > 3, q, ewma("q", 1))"#);
    let looks: Vec<_> = expression.looks().map(|look| (&*look.call, &*look.metric)).collect();
    assert_eq!(looks, [(r#"avg_over("traffic", "1h")"#, "traffic"), (r#"ewma("q", 1)"#, "q")]);
    let reads: Vec<_> = expression.reads().iter().map(AsRef::as_ref).collect();
    assert_eq!(reads, ["q", "traffic"]);
    let twice = compiled(r#"avg_over("q", "60s") - avg_over("q", "1m")"#);
    assert_eq!(twice.looks().count(), 1);
}

#[test]
fn a_metric_that_failed_is_as_good_as_read() {
    let source = r#"avg_over("q", "10m") ?? 8"#;
    let call = r#"avg_over("q", "10m")"#;
    let evaluate = |table: &VariableTable| {
        let value = compiled(source).evaluate(table, Timestamp::from_millis(0));
        value.map_err(|error| format!("{}: {error}", error.reason()))
    };
    let mut failed = table(&[(call, 3.0)]);
    failed.fail("q", "no answer within 10s");
    assert_eq!(
        evaluate(&failed),
        Err("metric: metric `q` has no value: no answer within 10s".into())
    );
    let mut nil = table(&[(call, 3.0)]);
    nil.set("q", Value::Nil);
    assert_eq!(evaluate(&nil), Ok(8.0));
    let mut little = table(&[("q", 3.0)]);
    little.fail(call, "there are 3 samples");
    let want = r#"history: `avg_over("q", "10m")` has no value: there are 3 samples"#;
    assert_eq!(evaluate(&little), Err(want.into()));
    let infinite = table(&[("q", 3.0), (call, f64::INFINITY)]);
    assert_eq!(evaluate(&infinite), Err("inf: expression returned Inf".into()));
}

#[test]
fn the_clock_on_the_wall_is_that_of_the_tick() {
    let office = r#"during("Mon-Fri 08:00-18:00", "Europe/London") ? 1 : 0"#;
    for (source, at, expected) in [
        (r#"hour("UTC")"#, "2026-08-21T10:59:59Z", 10.0),
        (r#"hour("Europe/London")"#, "2026-08-21T10:00:00Z", 11.0),
        (r#"hour("Europe/London")"#, "2026-12-21T10:00:00Z", 10.0),
        // The night in which the clocks go on by an hour, and the one in which they go back.
        (r#"hour("Europe/London")"#, "2026-03-29T00:59:59Z", 0.0),
        (r#"hour("Europe/London")"#, "2026-03-29T01:00:00Z", 2.0),
        (r#"hour("Europe/London")"#, "2026-10-25T00:30:00Z", 1.0),
        (r#"hour("Europe/London")"#, "2026-10-25T01:30:00Z", 1.0),
        (r#"weekday("UTC")"#, "2026-08-23T12:00:00Z", 0.0),
        (r#"weekday("UTC")"#, "2026-08-22T23:59:59Z", 6.0),
        (r#"weekday("Asia/Tokyo")"#, "2026-08-22T15:00:00Z", 0.0),
        (office, "2026-08-21T07:00:00Z", 1.0),
        (office, "2026-08-21T06:59:59Z", 0.0),
        (office, "2026-08-21T17:00:00Z", 0.0),
        (office, "2026-12-21T07:30:00Z", 0.0),
        (office, "2026-12-21T17:59:59Z", 1.0),
        (office, "2026-08-22T12:00:00Z", 0.0),
        (r#"if(during("Sat,Sun", "UTC"), 1, 5)"#, "2026-08-22T12:00:00Z", 1.0),
        (r#"if(hour("UTC") == 12, 3, 4)"#, "2026-08-22T12:00:00Z", 3.0),
        (r#"q == 1 && !during("Mon", "UTC") ? 1 : 0"#, "2026-08-22T12:00:00Z", 1.0),
    ] {
        let now = Timestamp::parse_rfc3339(at).expect("a time");
        assert_eq!(
            compiled(source).evaluate(&table(&[("q", 1.0)]), now),
            Ok(expected),
            "{source} at {at}"
        );
    }
}

#[test]
fn constants_stand_for_a_series_that_never_changed() {
    let constant = |source: &str| {
        let expression = compiled(source);
        let value = expression.looks().next().map(|look| look.of_constant(42.0));
        value.expect("it looks")
    };
    for (source, value) in [
        (r#"avg_over("q", "10m")"#, 42.0),
        (r#"min_over("q", "10m")"#, 42.0),
        (r#"max_over("q", "10m")"#, 42.0),
        (r#"stddev_over("q", "10m")"#, 0.0),
        (r#"ewma("q", 0.1)"#, 42.0),
        (r#"forecast("q", "10m")"#, 42.0),
    ] {
        assert_eq!(constant(source), value, "{source}");
    }
    // As is what a ring makes of it.
    assert!(Summary::reach(0.1, std::time::Duration::from_secs(15)).as_secs() > 0);
}

#[test]
fn what_is_written_wrong_is_said_at_its_place() {
    for (source, message, marked, hint) in [
        (
            r#"avg_over(q, "10m")"#,
            "`avg_over` takes the name of a metric as text",
            "q",
            r#"put it in quotes: "q""#,
        ),
        (r#"avg_over("qq", "10m")"#, "unknown metric `qq`", r#""qq""#, "known are"),
        (
            r#"avg_over("trafic", "10m")"#,
            "unknown metric `trafic`",
            r#""trafic""#,
            "did you mean `traffic`?",
        ),
        (
            r#"avg_over("started_machines", "10m")"#,
            "no history is kept of `started_machines`: it is not a metric",
            r#""started_machines""#,
            "",
        ),
        (r#"avg_over("q", 10)"#, "`avg_over` takes a duration as text", "10", "it is written"),
        (r#"avg_over("q", "10")"#, "`10` is not a duration", r#""10""#, "write it as 90s"),
        (
            r#"avg_over("q", "1d")"#,
            "`1d` is not a duration",
            r#""1d""#,
            "days are written in hours: 24h",
        ),
        (
            r#"avg_over("q", "2w")"#,
            "`2w` is not a duration",
            r#""2w""#,
            "weeks are written in hours: 168h is one",
        ),
        (r#"avg_over("q", "0s")"#, "`0s` is no time at all", r#""0s""#, ""),
        (
            r#"avg_over("q", "169h")"#,
            "`169h` is more than the most that can be looked at, 168h",
            r#""169h""#,
            "",
        ),
        (
            r#"avg_over("q")"#,
            "`avg_over` takes 2 arguments, not 1",
            "avg_over",
            r#"it is written avg_over("queue_depth", "10m")"#,
        ),
        (
            r#"hour()"#,
            "`hour` takes 1 argument, not 0",
            "hour",
            r#"it is written hour("Europe/London")"#,
        ),
        (
            r#"avg_over("q", "1" + "0m")"#,
            "the arguments of `avg_over` are constants: text or a number",
            r#""1" + "0m""#,
            "it is written",
        ),
        (r#"avg_over("q", )"#, "`avg_over` takes 2 arguments, not 1", "avg_over", "it is written"),
        (r#"1 + avg_over("q", "10m""#, "this `(` is never closed", "(", "add `)`"),
        (
            r#""q" | avg_over("10m")"#,
            "`avg_over` cannot stand after `|`: its arguments are constants",
            "avg_over",
            "it is written",
        ),
        (
            r#"avg_ovr("q", "10m")"#,
            "unknown function `avg_ovr`",
            "avg_ovr",
            "did you mean `avg_over`?",
        ),
        (
            r#"if(q > 1, avg_ovr("q", "10m"), 1)"#,
            "unknown function `avg_ovr` of evalexpr",
            "avg_ovr",
            "did you mean `avg_over`?",
        ),
        (r#"ewma("q", 0)"#, "`ewma` takes a number over 0 and up to 1", "0", "it is the weight"),
        (
            r#"ewma("q", 1.01)"#,
            "`ewma` takes a number over 0 and up to 1",
            "1.01",
            "it is the weight",
        ),
        (
            r#"ewma("q", "0.3")"#,
            "`ewma` takes a number over 0 and up to 1",
            r#""0.3""#,
            "it is the weight",
        ),
        (r#"forecast("q", "soon")"#, "`soon` is not a duration", r#""soon""#, "write it as"),
        (
            r#"hour("Europe/Londn")"#,
            "`Europe/Londn` is not a time zone",
            r#""Europe/Londn""#,
            "did you mean `Europe/London`?",
        ),
        (
            r#"weekday(UTC)"#,
            "`weekday` takes a time zone as text",
            "UTC",
            r#"put it in quotes: "UTC""#,
        ),
        (
            r#"during("Mon-Fri 8-18", "UTC") ? 1 : 0"#,
            "`8-18` is not a time of day",
            r#""Mon-Fri 8-18""#,
            "write hours and minutes",
        ),
        (
            r#"during("Mon-Fri 08:00-18:00", "Mars")"#,
            "`Mars` is not a time zone",
            r#""Mars""#,
            "write a name",
        ),
    ] {
        let error = Expression::compile(source, &names()).expect_err(source);
        assert_eq!(error.message, message, "{source}");
        let text = error.render();
        let carets = text.lines().nth(2).unwrap_or_default().trim().len();
        let place = error.offset.map(|at| &source[at..at + carets]);
        assert_eq!(place, Some(marked), "{text}");
        assert!(error.hint.as_deref().unwrap_or_default().starts_with(hint), "{text}");
    }
    let error = Expression::compile(r#"during("Mon", "UTC")"#, &names()).expect_err("no number");
    assert_eq!(error.message, "the expression returns true or false, not a number");
}

proptest! {
    #[test]
    fn no_call_however_odd_panics(
        function in "avg_over|during|ewma|forecast|hour|weekday|stddev_over",
        arguments in r#"[q"'`(),\[\]{}0-9a-z.:;| \\-]{0,40}"#,
    ) {
        for source in [format!("{function}({arguments})"), format!("if(1 > 0, {function}({arguments}, 2)")] {
            if let Ok(expression) = Expression::compile(&source, &names()) {
                let _ = expression.evaluate(&table(&[("q", 1.0)]), Timestamp::from_millis(0));
            }
        }
    }

    #[test]
    fn windows_and_weights_of_any_size_are_taken_or_refused(seconds in 0_u64..1_000_000, alpha in -0.5_f64..1.5) {
        let window = format!(r#"avg_over("q", "{seconds}s")"#);
        prop_assert_eq!(Expression::compile(&window, &names()).is_ok(), (1..=604_800).contains(&seconds));
        let smoothed = format!(r#"ewma("q", {alpha})"#);
        prop_assert_eq!(Expression::compile(&smoothed, &names()).is_ok(), alpha > 0.0 && alpha <= 1.0);
    }
}
