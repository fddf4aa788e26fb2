//! What ticks become: a row, or a count in the row before.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::body;
use super::book::{Book, Key};
use super::chunk::Chunk;
use super::numbers::each_of_tick;
use super::read::{ReadError, Taken};
use super::same::is_same;
use crate::journal::{Entry, Noted, Record};
use crate::model::{AppName, Timestamp};
use crate::status::Tick;
use crate::store::FileError;

/// How long what is counted may gather before it is written.
const WRITTEN_EVERY: Duration = Duration::from_secs(60);
/// An app that has not ticked for so long is gone, or begins anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3600);

/// Takes in ticks.
pub(super) struct Recorder {
    pub(super) book: Book,
    apps: HashMap<AppName, App>,
    /// The apps of which something is not written, and since when.
    unwritten: VecDeque<(Timestamp, AppName)>,
    looked_for_gone: Timestamp,
    values: Vec<f64>,
    /// How many rows answers left out since the last look, because they cannot be understood.
    pub(super) torn: u64,
}

/// What is known of an app between its ticks.
struct App {
    row: i64,
    run: Option<Run>,
    key: Option<Key>,
    chunk: Chunk,
    chunk_row: Option<i64>,
    /// The columns of the last tick; `None`: that number is not kept.
    columns: Vec<Option<u32>>,
    /// What happened in the last tick and may go on, each with its row.
    lasting: Vec<(i64, Entry)>,
    is_unwritten: bool,
}

/// The passage that may go on.
struct Run {
    row: i64,
    /// The last tick of it; the board has it as well.
    last: Arc<Tick>,
    ticks: u64,
}

impl App {
    fn new(row: i64) -> Self {
        Self {
            row,
            run: None,
            key: None,
            chunk: Chunk::default(),
            chunk_row: None,
            columns: Vec::new(),
            lasting: Vec::new(),
            is_unwritten: false,
        }
    }

    /// Writes what is only counted so far.
    fn write(&mut self, book: &Book) -> Result<(), FileError> {
        if !std::mem::take(&mut self.is_unwritten) {
            return Ok(());
        }
        self.extend(book)?;
        self.chunk_row = book.write_chunk(self.row, self.chunk_row, &self.chunk)?;
        Ok(())
    }

    /// Writes until when the passage and what lasts in it have gone on.
    fn extend(&mut self, book: &Book) -> Result<(), FileError> {
        let Some(run) = &self.run else { return Ok(()) };
        for (row, _) in &self.lasting {
            book.extend_entry(*row, run.last.at)?;
        }
        if !book.extend_passage(run.row, run.last.at, run.ticks)? {
            self.run = None;
        }
        Ok(())
    }

    /// Ends the chunk.
    fn close_chunk(&mut self, book: &Book) -> Result<(), FileError> {
        book.write_chunk(self.row, self.chunk_row, &self.chunk)?;
        (self.chunk, self.chunk_row) = (Chunk::default(), None);
        Ok(())
    }

    /// Adds the numbers of a tick to the chunk, those that have a column.
    fn push(&mut self, at: Timestamp, values: &[f64]) {
        let all = self.columns.iter().zip(values);
        let kept = all.filter_map(|(column, value)| Some(((*column)?, *value)));
        let (columns, values): (Vec<u32>, Vec<f64>) = kept.unzip();
        self.chunk.push(at, &columns, &values);
    }

    /// Begins a passage with `tick`, and ends the one before.
    fn begin(&mut self, book: &Book, name: &AppName, tick: &Arc<Tick>) -> Result<(), FileError> {
        if self.is_unwritten {
            self.extend(book)?;
        }
        let record = Record::of(tick);
        let text = body::write(&record).unwrap_or_default();
        let row = book.add_passage(self.row, tick.at, &text, &mut self.key)?;
        self.run = Some(Run { row, last: Arc::clone(tick), ticks: 1 });
        let mut before = std::mem::take(&mut self.lasting);
        for entry in Entry::of(name, tick.at, &record) {
            let known = before.iter().position(|(_, own)| entry.goes_on_from(own));
            let (row, entry) = match known {
                Some(at) => before.swap_remove(at),
                None => (book.add_entry(self.row, &entry)?, entry),
            };
            if entry.lasts() {
                self.lasting.push((row, entry));
            }
        }
        Ok(())
    }
}

impl Recorder {
    pub(super) fn new(book: Book) -> Self {
        Self {
            book,
            apps: HashMap::new(),
            unwritten: VecDeque::new(),
            looked_for_gone: Timestamp::default(),
            values: Vec::new(),
            torn: 0,
        }
    }

