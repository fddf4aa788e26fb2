//! Whose machines they are: an app, and a process group within it.

use std::cmp::max;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use super::text_newtype;

text_newtype! {
    /// The name of a Fly app.
    AppName
}

impl AppName {
    /// A part of `period`, in whole milliseconds, that is always the same for an app and spread evenly over
    /// many: what many apps do once in a period they need not all do at once.
    #[must_use]
    pub fn share_of(&self, period: Duration) -> Duration {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let millis = u128::from(hasher.finish()) % max(period.as_millis(), 1);
        Duration::from_millis(u64::try_from(millis).unwrap_or_default())
    }
}

text_newtype! {
    /// The name of a process group (`app` unless `fly.toml` has `[processes]`).
    ProcessGroup
}

text_newtype! {
    /// A pattern for the names of apps: `*` stands for any characters, none included.
    AppPattern
}

impl AppPattern {
    /// Whether `text` is a pattern rather than a name: no app's name has a `*`.
    #[must_use]
    pub fn is_one(text: &str) -> bool {
        text.contains('*')
    }

    /// Whether `app` is one of those that are meant.
    #[must_use]
    pub fn matches(&self, app: &AppName) -> bool {
        let Some((first, rest)) = self.as_str().split_once('*') else {
            return self.as_str() == app.as_str();
        };
        let Some(mut name) = app.as_str().strip_prefix(first) else { return false };
        let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
        // The first place is as good as any for what stands between two stars.
        for part in middle.split('*') {
            let Some(at) = name.find(part) else { return false };
            name = &name[at + part.len()..];
        }
        name.ends_with(last)
    }
}

/// Which apps are scaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppSelection {
    /// This one.
    One(AppName),
    /// All of an organization whose names match.
    Matching {
        /// The pattern.
        pattern: AppPattern,
        /// The organization's slug.
        org: String,
    },
}

impl AppSelection {
    /// The app, where it is one by name.
    #[must_use]
    pub fn one(&self) -> Option<&AppName> {
        match self {
            Self::One(app) => Some(app),
            Self::Matching { .. } => None,
        }
    }
}

impl fmt::Display for AppSelection {
    /// As it was written: the name or the pattern.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(app) => f.pad(app.as_str()),
            Self::Matching { pattern, .. } => f.pad(pattern.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_the_apps_own_and_spread_over_the_period() {
        let period = Duration::from_millis(1000);
        let share = |number: usize| AppName::new(format!("a{number}")).share_of(period);
        let first_half = (0..1000).filter(|number| share(*number) < period / 2).count();
        assert!((400..600).contains(&first_half), "{first_half}");
        assert!((0..1000).all(|number| share(number) < period && share(number) == share(number)));
        assert_eq!(AppName::new("a").share_of(Duration::ZERO), Duration::ZERO);
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let table = [
            ("tenant-*", "tenant-1", true),
            ("tenant-*", "tenant-", true),
            ("tenant-*", "my-tenant-1", false),
            ("*-worker", "a-worker", true),
            ("*-worker", "a-worker-2", false),
            ("*", "anything", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("a*a", "a", false),
            ("ab*ba", "aba", false),
            ("**", "x", true),
            ("plain", "plain", true),
            ("plain", "plain-1", false),
        ];
        for (pattern, app, want) in table {
            let matches = AppPattern::new(pattern).matches(&AppName::new(app));
            assert_eq!(matches, want, "{pattern} {app}");
        }
    }
}
