//! The functions that expressions call: expr-lang's own, with those replaced that would let bad
//! data become a number of machines. Functions of our own are registered here as well.
//!
//! What a function needs to know of the tick (its time) it asks the evaluation's context for, under
//! names that no expression can write. So one environment serves all expressions and ticks.

use std::sync::LazyLock;

use ::expr::{Context, ContextProvider, Environment, Error, Value};

use super::EvaluateError;
use super::count::finite;

/// The time of the tick as RFC 3339 text, in the context of an evaluation.
pub(super) const NOW: &str = "@now";

/// What `a..b` is compiled to.
pub(super) const RANGE: &str = "integer_range";

/// Most elements of one range. Two nested ones are then a million steps: a quarter of a second.
const MAX_RANGE: i64 = 1000;

/// Functions of Expr that cannot be called here: no variable needs decoding, and `repeat` makes text
/// of any length.
const LEFT_OUT: [&str; 5] = ["fromBase64", "fromJSON", "repeat", "toBase64", "toJSON"];

/// All functions of Expr that can be called here.
const FUNCTIONS: [&str; 65] = [
    "abs",
    "all",
    "any",
    "bitand",
    "bitnand",
    "bitnot",
    "bitor",
    "bitshl",
    "bitshr",
    "bitushr",
    "bitxor",
    "ceil",
    "concat",
    "count",
    "date",
    "duration",
    "filter",
    "find",
    "findIndex",
    "findLast",
    "findLastIndex",
    "first",
    "flatten",
    "float",
    "floor",
    "fromPairs",
    "get",
    "groupBy",
    "hasPrefix",
    "hasSuffix",
    "indexOf",
    "int",
    "join",
    "keys",
    "last",
    "lastIndexOf",
    "len",
    "lower",
    "map",
    "max",
    "mean",
    "median",
    "min",
    "none",
    "now",
    "one",
    "reduce",
    "replace",
    "reverse",
    "round",
    "sort",
    "sortBy",
    "split",
    "splitAfter",
    "string",
    "sum",
    "take",
    "timezone",
    "toPairs",
    "trim",
    "trimPrefix",
    "trimSuffix",
    "type",
    "uniq",
    "upper",
];

/// Functions of numbers that refuse NaN and infinity. expr-lang's `min(50, NaN)` is 50.
const GUARDED: [&str; 9] = ["abs", "ceil", "floor", "int", "max", "mean", "median", "min", "round"];

/// The functions as expr-lang has them, for ours to call.
static BUILT_IN: LazyLock<Environment<'static>> = LazyLock::new(Environment::new);

/// What every expression is evaluated with.
pub(super) static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    for name in GUARDED {
        environment.add_function(name, |call| {
            refuse_non_finite(&call.args)?;
            BUILT_IN.eval_func(call.ctx, name, call.args, None)
        });
    }
    environment.add_function("sum", |call| {
        let [Value::Array(values)] = call.args.as_slice() else {
            return Err(failure("sum() takes one list, such as sum([a, b])"));
        };
        let mut terms = Vec::with_capacity(values.len());
        for value in values {
            terms.push(match call.predicate {
                Some(predicate) => {
                    let element = Element { value: value.clone(), outer: call.ctx };
                    call.env.run(predicate, &element)?
                }
                None => value.clone(),
            });
        }
        refuse_non_finite(&terms)?;
        BUILT_IN.eval_func(call.ctx, "sum", vec![Value::Array(terms)], None)
    });
    environment.add_function("now", |call| match call.ctx.get(NOW) {
        Some(time) if call.args.is_empty() => {
            BUILT_IN.eval_func(call.ctx, "date", vec![time.clone()], None)
        }
        _ => Err(failure("now() takes no arguments")),
    });
    environment.add_function(RANGE, |call| match call.args.as_slice() {
        [Value::Integer(from), Value::Integer(to)] => {
            if to.saturating_sub(*from) >= MAX_RANGE {
                return Err(failure(&format!(
                    "the range {from}..{to} has more than {MAX_RANGE} elements"
                )));
            }
            Ok(Value::Array((*from..=*to).map(Value::Integer).collect()))
        }
        _ => Err(failure("a range needs whole numbers; wrap its ends in int(...)")),
    });
    environment
});

