//! An expression: compiled once, evaluated in every tick.

use std::cmp::max;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::calls::{self, Call};
use super::count::finite;
use super::error::Problem;
use super::names::{Names, did_you_mean, nearest, unknown_variable};
use super::syntax::{Translation, bounded_tokens, translate};
use super::token::{Kind, Token};
use super::{CompileError, EvaluateError, Look, evalexpr, expr, functions};
use crate::model::{Timestamp, Value, VariableTable};

/// The language that an expression turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// <https://expr-lang.org>, upstream's language.
    Expr,
    /// <https://docs.rs/evalexpr/11.3.1>, for what is not Expr.
    Evalexpr,
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Expr => "expr",
            Self::Evalexpr => "evalexpr",
        })
    }
}

/// What an expression read: see [`Expression::trace`].
pub type Read = Vec<(Arc<str>, Value)>;

/// A compiled expression. Cheap to clone; two are equal when they were written the same.
#[derive(Clone)]
pub struct Expression {
    compiled: Arc<Compiled>,
}

struct Compiled {
    source: Arc<str>,
    reads: BTreeSet<Arc<str>>,
    /// The variables that stand in it by themselves, in the order in which `code` numbers them.
    variables: Vec<Arc<str>>,
    /// The calls of our own functions, likewise.
    calls: Vec<Call>,
    /// What stands for each of them in the source, which may write one call in several ways; by its number
    /// among `variables` and, behind them, `calls`.
    written: Vec<(Arc<str>, usize)>,
    code: Code,
}

enum Code {
    Expr(expr::Compiled),
    Evalexpr(evalexpr::Compiled),
}

impl Expression {
    /// Compiles `source`, which may read the variables in `names`.
    ///
    /// # Errors
    /// What neither language can read (the complaint is about it as Expr), an unknown variable or
    /// function, an expression beyond the limits, and one that gives no number whatever the
    /// variables are.
    pub fn compile(source: &str, names: &Names) -> Result<Self, CompileError> {
        let expression = read(source, names)
            .and_then(|compiled| {
                let expression = Self { compiled: Arc::new(compiled) };
                expression.probe(names).map(|()| expression)
            })
            .map_err(|problem| CompileError::new(problem, source))?;
        Ok(expression)
    }

