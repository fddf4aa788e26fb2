//! What is too old goes, and what there is no room for, a little at a time.

use std::time::Duration;

use super::book::Book;
use crate::model::Timestamp;
use crate::store::FileError;

/// How much is dropped of each table in one step.
const STEP: usize = 1024;
/// How much of the time is dropped at least where there is no room for all of it.
const LEAST_SHARE: f64 = 1.0 / 64.0;
/// How many pages are given back in one step.
const PAGES: u64 = 512;

/// What is so far ahead was written while the clock was wrong.
const AHEAD: Duration = Duration::from_secs(24 * 3600);
/// How much SQLite's log beside the file takes at most, in bytes.
const MOST_LOG: u64 = 4 << 20;

/// How much of `size` is for SQLite's log beside the file.
pub(super) fn log_size(size: u64) -> u64 {
    (size / 8).min(MOST_LOG)
}

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// For how long.
    pub(super) retention: Duration,
    /// How many bytes.
    pub(super) size: u64,
}

/// Drops some of what is beyond `bounds` at `now`, and tells whether there may be more.
pub(super) fn step(book: &Book, bounds: Bounds, now: Timestamp) -> Result<bool, FileError> {
    let connection = book.connection();
    let number = |pragma: &str| -> Result<u64, FileError> {
        let read = format!("PRAGMA {pragma}");
        let number: i64 = connection.query_row(&read, [], |row| row.get(0))?;
        Ok(u64::try_from(number).unwrap_or(0))
    };
    let page = number("page_size")?.max(1);
    let (pages, free) = (number("page_count")?, number("freelist_count")?);
    let log = log_size(bounds.size);
    let (most, used) = ((bounds.size - log) / page, pages.saturating_sub(free));
    let ahead = now.plus(AHEAD);
    let mut before = now.minus(bounds.retention);
    // What is dropped leaves pages half full, and the next transaction needs some.
    let excess = used.saturating_sub(most - most / 8);
    if excess > 0
        && let Some((oldest, newest)) = span(book, ahead)?
    {
        let share = (excess as f64 / used as f64).max(LEAST_SHARE);
        let part = newest.since(oldest).mul_f64(share);
        before = before.max(oldest.plus(part).plus(Duration::from_millis(1)));
    }
    book.begin()?;
    let dropped = drop_before(book, before, ahead, excess > 0)?;
    book.commit()?;
    if free > PAGES * 4 || pages > most {
        let vacuum = format!("PRAGMA incremental_vacuum({PAGES})");
        // It gives back a page with each row.
        let mut statement = connection.prepare(&vacuum)?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    Ok(dropped >= STEP)
}

/// When the oldest and the newest numbers are of, but for what is `ahead`.
fn span(book: &Book, ahead: Timestamp) -> Result<Option<(Timestamp, Timestamp)>, FileError> {
    let until = "SELECT until_at FROM chunks WHERE until_at <= ?1 ORDER BY id";
    let read = format!("SELECT ({until} LIMIT 1), ({until} DESC LIMIT 1)");
    let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (oldest, newest): (Option<i64>, Option<i64>) =
        book.connection().query_row(&read, [ahead.as_millis()], row)?;
    Ok(oldest.zip(newest).map(|(oldest, newest)| {
        (Timestamp::from_millis(oldest), Timestamp::from_millis(newest.max(oldest)))
    }))
}

/// Drops some of what ended before this time, and tells how much. What is ahead of the clock goes where there is no
/// room: an hour with a wrong clock, either way, is no reason to drop anything else.
fn drop_before(
    book: &Book,
    before: Timestamp,
    ahead: Timestamp,
    is_full: bool,
) -> Result<usize, FileError> {
    let connection = book.connection();
    let mut most = 0;
    let mut keys: Vec<i64> = Vec::new();
    for (table, from, key) in
        [("chunks", "from_at", "NULL"), ("passages", "from_at", "key"), ("entries", "at", "NULL")]
    {
        let mut gone = Vec::new();
        {
            // Rows are in the order in which they began, as the clock told: behind one that is young enough all
            // are.
            let read = format!("SELECT id, {from}, until_at, {key} FROM {table} ORDER BY id");
            let mut statement = connection.prepare_cached(&read)?;
            let mut rows = statement.query([])?;
            while gone.len() < STEP
                && let Some(row) = rows.next()?
            {
                let (from, until): (i64, i64) = (row.get(1)?, row.get(2)?);
                let is_ahead = from > ahead.as_millis();
                if !is_ahead && from >= before.as_millis() {
                    break;
                }
                if until < before.as_millis() || (is_ahead && is_full) {
                    gone.push(row.get::<_, i64>(0)?);
                    keys.extend(row.get::<_, Option<i64>>(3)?);
                }
            }
        }
        let mut drop = connection.prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?;
        for id in &gone {
            drop.execute([id])?;
        }
        most = most.max(gone.len());
    }
    drop_keys(book, keys)?;
    Ok(most)
}

/// Drops those of the `keys` that no passage needs any more.
fn drop_keys(book: &Book, mut keys: Vec<i64>) -> Result<(), FileError> {
    keys.sort_unstable();
    keys.dedup();
    let mut drop = book.connection().prepare_cached(
        "DELETE FROM keys WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM passages WHERE key = ?1)",
    )?;
    for key in keys {
        drop.execute([key])?;
    }
    Ok(())
}
