//! STAGE 2: a table of variables to bounds. Pure.
//!
//! An [`Expression`] is compiled and checked once, at start, and evaluated in every tick. It is
//! Expr (<https://expr-lang.org/docs/language-definition>), upstream's language, or else evalexpr.
//! `docs/expressions.md` is the guide for those who write them.
//!
//! The invariant: a result is a finite number or an error. Nothing here replaces what is missing.

mod calls;
mod count;
mod error;
mod evalexpr;
mod expr;
mod expression;
mod functions;
mod names;
mod per_region;
mod put_in;
mod scope;
mod syntax;
mod token;

pub use calls::{Look, LookAt};
pub use count::{MAX_MACHINES, machine_count};
pub use error::{CompileError, EvaluateError};
pub use expression::{Expression, Language, Read};
pub use names::Names;
pub use per_region::PerRegion;
pub use put_in::{number, put_in};
pub use scope::{Evaluation, Gave, ScopeExpressions};

/// What a condition returns, in the words of [`EvaluateError::NotANumber`].
const TRUE_OR_FALSE: &str = "true or false";
