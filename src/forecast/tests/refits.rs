//! Who is fitted next, in simulated time.

use super::*;

type Queue = Refits<u32>;

/// Carries out fits of `cost` until `end`, and gives each: which, when it began.
fn run(
    queue: &mut Queue,
    mut now: Timestamp,
    end: Timestamp,
    cost: impl Fn(u32) -> Duration,
) -> Vec<(u32, Timestamp)> {
    let mut fitted = Vec::new();
    while now < end {
        match queue.next(now) {
            Next::Fit(key) => {
                fitted.push((key, now));
                queue.done(key, now, cost(key), true);
                now = now.plus(cost(key));
            }
            Next::At(then) => {
                assert!(then > now, "{then} is not after {now}");
                now = then;
            }
            Next::Nothing => break,
        }
    }
    fitted
}

#[test]
fn ten_thousand_series_never_take_more_than_their_share() {
    let mut queue = Queue::new(Queue::SHARE);
    for key in 0..10_000 {
        queue.add(key, START);
    }
    let cost = |key: u32| Duration::from_millis(u64::from(key * 7919 % 200 + 10));
    let fitted = run(&mut queue, START, START.plus(DAY), cost);
    let mut busy = Duration::ZERO;
    for (key, began) in &fitted {
        let passed = began.since(START);
        assert!(busy.as_secs_f64() <= 0.1 * passed.as_secs_f64() + 0.01, "{busy:?} in {passed:?}");
        busy += cost(*key);
    }
    // And no less, where there is always something to do.
    assert!(busy.as_secs_f64() > 0.099 * DAY.as_secs_f64(), "{busy:?}");
    // All of them in their order, before any is fitted again.
    let first: Vec<u32> = fitted.iter().take(10_000).map(|(key, _)| *key).collect();
    assert_eq!(first, (0..10_000).collect::<Vec<_>>());
    assert_eq!((fitted[10_000].0, fitted[10_001].0), (0, 1));
}

#[test]
fn a_fit_is_renewed_after_an_hour_and_one_that_failed_is_tried_earlier() {
    let mut queue = Queue::new(1.0);
    let took = Duration::from_millis(100);
    queue.add(1, START);
    assert_eq!(queue.next(START), Next::Fit(1));
    assert_eq!(queue.next(START), Next::Nothing);
    queue.done(1, START, took, false);
    let retry = START.plus(took).plus(Queue::RETRY_AFTER);
    assert_eq!(queue.next(START), Next::At(retry));
    assert_eq!(queue.next(retry), Next::Fit(1));
    queue.done(1, retry, took, true);
    let renewal = retry.plus(took).plus(Queue::RENEW_AFTER);
    assert_eq!(queue.next(renewal.minus(MINUTE)), Next::At(renewal));
    assert_eq!(queue.next(renewal), Next::Fit(1));
}

#[test]
fn what_was_never_fitted_goes_first_and_what_failed_keeps_nobody_waiting() {
    let mut queue = Queue::new(1.0);
    let mut now = START;
    for key in [1, 2] {
        queue.add(key, now);
        assert_eq!(queue.next(now), Next::Fit(key));
        queue.done(key, now, Duration::ZERO, key == 1);
    }
    now = now.plus(Queue::RENEW_AFTER);
    queue.add(3, now);
    let mut order = Vec::new();
    for _ in 0..3 {
        let Next::Fit(key) = queue.next(now) else { panic!("all are due") };
        order.push(key);
        queue.done(key, now, Duration::ZERO, key != 2);
    }
    // 2 never succeeded and has waited longer than 3.
    assert_eq!(order, [2, 3, 1]);
    // 2 is first in its queue but not due; 1 is.
    assert_eq!(queue.next(now.plus(MINUTE)), Next::At(now.plus(Queue::RETRY_AFTER)));
}

#[test]
fn series_that_are_gone_are_forgotten_even_while_they_are_fitted() {
    let mut queue = Queue::new(0.1);
    for key in [1, 2, 3] {
        queue.add(key, START);
        queue.add(key, START.plus(HOUR));
    }
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.next(START), Next::Fit(1));
    queue.retain(|key| *key == 3);
    queue.done(1, START, Duration::from_secs(1), true);
    assert_eq!(queue.len(), 1);
    // The core was used all the same.
    assert_eq!(
        queue.next(START.plus(Duration::from_secs(9))),
        Next::At(START.plus(Duration::from_secs(10)))
    );
    assert_eq!(queue.next(START.plus(Duration::from_secs(10))), Next::Fit(3));
}

#[test]
fn a_share_that_is_none_is_moved_to_one() {
    for (share, pause) in [(0.0, 1000), (f64::NAN, 10), (7.0, 1), (0.5, 2)] {
        let mut queue = Queue::new(share);
        queue.add(1, START);
        queue.add(2, START);
        assert_eq!(queue.next(START), Next::Fit(1));
        queue.done(1, START, Duration::from_secs(1), true);
        let free = START.plus(Duration::from_secs(pause));
        assert_eq!(queue.next(START), Next::At(free), "{share}");
    }
}
