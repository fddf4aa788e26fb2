//! The thread that has the tables.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Options;
use super::book::Book;
use super::carry::carry;
use super::prune::{self, Bounds};
use super::queue::{Question, Shared, Waiting};
use super::recorder::Recorder;
use crate::model::Timestamp;
use crate::ports::Clock;
use crate::store::file::{FileError, SetAside};
use crate::telemetry::Metrics;
use crate::telemetry::events::{
    JournalBehind, JournalCaughtUp, JournalKept, JournalLeavesOut, JournalNotKept, JournalPanicked,
    JournalSetAside, JournalTorn,
};

/// How long ticks may gather before they are written: many apps then share a transaction.
const GATHERED_FOR: Duration = Duration::from_secs(1);
/// How often it is looked whether something is due.
const LOOKED_EVERY: Duration = Duration::from_secs(1);
/// How much is dropped at once when there is too much: ticks come on meanwhile.
const MOST_STEPS: usize = 8;
/// How much is kept where there is no file.
const IN_MEMORY: u64 = 8 << 20;

/// Everything that the thread works with.
pub(super) struct Thread {
    pub(super) options: Options,
    pub(super) shared: Arc<Shared>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Arc<Metrics>,
    /// Since when there is no file that should be there.
    without_file: Option<Timestamp>,
    is_behind: bool,
    is_torn: bool,
    is_leaving_out: bool,
}

/// What there is to do.
struct Batch {
    waiting: VecDeque<Waiting>,
    questions: Vec<Question>,
    dropped: u64,
    is_closing: bool,
}

/// Closes the queue when the thread ends, however it ends.
struct Ended {
    shared: Arc<Shared>,
    metrics: Arc<Metrics>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.shared.close();
        if std::thread::panicking() {
            JournalPanicked.emit(&self.metrics);
        }
    }
}

impl Thread {
    pub(super) fn new(
        options: Options,
        shared: &Arc<Shared>,
        clock: &Arc<dyn Clock>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let (shared, clock, metrics) = (Arc::clone(shared), Arc::clone(clock), Arc::clone(metrics));
        let without_file = None;
        let (is_behind, is_torn, is_leaving_out) = (false, false, false);
        Self { options, shared, clock, metrics, without_file, is_behind, is_torn, is_leaving_out }
    }

    /// Takes in what comes, until the journal is closed.
    pub(super) fn run(mut self) {
        // What cannot even be kept in memory is not kept.
        let _ended = Ended { shared: Arc::clone(&self.shared), metrics: Arc::clone(&self.metrics) };
        while let Ok(mut recorder) = self.open() {
            self.shared.lock().has_begun = true;
            self.shared.changed.notify_all();
            match self.serve(&mut recorder) {
                Ok(()) => break,
                Err(error) => self.give_up(&error),
            }
        }
    }

    /// The file, or memory where there is none or it is not to be had.
    fn open(&mut self) -> Result<Recorder, FileError> {
        let Some(path) = self.options.path.clone() else {
            return Book::in_memory().map(Recorder::new);
        };
        if self.without_file.is_none() {
            match Book::open(&path, self.options.size, self.clock.now()) {
                Ok((book, set_aside)) => {
                    self.tell(&path, set_aside, false);
                    return Ok(Recorder::new(book));
                }
                Err(error) => self.give_up(&error),
            }
        }
        Book::in_memory().map(Recorder::new)
    }

    /// Says that the file is open, and what became of the one before.
    fn tell(&self, path: &Path, set_aside: Option<SetAside>, again: bool) {
        if let Some(own) = set_aside {
            JournalSetAside { path, to: &own.to, why: &own.why }.emit(&self.metrics);
        }
        JournalKept { path, again }.emit(&self.metrics);
    }

    /// Works until the journal is closed, or the tables are not to be had.
    fn serve(&mut self, recorder: &mut Recorder) -> Result<(), FileError> {
        loop {
            let batch = self.next(recorder.has_unwritten());
            self.count_dropped(batch.dropped);
            self.return_to_file(recorder)?;
            let Batch { waiting, mut questions, is_closing, .. } = batch;
            if let Err(error) = self.take_in(recorder, &waiting, is_closing) {
                self.shared.lock().put_back(waiting, questions);
                return Err(error);
            }
            if let Err(error) = questions.iter_mut().try_for_each(|question| question(recorder)) {
                self.shared.lock().put_back(VecDeque::new(), questions);
                return Err(error);
            }
            self.tell_left_out(std::mem::take(&mut recorder.book.left_out));
            self.tell_torn(std::mem::take(&mut recorder.torn));
            if is_closing {
                return Ok(());
            }
            if !waiting.is_empty() {
                self.prune(&recorder.book)?;
            }
        }
    }

    /// Takes in what waits, in one transaction.
    fn take_in(
        &self,
        recorder: &mut Recorder,
        waiting: &VecDeque<Waiting>,
        is_closing: bool,
    ) -> Result<(), FileError> {
        let now = self.clock.now();
        recorder.book.begin()?;
        for own in waiting {
            match own {
                Waiting::Tick(app, tick) => recorder.take(app, tick, now)?,
                Waiting::Noted(noted) => recorder.note(noted)?,
            }
        }
        recorder.write_old(now)?;
        if is_closing {
            recorder.write_all()?;
        }
        recorder.book.commit()
    }

