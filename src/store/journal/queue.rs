//! What waits for the thread.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::recorder::Recorder;
use crate::journal::Noted;
use crate::model::AppName;
use crate::status::Tick;
use crate::store::FileError;

/// How many ticks may wait. A disk that is slower than this many of them loses some.
const MOST: usize = 8192;
/// So many are not left to gather any longer.
const MANY: usize = 1024;

/// One thing that waits.
pub(super) enum Waiting {
    Tick(AppName, Arc<Tick>),
    Noted(Noted),
}

/// A question. It sends its answer itself; an error is one of the file.
pub(super) type Question = Box<dyn FnOnce(&mut Recorder) -> Result<(), FileError> + Send>;

/// Everything that waits.
#[derive(Default)]
pub(super) struct Queue {
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) questions: Vec<Question>,
    /// How many ticks there was no room for since the last look.
    pub(super) dropped: u64,
    /// The file was tried for the first time.
    pub(super) has_begun: bool,
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
}

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.is_urgent()
    }

    /// Whether the thread is to begin at once.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_closing || !self.questions.is_empty() || self.waiting.len() >= MANY
    }
}

/// What the ticks and the thread share.
#[derive(Default)]
pub(super) struct Shared {
    queue: Mutex<Queue>,
    /// Something in the queue has changed.
    pub(super) changed: Condvar,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, Queue> {
        // Each change of the queue is one assignment or one insertion: a panic leaves none half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn put(&self, own: Waiting) {
        let mut queue = self.lock();
        if queue.is_closed {
            return;
        }
        if queue.waiting.len() >= MOST {
            queue.dropped += 1;
            return;
        }
        queue.waiting.push_back(own);
        // While some gather, nobody needs to be woken for one more.
        if queue.waiting.len() == 1 || queue.waiting.len() == MANY {
            self.changed.notify_all();
        }
    }

    /// Puts a question; `false` where nobody answers any more.
    pub(super) fn ask(&self, question: Question) -> bool {
        let mut queue = self.lock();
        if queue.is_closed {
            return false;
        }
        queue.questions.push(question);
        self.changed.notify_all();
        true
    }
}
