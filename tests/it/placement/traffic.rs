//! The traffic of a day: one that was recorded, and one that follows the sun.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use fly_autoscaler::model::{Region, Timestamp};
use fly_autoscaler::sim::Trace;

/// The recorded day: see `tests/testdata/README.md`.
pub(super) fn recorded() -> Trace {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testdata/traffic");
    let text = fs::read_to_string(path.join("seven-regions-day.csv")).unwrap();
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let regions: Vec<Region> = header.split(',').skip(1).map(Region::new).collect();
    let mut times = Vec::new();
    let mut rows = Vec::new();
    for line in lines {
        let (time, cells) = line.split_once(',').unwrap();
        times.push(Timestamp::parse_rfc3339(&format!("{}Z", time.replace(' ', "T"))).unwrap());
        let cells: Vec<&str> = cells.split(',').collect();
        assert_eq!(cells.len(), regions.len(), "{line}");
        let there = regions.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
        rows.push(there.map(|(own, cell)| (own.clone(), cell.parse().unwrap())).collect());
    }
    let step = times[1].since(times[0]);
    assert_eq!(times[times.len() - 1].since(times[0]), step * (rows.len() as u32 - 1));
    Trace { start: times[0], step, rows }
}

/// The same with gaps: for so many steps from that one on, a region has no series.
pub(super) fn with_gaps(mut trace: Trace, gaps: &[(&str, usize, usize)]) -> Trace {
    for (region, from, steps) in gaps {
        for row in &mut trace.rows[*from..*from + *steps] {
            assert!(row.remove(&Region::new(region)).is_some(), "{region} had a gap at {from}");
        }
    }
    trace
}

/// The first `hours` of a trace.
pub(super) fn first(mut trace: Trace, hours: u32) -> Trace {
    let steps = Duration::from_secs(3600).as_secs() / trace.step.as_secs() * u64::from(hours);
    trace.rows.truncate(steps as usize);
    trace
}

/// What each region's variable is in each tick of `interval`: its last value for five minutes after its
/// series has ended, then 0. (`absent-after` and its default.)
pub(super) fn seen(trace: &Trace, interval: Duration) -> Vec<BTreeMap<Region, f64>> {
    let per_row = trace.step.as_secs() / interval.as_secs();
    let mut last: BTreeMap<Region, (f64, u64)> = BTreeMap::new();
    let mut ticks = Vec::new();
    for tick in 0..trace.rows.len() as u64 * per_row {
        for (region, value) in &trace.rows[(tick / per_row) as usize] {
            last.insert(region.clone(), (*value, tick));
        }
        let value = |(value, at): &(f64, u64)| {
            let missed = interval.as_secs() * (tick - at);
            if missed < 300 { *value } else { 0.0 }
        };
        ticks.push(last.iter().map(|(region, seen)| (region.clone(), value(seen))).collect());
    }
    ticks
}
