//! A model fitted to a series.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;

use super::grid::{self, Distances, Grid, Point};
use super::season::{self, Season};
use super::smooth::{self, Smoothing, State};
use super::{LOOKBACK, Model};

/// The most cells in which seasons are looked for: two weeks in quarters of an hour.
const MOST_SEASON_CELLS: usize = 1500;
/// The most cells that the smoothing is fitted to. Older ones have no weight in it.
const MOST_LEVEL_CELLS: usize = 1000;
/// Half of a lasting change is in the level after two hours at the latest. A series that never changed its level is
/// fitted with one that never moves, and would then stay where it was until the next fit.
const FOLLOWS_WITHIN_MS: f64 = 2.0 * 3600.0 * 1000.0;
/// The longest that is forecast, whatever was seen.
const MOST_REACH: Duration = Duration::from_secs(7 * 24 * 3600);

/// Which seasons a fit takes out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Seasons {
    /// Those that the series shows.
    #[default]
    Detected,
    /// Those of these lengths, as far as they were seen twice; none of them: no season.
    Given(Vec<Duration>),
}

/// Why no model was fitted, so that the last value has to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Too little is known.
    #[error("too little history: {have} values, and {} are needed", smooth::LEAST_VALUES)]
    TooFew {
        /// How many values there are, each over a step.
        have: usize,
    },
    /// Too much is unknown.
    #[error("gaps: {missing} of {of} values are missing, and at most a quarter may be")]
    Gaps {
        /// How many values are missing.
        missing: usize,
        /// How many there would be.
        of: usize,
    },
    /// There is nothing to model.
    #[error("the values are all the same")]
    Constant,
    /// It is not known what will be when the outage is over.
    #[error("only zeros of late, in a series that otherwise has none")]
    Silent,
    /// The library failed.
    #[error("the model could not be fitted: {0}")]
    Library(Arc<str>),
}

/// A model fitted to a series up to its newest point. It is read through a
/// [`Follower`](super::Follower).
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// The time of the newest point: the middle of cell 0 of both grids.
    pub(super) anchor: Timestamp,
    pub(super) seasons: Vec<Season>,
    /// The step of the grid that the seasons are on, in milliseconds.
    pub(super) season_step_ms: i64,
    pub(super) smoothing: Smoothing,
    /// Where the smoothing was after cell 0.
    pub(super) state: State,
    /// The step of the smoothing, in milliseconds.
    pub(super) step_ms: i64,
    pub(super) lowest: f64,
    pub(super) highest: f64,
    /// Whether a zero can only be an outage.
    pub(super) zero_is_foreign: bool,
    /// How far ahead it may be asked.
    pub(super) reach: Duration,
    cells: usize,
}

impl Fit {
    /// Fits a model to `points`, which may be in any order, at any distances and with gaps. Only the finite ones of
    /// the last [`LOOKBACK`] before the newest count; of two at one time it is their mean. Older points may be means over a
    /// quarter of an hour while newer ones are closer.
    ///
    /// Takes up to some hundred milliseconds, so it does not belong into a tick.
    ///
    /// # Errors
    ///
    /// [`Unfit`], where the last value is the better forecast. A panic of the library is one too.
    pub fn of(points: &[(Timestamp, f64)], seasons: &Seasons) -> Result<Self, Unfit> {
        catch_unwind(AssertUnwindSafe(|| Self::try_of(points, seasons)))
            .unwrap_or_else(|_| Err(Unfit::Library("the library panicked".into())))
    }

