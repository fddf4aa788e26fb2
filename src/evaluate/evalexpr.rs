//! Evaluates evalexpr, the second language, through the crate of that name.
//!
//! evalexpr divides whole numbers as whole numbers (`95 / 10` is 9), so its literals are made
//! floats. It builds trees from nearly anything, so what is taken is named here.

use std::sync::Arc;

use ::evalexpr::{Context, EvalexprError, EvalexprResult, Node, Operator, Value as Found};

use super::error::{Place, Problem};
use super::expression::Input;
use super::names::{Names, did_you_mean, nearest, unknown_variable};
use super::syntax::MAX_DEPTH;
use super::token::{Kind, Token};
use super::{EvaluateError, calls, functions};
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
    /// The variables that it reads, each once.
    pub(super) variables: Vec<Arc<str>>,
    /// What they are called in the tree, and behind them the calls of ours.
    identifiers: Vec<Box<str>>,
}

/// The variable of the tree that stands for the `number`th call of ours. No one can write it.
fn call_identifier(number: usize) -> Box<str> {
    format!("@{number}").into()
}

/// `source` with such a variable in place of each call.
fn without_calls(source: &str, tokens: &[Token<'_>]) -> String {
    let (mut text, mut end) = (String::with_capacity(source.len()), 0);
    for token in tokens {
        if let Kind::Call(number) = token.kind {
            text.push_str(&source[end..token.offset]);
            text.push_str(&call_identifier(number));
            end = token.offset + token.text.len();
        }
    }
    text.push_str(&source[end..]);
    text
}

/// Compiles `source`, if it is evalexpr: if evalexpr can read it and it calls one of the functions
/// that Expr lacks. `tokens` are those of `source`; they guard against nesting that evalexpr would
/// follow recursively, and say where the `calls` of ours stand.
///
/// `None` means that the complaint about it as Expr is the one to show.
pub(super) fn compile(
    source: &str,
    tokens: &[Token<'_>],
    calls: usize,
    known: &Names,
) -> Option<Result<Compiled, Problem>> {
    if is_too_deep(tokens) {
        return None;
    }
    let mut tree = ::evalexpr::build_operator_tree(&without_calls(source, tokens)).ok()?;
    if !tree.iter_function_identifiers().any(|name| THEIRS.contains(&name)) {
        return None;
    }
    if !tree.iter().all(is_complete) {
        return None;
    }
    for operator in tree.iter_operators_mut() {
        if let Operator::Const { value } = operator
            && let Found::Int(number) = *value
        {
            *value = Found::Float(number as f64);
        }
    }
    let variables = check_names(&tree, tokens, known);
    Some(variables.map(|variables| {
        let names = variables.iter().map(|name| Box::from(name.as_ref()));
        let identifiers = names.chain((0..calls).map(call_identifier)).collect();
        Compiled { tree, variables, identifiers }
    }))
}

fn check_names(tree: &Node, tokens: &[Token<'_>], known: &Names) -> Result<Vec<Arc<str>>, Problem> {
    for name in tree.iter_function_identifiers() {
        if OURS.contains(&name) || THEIRS.contains(&name) {
            continue;
        }
        let problem = Problem {
            message: format!("unknown function `{name}` of evalexpr"),
            place: place_of(name, tokens),
            hint: nearest(name, OURS.into_iter().chain(THEIRS).chain(calls::names()))
                .map(did_you_mean),
        };
        return Err(if functions::is_known(name) {
            problem.hint("Expr has it, and writes `if(a, b, c)` as `a ? b : c`")
        } else {
            problem
        });
    }
    let mut reads: Vec<Arc<str>> = Vec::new();
    for name in tree.iter_variable_identifiers().filter(|name| !name.starts_with('@')) {
        if !known.contains(name) {
            return Err(unknown_variable(name, place_of(name, tokens), known));
        }
        if !reads.iter().any(|read| read.as_ref() == name) {
            reads.push(Arc::from(name));
        }
    }
    Ok(reads)
}

/// Whether the operator is one that is taken, with all its values. Assignments and chains are not.
fn is_complete(node: &Node) -> bool {
    use Operator::{
        Add, And, Const, Div, Eq, Exp, FunctionIdentifier, Geq, Gt, Leq, Lt, Mod, Mul, Neg, Neq,
        Not, Or, RootNode, Sub, Tuple, VariableIdentifierRead,
    };
    let wanted = match node.operator() {
        Add | Sub | Mul | Div | Mod | Exp | Eq | Neq | Gt | Lt | Geq | Leq | And | Or => 2,
        RootNode | Neg | Not | FunctionIdentifier { .. } => 1,
        Const { .. } | VariableIdentifierRead { .. } => 0,
        Tuple => return node.children().len() >= 2,
        _ => return false,
    };
    node.children().len() == wanted
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
        let is_value = matches!(token.kind, Kind::Name | Kind::Number | Kind::Text | Kind::Call(_));
        if depth > MAX_DEPTH || signs > MAX_DEPTH || (last_is_name && is_value) {
            return true;
        }
        last_is_name = token.kind == Kind::Name;
    }
    false
}

/// Where `name` stands first. A name of evalexpr such as `math::sqrt` is several tokens.
fn place_of(name: &str, tokens: &[Token<'_>]) -> Option<Place> {
    let first = name.split(':').next().unwrap_or(name);
    let token = tokens.iter().find(|token| token.text == first)?;
    Some(Place { offset: token.offset, length: name.len() })
}

impl Compiled {
    /// The result with `inputs` as the variables, in the order of [`Compiled::variables`], and behind them
    /// as our own calls.
    pub(super) fn evaluate<'v>(
        &self,
        inputs: impl Iterator<Item = Input<'v>>,
    ) -> Result<f64, EvaluateError> {
        let variables =
            Variables { names: &self.identifiers, values: inputs.map(to_evalexpr).collect() };
        match self.tree.eval_with_context(&variables) {
            Ok(Found::Float(number)) => Ok(number),
            Ok(Found::Int(number)) => Ok(number as f64),
            Ok(Found::Boolean(_)) => Err(EvaluateError::NotANumber { found: super::TRUE_OR_FALSE }),
            Ok(Found::String(_)) => Err(EvaluateError::NotANumber { found: "text" }),
            Ok(Found::Tuple(_)) => Err(EvaluateError::NotANumber { found: "a list" }),
            Ok(Found::Empty) => Err(EvaluateError::NotANumber { found: "nil" }),
            Err(error) => Err(explain(&error)),
        }
    }
}

fn to_evalexpr(input: Input<'_>) -> Found {
    match input {
        Input::Variable(Value::Number(number)) => Found::Float(*number),
        Input::Variable(Value::Truth(truth)) => Found::Boolean(*truth),
        Input::Variable(Value::Nil) => Found::Empty,
        Input::Variable(Value::Text(text)) => Found::String(text.as_ref().to_owned()),
        Input::Number(number) => Found::Float(number),
        Input::Truth(truth) => Found::Boolean(truth),
    }
}

struct Variables<'a> {
    names: &'a [Box<str>],
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
    let message = match error {
        EvalexprError::CustomMessage(text) if *text == EvaluateError::Nan.to_string() => {
            return EvaluateError::Nan;
        }
        EvalexprError::CustomMessage(text) if *text == EvaluateError::Inf.to_string() => {
            return EvaluateError::Inf;
        }
        EvalexprError::CustomMessage(text) => text.clone(),
        EvalexprError::ExpectedNumber { .. } | EvalexprError::ExpectedNumberOrString { .. } => {
            "a number is needed where there is something else".to_owned()
        }
        EvalexprError::ExpectedBoolean { .. } => {
            "a condition must be true or false, such as queue_depth > 0".to_owned()
        }
        EvalexprError::ExpectedTuple { .. } | EvalexprError::ExpectedFixedLengthTuple { .. } => {
            "a function got the wrong number of arguments".to_owned()
        }
        _ => "evalexpr cannot evaluate this".to_owned(),
    };
    EvaluateError::Failed { message }
}