/// Whether Expr has a function of this name, as far as it can be called here.
pub(super) fn is_known(name: &str) -> bool {
    FUNCTIONS.binary_search(&name).is_ok()
}

/// Whether Expr has a function of this name that cannot be called here.
pub(super) fn is_left_out(name: &str) -> bool {
    LEFT_OUT.contains(&name)
}

/// The functions of Expr in alphabetical order.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.into_iter()
}

/// Whether the function takes a predicate, such as `{# > 1}`.
pub(super) fn takes_predicate(name: &str) -> bool {
    matches!(
        name,
        "all"
            | "any"
            | "count"
            | "filter"
            | "find"
            | "findIndex"
            | "findLast"
            | "findLastIndex"
            | "groupBy"
            | "map"
            | "none"
            | "one"
            | "reduce"
            | "sortBy"
            | "sum"
    )
}

fn refuse_non_finite(values: &[Value]) -> ::expr::Result<()> {
    for value in values {
        match value {
            Value::Float(number) => {
                finite(*number).map_err(|error| failure(&error.to_string()))?;
            }
            Value::Array(inner) => refuse_non_finite(inner)?,
            _ => {}
        }
    }
    Ok(())
}

fn failure(message: &str) -> Error {
    Error::ExprError(message.to_owned())
}

/// What an error of expr-lang means, in words for the writer of the expression.
pub(super) fn explain(error: &Error) -> EvaluateError {
    let text = match error {
        Error::ExprError(text) | Error::ParseError(text) => text.as_str(),
        _ => "the pattern after `matches` is not a regular expression",
    };
    if text == EvaluateError::Nan.to_string() {
        return EvaluateError::Nan;
    }
    if text == EvaluateError::Inf.to_string() {
        return EvaluateError::Inf;
    }
    EvaluateError::Failed { message: in_words(text) }
}

fn in_words(text: &str) -> String {
    if let Some(operator) = text.strip_prefix("Invalid operands for operator ") {
        return match operator {
            "%" => "`%` needs whole numbers; write int(x) % 2".to_owned(),
            "and" | "or" => format!("`{operator}` needs true or false on both sides"),
            _ => format!("`{operator}` cannot combine these values: they are of the wrong kind"),
        };
    }
    if text.starts_with("Invalid operand for operator []") {
        return "this value has no members".to_owned();
    }
    if let Some(operator) = text.strip_prefix("Invalid operand for operator ") {
        return format!("`{operator}` cannot be applied to this value: it is of the wrong kind");
    }
    if text.starts_with("Invalid condition for") {
        return "a condition must be true or false, such as queue_depth > 0".to_owned();
    }
    if text.starts_with("unknown variable: #") {
        return "`#` stands where no list is gone through".to_owned();
    }
    if let Some((_, method)) = text.split_once(" has no method ") {
        return format!("this value has no method `{method}`");
    }
    if text.starts_with("Invalid slice index") {
        return "the ends of a slice must be whole numbers".to_owned();
    }
    text.to_owned()
}

/// The context inside a predicate: the element as `#`, and everything outside.
struct Element<'a> {
    value: Value,
    outer: &'a dyn ContextProvider,
}

impl ContextProvider for Element<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        if key == "#" { Some(&self.value) } else { self.outer.get(key) }
    }

    fn to_context(&self) -> Context {
        self.outer.to_context()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_functions_is_sorted_and_true() {
        assert!(FUNCTIONS.is_sorted());
        let nothing = Context::default();
        for name in FUNCTIONS {
            let unknown = format!("Unknown function: {name}");
            let answer = ENVIRONMENT.eval_func(&nothing, name, Vec::new(), None);
            assert_ne!(answer.err().map(|error| error.to_string()), Some(unknown));
        }
        assert!(GUARDED.iter().all(|name| is_known(name)));
        assert!(LEFT_OUT.iter().all(|name| !is_known(name)));
        assert!(!is_known(RANGE), "users must not call it");
    }
}
