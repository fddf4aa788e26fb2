//! The small part of PromQL that the simulator answers: selectors, aggregations, `rate` and `increase`,
//! numbers and arithmetic, `or vector(N)`. Anything else is refused with what is not known.
//!
//! Each series has one value and a counter one rate: those of the time at which the query is evaluated.

use std::collections::BTreeMap;

use regex::Regex;

use super::series::Series;

mod parse;

pub(crate) use parse::{Aggregation, Expr, Operator, parse};

/// The labels of a series.
pub(crate) type Labels = BTreeMap<String, String>;

/// The result of a query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Scalar(f64),
    Vector(Vec<(Labels, f64)>),
}

/// A metric's name and what its labels must be.
#[derive(Debug, Clone)]
pub(crate) struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) op: Op,
    pub(crate) text: String,
    /// Of `=~` and `!~`.
    pub(crate) pattern: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Matches,
    MatchesNot,
}

impl Selector {
    pub(crate) fn admits(&self, series: &Series) -> bool {
        self.name == series.name
            && self.matchers.iter().all(|matcher| matcher.admits(&series.labels))
    }

    /// Whether any series of that app can be meant: what spares a look at the others.
    pub(crate) fn admits_app(&self, app: &str) -> bool {
        let mut of_apps = self.matchers.iter().filter(|matcher| matcher.label == "app");
        of_apps.all(|matcher| matcher.admits_value(app))
    }
}

impl Matcher {
    /// An absent label counts as an empty one, as in Prometheus.
    fn admits(&self, labels: &Labels) -> bool {
        self.admits_value(labels.get(&self.label).map_or("", String::as_str))
    }

    fn admits_value(&self, value: &str) -> bool {
        let matches = || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(value));
        match self.op {
            Op::Equal => value == self.text,
            Op::NotEqual => value != self.text,
            Op::Matches => matches(),
            Op::MatchesNot => !matches(),
        }
    }
}

/// Finds the series of a selector.
pub(crate) type Select<'a> = dyn FnMut(&Selector) -> Vec<Series> + 'a;

/// Evaluates `query`, or says why it cannot.
pub(crate) fn evaluate(query: &str, select: &mut Select<'_>) -> Result<Value, String> {
    eval(&parse(query)?, select)
}

/// Evaluates a query that was read.
pub(crate) fn eval(expr: &Expr, select: &mut Select<'_>) -> Result<Value, String> {
    match expr {
        Expr::Number(number) => Ok(Value::Scalar(*number)),
        Expr::Select(selector) => {
            let named = |series: Series| {
                let mut labels = series.labels;
                labels.insert("__name__".to_owned(), series.name);
                (labels, series.value)
            };
            Ok(Value::Vector(select(selector).into_iter().map(named).collect()))
        }
        Expr::Rate { selector, times } => {
            let grown = |series: Series| Some((series.labels, series.rate? * times));
            Ok(Value::Vector(select(selector).into_iter().filter_map(grown).collect()))
        }
        Expr::Vector(inner) => match eval(inner, select)? {
            Value::Scalar(number) => Ok(Value::Vector(vec![(Labels::new(), number)])),
            Value::Vector(_) => Err("vector() needs a number".to_owned()),
        },
        Expr::Aggregate { by, how, inner } => match eval(inner, select)? {
            Value::Scalar(_) => Err("an aggregation needs a vector".to_owned()),
            Value::Vector(samples) => Ok(Value::Vector(aggregate(*how, by, samples))),
        },
        Expr::Or(left, right) => match (eval(left, select)?, eval(right, select)?) {
            (Value::Vector(mut samples), Value::Vector(others)) => {
                let known: Vec<Labels> =
                    samples.iter().map(|(labels, _)| unnamed(labels)).collect();
                let new =
                    others.into_iter().filter(|(labels, _)| !known.contains(&unnamed(labels)));
                samples.extend(new);
                Ok(Value::Vector(samples))
            }
            _ => Err("`or` needs a vector on each side".to_owned()),
        },
        Expr::Binary { operator, left, right } => {
            Ok(combine(*operator, eval(left, select)?, eval(right, select)?))
        }
    }
}

fn aggregate(how: Aggregation, by: &[String], samples: Vec<(Labels, f64)>) -> Vec<(Labels, f64)> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for (mut labels, value) in samples {
        labels.retain(|label, _| by.contains(label));
        groups.entry(labels).or_default().push(value);
    }
    let reduce = |values: &[f64]| match how {
        Aggregation::Sum => values.iter().sum(),
        Aggregation::Avg => values.iter().sum::<f64>() / values.len() as f64,
        Aggregation::Count => values.len() as f64,
        Aggregation::Max => values.iter().copied().fold(f64::NAN, f64::max),
        Aggregation::Min => values.iter().copied().fold(f64::NAN, f64::min),
    };
    groups.into_iter().map(|(labels, values)| (labels, reduce(&values))).collect()
}

