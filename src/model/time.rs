//! Points in time as plain data. Nothing here can read a clock: see `clock.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point in time: milliseconds since the Unix epoch. Arithmetic saturates, so that a nonsensical
/// time from outside cannot bring down a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The time `seconds` seconds after the Unix epoch, or `None` when that is not a finite
    /// number of milliseconds that fits.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        let millis = seconds * 1000.0;
        // 2^53: beyond it a float no longer counts milliseconds, and no real clock gets there.
        (millis.abs() < 9_007_199_254_740_992.0).then_some(Self(millis.round() as i64))
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch, as Prometheus writes times.
    #[must_use]
    pub fn as_seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether this time is less than `span` from `now`, to either side. One far in the future means that the
    /// clock was set back: as good as long ago, or a wrong clock would make it last for ever.
    #[must_use]
    pub fn is_within(self, span: Duration, now: Self) -> bool {
        now.since(self) < span && self.since(now) < span
    }

    /// This time plus `duration`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This time minus `duration`.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Reads RFC 3339, as Fly's APIs write times.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Self(at.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds; the bare number where it is outside the calendar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(at) => write!(f, "{at:.3}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        let outside_calendar = || text.strip_suffix("ms")?.parse().ok().map(Self);
        let read = Self::parse_rfc3339(&text).or_else(outside_calendar);
        read.ok_or_else(|| serde::de::Error::custom("not an RFC 3339 time"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_instead_of_overflowing() {
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus(Duration::MAX), end);
        assert_eq!(Timestamp::from_millis(i64::MIN).minus(Duration::MAX).as_millis(), i64::MIN);
        assert_eq!(Timestamp::from_millis(0).since(Timestamp::from_millis(5)), Duration::ZERO);
    }

    #[test]
    fn within_a_span_is_to_either_side_and_short_of_its_end() {
        let (now, span) = (Timestamp::from_millis(10_000), Duration::from_secs(5));
        for (at, is_within) in
            [(5_000, false), (5_001, true), (10_000, true), (14_999, true), (15_000, false)]
        {
            assert_eq!(Timestamp::from_millis(at).is_within(span, now), is_within, "{at}");
        }
    }

    #[test]
    fn times_are_written_as_they_are_read() {
        let at = Timestamp::parse_rfc3339("2026-08-21T10:00:00.250Z").expect("a time");
        assert_eq!(at.to_string(), "2026-08-21T10:00:00.250Z");
        for millis in [at.as_millis(), 0, -1, i64::MAX, i64::MIN] {
            let at = Timestamp::from_millis(millis);
            let text = serde_json::to_string(&at).expect("text");
            assert_eq!(serde_json::from_str::<Timestamp>(&text).ok(), Some(at), "{text}");
        }
        assert_eq!(Timestamp::from_seconds(f64::NAN), None);
        assert_eq!(Timestamp::from_seconds(1.5), Some(Timestamp::from_millis(1500)));
    }
}
