//! From a query's text to its tree.

use regex::Regex;

use super::{Matcher, Op, Selector};

#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Number(f64),
    Select(Selector),
    /// What a counter grows in one second, times this: 1 for `rate`, the window for `increase`.
    Rate {
        selector: Selector,
        times: f64,
    },
    Vector(Box<Expr>),
    Aggregate {
        how: Aggregation,
        by: Vec<String>,
        inner: Box<Expr>,
    },
    Or(Box<Expr>, Box<Expr>),
    Binary {
        operator: Operator,
        left: Box<Expr>,
        right: Box<Expr>,
    },
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Aggregation {
    Sum,
    Avg,
    Count,
    Max,
    Min,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// Reads a query.
pub(crate) fn parse(query: &str) -> Result<Expr, String> {
    let mut parser = Parser { rest: query, depth: 0 };
    let expr = parser.alternatives()?;
    parser.skip_space();
    if parser.rest.is_empty() { Ok(expr) } else { Err(parser.unknown()) }
}

/// How deep parentheses may nest: a query is not to overflow the stack.
const MAX_DEPTH: usize = 50;

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn alternatives(&mut self) -> Result<Expr, String> {
        let mut left = self.sum()?;
        while self.takes_word("or") {
            left = Expr::Or(Box::new(left), Box::new(self.sum()?));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, String> {
        let operators = [('+', Operator::Add), ('-', Operator::Subtract)];
        self.chain(&operators, Self::product)
    }

    fn product(&mut self) -> Result<Expr, String> {
        let operators = [('*', Operator::Multiply), ('/', Operator::Divide)];
        self.chain(&operators, Self::term)
    }

    fn chain(
        &mut self,
        operators: &[(char, Operator)],
        part: fn(&mut Self) -> Result<Expr, String>,
    ) -> Result<Expr, String> {
        let mut left = part(self)?;
        while let Some((_, operator)) = operators.iter().find(|(sign, _)| self.takes(*sign)) {
            let right = Box::new(part(self)?);
            left = Expr::Binary { operator: *operator, left: Box::new(left), right };
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the query is nested too deeply".to_owned());
        }
        let term = self.term_within();
        self.depth -= 1;
        term
    }

    fn term_within(&mut self) -> Result<Expr, String> {
        if self.takes('-') {
            let zero = Box::new(Expr::Number(0.0));
            let right = Box::new(self.term()?);
            return Ok(Expr::Binary { operator: Operator::Subtract, left: zero, right });
        }
        if self.takes('(') {
            let inner = self.alternatives()?;
            self.expect(')')?;
            return Ok(inner);
        }
        match self.rest.chars().next() {
            None => Err("the query ends too early".to_owned()),
            Some(first) if first.is_ascii_digit() || first == '.' => self.number(),
            Some(first) if is_name(first) => self.named(),
            Some(_) => Err(self.unknown()),
        }
    }

    fn number(&mut self) -> Result<Expr, String> {
        let text = self.while_of(|c| c.is_ascii_digit() || c == '.' || c == 'e');
        text.parse().map(Expr::Number).map_err(|_| format!("`{text}` is no number"))
    }

    fn named(&mut self) -> Result<Expr, String> {
        let name = self.while_of(is_name);
        let how = match name {
            "sum" => Aggregation::Sum,
            "avg" => Aggregation::Avg,
            "count" => Aggregation::Count,
            "max" => Aggregation::Max,
            "min" => Aggregation::Min,
            "rate" | "increase" => return self.rate(name),
            "vector" => {
                self.expect('(')?;
                let inner = Box::new(self.alternatives()?);
                self.expect(')')?;
                return Ok(Expr::Vector(inner));
            }
            _ => return self.selected(name),
        };
        let mut by = self.labels_after_by()?;
        self.expect('(')?;
        let inner = Box::new(self.alternatives()?);
        self.expect(')')?;
        if by.is_empty() {
            by = self.labels_after_by()?;
        }
        Ok(Expr::Aggregate { how, by, inner })
    }

    fn selected(&mut self, name: &str) -> Result<Expr, String> {
        if self.takes('(') {
            return Err(format!("the simulator does not know `{name}(`"));
        }
        let selector = self.selector(name)?;
        match self.window()? {
            None => Ok(Expr::Select(selector)),
            Some((text, _)) => {
                Err(format!("the simulator does not know `[{text}]` outside rate() and increase()"))
            }
        }
    }

    fn rate(&mut self, function: &str) -> Result<Expr, String> {
        self.expect('(')?;
        self.skip_space();
        let name = self.while_of(is_name);
        let selector = self.selector(name)?;
        let Some((_, seconds)) = self.window()? else {
            return Err(format!("{function}() needs a window such as [5m]"));
        };
        self.expect(')')?;
        Ok(Expr::Rate { selector, times: if function == "rate" { 1.0 } else { seconds } })
    }

    fn selector(&mut self, name: &str) -> Result<Selector, String> {
        let mut matchers = Vec::new();
        if self.takes('{') {
            while !self.takes('}') {
                matchers.push(self.matcher()?);
                if !self.takes(',') {
                    self.expect('}')?;
                    break;
                }
            }
        }
        Ok(Selector { name: name.to_owned(), matchers })
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        self.skip_space();
        let label = self.while_of(is_name).to_owned();
        self.skip_space();
        let ops =
            [("=~", Op::Matches), ("!~", Op::MatchesNot), ("!=", Op::NotEqual), ("=", Op::Equal)];
        let Some((sign, op)) = ops.into_iter().find(|(sign, _)| self.rest.starts_with(sign)) else {
            return Err(self.unknown());
        };
        self.rest = &self.rest[sign.len()..];
        let text = self.quoted()?.to_owned();
        let pattern = match op {
            Op::Matches | Op::MatchesNot => {
                let pattern = Regex::new(&format!("^(?:{text})$"));
                Some(pattern.map_err(|_| format!("`{text}` is no regular expression"))?)
            }
            Op::Equal | Op::NotEqual => None,
        };
        Ok(Matcher { label, op, text, pattern })
    }

    fn quoted(&mut self) -> Result<&'a str, String> {
        self.skip_space();
        let quote = self.rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let Some(quote) = quote else { return Err(self.unknown()) };
        let Some(end) = self.rest[1..].find(quote) else {
            return Err(format!("the text that begins at `{}` has no end", self.rest));
        };
        let text = &self.rest[1..=end];
        self.rest = &self.rest[end + 2..];
        Ok(text)
    }

    /// `[5m]`: its text and its seconds.
    fn window(&mut self) -> Result<Option<(&'a str, f64)>, String> {
        if !self.takes('[') {
            return Ok(None);
        }
        let text = self.while_of(|c| c != ']');
        self.expect(']')?;
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
        let seconds = match unit {
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return Err(format!("the simulator does not know the window `[{text}]`")),
        };
        let count: f64 = text[..text.len() - unit.len()].parse().unwrap_or(0.0);
        Ok(Some((text, count * seconds)))
    }

    fn labels_after_by(&mut self) -> Result<Vec<String>, String> {
        let mut labels = Vec::new();
        if self.takes_word("by") {
            self.expect('(')?;
            while !self.takes(')') {
                self.skip_space();
                labels.push(self.while_of(is_name).to_owned());
                if !self.takes(',') {
                    self.expect(')')?;
                    break;
                }
            }
        }
        Ok(labels)
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        if self.takes(sign) {
            Ok(())
        } else if self.rest.is_empty() {
            Err("the query ends too early".to_owned())
        } else {
            Err(self.unknown())
        }
    }

    fn takes(&mut self, sign: char) -> bool {
        self.skip_space();
        let taken = self.rest.strip_prefix(sign);
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn takes_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let taken = self.rest.strip_prefix(word).filter(|rest| !rest.starts_with(is_name));
        self.rest = taken.unwrap_or(self.rest);
        taken.is_some()
    }

    fn while_of(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !belongs(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Names the word, or the sign, that is not understood.
    fn unknown(&self) -> String {
        let end = self.rest.find(|c: char| !is_name(c)).unwrap_or(self.rest.len());
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let word = &self.rest[..std::cmp::max(end, first)];
        format!("the simulator does not know `{word}`")
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}
