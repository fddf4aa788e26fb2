//! Reads an expression by the grammar of Expr and writes it anew for the crate expr-lang.
//!
//! Why not hand it over as it is: expr-lang 2.1.0 finds unknown names only when it runs, describes
//! mistakes by its grammar's rules, takes `not_found` for `not _found`, reads `a ?? b + c` as
//! `a ?? (b + c)`, panics at a map whose values are not literals, and builds any range that memory
//! allows or does not allow. What is written here has none of those places: each variable has a
//! short name that begins with no keyword, `??` stands in parentheses, and ranges are calls.
//!
//! Precedences: expr-lang.org/docs/language-definition and the tables of the Go implementation.

use super::error::{Place, Problem};
use super::functions::{RANGE, takes_predicate};
use super::token::{Kind, Token, tokens};

/// Longest expression that is read. The longest seen in public has 250 bytes.
pub(super) const MAX_LENGTH: usize = 4096;
/// Most tokens: chains such as `1 + 1 + ...` are evaluated recursively.
pub(super) const MAX_TOKENS: usize = 500;
/// Deepest nesting of brackets, `? :`, `??` and signs: they are parsed recursively.
pub(super) const MAX_DEPTH: usize = 32;
/// Deepest nesting of `a[b[c]]`: expr-lang parses each index twice, and so on inwards.
const MAX_INDEX_DEPTH: usize = 4;
/// Deepest nesting of predicates: the work multiplies.
const MAX_PREDICATE_DEPTH: usize = 2;

