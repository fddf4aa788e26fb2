//! Durations as Go writes them: `15s`, `1m30s`, `500ms`, `1.5h`.

use std::fmt::Write as _;
use std::time::Duration;

/// The units of Go's `time.ParseDuration`, in nanoseconds. A unit stands before any that is the
/// beginning of it.
const UNITS: [(&str, f64); 8] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("μs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// Reads a duration; `None` where `text` is none, is negative or does not fit.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        // `.` alone is no number; Go takes `1.` and `.5`, and so does Rust's parser.
        let number: f64 = number.parse().ok()?;
        let (unit, scale) = UNITS.iter().find(|(unit, _)| tail.starts_with(unit))?;
        nanos += number * scale;
        rest = &tail[unit.len()..];
    }
    // Go keeps nanoseconds in an i64: about 292 years.
    (nanos <= 9.2e18).then(|| Duration::from_nanos(nanos.round() as u64))
}

/// Writes a duration shortly: `1m30s`, `500ms`, `0s`. [`parse`] reads it back.
#[must_use]
pub fn format(duration: Duration) -> String {
    let (seconds, nanos) = (duration.as_secs(), duration.subsec_nanos());
    let mut text = String::new();
    for (amount, unit) in [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")] {
        if amount > 0 {
            let _ = write!(text, "{amount}{unit}");
        }
    }
    let small =
        if nanos.is_multiple_of(1_000_000) { (nanos / 1_000_000, "ms") } else { (nanos, "ns") };
    if small.0 > 0 {
        let _ = write!(text, "{}{}", small.0, small.1);
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        for (text, millis) in [
            ("15s", 15_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
            ("0", 0),
            ("0s", 0),
            ("+2m", 120_000),
            (".5s", 500),
            ("1.s", 1000),
            ("1h0m1s", 3_601_000),
            ("2000us", 2),
            ("2000µs", 2),
            ("3000000ns", 3),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "15", "s", "-5s", "1 s", "5 seconds", "1d", ".s", "1..2s", "1e3s", "999999999h"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["15s", "1m30s", "500ms", "1h30m", "0s", "1s500ms", "7ns", "168h"] {
            assert_eq!(format(parse(text).expect(text)), text);
        }
    }
}
