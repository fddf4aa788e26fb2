//! An explanation for people.

use std::fmt::Write as _;

use fly_autoscaler::decide::Weight;
use fly_autoscaler::journal::{Explained, Explanation, Stage};

use crate::cell::sentence;

/// No line is wider, unless a word is.
pub(crate) const WIDTH: usize = 100;
/// Where sentences begin: behind the name of their stage.
const INDENT: usize = 12;

/// The whole of it: the short of it, then stage by stage what is about the app, and each scope.
pub(crate) fn render(own: &Explanation) -> String {
    let mut text = String::new();
    let app = sentence(own.app.as_str());
    wrapped(&mut text, "", 2, &format!("{app} at {}: {}", own.at, sentence(&own.summary)));
    if own.ticks > 1 {
        let told = format!(
            "one of {} ticks that came to the same, {} to {}",
            own.ticks, own.from, own.until
        );
        wrapped(&mut text, "  ", 2, &told);
    }
    text.push('\n');
    stages(&mut text, &own.lines);
    for part in &own.parts {
        let place = match &part.scope.region {
            None => format!("{}, all regions together", part.scope.group),
            Some(region) => format!("{} in {region}", part.scope.group),
        };
        let _ = writeln!(text, "{}", sentence(&place));
        stages(&mut text, &part.lines);
    }
    text
}

/// Lines under the name of their stage, which is said once.
fn stages(text: &mut String, lines: &[Explained]) {
    let mut last = None;
    for line in lines {
        let name = if last == Some(line.stage) { "" } else { name(line.stage) };
        last = Some(line.stage);
        let label = match line.weight {
            Some(Weight::Limit) => "limited: ",
            Some(Weight::Hold) => "held: ",
            Some(Weight::Cause) | None => "",
        };
        let code = line.code.as_ref().map(|code| format!(" [{}]", sentence(code)));
        let told = format!("{label}{}{}", sentence(&line.text), code.unwrap_or_default());
        wrapped(text, &format!("  {name:<width$}", width = INDENT - 2), INDENT, &told);
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Collect => "collect",
        Stage::Observe => "observe",
        Stage::Evaluate => "evaluate",
        Stage::Limit => "limit",
        Stage::Choose => "choose",
        Stage::Act => "act",
    }
}

/// Adds `told` behind `start`, broken between words where a line would be wider than [`WIDTH`]; the lines after
/// the first begin at `indent`.
pub(crate) fn wrapped(text: &mut String, start: &str, indent: usize, told: &str) {
    let mut width = start.chars().count();
    text.push_str(start);
    let mut is_first = true;
    for word in told.split(' ') {
        let length = word.chars().count();
        if !is_first && width + 1 + length > WIDTH {
            let _ = write!(text, "\n{:indent$}", "");
            width = indent;
        } else if !is_first {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
        is_first = false;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_too_wide_and_no_word_is_lost() {
        let told = "word ".repeat(60);
        let mut text = String::new();
        wrapped(&mut text, "  start     ", INDENT, told.trim_end());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("            word")), "{text}");
        assert_eq!(text.split_whitespace().filter(|word| *word == "word").count(), 60);
        let mut text = String::new();
        wrapped(&mut text, "", 2, &format!("a {} b", "x".repeat(200)));
        assert_eq!(text.lines().count(), 3);
    }
}
