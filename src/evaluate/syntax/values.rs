//! The parts of the grammar between operators: names, calls, conditions, lists, members.

use std::cmp::max;

use super::super::functions::takes_predicate;
use super::{Height, Kind, MAX_INDEX_DEPTH, MAX_PREDICATE_DEPTH, Parser, Problem, Token};

impl<'s> Parser<'_, 's> {
    pub(super) fn value(&mut self) -> Result<Height, Problem> {
        let Some(token) = self.peek() else { return Err(self.misplaced()) };
        match token.kind {
            Kind::Number | Kind::Text => self.copy(token),
            Kind::Element if self.predicate_depth > 0 => self.copy(token),
            Kind::Element => {
                let message = format!("`{}` stands for nothing here", token.text);
                return Err(Problem::at(token.place(), message)
                    .hint("it is the element inside a call such as count([a, b], {# > 1})"));
            }
            Kind::Name if self.is_call() => return self.call(token, false),
            Kind::Name => self.variable(token),
            Kind::Call(number) => {
                self.write(&format!("h{number}"));
                self.at += 1;
            }
            Kind::Keyword if matches!(token.text, "true" | "false" | "nil") => self.copy(token),
            Kind::Keyword if token.text == "if" => return self.conditional(),
            Kind::Symbol if token.text == "(" => {
                self.copy(token);
                let height = self.expression(0)?;
                self.close(token, ")")?;
                return Ok(height);
            }
            Kind::Symbol if token.text == "[" => {
                self.copy(token);
                return self.list(token, "]", |parser| parser.expression(0));
            }
            Kind::Symbol if self.is_map() => {
                self.copy(token);
                return self.list(token, "}", Self::map_entry);
            }
            _ => return Err(self.misplaced()),
        }
        Ok(1)
    }

    fn variable(&mut self, token: Token<'s>) {
        self.at += 1;
        if let Some((_, number)) = self.lets.iter().find(|(name, _)| *name == token.text) {
            return self.write(&format!("l{number}"));
        }
        let names = &mut self.output.names;
        let index = names.iter().position(|(name, _)| *name == token.text).unwrap_or_else(|| {
            names.push((token.text, token.place()));
            names.len() - 1
        });
        self.write(&format!("v{index}"));
    }

    /// `name(...)`; where it is `is_piped`, its first argument stands before the `|`.
    pub(super) fn call(&mut self, name: Token<'s>, is_piped: bool) -> Result<Height, Problem> {
        self.output.calls.push((name.text, name.place()));
        self.copy(name);
        let mut arguments = usize::from(is_piped);
        let takes_predicate = takes_predicate(name.text);
        self.arguments(|parser| {
            arguments += 1;
            if takes_predicate && arguments > 1 { parser.predicate() } else { parser.expression(0) }
        })
    }

    fn arguments(
        &mut self,
        argument: impl FnMut(&mut Self) -> Result<Height, Problem>,
    ) -> Result<Height, Problem> {
        let Some(open) = self.peek() else { return Err(self.misplaced()) };
        self.copy(open);
        self.list(open, ")", argument)
    }

    /// What is done with each element of a list: `{# > 1}`, or without the braces.
    fn predicate(&mut self) -> Result<Height, Problem> {
        self.predicate_depth += 1;
        if self.predicate_depth > MAX_PREDICATE_DEPTH {
            let message =
                format!("functions over lists are nested more than {MAX_PREDICATE_DEPTH} deep");
            return Err(Problem::at(self.place(), message));
        }
        let is_block = self.peek_is("{") && !self.is_map();
        let height = if is_block { self.block()? } else { self.expression(0)? };
        self.predicate_depth -= 1;
        Ok(height)
    }

    /// `if condition {...} else {...}`, where another `if` may follow the `else`.
    fn conditional(&mut self) -> Result<Height, Problem> {
        self.deeper()?;
        self.at += 1;
        self.write("if ");
        let condition = self.expression(0)?;
        self.write(" ");
        let yes = self.block()?;
        if !self.eat("else") {
            return Err(self.expected("`else`", "}"));
        }
        self.write(" else ");
        let no = if self.peek_is("if") { self.conditional()? } else { self.block()? };
        self.depth -= 1;
        Ok(1 + max(condition, max(yes, no)))
    }

    /// `{...}` of an `if` or of a predicate.
    fn block(&mut self) -> Result<Height, Problem> {
        let Some(open) = self.peek().filter(|token| token.is("{")) else {
            return Err(match self.peek() {
                None => self.expected("`{`", self.last_text()),
                Some(_) => self.misplaced(),
            });
        };
        self.copy(open);
        let height = self.program()?;
        self.close(open, "}")?;
        Ok(height)
    }

    /// `key: value`. expr-lang panics at values that are not literals.
    fn map_entry(&mut self) -> Result<Height, Problem> {
        let (Some(key), Some(colon), Some(value)) = (self.peek(), self.ahead(1), self.ahead(2))
        else {
            self.at = self.tokens.len();
            return Err(self.misplaced());
        };
        if !matches!(key.kind, Kind::Name | Kind::Text) || !colon.is(":") {
            return Err(Problem::at(key.place(), "a map is made of `key: value` pairs"));
        }
        let is_literal = matches!(value.kind, Kind::Number | Kind::Text)
            && self.ahead(3).is_none_or(|next| next.is(",") || next.is("}"));
        if !is_literal {
            let message = "the values of a map must be plain numbers or texts";
            return Err(Problem::at(value.place(), message));
        }
        [key, colon, value].into_iter().for_each(|token| self.copy(token));
        Ok(1)
    }

    /// `.name`, `.method(...)`, `?.name`, `[index]`, `[from:to]`, any number of them after a value.
    pub(super) fn members(&mut self, mut height: Height) -> Result<Height, Problem> {
        while let Some(token) = self.peek() {
            if token.is("[") {
                height = 1 + max(height, self.index(token)?);
                continue;
            }
            if !token.is(".") && !token.is("?.") {
                break;
            }
            self.copy(token);
            match self.peek() {
                Some(open) if open.is("[") && token.is("?.") => {
                    height = 1 + max(height, self.index(open)?);
                    continue;
                }
                Some(name) if matches!(name.kind, Kind::Name | Kind::Keyword) => self.copy(name),
                _ => return Err(self.expected("a name", token.text)),
            }
            height += 1;
            if token.is(".") && self.peek_is("(") {
                height = max(height, 1 + self.arguments(|parser| parser.expression(0))?);
            }
        }
        self.bounded(height)
    }

    fn index(&mut self, open: Token<'s>) -> Result<Height, Problem> {
        self.copy(open);
        self.index_depth += 1;
        if self.index_depth > MAX_INDEX_DEPTH {
            let message = format!("indexes are nested more than {MAX_INDEX_DEPTH} deep");
            return Err(Problem::at(open.place(), message));
        }
        let mut height = 1;
        if !self.peek_is(":") {
            height = self.expression(0)?;
        }
        if self.eat(":") {
            self.write(":");
            if !self.peek_is("]") {
                height = max(height, self.expression(0)?);
            }
        }
        self.index_depth -= 1;
        self.close(open, "]")?;
        Ok(height)
    }

    /// Items with commas between them up to `closing`; one comma more at the end is fine.
    fn list(
        &mut self,
        open: Token<'s>,
        closing: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<Height, Problem>,
    ) -> Result<Height, Problem> {
        let mut height = 0;
        while !self.peek_is(closing) {
            height = max(height, item(self)?);
            if !self.eat(",") {
                break;
            }
            self.write(if self.peek_is(closing) { "" } else { ", " });
        }
        self.close(open, closing)?;
        self.bounded(1 + height)
    }

    fn close(&mut self, open: Token<'s>, closing: &'static str) -> Result<(), Problem> {
        match self.peek() {
            Some(token) if token.is(closing) => {
                self.copy(token);
                Ok(())
            }
            Some(_) => Err(self.misplaced()),
            None if self.ends_in_operator() => Err(self.misplaced()),
            None => Err(Problem::at(open.place(), format!("this `{}` is never closed", open.text))
                .hint(format!("add `{closing}` at the end, or where it belongs"))),
        }
    }

    /// Whether the `{` here opens a map and not a block.
    fn is_map(&self) -> bool {
        let is = |ahead, text| self.ahead(ahead).is_some_and(|token: Token<'_>| token.is(text));
        self.peek_is("{") && (is(1, "}") || is(2, ":"))
    }
}
