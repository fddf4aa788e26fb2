//! Reads an expression by the grammar of Expr and writes it anew for the crate expr-lang.
//!
//! Why not hand it over as it is: expr-lang 2.1.0 finds unknown names only when it runs, describes
//! mistakes by its grammar's rules, takes `not_found` for `not _found`, reads `a ?? b + c` as
//! `a ?? (b + c)`, panics at a map whose values are not literals, follows nesting until the stack
//! ends, and builds any range, fit for memory or not. What is written here has none of those
//! places: each variable has a short name that begins with no keyword, `??` stands in parentheses,
//! and ranges are calls.
//!
//! Precedences: expr-lang.org/docs/language-definition, and for what it leaves open the parser of
//! the Go implementation, v1.16.0, which is upstream's.

mod cursor;
mod values;

use std::cmp::max;

use super::error::{Place, Problem};
use super::functions::RANGE;
use super::token::{Kind, Token, tokens};
use cursor::{Binary, Meaning};

/// Longest expression that is read, in bytes. The longest seen in public has 250.
pub(super) const MAX_LENGTH: usize = 4096;
/// Most tokens.
const MAX_TOKENS: usize = 500;
/// Deepest nesting of brackets, conditions, `??` and signs: both parsers follow it recursively.
pub(super) const MAX_DEPTH: usize = 32;
/// Most operators and calls that stand upon each other, as in `a + b + c + ...`: the evaluator
/// follows them recursively, with 17 KiB of stack for each in an unoptimized build.
const MAX_HEIGHT: usize = 40;
/// Deepest nesting of `a[b[c]]`: expr-lang parses each index twice, and so on inwards.
const MAX_INDEX_DEPTH: usize = 4;
/// Deepest nesting of functions over lists: their work multiplies.
const MAX_PREDICATE_DEPTH: usize = 2;

/// An expression that is Expr by its syntax. Whether its names are known is another question.
#[derive(Debug)]
pub(super) struct Translation<'s> {
    /// What expr-lang is to compile. The variable `names[i]` is called `v{i}` in it, and the `i`th call of
    /// ours `h{i}`.
    pub(super) program: String,
    /// The variables read, each once, with the first place.
    pub(super) names: Vec<(&'s str, Place)>,
    /// The functions called, with their places.
    pub(super) calls: Vec<(&'s str, Place)>,
}

/// The tokens of `source`, within the bounds that hold for both languages. Nothing recursive may
/// look at `source` before.
pub(super) fn bounded_tokens(source: &str) -> Result<Vec<Token<'_>>, Problem> {
    if source.len() > MAX_LENGTH {
        let length = source.len();
        return Err(Problem::whole(format!(
            "the expression is {length} bytes long, more than the limit of {MAX_LENGTH}"
        )));
    }
    let tokens = tokens(source)?;
    if let Some(token) = tokens.get(MAX_TOKENS) {
        let message = format!("the expression has more than {MAX_TOKENS} words and signs");
        return Err(Problem::at(token.place(), message)
            .hint("move a part of the work into the metric's query"));
    }
    if tokens.is_empty() {
        return Err(Problem::whole("the expression is empty")
            .hint("write a number of machines, such as ceil(queue_depth / 10)"));
    }
    Ok(tokens)
}

/// Reads `tokens`, the tokens of `source`, as Expr.
pub(super) fn translate<'s>(
    source: &'s str,
    tokens: &[Token<'s>],
) -> Result<Translation<'s>, Problem> {
    let mut parser = Parser {
        tokens,
        end: source.len(),
        at: 0,
        depth: 0,
        index_depth: 0,
        predicate_depth: 0,
        lets: Vec::new(),
        declared: 0,
        output: Translation { program: String::new(), names: Vec::new(), calls: Vec::new() },
    };
    parser.program()?;
    match parser.peek() {
        None => Ok(parser.output),
        Some(_) => Err(parser.misplaced()),
    }
}

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    /// The length of the source.
    end: usize,
    /// The next token to read.
    at: usize,
    depth: usize,
    index_depth: usize,
    predicate_depth: usize,
    /// The names that `let` has declared and that are in scope; the `n`th declared is called `l{n}`.
    lets: Vec<(&'s str, usize)>,
    declared: usize,
    output: Translation<'s>,
}

/// How many nodes of the syntax tree stand upon each other.
type Height = usize;

