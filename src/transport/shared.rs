//! One answer for several who ask at about the same time.

use std::time::Duration;

use tokio::sync::Mutex;

use crate::model::Timestamp;

/// The last answer to a question that many ask. Who asks while somebody else is asking waits for that
/// answer. A failure is an answer too: what does not work is not asked once for each who wants it.
#[derive(Debug)]
pub struct Shared<T> {
    fresh_for: Duration,
    last: Mutex<Option<(Timestamp, T)>>,
}

impl<T: Clone> Shared<T> {
    /// Nothing asked yet. An answer serves for `fresh_for`.
    #[must_use]
    pub fn new(fresh_for: Duration) -> Self {
        Self { fresh_for, last: Mutex::new(None) }
    }

    /// The last answer, if it is fresh at `now`, or else what `ask` gives. Where the one who asks gives
    /// up (the future is dropped), the next one asks.
    pub async fn get(&self, now: Timestamp, ask: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last {
            // One from far in the future was given before the clock was set back.
            let is_fresh = at.is_within(self.fresh_for, now);
            if is_fresh {
                return answer.clone();
            }
        }
        let answer = ask.await;
        *last = Some((now, answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::future::join_all;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[tokio::test]
    async fn all_who_ask_at_once_get_one_answer() {
        let shared = Shared::new(Duration::from_secs(5));
        let asked = Cell::new(0);
        let ask = || async {
            tokio::task::yield_now().await;
            asked.set(asked.get() + 1);
            asked.get()
        };
        let answers = join_all((0..1000).map(|_| shared.get(at(100), ask()))).await;
        assert_eq!((asked.get(), answers.iter().all(|answer| *answer == 1)), (1, true));
        // (at, the answer): fresh for five seconds, in either direction of a clock that jumps.
        for (seconds, want) in [(104, 1), (105, 2), (109, 2), (101, 2), (90, 3)] {
            assert_eq!(shared.get(at(seconds), ask()).await, want, "{seconds}");
        }
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_question_to_the_next() {
        let shared = Shared::new(Duration::from_secs(5));
        let mut first = Box::pin(shared.get(at(0), std::future::pending()));
        assert!(futures::poll!(&mut first).is_pending());
        let mut second = Box::pin(shared.get(at(0), async { 7 }));
        assert!(futures::poll!(&mut second).is_pending(), "it waits for the first");
        drop(first);
        assert_eq!(second.await, 7);
    }
}
