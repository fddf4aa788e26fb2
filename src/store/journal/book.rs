//! The tables of the journal, written.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::body;
use super::chunk::{Chunk, Numbers};
use super::numbers::Column;
use super::prune::log_size;
use crate::decide::Verb;
use crate::journal::Entry;
use crate::model::{AppName, Region, Timestamp};
use crate::store::file::{FileError, Form, OpenFile, SetAside};

pub(super) const FORM: Form = Form {
    // "FasJ".
    application_id: 0x4661_734a,
    version: 1,
    // What is dropped gives its room back, step by step.
    first: "PRAGMA auto_vacuum = INCREMENTAL",
    tables: include_str!("tables.sql"),
    // What was committed survives a kill of the process; a loss of power may take the last of it. Nothing
    // depends on it, and it is written all the time.
    settings: "PRAGMA synchronous = NORMAL",
    keeps_one_aside: true,
    tidy: |connection, _| {
        connection.execute_batch(
            "DELETE FROM apps WHERE NOT EXISTS (SELECT 1 FROM passages WHERE app = apps.id)
                AND NOT EXISTS (SELECT 1 FROM chunks WHERE app = apps.id)
                AND NOT EXISTS (SELECT 1 FROM entries WHERE app = apps.id)",
        )
    },
};

/// How many columns there are at most. Apps share them: those that are scaled alike have the same names.
const MOST_COLUMNS: usize = 16_384;
/// How many of them one app may add while a process runs.
const MOST_OF_APP: usize = 4096;
/// From so many on, those that nothing uses are looked for when the file is opened.
const MANY_COLUMNS: usize = 1024;

/// How many records are packed with the help of one, at most.
const MOST_PER_KEY: u32 = 256;
/// And at least, even where they do not resemble it.
const LEAST_PER_KEY: u32 = 8;
/// A record that takes more than this part of its text does not resemble the key any more.
const RESEMBLES: usize = 6;

/// The record with whose help later ones are packed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    row: i64,
    count: u32,
}

/// The tables, in a file or in memory.
pub(super) struct Book {
    file: OpenFile,
    columns: HashMap<Column, u32>,
    /// How many columns each app has added.
    added: HashMap<i64, usize>,
    /// How many numbers had no column since the last look.
    pub(super) left_out: u64,
}

impl Book {
    /// Opens the file at `path`, which with SQLite's log is to get no larger than `size`, in bytes.
    pub(super) fn open(
        path: &Path,
        size: u64,
        now: Timestamp,
    ) -> Result<(Self, Option<SetAside>), FileError> {
        let (file, set_aside) = OpenFile::open(path, &FORM, now)?;
        let log = log_size(size);
        let page: i64 = file.connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
        let pages = (log / u64::try_from(page).unwrap_or(4096).max(512)).max(1);
        file.connection.execute_batch(&format!(
            "PRAGMA journal_size_limit = {log}; PRAGMA wal_autocheckpoint = {pages}"
        ))?;
        Ok((Self::new(file)?, set_aside))
    }

    pub(super) fn in_memory() -> Result<Self, FileError> {
        Self::new(OpenFile::in_memory(&FORM)?)
    }

    fn new(file: OpenFile) -> Result<Self, FileError> {
        file.connection.set_prepared_statement_cache_capacity(32);
        drop_columns(&file.connection)?;
        let columns = columns(&file.connection)?;
        let columns = columns.into_iter().map(|(id, column)| (column, id)).collect();
        Ok(Self { file, columns, added: HashMap::new(), left_out: 0 })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.file.connection
    }

    pub(super) fn begin(&self) -> Result<(), FileError> {
        Ok(self.connection().execute_batch("BEGIN IMMEDIATE")?)
    }

    pub(super) fn commit(&self) -> Result<(), FileError> {
        Ok(self.connection().execute_batch("COMMIT")?)
    }

    /// The id of `app`, which is added where it is new.
    pub(super) fn app(&self, app: &AppName) -> Result<i64, FileError> {
        let known = app_id(self.connection(), app)?;
        match known {
            Some(id) => Ok(id),
            None => self.insert("INSERT INTO apps (name) VALUES (?1)", [app.as_str()]),
        }
    }

    /// The id of a column of `app`, which is added where it is new. `None`, which is counted, where there is no
    /// room for one more: a label whose values never end.
    pub(super) fn column(&mut self, app: i64, column: Column) -> Result<Option<u32>, FileError> {
        if let Some(id) = self.columns.get(&column) {
            return Ok(Some(*id));
        }
        let added = self.added.entry(app).or_default();
        if *added >= MOST_OF_APP || self.columns.len() >= MOST_COLUMNS {
            self.left_out += 1;
            return Ok(None);
        }
        *added += 1;
        // It has no map whose keys are no texts, so that this cannot fail.
        let name = serde_json::to_string(&column).unwrap_or_default();
        let id = self.insert("INSERT INTO columns (name) VALUES (?1)", [name])?;
        let id = u32::try_from(id).unwrap_or(u32::MAX);
        self.columns.insert(column, id);
        Ok(Some(id))
    }

    /// Adds the passage of one tick of `app`, whose record is `text`, and gives its row.
    pub(super) fn add_passage(
        &self,
        app: i64,
        at: Timestamp,
        text: &[u8],
        key: &mut Option<Key>,
    ) -> Result<i64, FileError> {
        let mut packed = None;
        if let Some(own) = key.filter(|own| own.count < MOST_PER_KEY)
            && let Some(like) = key_text(self.connection(), own.row)?
        {
            let body = body::pack(text, &like).unwrap_or_default();
            let resembles = body.len() * RESEMBLES <= text.len() || own.count < LEAST_PER_KEY;
            packed = resembles.then_some((own, body));
        }
        let (own, body) = match packed {
            Some(packed) => packed,
            None => {
                let alone = body::pack(text, b"").unwrap_or_default();
                let row = self.insert("INSERT INTO keys (body) VALUES (?1)", [alone])?;
                (Key { row, count: 0 }, body::pack(text, text).unwrap_or_default())
            }
        };
        *key = Some(Key { count: own.count + 1, ..own });
        let at = at.as_millis();
        self.insert(
            "INSERT INTO passages (app, from_at, until_at, ticks, key, body)
                VALUES (?1, ?2, ?2, 1, ?3, ?4)",
            params![app, at, own.row, body],
        )
    }

