//! A process group region by region, as a table for people.

use std::cmp::max;
use std::collections::BTreeSet;

use fly_autoscaler::decide::Verb;
use fly_autoscaler::model::{Bounds, Kind, MetricName};
use fly_autoscaler::status::{GroupRegions, RegionRow};

use crate::cell::{code, fit, number, sentence};

/// How wide the table is, where what stands before the last column leaves the room for that.
const WIDTH: usize = 100;
/// What the last column has in any case.
const LEAST_WHY: usize = 40;
/// How wide names are that come from outside: a region's, a metric's, a group's.
const NAME: usize = 16;

/// A column: two lines of heading, and a cell for each row.
struct Column {
    over: String,
    head: String,
    cells: Vec<String>,
    is_left: bool,
}

/// The table, and for each region whether its reason was cut.
pub(super) struct Table {
    pub(super) text: String,
    /// The rows whose last cell does not say all of it, by their place; the last one is the total.
    pub(super) cut: BTreeSet<usize>,
}

/// The rows of the group and the total.
pub(super) fn table(group: &str, regions: &GroupRegions) -> Table {
    let rows: Vec<&RegionRow> =
        regions.rows.iter().chain(std::iter::once(&regions.total)).collect();
    let mut columns = vec![names(group, regions)];
    columns.extend(metrics(&rows));
    columns.extend(machines(&rows));
    columns.extend(targets(&rows));
    let cells = rows.iter().map(|row| next(row)).collect();
    columns.push(Column { over: String::new(), head: "next".to_owned(), cells, is_left: true });

    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let used: usize = widths.iter().map(|width| width + 2).sum();
    let room = max(WIDTH.saturating_sub(used), LEAST_WHY);
    let mut cut = BTreeSet::new();
    let line = |cell: &dyn Fn(&Column) -> String, why: &str| {
        let mut line = String::new();
        for (column, width) in columns.iter().zip(&widths) {
            let text = cell(column);
            line += &if column.is_left {
                format!("{text:width$}  ")
            } else {
                format!("{text:>width$}  ")
            };
        }
        format!("{}\n", (line + why).trim_end())
    };
    let mut text = String::from("\n");
    if columns.iter().any(|column| !column.over.is_empty()) {
        text += &line(&|column| column.over.clone(), "");
    }
    text += &line(&|column| column.head.clone(), "why");
    for (place, row) in rows.iter().enumerate() {
        if place == regions.rows.len() && regions.more > 0 {
            text += &format!("  and {} more regions\n", regions.more);
        }
        let why = why(row);
        let fitted = fit(&why, room);
        if fitted != why {
            cut.insert(place);
        }
        text += &line(&|column| column.cells[place].clone(), &fitted);
    }
    Table { text, cut }
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().chain([&self.over, &self.head]);
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    }
}

fn names(group: &str, regions: &GroupRegions) -> Column {
    let own = regions.rows.iter().filter_map(|row| row.region.as_ref());
    let own = own.map(|region| format!("  {}", code(region.as_str(), NAME)));
    Column {
        over: String::new(),
        head: format!("{} by region", code(group, NAME)),
        cells: own.chain(["  total".to_owned()]).collect(),
        is_left: true,
    }
}

/// A column for each metric: `?` where it failed, `-` where it says nothing.
fn metrics(rows: &[&RegionRow]) -> Vec<Column> {
    let names: BTreeSet<&MetricName> = rows.iter().flat_map(|row| row.samples.keys()).collect();
    let column = |name: &&MetricName| {
        let cell = |row: &&RegionRow| match row.samples.get(*name) {
            None => "-".to_owned(),
            Some(None) => "?".to_owned(),
            Some(Some(value)) => number(*value),
        };
        Column {
            over: String::new(),
            head: code(name.as_str(), NAME),
            cells: rows.iter().map(cell).collect(),
            is_left: false,
        }
    };
    names.iter().map(column).collect()
}

/// A column for each state that a machine is in.
fn machines(rows: &[&RegionRow]) -> Vec<Column> {
    let states: BTreeSet<&str> =
        rows.iter().flat_map(|row| row.machines.keys()).map(String::as_str).collect();
    let columns = states.iter().enumerate().map(|(place, state)| {
        let cell = |row: &&RegionRow| {
            row.machines.get(*state).map_or_else(|| "-".to_owned(), ToString::to_string)
        };
        Column {
            over: if place == 0 { "machines".to_owned() } else { String::new() },
            head: code(state, NAME),
            cells: rows.iter().map(cell).collect(),
            is_left: false,
        }
    });
    columns.collect()
}

/// A column for each number that is asked for: `?` where it could not be evaluated, `-` where there is none.
fn targets(rows: &[&RegionRow]) -> Vec<Column> {
    let is_asked = |kind: &Kind| {
        let all = rows.iter().filter_map(|row| row.targets.or(row.wanted));
        all.map(|bounds| bounds.of(*kind)).any(Bounds::is_defined)
    };
    let mut kinds: Vec<Kind> =
        [Kind::Created, Kind::Started].into_iter().filter(is_asked).collect();
    let unknown = rows.iter().any(|row| row.targets.is_none() && row.held);
    let nothing_known = kinds.is_empty() && unknown;
    if nothing_known {
        kinds.push(Kind::Started);
    }
    let column = |kind: &Kind| {
        let cell = |row: &&RegionRow| match row.targets {
            Some(targets) => targets.of(*kind).to_string(),
            None if row.held => "?".to_owned(),
            None => "-".to_owned(),
        };
        // Where not one could be evaluated, of which number they are is not known either.
        let head = if nothing_known { String::new() } else { kind.to_string() };
        let cells = rows.iter().map(cell).collect();
        Column { over: "target".to_owned(), head, cells, is_left: false }
    };
    kinds.iter().map(column).collect()
}

/// What would happen there.
fn next(row: &RegionRow) -> String {
    let count = |verb: &Verb| row.actions.get(verb).map(|count| format!("{verb} {count}"));
    let counts: Vec<String> = Verb::ALL.iter().filter_map(count).collect();
    match (counts.is_empty(), row.held) {
        (false, _) => counts.join(", "),
        (true, true) => "held".to_owned(),
        (true, false) => "-".to_owned(),
    }
}

fn why(row: &RegionRow) -> String {
    row.why.as_ref().map(|why| sentence(&why.to_string())).unwrap_or_default()
}
