//! The tables of the journal, read: by the thread that writes them, or by a process that only looks.

use std::collections::{HashMap, hash_map};

use rusqlite::types::Type;
use rusqlite::{Connection, ErrorCode, params};

use super::body;
use super::book::{app_id, columns, key_text};
use super::chunk::Numbers;
use super::numbers::{Column, each_measured};
use crate::decide::Verb;
use crate::journal::{Entry, EntryKind, HistoryQuery, JournalError, Passage, Record, When};
use crate::model::{AppName, Region, Timestamp};

/// No answer has more of anything.
const MOST: usize = 100_000;

/// How much an answer may take of what is kept, unpacked, in bytes.
const MOST_BYTES: usize = 64 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The file cannot be read, or the disk below it.
    #[error(transparent)]
    OfFile(rusqlite::Error),
    /// All else: a value is of another type than the table says, or it is no text.
    #[error(transparent)]
    OfRow(rusqlite::Error),
    #[error("what is kept of {what} cannot be understood")]
    Torn { what: &'static str },
    #[error("the answer takes more than {} MB; ask for less of it", MOST_BYTES >> 20)]
    TooMuch,
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        let is_of_file = error.sqlite_error_code().is_some_and(|code| {
            matches!(
                code,
                ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
            )
        });
        if is_of_file { Self::OfFile(error) } else { Self::OfRow(error) }
    }
}

/// What one answer has taken so far.
pub(super) struct Taken {
    bytes: usize,
    /// How many rows were left out because they cannot be understood.
    pub(super) torn: u64,
}

impl Taken {
    pub(super) fn nothing() -> Self {
        Self { bytes: 0, torn: 0 }
    }

    /// Takes so many bytes, where an answer may have them.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), ReadError> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MOST_BYTES { Err(ReadError::TooMuch) } else { Ok(()) }
    }

    /// What was understood; `None`, which is counted, where it is torn.
    pub(super) fn understood<T>(&mut self, read: Option<T>) -> Option<T> {
        self.torn += u64::from(read.is_none());
        read
    }

    /// The same of a row whose values may be of another type than the table says.
    fn row<T>(&mut self, read: rusqlite::Result<T>) -> Result<Option<T>, ReadError> {
        match read {
            Err(error) if error.sqlite_error().is_some() => Err(error.into()),
            read => Ok(self.understood(read.ok())),
        }
    }
}

impl From<ReadError> for JournalError {
    fn from(error: ReadError) -> Self {
        Self::Unreadable { message: error.to_string() }
    }
}

/// A row of `passages`.
struct Row {
    from: Timestamp,
    until: Timestamp,
    ticks: u64,
    key: i64,
    body: Vec<u8>,
}

impl Row {
    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            from: Timestamp::from_millis(row.get(0)?),
            until: Timestamp::from_millis(row.get(1)?),
            ticks: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            key: row.get(3)?,
            body: row.get(4)?,
        })
    }
}

/// The apps of which there is anything, by name.
pub(super) fn apps(connection: &Connection) -> Result<Vec<AppName>, ReadError> {
    let mut statement = connection.prepare("SELECT name FROM apps ORDER BY name")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names.take(MOST).map(|name| Ok(AppName::new(name?))).collect()
}

/// The passages of `app` that `when` is about, the newest first. Of several, those that are torn are left out; the
/// one of a time is not replaced by another.
pub(super) fn passages(
    connection: &Connection,
    app: &AppName,
    when: When,
    most: usize,
    taken: &mut Taken,
) -> Result<Vec<Passage>, ReadError> {
    let Some(id) = app_id(connection, app)? else { return Ok(Vec::new()) };
    let (from, until, most) = match when {
        When::At(at) => (None, at, most.min(1)),
        When::Between(from, until) => (Some(from), until, most.min(MOST)),
    };
    let mut keys = HashMap::new();
    let mut passages = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT from_at, until_at, ticks, key, body FROM passages
            WHERE app = ?1 AND from_at <= ?2 ORDER BY from_at DESC, id DESC",
    )?;
    let mut rows = statement.query(params![id, until.as_millis()])?;
    while passages.len() < most
        && let Some(row) = rows.next()?
    {
        let row = taken.row(Row::of(row))?;
        // The ones before it are older still.
        if row.as_ref().zip(from).is_some_and(|(row, from)| row.until < from) {
            break;
        }
        let found = match row {
            Some(row) => record(connection, &row, &mut keys, taken)?.map(|record| (row, record)),
            None => None,
        };
        let Some((row, mut record)) = found else {
            match when {
                When::At(_) => return Err(ReadError::Torn { what: "that tick" }),
                When::Between(..) => continue,
            }
        };
        let mut at = row.from;
        if let When::At(asked) = when {
            at = overlay(connection, id, &row, asked, &mut record, taken)?;
        }
        let Row { from, until, ticks, .. } = row;
        passages.push(Passage { app: app.clone(), from, until, ticks, at, record });
    }
    Ok(passages)
}

