//! What can be wrong with an expression: before it runs, and when it runs.

use std::cmp::{max, min};
use std::fmt::Write;
use std::sync::Arc;

use super::count::MAX_MACHINES;

/// An expression that cannot be used, found before anything runs.
///
/// `Display` gives the message alone, for a log line; [`CompileError::render`] shows the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    /// What is wrong, in words.
    pub message: String,
    /// Where in the expression, in bytes from its start; `None` when it is the whole.
    pub offset: Option<usize>,
    /// What to do about it.
    pub hint: Option<String>,
    /// How many bytes from `offset` on are meant.
    length: usize,
    expression: Arc<str>,
}

impl CompileError {
    /// Attaches the expression to what is wrong with it.
    pub(super) fn new(problem: Problem, expression: &str) -> Self {
        Self {
            message: problem.message,
            offset: problem.place.map(|place| min(place.offset, expression.len())),
            hint: problem.hint,
            length: problem.place.map_or(0, |place| place.length),
            expression: Arc::from(expression),
        }
    }

    /// The message, the line of the expression with carets under the place, and the hint.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.message.clone();
        if let Some(offset) = self.offset {
            let (line, before, marked) = self.marked_line(offset);
            let _ = write!(text, "\n  {line}\n  {:before$}{}", "", "^".repeat(marked));
        } else if !self.expression.trim().is_empty() && self.expression.len() <= 200 {
            let _ = write!(text, "\n  {}", self.expression.replace(['\t', '\r', '\n'], " "));
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n  {hint}");
        }
        text
    }

    /// The line that holds `offset`, how many characters stand before the place, and how many are
    /// meant. Long lines are cut around the place, so that the carets stay on the screen.
    fn marked_line(&self, offset: usize) -> (String, usize, usize) {
        const AROUND: usize = 60;
        let start = self.expression[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.expression[start..].split('\n').next().unwrap_or_default();
        let before = self.expression[start..offset].chars().count();
        let rest = &self.expression[offset..start + line.len()];
        let marked = rest.char_indices().take_while(|(at, _)| *at < self.length).count();
        let skipped = before.saturating_sub(AROUND);
        let shown = line.chars().skip(skipped).take(before - skipped + max(marked, AROUND));
        let shown = shown.map(|character| if character.is_control() { ' ' } else { character });
        (shown.collect::<String>().trim_end().to_owned(), before - skipped, max(marked, 1))
    }
}

/// A part of an expression, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// What is wrong with an expression, before it is attached to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) message: String,
    pub(super) place: Option<Place>,
    pub(super) hint: Option<String>,
}

impl Problem {
    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None }
    }

    pub(super) fn at(place: Place, message: impl Into<String>) -> Self {
        Self { message: message.into(), place: Some(place), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

/// An expression that gave no usable number this time.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum EvaluateError {
    /// The result, an argument of a function such as `min`, or a variable is not a number.
    #[error("expression returned NaN")]
    Nan,
    /// The result, an argument of a function such as `min`, or a variable is infinite.
    #[error("expression returned Inf")]
    Inf,
    /// The result is something else than a number.
    #[error("expression returned {found}, not a number")]
    NotANumber {
        /// What it is.
        found: &'static str,
    },
    /// The result cannot be meant: more machines than anyone runs.
    #[error("expression returned {}, more than the limit of {MAX_MACHINES} machines", plain(*.value))]
    TooLarge {
        /// The result.
        value: f64,
    },
    /// A variable that the expression reads has no value.
    #[error("metric `{name}` has no value: {message}")]
    Metric {
        /// The variable.
        name: Arc<str>,
        /// Why it has none.
        message: Arc<str>,
    },
    /// A function that looks back or ahead has nothing to give yet.
    #[error("`{call}` has no value: {message}")]
    History {
        /// The call.
        call: Arc<str>,
        /// Why it has none, and when it will.
        message: Arc<str>,
    },
    /// An operator or a function refused its operands.
    #[error("{message}")]
    Failed {
        /// What went wrong.
        message: String,
    },
}

impl EvaluateError {
    /// The label in `fas_evaluate_errors_total{reason}`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Nan => "nan",
            Self::Inf => "inf",
            Self::NotANumber { .. } => "not_a_number",
            Self::TooLarge { .. } => "too_large",
            Self::Metric { .. } => "metric",
            Self::History { .. } => "history",
            Self::Failed { .. } => "failed",
        }
    }
}

/// A float as people write it: whole numbers without a fraction, huge ones with an exponent.
fn plain(value: f64) -> String {
    if value.abs() < 1e15 { format!("{value}") } else { format!("{value:e}") }
}
