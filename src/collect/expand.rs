//! `$APP_NAME` and `${APP_NAME}` in a query become the app's name.
//!
//! Only these at tick time: every other `$NAME` was replaced when the configuration was loaded.

use crate::model::AppName;

const BRACED: &str = "${APP_NAME}";
const BARE: &str = "$APP_NAME";

/// `query` for `app`. The name is escaped for use within a PromQL string in double quotes, although
/// Fly's app names (lower-case letters, digits, hyphens) never need it.
#[must_use]
pub fn expand(query: &str, app: &AppName) -> String {
    let name = escape(app.as_str());
    let mut expanded = String::with_capacity(query.len() + name.len());
    let mut rest = query;
    while let Some(dollar) = rest.find('$') {
        expanded.push_str(&rest[..dollar]);
        let from_dollar = &rest[dollar..];
        rest = if let Some(tail) = from_dollar.strip_prefix(BRACED) {
            expanded.push_str(&name);
            tail
        } else if let Some(tail) =
            from_dollar.strip_prefix(BARE).filter(|tail| !continues_a_name(tail))
        {
            expanded.push_str(&name);
            tail
        } else {
            expanded.push('$');
            &from_dollar[1..]
        };
    }
    expanded.push_str(rest);
    expanded
}

/// Whether `query` is another one for another app.
#[must_use]
pub fn names_the_app(query: &str) -> bool {
    expand(query, &AppName::new("")) != query
}

/// Whether the name before `tail` goes on: `$APP_NAMES` is another variable.
fn continues_a_name(tail: &str) -> bool {
    tail.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric())
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '"' | '\'' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_apps_name_is_expanded() {
        let table = [
            (r#"sum(q{app="$APP_NAME"})"#, r#"sum(q{app="my-app"})"#),
            (r#"sum(q{app="${APP_NAME}-x"})"#, r#"sum(q{app="my-app-x"})"#),
            ("$APP_NAME$APP_NAME", "my-appmy-app"),
            ("$APP_NAMES $APP_NAME_X $APP_NAME1", "$APP_NAMES $APP_NAME_X $APP_NAME1"),
            (
                r#"label_replace(q, "a", "$1", "b", "(.*)$")"#,
                r#"label_replace(q, "a", "$1", "b", "(.*)$")"#,
            ),
            ("$", "$"),
            ("${APP_NAME", "${APP_NAME"),
            ("é$APP_NAME", "émy-app"),
            ("", ""),
        ];
        for (query, want) in table {
            assert_eq!(expand(query, &AppName::new("my-app")), want);
            assert_eq!(names_the_app(query), query != want, "{query}");
        }
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let app = AppName::new("a\"} or vector(1) #\\\n$APP_NAME");
        assert_eq!(
            expand(r#"q{app="$APP_NAME"}"#, &app),
            r#"q{app="a\"} or vector(1) #\\\n$APP_NAME"}"#
        );
    }
}
