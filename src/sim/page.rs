//! Lists page by page: where a page begins and ends.

use std::time::Duration;

use crate::model::Timestamp;

use super::answer::{Answer, Outcome};
use super::call::Call;

/// Cursors of a list work for this long after its first page (newer API description).
const CURSOR_LIFE: Duration = Duration::from_secs(30 * 60);

/// Which part of a list a call asks for.
pub(crate) struct Window {
    /// When the first page was read.
    pub(crate) begun: Timestamp,
    /// The last key of the page before, if there was one.
    pub(crate) after: Option<String>,
    /// The most items of this page.
    pub(crate) limit: usize,
}

pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub(crate) next: Option<String>,
}

impl Window {
    /// Reads what `call` asks for; without a limit, or with a larger one, it is `page_size`.
    pub(crate) fn of(call: &Call, page_size: usize, now: Timestamp) -> Outcome<Self> {
        let (begun, after) = match call.param("cursor") {
            None => (now, None),
            Some(cursor) => read_cursor(cursor, now).map(|(begun, after)| (begun, Some(after)))?,
        };
        let limit = match call.param("limit").map(str::parse::<usize>) {
            None => page_size,
            Some(Ok(limit)) if limit > 0 => std::cmp::min(limit, page_size),
            Some(_) => return Err(Answer::refuse(400, "invalid_argument: limit is out of range")),
        };
        Ok(Self { begun, after, limit })
    }

    /// Takes the page out of `items`, which are in the order of their keys and begin after
    /// [`Window::after`]. A cursor holds when the first page was read and the last key seen, so that
    /// items which come and go in between neither repeat nor hide others.
    pub(crate) fn cut<T>(
        &self,
        items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> String,
    ) -> Page<T> {
        let mut items: Vec<T> = items.take(self.limit.saturating_add(1)).collect();
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| has_more).map(key);
        let next = last.map(|last| format!("{:x}.{last}", self.begun.as_millis()));
        Page { items, next }
    }
}

/// The refusal of a cursor that no list gave out.
pub(crate) fn invalid_cursor() -> Answer {
    Answer::refuse(400, "invalid_argument: invalid cursor")
}

fn read_cursor(cursor: &str, now: Timestamp) -> Outcome<(Timestamp, String)> {
    let (begun, after) = cursor.split_once('.').ok_or_else(invalid_cursor)?;
    let begun =
        i64::from_str_radix(begun, 16).map(Timestamp::from_millis).map_err(|_| invalid_cursor())?;
    if now.since(begun) > CURSOR_LIFE {
        return Err(Answer::refuse(400, "invalid_argument: cursor expired"));
    }
    Ok((begun, after.to_owned()))
}
