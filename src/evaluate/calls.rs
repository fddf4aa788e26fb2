//! Calls of our own functions: of a metric's past and forecast, and of the clock on the wall.
//!
//! Their arguments are constants. So each call as a whole becomes one variable, in both languages: what it
//! looks back at is known at start, and what it gives is reckoned before the expression runs.

mod arguments;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::EvaluateError;
use super::error::Problem;
use super::expression::Input;
use super::names::Names;
use super::token::{Kind, Token};
use crate::model::{Calendar, Summary, Timestamp, Value, VariableTable};
use arguments::Arguments;

/// Our functions, in alphabetical order.
const FUNCTIONS: [&str; 9] = [
    "avg_over",
    "during",
    "ewma",
    "forecast",
    "hour",
    "max_over",
    "min_over",
    "stddev_over",
    "weekday",
];

/// A call that looks at more of a metric than its value of now.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// The call as it is always written, such as `avg_over("queue_depth", "10m")`: the name under which its
    /// value stands in the [`VariableTable`].
    pub call: Arc<str>,
    /// The variable whose past it is. In a region's expressions that of a metric is the region's.
    pub metric: Arc<str>,
    /// What it asks for.
    pub at: LookAt,
}

/// What a [`Look`] asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LookAt {
    /// What the last samples come to.
    Past {
        /// How they are taken together.
        how: Summary,
        /// How far back; `None`: as far as a smoothed mean reaches.
        window: Option<Duration>,
    },
    /// What the metric will be.
    Future {
        /// How far ahead.
        horizon: Duration,
    },
}

/// One call of ours.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Call {
    Look(Look),
    Hour(TimeZone),
    Weekday(TimeZone),
    During(Calendar),
}

/// The functions in alphabetical order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.into_iter()
}

/// Makes one token of each call of ours: of the kind [`Kind::Call`], with its number among the calls.
/// `source` is what the `tokens` are of.
pub(super) fn gather<'s>(
    source: &'s str,
    tokens: &[Token<'s>],
    names: &Names,
) -> Result<(Vec<Token<'s>>, Vec<Call>), Problem> {
    let mut gathered: Vec<Token<'s>> = Vec::with_capacity(tokens.len());
    let mut calls: Vec<Call> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let before = gathered.last();
        let is_member = before.is_some_and(|before| before.is(".") || before.is("?."));
        let is_called = tokens.get(at + 1).is_some_and(|next| next.is("("));
        let is_ours = token.kind == Kind::Name && FUNCTIONS.binary_search(&token.text).is_ok();
        if !is_ours || !is_called || is_member {
            gathered.push(*token);
            at += 1;
            continue;
        }
        if before.is_some_and(|before| before.is("|")) {
            let message =
                format!("`{}` cannot stand after `|`: its arguments are constants", token.text);
            return Err(Problem::at(token.place(), message).hint(example(token.text)));
        }
        let arguments = Arguments::read(*token, &tokens[at + 1..])?;
        let call = read(&arguments, names)?;
        let end = arguments.end;
        let number = calls.iter().position(|known| *known == call).unwrap_or_else(|| {
            calls.push(call);
            calls.len() - 1
        });
        let text = &source[token.offset..end];
        gathered.push(Token { kind: Kind::Call(number), text, offset: token.offset });
        while tokens.get(at).is_some_and(|token| token.offset < end) {
            at += 1;
        }
    }
    Ok((gathered, calls))
}