/// An expression that is Expr by its syntax. Whether its names are known is another question.
#[derive(Debug)]
pub(super) struct Translation<'s> {
    /// What expr-lang is to compile. The variable `names[i]` is called `v{i}` in it.
    pub(super) program: String,
    /// The variables read, each once, with the first place.
    pub(super) names: Vec<(&'s str, Place)>,
    /// The functions called, with their places.
    pub(super) calls: Vec<(&'s str, Place)>,
}

/// Bounds that hold for both languages, checked before anything recursive looks at `source`.
pub(super) fn bounded_tokens(source: &str) -> Result<Vec<Token<'_>>, Problem> {
    if source.len() > MAX_LENGTH {
        let length = source.len();
        return Err(Problem::whole(format!(
            "the expression is {length} bytes long, more than the limit of {MAX_LENGTH}"
        )));
    }
    let tokens = tokens(source)?;
    if let Some(token) = tokens.get(MAX_TOKENS) {
        return Err(Problem::at(
            token.place(),
            format!("the expression has more than {MAX_TOKENS} parts"),
        )
        .hint("move a part of the work into the metric's query"));
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
    if tokens.is_empty() {
        return Err(Problem::whole("the expression is empty")
            .hint("write a number of machines, such as ceil(queue_depth / 10)"));
    }
    parser.program()?;
    match parser.peek() {
        None => Ok(parser.output),
        Some(_) => Err(parser.misplaced()),
    }
}

struct Parser<'t, 's> {
    tokens: &'t [Token<'s>],
    end: usize,
    at: usize,
    depth: usize,
    index_depth: usize,
    predicate_depth: usize,
    /// The names that `let` has declared and that are in scope, with their short names' numbers.
    lets: Vec<(&'s str, usize)>,
    declared: usize,
    output: Translation<'s>,
}

/// A binary operator as it stands at the parser's place.
struct Binary {
    precedence: u8,
    meaning: Meaning,
}

enum Meaning {
    /// Written as it is.
    Same(&'static str),
    /// `not contains` and the like, which expr-lang lacks.
    Negated(&'static str),
    Power,
    Coalesce,
    Range,
    Pipe,
}

impl<'s> Parser<'_, 's> {
    // --- the grammar, from the outside in ---

    /// `let a = ...; let b = ...; expression`
    fn program(&mut self) -> Result<(), Problem> {
        let outer = self.lets.len();
        while self.peek_is("let") {
            self.at += 1;
            let name = match self.peek() {
                Some(token) if token.kind == Kind::Name => token,
                _ => return Err(self.expected("a name", "let")),
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
            self.expression(0)?;
            if !self.eat(";") {
                return Err(match self.peek() {
                    None => self.expected("`;` and what to do with the name", "let"),
                    Some(_) => self.misplaced(),
                });
            }
            self.write("; ");
            self.lets.push((name.text, number));
        }
        self.expression(0)?;
        self.lets.truncate(outer);
        Ok(())
    }

    /// An expression of operators that bind at least as tightly as `floor`.
    fn expression(&mut self, floor: u8) -> Result<(), Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let place = self.place();
            return Err(Problem::at(
                place,
                format!("the expression is nested more than {MAX_DEPTH} levels deep"),
            ));
        }
        let start = self.output.program.len();
        self.operand()?;
        let mut after_coalesce = false;
        while let Some((binary, width)) = self.binary() {
            if binary.precedence < floor {
                break;
            }
            let is_coalesce = matches!(binary.meaning, Meaning::Coalesce);
            if after_coalesce && !is_coalesce && !matches!(binary.meaning, Meaning::Pipe) {
                let place = self.place();
                let operator = self.text_at(place);
                return Err(Problem::at(
                    place,
                    format!("`{operator}` cannot follow `??` directly"),
                )
                .hint("put the part with `??` in parentheses: (a ?? b) + c"));
            }
            self.at += width;
            self.operation(start, &binary)?;
            after_coalesce = is_coalesce;
        }
        if floor == 0 && self.eat("?") {
            self.write(" ? ");
            self.expression(0)?;
            if !self.eat(":") {
                return Err(match self.peek() {
                    None => self.expected("`:` and another value", "?"),
                    Some(_) => self.misplaced(),
                });
            }
            self.write(" : ");
            self.expression(0)?;
        }
        self.depth -= 1;
        Ok(())
    }

    /// What follows a binary operator, which has been read; its left side begins at `start`.
    fn operation(&mut self, start: usize, binary: &Binary) -> Result<(), Problem> {
        let tighter = binary.precedence + 1;
        match binary.meaning {
            Meaning::Same(operator) => {
                self.write(&format!(" {operator} "));
                self.expression(tighter)
            }
            Meaning::Power => {
                self.write(" ** ");
                self.expression(binary.precedence)
            }
            Meaning::Negated(operator) => {
                self.enclose(start, "(!(");
                self.write(&format!(" {operator} "));
                self.expression(tighter)?;
                self.write("))");
                Ok(())
            }
            Meaning::Coalesce => {
                self.enclose(start, "(");
                self.write(" ?? ");
                self.expression(tighter)?;
                self.write(")");
                Ok(())
            }
            Meaning::Range => {
                self.enclose(start, &format!("{RANGE}("));
                self.write(", ");
                self.expression(tighter)?;
                self.write(")");
                Ok(())
            }
            Meaning::Pipe => match (self.peek(), self.tokens.get(self.at + 1)) {
                (Some(name), Some(open)) if name.kind == Kind::Name && open.is("(") => {
                    self.write(" | ");
                    self.at += 1;
                    self.call(name)
                }
                _ => Err(self.expected("a function with parentheses", "|")),
            },
        }
    }

    /// A value with its signs before it and its members and indexes after it.
    fn operand(&mut self) -> Result<(), Problem> {
        let Some((sign, precedence)) = self.sign() else {
            self.value()?;
            return self.members();
        };
        self.at += 1;
        self.write(sign);
        // expr-lang reads one sign, not two in a row.
        let is_signed_again = self.sign().is_some();
        self.write(if is_signed_again { "(" } else { "" });
        self.expression(precedence)?;
        self.write(if is_signed_again { ")" } else { "" });
        Ok(())
    }

    fn value(&mut self) -> Result<(), Problem> {
        let Some(token) = self.peek() else { return Err(self.misplaced()) };
        match token.kind {
            Kind::Number | Kind::Text => self.copy(token),
            Kind::Element if self.predicate_depth > 0 => self.copy(token),
            Kind::Element => {
                return Err(Problem::at(
                    token.place(),
                    format!(
                        "`{}` means something only inside a function such as count([a, b], {{# > 1}})",
                        token.text
                    ),
                ));
            }
            Kind::Name if self.tokens.get(self.at + 1).is_some_and(|next| next.is("(")) => {
                self.at += 1;
                return self.call(token);
            }
            Kind::Name => {
                self.at += 1;
                self.variable(token);
            }
            Kind::Keyword if matches!(token.text, "true" | "false" | "nil") => self.copy(token),
            Kind::Keyword if token.text == "if" => return self.conditional(),
            Kind::Symbol if token.text == "(" => {
                self.copy(token);
                self.expression(0)?;
                return self.close(token, ")");
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
        Ok(())
    }

    fn variable(&mut self, token: Token<'s>) {
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

    /// `name(...)`, from the opening parenthesis on.
    fn call(&mut self, name: Token<'s>) -> Result<(), Problem> {
        self.output.calls.push((name.text, name.place()));
        self.write(name.text);
        let predicates = takes_predicate(name.text);
        self.arguments(predicates)
    }

    fn arguments(&mut self, take_predicate: bool) -> Result<(), Problem> {
        let open = self.tokens[self.at];
        self.copy(open);
        self.predicate_depth += usize::from(take_predicate);
        if self.predicate_depth > MAX_PREDICATE_DEPTH {
            return Err(Problem::at(
                open.place(),
                format!("functions over lists are nested more than {MAX_PREDICATE_DEPTH} deep"),
            ));
        }
        self.list(open, ")", |parser| {
            if take_predicate && parser.peek_is("{") && !parser.is_map() {
                parser.block()
            } else {
                parser.expression(0)
            }
        })?;
        self.predicate_depth -= usize::from(take_predicate);
        Ok(())
    }

    /// `if condition {...} else {...}`
    fn conditional(&mut self) -> Result<(), Problem> {
        self.at += 1;
        self.write("if ");
        self.expression(0)?;
        self.write(" ");
        self.block()?;
        if !self.eat("else") {
            return Err(self.expected("`else`", "}"));
        }
        self.write(" else ");
        if self.peek_is("if") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(Problem::at(
                    self.place(),
                    format!("the expression is nested more than {MAX_DEPTH} levels deep"),
                ));
            }
            self.conditional()?;
            self.depth -= 1;
            return Ok(());
        }
        self.block()
    }

    /// `{...}` of an `if` or of a predicate.
    fn block(&mut self) -> Result<(), Problem> {
        let Some(open) = self.peek().filter(|token| token.is("{")) else {
            return Err(match self.peek() {
                None => self.expected("`{`", self.last_text()),
                Some(_) => self.misplaced(),
            });
        };
        self.copy(open);
        self.program()?;
        self.close(open, "}")
    }

    fn map_entry(&mut self) -> Result<(), Problem> {
        match (self.peek(), self.tokens.get(self.at + 1), self.tokens.get(self.at + 2)) {
            (Some(key), Some(colon), Some(&value))
                if matches!(key.kind, Kind::Name | Kind::Text) && colon.is(":") =>
            {
                let ends = |token: &Token<'_>| token.is(",") || token.is("}");
                let is_literal = matches!(value.kind, Kind::Number | Kind::Text)
                    && self.tokens.get(self.at + 3).is_none_or(ends);
                if !is_literal {
                    return Err(Problem::at(
                        value.place(),
                        "the values of a map must be plain numbers or texts",
                    ));
                }
                self.copy(key);
                self.copy(*colon);
                self.copy(value);
                Ok(())
            }
            _ => Err(self.misplaced()),
        }
    }

    /// `.name`, `.method(...)`, `?.name`, `[index]`, `[from:to]`, any number of them.
    fn members(&mut self) -> Result<(), Problem> {
        while let Some(token) = self.peek() {
            if token.is("[") {
                self.copy(token);
                self.index(token)?;
            } else if token.is(".") || token.is("?.") {
                self.copy(token);
                let next = self.peek();
                match next.map(|next| (next, next.kind)) {
                    Some((name, Kind::Name | Kind::Keyword)) => self.copy(name),
                    Some((open, _)) if open.is("[") && token.is("?.") => {
                        self.copy(open);
                        self.index(open)?;
                        continue;
                    }
                    _ => return Err(self.expected("a name", token.text)),
                }
                if token.is(".") && self.peek_is("(") {
                    self.arguments(false)?;
                }
            } else {
                break;
            }
        }
        Ok(())
    }

    fn index(&mut self, open: Token<'s>) -> Result<(), Problem> {
        self.index_depth += 1;
        if self.index_depth > MAX_INDEX_DEPTH {
            return Err(Problem::at(
                open.place(),
                format!("indexes are nested more than {MAX_INDEX_DEPTH} deep"),
            ));
        }
        if !self.peek_is(":") {
            self.expression(0)?;
        }
        if self.eat(":") {
            self.write(":");
            if !self.peek_is("]") {
                self.expression(0)?;
            }
        }
        self.index_depth -= 1;
        self.close(open, "]")
    }

    /// Items with commas between them up to `closing`; one comma more at the end is fine.
    fn list(
        &mut self,
        open: Token<'s>,
        closing: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        while !self.peek_is(closing) {
            item(self)?;
            if !self.eat(",") {
                break;
            }
            self.write(if self.peek_is(closing) { "" } else { ", " });
        }
        self.close(open, closing)
    }

    fn close(&mut self, open: Token<'s>, closing: &'static str) -> Result<(), Problem> {
        match self.peek() {
            Some(token) if token.is(closing) => {
                self.copy(token);
                Ok(())
            }
            Some(_) => Err(self.misplaced()),
            None => Err(Problem::at(open.place(), format!("this `{}` is never closed", open.text))
                .hint(format!("add `{closing}` at the end, or where it belongs"))),
        }
    }

    // --- the tokens at the parser's place ---

    fn peek(&self) -> Option<Token<'s>> {
        self.tokens.get(self.at).copied()
    }

    fn peek_is(&self, text: &str) -> bool {
        self.peek().is_some_and(|token| token.is(text))
    }

    fn eat(&mut self, text: &str) -> bool {
        let is_there = self.peek_is(text);
        self.at += usize::from(is_there);
        is_there
    }

    fn sign(&self) -> Option<(&'static str, u8)> {
        match self.peek()? {
            token if token.is("-") => Some(("-", 90)),
            token if token.is("+") => Some(("+", 90)),
            token if token.is("!") || token.is("not") => Some(("!", 50)),
            _ => None,
        }
    }

    /// The binary operator here and how many tokens it is made of.
    fn binary(&self) -> Option<(Binary, usize)> {
        use Meaning::{Coalesce, Negated, Pipe, Power, Range, Same};
        let token =
            self.peek().filter(|token| matches!(token.kind, Kind::Symbol | Kind::Keyword))?;
        let (precedence, meaning) = match token.text {
            "|" => (0, Pipe),
            "or" | "||" => (10, Same("||")),
            "and" | "&&" => (15, Same("&&")),
            "not" => {
                let next = self.tokens.get(self.at + 1)?;
                let (Same(operator), 20) = word_operator(next)? else { return None };
                let meaning = if operator == "in" { Same("not in") } else { Negated(operator) };
                return Some((Binary { precedence: 20, meaning }, 2));
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
            "**" | "^" => (100, Power),
            "??" => (200, Coalesce),
            _ => {
                let (meaning, precedence) = word_operator(&token)?;
                (precedence, meaning)
            }
        };
        Some((Binary { precedence, meaning }, 1))
    }

    /// Whether the `{` here opens a map and not a block.
    fn is_map(&self) -> bool {
        let next = |ahead: usize| self.tokens.get(self.at + ahead);
        self.peek_is("{")
            && (next(1).is_some_and(|token| token.is("}"))
                || next(2).is_some_and(|token| token.is(":")))
    }

    // --- writing ---

    fn write(&mut self, text: &str) {
        self.output.program.push_str(text);
    }

    /// Writes the token here as it is and steps over it.
    fn copy(&mut self, token: Token<'s>) {
        self.write(token.text);
        self.at += 1;
    }

    /// Puts `opening` before what was written from `start` on.
    fn enclose(&mut self, start: usize, opening: &str) {
        self.output.program.insert_str(start, opening);
    }

    // --- what is wrong, in words ---

    fn place(&self) -> Place {
        self.peek().map_or(Place { offset: self.end, length: 1 }, Token::place)
    }

    fn text_at(&self, place: Place) -> &'s str {
        let at_place = |token: &&Token<'s>| token.offset == place.offset;
        self.tokens.iter().find(at_place).map_or("", |token| token.text)
    }

    fn last_text(&self) -> &'s str {
        self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or("", |last| last.text)
    }

    fn expected(&self, what: &str, after: &str) -> Problem {
        Problem::at(self.place(), format!("{what} is missing after `{after}`"))
    }

    /// The token here, or the end, cannot stand where it stands.
    fn misplaced(&self) -> Problem {
        let last = self.last_text();
        let Some(token) = self.peek() else {
            return Problem::at(self.place(), format!("a value is missing after `{last}`"));
        };
        let follows_value = self.at.checked_sub(1).is_some_and(|last| {
            let last = self.tokens[last];
            !matches!(last.kind, Kind::Symbol | Kind::Keyword)
                || matches!(last.text, ")" | "]" | "}" | "true" | "false" | "nil")
        });
        let text = token.text;
        let message = match (follows_value, text) {
            (true, ")" | "]" | "}") => format!("nothing is open that this `{text}` could close"),
            (true, "=") => {
                return Problem::at(token.place(), "an expression cannot assign")
                    .hint("compare with `==`");
            }
            (true, _) if !matches!(token.kind, Kind::Symbol | Kind::Keyword) => {
                format!("an operator is missing before `{text}`")
            }
            (true, "(") => "an operator is missing before `(`".to_owned(),
            (false, ")" | "]" | "}" | ",") if !last.is_empty() => {
                format!("a value is missing between `{last}` and `{text}`")
            }
            _ => format!("`{text}` cannot stand here"),
        };
        Problem::at(token.place(), message)
    }
}

fn word_operator(token: &Token<'_>) -> Option<(Meaning, u8)> {
    let operator = match token.text {
        "in" => "in",
        "contains" => "contains",
        "startsWith" => "startsWith",
        "endsWith" => "endsWith",
        "matches" => "matches",
        _ => return None,
    };
    (token.kind == Kind::Keyword).then_some((Meaning::Same(operator), 20))
}
