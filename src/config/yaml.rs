//! YAML text to a tree in which every key and value knows its place.
//!
//! The tree is walked against the table of settings, so that one run finds every mistake; a `serde`
//! reader stops at the first. Bounded in size, depth and number of nodes: aliases cannot blow it up.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::place::Mark;

/// Larger files are refused unread. A configuration is a few KiB.
pub const MAX_BYTES: usize = 1 << 20;
/// Nested deeper than any setting by far.
const MAX_DEPTH: usize = 32;
/// Keys and values in all, each use of an alias counted with everything under it.
const MAX_NODES: usize = 20_000;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where.
    pub mark: Mark,
    /// What.
    pub content: Content,
}

/// A value.
#[derive(Debug, Clone)]
pub enum Content {
    /// Nothing, `~` or `null`.
    Null,
    /// Text as written, quotes and escapes resolved. What it means depends on the key.
    Scalar(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the order of the text. Keys may repeat.
    Map(Vec<(Key, Node)>),
}

/// A key of a map and where it stands.
#[derive(Debug, Clone)]
pub struct Key {
    /// Where.
    pub mark: Mark,
    /// What.
    pub text: String,
}

/// Why text is no YAML that can be used.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML.
    #[error("the YAML cannot be read: {message}")]
    Syntax {
        /// The parser's words.
        message: String,
    },
    /// `*` as it stands, which refers to something.
    #[error("the YAML cannot be read: a `*` without quotes refers to an anchor, and here is none")]
    BareStar,
    /// Nothing but white space and comments.
    #[error("there are no settings in it")]
    Empty,
    /// More than one document.
    #[error("there is a second YAML document; only one is read")]
    SecondDocument,
    /// A list or map as a key.
    #[error("a key must be text")]
    KeyNotText,
    /// `!something`.
    #[error("the YAML tag `{tag}` means nothing here")]
    Tag {
        /// The tag as written.
        tag: String,
    },
    /// An alias inside what it stands for.
    #[error("the alias stands inside the value that it refers to")]
    RecursiveAlias,
    /// Nothing to merge.
    #[error("`<<` needs a map, or an alias of one")]
    Merge,
    /// A YAML bomb, or something that is no configuration.
    #[error("more than {MAX_NODES} values, aliases counted each time they are used")]
    TooManyNodes,
}

/// What is wrong with the YAML, and where.
pub type Located = (YamlError, Mark);

/// The place of what is nowhere.
const START: Mark = Mark { line: 1, column: 1, width: 1 };

/// Reads `text`.
pub fn parse(text: &str) -> Result<Node, Located> {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        anchors: BTreeMap::new(),
        nodes: 0,
    };
    reader.document().map_err(|(error, at)| {
        let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or_default();
        let star = |rest: &str| {
            rest.strip_prefix('*').is_some_and(|rest| rest.trim_start().starts_with(':'))
        };
        let is_star = matches!(error, YamlError::Syntax { .. })
            && line.match_indices('*').any(|(place, _)| star(&line[place..]));
        (if is_star { YamlError::BareStar } else { error }, at)
    })
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Mark), Located> {
        loop {
            match self.parser.next() {
                None => return Ok((Event::StreamEnd, START)),
                Some(Err(error)) => return Err(syntax(&error)),
                Some(Ok((event, span))) if event.is_node() || is_structure(&event) => {
                    return Ok((event, mark(&span)));
                }
                Some(Ok(_)) => {}
            }
        }
    }

    fn document(&mut self) -> Result<Node, Located> {
        let (first, _) = self.next()?;
        if matches!(first, Event::StreamEnd) {
            return Err((YamlError::Empty, START));
        }
        let (event, at) = self.next()?;
        let root = self.node(event, at)?;
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(root),
                (Event::DocumentStart(..), at) => return Err((YamlError::SecondDocument, at)),
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event<'a>, at: Mark) -> Result<Node, Located> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err((YamlError::TooManyNodes, at));
        }
        let (content, anchor) = match event {
            Event::Alias(id) => return self.alias(id, at),
            Event::Scalar(text, style, anchor, tag) => {
                check_tag(tag.as_deref(), at)?;
                (scalar(text.into_owned(), style), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), at)?;
                (self.list()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                check_tag(tag.as_deref(), at)?;
                (self.map()?, anchor)
            }
            _ => (Content::Null, 0),
        };
        let node = Node { mark: at, content };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// A copy of what the alias stands for: errors in it point at the anchor, where it is written.
    fn alias(&mut self, id: usize, at: Mark) -> Result<Node, Located> {
        // The parser knows the anchor; a node that is still being read is not stored yet.
        let target = self.anchors.get(&id).ok_or((YamlError::RecursiveAlias, at))?;
        self.nodes += target.size();
        if self.nodes > MAX_NODES {
            return Err((YamlError::TooManyNodes, at));
        }
        Ok(target.clone())
    }

    fn list(&mut self) -> Result<Content, Located> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, at) => items.push(self.node(event, at)?),
            }
        }
    }

    fn map(&mut self) -> Result<Content, Located> {
        let mut entries = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let key = self.node(event, at)?;
            let text = match key.content {
                Content::Scalar(text) => text,
                Content::Null => "null".to_owned(),
                Content::List(_) | Content::Map(_) => return Err((YamlError::KeyNotText, at)),
            };
            let (event, at) = self.next()?;
            let value = self.node(event, at)?;
            if text == "<<" {
                merged.extend(mergeable(value)?);
            } else {
                entries.push((Key { mark: key.mark, text }, value));
            }
        }
        for (key, value) in merged {
            if entries.iter().all(|(own, _)| own.text != key.text) {
                entries.push((key, value));
            }
        }
        Ok(Content::Map(entries))
    }
}

