//! Keeps to Fly's documented request rates before Fly has to say so.
//!
//! Source: docs `machines/api/working-with-machines-api` (superfly/docs): one request a second for each
//! action and machine (or app, for what is about no machine) with bursts of three; five a second with
//! bursts of ten to get one machine. Lists are not named there, so they count as any other action: a
//! list of one page is within that by far, and one of ten pages takes eight seconds.
//!
//! What leaves here a second apart may arrive closer together, so the bursts are kept smaller than Fly's by
//! what may arrive too early: a second's worth.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as GovernorClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::model::Timestamp;
use crate::ports::{Clock, Operation};

const ONE: NonZeroU32 = NonZeroU32::MIN;
const WRITE_BURST: NonZeroU32 = NonZeroU32::new(2).expect("not zero");
const READ_RATE: NonZeroU32 = NonZeroU32::new(5).expect("not zero");
const READ_BURST: NonZeroU32 = NonZeroU32::new(5).expect("not zero");

/// From this many keys on, those whose allowance is full again are forgotten before a new one is
/// added. Far above what one tick of a thousand apps touches within a second or two.
const KEYS_BEFORE_CLEANING: usize = 4096;

/// What a limit applies to: one action on one machine or app.
type Key = (Operation, Arc<str>);
type Keyed = RateLimiter<Key, DashMapStateStore<Key>, MonotonicClock, NoOpMiddleware<Duration>>;

/// The limits of all calls, each machine and app on its own.
pub(super) struct Limiter {
    reads: Keyed,
    writes: Keyed,
    monotonic: MonotonicClock,
    clock: Arc<dyn Clock>,
}

impl Limiter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let monotonic = MonotonicClock::new(Arc::clone(&clock));
        let limit = |rate, burst| {
            let quota = Quota::per_second(rate).allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), monotonic.clone())
        };
        Self {
            reads: limit(READ_RATE, READ_BURST),
            writes: limit(ONE, WRITE_BURST),
            monotonic: monotonic.clone(),
            clock,
        }
    }

    /// Completes as soon as `operation` on `subject` (a machine id or an app's name) is within the
    /// limits, and counts it.
    pub(super) async fn admit(&self, operation: Operation, subject: &str) {
        let limiter = if is_read(operation) { &self.reads } else { &self.writes };
        if limiter.len() >= KEYS_BEFORE_CLEANING {
            limiter.retain_recent();
        }
        let key = (endpoint(operation), Arc::from(subject));
        while let Err(not_until) = limiter.check_key(&key) {
            let wait = not_until.wait_time_from(self.monotonic.now());
            // The clock counts whole milliseconds: a fraction of one would be slept through at once.
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).saturating_add(1);
            self.clock.sleep(Duration::from_millis(millis)).await;
        }
    }
}

/// Calls that go to one endpoint share its allowance: a created machine is looked up in the list.
fn endpoint(operation: Operation) -> Operation {
    match operation {
        Operation::FindCreated => Operation::List,
        other => other,
    }
}

/// What has the larger allowance. The release comes from another API, which documents no limit.
fn is_read(operation: Operation) -> bool {
    matches!(operation, Operation::Get | Operation::CurrentRelease)
}

/// The port's clock as governor wants it: never backwards. A wall clock that is set back by an hour
/// must not make every call wait for an hour.
#[derive(Clone)]
struct MonotonicClock {
    clock: Arc<dyn Clock>,
    reading: Arc<Mutex<Reading>>,
}

#[derive(Clone, Copy)]
struct Reading {
    last: Timestamp,
    elapsed: Duration,
}

impl MonotonicClock {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let reading = Reading { last: clock.now(), elapsed: Duration::ZERO };
        Self { clock, reading: Arc::new(Mutex::new(reading)) }
    }
}

impl GovernorClock for MonotonicClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        // A poisoned lock holds two plain numbers, which are as good as ever.
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        reading.elapsed = reading.elapsed.saturating_add(now.since(reading.last));
        reading.last = now;
        reading.elapsed
    }
}

impl fmt::Debug for MonotonicClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MonotonicClock").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures::future::BoxFuture;

    use super::*;

    /// Sleeps by moving the time, and remembers for how long.
    #[derive(Default)]
    struct MovedClock {
        now: Mutex<i64>,
        slept: Mutex<Vec<u64>>,
    }

    impl MovedClock {
        fn set(&self, millis: i64) {
            *self.now.lock().expect("lock") = millis;
        }

        fn slept(&self) -> Vec<u64> {
            self.slept.lock().expect("lock").clone()
        }
    }

    impl Clock for MovedClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(*self.now.lock().expect("lock"))
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let millis = u64::try_from(duration.as_millis()).expect("short");
            *self.now.lock().expect("lock") += i64::try_from(millis).expect("short");
            self.slept.lock().expect("lock").push(millis);
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn two_starts_of_a_machine_pass_and_the_third_waits_a_second() {
        let clock = Arc::new(MovedClock::default());
        let limiter = Limiter::new(clock.clone());
        for _ in 0..3 {
            limiter.admit(Operation::Start, "m1").await;
        }
        assert_eq!(clock.slept(), [1001]);
        limiter.admit(Operation::Start, "m2").await;
        limiter.admit(Operation::Stop, "m1").await;
        assert_eq!(
            clock.slept(),
            [1001],
            "another machine and another action have their own limit"
        );
    }

    #[tokio::test]
    async fn five_reads_of_a_machine_pass_and_the_sixth_waits_a_fifth_of_a_second() {
        let clock = Arc::new(MovedClock::default());
        let limiter = Limiter::new(clock.clone());
        for _ in 0..6 {
            limiter.admit(Operation::Get, "m1").await;
        }
        assert_eq!(clock.slept(), [201]);
    }

    #[tokio::test]
    async fn looking_up_a_created_machine_is_a_list() {
        let clock = Arc::new(MovedClock::default());
        let limiter = Limiter::new(clock.clone());
        for operation in [Operation::List, Operation::FindCreated] {
            limiter.admit(operation, "app").await;
        }
        assert_eq!(clock.slept(), Vec::<u64>::new());
        limiter.admit(Operation::List, "app").await;
        assert_eq!(clock.slept(), [1001]);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_does_not_stop_calls() {
        let clock = Arc::new(MovedClock::default());
        clock.set(3_600_000);
        let limiter = Limiter::new(clock.clone());
        for _ in 0..2 {
            limiter.admit(Operation::Create, "app").await;
        }
        clock.set(0);
        limiter.admit(Operation::Create, "app").await;
        assert_eq!(clock.slept(), [1001]);
    }

    #[tokio::test]
    async fn idle_keys_are_forgotten() {
        let clock = Arc::new(MovedClock::default());
        let limiter = Limiter::new(clock.clone());
        for id in 0..KEYS_BEFORE_CLEANING {
            limiter.admit(Operation::Start, &id.to_string()).await;
        }
        clock.set(60_000);
        limiter.admit(Operation::Start, "one more").await;
        assert_eq!(limiter.writes.len(), 1);
    }
}
