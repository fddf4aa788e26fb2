//! The tables of the state file, read and written.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::queue::{PAUSES, SERIES};
use crate::model::Timestamp;
use crate::store::file::{FileError, Form, OpenFile, SetAside, look_into};

/// What nobody has changed for so long is of an app that is gone, or says nothing any more: no cooldown is
/// longer than a week.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

const FORM: Form = Form {
    // "FasS".
    application_id: 0x4661_7353,
    version: 1,
    first: "",
    tables: "CREATE TABLE kept (
        app TEXT NOT NULL,
        what TEXT NOT NULL,
        value TEXT NOT NULL,
        saved_at INTEGER NOT NULL,
        PRIMARY KEY (app, what)
    ) STRICT, WITHOUT ROWID",
    // What was written has to be on the disk when `write` returns, for a loss of power too. It costs little:
    // ticks that change nothing write nothing, and one transaction holds what all apps have to say.
    settings: "PRAGMA synchronous = FULL",
    keeps_one_aside: false,
    tidy: |connection, now| {
        let before = now.minus(FORGOTTEN_AFTER).as_millis();
        let sql = "DELETE FROM kept WHERE saved_at < ?1 AND what <> ?2";
        connection.execute(sql, params![before, PAUSES]).map(drop)
    },
};

/// One row: what is kept of one app.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) app: String,
    pub(super) what: String,
    pub(super) value: String,
    pub(super) saved_at: Timestamp,
}

/// The file, open for writing. Nobody else has it.
pub(super) struct StateFile(OpenFile);

impl StateFile {
    /// Opens the file at `path`, or makes it. What is there and cannot be used is set aside first.
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<(Self, Option<SetAside>), FileError> {
        let (file, set_aside) = OpenFile::open(path, &FORM, now)?;
        Ok((Self(file), set_aside))
    }

    /// All that is kept.
    pub(super) fn rows(&self) -> Result<Vec<Row>, FileError> {
        rows(&self.0.connection)
    }

    /// Drops what is kept of the apps `gone` and of the series of those that are `renewed`, and writes `rows`, all or nothing. When it returns, it is on
    /// the disk.
    pub(super) fn write(
        &mut self,
        gone: impl Iterator<Item = impl AsRef<str>>,
        renewed: impl Iterator<Item = impl AsRef<str>>,
        rows: impl Iterator<Item = Row>,
    ) -> Result<(), FileError> {
        let transaction = self.0.connection.transaction()?;
        {
            let mut delete = transaction.prepare("DELETE FROM kept WHERE app = ?1")?;
            for app in gone {
                delete.execute([app.as_ref()])?;
            }
            // What nobody looks back at any more would otherwise come back at each start.
            let mut renew = transaction
                .prepare("DELETE FROM kept WHERE app = ?1 AND substr(what, 1, length(?2)) = ?2")?;
            for app in renewed {
                renew.execute([app.as_ref(), SERIES])?;
            }
            let mut insert = transaction.prepare(
                "INSERT OR REPLACE INTO kept (app, what, value, saved_at) VALUES (?1, ?2, ?3, ?4)",
            )?;
            for row in rows {
                insert.execute(params![row.app, row.what, row.value, row.saved_at.as_millis()])?;
            }
        }
        Ok(transaction.commit()?)
    }
}

/// All that is kept in the file at `path`, without changing anything: another process may be writing to it.
pub(super) fn rows_of(path: &Path) -> Result<Vec<Row>, FileError> {
    look_into(path, &FORM)?.map_or(Ok(Vec::new()), |connection| rows(&connection))
}

fn rows(connection: &Connection) -> Result<Vec<Row>, FileError> {
    let mut statement = connection.prepare("SELECT app, what, value, saved_at FROM kept")?;
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        // SQLite does not hold texts against UTF-8; what is none ends in a value that cannot be read.
        let text = |column| match row.get_ref(column) {
            Ok(ValueRef::Text(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        };
        rows.push(Row {
            app: text(0),
            what: text(1),
            value: text(2),
            saved_at: Timestamp::from_millis(row.get(3)?),
        });
    }
    Ok(rows)
}
