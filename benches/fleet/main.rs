//! What a fleet costs: the real binary in `serve` against the simulator on loopback, with 1, 100, 1,000
//! and 10,000 apps of ten machines each, of which a steady share changes.
//!
//! ```sh
//! cargo bench --bench fleet                                  # all four, 8 intervals of 15 s each
//! cargo bench --bench fleet -- 1 1000 --ticks 8 --interval 5 --share 0.01
//! ```
//!
//! Nothing here is compared with a limit: it prints figures.
#![allow(clippy::print_stdout, reason = "it prints a table")]
#![allow(clippy::unwrap_used, reason = "a measurement that cannot go on should stop where it is")]

mod child;
mod fleet;
mod measure;
mod process;
mod report;

use std::time::Duration;

/// What to measure, and for how long.
struct Plan {
    /// How many apps, one run each.
    sizes: Vec<usize>,
    /// How many intervals are measured.
    ticks: u32,
    interval: Duration,
    /// The share of the apps that change in each interval.
    share: f64,
}

const USAGE: &str = "usage: cargo bench --bench fleet -- [APPS]... [--ticks N] [--interval SECONDS] \
     [--share FRACTION]";

impl Plan {
    /// Reads the arguments. `None` where Cargo only checks that benchmarks run (`cargo test --benches`).
    fn of(arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut plan =
            Self { sizes: Vec::new(), ticks: 8, interval: Duration::from_secs(15), share: 0.01 };
        let mut is_bench = false;
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--ticks" => plan.ticks = number(&value()?)?,
                "--interval" => plan.interval = Duration::from_secs(number(&value()?)?),
                "--share" => plan.share = number(&value()?)?,
                size => plan.sizes.push(number(size)?),
            }
        }
        if plan.sizes.is_empty() {
            plan.sizes = vec![1, 100, 1_000, 10_000];
        }
        let is_sound = plan.ticks > 0
            && !plan.interval.is_zero()
            && (0.0..=1.0).contains(&plan.share)
            && !plan.sizes.contains(&0);
        if !is_sound {
            return Err("numbers must be above 0, and the share at most 1".to_owned());
        }
        Ok(is_bench.then_some(plan))
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is no number of that kind"))
}

fn main() {
    let plan = match Plan::of(std::env::args().skip(1)) {
        Ok(Some(plan)) => plan,
        Ok(None) => return println!("{USAGE}"),
        Err(why) => {
            println!("{why}\n{USAGE}");
            std::process::exit(2);
        }
    };
    println!("{}", report::machine());
    let Plan { ticks, interval, share, .. } = &plan;
    println!("{ticks} intervals of {interval:?} measured; {share} of the apps change in each\n");
    for apps in plan.sizes.iter().copied() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        match runtime.block_on(measure::run(apps, &plan)) {
            Ok(run) => println!("{}", report::table(&run)),
            Err(why) => println!("{apps} apps: could not be measured: {why}\n"),
        }
    }
}
