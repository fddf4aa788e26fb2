//! Splits an expression into tokens.
//!
//! Ours and not expr-lang's, because that one has no words, only prefixes: to it `not_found` is
//! `not _found`, and `nil_count` is `nil` and a rest that it cannot read.

use super::error::{Place, Problem};
use crate::model::duration;

/// The words that mean something by themselves and so cannot be names.
const KEYWORDS: [&str; 14] = [
    "not",
    "and",
    "or",
    "in",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "let",
    "if",
    "else",
    "true",
    "false",
    "nil",
];

/// Longest first, so that `<=` is not read as `<` and `=`.
const SYMBOLS: [&str; 33] = [
    "**", "..", "?.", "??", "||", "&&", "==", "!=", "<=", ">=", "+", "-", "*", "/", "%", "^", "<",
    ">", "!", "?", ":", ";", ",", ".", "|", "(", ")", "[", "]", "{", "}", "=", "&",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `10`, `0.5`, `1e3`, `0x1f`.
    Number,
    /// `"text"`, `'text'` or text in backticks.
    Text,
    /// A variable, a function or a member.
    Name,
    /// One of [`KEYWORDS`].
    Keyword,
    /// `#`, `#acc`, `#index`: the element in a predicate.
    Element,
    /// One of [`SYMBOLS`].
    Symbol,
    /// A call of one of our own functions with its arguments, by its number: see `calls.rs`.
    Call(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    pub(super) text: &'s str,
    pub(super) offset: usize,
}

impl Token<'_> {
    pub(super) fn place(self) -> Place {
        Place { offset: self.offset, length: self.text.len() }
    }

    /// Whether this is the symbol or keyword `text`.
    pub(super) fn is(self, text: &str) -> bool {
        matches!(self.kind, Kind::Symbol | Kind::Keyword) && self.text == text
    }
}

/// The tokens of `source`, without spaces and comments.
pub(super) fn tokens(source: &str) -> Result<Vec<Token<'_>>, Problem> {
    let mut tokens = Vec::new();
    let mut offset = 0;
    while let Some(first) = source[offset..].chars().next() {
        let rest = &source[offset..];
        if first.is_ascii_whitespace() {
            offset += 1;
            continue;
        }
        if let Some(length) = comment(rest, offset)? {
            offset += length;
            continue;
        }
        let (kind, length) = token(rest, offset)?;
        let text = &rest[..length];
        tokens.push(Token { kind, text, offset });
        offset += length;
    }
    Ok(tokens)
}

fn token(rest: &str, offset: usize) -> Result<(Kind, usize), Problem> {
    let mut characters = rest.chars();
    let first = characters.next().unwrap_or_default();
    let second = characters.next().unwrap_or_default();
    if first.is_ascii_digit() || (first == '.' && second.is_ascii_digit()) {
        return Ok((Kind::Number, number(rest, offset)?));
    }
    if matches!(first, '"' | '\'' | '`') {
        return Ok((Kind::Text, text(rest, first, offset)?));
    }
    if first == '#' {
        return Ok((Kind::Element, 1 + word(&rest[1..])));
    }
    if first.is_alphabetic() || matches!(first, '_' | '$') {
        let length = first.len_utf8() + word(&rest[first.len_utf8()..]);
        let kind = if KEYWORDS.contains(&&rest[..length]) { Kind::Keyword } else { Kind::Name };
        return Ok((kind, length));
    }
    if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
        return Ok((Kind::Symbol, symbol.len()));
    }
    let place = Place { offset, length: first.len_utf8() };
    Err(Problem::at(place, format!("`{}` means nothing in an expression", first.escape_debug())))
}

/// How many bytes of `rest` go on with a word.
fn word(rest: &str) -> usize {
    rest.find(|character: char| !(character.is_alphanumeric() || character == '_'))
        .unwrap_or(rest.len())
}

fn comment(rest: &str, offset: usize) -> Result<Option<usize>, Problem> {
    if rest.starts_with("//") {
        return Ok(Some(rest.find('\n').unwrap_or(rest.len())));
    }
    if let Some(inside) = rest.strip_prefix("/*") {
        return match inside.find("*/") {
            Some(length) => Ok(Some(length + 4)),
            None => Err(Problem::at(
                Place { offset, length: 2 },
                "this comment is never closed: `*/` is missing",
            )),
        };
    }
    Ok(None)
}

