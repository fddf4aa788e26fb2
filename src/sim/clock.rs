//! A clock that stands still until a test moves it.

use std::time::Duration;

use tokio::sync::watch;

use crate::model::Timestamp;
use crate::ports::{BoxFuture, Clock};

/// Shows the same time until [`ManualClock::advance`]; whoever sleeps wakes when it is moved past.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn new(start: Timestamp) -> Self {
        Self { now: watch::Sender::new(start) }
    }

    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.plus(by));
    }

    /// How many sleeps wait for the clock to be moved.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let deadline = self.now().plus(duration);
        let mut now = self.now.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= deadline).await.is_err() {
                // The clock is gone, so that its time never comes.
                std::future::pending::<()>().await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleep_ends_when_the_clock_is_moved_past_it() {
        let clock = ManualClock::new(Timestamp::from_millis(0));
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert_eq!(clock.sleepers(), 1);

        clock.advance(Duration::from_millis(9_999));
        assert!(futures::poll!(&mut sleep).is_pending());
        clock.advance(Duration::from_millis(1));
        assert!(futures::poll!(&mut sleep).is_ready());
        assert_eq!(clock.now(), Timestamp::from_millis(10_000));
    }
}
