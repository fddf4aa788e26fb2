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

/// How many questions may wait. Whoever asked gives up after a while; the thread, which is behind then, has to
/// go through all of them.
const MOST_QUESTIONS: usize = 64;

/// Why nothing was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotAsked {
    #[error("it is closed")]
    Closed,
    #[error("{MOST_QUESTIONS} questions wait already")]
    TooMany,
}

/// One thing that waits.
pub(super) enum Waiting {
    Tick(AppName, Arc<Tick>),
    Noted(Noted),
}

/// A question. It sends its answer itself. After an error, which is one of the file, it is asked again.
pub(super) type Question = Box<dyn FnMut(&mut Recorder) -> Result<(), FileError> + Send>;

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

    /// Takes back what the tables did not take, for those that come next.
    pub(super) fn put_back(
        &mut self,
        mut waiting: VecDeque<Waiting>,
        mut questions: Vec<Question>,
    ) {
        waiting.append(&mut self.waiting);
        self.waiting = waiting;
        questions.append(&mut self.questions);
        self.questions = questions;
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

    /// Puts a question.
    pub(super) fn ask(&self, question: Question) -> Result<(), NotAsked> {
        let mut queue = self.lock();
        if queue.is_closed {
            return Err(NotAsked::Closed);
        }
        if queue.questions.len() >= MOST_QUESTIONS {
            return Err(NotAsked::TooMany);
        }
        queue.questions.push(question);
        self.changed.notify_all();
        Ok(())
    }

    /// Nothing is taken in any more. Questions that wait get no answer, which whoever asked is told.
    pub(super) fn close(&self) {
        let mut queue = self.lock();
        (queue.has_begun, queue.is_closed) = (true, true);
        queue.waiting.clear();
        queue.questions.clear();
        self.changed.notify_all();
    }
}
