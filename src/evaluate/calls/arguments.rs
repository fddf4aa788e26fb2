//! The arguments of our own functions: constants, each checked where it stands.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::error::{Place, Problem};
use super::super::names::{Names, unknown_variable};
use super::super::token::{Kind, Token, parse_number};
use super::example;
use crate::model::series::MAX_WINDOW;
use crate::model::{Calendar, CalendarError, calendar, duration};

/// What stands in the parentheses of one call.
pub(super) struct Arguments<'t, 's> {
    function: Token<'s>,
    /// The tokens of each.
    each: Vec<&'t [Token<'s>]>,
    /// Where the call ends, in bytes from the start of the expression.
    pub(super) end: usize,
}

impl<'t, 's> Arguments<'t, 's> {
    /// Reads them from `tokens`, of which the first is the opening parenthesis behind `function`.
    pub(super) fn read(function: Token<'s>, tokens: &'t [Token<'s>]) -> Result<Self, Problem> {
        let mut each = Vec::new();
        let (mut depth, mut begun) = (0_usize, 1);
        for (at, token) in tokens.iter().enumerate() {
            match token.text {
                "(" | "[" | "{" if token.kind == Kind::Symbol => depth += 1,
                ")" | "]" | "}" if token.kind == Kind::Symbol => depth = depth.saturating_sub(1),
                "," if depth == 1 && token.kind == Kind::Symbol => {
                    each.push(&tokens[begun..at]);
                    begun = at + 1;
                }
                _ => {}
            }
            if depth == 0 {
                if at > begun {
                    each.push(&tokens[begun..at]);
                }
                return Ok(Self { function, each, end: token.offset + token.text.len() });
            }
        }
        let open = tokens.first().map_or(function.place(), |token| token.place());
        Err(Problem::at(open, "this `(` is never closed")
            .hint("add `)` at the end, or where it belongs"))
    }

    pub(super) fn name(&self) -> &'s str {
        self.function.text
    }

    /// One token for each of `N` arguments.
    pub(super) fn exactly<const N: usize>(&self) -> Result<[Token<'s>; N], Problem> {
        let name = self.name();
        let each: [&[Token<'s>]; N] = self.each.as_slice().try_into().map_err(|_| {
            let (count, s) = (self.each.len(), if N == 1 { "" } else { "s" });
            let message = format!("`{name}` takes {N} argument{s}, not {count}");
            Problem::at(self.function.place(), message).hint(example(name))
        })?;
        for argument in each {
            let [token] = argument else {
                return Err(self.no_constant(argument));
            };
            let is_constant = matches!(token.kind, Kind::Text | Kind::Number);
            if !is_constant && token.kind != Kind::Name {
                return Err(self.no_constant(argument));
            }
        }
        Ok(each.map(|argument| argument[0]))
    }

    fn no_constant(&self, argument: &[Token<'s>]) -> Problem {
        let name = self.name();
        let message = format!("the arguments of `{name}` are constants: text or a number");
        let place = match argument {
            [first, .., last] => {
                let length = last.offset + last.text.len() - first.offset;
                Place { offset: first.offset, length }
            }
            [one] => one.place(),
            [] => self.function.place(),
        };
        Problem::at(place, message).hint(example(name))
    }

    /// Text without its quotes. What is meant holds no escapes.
    fn text(&self, token: Token<'s>, what: &str) -> Result<&'s str, Problem> {
        if token.kind == Kind::Text && !token.text.contains('\\') {
            return Ok(&token.text[1..token.text.len() - 1]);
        }
        let problem = Problem::at(token.place(), format!("`{}` takes {what} as text", self.name()));
        Err(match token.kind {
            Kind::Name => problem.hint(format!("put it in quotes: \"{}\"", token.text)),
            _ => problem.hint(example(self.name())),
        })
    }

    pub(super) fn metric(&self, token: Token<'s>, names: &Names) -> Result<&'s str, Problem> {
        let name = self.text(token, "the name of a metric")?;
        if names.has_history(name) {
            return Ok(name);
        }
        if names.contains(name) {
            let message = format!("no history is kept of `{name}`: it is not a metric");
            return Err(Problem::at(token.place(), message));
        }
        let problem = unknown_variable(name, Some(token.place()), names);
        Err(Problem { message: format!("unknown metric `{}`", name.escape_debug()), ..problem })
    }

    /// A stretch of time, and how it is always written.
    pub(super) fn window(&self, token: Token<'s>) -> Result<(Duration, String), Problem> {
        let text = self.text(token, "a duration")?;
        let wrong = |message: String| Problem::at(token.place(), message);
        let shown = text.escape_debug();
        match duration::parse(text) {
            Some(length) if length < Duration::from_millis(1) => {
                Err(wrong(format!("`{shown}` is no time at all")))
            }
            Some(length) if length > MAX_WINDOW => {
                let most = duration::format(MAX_WINDOW);
                Err(wrong(format!("`{shown}` is more than the most that can be looked at, {most}")))
            }
            Some(length) => Ok((length, duration::format(length))),
            None if text.ends_with('d') => Err(wrong(format!("`{shown}` is not a duration"))
                .hint("days are written in hours: 24h")),
            None if text.ends_with('w') => Err(wrong(format!("`{shown}` is not a duration"))
                .hint("weeks are written in hours: 168h is one, and the most")),
            None => {
                Err(wrong(format!("`{shown}` is not a duration"))
                    .hint("write it as 90s, 10m or 1h30m"))
            }
        }
    }

    pub(super) fn alpha(&self, token: Token<'s>) -> Result<f64, Problem> {
        let alpha = (token.kind == Kind::Number).then(|| parse_number(token.text)).flatten();
        alpha.filter(|alpha| *alpha > 0.0 && *alpha <= 1.0).ok_or_else(|| {
            Problem::at(token.place(), "`ewma` takes a number over 0 and up to 1").hint(
                "it is the weight of the newest sample; all older ones together have the rest",
            )
        })
    }

    pub(super) fn zone(&self, token: Token<'s>) -> Result<TimeZone, Problem> {
        let name = self.text(token, "a time zone")?;
        calendar::zone(name).map_err(|error| refused(token, &error))
    }

    pub(super) fn calendar(
        &self,
        windows: Token<'s>,
        zone: Token<'s>,
    ) -> Result<Calendar, Problem> {
        let text = self.text(windows, "hours of the week")?;
        let zone = self.zone(zone)?;
        Calendar::in_zone(text, zone).map_err(|error| refused(windows, &error))
    }
}

fn refused(token: Token<'_>, error: &CalendarError) -> Problem {
    Problem::at(token.place(), error.to_string()).hint(error.hint())
}
