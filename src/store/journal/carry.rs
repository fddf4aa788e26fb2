//! What was kept in memory while the file was not to be had, taken over into it.

use std::collections::HashMap;

use rusqlite::types::Value;

use super::body;
use super::book::{Book, Key, columns, key_text};
use super::chunk::{Chunk, Numbers};
use crate::model::{AppName, Timestamp};
use crate::store::FileError;

/// Copies all of `from` into `to`, all or nothing. What cannot be read is left out.
pub(super) fn carry(from: &Book, to: &mut Book) -> Result<(), FileError> {
    to.begin()?;
    let apps = apps(from, to)?;
    passages(from, to, &apps)?;
    chunks(from, to, &apps)?;
    entries(from, to, &apps)?;
    to.commit()
}

/// The ids of apps there, by those here; 0 stands for all.
fn apps(from: &Book, to: &Book) -> Result<HashMap<i64, i64>, FileError> {
    let mut apps = HashMap::from([(0, 0)]);
    let mut statement = from.connection().prepare("SELECT id, name FROM apps")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        apps.insert(row.get(0)?, to.app(&AppName::new(name))?);
    }
    Ok(apps)
}

fn passages(from: &Book, to: &Book, apps: &HashMap<i64, i64>) -> Result<(), FileError> {
    let read = "SELECT app, from_at, until_at, ticks, key, body FROM passages ORDER BY id";
    let mut statement = from.connection().prepare(read)?;
    let mut rows = statement.query([])?;
    let mut keys: HashMap<i64, Option<Key>> = HashMap::new();
    while let Some(row) = rows.next()? {
        let like = key_text(from.connection(), row.get(4)?)?.unwrap_or_default();
        let text = body::unpack(&row.get::<_, Vec<u8>>(5)?, &like);
        let (Some(app), Some(text)) = (apps.get(&row.get(0)?), text) else { continue };
        let key = keys.entry(*app).or_default();
        let own = to.add_passage(*app, Timestamp::from_millis(row.get(1)?), &text, key)?;
        let ticks = u64::try_from(row.get::<_, i64>(3)?).unwrap_or(1);
        to.extend_passage(own, Timestamp::from_millis(row.get(2)?), ticks)?;
    }
    Ok(())
}

fn chunks(from: &Book, to: &mut Book, apps: &HashMap<i64, i64>) -> Result<(), FileError> {
    let mut ids = HashMap::new();
    for (id, column) in columns(from.connection())? {
        ids.extend(to.column(0, column)?.map(|own| (id, own)));
    }
    let mut statement = from.connection().prepare("SELECT app, body FROM chunks ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let numbers = Numbers::decode(&row.get::<_, Vec<u8>>(1)?);
        let (Some(app), Some(numbers)) = (apps.get(&row.get(0)?), numbers) else { continue };
        let known = numbers.columns.iter().filter_map(|(id, values)| Some((*ids.get(id)?, values)));
        let (columns, values): (Vec<u32>, Vec<&Vec<f64>>) = known.unzip();
        let mut chunk = Chunk::default();
        for (place, time) in numbers.times.iter().enumerate() {
            let own: Vec<f64> = values.iter().map(|values| values[place]).collect();
            chunk.push(Timestamp::from_millis(*time), &columns, &own);
        }
        to.write_chunk(*app, None, &chunk)?;
    }
    Ok(())
}

fn entries(from: &Book, to: &Book, apps: &HashMap<i64, i64>) -> Result<(), FileError> {
    let read = "SELECT app, at, until_at, kind, verb, region, body FROM entries ORDER BY id";
    let mut statement = from.connection().prepare(read)?;
    let mut rows = statement.query([])?;
    let mut insert = to.connection().prepare(
        "INSERT INTO entries (app, at, until_at, kind, verb, region, body)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    while let Some(row) = rows.next()? {
        let Some(app) = apps.get(&row.get(0)?) else { continue };
        let mut values = vec![Value::from(*app)];
        for column in 1..7 {
            values.push(row.get(column)?);
        }
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}