/// The length of the number at the start of `rest`, which must be one that both languages read.
fn number(rest: &str, offset: usize) -> Result<usize, Problem> {
    let bytes = rest.as_bytes();
    let mut length = word(rest);
    let is_hex = rest.starts_with("0x") || rest.starts_with("0X");
    // A dot belongs to the number unless it is the first of a range's two (`1..5`).
    if bytes.get(length) == Some(&b'.') && bytes.get(length + 1) != Some(&b'.') {
        length += 1 + word(&rest[length + 1..]);
    }
    let ends_in_exponent = !is_hex && matches!(bytes[length - 1], b'e' | b'E');
    if ends_in_exponent && matches!(bytes.get(length), Some(b'+' | b'-')) {
        length += 1 + word(&rest[length + 1..]);
    }
    let text = &rest[..length];
    let place = Place { offset, length };
    match parse_number(text) {
        Some(value) if value.is_finite() => Ok(length),
        Some(_) => Err(Problem::at(place, format!("the number `{text}` is too large"))),
        None => {
            let hint = if rest[length..].starts_with(['"', '\'']) {
                "it stands between two texts: a quotation mark is missing before it"
            } else if duration::parse(text).is_some() {
                "a duration stands in quotes, such as \"10m\""
            } else {
                "a name cannot begin with a digit"
            };
            Err(Problem::at(place, format!("`{text}` is not a number")).hint(hint))
        }
    }
}

/// The value of a number; `None` where `text` is none.
pub(super) fn parse_number(text: &str) -> Option<f64> {
    let separated_well = !text.contains("__") && !text.ends_with('_') && !text.contains("_.");
    if !separated_well {
        return None;
    }
    let digits = text.replace('_', "");
    let radix = match digits.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            // Whole numbers are 64 bits wide in Expr; beyond that one writes 1e20.
            return Some(digits.parse::<i64>().map_or(f64::INFINITY, |value| value as f64));
        }
        _ => return digits.parse().ok(),
    };
    i64::from_str_radix(&digits[2..], radix).ok().map(|value| value as f64)
}

/// The length of the text at the start of `rest`, with its quotes.
fn text(rest: &str, quote: char, offset: usize) -> Result<usize, Problem> {
    let mut characters = rest.char_indices().skip(1);
    while let Some((at, character)) = characters.next() {
        match character {
            _ if character == quote => return Ok(at + 1),
            '\n' | '\r' if quote != '`' => break,
            '\\' if quote != '`' => {
                let known = |(_, escaped)| escaped == quote || "\\/bfnrtu".contains(escaped);
                if !characters.next().is_some_and(known) {
                    return Err(Problem::at(
                        Place { offset: offset + at, length: 2 },
                        "this escape is not known in text",
                    )
                    .hint(r"write a backslash as \\"));
                }
            }
            _ => {}
        }
    }
    Err(Problem::at(
        Place { offset, length: 1 },
        format!("this text is never closed: {quote} is missing"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).expect("tokens").into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_are_whole() {
        assert_eq!(texts("not_found+nil_count"), ["not_found", "+", "nil_count"]);
        assert_eq!(texts("x or order"), ["x", "or", "order"]);
        let kinds: Vec<_> = tokens("in index").expect("tokens").iter().map(|t| t.kind).collect();
        assert_eq!(kinds, [Kind::Keyword, Kind::Name]);
    }

    #[test]
    fn numbers_end_where_ranges_begin() {
        assert_eq!(texts("1..5"), ["1", "..", "5"]);
        assert_eq!(texts("1.5e-3*.5"), ["1.5e-3", "*", ".5"]);
        assert_eq!(texts("0x1e-3"), ["0x1e", "-", "3"]);
        assert_eq!(texts("1_000"), ["1_000"]);
    }

    #[test]
    fn comments_and_text_hide_what_they_hold() {
        assert_eq!(
            texts("a // b\n/* c */ + 'd \\' e' + `f\ng`"),
            ["a", "+", "'d \\' e'", "+", "`f\ng`"]
        );
    }

    #[test]
    fn what_is_no_token_is_said() {
        for (source, message) in [
            ("a @ b", "`@` means nothing in an expression"),
            ("10x", "`10x` is not a number"),
            ("1__0", "`1__0` is not a number"),
            ("9223372036854775808", "the number `9223372036854775808` is too large"),
            ("1e999", "the number `1e999` is too large"),
            ("'abc", "this text is never closed: ' is missing"),
            ("/* abc", "this comment is never closed: `*/` is missing"),
            (r#""\d""#, "this escape is not known in text"),
        ] {
            assert_eq!(tokens(source).expect_err(source).message, message);
        }
    }
}