/// Where the call of ours ends that `tokens` begin with, in bytes from the start of the expression.
pub(super) fn extent(tokens: &[Token<'_>]) -> Option<usize> {
    let (function, rest) = tokens.split_first()?;
    let is_ours = function.kind == Kind::Name && FUNCTIONS.binary_search(&function.text).is_ok();
    let is_called = is_ours && rest.first().is_some_and(|next| next.is("("));
    if !is_called {
        return None;
    }
    Arguments::read(*function, rest).ok().map(|arguments| arguments.end)
}

fn read(arguments: &Arguments<'_, '_>, names: &Names) -> Result<Call, Problem> {
    let function = arguments.name();
    let over = |how| {
        let [metric, window] = arguments.exactly()?;
        let (metric, (window, written)) =
            (arguments.metric(metric, names)?, arguments.window(window)?);
        let at = LookAt::Past { how, window: Some(window) };
        Ok(look(function, metric, &format!("\"{written}\""), at))
    };
    match function {
        "avg_over" => over(Summary::Average),
        "min_over" => over(Summary::Minimum),
        "max_over" => over(Summary::Maximum),
        "stddev_over" => over(Summary::Deviation),
        "ewma" => {
            let [metric, alpha] = arguments.exactly()?;
            let (metric, alpha) = (arguments.metric(metric, names)?, arguments.alpha(alpha)?);
            let at = LookAt::Past { how: Summary::Smoothed { alpha }, window: None };
            Ok(look(function, metric, &alpha.to_string(), at))
        }
        "forecast" => {
            let [metric, horizon] = arguments.exactly()?;
            let metric = arguments.metric(metric, names)?;
            let (horizon, written) = arguments.window(horizon)?;
            Ok(look(function, metric, &format!("\"{written}\""), LookAt::Future { horizon }))
        }
        "hour" => {
            let [zone] = arguments.exactly()?;
            arguments.zone(zone).map(Call::Hour)
        }
        "weekday" => {
            let [zone] = arguments.exactly()?;
            arguments.zone(zone).map(Call::Weekday)
        }
        _ => {
            let [windows, zone] = arguments.exactly()?;
            arguments.calendar(windows, zone).map(Call::During)
        }
    }
}

fn look(function: &str, metric: &str, rest: &str, at: LookAt) -> Call {
    let call = format!("{function}(\"{metric}\", {rest})");
    Call::Look(Look { call: call.into(), metric: metric.into(), at })
}

/// How a function of ours is written.
fn example(function: &str) -> String {
    let arguments = match function {
        "ewma" => r#""queue_depth", 0.3"#,
        "forecast" => r#""queue_depth", "5m""#,
        "hour" | "weekday" => r#""Europe/London""#,
        "during" => r#""Mon-Fri 08:00-18:00", "Europe/London""#,
        _ => r#""queue_depth", "10m""#,
    };
    format!("it is written {function}({arguments})")
}

impl Call {
    /// What it gives at `now`.
    pub(super) fn input<'v>(
        &self,
        variables: &'v VariableTable,
        now: Timestamp,
    ) -> Result<Input<'v>, EvaluateError> {
        match self {
            Self::Look(look) => look.input(variables),
            Self::Hour(zone) => Ok(Input::Number(f64::from(local(zone, now)?.hour()))),
            Self::Weekday(zone) => {
                let day = local(zone, now)?.weekday();
                Ok(Input::Number(f64::from(day.to_sunday_zero_offset())))
            }
            Self::During(calendar) => Ok(Input::Truth(calendar.contains(now))),
        }
    }

    /// What it may give, to try an expression out: `number`, or whether it is over one.
    pub(super) fn plausible(&self, number: f64) -> Input<'static> {
        match self {
            Self::During(_) => Input::Truth(number > 1.0),
            Self::Look(_) | Self::Hour(_) | Self::Weekday(_) => Input::Number(number),
        }
    }
}

/// What a clock on the wall shows.
fn local(zone: &TimeZone, at: Timestamp) -> Result<DateTime, EvaluateError> {
    let at = jiff::Timestamp::from_millisecond(at.as_millis());
    let at = at.map_err(|_| EvaluateError::Failed {
        message: "the time of the tick is in no calendar".to_owned(),
    })?;
    Ok(zone.to_datetime(at))
}

impl Look {
    /// A metric that has failed is as good as read: what its past was does not make up for it. Where it is
    /// nil, so is its past, and `??` reads past both.
    fn input<'v>(&self, variables: &'v VariableTable) -> Result<Input<'v>, EvaluateError> {
        if *super::expression::value_of(variables, &self.metric)? == Value::Nil {
            return Ok(Input::Variable(&Value::Nil));
        }
        let missing = |message: &str| EvaluateError::History {
            call: Arc::clone(&self.call),
            message: Arc::from(message),
        };
        match variables.get(&self.call).ok_or_else(|| missing("nothing has set it"))? {
            Ok(value) => Ok(Input::Variable(super::expression::finite_value(value)?)),
            Err(why) => Err(missing(why)),
        }
    }

    /// What it gives where the metric was `value` all along, as far as it looks.
    #[must_use]
    pub fn of_constant(&self, value: f64) -> f64 {
        match self.at {
            LookAt::Past { how: Summary::Deviation, .. } => 0.0,
            LookAt::Past { .. } | LookAt::Future { .. } => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_functions_is_sorted() {
        assert!(FUNCTIONS.is_sorted());
    }
}
