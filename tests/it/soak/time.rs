//! Simulated time for several parties at once: it stands still while anyone works, and moves on to the next
//! thing that somebody waits for.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fly_autoscaler::model::Timestamp;
use fly_autoscaler::ports::{BoxFuture, Clock};

/// Who waits until when. The number keeps those apart that wait for the same time.
type Sleeps = BTreeMap<(Timestamp, u64), Option<Waker>>;

/// A clock that moves from one end of a sleep to the next when it is told to.
pub(crate) struct SteppedClock {
    state: Arc<Mutex<State>>,
}

struct State {
    now: Timestamp,
    begun: u64,
    sleeps: Sleeps,
}

impl SteppedClock {
    pub(crate) fn new(start: Timestamp) -> Arc<Self> {
        let state = State { now: start, begun: 0, sleeps: Sleeps::new() };
        Arc::new(Self { state: Arc::new(Mutex::new(state)) })
    }

    /// How many sleeps wait.
    pub(crate) fn sleepers(&self) -> usize {
        lock(&self.state).sleeps.len()
    }

    /// Moves on to the end of the next sleep, or to `end` where that comes first.
    pub(crate) fn step(&self, end: Timestamp) {
        let woken = {
            let mut state = lock(&self.state);
            let next = state.sleeps.first_key_value().map_or(end, |((until, _), _)| *until);
            state.now = std::cmp::max(state.now, std::cmp::min(next, end));
            let (now, mut woken) = (state.now, Vec::new());
            for (_, waker) in state.sleeps.range_mut(..=(now, u64::MAX)) {
                woken.extend(waker.take());
            }
            woken
        };
        woken.into_iter().for_each(Waker::wake);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap()
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        lock(&self.state).now
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut state = lock(&self.state);
        state.begun += 1;
        let key = (state.now.plus(duration), state.begun);
        state.sleeps.insert(key, None);
        Box::pin(Sleep { state: Arc::clone(&self.state), key })
    }
}

struct Sleep {
    state: Arc<Mutex<State>>,
    key: (Timestamp, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.state);
        if state.now >= self.key.0 {
            return Poll::Ready(());
        }
        state.sleeps.insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        lock(&self.state).sleeps.remove(&self.key);
    }
}