/// The record of a row; `None` where it, or the key that it was packed with, is torn.
fn record(
    connection: &Connection,
    row: &Row,
    keys: &mut HashMap<i64, Option<Vec<u8>>>,
    taken: &mut Taken,
) -> Result<Option<Record>, ReadError> {
    let key = match keys.entry(row.key) {
        hash_map::Entry::Occupied(known) => known.into_mut(),
        hash_map::Entry::Vacant(new) => {
            let key = key_text(connection, row.key)?;
            taken.take(key.as_ref().map_or(0, Vec::len))?;
            new.insert(key)
        }
    };
    let text = key.as_ref().and_then(|key| body::unpack(&row.body, key));
    taken.take(text.as_ref().map_or(0, Vec::len))?;
    Ok(taken.understood(text.and_then(|text| body::read(&text))))
}

/// Puts what was measured in the last tick of the passage up to `asked` into its record, and tells when that
/// tick began.
fn overlay(
    connection: &Connection,
    app: i64,
    row: &Row,
    asked: Timestamp,
    record: &mut Record,
    taken: &mut Taken,
) -> Result<Timestamp, ReadError> {
    let (from, until) = (row.from.as_millis(), row.until.min(asked).as_millis());
    let mut statement = connection.prepare_cached(
        "SELECT body FROM chunks WHERE app = ?1 AND from_at <= ?2 AND until_at >= ?3
            ORDER BY from_at DESC, id DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![app, until, from])?;
    let Some(found) = rows.next()? else { return Ok(row.from) };
    let numbers = found.get_ref(0)?.as_blob().ok().and_then(Numbers::decode);
    let Some(numbers) = taken.understood(numbers) else { return Ok(row.from) };
    let Some(place) = numbers.times.iter().rposition(|time| (from..=until).contains(time)) else {
        return Ok(row.from);
    };
    let ids: HashMap<Column, u32> =
        columns(connection)?.into_iter().map(|(id, column)| (column, id)).collect();
    each_measured(record, |which, value| {
        let kept = ids.get(&which.column()).and_then(|id| numbers.value(*id, place));
        *value = kept.unwrap_or(*value);
    });
    Ok(Timestamp::from_millis(numbers.times[place]))
}

/// What happened, the newest first.
pub(super) fn history(
    connection: &Connection,
    query: &HistoryQuery,
    taken: &mut Taken,
) -> Result<Vec<Entry>, ReadError> {
    let mut entries = entries(
        connection,
        query,
        query.most,
        taken,
        "entries INDEXED BY entries_by_time WHERE at BETWEEN ?1 AND ?2",
    )?;
    // What began before and lasted into the time in question.
    let lasted = "entries INDEXED BY entries_that_last
        WHERE until_at > at AND until_at >= ?1 AND at < ?1 AND at <= ?2";
    let left = query.most.saturating_sub(entries.len());
    entries.extend(self::entries(connection, query, left, taken, lasted)?);
    Ok(entries)
}

/// At most so many of the entries that the query wants, of those that are `among`.
fn entries(
    connection: &Connection,
    query: &HistoryQuery,
    most: usize,
    taken: &mut Taken,
    among: &str,
) -> Result<Vec<Entry>, ReadError> {
    let app = match &query.app {
        Some(app) => Some(app_id(connection, app)?.unwrap_or(-1)),
        None => None,
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT at, until_at, body, (SELECT name FROM apps WHERE id = app) FROM {among}
            AND (?3 IS NULL OR app IN (0, ?3))
            AND (?4 IS NULL OR region IS NULL OR region = ?4)
            AND (?5 IS NULL OR kind = ?5)
            AND (?6 IS NULL OR verb = ?6)
            ORDER BY at DESC, id DESC LIMIT ?7"
    ))?;
    let mut rows = statement.query(params![
        query.from.as_millis(),
        query.until.as_millis(),
        app,
        query.region.as_ref().map(Region::as_str),
        query.kind.map(EntryKind::as_str),
        query.verb.map(Verb::as_str),
        i64::try_from(most.min(MOST)).unwrap_or(i64::MAX),
    ])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        taken.take(row.get_ref(2)?.as_bytes().map_or(0, <[u8]>::len))?;
        entries.extend(taken.row(entry(row))?);
    }
    Ok(entries)
}

/// The entry in a row.
fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let body: String = row.get(2)?;
    let torn = |error| rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error));
    let entry: Entry = serde_json::from_str(&body).map_err(torn)?;
    let app: Option<String> = row.get(3)?;
    Ok(Entry {
        app: app.map(AppName::new),
        at: Timestamp::from_millis(row.get(0)?),
        until: Timestamp::from_millis(row.get(1)?),
        ..entry
    })
}
