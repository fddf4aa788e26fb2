//! Text from anywhere, made to stand in a table: one line, of known width.

/// A name in at most `width` columns. What is no ASCII, or moves the cursor, is written as an escape:
/// labels of metrics can hold anything.
pub(crate) fn code(text: &str, width: usize) -> String {
    // No more is looked at than can be shown.
    let start: String = text.chars().take(width + 1).collect();
    let escaped = start.escape_default().to_string();
    // These are harmless in a name that stands alone.
    let escaped = escaped.replace("\\'", "'").replace("\\\"", "\"");
    if escaped.is_empty() { "(empty)".to_owned() } else { cut(&escaped, width) }
}

/// A sentence in one line, without characters that move the cursor.
pub(crate) fn sentence(text: &str) -> String {
    let harmless = |c: char| if c.is_control() || is_direction(c) { '\u{fffd}' } else { c };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().map(harmless).collect()
}

/// What makes a terminal write from right to left, or hides.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The beginning of a sentence that fits, cut between words where there are any.
pub(crate) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(1)).collect();
    let end = start.rfind(' ').filter(|end| *end > width / 2).unwrap_or(start.len());
    format!("{}…", start[..end].trim_end())
}

fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let start: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{start}…")
}

/// A number in a few digits: what matters of it here is its size.
pub(crate) fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 1e9 || (size > 0.0 && size < 0.005) {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The first few, and how many more there are.
pub(crate) fn listed(items: &[String], most: usize) -> String {
    let shown = items.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_short_word_whatever_it_holds() {
        for (name, shown) in [
            ("lhr", "lhr"),
            ("", "(empty)"),
            ("a\u{1b}[2Jb", "a\\u{1b}[2…"),
            ("l\nh\tr", "l\\nh\\tr"),
            ("東京", "\\u{6771}\\…"),
            ("say \"hi\"", "say \"hi\""),
            ("abcdefghijk", "abcdefghi…"),
            ("abcdefghij", "abcdefghij"),
        ] {
            assert_eq!(code(name, 10), shown, "{name:?}");
        }
        assert_eq!(code(&"x".repeat(1_000_000), 10), "xxxxxxxxx…");
    }

    #[test]
    fn a_sentence_is_one_line_that_moves_nothing() {
        assert_eq!(sentence("a\nb\u{1b}[31m c\u{202e}d"), "a b\u{fffd}[31m c\u{fffd}d");
        assert_eq!(fit("two words", 9), "two words");
        assert_eq!(fit("two words more", 10), "two words…");
        assert_eq!(fit("longlonglong", 6), "longl…");
    }

    #[test]
    fn a_number_keeps_its_size() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.0, "0"),
            (140.0, "140"),
            (0.1 + 0.2, "0.3"),
            (12345.678, "12345.68"),
            (1.0 / 3.0, "0.33"),
            (0.0001, "1.0e-4"),
            (123_456_789_012.0, "1.2e11"),
            (f64::MAX, "1.8e308"),
        ] {
            assert_eq!(number(value), shown);
        }
    }

    #[test]
    fn a_long_list_is_counted() {
        let items = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&items(3), 3), "0, 1, 2");
        assert_eq!(listed(&items(5), 3), "0, 1, 2 and 2 more");
    }
}
