//! Every tick on record: what was measured, wanted, decided and done, and why.
//!
//! ```text
//! Tick -> Record -> (a file, or memory) -> Passage -> Explanation: stage by stage, for people
//!                                      \-> Entry: actions and holds, one by one
//!                                      \-> Chart: numbers over time
//! ```
//!
//! Ticks that came to the same thing as the one before are one [`Passage`]: its record, and how many they
//! were. What was measured in each of them is kept apart, as numbers.

mod chart;
mod entry;
mod explanation;
mod passage;
mod record;

use std::sync::Arc;

use crate::model::AppName;
use crate::ports::BoxFuture;
use crate::status::Tick;

pub use crate::decide::Verb;
pub use chart::{Chart, ChartQuery, Curve, Line};
pub use entry::{Entry, EntryKind, HistoryQuery, Noted};
pub use explanation::{Explained, Explanation, Part, Stage, explained};
pub use passage::{Passage, When};
pub use record::{
    ActionRecord, OutcomeRecord, ReasonRecord, Record, ResultKind, SampleRecord, ScopeRecord,
};

/// Why the journal did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// What was asked for cannot be read, or not in time.
    #[error("the journal cannot be read: {message}")]
    Unreadable {
        /// Why.
        message: String,
    },
}

/// Keeps ticks, and answers what happened.
pub trait Journal: Send + Sync {
    /// Takes in a tick that has ended. Returns at once: a journal that cannot keep it says so itself, and
    /// never stops scaling.
    fn record(&self, app: &AppName, tick: &Arc<Tick>);

    /// Takes in something that is no tick. Returns at once.
    fn note(&self, noted: Noted);

    /// The passages of `app` that `when` is about, the newest first, at most `most` of them.
    ///
    /// # Errors
    ///
    /// See [`JournalError`]; so for the others.
    fn passages<'a>(
        &'a self,
        app: &'a AppName,
        when: When,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Passage>, JournalError>>;

    /// Actions, holds, failures and notes, the newest first.
    fn history<'a>(
        &'a self,
        query: &'a HistoryQuery,
    ) -> BoxFuture<'a, Result<Vec<Entry>, JournalError>>;

    /// Numbers over time.
    fn chart<'a>(&'a self, query: &'a ChartQuery) -> BoxFuture<'a, Result<Chart, JournalError>>;
}
