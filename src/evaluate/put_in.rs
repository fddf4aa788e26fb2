//! An expression with the values put in, for people.

use std::fmt::Write as _;

use super::calls;
use super::token::{Kind, Token, tokens};
use crate::model::Value;

/// `expression` with what it read in place of what stands for it, on one line and without comments:
/// `ceil(traffic / 50)` becomes `ceil(412 / 50)`. `value` gives what was read, by the text that stands for it,
/// as in [`Expression::trace`](super::Expression::trace); what it does not know stays as it is written, and so
/// do text, members (`.name`) and names that the expression declares itself.
#[must_use]
pub fn put_in<'v>(expression: &str, value: impl Fn(&str) -> Option<&'v Value>) -> String {
    // Only what was compiled has been read; anything else is shown as it is.
    let Ok(tokens) = tokens(expression) else { return expression.to_owned() };
    let mut text = String::with_capacity(expression.len());
    let mut declared = Declared::default();
    let (mut at, mut end) = (0, 0);
    while let Some(token) = tokens.get(at) {
        text += gap(&expression[end..token.offset], text.is_empty());
        let before = at.checked_sub(1).and_then(|before| tokens.get(before));
        declared.step(before, token);
        let is_value = token.kind == Kind::Name
            && !is_named(before, tokens.get(at + 1))
            && !declared.contains(token.text);
        let call = calls::extent(&tokens[at..]).filter(|_| is_value);
        // A function of the language may have the name of a variable.
        let is_called = tokens.get(at + 1).is_some_and(|next| next.is("("));
        let is_value = is_value && (call.is_some() || !is_called);
        end = call.unwrap_or(token.offset + token.text.len());
        let written = &expression[token.offset..end];
        at += tokens[at..].iter().take_while(|own| own.offset < end).count().max(1);
        match value(written).filter(|_| is_value) {
            Some(value) => write(&mut text, value, before, tokens.get(at)),
            None => text += written,
        }
    }
    text
}

/// What stands between two tokens: any spaces, lines and comments become one space.
fn gap(between: &str, is_first: bool) -> &'static str {
    if between.is_empty() || is_first { "" } else { " " }
}

/// Whether a name between these only names something: a member, the key of a map, what `let` declares.
fn is_named(before: Option<&Token<'_>>, next: Option<&Token<'_>>) -> bool {
    let is = |token: Option<&Token<'_>>, texts: &[&str]| {
        token.is_some_and(|token| texts.iter().any(|text| token.is(text)))
    };
    is(before, &[".", "?.", "let"]) || (is(before, &["{", ","]) && is(next, &[":"]))
}

fn write(text: &mut String, value: &Value, before: Option<&Token<'_>>, next: Option<&Token<'_>>) {
    let _ = match value {
        Value::Number(value) => {
            let number = number(*value);
            let binds = |token: &Token<'_>| matches!(token.text, "**" | "^" | "." | "?." | "[");
            let follows = |token: &Token<'_>| {
                !matches!(token.text, "(" | "," | "[" | "{" | "?" | ":" | ";" | "=")
            };
            let is_apart = before.is_some_and(follows) || next.is_some_and(binds);
            if number.starts_with('-') && is_apart {
                write!(text, "({number})")
            } else {
                write!(text, "{number}")
            }
        }
        Value::Nil => write!(text, "nil"),
        Value::Truth(truth) => write!(text, "{truth}"),
        Value::Text(own) => write!(text, "{own:?}"),
    };
}

