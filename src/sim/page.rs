//! Lists page by page: where a page begins and ends.

use std::time::Duration;

use crate::model::Timestamp;

use super::answer::{Answer, Outcome};
use super::call::Call;

/// Cursors of a list work for this long after its first page (newer API description).
const CURSOR_LIFE: Duration = Duration::from_secs(30 * 60);

pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

/// Takes the page that `call` asks for out of `items`, which are in the order of their keys. A cursor
/// holds when the first page was read and the last key seen, so that items which come and go in between
/// neither repeat nor hide others.
pub(crate) fn cut<T>(
    items: impl Iterator<Item = T>,
    key: impl Fn(&T) -> &str,
    call: &Call,
    page_size: usize,
    now: Timestamp,
) -> Outcome<Page<T>> {
    let (begun, after) = match call.param("cursor") {
        None => (now, String::new()),
        Some(cursor) => read_cursor(cursor, now)?,
    };
    let limit = match call.param("limit").map(str::parse::<usize>) {
        None => page_size,
        Some(Ok(limit)) if limit > 0 => std::cmp::min(limit, page_size),
        Some(_) => return Err(Answer::refuse(400, "invalid_argument: limit is out of range")),
    };
    let mut items: Vec<T> =
        items.filter(|item| key(item) > after.as_str()).take(limit.saturating_add(1)).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let last = items.last().filter(|_| has_more).map(&key);
    let next = last.map(|last| format!("{:x}.{last}", begun.as_millis()));
    Ok(Page { items, next })
}

fn read_cursor(cursor: &str, now: Timestamp) -> Outcome<(Timestamp, String)> {
    let invalid = || Answer::refuse(400, "invalid_argument: invalid cursor");
    let (begun, after) = cursor.split_once('.').ok_or_else(invalid)?;
    let begun =
        i64::from_str_radix(begun, 16).map(Timestamp::from_millis).map_err(|_| invalid())?;
    if now.since(begun) > CURSOR_LIFE {
        return Err(Answer::refuse(400, "invalid_argument: cursor expired"));
    }
    Ok((begun, after.to_owned()))
}
