//! Where the state of apps is kept between ticks: in memory, or in a file that outlives the process.

mod file;
pub mod journal;
pub mod memory;
pub mod sqlite;

pub use file::FileError;
pub use journal::{JournalReader, JournalStore};
pub use memory::MemoryStore;
pub use sqlite::{Options, SqliteStore, read};