    /// Answers from the tables.
    pub(super) fn read<T>(
        &mut self,
        read: impl FnOnce(&Connection, &mut Taken) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let mut taken = Taken::nothing();
        let answer = read(self.book.connection(), &mut taken);
        self.torn += taken.torn;
        answer
    }

    /// Takes in a tick of the app `name` at `now`.
    pub(super) fn take(
        &mut self,
        name: &AppName,
        tick: &Arc<Tick>,
        now: Timestamp,
    ) -> Result<(), FileError> {
        let Self { book, apps, unwritten, values, .. } = self;
        if !apps.contains_key(name) {
            apps.insert(name.clone(), App::new(book.app(name)?));
        }
        let Some(app) = apps.get_mut(name) else { return Ok(()) };
        // A clock that was set back begins anew, so that times go up within a row.
        let is_later = |before: Timestamp| before < tick.at;
        let goes_on = |run: &Run| is_later(run.last.at) && is_same(&run.last, tick);
        if app.chunk.until().is_some_and(|until| !is_later(until)) {
            app.close_chunk(book)?;
        }
        values.clear();
        match &mut app.run {
            Some(run) if goes_on(run) => {
                run.ticks += 1;
                run.last = Arc::clone(tick);
                each_of_tick(tick, |_, value| values.push(value));
            }
            _ => {
                app.begin(book, name, tick)?;
                app.columns = columns(book, app.row, tick, values)?;
            }
        }
        app.push(tick.at, values);
        if app.chunk.is_full() {
            app.close_chunk(book)?;
        }
        if !std::mem::replace(&mut app.is_unwritten, true) {
            unwritten.push_back((now, name.clone()));
        }
        Ok(())
    }

    /// Takes in something that is no tick.
    pub(super) fn note(&mut self, noted: &Noted) -> Result<(), FileError> {
        let app = noted.app.as_ref().map_or(Ok(0), |app| self.book.app(app))?;
        self.book.add_entry(app, &Entry::noted(noted)).map(drop)
    }

    /// Whether anything is only counted so far.
    pub(super) fn has_unwritten(&self) -> bool {
        !self.unwritten.is_empty()
    }

    /// Writes what has been counted for long enough.
    pub(super) fn write_old(&mut self, now: Timestamp) -> Result<(), FileError> {
        while let Some((since, name)) = self.unwritten.front() {
            // One far in the future: the clock was set back.
            if since.is_within(WRITTEN_EVERY, now) {
                break;
            }
            if let Some(app) = self.apps.get_mut(name) {
                app.write(&self.book)?;
            }
            self.unwritten.pop_front();
        }
        if !self.looked_for_gone.is_within(FORGOTTEN_AFTER, now) {
            self.looked_for_gone = now;
            self.write_all()?;
            let ticks = |app: &App| {
                app.run.as_ref().is_some_and(|run| run.last.at.is_within(FORGOTTEN_AFTER, now))
            };
            self.apps.retain(|_, app| ticks(app));
        }
        Ok(())
    }

    /// Writes all that is only counted so far.
    pub(super) fn write_all(&mut self) -> Result<(), FileError> {
        for (_, name) in std::mem::take(&mut self.unwritten) {
            if let Some(app) = self.apps.get_mut(&name) {
                app.write(&self.book)?;
            }
        }
        Ok(())
    }

    /// Writes what is only counted so far of `app`.
    pub(super) fn write_app(&mut self, app: &AppName) -> Result<(), FileError> {
        let Some(own) = self.apps.get_mut(app).filter(|own| own.is_unwritten) else {
            return Ok(());
        };
        self.book.begin()?;
        own.write(&self.book)?;
        self.unwritten.retain(|(_, name)| name != app);
        self.book.commit()
    }

    /// Writes until when what lasts has lasted.
    pub(super) fn write_lasting(&mut self) -> Result<(), FileError> {
        let lasts = |app: &&mut App| app.is_unwritten && !app.lasting.is_empty();
        self.book.begin()?;
        self.apps.values_mut().filter(lasts).try_for_each(|app| app.extend(&self.book))?;
        self.book.commit()
    }
}

/// The columns of `tick`, and its `values` in the same order.
fn columns(
    book: &mut Book,
    app: i64,
    tick: &Tick,
    values: &mut Vec<f64>,
) -> Result<Vec<Option<u32>>, FileError> {
    let mut columns = Ok(Vec::new());
    each_of_tick(tick, |which, value| {
        if let Ok(ids) = &mut columns {
            match book.column(app, which.column()) {
                Ok(id) => ids.push(id),
                Err(error) => columns = Err(error),
            }
        }
        values.push(value);
    });
    columns
}
