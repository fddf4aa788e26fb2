//! `cargo bench --bench control`: recorded loads through the real ticks (collect, evaluate, decide, act) with machines that take
//! time to boot, once for each way of damping. Prints for each what it costs and what it does to the load, as the tables
//! of docs/control.md.
//!
//! `cargo bench --bench control -- nasa --boot 120`: only the loads with `nasa` in their name, machines that boot in two
//! minutes. `-- load.csv`: a load of one's own, in the form of tests/testdata/traces. `-- FAS_SCALE_DOWN_COOLDOWN=10m ...`:
//! settings of one's own beside those that are compared.
#![allow(clippy::unwrap_used, reason = "a run that cannot go on should stop where it is")]
#![allow(clippy::print_stdout, reason = "this is a program")]

mod fleet;
mod load;
mod replay;
mod report;
mod settings;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use load::Load;
use replay::{Score, replay};
use settings::Setting;

/// What was asked for on the command line.
struct Asked {
    loads: Vec<Arc<Load>>,
    settings: Vec<Setting>,
    boot: Duration,
}

impl Asked {
    fn new(mut words: impl Iterator<Item = String>) -> Self {
        let (mut files, mut names, mut own) = (Vec::new(), Vec::new(), Vec::new());
        let mut boot = Duration::from_secs(60);
        while let Some(word) = words.next() {
            match word.split_once('=') {
                _ if word == "--bench" => {}
                _ if word == "--boot" => {
                    let seconds = words.next().unwrap_or_default();
                    boot = Duration::from_secs(seconds.parse().expect("seconds after --boot"));
                }
                Some((key, value)) => own.push((key.to_owned(), value.to_owned())),
                None if word.ends_with(".csv") => files.push(PathBuf::from(word)),
                None => names.push(word),
            }
        }
        let loads = if files.is_empty() { load::recorded() } else { files };
        let is_asked =
            |load: &Load| names.is_empty() || names.iter().any(|n| load.name.contains(n));
        let loads =
            loads.iter().map(|path| Load::read(path)).filter(is_asked).map(Arc::new).collect();
        Self { loads, settings: settings::compared(own), boot }
    }
}

fn main() {
    let asked = Asked::new(std::env::args().skip(1));
    let runs: Vec<(usize, usize)> = (0..asked.loads.len())
        .flat_map(|load| (0..asked.settings.len()).map(move |setting| (load, setting)))
        .collect();
    let next = AtomicUsize::new(0);
    let scores: Mutex<Vec<(usize, usize, Score)>> = Mutex::default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                while let Some(&(load, setting)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (own, way) = (&asked.loads[load], &asked.settings[setting]);
                    let score = runtime.block_on(replay(own, way, asked.boot));
                    scores.lock().unwrap().push((load, setting, score));
                }
            });
        }
    });
    let mut scores = scores.into_inner().unwrap();
    scores.sort_by_key(|(load, setting, _)| (*load, *setting));
    report::print(&asked.loads, &asked.settings, &scores, asked.boot);
}