impl Node {
    fn size(&self) -> usize {
        1 + match &self.content {
            Content::Null | Content::Scalar(_) => 0,
            Content::List(items) => items.iter().map(Self::size).sum(),
            Content::Map(entries) => entries.iter().map(|(_, value)| 1 + value.size()).sum(),
        }
    }
}

/// The entries that `<<: value` adds, where the map does not have them itself.
fn mergeable(value: Node) -> Result<Vec<(Key, Node)>, Located> {
    match value.content {
        Content::Map(entries) => Ok(entries),
        Content::List(items) => {
            let mut all = Vec::new();
            for item in items {
                all.extend(mergeable(item)?);
            }
            Ok(all)
        }
        Content::Null | Content::Scalar(_) => Err((YamlError::Merge, value.mark)),
    }
}

/// Quotes keep what would otherwise be nothing; numbers and booleans stay text until a key asks.
fn scalar(text: String, style: ScalarStyle) -> Content {
    let is_null = matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL");
    if style == ScalarStyle::Plain && is_null { Content::Null } else { Content::Scalar(text) }
}

fn check_tag(tag: Option<&granit_parser::Tag>, at: Mark) -> Result<(), Located> {
    match tag {
        Some(tag) if !tag.is_yaml_core_schema() => {
            let tag = format!("{}{}", tag.original_handle(), tag.suffix());
            Err((YamlError::Tag { tag }, at))
        }
        _ => Ok(()),
    }
}

fn is_structure(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::StreamEnd | Event::DocumentStart(..) | Event::SequenceEnd | Event::MappingEnd
    )
}

fn mark(span: &Span) -> Mark {
    let (start, end) = (span.start, span.end);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Mark { line: start.line(), column: start.col() + 1, width: std::cmp::max(1, width) }
}

fn syntax(error: &ScanError) -> Located {
    let at = error.marker();
    let message = error.kind().to_string();
    (YamlError::Syntax { message }, Mark { line: at.line(), column: at.col() + 1, width: 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> String {
        let (error, at) = parse(text).expect_err(text);
        format!("{}:{} {error}", at.line, at.column)
    }

    #[test]
    fn every_value_has_its_place() {
        let root = parse("a: 1\nlist:\n  - x: \"2\"\n").expect("YAML");
        let Content::Map(entries) = &root.content else { panic!("no map") };
        assert_eq!(entries[0].0.mark, Mark { line: 1, column: 1, width: 1 });
        assert_eq!(entries[0].1.mark, Mark { line: 1, column: 4, width: 1 });
        let Content::List(items) = &entries[1].1.content else { panic!("no list") };
        let Content::Map(inner) = &items[0].content else { panic!("no map") };
        assert_eq!(inner[0].1.mark, Mark { line: 3, column: 8, width: 3 });
    }

    #[test]
    fn a_merged_map_fills_in_what_is_missing() {
        let root = parse("d: &d {a: 1, b: 2}\nx:\n  <<: *d\n  b: 3\n").expect("YAML");
        let Content::Map(entries) = &root.content else { panic!("no map") };
        let Content::Map(x) = &entries[1].1.content else { panic!("no map") };
        let x: Vec<_> = x.iter().map(|(key, value)| (key.text.as_str(), &value.content)).collect();
        assert_eq!(format!("{x:?}"), r#"[("b", Scalar("3")), ("a", Scalar("1"))]"#);
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_place() {
        assert_eq!(fails(""), "1:1 there are no settings in it");
        assert_eq!(fails("# only this\n"), "1:1 there are no settings in it");
        assert_eq!(
            fails("a: 1\n---\nb: 2\n"),
            "2:1 there is a second YAML document; only one is read"
        );
        assert_eq!(fails("[a]: 1\n"), "1:1 a key must be text");
        assert_eq!(fails("a: !env X\n"), "1:9 the YAML tag `!env` means nothing here");
        assert_eq!(
            fails("a: &a [*a]\n"),
            "1:8 the alias stands inside the value that it refers to"
        );
        assert_eq!(fails("<<: 1\n"), "1:5 `<<` needs a map, or an alias of one");
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}, ", level - 1).repeat(10);
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        assert!(
            fails(&text)
                .ends_with("more than 20000 values, aliases counted each time they are used")
        );
        assert!(fails(&"[".repeat(100_000)).contains("cannot be read"));
    }
}
