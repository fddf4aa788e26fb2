//! The file itself: opened, checked, set aside, read and written. Everything here may take as long as the
//! disk does.

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, params};

use super::queue::{PAUSES, SERIES};
use crate::model::Timestamp;

/// Says whose file it is, in SQLite's header: "FasS".
const APPLICATION_ID: i32 = 0x4661_7353;
/// The version of the tables. What changes in the JSON inside needs no new one.
const SCHEMA: i32 = 1;
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long another program may hold SQLite's own lock: `sqlite3` in a shell, say.
const BUSY: Duration = Duration::from_secs(1);
/// What nobody has changed for so long is of an app that is gone, or says nothing any more: no cooldown is
/// longer than a week.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

const TABLES: &str = "CREATE TABLE kept (
    app TEXT NOT NULL,
    what TEXT NOT NULL,
    value TEXT NOT NULL,
    saved_at INTEGER NOT NULL,
    PRIMARY KEY (app, what)
) STRICT, WITHOUT ROWID";

/// Why the file is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The folder that it should be in is missing.
    #[error(
        "the directory {} does not exist; on Fly it comes with a volume (`mounts` in fly.toml)",
        .directory.display()
    )]
    NoDirectory {
        /// The folder.
        directory: PathBuf,
    },
    /// Another process has it.
    #[error("another process uses it; two autoscalers need a file each (`state`, FAS_STATE)")]
    InUse,
    /// A newer version of this program wrote it.
    #[error("a newer version of fly-autoscaler wrote it (tables {found}, this one knows {SCHEMA})")]
    Newer {
        /// The version of its tables.
        found: i32,
    },
    /// It is not a file of this program.
    #[error("{why}")]
    Foreign {
        /// In what way.
        why: String,
    },
    /// The system refused.
    #[error("{doing}: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite, or the disk below it, refused.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
}

impl FileError {
    /// Whether the file holds nothing that could be used, now or later.
    fn is_of_content(&self) -> bool {
        match self {
            Self::Foreign { .. } => true,
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            _ => false,
        }
    }
}

/// One row: what is kept of one app.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) app: String,
    pub(super) what: String,
    pub(super) value: String,
    pub(super) saved_at: Timestamp,
}

/// A file that was moved out of the way, and why.
#[derive(Debug)]
pub(super) struct SetAside {
    pub(super) to: PathBuf,
    pub(super) why: String,
}

/// The file, open for writing. Nobody else has it.
pub(super) struct StateFile {
    // Closed before the lock is given back.
    connection: Connection,
    _lock: File,
}

impl StateFile {
    /// Opens the file at `path`, or makes it. What is there and cannot be used is set aside first.
    pub(super) fn open(path: &Path, now: Timestamp) -> Result<(Self, Option<SetAside>), FileError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            // It is not made: without its volume, a file there would be gone with the machine.
            return Err(FileError::NoDirectory { directory: directory.to_owned() });
        }
        let lock = lock(path)?;
        match connect(path, now) {
            Ok(connection) => Ok((Self { connection, _lock: lock }, None)),
            Err(error) if error.is_of_content() => {
                let to = set_aside(path, now)?;
                let connection = connect(path, now)?;
                let why = error.to_string();
                Ok((Self { connection, _lock: lock }, Some(SetAside { to, why })))
            }
            Err(error) => Err(error),
        }
    }

    /// All that is kept.
    pub(super) fn rows(&self) -> Result<Vec<Row>, FileError> {
        rows(&self.connection)
    }

    /// Drops what is kept of the apps `gone` and of the series of those that are `renewed`, and writes `rows`, all or nothing. When it returns, it is on
    /// the disk.
    pub(super) fn write(
        &mut self,
        gone: impl Iterator<Item = impl AsRef<str>>,
        renewed: impl Iterator<Item = impl AsRef<str>>,
        rows: impl Iterator<Item = Row>,
    ) -> Result<(), FileError> {
        let transaction = self.connection.transaction()?;
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
    check_magic(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    match identity(&connection)? {
        Identity::Ours => rows(&connection),
        Identity::Empty => Ok(Vec::new()),
    }
}

/// Takes the lock of the file at `path` for as long as the value lives. The system gives it back when the
/// process ends, however it ends.
fn lock(path: &Path) -> Result<File, FileError> {
    let open = File::options().create(true).truncate(false).write(true).open(beside(path, "-lock"));
    let file = open.map_err(|source| FileError::Io { doing: "cannot make its lock", source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(FileError::InUse),
        Err(TryLockError::Error(source)) => {
            Err(FileError::Io { doing: "cannot take its lock", source })
        }
    }
}

fn connect(path: &Path, now: Timestamp) -> Result<Connection, FileError> {
    check_magic(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Whose it is comes first: a file of somebody else's is not changed.
    let identity = identity(&connection)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    // What was written has to be on the disk when `write` returns, for a loss of power too. It costs little:
    // ticks that change nothing write nothing, and one transaction holds what all apps have to say.
    connection.execute_batch("PRAGMA synchronous = FULL")?;
    match identity {
        Identity::Empty => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", SCHEMA)?;
            transaction.commit()?;
        }
        Identity::Ours => {
            let found: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(FileError::Foreign { why: format!("it is damaged: {found}") });
            }
            let before = now.minus(FORGOTTEN_AFTER).as_millis();
            let sql = "DELETE FROM kept WHERE saved_at < ?1 AND what <> ?2";
            connection.execute(sql, params![before, PAUSES])?;
        }
    }
    Ok(connection)
}

/// Whether a file that is there begins like SQLite's. SQLite itself would take over an empty one, and so
/// do we.
fn check_magic(path: &Path) -> Result<(), FileError> {
    let failed = |source| FileError::Io { doing: "cannot be read", source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    };
    let mut begin = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut begin).map_err(failed)?;
    if begin.is_empty() || begin == MAGIC {
        return Ok(());
    }
    Err(FileError::Foreign { why: "it is no SQLite database, or its beginning is lost".into() })
}

/// Whose file it is.
enum Identity {
    Ours,
    /// Nobody's: there is nothing in it.
    Empty,
}

fn identity(connection: &Connection) -> Result<Identity, FileError> {
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
    match (application, version) {
        (APPLICATION_ID, SCHEMA) => Ok(Identity::Ours),
        (APPLICATION_ID, found) if found > SCHEMA => Err(FileError::Newer { found }),
        (0, 0) if tables == 0 => Ok(Identity::Empty),
        _ => Err(FileError::Foreign { why: "it is a database of another program".into() }),
    }
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

/// Gives the file at `path`, and what SQLite has beside it, another name, and tells it. Nothing that has
/// this name already is replaced.
fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, FileError> {
    let time = now.to_string().replace(':', "-");
    let names = (0..100_u32).map(|number| match number {
        0 => beside(path, &format!(".set-aside-{time}")),
        _ => beside(path, &format!(".set-aside-{time}-{number}")),
    });
    let taken = || io::Error::from(io::ErrorKind::AlreadyExists);
    let failed = |source| FileError::Io { doing: "cannot be set aside", source };
    let to = names.into_iter().find(|name| !name.exists()).ok_or_else(|| failed(taken()))?;
    // The log goes first. Left behind, it would be taken for that of the new file.
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(beside(path, suffix), beside(&to, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(to)
}

/// The path with `suffix` after its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
