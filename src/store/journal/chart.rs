//! Numbers over time, read.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, OptionalExtension as _, params};

use super::book::{app_id, columns};
use super::chunk::{Numbers, take_times};
use super::numbers::Column;
use super::read::{ReadError, Taken};
use crate::journal::{Chart, ChartQuery, Curve, Line};

/// A chunk that has some of the time in question: its row, its first time and its last.
struct Found {
    row: i64,
    first: i64,
    last: i64,
}

/// Numbers over time. Chunks are read one at a time, and only those of which something is shown: first when
/// their ticks were, and what is shown of these, then their numbers. A torn one is left out.
pub(super) fn chart(
    connection: &Connection,
    query: &ChartQuery,
    taken: &mut Taken,
) -> Result<Chart, ReadError> {
    let empty = Chart { app: query.app.clone(), times: Vec::new(), curves: Vec::new() };
    let Some(app) = app_id(connection, &query.app)? else { return Ok(empty) };
    let (chunks, times) = times(connection, app, query, taken)?;
    let wanted = thinned(times, query.most);
    let lines: HashMap<u32, Line> = columns(connection)?
        .into_iter()
        .filter_map(|(id, column)| match column {
            Column::Shown(line) => Some((id, line)),
            Column::Evaluated { .. } => None,
        })
        .collect();
    let mut curves: BTreeMap<&Line, Vec<Option<f64>>> = BTreeMap::new();
    let mut statement = connection.prepare_cached("SELECT body FROM chunks WHERE id = ?1")?;
    for chunk in chunks {
        let from = wanted.partition_point(|time| *time < chunk.first);
        if wanted.get(from).is_none_or(|time| *time > chunk.last) {
            continue;
        }
        // One that is gone meanwhile has got too old.
        let body =
            |row: &rusqlite::Row<'_>| Ok(row.get_ref(0)?.as_blob().ok().and_then(Numbers::decode));
        let Some(numbers) = statement.query_row([chunk.row], body).optional()? else { continue };
        let Some(numbers) = taken.understood(numbers) else { continue };
        for (id, values) in &numbers.columns {
            let Some(line) = lines.get(id) else { continue };
            for (time, value) in numbers.times.iter().zip(values) {
                let Ok(place) = wanted.binary_search(time) else { continue };
                if value.is_nan() {
                    continue;
                }
                if !curves.contains_key(line) {
                    taken.take(wanted.len() * size_of::<Option<f64>>())?;
                }
                let curve = curves.entry(line).or_insert_with(|| vec![None; wanted.len()]);
                curve[place] = Some(*value);
            }
        }
    }
    let curves = curves.into_iter().map(|(line, values)| Curve { line: line.clone(), values });
    let curves = curves.collect();
    Ok(Chart { times: wanted, curves, ..empty })
}

/// The chunks that have some of the time in question, and when the ticks in them were.
fn times(
    connection: &Connection,
    app: i64,
    query: &ChartQuery,
    taken: &mut Taken,
) -> Result<(Vec<Found>, Vec<i64>), ReadError> {
    let (from, until) = (query.from.as_millis(), query.until.as_millis());
    let mut statement = connection.prepare_cached(
        "SELECT id, body FROM chunks WHERE app = ?1 AND from_at <= ?2 AND until_at >= ?3
            ORDER BY from_at, id",
    )?;
    let mut rows = statement.query(params![app, until, from])?;
    let (mut chunks, mut times) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let own = row.get_ref(1)?.as_blob().ok().and_then(|mut body| take_times(&mut body));
        let Some(mut own) = taken.understood(own) else { continue };
        own.retain(|time| (from..=until).contains(time));
        let (Some(first), Some(last)) = (own.iter().min(), own.iter().max()) else { continue };
        taken.take(size_of::<Found>() + own.len() * size_of::<i64>())?;
        chunks.push(Found { row: row.get(0)?, first: *first, last: *last });
        times.append(&mut own);
    }
    Ok((chunks, times))
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
