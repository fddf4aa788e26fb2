//! The journal in a file that outlives the process: SQLite, written and read by a thread of its own.
//!
//! A tick is put in a queue and nothing more is done for it where it comes from. The thread compares it with the
//! one before: what came to the same thing is a count, what did not a row. Without a file, or
//! while it cannot be used, the same tables are in memory, with room for less.

mod body;
mod book;
mod carry;
mod chart;
mod chunk;
mod codec;
mod numbers;
mod prune;
mod queue;
mod read;
mod recorder;
mod same;
mod thread;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::FileError;
use super::file::{beside, look_into};
use crate::journal::{
    Chart, ChartQuery, Entry, HistoryQuery, Journal, JournalError, Noted, Passage, When,
};
use crate::model::AppName;
use crate::ports::{BoxFuture, Clock};
use crate::status::Tick;
use crate::telemetry::Metrics;
use crate::telemetry::events::JournalUnflushed;

use queue::{Queue, Shared, Waiting};
use read::{ReadError, Taken};
use recorder::Recorder;
use thread::Thread;

/// How long whoever asks waits for the answer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);

/// How a [`JournalStore`] is to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// The file; `None`: in memory.
    pub path: Option<PathBuf>,
    /// For how long ticks are kept.
    pub retention: Duration,
    /// How large the file may get, in bytes; where that is too little for what is to be kept, the oldest goes
    /// first.
    pub size: u64,
    /// How long after a trouble the file is tried again.
    pub retry: Duration,
}

/// Where the journal is that goes with the state file at `state`: `fas-journal.db` beside `fas.db`.
#[must_use]
pub fn path_beside(state: &Path) -> PathBuf {
    let name = |stem: &std::ffi::OsStr| {
        let mut name = stem.to_owned();
        name.push("-journal");
        name
    };
    let extension = state.extension().map(ToOwned::to_owned);
    let plain = state.with_file_name(state.file_stem().map(name).unwrap_or_default());
    match extension {
        Some(extension) => {
            let mut dotted = std::ffi::OsString::from(".");
            dotted.push(extension);
            beside(&plain, dotted)
        }
        None => plain,
    }
}

/// Keeps the journal in a file, or in memory.
pub struct JournalStore {
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
}

impl JournalStore {
    /// Opens the file, makes it, or goes on without it: then that is logged, and the file is tried again and
    /// again.
    #[must_use]
    pub fn open(options: Options, clock: &Arc<dyn Clock>, metrics: &Arc<Metrics>) -> Self {
        let shared = Arc::<Shared>::default();
        let thread = Thread::new(options, &shared, clock, metrics);
        // Without a thread, which a system may refuse, nothing is kept and questions are refused.
        if std::thread::Builder::new().name("journal".into()).spawn(move || thread.run()).is_err() {
            shared.close();
        }
        Self { shared, metrics: Arc::clone(metrics) }
    }

    /// Has what is not written yet written and the file closed, and does not wait for it. What comes
    /// afterwards is not kept.
    pub fn end(&self) {
        self.shared.lock().is_closing = true;
        self.shared.changed.notify_all();
    }

    /// The same, and waits for it for as long as `within`.
    pub fn close(&self, within: Duration) {
        self.end();
        let queue = self.shared.lock();
        let is_open = |queue: &mut Queue| !queue.is_closed;
        let waited = self.shared.changed.wait_timeout_while(queue, within, is_open);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if !queue.is_closed {
            JournalUnflushed { within }.emit(&self.metrics);
        }
    }

    /// Asks the thread, which has taken in everything that was recorded before.
    fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&mut Recorder) -> Result<Result<T, ReadError>, FileError> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, JournalError>> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = Some(answer);
        let asked = self.shared.ask(Box::new(move |recorder| {
            // Whoever asked may have given up.
            let Some(answer) = waiting.take_if(|answer| !answer.is_closed()) else { return Ok(()) };
            match question(recorder) {
                // Nothing was read so far: it is asked again.
                Err(error) => {
                    waiting = Some(answer);
                    Err(error)
                }
                // Whoever asked learns it, and the file is given up.
                Ok(Err(ReadError::OfFile(error))) => {
                    let message = error.to_string();
                    let _ = answer.send(Err(JournalError::Unreadable { message }));
                    Err(error.into())
                }
                Ok(answered) => {
                    let _ = answer.send(answered.map_err(JournalError::from));
                    Ok(())
                }
            }
        }));
        Box::pin(async move {
            let not = |message: &str| JournalError::Unreadable { message: message.to_owned() };
            asked.map_err(|error| not(&error.to_string()))?;
            match tokio::time::timeout(ANSWERED_WITHIN, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => Err(not("its file has just failed")),
                Err(_) => Err(not("it did not answer in time")),
            }
        })
    }
}