impl<'s> Parser<'_, 's> {
    /// `let a = ...; let b = ...; expression`
    fn program(&mut self) -> Result<Height, Problem> {
        let outer = self.lets.len();
        let mut height = 0;
        while self.peek_is("let") {
            height = max(height, self.declaration()?);
        }
        height = max(height, self.expression(0)?);
        self.lets.truncate(outer);
        Ok(height)
    }

    fn declaration(&mut self) -> Result<Height, Problem> {
        self.at += 1;
        let Some(name) = self.peek().filter(|token| token.kind == Kind::Name) else {
            return Err(self.expected("a name", "let"));
        };
        if self.lets.iter().any(|(known, _)| *known == name.text) {
            let message = format!("`{}` is declared twice", name.text);
            return Err(Problem::at(name.place(), message));
        }
        self.at += 1;
        if !self.eat("=") {
            return Err(self.expected("`=`", name.text));
        }
        let number = self.declared;
        self.declared += 1;
        self.write(&format!("let l{number} = "));
        let height = self.expression(0)?;
        if !self.eat(";") {
            return Err(match self.peek() {
                None => Problem::at(
                    self.place(),
                    "`;` and an expression that uses the name are missing after `let`",
                ),
                Some(_) => self.misplaced(),
            });
        }
        self.write("; ");
        // Only now: a name is not known inside its own declaration.
        self.lets.push((name.text, number));
        Ok(height)
    }

    /// An expression of operators that bind at least as tightly as `floor`.
    fn expression(&mut self, floor: u8) -> Result<Height, Problem> {
        self.deeper()?;
        let start = self.output.program.len();
        let mut height = self.operand()?;
        let mut after_coalesce = false;
        while let Some(binary) = self.binary().filter(|binary| binary.precedence >= floor) {
            let is_coalesce = matches!(binary.meaning, Meaning::Coalesce);
            if after_coalesce && !is_coalesce && !matches!(binary.meaning, Meaning::Pipe) {
                let message = format!("`{}` cannot follow `??` directly", self.text());
                return Err(Problem::at(self.place(), message)
                    .hint("put the part with `??` in parentheses: (a ?? b) + c"));
            }
            self.at += binary.width;
            let right = self.operation(start, &binary)?;
            height = self.bounded(1 + max(height, right))?;
            after_coalesce = is_coalesce;
        }
        if floor == 0 && self.eat("?") {
            height = 1 + max(height, self.branches()?);
        }
        self.depth -= 1;
        Ok(height)
    }

    /// What follows the `?` of a condition.
    fn branches(&mut self) -> Result<Height, Problem> {
        self.write(" ? ");
        let yes = self.expression(0)?;
        if !self.eat(":") {
            return Err(match self.peek() {
                None => Problem::at(self.place(), "`:` and the other value are missing after `?`"),
                Some(_) => self.misplaced(),
            });
        }
        self.write(" : ");
        let no = self.expression(0)?;
        Ok(max(yes, no))
    }

    /// What follows a binary operator; its left side was written from `start` on.
    fn operation(&mut self, start: usize, binary: &Binary) -> Result<Height, Problem> {
        let (before, between, after) = match binary.meaning {
            Meaning::Same(operator) => ("", operator, ""),
            Meaning::Negated(operator) => ("(!(", operator, "))"),
            Meaning::Coalesce => ("(", "??", ")"),
            Meaning::Range => ("(", ",", ")"),
            Meaning::Pipe => {
                let Some(name) = self.peek().filter(|_| self.is_call()) else {
                    return Err(self.expected("a function with parentheses", "|"));
                };
                self.write(" | ");
                return self.call(name, true);
            }
        };
        self.output.program.insert_str(start, before);
        if let Meaning::Range = binary.meaning {
            self.output.program.insert_str(start, RANGE);
        }
        self.write(&format!(" {between} "));
        // Powers group from the right, all else from the left.
        let floor = if between == "**" { binary.precedence } else { binary.precedence + 1 };
        let height = self.expression(floor)?;
        self.write(after);
        Ok(height)
    }

    /// A value with its signs before it and its members and indexes after it.
    fn operand(&mut self) -> Result<Height, Problem> {
        let Some((sign, precedence)) = self.sign() else {
            let height = self.value()?;
            return self.members(height);
        };
        self.at += 1;
        self.write(sign);
        // expr-lang reads one sign, not two in a row.
        let is_signed_again = self.sign().is_some();
        self.write(if is_signed_again { "(" } else { "" });
        let height = self.expression(precedence)?;
        self.write(if is_signed_again { ")" } else { "" });
        Ok(height + 1)
    }

    fn deeper(&mut self) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the expression is nested more than {MAX_DEPTH} levels deep");
        Err(Problem::at(self.place(), message))
    }
}
