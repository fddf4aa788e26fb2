//! Where histories are kept between ticks.

pub mod memory;

pub use memory::MemoryStore;
