//! The JSON of the answer to an instant query, and to one of a range of time.
//!
//! Source: Prometheus docs, "HTTP API"; VictoriaMetrics answers in the same form.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::model::Timestamp;

/// A good answer.
pub(super) struct Answer {
    /// One entry per series; a scalar is a series without labels.
    pub(super) series: Vec<Series>,
    /// What the server wants the author of the query to know.
    pub(super) warnings: Vec<String>,
}

/// One series, with the labels that matter here.
pub(super) struct Series {
    pub(super) app: Option<String>,
    pub(super) region: Option<String>,
    pub(super) instance: Option<String>,
    pub(super) point: Point,
}

/// A value and its time.
pub(super) struct Point {
    text: String,
    pub(super) at: Option<Timestamp>,
}

impl Point {
    /// The value, or its text where that is NaN, infinite or no number.
    pub(super) fn finite(&self) -> Result<f64, &str> {
        self.text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or(&self.text)
    }
}

/// What an answer with `"status": "error"` says, whatever its HTTP status.
pub(super) fn error(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Failed {
        status: String,
        error: Option<String>,
    }
    let failed: Failed = serde_json::from_slice(body).ok()?;
    (failed.status == "error").then(|| failed.error.unwrap_or_default())
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    data: Data<'a>,
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

#[derive(Deserialize, Default)]
struct Labels {
    app: Option<String>,
    region: Option<String>,
    instance: Option<String>,
}

/// A good answer about a range of time.
pub(super) struct Past {
    /// The points of all series.
    pub(super) points: Vec<(Timestamp, Series)>,
    /// See [`Answer::warnings`].
    pub(super) warnings: Vec<String>,
}

/// Reads an answer about a range of time, or says in words why it cannot be used.
pub(super) fn read_past(body: &[u8]) -> Result<Past, String> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        metric: Labels,
        // Absent where the series is a native histogram.
        #[serde(default)]
        values: Vec<Pair>,
    }
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let Data { result_type, result } = envelope.data;
    if result_type != "matrix" {
        return Err(format!("the result type is `{}`, not matrix", result_type.escape_debug()));
    }
    let entries: Vec<Entry> =
        serde_json::from_str(result.get()).map_err(|error| error.to_string())?;
    let mut points = Vec::new();
    for Entry { metric: Labels { app, region, instance }, values } in entries {
        for value in values {
            let point = point(value);
            let at = point.at.ok_or("a point has no time")?;
            let (app, region, instance) = (app.clone(), region.clone(), instance.clone());
            points.push((at, Series { app, region, instance, point }));
        }
    }
    Ok(Past { points, warnings: envelope.warnings.unwrap_or_default() })
}

/// Reads an answer, or says in words why it cannot be used.
pub(super) fn read(body: &[u8]) -> Result<Answer, String> {
    let envelope: Envelope<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let result = envelope.data.result.get();
    let series = match envelope.data.result_type.as_str() {
        "vector" => vector(result),
        "scalar" => scalar(result),
        "matrix" => Err("the query gives a range of values for each series, not one; take the \
            range selector off or aggregate over it, as avg_over_time(...) does"
            .to_owned()),
        "string" => Err("the query gives a text, not a number".to_owned()),
        other => Err(format!("the result type `{}` is not known", other.escape_debug())),
    }?;
    Ok(Answer { series, warnings: envelope.warnings.unwrap_or_default() })
}

/// A pair of a time in seconds and a value as text.
type Pair = (f64, String);

fn vector(json: &str) -> Result<Vec<Series>, String> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(default)]
        metric: Labels,
        // Absent where the series is a native histogram.
        value: Option<Pair>,
    }
    let entries: Vec<Entry> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let series = |Entry { metric, value }| {
        let value = value.ok_or("a series has no plain value; is it a histogram?")?;
        let Labels { app, region, instance } = metric;
        Ok(Series { app, region, instance, point: point(value) })
    };
    entries.into_iter().map(series).collect()
}

fn scalar(json: &str) -> Result<Vec<Series>, String> {
    let pair: Pair = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Ok(vec![Series { app: None, region: None, instance: None, point: point(pair) }])
}

fn point((seconds, text): Pair) -> Point {
    Point { text, at: Timestamp::from_seconds(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_or_keep_their_text() {
        let table = [
            ("1.5", Ok(1.5)),
            ("-0", Ok(0.0)),
            ("1e+06", Ok(1e6)),
            ("NaN", Err("NaN")),
            ("+Inf", Err("+Inf")),
            ("-Inf", Err("-Inf")),
            ("1e999", Err("1e999")),
            ("", Err("")),
            ("0x10", Err("0x10")),
        ];
        for (text, want) in table {
            let point = Point { text: text.to_owned(), at: None };
            assert_eq!(point.finite(), want, "{text}");
        }
    }
}
