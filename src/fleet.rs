//! Many apps from one process: which there are, and what is known of their machines without asking for
//! those of each.
//!
//! A fleet's quiet tick costs no request of its own. What each app said of itself is kept in outline
//! ([`Roster`]) and brought up to date by one list of what changed in the whole organization. That is
//! enough to see that there is nothing to do. Before anything is done, the app is asked itself.

mod directory;
mod roster;

pub use directory::Matching;
pub use roster::Roster;
