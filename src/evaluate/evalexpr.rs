//! Evaluates evalexpr, the second language, through the crate of that name.
//!
//! evalexpr divides whole numbers as whole numbers (`95 / 10` is 9), so its literals are made
//! floats. It builds trees from nearly anything, so what is taken is named here.

use std::borrow::Cow;

use ::evalexpr::{Context, EvalexprError, EvalexprResult, Node, Operator, Value as Found};

use super::error::{Place, Problem};
use super::names::{Names, nearest};
use super::syntax::MAX_DEPTH;
use super::token::{Kind, Token};
use super::{EvaluateError, functions};
use crate::model::Value;

/// Functions of ours beside evalexpr's: those of Expr that people expect, and none lets NaN pass.
const OURS: [&str; 7] = ["abs", "ceil", "floor", "int", "max", "min", "round"];

/// evalexpr's own functions that take and give numbers. Its others work on text and whole numbers,
/// which the variables are not, and some of them panic (`str::substring`, `shl`).
const THEIRS: [&str; 28] = [
    "if",
    "math::abs",
    "math::acos",
    "math::acosh",
    "math::asin",
    "math::asinh",
    "math::atan",
    "math::atan2",
    "math::atanh",
    "math::cbrt",
    "math::cos",
    "math::cosh",
    "math::exp",
    "math::exp2",
    "math::hypot",
    "math::is_finite",
    "math::is_infinite",
    "math::is_nan",
    "math::is_normal",
    "math::ln",
    "math::log",
    "math::log10",
    "math::log2",
    "math::pow",
    "math::sin",
    "math::sinh",
    "math::sqrt",
    "math::tan",
];

/// A compiled expression of evalexpr.
#[derive(Debug)]
pub(super) struct Compiled {
    tree: Node,
}

/// Why something is not taken as evalexpr.
pub(super) enum Refused {
    /// It is not evalexpr, or nothing says that it was meant to be: Expr's complaint is the one to
    /// show.
    NotEvalexpr,
    /// It is evalexpr, but not usable.
    Problem(Problem),
}

/// Compiles `source`; its tokens guard against nesting that evalexpr would follow recursively.
/// Gives the variables that it reads, too.
pub(super) fn compile(
    source: &str,
    tokens: &[Token<'_>],
    known: &Names,
) -> Result<(Compiled, Vec<String>), Refused> {
    if is_too_deep(tokens) {
        return Err(Refused::NotEvalexpr);
    }
    let mut tree = ::evalexpr::build_operator_tree(source).map_err(|_| Refused::NotEvalexpr)?;
    if !tree.iter().all(|node| is_allowed(node.operator())) {
        return Err(Refused::NotEvalexpr);
    }
    for operator in tree.iter_operators_mut() {
        if let Operator::Const { value } = operator
            && let Found::Int(number) = *value
        {
            *value = Found::Float(number as f64);
        }
    }
    for name in tree.iter_function_identifiers() {
        if OURS.contains(&name) || THEIRS.contains(&name) {
            continue;
        }
        let is_meant =
            tree.iter_function_identifiers().any(|name| name.starts_with("math::") || name == "if");
        if !is_meant || functions::is_known(name) {
            return Err(Refused::NotEvalexpr);
        }
        let problem = Problem {
            message: format!("unknown function `{name}`"),
            place: place_of(name, source),
            hint: nearest(name, OURS.into_iter().chain(THEIRS)).map(did_you_mean),
        };
        return Err(Refused::Problem(problem));
    }
    let mut reads = Vec::new();
    for name in tree.iter_variable_identifiers() {
        if !known.contains(name) {
            return Err(Refused::Problem(unknown_variable(name, place_of(name, source), known)));
        }
        if !reads.iter().any(|read| read == name) {
            reads.push(name.to_owned());
        }
    }
    Ok((Compiled { tree }, reads))
}

/// What to say of a variable that no metric fills.
pub(super) fn unknown_variable(name: &str, place: Option<Place>, known: &Names) -> Problem {
    let hint = match known.nearest(name) {
        Some(nearest) => did_you_mean(nearest),
        None => match known.iter().collect::<Vec<_>>().as_slice() {
            [] => "no metric is configured, so an expression can only be a number".to_owned(),
            some if some.len() <= 8 => format!("known are: {}", some.join(", ")),
            _ => "add a metric of this name, or read another".to_owned(),
        },
    };
    Problem { message: format!("unknown variable `{name}`"), place, hint: Some(hint) }
}

pub(super) fn did_you_mean(name: &str) -> String {
    format!("did you mean `{name}`?")
}

impl Compiled {
    /// The result, with the `names` standing for the `values`.
    pub(super) fn evaluate<'v>(
        &self,
        names: &[std::sync::Arc<str>],
        values: impl Iterator<Item = &'v Value>,
    ) -> Result<f64, EvaluateError> {
        let variables = Variables { names, values: values.map(to_evalexpr).collect() };
        match self.tree.eval_with_context(&variables) {
            Ok(Found::Float(number)) => Ok(number),
            Ok(Found::Int(number)) => Ok(number as f64),
            Ok(Found::Boolean(_)) => Err(EvaluateError::NotANumber { found: "true or false" }),
            Ok(Found::String(_)) => Err(EvaluateError::NotANumber { found: "text" }),
            Ok(Found::Tuple(_)) => Err(EvaluateError::NotANumber { found: "a list" }),
            Ok(Found::Empty) => Err(EvaluateError::NotANumber { found: "nil" }),
            Err(error) => Err(explain(&error)),
        }
    }
}

