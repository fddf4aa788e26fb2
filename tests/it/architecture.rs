//! The shape of the source tree, kept by reading it: who may import whom, where the clock and the
//! environment are read, who prints, how long a file may get.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Which module of `src/` may import which, besides itself. Each row uses only rows above it, so there are
/// no cycles, which Rust does not refuse between the modules of one crate.
///
/// Unit tests may import more: what they pull in is no part of what runs.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("forecast", &["model"]),
    ("transport", &["model"]),
    ("evaluate", &["model"]),
    ("decide", &["model"]),
    ("config", &["model", "evaluate", "decide"]),
    ("ports", &["model", "decide"]),
    ("telemetry", &["model", "forecast", "decide"]),
    ("collect", &["model", "ports", "telemetry", "transport"]),
    ("fly", &["model", "decide", "ports", "telemetry", "transport"]),
    ("clock", &["model", "ports", "telemetry", "transport"]),
    ("fleet", &["model", "ports", "telemetry", "transport"]),
    ("act", &["model", "decide", "ports", "telemetry"]),
    ("status", &["model", "decide", "act"]),
    ("journal", &["model", "evaluate", "decide", "ports", "act", "status"]),
    ("store", &["model", "decide", "ports", "telemetry", "transport", "status", "journal"]),
    (
        "reconcile",
        &[
            "model",
            "forecast",
            "ports",
            "collect",
            "evaluate",
            "decide",
            "act",
            "status",
            "telemetry",
        ],
    ),
    ("supervisor", &["model", "ports", "act", "reconcile", "status", "journal", "telemetry"]),
    ("http", &["model", "config", "ports", "status", "journal", "supervisor", "telemetry"]),
    ("sim", &["model", "config", "ports", "decide", "reconcile"]),
];

/// About 400 is the aim; beyond this a file holds more than one idea.
const MAX_LINES: usize = 450;

const CLOCK: &str = r"\b(SystemTime|Instant|Timestamp|Zoned|Utc|Local)::now\b";
const ENVIRONMENT: &str = r"\benv::(var|var_os|vars|vars_os|set_var|remove_var)\b";
const PRINTING: &str = r"\b(print|println|eprint|eprintln|dbg)!";

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let Some(module) = file.module() else { continue };
        for import in imports(file.shipped_code(), file.depth()) {
            let at = format!("{}:{}", file.path, import.line);
            match MAY_IMPORT.iter().find(|(name, _)| *name == module) {
                None => wrong.push(format!("{at}: module `{module}` has no row in MAY_IMPORT")),
                Some((_, allowed))
                    if import.target != module && !allowed.contains(&import.target.as_str()) =>
                {
                    let target = &import.target;
                    wrong.push(format!("{at}: `{module}` may not import `{target}`"));
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "imports outside the table:\n{}", wrong.join("\n"));
}

#[test]
fn the_import_table_has_no_cycles() {
    for (row, (module, allowed)) in MAY_IMPORT.iter().enumerate() {
        for target in *allowed {
            let above = MAY_IMPORT.iter().take(row).any(|(name, _)| name == target);
            assert!(above, "`{module}` may import `{target}`, which is not a row above it");
        }
    }
}

#[test]
fn no_file_holds_more_than_one_idea() {
    let long: Vec<_> = ["src", "cmd"]
        .into_iter()
        .flat_map(rust_files)
        .map(|file| (file.code.lines().count(), file.path))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, path)| format!("{path}: {lines} lines, at most {MAX_LINES}: split it"))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn only_clock_rs_reads_the_clock() {
    assert_absent(CLOCK, &["src", "cmd"], "src/clock.rs", "take a Timestamp or ask ports::Clock");
}

#[test]
fn only_config_env_rs_reads_the_environment() {
    assert_absent(ENVIRONMENT, &["src", "cmd"], "src/config/env.rs", "take an Env");
}

#[test]
fn the_library_prints_nothing() {
    assert_absent(PRINTING, &["src"], "", "log an event, or return the text");
}

