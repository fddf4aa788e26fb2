//! The scores as the tables of docs/control.md.

use std::sync::Arc;
use std::time::Duration;

use super::load::Load;
use super::replay::Score;
use super::settings::Setting;

const HEAD: &str = "machine-hours, % of the least | short, min a day | overloaded, min a day | scale events a day | flaps a day |";

pub(crate) fn print(
    loads: &[Arc<Load>],
    settings: &[Setting],
    scores: &[(usize, usize, Score)],
    boot: Duration,
) {
    println!(
        "Machines boot in {boot:?}.\n\n### All loads\n\n| setting | {HEAD}\n|---|---|---|---|---|---|"
    );
    for (number, setting) in settings.iter().enumerate() {
        let own: Vec<Row> = scores
            .iter()
            .filter(|(_, own, _)| *own == number)
            .map(|(_, _, score)| Row::of(score))
            .collect();
        println!("| {} | {}", setting.name, Row::mean(&own));
    }
    println!("\nEach load counts the same, however long it is.");
    for (at, load) in loads.iter().enumerate() {
        println!("\n### {}\n\n| setting | {HEAD}\n|---|---|---|---|---|---|", load.name);
        for (_, setting, score) in scores.iter().filter(|(own, _, _)| *own == at) {
            println!("| {} | {}", settings[*setting].name, Row::of(score));
        }
    }
}

/// The numbers of one row, in the order of the head.
#[derive(Clone, Copy)]
struct Row([f64; 5]);

impl Row {
    fn of(score: &Score) -> Self {
        let days = score.hours / 24.0;
        Self([
            100.0 * score.machine_hours / score.least_hours,
            score.short / days,
            score.overloaded / days,
            f64::from(score.ups + score.downs) / days,
            f64::from(score.flaps) / days,
        ])
    }

    fn mean(rows: &[Self]) -> Self {
        Self(std::array::from_fn(|column| {
            rows.iter().map(|row| row.0[column]).sum::<f64>() / rows.len() as f64
        }))
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|number| {
            let digits = usize::from(*number < 10.0);
            write!(f, "{number:.digits$} | ")
        })
    }
}
