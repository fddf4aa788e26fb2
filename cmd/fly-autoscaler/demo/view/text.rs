//! Text that fits.

/// The beginning of `text` that fits into `width` columns, cut between words where there are any.
pub(super) fn fit(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let cut: String = text.chars().take(room).collect();
    // A word that ends exactly here is whole.
    let is_whole = text.chars().nth(room).is_some_and(char::is_whitespace);
    let end = if is_whole { cut.len() } else { cut.rfind(' ').unwrap_or(cut.len()) };
    format!("{}…", cut[..end].trim_end())
}

/// `text` in at most `rows` lines of at most `width` columns; a word that is longer than a line is cut,
/// and so is what does not fit into the last one.
pub(super) fn wrap(text: &str, width: usize, rows: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let is_last = lines.len() == rows;
        match lines.last_mut() {
            Some(line) if is_last || line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.iter().map(|line| fit(line, width)).collect()
}

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The last `width` values as bars of a height between 0 and the largest of them.
pub(super) fn bars(values: &[f64], width: usize) -> String {
    let shown = &values[values.len().saturating_sub(width)..];
    let top = shown.iter().copied().fold(0.0, f64::max);
    let level = |value: &f64| {
        let part = if top > 0.0 { value / top } else { 0.0 };
        LEVELS[((part * 7.0).round() as usize).clamp(0, 7)]
    };
    let bars: String = shown.iter().map(level).collect();
    format!("{bars:>width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_words() {
        for (text, width, fitted) in [
            ("start in fra", 12, "start in fra"),
            ("start in fra", 11, "start in…"),
            ("start in fra", 9, "start in…"),
            ("start in fra", 8, "start…"),
            ("startinfra", 5, "star…"),
        ] {
            assert_eq!(fit(text, width), fitted, "{width}");
        }
    }

    #[test]
    fn text_is_wrapped_between_words() {
        assert_eq!(wrap("no answer from the host", 10, 9), ["no answer", "from the", "host"]);
        assert_eq!(wrap("no answer from the host", 10, 2), ["no answer", "from the…"]);
        assert_eq!(wrap("http://127.0.0.1/x no", 10, 9), ["http://12…", "no"]);
        assert_eq!(wrap("", 10, 9), Vec::<String>::new());
    }

    #[test]
    fn bars_rise_with_values_and_stand_to_the_right() {
        assert_eq!(bars(&[0.0, 5.0, 10.0], 4), " ▁▅█");
        assert_eq!(bars(&[9.0, 0.0, 7.0], 2), "▁█");
        assert_eq!(bars(&[0.0, 0.0], 2), "▁▁");
        assert_eq!(bars(&[], 2), "  ");
    }
}