    /// Notes that a passage goes on until `until`, and tells whether it is still there: where there is little
    /// room, it may be gone.
    pub(super) fn extend_passage(
        &self,
        row: i64,
        until: Timestamp,
        ticks: u64,
    ) -> Result<bool, FileError> {
        let ticks = i64::try_from(ticks).unwrap_or(i64::MAX);
        let update = "UPDATE passages SET until_at = ?2, ticks = ?3 WHERE id = ?1";
        self.update(update, params![row, until.as_millis(), ticks])
    }

    /// Writes a chunk, in the place of what was written of it before, and gives its row.
    pub(super) fn write_chunk(
        &self,
        app: i64,
        row: Option<i64>,
        chunk: &Chunk,
    ) -> Result<Option<i64>, FileError> {
        let Some((from, until)) = chunk.from().zip(chunk.until()) else { return Ok(row) };
        let (from, until, body) = (from.as_millis(), until.as_millis(), chunk.encode());
        let update = "UPDATE chunks SET until_at = ?2, body = ?3 WHERE id = ?1";
        if row.is_some() && self.update(update, params![row, until, body])? {
            return Ok(row);
        }
        let insert = "INSERT INTO chunks (app, from_at, until_at, body) VALUES (?1, ?2, ?3, ?4)";
        self.insert(insert, params![app, from, until, body]).map(Some)
    }

    /// Adds what happened to `app` (0: to all) and gives its row.
    pub(super) fn add_entry(&self, app: i64, entry: &Entry) -> Result<i64, FileError> {
        let (at, until) = (entry.at.as_millis(), entry.until.as_millis());
        let verb = entry.verb.map(Verb::as_str);
        let region = entry.region.as_ref().map(Region::as_str);
        // What stands in columns of their own is not written twice; an entry cannot fail to have a form.
        let body = serde_json::to_string(&Entry { app: None, ..entry.clone() }).unwrap_or_default();
        let insert = "INSERT INTO entries (app, at, until_at, kind, verb, region, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.insert(insert, params![app, at, until, entry.kind.as_str(), verb, region, body])
    }

    /// Notes that what happened goes on until `until`.
    pub(super) fn extend_entry(&self, row: i64, until: Timestamp) -> Result<(), FileError> {
        let update = "UPDATE entries SET until_at = ?2 WHERE id = ?1";
        self.update(update, params![row, until.as_millis()]).map(drop)
    }

    fn insert(&self, statement: &str, values: impl rusqlite::Params) -> Result<i64, FileError> {
        Ok(self.connection().prepare_cached(statement)?.insert(values)?)
    }

    /// Whether there was such a row.
    fn update(&self, statement: &str, values: impl rusqlite::Params) -> Result<bool, FileError> {
        Ok(self.connection().prepare_cached(statement)?.execute(values)? > 0)
    }
}

/// The id of `app`, where anything was kept of it.
pub(super) fn app_id(connection: &Connection, app: &AppName) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM apps WHERE name = ?1")?;
    statement.query_row([app.as_str()], |row| row.get(0)).optional()
}

/// The text of a key; `None` where it is missing or torn.
pub(super) fn key_text(connection: &Connection, row: i64) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = connection.prepare_cached("SELECT body FROM keys WHERE id = ?1")?;
    let body: Option<Vec<u8>> = statement.query_row([row], |row| row.get(0)).optional()?;
    Ok(body.and_then(|body| body::unpack(&body, b"")))
}

/// Drops the columns that no chunk has, where there are many. Only before anything is taken in: an open chunk has
/// columns of which the file knows nothing yet.
fn drop_columns(connection: &Connection) -> rusqlite::Result<()> {
    let count = "SELECT count(*) FROM columns";
    let count: i64 = connection.query_row(count, [], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count < MANY_COLUMNS) {
        return Ok(());
    }
    let mut used: HashSet<u32> = HashSet::new();
    let mut statement = connection.prepare("SELECT body FROM chunks")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers = row.get_ref(0)?.as_blob().ok().and_then(Numbers::decode);
        used.extend(numbers.iter().flat_map(|own| &own.columns).map(|(id, _)| *id));
    }
    let mut statement = connection.prepare("SELECT id FROM columns")?;
    let known: Vec<i64> =
        statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let is_used = |id: &i64| u32::try_from(*id).is_ok_and(|id| used.contains(&id));
    let transaction = connection.unchecked_transaction()?;
    let mut drop = transaction.prepare("DELETE FROM columns WHERE id = ?1")?;
    for id in known.iter().filter(|id| !is_used(id)) {
        drop.execute([id])?;
    }
    std::mem::drop(drop);
    transaction.commit()
}

/// All columns by their ids. One that a later version wrote, and that says nothing here, is left out.
pub(super) fn columns(connection: &Connection) -> rusqlite::Result<HashMap<u32, Column>> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM columns")?;
    let mut rows = statement.query([])?;
    let mut columns = HashMap::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_bytes().ok();
        if let Some(Ok(column)) = name.map(serde_json::from_slice)
            && let Ok(id) = row.get(0)
        {
            columns.insert(id, column);
        }
    }
    Ok(columns)
}
