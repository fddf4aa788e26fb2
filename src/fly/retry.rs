//! When a failed call is tried again, and after how long.
//!
//! Only what cannot do harm twice is repeated. The tick's own deadline ends all waiting: the caller
//! drops the call.

use std::hash::BuildHasher;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::model::Timestamp;
use crate::ports::Operation;

/// Tries beyond the first.
const RETRIES: usize = 2;
/// The shortest wait where Fly does not say how long: its limits are counted per second.
const RATE_LIMITED_DELAY: Duration = Duration::from_secs(1);
/// The longest `Retry-After` that is waited for. With a longer one the call fails at once and the
/// next tick tries: coming back earlier than Fly asked would only prolong the refusal.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10);

/// How a try failed, as far as trying again depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// No connection came about: the request surely did not arrive.
    NotSent,
    /// The connection broke: the request may have arrived.
    Broken,
    /// No answer in time. Not repeated: the time for it is used up.
    TimedOut,
    /// An answer that is not a success.
    Status {
        /// The HTTP status.
        status: u16,
        /// How long Fly wants us to wait.
        retry_after: Option<Duration>,
    },
}

/// The delays of one call.
pub(super) struct Retries(ExponentialBackoff);

impl Retries {
    pub(super) fn new() -> Self {
        // Machines that failed together must not come back together. The hasher's keys are random,
        // which is all the randomness that this needs.
        let seed = std::hash::RandomState::new().hash_one(());
        let delays = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_factor(3.0)
            .with_max_times(RETRIES)
            .with_jitter()
            .with_jitter_seed(seed);
        Self(delays.build())
    }

    /// How long to wait before `operation` is tried again; `None`: it is not.
    pub(super) fn next(&mut self, operation: Operation, failure: Failure) -> Option<Duration> {
        let least = match failure {
            Failure::NotSent => Duration::ZERO,
            Failure::Broken | Failure::Status { status: 502..=504, .. }
                if !may_be_repeated(operation) =>
            {
                return None;
            }
            Failure::Broken => Duration::ZERO,
            Failure::Status { status: 429, retry_after } => {
                retry_after.unwrap_or(RATE_LIMITED_DELAY)
            }
            Failure::Status { status: 502..=504, retry_after } => retry_after.unwrap_or_default(),
            Failure::TimedOut | Failure::Status { .. } => return None,
        };
        if least > LONGEST_RETRY_AFTER {
            return None;
        }
        Some(least + self.0.next()?)
    }
}

/// Whether doing `operation` twice comes to the same as doing it once. A second create makes a second
/// machine, or volume; a second lease request is refused because of the first. Whether a machine that is
/// suspended takes another suspend is not documented, and a refusal would pass for that of the first.
fn may_be_repeated(operation: Operation) -> bool {
    !matches!(
        operation,
        Operation::Create | Operation::CreateVolume | Operation::AcquireLease | Operation::Suspend
    )
}

/// Reads a `Retry-After` header: seconds or an HTTP date.
pub(super) fn parse_retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Timestamp::from_millis(at.as_millisecond()).since(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_safe_is_tried_again() {
        let status = |status| Failure::Status { status, retry_after: None };
        // failure | a start again | a create again
        let table = [
            (Failure::NotSent, true, true),
            (Failure::Broken, true, false),
            (Failure::TimedOut, false, false),
            (status(429), true, true),
            (status(502), true, false),
            (status(503), true, false),
            (status(504), true, false),
            (status(500), false, false),
            (status(408), false, false),
            (status(409), false, false),
            (status(401), false, false),
        ];
        for (failure, start, create) in table {
            let again = |operation| Retries::new().next(operation, failure).is_some();
            assert_eq!(again(Operation::Start), start, "start after {failure:?}");
            assert_eq!(again(Operation::Create), create, "create after {failure:?}");
            assert_eq!(again(Operation::AcquireLease), create, "lease after {failure:?}");
            assert_eq!(again(Operation::Suspend), create, "suspend after {failure:?}");
        }
    }

    #[test]
    fn there_are_two_more_tries_with_growing_delays() {
        let mut retries = Retries::new();
        let mut next = || retries.next(Operation::List, Failure::Broken);
        let (first, second) = (next().expect("a delay"), next().expect("a delay"));
        assert!((200..=400).contains(&first.as_millis()), "{first:?}");
        assert!((600..=1200).contains(&second.as_millis()), "{second:?}");
        assert_eq!(next(), None);
    }

    #[test]
    fn fly_says_how_long_within_reason() {
        let after = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            Retries::new().next(Operation::Stop, Failure::Status { status: 429, retry_after })
        };
        let seven = after(7).expect("a delay").as_millis();
        assert!((7_200..=7_400).contains(&seven), "{seven}");
        assert_eq!(after(11), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse_rfc3339("2026-08-21T10:00:00Z").expect("a time");
        let table = [
            ("3", Some(3)),
            ("Fri, 21 Aug 2026 10:00:05 GMT", Some(5)),
            ("Fri, 21 Aug 2026 09:00:00 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
            ("", None),
        ];
        for (text, want) in table {
            assert_eq!(parse_retry_after(text, now), want.map(Duration::from_secs), "{text}");
        }
    }
}
