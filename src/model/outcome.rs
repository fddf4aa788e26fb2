//! How a tick ended.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a tick ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TickOutcome {
    /// Something was done, or would have been in a dry run.
    Acted,
    /// Everything was as wanted.
    Quiet,
    /// Something was kept from being done, or could not be judged.
    Held,
    /// The machines could not be read, or everything that was tried failed.
    Failed,
}

impl TickOutcome {
    /// Every outcome, for closed label sets.
    pub const ALL: [Self; 4] = [Self::Acted, Self::Quiet, Self::Held, Self::Failed];

    /// The label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acted => "acted",
            Self::Quiet => "quiet",
            Self::Held => "held",
            Self::Failed => "failed",
        }
    }

    /// Whether the tick could do its work.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Acted | Self::Quiet)
    }
}

impl fmt::Display for TickOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
