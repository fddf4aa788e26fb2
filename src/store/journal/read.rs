//! The tables of the journal, read: by the thread that writes them, or by a process that only looks.

use std::collections::{BTreeMap, HashMap, hash_map};

use rusqlite::{Connection, params};

use super::body;
use super::book::{app_id, columns, key_text};
use super::chunk::{Numbers, take_times};
use super::numbers::{Column, each_measured};
use crate::decide::Verb;
use crate::journal::{
    Chart, ChartQuery, Curve, Entry, EntryKind, HistoryQuery, JournalError, Line, Passage, Record,
    When,
};
use crate::model::{AppName, Region, Timestamp};

/// No answer has more of anything.
const MOST: usize = 100_000;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("what is kept of {what} cannot be understood")]
    Torn { what: &'static str },
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

/// The apps of which there is anything, by name.
pub(super) fn apps(connection: &Connection) -> Result<Vec<AppName>, ReadError> {
    let mut statement = connection.prepare("SELECT name FROM apps ORDER BY name")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?;
    names.take(MOST).map(|name| Ok(AppName::new(name?))).collect()
}

/// The passages of `app` that `when` is about, the newest first.
pub(super) fn passages(
    connection: &Connection,
    app: &AppName,
    when: When,
    most: usize,
) -> Result<Vec<Passage>, ReadError> {
    let Some(id) = app_id(connection, app)? else { return Ok(Vec::new()) };
    let (from, until, most) = match when {
        When::At(at) => (None, at, most.min(1)),
        When::Between(from, until) => (Some(from), until, most.min(MOST)),
    };
    let mut keys: HashMap<i64, Vec<u8>> = HashMap::new();
    let mut passages = Vec::new();
    let mut statement = connection.prepare_cached(
        "SELECT from_at, until_at, ticks, key, body FROM passages
            WHERE app = ?1 AND from_at <= ?2 ORDER BY from_at DESC, id DESC",
    )?;
    let mut rows = statement.query(params![id, until.as_millis()])?;
    while passages.len() < most
        && let Some(row) = rows.next()?
    {
        let row = Row {
            from: Timestamp::from_millis(row.get(0)?),
            until: Timestamp::from_millis(row.get(1)?),
            ticks: u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
            key: row.get(3)?,
            body: row.get(4)?,
        };
        // The ones before it are older still.
        if from.is_some_and(|from| row.until < from) {
            break;
        }
        let torn = || ReadError::Torn { what: "a tick" };
        let key = match keys.entry(row.key) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(new) => {
                new.insert(key_text(connection, row.key)?.ok_or_else(torn)?)
            }
        };
        let mut record = body::read(&row.body, key).ok_or_else(torn)?;
        let mut at = row.from;
        if let When::At(asked) = when {
            at = overlay(connection, id, &row, asked, &mut record)?;
        }
        let Row { from, until, ticks, .. } = row;
        passages.push(Passage { app: app.clone(), from, until, ticks, at, record });
    }
    Ok(passages)
}

/// Puts what was measured in the last tick of the passage up to `asked` into its record, and tells when that
/// tick began.
fn overlay(
    connection: &Connection,
    app: i64,
    row: &Row,
    asked: Timestamp,
    record: &mut Record,
) -> Result<Timestamp, ReadError> {
    let (from, until) = (row.from.as_millis(), row.until.min(asked).as_millis());
    let mut statement = connection.prepare_cached(
        "SELECT body FROM chunks WHERE app = ?1 AND from_at <= ?2 AND until_at >= ?3
            ORDER BY from_at DESC, id DESC LIMIT 1",
    )?;
    let mut rows = statement.query(params![app, until, from])?;
    let Some(found) = rows.next()? else { return Ok(row.from) };
    let body: Vec<u8> = found.get(0)?;
    let numbers = Numbers::decode(&body).ok_or(ReadError::Torn { what: "numbers" })?;
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
) -> Result<Vec<Entry>, ReadError> {
    let mut entries = entries(
        connection,
        query,
        query.most,
        "entries INDEXED BY entries_by_time WHERE at BETWEEN ?1 AND ?2",
    )?;
    // What began before and lasted into the time in question.
    let lasted = "entries INDEXED BY entries_that_last
        WHERE until_at > at AND until_at >= ?1 AND at < ?1 AND at <= ?2";
    let left = query.most.saturating_sub(entries.len());
    entries.extend(self::entries(connection, query, left, lasted)?);
    Ok(entries)
}