impl Drop for JournalStore {
    fn drop(&mut self) {
        self.end();
    }
}

impl Journal for JournalStore {
    fn record(&self, app: &AppName, tick: &Arc<Tick>) {
        self.shared.put(Waiting::Tick(app.clone(), Arc::clone(tick)));
    }

    fn note(&self, noted: Noted) {
        self.shared.put(Waiting::Noted(noted));
    }

    fn passages<'a>(
        &'a self,
        app: &'a AppName,
        when: When,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Passage>, JournalError>> {
        let app = app.clone();
        self.ask(move |recorder| {
            recorder.write_app(&app)?;
            Ok(recorder.read(|tables, taken| read::passages(tables, &app, when, most, taken)))
        })
    }

    fn history<'a>(
        &'a self,
        query: &'a HistoryQuery,
    ) -> BoxFuture<'a, Result<Vec<Entry>, JournalError>> {
        let query = query.clone();
        self.ask(move |recorder| {
            recorder.write_lasting()?;
            Ok(recorder.read(|tables, taken| read::history(tables, &query, taken)))
        })
    }

    fn chart<'a>(&'a self, query: &'a ChartQuery) -> BoxFuture<'a, Result<Chart, JournalError>> {
        let query = query.clone();
        self.ask(move |recorder| {
            recorder.write_app(&query.app)?;
            Ok(recorder.read(|tables, taken| chart::chart(tables, &query, taken)))
        })
    }
}

/// What a journal has in its file, for a process that only looks: the file is not changed, and nobody who
/// writes to it notices. What the last minute counted may be missing while another process writes.
pub struct JournalReader {
    connection: Option<Connection>,
}

impl JournalReader {
    /// Opens the file at `path`; `None` where there is no file.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read or is not one of this program's.
    pub fn open(path: &Path) -> Result<Option<Self>, FileError> {
        if !path.exists() {
            return Ok(None);
        }
        look_into(path, &book::FORM).map(|connection| Some(Self { connection }))
    }

    /// The apps of which there is anything, by name.
    ///
    /// # Errors
    ///
    /// See [`JournalError`]; so for the others.
    pub fn apps(&self) -> Result<Vec<AppName>, JournalError> {
        Ok(self.connection.as_ref().map(read::apps).transpose()?.unwrap_or_default())
    }

    /// As [`Journal::passages`].
    ///
    /// # Errors
    ///
    /// See [`JournalError`].
    pub fn passages(
        &self,
        app: &AppName,
        when: When,
        most: usize,
    ) -> Result<Vec<Passage>, JournalError> {
        let taken = &mut Taken::nothing();
        let read = |connection| read::passages(connection, app, when, most, taken);
        Ok(self.connection.as_ref().map(read).transpose()?.unwrap_or_default())
    }

    /// As [`Journal::history`].
    ///
    /// # Errors
    ///
    /// See [`JournalError`].
    pub fn history(&self, query: &HistoryQuery) -> Result<Vec<Entry>, JournalError> {
        let taken = &mut Taken::nothing();
        let read = |connection| read::history(connection, query, taken);
        Ok(self.connection.as_ref().map(read).transpose()?.unwrap_or_default())
    }

    /// As [`Journal::chart`].
    ///
    /// # Errors
    ///
    /// See [`JournalError`].
    pub fn chart(&self, query: &ChartQuery) -> Result<Chart, JournalError> {
        let taken = &mut Taken::nothing();
        let read = |connection| chart::chart(connection, query, taken);
        let empty = || Chart { app: query.app.clone(), times: Vec::new(), curves: Vec::new() };
        Ok(self.connection.as_ref().map(read).transpose()?.unwrap_or_else(empty))
    }
}
