//! What a fit costs.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use fly_autoscaler::forecast::{Fit, Refits, Seasons};
use fly_autoscaler::model::Timestamp;

/// Makes a history, another one for each number.
type Make<'a> = &'a dyn Fn(u64) -> Vec<(Timestamp, f64)>;

/// How often each size is measured; the median is shown.
const TIMES: usize = 5;

/// What `work` gives, and how long it held a core: what other programs take is not in it.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let before = on_core();
    let given = work();
    (given, on_core().saturating_sub(before))
}

/// How long this thread has held a core (proc(5), schedstat).
fn on_core() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    Duration::from_nanos(
        text.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanos"),
    )
}

/// A load with a day and a week, noise and a slow rise: `days` of it at `step` seconds.
fn points(days: f64, step: i64, shift: u64) -> Vec<(Timestamp, f64)> {
    let count = (days * 86_400.0 / step as f64) as i64;
    let mut state = 0x2545_f491_4f6c_dd1d_u64.wrapping_add(shift);
    let mut noise = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let value = |at: i64, noise: f64| {
        let day = at as f64 / 86_400.0 * std::f64::consts::TAU;
        let weekend = f64::from(at / 86_400 % 7 >= 5);
        500.0 + 300.0 * day.sin() - 150.0 * weekend + at as f64 / 1e5 + 100.0 * noise
    };
    (0..count)
        .map(|at| (Timestamp::from_millis(at * step * 1000), value(at * step, noise())))
        .collect()
}

/// Points as an autoscaler has them that keeps four hours of ticks and the means of a quarter of an hour.
fn as_kept(shift: u64) -> Vec<(Timestamp, f64)> {
    let mut kept = points(15.0, 900, shift);
    let from = kept.last().expect("points").0;
    let recent = points(4.0 / 24.0, 15, shift);
    kept.extend(
        recent.into_iter().map(|(at, value)| {
            (from.plus(Duration::from_millis(at.as_millis() as u64 + 1)), value)
        }),
    );
    kept
}

/// The cost by size, and how old fits get in fleets of several sizes.
pub(crate) fn table() -> String {
    let mut text = String::from("| history | points | cost of a fit |\n|---|---|---|\n");
    let sizes: [(&str, Make<'_>); 6] = [
        ("1 hour at 15 s", &|shift| points(1.0 / 24.0, 15, shift)),
        ("4 hours at 15 s", &|shift| points(4.0 / 24.0, 15, shift)),
        ("1 day at 60 s", &|shift| points(1.0, 60, shift)),
        ("3 days at 5 min", &|shift| points(3.0, 300, shift)),
        ("15 days at 15 min", &|shift| points(15.0, 900, shift)),
        ("15 days at 15 min, the last 4 hours at 15 s", &as_kept),
    ];
    let mut last = Duration::ZERO;
    for (name, points) in sizes {
        let mut costs: Vec<Duration> = (0..TIMES as u64)
            .map(|shift| {
                let points = points(shift * 977);
                let (fit, cost) = of(|| Fit::of(&points, &Seasons::Detected));
                fit.expect("fitted");
                cost
            })
            .collect();
        costs.sort_unstable();
        last = costs[TIMES / 2];
        let count = points(0).len();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| {name} | {count} | {:.0} ms |", last.as_secs_f64() * 1000.0);
    }
    text.push_str("\n| series | a fit gets as old as |\n|---|---|\n");
    for series in [1_u32, 100, 1_000, 10_000] {
        let round = last.as_secs_f64() / Refits::<u32>::SHARE * f64::from(series);
        let age = round.max(Refits::<u32>::RENEW_AFTER.as_secs_f64());
        let _ = writeln!(text, "| {series} | {:.1} hours |", age / 3600.0);
    }
    text
}