/// At most so many of the entries that the query wants, of those that are `among`.
fn entries(
    connection: &Connection,
    query: &HistoryQuery,
    most: usize,
    among: &str,
) -> Result<Vec<Entry>, ReadError> {
    let app = match &query.app {
        Some(app) => Some(app_id(connection, app)?.unwrap_or(-1)),
        None => None,
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT at, until_at, body, (SELECT name FROM apps WHERE id = app) FROM {among}
            AND (?3 IS NULL OR app IN (0, ?3))
            AND (?4 IS NULL OR region = ?4)
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
        let body: String = row.get(2)?;
        let entry: Entry =
            serde_json::from_str(&body).map_err(|_| ReadError::Torn { what: "an entry" })?;
        let app: Option<String> = row.get(3)?;
        entries.push(Entry {
            app: app.map(AppName::new),
            at: Timestamp::from_millis(row.get(0)?),
            until: Timestamp::from_millis(row.get(1)?),
            ..entry
        });
    }
    Ok(entries)
}

/// Numbers over time.
pub(super) fn chart(connection: &Connection, query: &ChartQuery) -> Result<Chart, ReadError> {
    let empty = Chart { app: query.app.clone(), times: Vec::new(), curves: Vec::new() };
    let Some(app) = app_id(connection, &query.app)? else { return Ok(empty) };
    let (from, until) = (query.from.as_millis(), query.until.as_millis());
    let mut statement = connection.prepare_cached(
        "SELECT body FROM chunks WHERE app = ?1 AND from_at <= ?2 AND until_at >= ?3
            ORDER BY from_at, id",
    )?;
    let bodies = statement.query_map(params![app, until, from], |row| row.get(0))?;
    let bodies: Vec<Vec<u8>> = bodies.collect::<Result<_, _>>()?;
    let torn = || ReadError::Torn { what: "numbers" };
    let mut times = Vec::new();
    for body in &bodies {
        let own = take_times(&mut body.as_slice()).ok_or_else(torn)?;
        times.extend(own.into_iter().filter(|time| (from..=until).contains(time)));
    }
    let wanted = thinned(times, query.most);
    let lines: HashMap<u32, Line> = columns(connection)?
        .into_iter()
        .filter_map(|(id, column)| match column {
            Column::Shown(line) => Some((id, line)),
            Column::Evaluated { .. } => None,
        })
        .collect();
    let mut curves: BTreeMap<&Line, Vec<Option<f64>>> = BTreeMap::new();
    for body in &bodies {
        let numbers = Numbers::decode(body).ok_or_else(torn)?;
        for (id, values) in &numbers.columns {
            let Some(line) = lines.get(id) else { continue };
            for (time, value) in numbers.times.iter().zip(values) {
                if let Ok(place) = wanted.binary_search(time)
                    && !value.is_nan()
                {
                    let curve = curves.entry(line).or_insert_with(|| vec![None; wanted.len()]);
                    curve[place] = Some(*value);
                }
            }
        }
    }
    let curves = curves.into_iter().map(|(line, values)| Curve { line: line.clone(), values });
    let curves = curves.collect();
    Ok(Chart { times: wanted, curves, ..empty })
}

/// At most `most` of the times, in order and evenly, the last among them.
fn thinned(mut times: Vec<i64>, most: usize) -> Vec<i64> {
    times.sort_unstable();
    times.dedup();
    let step = times.len().div_ceil(most.max(1)).max(1);
    let mut kept: Vec<i64> = times.into_iter().rev().step_by(step).collect();
    kept.reverse();
    kept
}