    /// The expression as it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.compiled.source
    }

    /// The same, shared: each tick keeps it with what it gave.
    pub(super) fn shared_source(&self) -> Arc<str> {
        Arc::clone(&self.compiled.source)
    }

    /// The language that it is evaluated as.
    #[must_use]
    pub fn language(&self) -> Language {
        match self.compiled.code {
            Code::Expr(_) => Language::Expr,
            Code::Evalexpr(_) => Language::Evalexpr,
        }
    }

    /// The variables that stand in it, in alphabetical order, with those whose past or future it asks for.
    #[must_use]
    pub fn reads(&self) -> &BTreeSet<Arc<str>> {
        &self.compiled.reads
    }

    /// The calls that look back or ahead, for each of which the table of variables has to hold a value.
    pub fn looks(&self) -> impl Iterator<Item = &Look> {
        self.compiled.calls.iter().filter_map(|call| match call {
            Call::Look(look) => Some(look),
            Call::Hour(_) | Call::Weekday(_) | Call::During(_) => None,
        })
    }

    /// Its value, a finite number, with `now` as the time that `now()` and
    /// the functions of the clock on the wall give.
    ///
    /// A variable that stands in the expression counts as read, whichever branch is taken: one
    /// without a value is an error even where a lucky condition would pass it by.
    ///
    /// # Errors
    /// See [`EvaluateError`]. The number is never replaced by a default.
    pub fn evaluate(
        &self,
        variables: &VariableTable,
        now: Timestamp,
    ) -> Result<f64, EvaluateError> {
        let inputs = self.inputs(variables, now).collect::<Result<Vec<_>, _>>()?;
        self.run(inputs.into_iter(), now)
    }

    /// The same, and what it read, by the text that stands for it in the source: the names of variables, and
    /// calls of ours as they are written. What could not be read is not in it.
    pub fn trace(
        &self,
        variables: &VariableTable,
        now: Timestamp,
    ) -> (Result<f64, EvaluateError>, Read) {
        let inputs: Vec<_> = self.inputs(variables, now).collect();
        let read = self.compiled.written.iter().filter_map(|(text, number)| {
            let input = inputs.get(*number)?.as_ref().ok()?;
            Some((Arc::clone(text), input.to_value()))
        });
        let read = read.collect();
        let gave = inputs.into_iter().collect::<Result<Vec<_>, _>>();
        (gave.and_then(|inputs| self.run(inputs.into_iter(), now)), read)
    }

    /// What stands in for each name of the code, or why nothing does.
    fn inputs<'v>(
        &self,
        variables: &'v VariableTable,
        now: Timestamp,
    ) -> impl Iterator<Item = Result<Input<'v>, EvaluateError>> {
        let Compiled { variables: names, calls, .. } = &*self.compiled;
        let named = names.iter().map(|name| value_of(variables, name).map(Input::Variable));
        named.chain(calls.iter().map(move |call| call.input(variables, now)))
    }

    fn run<'v>(
        &self,
        inputs: impl Iterator<Item = Input<'v>>,
        now: Timestamp,
    ) -> Result<f64, EvaluateError> {
        let compiled = &*self.compiled;
        caught(|| match &compiled.code {
            Code::Expr(code) => code.evaluate(inputs, now),
            Code::Evalexpr(code) => code.evaluate(inputs),
        })
        .unwrap_or_else(|| {
            Err(EvaluateError::Failed {
                message: "the evaluator gave up on this expression".into(),
            })
        })
        .and_then(finite)
    }

    /// Tries a few plausible values: the types of a result are known only by running. NaN and
    /// infinity (`1 / x`) are numbers here; a result that is a number for one of them will do.
    fn probe(&self, names: &Names) -> Result<(), Problem> {
        const PLAUSIBLE: [f64; 5] = [1.0, 0.0, 7.5, 100.0, 1234.0];
        let variables = &self.compiled.variables;
        let texts = variables.iter().filter_map(|name| names.texts(name)).map(<[_]>::len);
        let choices = texts.fold(1, max);
        let mut first = None;
        for (choice, number) in (0..choices).flat_map(|choice| PLAUSIBLE.map(|n| (choice, n))) {
            let value = |name: &Arc<str>| match names.texts(name).and_then(|own| own.get(choice)) {
                Some(text) => Value::Text(Arc::clone(text)),
                None => Value::Number(number),
            };
            let values: Vec<_> = variables.iter().map(value).collect();
            let calls = self.compiled.calls.iter().map(|call| call.plausible(number));
            let inputs = values.iter().map(Input::Variable).chain(calls);
            match self.run(inputs, Timestamp::from_millis(0)) {
                Ok(_) | Err(EvaluateError::Nan | EvaluateError::Inf) => return Ok(()),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(match first {
            Some(EvaluateError::NotANumber { found }) => {
                let problem =
                    Problem::whole(format!("the expression returns {found}, not a number"));
                if found == super::TRUE_OR_FALSE {
                    problem.hint("turn the condition into numbers, such as queue_depth > 0 ? 1 : 0")
                } else {
                    problem
                }
            }
            other => Problem::whole(other.map_or_else(String::new, |error| error.to_string())),
        })
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.compiled, &other.compiled)
            || (self.source() == other.source() && self.reads() == other.reads())
    }
}

impl Eq for Expression {}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Expression({} as {})", self.source(), self.language())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.source())
    }
}

