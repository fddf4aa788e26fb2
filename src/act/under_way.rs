//! The actions that are under way, for whoever has to say what was not awaited.

use std::sync::{Arc, Mutex, PoisonError};

use crate::decide::Action;

/// A list that actions stand on from beginning to end. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct UnderWay {
    actions: Arc<Mutex<Vec<Action>>>,
}

impl UnderWay {
    /// Puts `action` on the list until the guard is dropped.
    pub(super) fn begin(&self, action: &Action) -> Guard<'_> {
        self.with(|actions| actions.push(action.clone()));
        Guard { list: self, action: action.clone() }
    }

    /// What stands on it now.
    #[must_use]
    pub fn actions(&self) -> Vec<Action> {
        self.with(|actions| actions.clone())
    }

    fn with<T>(&self, change: impl FnOnce(&mut Vec<Action>) -> T) -> T {
        change(&mut self.actions.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes its action off the list when dropped.
pub(super) struct Guard<'a> {
    list: &'a UnderWay,
    action: Action,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.list.with(|actions| {
            if let Some(index) = actions.iter().position(|action| *action == self.action) {
                actions.swap_remove(index);
            }
        });
    }
}