/// Fails where `pattern` occurs in code under `folders`, except in the file `home`.
fn assert_absent(pattern: &str, folders: &[&str], home: &str, instead: &str) {
    let pattern = Regex::new(pattern).unwrap();
    let mut wrong = Vec::new();
    for file in folders.iter().copied().flat_map(rust_files) {
        if file.path == home {
            continue;
        }
        for (line, text) in (1..).zip(file.code.lines()) {
            if let Some(found) = pattern.find(text) {
                wrong.push(format!("{}:{line}: {} ({instead})", file.path, found.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "outside its one home:\n{}", wrong.join("\n"));
}

/// A source file whose comments and literals are blanked out, line by line in the same places.
struct SourceFile {
    /// From the root of the repository, with `/`.
    path: String,
    code: String,
}

impl SourceFile {
    /// The module of the library that it belongs to; none for the root of the crate.
    fn module(&self) -> Option<&str> {
        let inner = self.path.strip_prefix("src/")?;
        let module = inner.split(['/', '.']).next()?;
        (module != "lib").then_some(module)
    }

    /// How many `super::` lead from this file's module to the root of the crate.
    fn depth(&self) -> usize {
        self.path.matches('/').count()
    }

    /// The code without its unit tests, which stand at the end of a file or in a file `tests.rs`.
    fn shipped_code(&self) -> &str {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return "";
        }
        let tests = Regex::new(r"#\[cfg\(test\)\]\s*(#\[[^\]]*\]\s*)*mod ").unwrap();
        tests.find(&self.code).map_or(&self.code, |found| &self.code[..found.start()])
    }
}

/// Every Rust file under `folder`, in order of path.
fn rust_files(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect_paths(&root.join(folder), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "no Rust files under {folder}: nothing would be checked");
    paths
        .iter()
        .map(|path| SourceFile {
            path: path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/"),
            code: blank_out(&fs::read_to_string(path).unwrap()),
        })
        .collect()
}

fn collect_paths(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect_paths(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

/// `code` with a space for every character of comments and of string and character literals.
fn blank_out(code: &str) -> String {
    let inert = Regex::new(concat!(
        r"(?s)//[^\n]*",                     // line comments, doc comments included
        r"|/\*.*?\*/",                       // block comments; nested ones do not occur
        r####"|r###".*?"###|r##".*?"##"####, // raw strings
        r###"|r#".*?"#|r".*?""###,
        r#"|"(?:[^"\\]|\\.)*""#,         // strings
        r"|'(?:[^'\\\n]|\\[^\n]{1,9})'", // characters; a lifetime has no closing quote
    ))
    .unwrap();
    let blank = |found: &regex::Captures<'_>| {
        found[0].chars().map(|c| if c == '\n' { c } else { ' ' }).collect::<String>()
    };
    inert.replace_all(code, blank).into_owned()
}

/// One path from the root of the crate in code, whether in a `use` or elsewhere.
#[derive(Debug, PartialEq)]
struct Import {
    line: usize,
    /// The first name after `crate::`.
    target: String,
}

/// The imports in the `code` of a file whose module is `depth` levels below the root.
fn imports(code: &str, depth: usize) -> Vec<Import> {
    // `crate::a::B`, or `crate::{a::B, c}` over any number of lines; `super::` as often as the module is
    // deep is another way to write `crate::`.
    let path = Regex::new(r"\b(crate::|(?:super::)+)\s*(?:(\w+)|\{)").unwrap();
    let mut found = Vec::new();
    for captures in path.captures_iter(code) {
        let whole = captures.get(0).unwrap();
        if &captures[1] != "crate::" && captures[1].matches("super").count() < depth {
            continue;
        }
        match captures.get(2) {
            Some(name) => found.push((name.start(), name.as_str())),
            None => found.extend(group_members(code, whole.end())),
        }
    }
    found
        .into_iter()
        .map(|(at, name)| Import {
            line: 1 + code[..at].matches('\n').count(),
            target: name.to_owned(),
        })
        .collect()
}

/// The first name of each member of the `{...}` whose inside begins at `start`, with its place.
fn group_members(code: &str, start: usize) -> Vec<(usize, &str)> {
    let name = Regex::new(r"^\s*(\w+)").unwrap();
    let mut members = Vec::new();
    let mut depth = 1;
    let mut at_member = true;
    for (offset, c) in code[start..].char_indices() {
        let at = start + offset;
        if at_member && depth == 1 && !c.is_whitespace() {
            if let Some(first) = name.captures(&code[at..]).and_then(|captures| captures.get(1)) {
                members.push((at, first.as_str()));
            }
            at_member = false;
        }
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => at_member = true,
            _ => {}
        }
    }
    members
}

/// Checks that find nothing prove nothing unless they can find something.
mod finds {
    use super::{CLOCK, ENVIRONMENT, Import, PRINTING, Regex, SourceFile, blank_out, imports};

    #[test]
    fn imports_in_every_spelling() {
        let code = "use crate::model::{AppName, Region};\n\
                    use crate::{\n    ports::{Clock, ApiError},\n    decide,\n};\n\
                    fn f() -> crate::act::Outcome {}\n\
                    use super::super::fly;\nuse super::plan;\n";
        let import = |line, target: &str| Import { line, target: target.into() };
        assert_eq!(
            imports(code, 2),
            [
                import(1, "model"),
                import(3, "ports"),
                import(4, "decide"),
                import(6, "act"),
                import(7, "fly")
            ]
        );
    }

    #[test]
    fn only_what_is_code() {
        let code = "// crate::a\n/* crate::b */ \"crate::c \\\" crate::d\" r#\"crate::e\"# '\"' crate::f 'x";
        assert_eq!(imports(&blank_out(code), 1), [Import { line: 2, target: "f".into() }]);
    }

    #[test]
    fn no_unit_tests() {
        let file = |path: &str| SourceFile {
            path: path.into(),
            code: "use crate::a;\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}\n".into(),
        };
        assert_eq!(imports(file("src/act/budget.rs").shipped_code(), 2).len(), 1);
        assert_eq!(imports(file("src/act/tests.rs").shipped_code(), 2), []);
        assert_eq!(file("src/act/budget.rs").module(), Some("act"));
        assert_eq!(file("src/act.rs").module(), Some("act"));
        assert_eq!(file("src/lib.rs").module(), None);
    }

    #[test]
    fn each_banned_call() {
        let found = |pattern: &str, code: &str| Regex::new(pattern).unwrap().is_match(code);
        assert!(found(CLOCK, "let now = std::time::Instant::now();"));
        assert!(!found(CLOCK, "clock.now()"));
        assert!(found(ENVIRONMENT, "std::env::var(name)"));
        assert!(!found(ENVIRONMENT, "std::env::args() option_env!(x)"));
        assert!(found(PRINTING, "eprintln!()"));
        assert!(!found(PRINTING, "writeln!(out)"));
    }
}
