//! What forecasts are worth on recorded loads, and what a fit costs.
//!
//! `cargo bench --bench forecast` walks through each trace in `tests/testdata/traces`: at every step it asks each
//! method for the load a while later, and compares that with what came. Models are fitted anew every day, as in a
//! large fleet, or after as many hours as the first argument says: `cargo bench --bench forecast -- 1`.
//! It prints the tables of `docs/forecast.md`.

#![allow(missing_docs, reason = "a program, not a library")]

mod cost;
mod methods;
mod table;
mod trace;
mod walk;

use std::thread;
use std::time::Duration;

use trace::Trace;
use walk::Walk;

/// Between two fits of one series unless said otherwise: the age that they reach in a large fleet.
const REFIT_HOURS: f64 = 24.0;

#[allow(clippy::print_stdout, reason = "the tables are what this is for")]
fn main() {
    // Cargo adds `--bench`.
    let hours = std::env::args().skip(1).find_map(|argument| argument.parse().ok());
    let refit = Duration::from_secs_f64(hours.unwrap_or(REFIT_HOURS).clamp(0.1, 1000.0) * 3600.0);
    let traces = Trace::all();
    // One core each; the longest takes as long as all others together.
    let walks: Vec<Walk> = thread::scope(|scope| {
        let started: Vec<_> = (0..2)
            .map(|half| {
                let own = traces.iter().skip(half).step_by(2);
                scope.spawn(move || own.map(|trace| walk::walk(trace, refit)).collect::<Vec<_>>())
            })
            .collect();
        started.into_iter().flat_map(|one| one.join().expect("a walk ended")).collect()
    });
    println!("Fitted anew every {} hours.\n", refit.as_secs_f64() / 3600.0);
    println!("{}", table::errors(&walks));
    println!("{}", table::fits(&walks));
    println!("{}", cost::table());
}