/// Vectors are matched by all their labels.
fn combine(operator: Operator, left: Value, right: Value) -> Value {
    let apply = |left, right| match operator {
        Operator::Add => left + right,
        Operator::Subtract => left - right,
        Operator::Multiply => left * right,
        Operator::Divide => left / right,
    };
    match (left, right) {
        (Value::Scalar(left), Value::Scalar(right)) => Value::Scalar(apply(left, right)),
        (Value::Vector(samples), Value::Scalar(right)) => Value::Vector(
            samples.iter().map(|(labels, left)| (unnamed(labels), apply(*left, right))).collect(),
        ),
        (Value::Scalar(left), Value::Vector(samples)) => Value::Vector(
            samples.iter().map(|(labels, right)| (unnamed(labels), apply(left, *right))).collect(),
        ),
        (Value::Vector(samples), Value::Vector(others)) => {
            let others: BTreeMap<Labels, f64> =
                others.iter().map(|(labels, value)| (unnamed(labels), *value)).collect();
            let pairs = samples.iter().filter_map(|(labels, left)| {
                let labels = unnamed(labels);
                let right = others.get(&labels)?;
                Some((labels, apply(*left, *right)))
            });
            Value::Vector(pairs.collect())
        }
    }
}

fn unnamed(labels: &Labels) -> Labels {
    labels
        .iter()
        .filter(|(label, _)| *label != "__name__")
        .map(|(l, v)| (l.clone(), v.clone()))
        .collect()
}

/// A number as Prometheus writes it.
pub(crate) fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        value.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(selector: &Selector) -> Vec<Series> {
        let series = |name: &str, labels: &[(&str, &str)], value, rate| Series {
            name: name.to_owned(),
            labels: labels.iter().map(|(l, v)| ((*l).to_owned(), (*v).to_owned())).collect(),
            value,
            rate,
        };
        let all = [
            series("queue_depth", &[("app", "web")], 42.0, None),
            series("traffic", &[("app", "web"), ("region", "lhr")], 10.0, None),
            series("traffic", &[("app", "web"), ("region", "iad")], 30.0, None),
            series("hits", &[("app", "web"), ("region", "lhr")], 5000.0, Some(2.5)),
        ];
        all.into_iter().filter(|series| selector.admits(series)).collect()
    }

    fn show(query: &str) -> String {
        match evaluate(query, &mut world) {
            Err(why) => format!("error: {why}"),
            Ok(Value::Scalar(number)) => number.to_string(),
            Ok(Value::Vector(samples)) => samples
                .iter()
                .map(|(labels, value)| {
                    let labels: Vec<_> = labels.iter().map(|(l, v)| format!("{l}={v}")).collect();
                    format!("{{{}}} {value}", labels.join(","))
                })
                .collect::<Vec<_>>()
                .join("; "),
        }
    }

    #[test]
    fn queries_that_are_known() {
        let table = [
            ("queue_depth", "{__name__=queue_depth,app=web} 42"),
            (r#"sum(queue_depth{app="web"})"#, "{} 42"),
            (r#"sum(queue_depth{app="api"})"#, ""),
            (r#"sum(queue_depth{app="api"}) or vector(0)"#, "{} 0"),
            ("sum by (region) (traffic)", "{region=iad} 30; {region=lhr} 10"),
            ("sum(traffic) by (region)", "{region=iad} 30; {region=lhr} 10"),
            (
                "sum by (app, region) (traffic) / 10",
                "{app=web,region=iad} 3; {app=web,region=lhr} 1",
            ),
            (r#"max(traffic{region!="iad"})"#, "{} 10"),
            (r#"avg(traffic{region=~"lhr|iad"})"#, "{} 20"),
            (r#"min(traffic{region!~"l.*", app="web"})"#, "{} 30"),
            ("count(traffic)", "{} 2"),
            ("sum(rate(hits[5m])) * 60", "{} 150"),
            ("increase(hits[1m])", "{app=web,region=lhr} 150"),
            ("sum(traffic) / sum(queue_depth) * 21", "{} 20"),
            ("2 + 3 * -4", "-10"),
            ("(2 + 3) * 4", "20"),
            ("1 / 0", "inf"),
            ("vector(1) - 3", "{} -2"),
        ];
        for (query, expected) in table {
            assert_eq!(show(query), expected, "{query}");
        }
    }

    #[test]
    fn queries_that_are_not() {
        let table = [
            ("", "error: the query ends too early"),
            ("sum(", "error: the query ends too early"),
            (
                "histogram_quantile(0.9, x)",
                "error: the simulator does not know `histogram_quantile(`",
            ),
            ("sum without (app) (x)", "error: the simulator does not know `without`"),
            ("x[5m]", "error: the simulator does not know `[5m]` outside rate() and increase()"),
            ("rate(x)", "error: rate() needs a window such as [5m]"),
            ("x offset 5m", "error: the simulator does not know `offset`"),
            ("x > 3", "error: the simulator does not know `>`"),
            (r#"x{app="a}"#, "error: the text that begins at `\"a}` has no end"),
            ("1 or 2", "error: `or` needs a vector on each side"),
        ];
        for (query, expected) in table {
            assert_eq!(show(query), expected, "{query}");
        }
    }
}