    fn try_of(points: &[Point], seasons: &Seasons) -> Result<Self, Unfit> {
        let ordered = grid::in_order(points, LOOKBACK);
        let few = Unfit::TooFew { have: ordered.len() };
        let Some(((anchor, _), distances)) = ordered.last().copied().zip(Distances::of(&ordered))
        else {
            return Err(few);
        };
        if ordered.len() < smooth::LEAST_VALUES {
            return Err(few);
        }
        let span = ordered.first().map_or(0, |(at, _)| grid::millis_between(*at, anchor));
        let least_step = grid::step_for(0, distances.newest, MOST_LEVEL_CELLS);
        let step = grid::step_for(span, distances.most, MOST_SEASON_CELLS);
        let ordered = without_outages(ordered, anchor, step)?;
        let coarse = Grid::of(&ordered, anchor, step, MOST_SEASON_CELLS);
        let (missing, of) = (coarse.missing(), coarse.cells.len());
        if missing * 4 > of {
            return Err(Unfit::Gaps { missing, of });
        }
        let fine = Grid::of(&ordered, anchor, least_step, MOST_LEVEL_CELLS);
        let fine = if least_step < step { fine.since_long_gap() } else { &coarse.cells };
        let fine_is_enough = fine.len() >= smooth::LEAST_VALUES;
        let (level_cells, level_step) =
            if fine_is_enough { (fine, least_step) } else { (&coarse.cells[..], step) };
        let level_cells = &level_cells[level_cells.len().saturating_sub(MOST_LEVEL_CELLS)..];
        if level_cells.len() < smooth::LEAST_VALUES {
            return Err(Unfit::TooFew { have: level_cells.len() });
        }
        let scale = Scale::of(coarse.cells.iter().chain(level_cells).flatten().copied())?;
        let found = scale.seasons(&coarse, seasons);
        let mut fit = Self {
            anchor,
            seasons: found,
            season_step_ms: step,
            smoothing: Smoothing::LAST,
            state: State { level: 0.0, slope: 0.0 },
            step_ms: level_step,
            lowest: scale.lowest,
            highest: scale.highest,
            // A service that has a fiftieth of its usual load at night may well have none.
            zero_is_foreign: scale.lowest > scale.mean / 20.0,
            reach: Duration::from_millis(u64::try_from(span / 2).unwrap_or(0)).min(MOST_REACH),
            cells: coarse.cells.len().max(level_cells.len()),
        };
        fit.smooth(&scale, &grid::bridged(level_cells))?;
        Ok(fit)
    }

    /// Fits the smoothing to what the seasons leave of `values`, the last of which is that of cell 0.
    fn smooth(&mut self, scale: &Scale, values: &[f64]) -> Result<(), Unfit> {
        let first = 1 - values.len() as i64;
        let rest: Vec<f64> = (first..)
            .zip(values)
            .map(|(cell, value)| scale.down(value - self.seasonal(cell * self.step_ms)))
            .collect();
        let library = |why: String| Unfit::Library(why.into());
        // What is all season leaves nothing to smooth, which the library takes badly.
        let (smoothing, state) = if is_constant(&rest) {
            let level = rest.last().copied().unwrap_or_default();
            (Smoothing::LAST, State { level, slope: 0.0 })
        } else {
            smooth::fit(&rest).map_err(library)?
        };
        let steps = self.step_ms as f64 / FOLLOWS_WITHIN_MS;
        self.smoothing = smoothing.following(1.0 - 0.5_f64.powf(steps));
        self.state = State { level: scale.up(state.level), slope: state.slope * scale.spread };
        Ok(())
    }

    /// What the seasons add `offset_ms` after the newest point.
    pub(super) fn seasonal(&self, offset_ms: i64) -> f64 {
        let cells = offset_ms as f64 / self.season_step_ms as f64;
        self.seasons.iter().map(|season| season.at(cells)).sum()
    }

    /// Which model it is.
    #[must_use]
    pub fn model(&self) -> Model {
        if self.seasons.is_empty() { Model::Ets } else { Model::Mstl }
    }

