//! Where the state of apps is kept between ticks: in memory, or in a file that outlives the process.

pub mod memory;
pub mod sqlite;

pub use memory::MemoryStore;
pub use sqlite::{Options, SqliteStore, read};
