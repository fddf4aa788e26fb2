//! The tokens at the parser's place, what operators they are, and what to say where they cannot be.

use super::super::error::Place;
use super::{Height, Kind, MAX_HEIGHT, Parser, Problem, Token};

/// A binary operator as it stands at the parser's place.
pub(super) struct Binary {
    pub(super) precedence: u8,
    pub(super) meaning: Meaning,
    /// How many tokens it is made of.
    pub(super) width: usize,
}

pub(super) enum Meaning {
    /// Written as this.
    Same(&'static str),
    /// `not contains` and the like, which expr-lang lacks.
    Negated(&'static str),
    Coalesce,
    Range,
    Pipe,
}

impl<'s> Parser<'_, 's> {
    pub(super) fn peek(&self) -> Option<Token<'s>> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, count: usize) -> Option<Token<'s>> {
        self.tokens.get(self.at + count).copied()
    }

    pub(super) fn peek_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    /// Steps over the symbol or keyword `text`, if it is here.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let is_here = self.peek_is(text);
        self.at += usize::from(is_here);
        is_here
    }

    /// Whether a function and its opening parenthesis are here.
    pub(super) fn is_call(&self) -> bool {
        self.peek().is_some_and(|token| token.kind == Kind::Name)
            && self.ahead(1).is_some_and(|next| next.is("("))
    }

    /// The sign here, as it is written, and its precedence.
    pub(super) fn sign(&self) -> Option<(&'static str, u8)> {
        match self.peek()? {
            token if token.is("-") => Some(("-", 90)),
            token if token.is("+") => Some(("+", 90)),
            token if token.is("!") || token.is("not") => Some(("!", 50)),
            _ => None,
        }
    }

    pub(super) fn binary(&self) -> Option<Binary> {
        use Meaning::{Coalesce, Negated, Pipe, Range, Same};
        let token =
            self.peek().filter(|token| matches!(token.kind, Kind::Symbol | Kind::Keyword))?;
        let (precedence, meaning) = match token.text {
            "|" => (0, Pipe),
            "or" | "||" => (10, Same("||")),
            "and" | "&&" => (15, Same("&&")),
            "not" => {
                let meaning = match word_operator(self.ahead(1)?)? {
                    "in" => Same("not in"),
                    operator => Negated(operator),
                };
                return Some(Binary { precedence: 20, meaning, width: 2 });
            }
            "==" => (20, Same("==")),
            "!=" => (20, Same("!=")),
            "<" => (20, Same("<")),
            "<=" => (20, Same("<=")),
            ">" => (20, Same(">")),
            ">=" => (20, Same(">=")),
            ".." => (25, Range),
            "+" => (30, Same("+")),
            "-" => (30, Same("-")),
            "*" => (60, Same("*")),
            "/" => (60, Same("/")),
            "%" => (60, Same("%")),
            "**" | "^" => (100, Same("**")),
            "??" => (200, Coalesce),
            _ => (20, Same(word_operator(token)?)),
        };
        Some(Binary { precedence, meaning, width: 1 })
    }

    pub(super) fn write(&mut self, text: &str) {
        self.output.program.push_str(text);
    }

    /// Writes the token here as it is and steps over it.
    pub(super) fn copy(&mut self, token: Token<'s>) {
        self.write(token.text);
        self.at += 1;
    }

    /// The place of the token here, or of the end.
    pub(super) fn place(&self) -> Place {
        self.peek().map_or(Place { offset: self.end, length: 1 }, Token::place)
    }

    pub(super) fn text(&self) -> &'s str {
        self.peek().map_or("", |token| token.text)
    }

    fn last(&self) -> Option<Token<'s>> {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).copied()
    }

    pub(super) fn last_text(&self) -> &'s str {
        self.last().map_or("", |token| token.text)
    }

    fn follows_value(&self) -> bool {
        self.last().is_some_and(|last| match last.kind {
            Kind::Symbol => matches!(last.text, ")" | "]" | "}"),
            Kind::Keyword => matches!(last.text, "true" | "false" | "nil"),
            _ => true,
        })
    }

    /// Whether the last token wants a value that is not there.
    pub(super) fn ends_in_operator(&self) -> bool {
        !self.follows_value() && !matches!(self.last_text(), "(" | "[" | "{")
    }

    pub(super) fn bounded(&self, height: Height) -> Result<Height, Problem> {
        if height <= MAX_HEIGHT {
            return Ok(height);
        }
        let message =
            format!("more than {MAX_HEIGHT} operators and functions stand upon each other");
        Err(Problem::at(self.place(), message).hint("add many values up with sum([a, b, c])"))
    }

    pub(super) fn expected(&self, what: &str, after: &str) -> Problem {
        Problem::at(self.place(), format!("{what} is missing after `{after}`"))
    }

    /// The token here, or the end, cannot stand where it stands.
    pub(super) fn misplaced(&self) -> Problem {
        let last = self.last_text();
        let Some(token) = self.peek() else {
            return self.expected("a value", last);
        };
        let text = token.text;
        let is_value = !matches!(token.kind, Kind::Symbol | Kind::Keyword);
        let message = match (self.follows_value(), text) {
            (_, "=") => {
                return Problem::at(token.place(), "an expression cannot assign")
                    .hint("compare with `==`");
            }
            (true, ")" | "]" | "}") => format!("there is nothing that this `{text}` could close"),
            (true, _) if is_value || text == "(" => {
                format!("an operator is missing before `{text}`")
            }
            (false, ")" | "]" | "}" | ",") if !last.is_empty() => {
                format!("a value is missing between `{last}` and `{text}`")
            }
            _ => format!("`{text}` cannot stand here"),
        };
        Problem::at(token.place(), message)
    }
}

fn word_operator(token: Token<'_>) -> Option<&'static str> {
    let operators = ["in", "contains", "startsWith", "endsWith", "matches"];
    operators.into_iter().find(|operator| token.is(operator))
}