    /// The time of the newest point that it knows.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.anchor
    }

    /// The lengths of its seasons, shortest first.
    #[must_use]
    pub fn seasons(&self) -> Vec<Duration> {
        let length = |season: &Season| season.pattern.len() as u64 * self.season_step_ms as u64;
        self.seasons.iter().map(|season| Duration::from_millis(length(season))).collect()
    }

    /// How far ahead of the newest value it can be asked: half of what it was fitted to, and at most a week.
    #[must_use]
    pub fn reach(&self) -> Duration {
        self.reach
    }

    /// The bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let patterns = self.seasons.iter().map(|season| season.pattern.capacity());
        size_of::<Self>() + patterns.sum::<usize>() * size_of::<f64>()
    }

    /// How many values it was fitted to.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells
    }
}

/// The points outside outages.
fn without_outages(ordered: Vec<Point>, anchor: Timestamp, step: i64) -> Result<Vec<Point>, Unfit> {
    let grid = Grid::of(&ordered, anchor, step, MOST_SEASON_CELLS);
    let outages = grid.outages();
    let count = grid.cells.len();
    if outages.last().is_some_and(|(_, end)| *end == count) {
        return Err(Unfit::Silent);
    }
    let is_in_outage = |at: Timestamp| {
        let cell = grid::cell_of(grid::millis_between(anchor, at), step);
        let at = usize::try_from(cell + count as i64 - 1).unwrap_or(0);
        outages.iter().any(|(from, to)| (*from..*to).contains(&at))
    };
    Ok(ordered.into_iter().filter(|(at, _)| !is_in_outage(*at)).collect())
}

/// Values are fitted around zero and about one in size, as the library computes seasons in single precision
/// and stops its search at errors of a fixed size.
struct Scale {
    mean: f64,
    spread: f64,
    lowest: f64,
    highest: f64,
}

impl Scale {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Result<Self, Unfit> {
        let count = values.clone().count() as f64;
        let mean = values.clone().map(|value| value / count).sum::<f64>();
        let lowest = values.clone().fold(f64::INFINITY, f64::min);
        let highest = values.clone().fold(f64::NEG_INFINITY, f64::max);
        if lowest >= highest {
            return Err(Unfit::Constant);
        }
        // Differences first: squares of the largest numbers are infinite.
        let widest = highest - lowest;
        let squares = values.map(|value| ((value - mean) / widest).powi(2)).sum::<f64>();
        let spread = widest * (squares / count).sqrt();
        let is_usable = spread.is_finite() && spread > 0.0 && (spread / mean.abs().max(1.0)) > 1e-9;
        if is_usable { Ok(Self { mean, spread, lowest, highest }) } else { Err(Unfit::Constant) }
    }

    fn down(&self, value: f64) -> f64 {
        (value - self.mean) / self.spread
    }

    fn up(&self, value: f64) -> f64 {
        value * self.spread + self.mean
    }

    /// The seasons of the series, none where the library finds none of any use.
    fn seasons(&self, grid: &Grid, seasons: &Seasons) -> Vec<Season> {
        let step = grid.step_ms;
        let day = usize::try_from(24 * 3600 * 1000 / step).unwrap_or(1).max(1);
        let mut values = grid.filled(day);
        for value in &mut values {
            *value = self.down(*value);
        }
        let periods = match seasons {
            Seasons::Detected => season::detect(&values, step),
            Seasons::Given(lengths) => {
                let cells = |length: &Duration| {
                    usize::try_from(length.as_millis() as i64 / step).unwrap_or(0)
                };
                let possible = |period: &usize| season::is_possible(*period, values.len());
                lengths.iter().map(cells).filter(possible).collect()
            }
        };
        if periods.is_empty() {
            return Vec::new();
        }
        let mut found = season::decompose(&values, &periods).unwrap_or_default();
        for value in found.iter_mut().flat_map(|season| &mut season.pattern) {
            *value *= self.spread;
        }
        let is_finite = |season: &Season| season.pattern.iter().all(|value| value.is_finite());
        if found.iter().all(is_finite) { found } else { Vec::new() }
    }
}

/// Whether values of about one in size differ by no more than what single precision leaves.
fn is_constant(values: &[f64]) -> bool {
    let first = values.first().copied().unwrap_or_default();
    values.iter().all(|value| (value - first).abs() < 1e-6)
}
