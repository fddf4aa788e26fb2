//! Where Fly has room, as far as the creates of one tick have found out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Gate, OwnedMutexGuard};

use crate::model::{ProcessGroup, Region};

/// What is known of the regions that the creates of a tick go to, so that one refusal serves all: the first
/// create of a group in a region goes ahead, and the others wait for what becomes of it.
#[derive(Debug, Default)]
pub(super) struct Rooms {
    known: Mutex<Gates>,
}

type Gates = BTreeMap<(ProcessGroup, Region), Arc<Gate<Room>>>;

/// Whether Fly has room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Room {
    #[default]
    Unknown,
    Some,
    None,
}

/// The right to create a machine somewhere. What became of it is told by [`Entry::ended`].
pub(super) struct Entry {
    gate: Arc<Gate<Room>>,
    /// Held by the first, so that the others wait.
    first: Option<OwnedMutexGuard<Room>>,
}

impl Rooms {
    /// Waits until it is known whether there is room in `region`, or until nobody else is about to find
    /// out. `None` where there is none.
    pub(super) async fn enter(&self, group: &ProcessGroup, region: &Region) -> Option<Entry> {
        let gate = {
            // A map of gates is never half written, and another app's panic must not stop this one.
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(known.entry((group.clone(), region.clone())).or_default())
        };
        let room = Arc::clone(&gate).lock_owned().await;
        match *room {
            Room::None => None,
            Room::Some => Some(Entry { gate, first: None }),
            Room::Unknown => Some(Entry { gate, first: Some(room) }),
        }
    }
}

impl Entry {
    /// Tells the others whether there was room.
    pub(super) async fn ended(self, has_room: bool) {
        let room = if has_room { Room::Some } else { Room::None };
        match self.first {
            Some(mut first) => *first = room,
            None if has_room => {}
            None => *self.gate.lock().await = room,
        }
    }
}
