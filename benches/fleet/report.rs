//! The figures as text.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use crate::measure::{Run, Window};

/// What was done without sharing work between apps: each tick asks for an app's machines, its metric and
/// its release.
const REQUESTS_PER_APP: f64 = 3.0;

/// The machine that it runs on.
pub(crate) fn machine() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (cpus, memory) = (read("/proc/cpuinfo"), read("/proc/meminfo"));
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let memory_kb: u64 = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let load = read("/proc/loadavg");
    format!(
        "{cores} x {}, {} GiB, Linux {}, load {} at the beginning",
        model.map_or("unknown processor", |(_, model)| model),
        memory_kb / 1024 / 1024,
        read("/proc/sys/kernel/osrelease").trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}

/// All figures of a run.
pub(crate) fn table(run: &Run) -> String {
    let mut text = String::new();
    let mut line = |name: &str, rest: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name:<34}{rest}");
    };
    let windows = &run.windows;
    let both = |figure: &dyn Fn(&Window) -> f64, show: &dyn Fn(f64) -> String| {
        let mut figures: Vec<f64> = windows.iter().map(figure).collect();
        figures.sort_unstable_by(f64::total_cmp);
        let worst = figures.last().copied().unwrap_or(0.0);
        let median = figures.get(figures.len() / 2).copied().unwrap_or(0.0);
        format!("{:>12}{:>12}", show(median), show(worst))
    };
    let count = |figure: f64| format!("{figure:.0}");
    let millis = |seconds: f64| format!("{:.1} ms", seconds * 1000.0);

    line(
        &format!("{} apps, {} machines", run.apps, run.apps * 10),
        format!("{:>12}{:>12}", "median", "worst"),
    );
    let kinds: BTreeSet<_> = windows.iter().flat_map(|window| window.requests.keys()).collect();
    for kind in kinds {
        let of_kind = |window: &Window| window.requests.get(kind).copied().unwrap_or(0) as f64;
        if windows.iter().any(|window| of_kind(window) > 0.0) {
            line(&format!("requests: {kind:?}"), both(&of_kind, &count));
        }
    }
    line("requests", both(&|window| window.total() as f64, &count));
    let full = REQUESTS_PER_APP * run.apps as f64;
    line(
        "  of three requests an app",
        both(&|window| window.total() as f64 / full, &|share| format!("{:.1} %", share * 100.0)),
    );
    line(
        "bytes read",
        both(&|window| window.bytes as f64, &|bytes| format!("{:.1} kB", bytes / 1e3)),
    );
    line("refused (429)", both(&|window| window.refused as f64, &count));
    line("processor time", both(&|window| window.cpu.as_secs_f64(), &millis));
    line("simulator: processor time", both(&|window| window.simulator_cpu.as_secs_f64(), &millis));
    let per_request =
        |window: &Window| window.simulator_cpu.as_secs_f64() / f64::max(1.0, window.total() as f64);
    line(
        "simulator: time of a request",
        both(&per_request, &|seconds| format!("{:.0} us", seconds * 1e6)),
    );
    totals(run, &mut line);
    text
}

fn totals(run: &Run, line: &mut dyn FnMut(&str, String)) {
    let interval = run.interval.as_secs_f64();
    let warm_up = &run.warm_up;
    line(
        "first read of all apps",
        format!(
            "{:.1} s, {} requests, {} refused, {:.2} s of processor time",
            warm_up.took.as_secs_f64(),
            warm_up.requests,
            warm_up.refused,
            warm_up.cpu.as_secs_f64()
        ),
    );
    let (early, late) = run.peak_kb;
    line("peak resident memory (VmHWM)", format!("{late} kB ({early} kB before the first change)"));
    line("a tick, by its own metrics", histogram(run.said.tick_duration));
    line("its lateness", histogram(run.said.tick_lateness));
    let outcomes = run.said.outcomes.iter().filter(|(_, count)| **count > 0.0);
    let outcomes: Vec<_> = outcomes.map(|(outcome, count)| format!("{count} {outcome}")).collect();
    line("ticks by outcome", outcomes.join(", "));
    let delay = |quantile: f64| {
        let index = (run.delays.len() as f64 * quantile).ceil() as usize;
        let delay = run.delays.get(index.saturating_sub(1)).copied().unwrap_or(Duration::ZERO);
        let seconds = delay.as_secs_f64();
        format!("{seconds:.2} s = {:.2} intervals", seconds / interval)
    };
    let (seen, missed) = (run.delays.len(), run.unanswered);
    line("changed metric to start, median", delay(0.5));
    line("  99 of 100", delay(0.99));
    line("  worst", format!("{} (of {seen}; {missed} without a start)", delay(1.0)));
    let total: Duration = run.windows.iter().map(|window| window.cpu).sum();
    let simulator: Duration = run.windows.iter().map(|window| window.simulator_cpu).sum();
    let measured = interval * run.windows.len() as f64;
    let busy = |time: Duration| format!("{:.2} % of a core", time.as_secs_f64() / measured * 100.0);
    line(
        "busy: autoscaler, simulator",
        format!(
            "{}, {} (autoscaler by /proc/PID/stat: {} ms in all)",
            busy(total),
            busy(simulator),
            run.coarse_cpu.as_millis()
        ),
    );
}

fn histogram(said: Option<(f64, f64)>) -> String {
    said.map_or("none".to_owned(), |(average, bound)| {
        format!("{:.1} ms on average, 99 of 100 below {bound} s", average * 1000.0)
    })
}