fn is_allowed(operator: &Operator) -> bool {
    use Operator::{
        Add, And, Const, Div, Eq, Exp, FunctionIdentifier, Geq, Gt, Leq, Lt, Mod, Mul, Neg, Neq,
        Not, Or, RootNode, Sub, Tuple, VariableIdentifierRead,
    };
    matches!(
        operator,
        RootNode
            | Add
            | Sub
            | Neg
            | Mul
            | Div
            | Mod
            | Exp
            | Eq
            | Neq
            | Gt
            | Lt
            | Geq
            | Leq
            | And
            | Or
            | Not
            | Tuple
            | Const { .. }
            | VariableIdentifierRead { .. }
            | FunctionIdentifier { .. }
    )
}

/// Whether brackets or signs nest deeper than recursion should follow, or a name stands before a
/// value without an operator, which evalexpr would take as a function call.
fn is_too_deep(tokens: &[Token<'_>]) -> bool {
    let (mut depth, mut signs) = (0_usize, 0_usize);
    let mut last_is_name = false;
    for token in tokens {
        match token.text {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        signs = if token.is("-") || token.is("!") { signs + 1 } else { 0 };
        let is_value = matches!(token.kind, Kind::Name | Kind::Number | Kind::Text);
        if depth > MAX_DEPTH || signs > MAX_DEPTH || (last_is_name && is_value) {
            return true;
        }
        last_is_name = token.kind == Kind::Name;
    }
    false
}

fn place_of(name: &str, source: &str) -> Option<Place> {
    source.find(name).map(|offset| Place { offset, length: name.len() })
}

fn to_evalexpr(value: &Value) -> Found {
    match value {
        Value::Number(number) => Found::Float(*number),
        Value::Nil => Found::Empty,
        Value::Text(text) => Found::String(text.as_ref().to_owned()),
    }
}

struct Variables<'a> {
    names: &'a [std::sync::Arc<str>],
    values: Vec<Found>,
}

impl Context for Variables<'_> {
    fn get_value(&self, identifier: &str) -> Option<&Found> {
        let index = self.names.iter().position(|name| name.as_ref() == identifier)?;
        self.values.get(index)
    }

    fn call_function(&self, identifier: &str, argument: &Found) -> EvalexprResult<Found> {
        if !OURS.contains(&identifier) {
            return Err(EvalexprError::FunctionIdentifierNotFound(identifier.to_owned()));
        }
        let arguments = match argument {
            Found::Tuple(arguments) => arguments.as_slice(),
            one => std::slice::from_ref(one),
        };
        let mut numbers = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let number = super::count::finite(argument.as_number()?)
                .map_err(|error| EvalexprError::CustomMessage(error.to_string()))?;
            numbers.push(number);
        }
        apply(identifier, &numbers).map(Found::Float)
    }

    fn are_builtin_functions_disabled(&self) -> bool {
        false
    }

    fn set_builtin_functions_disabled(&mut self, _disabled: bool) -> EvalexprResult<()> {
        Err(EvalexprError::BuiltinFunctionsCannotBeDisabled)
    }
}

/// One of [`OURS`] on finite numbers.
fn apply(function: &str, numbers: &[f64]) -> EvalexprResult<f64> {
    match (function, numbers) {
        ("min", [first, rest @ ..]) => Ok(rest.iter().copied().fold(*first, f64::min)),
        ("max", [first, rest @ ..]) => Ok(rest.iter().copied().fold(*first, f64::max)),
        ("abs", [number]) => Ok(number.abs()),
        ("ceil", [number]) => Ok(number.ceil()),
        ("floor", [number]) => Ok(number.floor()),
        ("int", [number]) => Ok(number.trunc()),
        ("round", [number]) => Ok(number.round()),
        _ => Err(EvalexprError::CustomMessage(format!(
            "{function}() does not take {} arguments",
            numbers.len()
        ))),
    }
}

/// What an error of evalexpr means, in words for the writer of the expression.
fn explain(error: &EvalexprError) -> EvaluateError {
    let message: Cow<'_, str> = match error {
        EvalexprError::CustomMessage(text) if *text == EvaluateError::Nan.to_string() => {
            return EvaluateError::Nan;
        }
        EvalexprError::CustomMessage(text) if *text == EvaluateError::Inf.to_string() => {
            return EvaluateError::Inf;
        }
        EvalexprError::CustomMessage(text) => text.as_str().into(),
        EvalexprError::ExpectedNumber { .. } | EvalexprError::ExpectedNumberOrString { .. } => {
            "a number is needed where there is something else".into()
        }
        EvalexprError::ExpectedBoolean { .. } => {
            "true or false is needed where there is something else, such as queue_depth > 0".into()
        }
        EvalexprError::ExpectedFixedLengthTuple { expected_length, .. } => {
            format!("a function that takes {expected_length} arguments got another number").into()
        }
        EvalexprError::WrongOperatorArgumentAmount { .. } => {
            "an operator has too few values".into()
        }
        _ => "evalexpr cannot evaluate this".into(),
    };
    EvaluateError::Failed { message: message.into_owned() }
}
