//! One expression by itself, with no configuration.

use fly_autoscaler::clock::SystemClock;
use fly_autoscaler::evaluate::{Expression, Names, machine_count};
use fly_autoscaler::model::{Value, VariableTable};
use fly_autoscaler::ports::Clock as _;
use serde::Serialize;
use serde_json::Number;

use super::printed::number;
use crate::{DONE, WRONG_USAGE, output};

/// What a single expression comes to.
#[derive(Serialize)]
struct Single {
    value: Number,
    count: u32,
    language: String,
}

pub(super) fn run(source: &str, variables: &[(String, f64)]) -> anyhow::Result<u8> {
    if source.trim().is_empty() {
        output::note("error: the expression is empty; write one, such as 'ceil(queue_depth / 10)'");
        return Ok(WRONG_USAGE);
    }
    let names = Names::new(variables.iter().map(|(name, _)| name));
    let expression = match Expression::compile(source, &names) {
        Ok(expression) => expression,
        Err(mut error) => {
            let is_unknown = error.message.starts_with("unknown variable");
            if is_unknown && !error.hint.as_ref().is_some_and(|hint| hint.starts_with("did you")) {
                // Nothing is configured here that could know it.
                error.hint = Some("give it a value, such as --var queue_depth=42".to_owned());
            }
            output::note(format_args!("error: {}", error.render()));
            return Ok(WRONG_USAGE);
        }
    };
    let mut table = VariableTable::default();
    for (name, value) in variables {
        table.set(name.as_str(), Value::Number(*value));
    }
    // What is given was so all along.
    for look in expression.looks() {
        if let Some((_, value)) = variables.iter().rev().find(|(name, _)| *name == *look.metric) {
            table.set(&*look.call, Value::Number(look.of_constant(*value)));
        }
    }
    let value = expression.evaluate(&table, SystemClock.now())?;
    let count = machine_count(value)?;
    let language = expression.language().to_string();
    output::json(&Single { value: number(value), count, language })?;
    Ok(DONE)
}
