//! Where a value was written.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::secret::{MASK, is_secret_name, redact};

/// A position in YAML text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of that line are meant.
    pub width: usize,
}

/// YAML text with the name under which messages speak of it.
pub struct SourceText {
    /// A path, or the name of a variable.
    pub name: String,
    /// All of it. May contain secrets.
    pub text: String,
}

impl fmt::Debug for SourceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceText").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Where a value was written, precisely enough to show it.
#[derive(Debug, Clone)]
pub enum Place {
    /// Nowhere in particular: something is missing.
    Nowhere,
    /// The built-in default.
    Default,
    /// A flag, without its dashes.
    Flag(String),
    /// An environment variable.
    Variable(String),
    /// YAML text as a whole.
    File(String),
    /// A spot in YAML text.
    Text(Arc<SourceText>, Mark),
    /// A spot inside a value that does not stand in the file as it is.
    Part {
        /// Where the value is.
        whole: Box<Place>,
        /// The value.
        text: String,
        /// The spot in it.
        mark: Mark,
    },
}

/// Where a value in force came from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The flag of this name, without dashes.
    Flag(String),
    /// The environment variable of this name.
    Env(String),
    /// A file (or `FAS_CONFIG_YAML`).
    File {
        /// The path as given.
        path: String,
        /// From 1.
        line: usize,
    },
    /// The built-in default, or nothing at all.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => f.pad(&format!("--{name}")),
            Self::Env(name) => f.pad(name),
            Self::File { path, line } => f.pad(&format!("{path}:{line}")),
            Self::Default => f.pad("default"),
        }
    }
}

impl Place {
    /// The position, where the place has one.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match self {
            Self::Text(_, mark) => Some(*mark),
            Self::Part { whole, .. } => whole.mark(),
            _ => None,
        }
    }

    /// The same without what only error messages need.
    #[must_use]
    pub fn origin(&self) -> Origin {
        match self {
            Self::Nowhere | Self::Default => Origin::Default,
            Self::Flag(name) => Origin::Flag(name.clone()),
            Self::Part { whole, .. } => whole.origin(),
            Self::Variable(name) => Origin::Env(name.clone()),
            Self::File(path) => Origin::File { path: path.clone(), line: 1 },
            Self::Text(source, mark) => Origin::File { path: source.name.clone(), line: mark.line },
        }
    }
}

impl fmt::Display for Place {
    /// The lines that show the place, each indented; nothing for [`Place::Nowhere`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_header(f)?;
        let snippet = match self {
            Self::Text(source, mark) => Snippet::new(&source.text, *mark),
            Self::Part { text, mark, .. } => Snippet::new(text, *mark),
            _ => None,
        };
        snippet.map_or(Ok(()), |snippet| snippet.fmt(f))
    }
}

impl Place {
    fn write_header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => Ok(()),
            Self::Default => f.write_str("\n  --> the built-in default"),
            Self::Flag(name) => write!(f, "\n  --> flag --{name}"),
            Self::Variable(name) => write!(f, "\n  --> environment variable {name}"),
            Self::File(name) => write!(f, "\n  --> {name}"),
            Self::Text(source, mark) => {
                write!(f, "\n  --> {}:{}:{}", source.name, mark.line, mark.column)
            }
            Self::Part { whole, .. } => whole.write_header(f),
        }
    }
}

/// One line of the source with a caret under the spot, fit to be printed.
struct Snippet {
    number: usize,
    line: String,
    indent: usize,
    width: usize,
}

/// As much of a line as is shown before and after the spot.
const LINE_BEFORE: usize = 60;
const LINE_AFTER: usize = 60;

impl Snippet {
    fn new(text: &str, mark: Mark) -> Option<Self> {
        let line = text.lines().nth(mark.line.checked_sub(1)?)?;
        // Masked before it is cut: the cut could hide the key that makes a value a secret.
        let line: Vec<char> = mask_line(text, mark.line, line)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let at = std::cmp::min(mark.column - 1, line.len());
        let from = at.saturating_sub(LINE_BEFORE);
        let to = std::cmp::min(line.len(), at + LINE_AFTER);
        let width = mark.width.clamp(1, std::cmp::max(1, to - at));
        let line = line[from..to].iter().collect();
        Some(Self { number: mark.line, line, indent: at - from, width })
    }
}

impl fmt::Display for Snippet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.number.to_string();
        let blank = " ".repeat(gutter.len());
        write!(f, "\n {blank} |\n {gutter} | {}", self.line.trim_end())?;
        write!(f, "\n {blank} | {}{}", " ".repeat(self.indent), "^".repeat(self.width))
    }
}

/// A line of YAML without its secrets: what follows a key that is named like one, what looks like a
/// token anywhere, and all of a line that lies inside a block under such a key.
///
/// Works on text, not on the parsed tree, because the line may be the one that does not parse.
fn mask_line(text: &str, number: usize, line: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let parent = text
        .lines()
        .take(number - 1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .find(|above| !above.trim().is_empty() && indent(above) < indent(line));
    let is_key_value = line.contains(": ") || line.trim_end().ends_with(':');
    if !is_key_value && parent.and_then(|above| above.split(':').next()).is_some_and(is_secret_name)
    {
        return MASK.to_owned();
    }
    redact(&mask_after_secret_key(line)).into_owned()
}

/// `line` with everything behind the first secret key's colon masked.
fn mask_after_secret_key(line: &str) -> String {
    for (at, _) in line.match_indices(':') {
        let key = line[..at].rsplit(['{', ',', ' ']).next().unwrap_or_default();
        let value = line[at + 1..].trim();
        let is_block = matches!(value, "" | "|" | ">" | "|-" | ">-");
        if is_secret_name(key) && !is_block {
            return format!("{}: {MASK}", &line[..at]);
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(text: &str, line: usize, column: usize, width: usize) -> String {
        let source = Arc::new(SourceText { name: "f.yml".into(), text: text.into() });
        Place::Text(source, Mark { line, column, width }).to_string()
    }

    #[test]
    fn points_at_the_spot() {
        assert_eq!(
            show("a: 1\nbc: 22\n", 2, 5, 2),
            "\n  --> f.yml:2:5\n   |\n 2 | bc: 22\n   |     ^^"
        );
        // A place past the end, as at the end of input, shows no line.
        assert_eq!(show("a", 2, 1, 1), "\n  --> f.yml:2:1");
    }

    #[test]
    fn long_lines_are_cut_around_the_spot() {
        let shown = show(&format!("{}X{}", "a".repeat(500), "b".repeat(500)), 1, 501, 1);
        assert!(shown.lines().all(|line| line.len() < 140), "{shown}");
        assert!(shown.contains("aXb"));
    }

    #[test]
    fn lines_show_no_secrets() {
        for (text, line) in [
            ("api-token: hunter2", 1),
            ("api_token: hunter2", 1),
            ("- {type: prometheus, token: hunter2, adress: x}", 1),
            ("\"token\": \"hunter2\"", 1),
            ("org: FlyV1 fm2_hunter2", 1),
            ("key-data: |\n  abc\n  hunter2\n", 3),
            ("my-password: hunter2", 1),
            ("address: https://me:hunter2@host", 1),
        ] {
            let shown = show(text, line, 1, 3);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
}
