//! Patterns that repeat: which there are, and what they look like.

use augurs::Fit as _;
use augurs::mstl::MSTLModel;
use augurs::seasons::PeriodogramDetector;

/// A day, in milliseconds.
const DAY_MS: i64 = 24 * 3600 * 1000;
/// What load follows, wherever people cause it.
const LIKELY_MS: [i64; 2] = [DAY_MS, 7 * DAY_MS];
/// With fewer cells a season is no shape.
const LEAST_CELLS: usize = 4;
/// How many seasons of other lengths are tried, the strongest first.
const MOST_DETECTED: usize = 2;

/// A pattern that repeats. Its cells are those of the grid that it was found on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Season {
    /// What to add in each cell of one period. The last is that of cell 0 of the grid.
    pub(super) pattern: Vec<f64>,
}

impl Season {
    /// What it adds `cells` after the middle of cell 0; between the middles of two cells on the line from
    /// one to the other.
    pub(super) fn at(&self, cells: f64) -> f64 {
        let period = self.pattern.len() as i64;
        let of = |cell: i64| self.pattern[(cell - 1).rem_euclid(period) as usize];
        let cell = cells.floor();
        let (before, after) = (of(cell as i64), of(cell as i64 + 1));
        before + (after - before) * (cells - cell)
    }
}

/// The periods of the seasons in `values`, in cells, shortest first.
///
/// The day and the week are tried wherever they were seen twice, then what the periodogram shows. One is taken
/// if it explains what is left when the shorter ones are taken out: see [`repeats`].
pub(super) fn detect(values: &[f64], step_ms: i64) -> Vec<usize> {
    let likely = LIKELY_MS.into_iter().filter(|period| period % step_ms == 0);
    let likely: Vec<usize> =
        likely.filter_map(|period| usize::try_from(period / step_ms).ok()).collect();
    let mut rest = without_trend(values);
    let mut found: Vec<usize> = Vec::new();
    let mut take = |period: usize, rest: &mut Vec<f64>| {
        if is_possible(period, rest.len()) && repeats(rest, period) {
            subtract_means(rest, period);
            found.push(period);
        }
    };
    for period in &likely {
        take(*period, &mut rest);
    }
    for period in peaks(&rest) {
        // The periodogram is too coarse to tell a day from 23 hours: what is that near was judged above.
        let is_new = |known: &usize| known.abs_diff(period) * 10 > *known;
        if likely.iter().all(is_new) {
            take(period, &mut rest);
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a season of `period` cells can be seen at all in `count` cells: whole, and twice.
pub(super) fn is_possible(period: usize, count: usize) -> bool {
    period >= LEAST_CELLS && period.saturating_mul(2) <= count
}

/// Whether what was one period ago tells of now.
///
/// The mean of k earlier periods forecasts better than the mean of all if the autocorrelation over a period is
/// above 1/(k+1). A fifth is added because it is measured on few periods: two are taken for a season at
/// 0.53 and above, fourteen at 0.27.
fn repeats(values: &[f64], period: usize) -> bool {
    let seen = (values.len() / period) as f64;
    autocorrelation(values, period) >= 0.2 + 1.0 / (seen + 1.0)
}

/// Of values around zero. 1: the same again, 0: unrelated.
fn autocorrelation(values: &[f64], lag: usize) -> f64 {
    let earlier = &values[..values.len() - lag];
    let later = &values[lag..];
    let product: f64 = earlier.iter().zip(later).map(|(one, other)| one * other).sum();
    let squares = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
    let scale = (squares(earlier) * squares(later)).sqrt();
    if scale > 0.0 { product / scale } else { 0.0 }
}

/// The periods of the strongest peaks of the periodogram, each moved to the best autocorrelation near it.
fn peaks(values: &[f64]) -> Vec<usize> {
    // The detector takes a segment of the data for each of its transforms; with fewer values it divides by zero.
    const LEAST_VALUES: usize = 64;
    if values.len() < LEAST_VALUES {
        return Vec::new();
    }
    let periodogram = PeriodogramDetector::builder().build().periodogram(values);
    let strongest =
        periodogram.peaks(0.5).collect::<Vec<_>>().into_iter().rev().take(MOST_DETECTED);
    let near = |period: usize, previous: usize, next: usize| {
        let (from, to) = (previous.min(next), previous.max(next));
        let (from, to) = (if from == 0 { period } else { from }, if to == 0 { period } else { to });
        let possible = (from..=to).filter(|period| is_possible(*period, values.len()));
        possible.max_by(|one, other| {
            autocorrelation(values, *one).total_cmp(&autocorrelation(values, *other))
        })
    };
    strongest
        .filter_map(|peak| {
            near(peak.period as usize, peak.prev_period as usize, peak.next_period as usize)
        })
        .collect()
}

/// Less the straight line through them, so that growth is not taken for repetition.
fn without_trend(values: &[f64]) -> Vec<f64> {
    let count = values.len() as f64;
    let middle = (count - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (at, value) in values.iter().enumerate() {
        let distance = at as f64 - middle;
        covariance += distance * (value - mean);
        variance += distance * distance;
    }
    let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
    let line = |at: usize| mean + slope * (at as f64 - middle);
    values.iter().enumerate().map(|(at, value)| value - line(at)).collect()
}

fn subtract_means(values: &mut [f64], period: usize) {
    let mut sums = vec![(0.0, 0.0); period];
    for (at, value) in values.iter().enumerate() {
        sums[at % period].0 += value;
        sums[at % period].1 += 1.0;
    }
    for (at, value) in values.iter_mut().enumerate() {
        let (sum, count) = sums[at % period];
        *value -= sum / count;
    }
}

/// The seasons of these periods in `values`, by MSTL.
///
/// # Errors
///
/// What the library says.
pub(super) fn decompose(values: &[f64], periods: &[usize]) -> Result<Vec<Season>, String> {
    // The smoothing of what remains is ours to choose: see `smooth`. The library only takes the seasons out.
    let fitted =
        MSTLModel::naive(periods.to_vec()).fit(values).map_err(|error| error.to_string())?;
    let last = |(component, period): (&Vec<f32>, &usize)| {
        let pattern = &component[component.len() - period..];
        Season { pattern: pattern.iter().map(|value| f64::from(*value)).collect() }
    };
    Ok(fitted.fit().seasonal().iter().zip(periods).map(last).collect())
}
