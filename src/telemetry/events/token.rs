//! What Fly says of the token, once at start.

use std::error::Error;
use std::fmt;

use tracing::{debug, warn};

use crate::model::AppName;
use crate::telemetry::logging::Chain;
use crate::telemetry::metrics::Metrics;

/// The token will not do for the app.
#[derive(Clone, Copy)]
pub struct TokenDoubtful<'a> {
    /// Which app.
    pub app: &'a AppName,
    /// What is wrong with it, and what to do. No part of the token.
    pub warning: &'a dyn fmt::Display,
}

impl TokenDoubtful<'_> {
    /// Logs it. Calls that fail because of it are counted as such.
    pub fn emit(&self, _: &Metrics) {
        warn!(app = %self.app, text = %self.warning, "api token does not fit");
    }
}

/// Nothing is known that speaks against the token.
#[derive(Debug, Clone, Copy)]
pub struct TokenFits<'a> {
    /// For which app.
    pub app: &'a AppName,
}

impl TokenFits<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        debug!(app = %self.app, "api token fits");
    }
}

/// Fly did not tell what the token is good for. The ticks will show.
#[derive(Debug, Clone, Copy)]
pub struct TokenUnchecked<'a> {
    /// For which app.
    pub app: &'a AppName,
    /// Why not.
    pub error: &'a dyn Error,
}

impl TokenUnchecked<'_> {
    /// Logs it.
    pub fn emit(&self, _: &Metrics) {
        debug!(app = %self.app, error = %Chain(self.error), "api token could not be checked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::capture;

    #[test]
    fn only_a_doubt_is_a_warning() {
        let (metrics, app) = (Metrics::new("0.4.0", "abc1234"), AppName::new("web"));
        let lines = capture::json(true, || {
            TokenDoubtful { app: &app, warning: &"it is for api" }.emit(&metrics);
            TokenFits { app: &app }.emit(&metrics);
            TokenUnchecked { app: &app, error: &fmt::Error }.emit(&metrics);
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
