//! The results as Markdown.

use std::fmt::Write as _;
use std::time::Duration;

use crate::walk::{Sums, Walk};

/// The errors of each method relative to those of the last value: mean absolute / root of the mean square.
pub(crate) fn errors(walks: &[Walk]) -> String {
    let mut walks: Vec<&Walk> = walks.iter().collect();
    walks.sort_by(|one, other| one.name.cmp(&other.name));
    let mut text = String::from("| trace | horizon | naive MAE, RMSE |");
    let methods = walks.first().map_or(&[][..], |walk| &walk.methods[1..]);
    for method in methods {
        // Writing to a String cannot fail.
        let _ = write!(text, " {method} |");
    }
    let _ = writeln!(text, "\n|---|---|---|{}", "---|".repeat(methods.len()));
    for walk in &walks {
        for (steps, sums) in &walk.horizons {
            let naive = sums[0];
            let horizon = walk.step * u32::try_from(*steps).expect("few steps");
            let (mae, rmse) = (figure(mae(naive)), figure(rmse(naive)));
            let _ = write!(text, "| {} | {} | {mae}, {rmse} |", walk.name, written(horizon));
            for own in &sums[1..] {
                let _ = write!(text, " {} |", relative(*own, naive));
            }
            text.push('\n');
        }
    }
    text
}

/// What was fitted to each trace, and what that cost.
pub(crate) fn fits(walks: &[Walk]) -> String {
    let mut text = String::from(
        "| trace | fits | median | slowest | the last of them |\n|---|---|---|---|---|\n",
    );
    for walk in walks {
        let mut costs = walk.costs.clone();
        costs.sort_unstable();
        let millis = |cost: Option<&Duration>| cost.map_or(0.0, |cost| cost.as_secs_f64() * 1000.0);
        let (median, most) = (millis(costs.get(costs.len() / 2)), millis(costs.last()));
        let Walk { name, last_fit, .. } = walk;
        let _ = writeln!(
            text,
            "| {name} | {} | {median:.0} ms | {most:.0} ms | {last_fit} |",
            costs.len()
        );
    }
    text
}

fn mae(sums: Sums) -> f64 {
    sums.absolute / sums.count
}

fn rmse(sums: Sums) -> f64 {
    (sums.squares / sums.count).sqrt()
}

fn relative(own: Sums, naive: Sums) -> String {
    format!("{:.2} / {:.2}", mae(own) / mae(naive), rmse(own) / rmse(naive))
}

fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn written(horizon: Duration) -> String {
    match horizon.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds if seconds > 3600 => format!("{:.1} h", seconds as f64 / 3600.0),
        seconds => format!("{seconds} s"),
    }
}
