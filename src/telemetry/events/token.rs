//! What Fly says of the token, once at start.

use std::error::Error;
use std::fmt;

use tracing::{debug, warn};

use crate::model::AppSelection;
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// The token will not do for the app.
#[derive(Clone, Copy)]
pub struct TokenDoubtful<'a> {
    /// Which app, or apps.
    pub apps: &'a AppSelection,
    /// What is wrong with it, and what to do. No part of the token.
    pub warning: &'a dyn fmt::Display,
}

impl TokenDoubtful<'_> {
    /// Logs it. Calls that fail because of it are counted as such.
    pub fn emit(&self, _: &Metrics) {
        warn!(app = %self.apps, text = %self.warning, "api token does not fit");
    }
}

/// Nothing is known that speaks against the token.
#[derive(Debug, Clone, Copy)]
pub struct TokenFits<'a> {
    /// For which app, or apps.
    pub apps: &'a AppSelection,
}

impl TokenFits<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        debug!(app = %self.apps, "api token fits");
    }
}

/// Fly did not tell what the token is good for. The ticks will show.
#[derive(Debug, Clone, Copy)]
pub struct TokenUnchecked<'a> {
    /// For which app, or apps.
    pub apps: &'a AppSelection,
    /// Why not.
    pub error: &'a dyn Error,
}

impl TokenUnchecked<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        debug!(app = %self.apps, error = %Chain(self.error), "api token could not be checked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::AppName;
    use crate::telemetry::capture;

    #[test]
    fn only_a_doubt_is_a_warning() {
        let metrics = Metrics::new("0.4.0", "abc1234");
        let apps = AppSelection::One(AppName::new("web"));
        let lines = capture::json(true, || {
            TokenDoubtful { apps: &apps, warning: &"it is for api" }.emit(&metrics);
            TokenFits { apps: &apps }.emit(&metrics);
            TokenUnchecked { apps: &apps, error: &fmt::Error }.emit(&metrics);
        });
        let said: Vec<_> = lines.iter().map(|line| [&line["level"], &line["msg"]]).collect();
        assert_eq!(
            said,
            [
                ["WARN", "api token does not fit"],
                ["DEBUG", "api token fits"],
                ["DEBUG", "api token could not be checked"]
            ]
        );
        assert_eq!(lines[0]["text"], "it is for api");
    }
}
