//! Points at any times onto a regular grid, whose cells are counted from the newest point.

use std::time::Duration;

use crate::model::Timestamp;

/// The steps that a grid may have, in milliseconds. Each divides a day, so that a day is a whole number of cells
/// even where points come a little early or late.
const STEPS_MS: [i64; 17] = [
    1_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000,
    3_600_000, 7_200_000, 10_800_000, 14_400_000, 21_600_000, 43_200_000,
];

/// A run of missing cells up to this long is bridged by a straight line: it hides no bend worth knowing.
const SHORT_GAP: usize = 3;

/// One value at one time.
pub(super) type Point = (Timestamp, f64);

/// The finite points between `newest - reach` and the newest, in order of time.
pub(super) fn in_order(points: &[Point], reach: Duration) -> Vec<Point> {
    let finite = |point: &&Point| point.1.is_finite();
    let mut ordered: Vec<Point> = points.iter().filter(finite).copied().collect();
    // By value too: which of two points at one time came first must not matter.
    ordered.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
    if let Some((newest, _)) = ordered.last() {
        let oldest = newest.minus(reach);
        ordered.drain(..ordered.partition_point(|(at, _)| *at < oldest));
    }
    ordered
}

/// The distances that points have, in milliseconds.
pub(super) struct Distances {
    /// Between the newest of them: the median.
    pub(super) newest: i64,
    /// Such that four fifths of the time is covered by points that are no further apart. Older points may be.
    pub(super) most: i64,
}

impl Distances {
    /// Of points in order; `None` where all are at one time.
    pub(super) fn of(ordered: &[Point]) -> Option<Self> {
        /// As many as a day of ticks at 5 min.
        const NEWEST: usize = 288;
        /// Further apart, there is a gap between two points.
        const GAP_MS: i64 = 3600 * 1000;
        let distance = |pair: &[Point]| millis_between(pair[0].0, pair[1].0);
        let mut all: Vec<i64> = ordered.windows(2).map(distance).filter(|ms| *ms > 0).collect();
        let from = all.len().saturating_sub(NEWEST);
        let recent = &mut all[from..];
        let middle = recent.len() / 2;
        let newest = *(middle < recent.len()).then(|| recent.select_nth_unstable(middle).1)?;
        all.retain(|distance| *distance <= GAP_MS.max(newest.saturating_mul(4)));
        all.sort_unstable();
        let total: i64 = all.iter().sum();
        let mut covered = 0;
        let covers = |distance: &&i64| {
            covered += **distance;
            covered >= total / 5 * 4
        };
        let most = all.iter().find(covers).copied().unwrap_or(newest);
        Some(Self { newest, most: most.max(newest) })
    }
}

/// The shortest step with which `span_ms` takes at most `most` cells, not shorter than points are apart.
pub(super) fn step_for(span_ms: i64, distance_ms: i64, most: usize) -> i64 {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    // A twentieth shorter, as points may come a little early.
    let is_enough = |step: &i64| *step >= distance_ms / 20 * 19 && span_ms / *step < most;
    STEPS_MS.into_iter().find(is_enough).unwrap_or_else(|| distance_ms.max(span_ms / most + 1))
}

pub(super) fn millis_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_millis().saturating_sub(earlier.as_millis())
}

/// The cell that a time `offset_ms` after the middle of cell 0 is in. A cell reaches half a step to both
/// sides, so that points which come a little early or late still fall into one cell each.
pub(super) fn cell_of(offset_ms: i64, step_ms: i64) -> i64 {
    offset_ms.saturating_add(step_ms / 2).div_euclid(step_ms)
}

/// The mean of each cell, the last one around `anchor`.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// How long a cell is, in milliseconds.
    pub(super) step_ms: i64,
    /// The mean of each cell, oldest first; `None` where nothing was recorded. The last is cell 0, the one
    /// before it cell -1. The first and the last have a value.
    pub(super) cells: Vec<Option<f64>>,
}