/// A number as people read it: whole ones in full, others to six digits, very large and very small ones with
/// an exponent.
#[must_use]
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.fract() == 0.0 && size < 1e15 {
        // Not `-0`.
        return format!("{}", value + 0.0);
    }
    if !(1e-4..1e15).contains(&size) {
        return format!("{value:.5e}");
    }
    let whole = size.log10().floor() as i32 + 1;
    let places = usize::try_from((6 - whole).max(1)).unwrap_or(1);
    let text = format!("{value:.places$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The names that the expression has declared with `let`, as far as they are in scope.
#[derive(Default)]
struct Declared<'s> {
    depth: usize,
    /// Each with the depth of the brackets that it stands in, and whether its declaration is over.
    names: Vec<(&'s str, usize, bool)>,
}

impl<'s> Declared<'s> {
    fn step(&mut self, before: Option<&Token<'s>>, token: &Token<'s>) {
        match token.text {
            "(" | "[" | "{" if token.kind == Kind::Symbol => self.depth += 1,
            ")" | "]" | "}" if token.kind == Kind::Symbol => {
                self.depth = self.depth.saturating_sub(1);
                self.names.retain(|(_, depth, _)| *depth <= self.depth);
            }
            ";" if token.kind == Kind::Symbol => {
                for (_, depth, is_over) in &mut self.names {
                    *is_over |= *depth == self.depth;
                }
            }
            _ if token.kind == Kind::Name && before.is_some_and(|before| before.is("let")) => {
                self.names.push((token.text, self.depth, false));
            }
            _ => {}
        }
    }

    /// A name is not known inside its own declaration.
    fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|(own, _, is_over)| *own == name && *is_over)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::evaluate::{Expression, Names};
    use crate::model::{Timestamp, VariableTable};

    /// Mon 2026-03-02 12:00 UTC.
    const NOW: Timestamp = Timestamp::from_millis(1_772_452_800_000);
    const AVERAGE: &str = r#"avg_over("traffic", "5m")"#;

    fn table() -> VariableTable {
        let mut table = VariableTable::default();
        for (name, value) in [
            ("traffic", 412.0),
            ("traffic_lhr", 30.5),
            ("x", -3.0),
            ("len", 2.0),
            (AVERAGE, 100.25),
        ] {
            table.set(name, Value::Number(value));
        }
        table.set("missing", Value::Nil);
        table.set("region", Value::Text("lhr".into()));
        table
    }

    fn names() -> Names {
        let metrics = ["traffic", "traffic_lhr", "x", "len", "missing"];
        Names::new(metrics).with_region(["lhr", "iad"])
    }

    /// The expression with its values, and what each of the two gives.
    fn with_values(source: &str) -> (String, f64, f64) {
        let expression = Expression::compile(source, &names()).expect(source);
        let (gave, read) = expression.trace(&table(), NOW);
        let read: BTreeMap<_, _> = read.into_iter().collect();
        let text = put_in(source, |text| read.get(text));
        let again = Expression::compile(&text, &names()).expect(&text);
        let again = again.evaluate(&VariableTable::default(), NOW).expect(&text);
        (text, gave.expect(source), again)
    }

    #[test]
    fn what_was_read_stands_where_it_was_read() {
        for (source, text) in [
            ("ceil(traffic / 50)", "ceil(412 / 50)"),
            ("ceil(traffic_lhr/50) + traffic", "ceil(30.5/50) + 412"),
            ("missing ?? traffic", "nil ?? 412"),
            (r#"region == "traffic" ? 1 : traffic"#, r#""lhr" == "traffic" ? 1 : 412"#),
            ("7 - x", "7 - (-3)"),
            ("-x", "-(-3)"),
            ("x ** 2", "(-3) ** 2"),
            ("max(x, 1)", "max(-3, 1)"),
            (r#"ceil(avg_over("traffic", "5m") / 50)"#, "ceil(100.25 / 50)"),
            (
                r#"ceil(avg_over( "traffic" , "300s" ) / 50) + avg_over("traffic", "5m")"#,
                "ceil(100.25 / 50) + 100.25",
            ),
            (r#"during("Mon-Fri 08:00-18:00", "UTC") ? 3 : 1"#, "true ? 3 : 1"),
            (r#"hour("UTC") >= 8 ? 3 : 1"#, "12 >= 8 ? 3 : 1"),
            ("let x = x + traffic; x * 2", "let x = -3 + 412; x * 2"),
            ("{let traffic = 2; traffic} + traffic", "{let traffic = 2; traffic} + 412"),
            (r#"len([1, 2]) + len"#, "len([1, 2]) + 2"),
            (r#"{x: 4}.x + traffic"#, "{x: 4}.x + 412"),
            ("[traffic, 1][traffic > 400 ? 0 : 1]", "[412, 1][412 > 400 ? 0 : 1]"),
            ("traffic // all of it\n  / 50 /* each */", "412 / 50"),
            ("max(1, 2, traffic / 7)", "max(1, 2, 412 / 7)"),
            ("if traffic > 50 {x} else {len}", "if 412 > 50 {-3} else {2}"),
        ] {
            if source.starts_with("{let") {
                // No expression of its own: blocks stand behind `if`.
                let value = Value::Number(412.0);
                let own = |name: &str| (name == "traffic").then_some(&value);
                assert_eq!(put_in(source, own), text);
                continue;
            }
            let (said, gave, again) = with_values(source);
            assert_eq!(said, text, "{source}");
            assert_eq!(gave.to_bits(), again.to_bits(), "{source}");
        }
    }

    #[test]
    fn what_was_not_read_stays_and_so_does_what_cannot_be_read() {
        let nothing = |_: &str| None;
        for source in ["ceil(traffic / 50)", r#"avg_over("traffic", "5m")"#, "a @ b", "'abc", ""] {
            assert_eq!(put_in(source, nothing), source);
        }
        let value = Value::Number(1.0);
        assert_eq!(put_in("a.traffic + b", |_| Some(&value)), "1.traffic + 1");
    }

    #[test]
    fn a_number_is_short_and_keeps_its_size() {
        for (value, shown) in [
            (412.0, "412"),
            (-0.0, "0"),
            (8.24, "8.24"),
            (0.1 + 0.2, "0.3"),
            (1.0 / 3.0, "0.333333"),
            (1_234.567_89, "1234.57"),
            (123_456.789, "123456.8"),
            (0.000_123_456_78, "0.000123457"),
            (9.999_999_9, "10"),
            (1e-9, "1.00000e-9"),
            (-1.5e300, "-1.50000e300"),
            (100_000_000.0, "100000000"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
