//! Evaluates Expr through the crate expr-lang.

use ::expr::{Context, ContextProvider, Program};

use super::EvaluateError;
use super::error::Problem;
use super::expression::Input;
use super::functions::{ENVIRONMENT, NOW, explain};
use super::syntax::Translation;
use crate::model::{Timestamp, Value};

/// A compiled expression of Expr. Its variables are numbered.
#[derive(Debug)]
pub(super) struct Compiled {
    program: Program,
    reads_time: bool,
    /// How many variables there are, behind which the calls of ours stand.
    variables: usize,
}

impl Compiled {
    pub(super) fn new(translation: &Translation<'_>) -> Result<Self, Problem> {
        let program = ::expr::compile(&translation.program).map_err(|_| {
            Problem::whole("this cannot be read as an expression")
                .hint("simplify it until it can; its parts are documented in docs/expressions.md")
        })?;
        let reads_time = translation.calls.iter().any(|(name, _)| *name == "now");
        Ok(Self { program, reads_time, variables: translation.names.len() })
    }

    /// The result with `inputs` as the variables, in the order of the translation's names, and behind them
    /// as our own calls.
    pub(super) fn evaluate<'v>(
        &self,
        inputs: impl Iterator<Item = Input<'v>>,
        now: Timestamp,
    ) -> Result<f64, EvaluateError> {
        use ::expr::Value as Found;
        let variables = Variables {
            values: inputs.map(to_expr).collect(),
            first_call: self.variables,
            now: if self.reads_time { Found::String(now.to_string()) } else { Found::Nil },
        };
        let found = match ENVIRONMENT.run(&self.program, &variables) {
            Ok(Found::Integer(number)) => return Ok(number as f64),
            Ok(Found::Float(number)) => return Ok(number),
            Ok(Found::Bool(_)) => super::TRUE_OR_FALSE,
            Ok(Found::Nil) => "nil",
            Ok(Found::String(_) | Found::Bytes(_)) => "text",
            Ok(Found::Array(_)) => "a list",
            Ok(Found::Map(_) | Found::KeyedMap(_)) => "a map",
            Ok(Found::Duration(_)) => "a duration",
            Ok(Found::DateTime(_) | Found::Timezone(_) | Found::Month(_) | Found::Weekday(_)) => {
                "a date or a part of one"
            }
            Err(error) => return Err(explain(&error)),
        };
        Err(EvaluateError::NotANumber { found })
    }
}

fn to_expr(input: Input<'_>) -> ::expr::Value {
    match input {
        Input::Variable(Value::Number(number)) => ::expr::Value::Float(*number),
        Input::Variable(Value::Truth(truth)) => ::expr::Value::Bool(*truth),
        Input::Variable(Value::Nil) => ::expr::Value::Nil,
        Input::Variable(Value::Text(text)) => ::expr::Value::String(text.as_ref().to_owned()),
        Input::Number(number) => ::expr::Value::Float(number),
        Input::Truth(truth) => ::expr::Value::Bool(truth),
    }
}

/// The variables of one evaluation: `v0` is the first of `values`, `h0` that at `first_call`, and so on. No
/// map is built.
struct Variables {
    values: Vec<::expr::Value>,
    first_call: usize,
    now: ::expr::Value,
}

impl ContextProvider for Variables {
    fn get(&self, key: &str) -> Option<&::expr::Value> {
        let place = |number: &str| number.parse::<usize>().ok();
        match (key.strip_prefix('v'), key.strip_prefix('h')) {
            (Some(number), _) => self.values.get(place(number)?),
            (None, Some(number)) => self.values.get(self.first_call + place(number)?),
            (None, None) => (key == NOW).then_some(&self.now),
        }
    }

    /// Only `$env` asks for it, which no translation contains.
    fn to_context(&self) -> Context {
        Context::default()
    }
}