impl Grid {
    /// The last `most` cells of the points, which are in order and not empty.
    pub(super) fn of(ordered: &[Point], anchor: Timestamp, step_ms: i64, most: usize) -> Self {
        let cell = |at: Timestamp| cell_of(millis_between(anchor, at), step_ms);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let kept = &ordered[ordered.partition_point(|(at, _)| cell(*at) <= -most)..];
        let first = kept.first().map_or(0, |(at, _)| cell(*at));
        let mut sums = vec![(0.0, 0_u32); usize::try_from(1 - first).unwrap_or(1)];
        for (at, value) in kept {
            if let Some(sum) =
                usize::try_from(cell(*at) - first).ok().and_then(|at| sums.get_mut(at))
            {
                sum.0 += value;
                sum.1 += 1;
            }
        }
        let mean = |(sum, count): (f64, u32)| (count > 0).then(|| sum / f64::from(count));
        Self { step_ms, cells: sums.into_iter().map(mean).collect() }
    }

    /// How many cells have no value, beyond what a straight line may bridge.
    pub(super) fn missing(&self) -> usize {
        let lengths = runs(&self.cells, Option::is_none).into_iter().map(|(from, to)| to - from);
        lengths.filter(|length| *length > SHORT_GAP).sum()
    }

    /// The cells after the last run of missing ones that is too long for a straight line.
    pub(super) fn since_long_gap(&self) -> &[Option<f64>] {
        let mut run = 0;
        for (at, cell) in self.cells.iter().enumerate().rev() {
            run = if cell.is_none() { run + 1 } else { 0 };
            if run > SHORT_GAP {
                return &self.cells[at + run..];
            }
        }
        &self.cells
    }

    /// All cells, the missing ones filled: short runs by a straight line, longer ones by what was there `season`
    /// cells before or after, and by a straight line where that is missing too.
    pub(super) fn filled(&self, season: usize) -> Vec<f64> {
        let mut cells = self.cells.clone();
        for (start, end) in runs(&self.cells, Option::is_none) {
            if end - start <= SHORT_GAP {
                continue;
            }
            for (at, cell) in cells.iter_mut().enumerate().take(end).skip(start) {
                let before = at.checked_sub(season).and_then(|at| self.cells[at]);
                let after = self.cells.get(at + season).copied().flatten();
                *cell = match (before, after) {
                    (Some(before), Some(after)) => Some(f64::midpoint(before, after)),
                    (one, other) => one.or(other),
                };
            }
        }
        bridged(&cells)
    }

    /// The times in which nothing but zeros was recorded in a series that otherwise has none: an outage, of
    /// the service or of its meter, which says nothing of an ordinary day. Cells from and to, the end not
    /// included.
    ///
    /// An app that is idle every night has more than two such times once it is known for three days.
    pub(super) fn outages(&self) -> Vec<(usize, usize)> {
        /// A shorter run of zeros is ordinary.
        const LEAST_MS: i64 = 30 * 60 * 1000;
        let least = usize::try_from(LEAST_MS / self.step_ms).unwrap_or(0).max(SHORT_GAP);
        let is_zero = |cell: &Option<f64>| matches!(cell, Some(value) if *value == 0.0);
        let zeros = self.cells.iter().filter(|cell| is_zero(cell)).count();
        let long: Vec<_> = runs(&self.cells, is_zero)
            .into_iter()
            .filter(|(from, to)| to - from >= least)
            .collect();
        let in_long: usize = long.iter().map(|(from, to)| to - from).sum();
        let others = self.cells.len() - in_long;
        let are_foreign = long.len() <= 2 && others > 0 && (zeros - in_long) * 100 <= others;
        if are_foreign { long } else { Vec::new() }
    }
}

/// The cells with a straight line over each run of missing ones. Nothing is added at the ends.
pub(super) fn bridged(cells: &[Option<f64>]) -> Vec<f64> {
    let mut filled: Vec<f64> = Vec::with_capacity(cells.len());
    for (at, cell) in cells.iter().enumerate() {
        let value = cell.or_else(|| {
            let before = *filled.last()?;
            let (distance, after) =
                cells[at..].iter().enumerate().find_map(|(far, cell)| Some((far, (*cell)?)))?;
            Some(before + (after - before) / (distance as f64 + 1.0))
        });
        filled.extend(value);
    }
    filled
}

/// Where `is` holds without a break: from and to, the end not included.
fn runs<T>(cells: &[T], is: impl Fn(&T) -> bool) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (at, _) in cells.iter().enumerate().filter(|(_, cell)| is(cell)) {
        match found.last_mut() {
            Some((_, end)) if *end == at => *end += 1,
            _ => found.push((at, at + 1)),
        }
    }
    found
}
