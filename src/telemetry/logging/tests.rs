use serde_json::json;

use super::*;
use crate::telemetry::capture;

#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Layer {
    text: &'static str,
    source: Option<Box<Layer>>,
}

fn layers(texts: &[&'static str]) -> Layer {
    let source = if texts.len() > 1 { Some(Box::new(layers(&texts[1..]))) } else { None };
    Layer { text: texts[0], source }
}

#[test]
fn a_chain_says_each_cause_once() {
    for (texts, said) in [
        (&["start m1"][..], "start m1"),
        (&["start m1", "timed out"], "start m1: timed out"),
        (&["a", "b", "c"], "a: b: c"),
        // As errors of other crates are that print their source themselves.
        (&["send: refused", "refused", "os error 111"], "send: refused: os error 111"),
    ] {
        assert_eq!(Chain(&layers(texts)).to_string(), said);
    }
}

#[test]
fn a_json_line_is_one_flat_object() {
    let lines = capture::json(false, || {
        let span = tracing::info_span!("tick", app = "a1", seq = 1);
        let _inside = span.enter();
        tracing::warn!(
            seq = 2, ok = true, ratio = 0.5, bad = f64::NAN, why = %"said \"no\"\nand left", level = 3,
            "could not {}", "start"
        );
    });
    assert_eq!(
        lines,
        [json!({
            "level": "WARN", "msg": "could not start",
            "target": "fly_autoscaler::telemetry::logging::tests",
            "app": "a1", "seq": 2, "ok": true, "ratio": 0.5, "bad": "NaN",
            "why": "said \"no\"\nand left", "level_": 3,
        })]
    );
}

#[test]
fn the_keys_come_in_the_order_of_upstream() {
    let line = capture::text(LogFormat::Json, false, || tracing::info!(a = 1, "hello"));
    let rest = line.split_once(r#"Z","#).expect("a time in UTC").1;
    let target = "fly_autoscaler::telemetry::logging::tests";
    assert_eq!(
        rest,
        format!("\"level\":\"INFO\",\"msg\":\"hello\",\"target\":\"{target}\",\"a\":1}}\n")
    );
    assert!(line.starts_with(r#"{"time":"20"#), "{line}");
}

#[test]
fn verbose_adds_debug_of_ours_and_of_nobody_else() {
    let emit = || {
        tracing::debug!("ours");
        tracing::debug!(target: "hyper::client", "authorization: secret");
        tracing::info!(target: "hyper::client", "theirs");
        tracing::warn!(target: "hyper::client", "their warning");
    };
    let messages = |verbose| {
        let lines = capture::json(verbose, emit);
        lines.iter().map(|line| line["msg"].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(messages(false), r#""their warning""#);
    assert_eq!(messages(true), r#""ours" "their warning""#);
}

#[test]
fn text_lines_are_readable() {
    let line = capture::text(LogFormat::Text, false, || tracing::info!(app = "a1", "tick ended"));
    let (time, rest) = line.split_once(' ').expect("a time first");
    assert!(crate::model::Timestamp::parse_rfc3339(time).is_some(), "{time}");
    assert_eq!(rest, " INFO tick ended app=\"a1\"\n");
}
