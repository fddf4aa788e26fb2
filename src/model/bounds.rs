//! How many machines there should be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which of the two numbers of an app is meant: machines that exist, or machines that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Machines that exist, running or not.
    Created,
    /// Machines that run, or are on their way there.
    Started,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Started => "started",
        })
    }
}

/// Which end of a pair of bounds is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The lower end: below it machines are created or started.
    Min,
    /// The upper end: above it machines are destroyed or stopped.
    Max,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Min => "min",
            Self::Max => "max",
        })
    }
}

/// The least and the most machines wanted. Between them nothing happens: a dead band, not a limit.
/// `None` means that no such bound was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bounds {
    /// Fewer than this: create or start.
    pub min: Option<u32>,
    /// More than this: destroy or stop.
    pub max: Option<u32>,
}

impl Bounds {
    /// Both ends at `count`.
    #[must_use]
    pub fn exactly(count: u32) -> Self {
        Self { min: Some(count), max: Some(count) }
    }

    /// Whether either end was asked for.
    #[must_use]
    pub fn is_defined(self) -> bool {
        self.min.is_some() || self.max.is_some()
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.min, self.max) {
            (None, None) => f.pad("-"),
            (Some(min), Some(max)) if min == max => f.pad(&min.to_string()),
            (Some(min), Some(max)) => f.pad(&format!("{min}..{max}")),
            (Some(min), None) => f.pad(&format!("{min}..")),
            (None, Some(max)) => f.pad(&format!("..{max}")),
        }
    }
}

/// Which of the two numbers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kinds {
    /// Machines that exist.
    pub created: bool,
    /// Machines that run.
    pub started: bool,
}

impl Kinds {
    /// Whether that of `kind` is.
    #[must_use]
    pub fn has(self, kind: Kind) -> bool {
        match kind {
            Kind::Created => self.created,
            Kind::Started => self.started,
        }
    }

    /// Whether either is.
    #[must_use]
    pub fn any(self) -> bool {
        self.created || self.started
    }
}

/// What the expressions of one scope ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScopeBounds {
    /// Machines that exist.
    pub created: Bounds,
    /// Machines that run.
    pub started: Bounds,
}

impl ScopeBounds {
    /// The bounds of one kind.
    #[must_use]
    pub fn of(self, kind: Kind) -> Bounds {
        match kind {
            Kind::Created => self.created,
            Kind::Started => self.started,
        }
    }

    /// The bounds of one kind, to be changed.
    pub fn of_mut(&mut self, kind: Kind) -> &mut Bounds {
        match kind {
            Kind::Created => &mut self.created,
            Kind::Started => &mut self.started,
        }
    }
}
