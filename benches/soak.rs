//! `cargo bench --bench soak -- 200`: the simulated days of `tests/it/soak.rs` with that many seeds each, on all
//! cores. Prints what was seen in each; ends with 1 if anything was wrong.
//!
//! `cargo bench --bench soak -- log 3`: the log of a day of faults, with the third seed.
#![allow(clippy::unwrap_used, reason = "a run that cannot go on should stop where it is")]
#![allow(clippy::print_stdout, reason = "this is a program")]

#[path = "../tests/it"]
mod it {
    pub(crate) mod composed;
    pub(crate) mod soak;
}

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fly_autoscaler::model::LogFormat;
use fly_autoscaler::telemetry::logging;
use it::soak::{Counts, a_day_in_the_life, two_scalers};

/// A day, by its name and its seed; gives what was wrong in it, and a summary.
fn day(which: u64, seed: u64) -> (String, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let pair = |counts, lag| {
        let seen = runtime.block_on(two_scalers(seed, counts, Duration::from_millis(lag), 0..24));
        (format!("{counts:?}, list {lag} ms behind: {seen:?}"), seen.wrong)
    };
    match which {
        0 => pair(Counts::Created, 0),
        1 => pair(Counts::Created, 1000 + seed * 97 % 2001),
        2 => pair(Counts::Both, 0),
        3 => pair(Counts::Both, 1000 + seed * 97 % 2001),
        4 => pair(Counts::Started, 1000 + seed * 97 % 2001),
        _ => {
            let seen = runtime.block_on(a_day_in_the_life(seed));
            (format!("life: {seen:?}"), seen.wrong)
        }
    }
}

/// The kinds of days.
const KINDS: u64 = 6;

fn main() -> ExitCode {
    let numbers: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let seeds = numbers.first().copied().unwrap_or(1);
    if std::env::args().any(|word| word == "log") {
        logging::init(Some(LogFormat::Text), false).unwrap();
        println!("{}", day(KINDS - 1, seeds).0);
        return ExitCode::SUCCESS;
    }
    let (next, wrong) = (AtomicU64::new(0), AtomicU64::new(0));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let (seed, which) = (1 + number / KINDS, number % KINDS);
                    if seed > seeds {
                        return;
                    }
                    let (summary, mistakes) = day(which, seed);
                    println!("seed {seed}, {summary}");
                    wrong.fetch_add(mistakes.len() as u64, Ordering::Relaxed);
                }
            });
        }
    });
    let wrong = wrong.into_inner();
    println!("{} days, {wrong} things wrong", seeds * KINDS);
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
