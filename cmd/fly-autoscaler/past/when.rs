//! Times as people write them.

use std::time::Duration;

use fly_autoscaler::config::duration;
use fly_autoscaler::model::Timestamp;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A point in time: RFC 3339, a time of the last 24 hours in UTC, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum At {
    Time(Timestamp),
    /// So long after midnight.
    OfDay(Duration),
    Ago(Duration),
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ago(pub(crate) Duration);

impl std::str::FromStr for At {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let time = || Timestamp::parse_rfc3339(text).map(Self::Time);
        let ago = || duration::parse(text).map(Self::Ago);
        time().or_else(|| of_day(text).map(Self::OfDay)).or_else(ago).ok_or(
            "write a time as 2026-08-21T10:00:00Z, as 10:00 or 10:00:30 (in UTC, of the last 24 hours), or as how long ago it is: 10m",
        )
    }
}

impl std::str::FromStr for Ago {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let length = duration::parse(text).filter(|length| !length.is_zero());
        length
            .map(Self)
            .ok_or("write a length of time such as 30m, 1h or 168h: hours are the longest unit")
    }
}

/// `HH:MM` or `HH:MM:SS` after midnight.
fn of_day(text: &str) -> Option<Duration> {
    let mut parts = text.split(':').map(|part| match part.len() {
        2 if part.bytes().all(|byte| byte.is_ascii_digit()) => part.parse::<u64>().ok(),
        _ => None,
    });
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let seconds = match parts.next() {
        None => 0,
        Some(seconds) => seconds?,
    };
    let is_time = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    is_time.then(|| Duration::from_secs(hours * 3600 + minutes * 60 + seconds))
}

impl At {
    /// The time that is meant at `now`.
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Time(at) => at,
            Self::Ago(ago) => now.minus(ago),
            Self::OfDay(after) => {
                let day = i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX);
                let midnight = Timestamp::from_millis(now.as_millis().div_euclid(day) * day);
                let today = midnight.plus(after);
                if today <= now { today } else { today.minus(DAY) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let now = Timestamp::parse_rfc3339("2026-08-21T10:30:00Z").expect("a time");
        for (text, at) in [
            ("2026-08-21T09:00:00Z", "2026-08-21T09:00:00Z"),
            ("2026-08-21T09:00:00+02:00", "2026-08-21T07:00:00Z"),
            ("10:30", "2026-08-21T10:30:00Z"),
            ("10:29:59", "2026-08-21T10:29:59Z"),
            ("10:31", "2026-08-20T10:31:00Z"),
            ("00:00", "2026-08-21T00:00:00Z"),
            ("10m", "2026-08-21T10:20:00Z"),
            ("1h30m", "2026-08-21T09:00:00Z"),
        ] {
            let read: At = text.parse().expect(text);
            assert_eq!(Some(read.at(now)), Timestamp::parse_rfc3339(at), "{text}");
        }
        for text in ["", "yesterday", "24:00", "1:00", "10:60", "10:00:00:00", "10", "-5m", "10:+1"]
        {
            assert!(text.parse::<At>().is_err(), "{text}");
        }
        assert!("0s".parse::<Ago>().is_err());
        assert_eq!("1h".parse(), Ok(Ago(Duration::from_secs(3600))));
    }
}
