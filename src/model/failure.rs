//! What could not be measured, and what expressions read in its place.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::{Region, Timestamp};

/// A value that could not be measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// In which region; `None`: the whole sample failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// Why.
    pub error: Arc<str>,
    /// Since when it fails.
    pub since: Timestamp,
    /// What is read in its place.
    #[serde(flatten)]
    pub instead: Instead,
}

/// What is read in place of a value that could not be measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "instead", rename_all = "snake_case")]
pub enum Instead {
    /// Nothing: what reads it is held.
    Nothing,
    /// Nil.
    Nil,
    /// The number of `on-failure`.
    Number {
        /// The number.
        value: f64,
    },
    /// The last good value.
    Last {
        /// The value; over all regions their sum.
        value: f64,
        /// When it was measured; of several, the oldest.
        measured_at: Timestamp,
        /// Until when it is used.
        until: Timestamp,
        /// Whether nothing is scaled down because of it.
        grow_only: bool,
    },
    /// Nothing any more: the last good value is too old.
    RanOut {
        /// When it was measured.
        measured_at: Timestamp,
    },
    /// Nothing: there is no last good value.
    NeverMeasured,
}

impl Instead {
    /// Whether there was a last good value that is too old by now.
    #[must_use]
    pub fn has_run_out(&self) -> bool {
        matches!(self, Self::RanOut { .. })
    }
}

impl fmt::Display for Instead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("what reads it is held"),
            Self::Nil => f.write_str("`on-failure` says nil"),
            Self::Number { value } => write!(f, "`on-failure` says {value}"),
            Self::Last { measured_at, until, grow_only, .. } => {
                write!(f, "its last value, of {measured_at}, is used until {until}")?;
                f.write_str(if *grow_only { ", and nothing is scaled down" } else { "" })
            }
            Self::RanOut { measured_at } => {
                write!(f, "its last value, of {measured_at}, has run out (last-for)")
            }
            Self::NeverMeasured => {
                f.write_str("there is no last value: it has not been measured yet")
            }
        }
    }
}

/// That a variable has its last good value, since it could not be measured, and that nothing may be scaled
/// down by it.
#[derive(Debug, Clone, PartialEq)]
pub struct GrowOnly {
    /// Since when it fails.
    pub since: Timestamp,
    /// Until when its last value is used.
    pub until: Timestamp,
    /// Why it could not be measured.
    pub why: Arc<str>,
}