    /// Drops what is too much, as long as nobody waits for anything else.
    fn prune(&self, book: &Book) -> Result<(), FileError> {
        for _ in 0..MOST_STEPS {
            let is_more = prune::step(book, self.bounds(), self.clock.now())?;
            if !is_more || self.shared.lock().is_urgent() {
                break;
            }
        }
        Ok(())
    }

    fn bounds(&self) -> Bounds {
        let has_file = self.options.path.is_some() && self.without_file.is_none();
        let size = if has_file { self.options.size } else { IN_MEMORY };
        Bounds { retention: self.options.retention, size }
    }

    /// Waits until there is something to do.
    fn next(&self, has_unwritten: bool) -> Batch {
        let changed = &self.shared.changed;
        let mut queue = self.shared.lock();
        if has_unwritten || self.without_file.is_some() {
            let every = LOOKED_EVERY.min(self.options.retry);
            let waited = changed.wait_timeout_while(queue, every, |queue| queue.is_empty());
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else {
            let waited = changed.wait_while(queue, |queue| queue.is_empty());
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
        if !queue.waiting.is_empty() {
            let gathered =
                changed.wait_timeout_while(queue, GATHERED_FOR, |queue| !queue.is_urgent());
            queue = gathered.unwrap_or_else(PoisonError::into_inner).0;
        }
        Batch {
            waiting: std::mem::take(&mut queue.waiting),
            questions: std::mem::take(&mut queue.questions),
            dropped: std::mem::take(&mut queue.dropped),
            is_closing: queue.is_closing,
        }
    }

    fn count_dropped(&mut self, dropped: u64) {
        if dropped > 0 {
            let began = !std::mem::replace(&mut self.is_behind, true);
            JournalBehind { dropped, began }.emit(&self.metrics);
        } else if std::mem::take(&mut self.is_behind) {
            JournalCaughtUp.emit(&self.metrics);
        }
    }

    fn tell_left_out(&mut self, numbers: u64) {
        if numbers > 0 && !std::mem::replace(&mut self.is_leaving_out, true) {
            JournalLeavesOut { numbers }.emit(&self.metrics);
        }
    }

    fn tell_torn(&mut self, rows: u64) {
        if rows > 0 && !std::mem::replace(&mut self.is_torn, true) {
            JournalTorn { rows }.emit(&self.metrics);
        }
    }

    fn give_up(&mut self, error: &FileError) {
        let Some(path) = &self.options.path else { return };
        if self.without_file.is_none() {
            let again_in = self.options.retry;
            JournalNotKept { path, error, again_in }.emit(&self.metrics);
        }
        self.without_file = Some(self.clock.now());
    }

    /// Tries the file again, where it is time. What was kept in memory meanwhile goes into it.
    fn return_to_file(&mut self, recorder: &mut Recorder) -> Result<(), FileError> {
        let (Some(since), Some(path)) = (self.without_file, self.options.path.clone()) else {
            return Ok(());
        };
        let now = self.clock.now();
        if since.is_within(self.options.retry, now) {
            return Ok(());
        }
        self.without_file = Some(now);
        recorder.write_all()?;
        let carried =
            Book::open(&path, self.options.size, now).and_then(|(mut book, set_aside)| {
                carry(&recorder.book, &mut book)?;
                Ok((book, set_aside))
            });
        if let Ok((book, set_aside)) = carried {
            self.tell(&path, set_aside, true);
            *recorder = Recorder::new(book);
            self.without_file = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{EntryKind, Noted};
    use crate::model::AppName;
    use crate::sim::ManualClock;
    use crate::store::journal::queue::NotAsked;

    fn thread() -> Thread {
        let hour = Duration::from_secs(3600);
        let options = Options { path: None, retention: hour, size: 1 << 20, retry: hour };
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_millis(0)));
        Thread::new(options, &Arc::default(), &clock, &Arc::new(Metrics::new("test", "test")))
    }

    fn noted() -> Waiting {
        let at = Timestamp::from_millis(0);
        Waiting::Noted(Noted {
            at,
            app: Some(AppName::new("web")),
            kind: EntryKind::Start,
            text: String::new(),
        })
    }

    #[test]
    fn a_panic_of_the_thread_closes_the_journal_and_shows() {
        let own = thread();
        let (shared, metrics) = (Arc::clone(&own.shared), Arc::clone(&own.metrics));
        shared.ask(Box::new(|_| panic!("a bug"))).expect("it is asked");
        shared.ask(Box::new(|_| Ok(()))).expect("it is asked");
        let panicked = std::thread::spawn(move || own.run()).join();
        assert!(panicked.is_err());
        shared.put(noted());
        assert_eq!(shared.ask(Box::new(|_| Ok(()))), Err(NotAsked::Closed));
        let queue = shared.lock();
        assert!(queue.is_closed && queue.waiting.is_empty() && queue.questions.is_empty());
        assert!(metrics.render().expect("text").lines().any(|line| line == "fas_journal_ok 0"));
    }

    #[test]
    fn questions_that_wait_have_a_bound() {
        let own = thread();
        let ask = || own.shared.ask(Box::new(|_| Ok(())));
        let asked = (0..1000).filter(|_| ask().is_ok()).count();
        assert_eq!((asked, ask()), (64, Err(NotAsked::TooMany)));
        assert_eq!(NotAsked::TooMany.to_string(), "64 questions wait already");
    }
}
