//! Ticks in a row that came to the same thing.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Record;
use crate::model::{AppName, Timestamp};

/// Ticks in a row that came to the same thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Passage {
    /// Whose ticks they are.
    pub app: AppName,
    /// When the first of them began.
    pub from: Timestamp,
    /// When the last of them began.
    pub until: Timestamp,
    /// How many there were.
    pub ticks: u64,
    /// The tick that `record` is of: the one that was asked for, else the first of them. What was measured
    /// may differ between them, and nothing else does.
    pub at: Timestamp,
    /// What it came to.
    pub record: Record,
}

/// Which ticks are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The one that was the last at this time.
    At(Timestamp),
    /// All that began from the first to the last of these times.
    Between(Timestamp, Timestamp),
}

impl When {
    /// What of it is older than `page`, the newest of it when at most `most` passages were asked for; `None`:
    /// nothing is. So much may be read without having all of it in memory.
    #[must_use]
    pub fn after(self, page: &[Passage], most: usize) -> Option<Self> {
        let Self::Between(from, _) = self else { return None };
        let oldest = page.last().filter(|_| page.len() >= most)?;
        // A tick takes longer than the millisecond that tells two apart.
        let until = oldest.from.minus(Duration::from_millis(1));
        (from <= until).then_some(Self::Between(from, until))
    }
}
