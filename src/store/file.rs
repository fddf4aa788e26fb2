//! A SQLite file of this program: opened, checked, locked, set aside. Everything here may take as long as the
//! disk does.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::model::Timestamp;

const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// How long another program may hold SQLite's own lock: `sqlite3` in a shell, say.
const BUSY: Duration = Duration::from_secs(1);

/// What a kind of file is like.
pub(super) struct Form {
    /// Says whose file it is, in SQLite's header.
    pub(super) application_id: i32,
    /// The version of the tables. What changes inside their values needs no new one.
    pub(super) version: i32,
    /// What a file is told before there is anything in it.
    pub(super) first: &'static str,
    /// The tables.
    pub(super) tables: &'static str,
    /// What each connection that writes is told.
    pub(super) settings: &'static str,
    /// Whether of the files that are set aside only the newest is kept: one that is large, and can be replaced.
    pub(super) keeps_one_aside: bool,
    /// Drops what is out of date when a file is opened.
    pub(super) tidy: fn(&Connection, Timestamp) -> rusqlite::Result<()>,
}

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
    #[error("a newer version of fly-autoscaler wrote it (tables {found}, this one knows {known})")]
    Newer {
        /// The version of its tables.
        found: i32,
        /// The one that this program writes.
        known: i32,
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

/// A file that was moved out of the way, and why.
#[derive(Debug)]
pub(super) struct SetAside {
    pub(super) to: PathBuf,
    pub(super) why: String,
}

/// A file, open for writing. Nobody else has it.
pub(super) struct OpenFile {
    // Closed before the lock is given back.
    pub(super) connection: Connection,
    _lock: Option<File>,
}

impl OpenFile {
    /// Opens the file at `path`, or makes it. What is there and cannot be used is set aside first.
    pub(super) fn open(
        path: &Path,
        form: &Form,
        now: Timestamp,
    ) -> Result<(Self, Option<SetAside>), FileError> {
        let directory = path.parent().unwrap_or(Path::new("/"));
        if !directory.is_dir() {
            // It is not made: without its volume, a file there would be gone with the machine.
            return Err(FileError::NoDirectory { directory: directory.to_owned() });
        }
        let lock = Some(lock(path)?);
        match connect(path, form, now) {
            Ok(connection) => Ok((Self { connection, _lock: lock }, None)),
            Err(error) if error.is_of_content() => {
                let to = set_aside(path, now)?;
                if form.keeps_one_aside {
                    drop_others(path, &to);
                }
                let connection = connect(path, form, now)?;
                let why = error.to_string();
                Ok((Self { connection, _lock: lock }, Some(SetAside { to, why })))
            }
            Err(error) => Err(error),
        }
    }

    /// The same tables where there is no file.
    pub(super) fn in_memory(form: &Form) -> Result<Self, FileError> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch(form.first)?;
        begin(&mut connection, form)?;
        Ok(Self { connection, _lock: None })
    }
}

/// The file at `path`, without changing anything: another process may be writing to it. `None`: there is
/// nothing in it.
pub(super) fn look_into(path: &Path, form: &Form) -> Result<Option<Connection>, FileError> {
    check_magic(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    match identity(&connection, form)? {
        Identity::Ours => Ok(Some(connection)),
        Identity::Empty => Ok(None),
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

fn connect(path: &Path, form: &Form, now: Timestamp) -> Result<Connection, FileError> {
    check_magic(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    // Whose it is comes first: a file of somebody else's is not changed.
    let identity = identity(&connection, form)?;
    if let Identity::Empty = identity {
        connection.execute_batch(form.first)?;
    }
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch(form.settings)?;
    match identity {
        Identity::Empty => begin(&mut connection, form)?,
        Identity::Ours => {
            let found: String =
                connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found != "ok" {
                return Err(FileError::Foreign { why: format!("it is damaged: {found}") });
            }
            (form.tidy)(&connection, now)?;
        }
    }
    Ok(connection)
}

/// Makes the tables.
fn begin(connection: &mut Connection, form: &Form) -> Result<(), FileError> {
    let transaction = connection.transaction()?;
    transaction.execute_batch(form.tables)?;
    transaction.pragma_update(None, "application_id", form.application_id)?;
    transaction.pragma_update(None, "user_version", form.version)?;
    Ok(transaction.commit()?)
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

fn identity(connection: &Connection, form: &Form) -> Result<Identity, FileError> {
    let number = |pragma: &str| {
        connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let count = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = connection.query_row(count, [], |row| row.get(0))?;
    if application == 0 && version == 0 && tables == 0 {
        Ok(Identity::Empty)
    } else if application != form.application_id || version < form.version {
        Err(FileError::Foreign { why: "it is a database of another program".into() })
    } else if version > form.version {
        Err(FileError::Newer { found: version, known: form.version })
    } else {
        Ok(Identity::Ours)
    }
}

/// Gives the file at `path`, and what SQLite has beside it, another name, and tells it. Nothing that has
/// this name already is replaced.
fn set_aside(path: &Path, now: Timestamp) -> Result<PathBuf, FileError> {
    let time = now.to_string().replace(':', "-");
    let names = (0..100_u32).map(|number| match number {
        0 => beside(path, format!(".set-aside-{time}")),
        _ => beside(path, format!(".set-aside-{time}-{number}")),
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

/// Deletes what was set aside before `newest`, as far as the system lets it.
fn drop_others(path: &Path, newest: &Path) {
    let prefix = beside(path, ".set-aside-");
    let begins = |own: &Path, with: &Path| {
        own.as_os_str().as_encoded_bytes().starts_with(with.as_os_str().as_encoded_bytes())
    };
    let entries = path.parent().and_then(|directory| fs::read_dir(directory).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let own = entry.path();
        let of_newest = ["", "-wal", "-shm"].iter().any(|suffix| own == beside(newest, suffix));
        if begins(&own, &prefix) && !of_newest {
            // What cannot be deleted only takes room.
            let _ = fs::remove_file(own);
        }
    }
}

/// The path with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: impl AsRef<OsStr>) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix.as_ref());
    PathBuf::from(name)
}
