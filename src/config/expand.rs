//! `$VAR` and `${VAR}` in values.
//!
//! Works on parsed values, never on the text of the file: a variable's content cannot change the
//! structure of the configuration.

use std::collections::BTreeSet;

use super::env::EnvSource;
use super::secret::is_secret_name;

/// Left for the query stage, where it becomes the app that is being scaled.
pub const APP_NAME: &str = "APP_NAME";

/// A value with its variables filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expanded {
    /// The value.
    pub text: String,
    /// The same for showing: variables that are named like secrets are still only named.
    pub shown: String,
}

/// Why a value could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A variable is not set.
    #[error("refers to the environment variable `{name}`, which is not set")]
    Unset {
        /// Its name.
        name: String,
    },
    /// Something else than a name between the braces, such as a shell's default value.
    #[error("has `${{{inside}}}`, of which only the form `${{NAME}}` is understood")]
    Syntax {
        /// What stands there.
        inside: String,
    },
}

/// Fills in the variables of `text` from `env` and notes their names in `used`.
///
/// `$APP_NAME` stays, and so do `$1` and `${1}` (PromQL's `label_replace`) and a lone `$`.
pub fn expand(
    text: &str,
    env: &dyn EnvSource,
    used: &mut BTreeSet<String>,
) -> Result<Expanded, ExpandError> {
    let mut expanded = Expanded { text: String::new(), shown: String::new() };
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push(&rest[..at]);
        let reference = Reference::at(&rest[at..])?;
        let written = &rest[at..at + reference.length];
        match reference.name {
            None | Some(APP_NAME) => expanded.push(written),
            Some(name) => {
                let value =
                    env.get(name).ok_or_else(|| ExpandError::Unset { name: name.to_owned() })?;
                used.insert(name.to_owned());
                expanded.text.push_str(value);
                expanded.shown.push_str(if is_secret_name(name) { written } else { value });
            }
        }
        rest = &rest[at + reference.length..];
    }
    expanded.push(rest);
    Ok(expanded)
}

impl Expanded {
    /// Text in which nothing is filled in.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), shown: text.to_owned() }
    }

    fn push(&mut self, literal: &str) {
        self.text.push_str(literal);
        self.shown.push_str(literal);
    }
}

/// What a `$` begins: a variable, or nothing of ours.
struct Reference<'a> {
    name: Option<&'a str>,
    /// In bytes, `$` included.
    length: usize,
}

impl<'a> Reference<'a> {
    fn at(text: &'a str) -> Result<Self, ExpandError> {
        let after = &text[1..];
        if let Some(braced) = after.strip_prefix('{') {
            let Some(end) = braced.find('}') else { return Ok(Self { name: None, length: 1 }) };
            let inside = &braced[..end];
            let is_capture = inside.bytes().all(|byte| byte.is_ascii_digit());
            if !is_capture && name_length(inside) != inside.len() {
                return Err(ExpandError::Syntax { inside: inside.to_owned() });
            }
            return Ok(Self { name: (!is_capture).then_some(inside), length: end + 3 });
        }
        let length = name_length(after);
        Ok(Self { name: (length > 0).then_some(&after[..length]), length: length + 1 })
    }
}

/// The length of the variable name that `text` begins with; 0 where there is none.
fn name_length(text: &str) -> usize {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return 0;
    }
    text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::super::env::MapEnv;
    use super::*;

    fn run(text: &str) -> Result<Expanded, String> {
        let env: MapEnv =
            [("ORG", "acme"), ("PROM_TOKEN", "hunter2"), ("EMPTY", "")].into_iter().collect();
        expand(text, &env, &mut BTreeSet::new()).map_err(|error| error.to_string())
    }

    #[test]
    fn fills_in_variables_and_leaves_the_rest() {
        for (text, expanded) in [
            ("https://api.fly.io/prometheus/$ORG", "https://api.fly.io/prometheus/acme"),
            ("${ORG}x$ORG", "acmexacme"),
            ("$ORG_x", "!refers to the environment variable `ORG_x`, which is not set"),
            (r#"sum(q{app="$APP_NAME"})"#, r#"sum(q{app="$APP_NAME"})"#),
            ("${APP_NAME}", "${APP_NAME}"),
            (
                r#"label_replace(v, "a", "$1-${2}", "b", "(.*)")"#,
                r#"label_replace(v, "a", "$1-${2}", "b", "(.*)")"#,
            ),
            ("costs 5$", "costs 5$"),
            ("$ {", "$ {"),
            ("a${b", "a${b"),
            ("$EMPTY.", "."),
            ("${ORG:-x}", "!has `${ORG:-x}`, of which only the form `${NAME}` is understood"),
            ("ü$ORGü", "üacmeü"),
        ] {
            match expanded.strip_prefix('!') {
                Some(message) => assert_eq!(run(text), Err(message.to_owned())),
                None => assert_eq!(run(text).expect(text).text, expanded),
            }
        }
    }

    #[test]
    fn a_secret_is_used_but_not_shown() {
        let expanded = run("x-$PROM_TOKEN-$ORG").expect("expands");
        assert_eq!(expanded.text, "x-hunter2-acme");
        assert_eq!(expanded.shown, "x-$PROM_TOKEN-acme");
    }
}
