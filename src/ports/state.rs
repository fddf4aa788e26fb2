//! What outlives a tick, and perhaps the process.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::BoxFuture;
use crate::decide::History;
use crate::model::{AppName, Timestamp};

/// What is kept of one app.
#[derive(Debug, Clone)]
pub struct AppState {
    /// What its decisions remember.
    pub history: History,
    /// What its collectors remember, where somebody gave it to be kept.
    pub measured: Option<Measured>,
}

/// What an app's collectors remember. Only they can read it.
#[derive(Debug, Clone)]
pub struct Measured {
    /// When it was given to be kept.
    pub at: Timestamp,
    /// The memory, as JSON.
    pub memory: Arc<RawValue>,
}

/// One of an app's series. Only who gave it to be kept can read it.
pub struct KeptSeries {
    /// Tells it from the others of the app.
    pub name: String,
    /// Writes it down: made where the time for that is, which is not in a tick. `None` where that cannot be.
    pub text: Box<dyn FnOnce() -> Option<String> + Send>,
}

/// What is known of who was paused in an earlier process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptPauses {
    /// Nothing so far: what it left could not be read yet.
    Unread,
    /// What it left, if it left anything; or what this process keeps.
    Read(Option<String>),
}

/// Where the state of each app is kept between ticks.
///
/// None of these fails: a store that cannot keep what it is given for longer keeps it for as long as the
/// process lives, and says so itself.
pub trait StateStore: Send + Sync {
    /// What was saved last for `app`; a fresh history where nothing was.
    fn load(&self, app: &AppName) -> AppState;

    /// Replaces what is kept for `app`. Returns at once.
    fn save(&self, app: &AppName, state: AppState);

    /// Replaces what is kept for `app`, and completes when that outlives the process, however it ends.
    /// Where that takes too long it completes all the same.
    fn secure<'a>(&'a self, app: &'a AppName, state: AppState) -> BoxFuture<'a, ()>;

    /// Whether anything outlives the process here. Where nothing does, what collectors remember need not
    /// be given to be kept: they have it themselves.
    fn outlives_process(&self) -> bool;

    /// Replaces what is kept of the series of `app`: what its expressions look back and ahead at. Returns at once.
    /// Kept is only what outlives the process: in memory whoever calls has them.
    fn save_series(&self, app: &AppName, series: Vec<KeptSeries>) {
        let _ = (app, series);
    }

    /// The texts that an earlier process left of the series of `app`. Once: then they are the caller's.
    fn take_series(&self, app: &AppName) -> Vec<String> {
        let _ = app;
        Vec::new()
    }

    /// Replaces what is kept of who is paused, and completes when that outlives the process, or cannot in time;
    /// gives whether it does.
    fn keep_pauses(&self, pauses: String) -> BoxFuture<'_, bool> {
        drop(pauses);
        Box::pin(std::future::ready(false))
    }

    /// What an earlier process left of who is paused. While that is not known, [`StateStore::keep_pauses`] would
    /// replace what nobody has read.
    fn kept_pauses(&self) -> KeptPauses {
        KeptPauses::Read(None)
    }

    /// Drops what is kept for `app`, which is no longer scaled.
    fn forget(&self, app: &AppName);
}