/// Reads `source` as Expr, else as evalexpr.
fn read(source: &str, names: &Names) -> Result<Compiled, Problem> {
    let tokens = bounded_tokens(source)?;
    let (tokens, calls) = calls::gather(source, &tokens, names)?;
    let made = |variables: Vec<Arc<str>>, calls, code| {
        Compiled::new(source, &tokens, variables, calls, code)
    };
    let translated =
        translate(source, &tokens).and_then(|translation| match unknown_function(&translation) {
            Some(problem) => Err(problem),
            None => Ok(translation),
        });
    let translation = match translated {
        Ok(translation) => translation,
        Err(problem) => {
            let attempt = caught(|| evalexpr::compile(source, &tokens, calls.len(), names));
            let Some(Some(compiled)) = attempt else { return Err(problem) };
            let code = compiled?;
            let variables = code.variables.clone();
            return Ok(made(variables, calls, Code::Evalexpr(code)));
        }
    };
    if let Some((name, place)) = translation.names.iter().find(|(name, _)| !names.contains(name)) {
        return Err(unknown_variable(name, Some(*place), names));
    }
    let code = caught(|| expr::Compiled::new(&translation))
        .unwrap_or_else(|| Err(Problem::whole("this cannot be read as an expression")))?;
    let variables = translation.names.iter().map(|(name, _)| Arc::from(*name)).collect();
    Ok(made(variables, calls, Code::Expr(code)))
}

impl Compiled {
    fn new(
        source: &str,
        tokens: &[Token<'_>],
        variables: Vec<Arc<str>>,
        calls: Vec<Call>,
        code: Code,
    ) -> Self {
        let looked_at = calls.iter().filter_map(|call| match call {
            Call::Look(look) => Some(&look.metric),
            Call::Hour(_) | Call::Weekday(_) | Call::During(_) => None,
        });
        let reads = variables.iter().chain(looked_at).cloned().collect();
        let named = variables.iter().cloned().enumerate().map(|(number, name)| (name, number));
        let mut written: Vec<(Arc<str>, usize)> = named.collect();
        for token in tokens {
            let Kind::Call(number) = token.kind else { continue };
            if !written.iter().any(|(text, _)| **text == *token.text) {
                written.push((Arc::from(token.text), variables.len() + number));
            }
        }
        Self { source: Arc::from(source), reads, variables, calls, written, code }
    }
}

/// What stands in for one name of the code.
#[derive(Clone, Copy)]
pub(super) enum Input<'v> {
    /// A variable.
    Variable(&'v Value),
    /// A number that a call of ours gives.
    Number(f64),
    /// What a condition of ours gives.
    Truth(bool),
}

impl Input<'_> {
    fn to_value(self) -> Value {
        match self {
            Self::Variable(value) => value.clone(),
            Self::Number(number) => Value::Number(number),
            Self::Truth(truth) => Value::Truth(truth),
        }
    }
}

/// The value of the variable `name`: no number that is none.
pub(super) fn value_of<'v>(
    variables: &'v VariableTable,
    name: &Arc<str>,
) -> Result<&'v Value, EvaluateError> {
    let missing = |message: &str| EvaluateError::Metric {
        name: Arc::clone(name),
        message: Arc::from(message),
    };
    let value = variables.get(name).ok_or_else(|| missing("nothing has set it"))?;
    finite_value(value.map_err(missing)?)
}

/// `value`, unless it is NaN or infinite.
pub(super) fn finite_value(value: &Value) -> Result<&Value, EvaluateError> {
    match value {
        Value::Number(number) => finite(*number).map(|_| value),
        Value::Nil | Value::Truth(_) | Value::Text(_) => Ok(value),
    }
}

fn unknown_function(translation: &Translation<'_>) -> Option<Problem> {
    let (name, place) = translation.calls.iter().find(|(name, _)| !functions::is_known(name))?;
    if functions::is_left_out(name) {
        return Some(Problem::at(
            *place,
            format!("the function `{name}` of Expr is left out here"),
        ));
    }
    let problem = Problem::at(*place, format!("unknown function `{name}`"));
    Some(match nearest(name, functions::names().chain(calls::names())) {
        Some(nearest) => problem.hint(did_you_mean(nearest)),
        None => problem.hint("the functions are listed in docs/expressions.md"),
    })
}

/// The last net under two third-party evaluators: one odd expression must not end the process that
/// scales other apps. Known to need it: `now().AddDate(0, 0, 9000000000000000000)` panics in
/// chrono. Nothing outside `work` is changed by it, so nothing can be left half done.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
