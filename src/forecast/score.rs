//! What forecasts were worth: each is compared with what came.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

/// How many comparisons there must be before a skill is believed. Eight are made in the time of one horizon, so these
/// tell of four.
pub const ENOUGH: u32 = 32;

/// How many forecasts wait for what comes, at most: more in the same time would tell the same again.
const PER_HORIZON: u32 = 8;
/// After so long a comparison counts half, so that a day and a night are both in what counts.
const HALF_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How well the forecasts of one series, over one horizon, did of late.
///
/// The model is judged whether its answer was used or not, so that it can win back trust.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    horizon: Duration,
    /// Forecasts whose time has not come, oldest first.
    pending: VecDeque<Pending>,
    /// The newest value.
    newest: Option<(Timestamp, f64)>,
    sums: Sums,
    /// When the sums were last added to.
    summed: Timestamp,
    compared: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Pending {
    due: Timestamp,
    model: f64,
    naive: f64,
}

/// Each weighted by its age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Sums {
    weight: f64,
    absolute: f64,
    squares: f64,
    naive_absolute: f64,
    naive_squares: f64,
}

/// Errors of late, in the unit of the series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    /// The mean absolute error of the model.
    pub mae: f64,
    /// The root of its mean squared error.
    pub rmse: f64,
    /// The mean absolute error of the last value as a forecast.
    pub naive_mae: f64,
    /// The root of its mean squared error.
    pub naive_rmse: f64,
}

impl Errors {
    /// 1 - MAE / MAE of the last value. 1: perfect, 0: no better than the last value, -1: twice as wrong, or
    /// worse.
    #[must_use]
    pub fn skill(&self) -> f64 {
        if self.naive_mae > 0.0 {
            (1.0 - self.mae / self.naive_mae).max(-1.0)
        } else if self.mae > 0.0 {
            -1.0
        } else {
            0.0
        }
    }
}

/// Why the model is not relied on.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum Distrust {
    /// It has not been tried often enough.
    #[error("{compared} of {ENOUGH} forecasts have been compared with what came")]
    Untried {
        /// How often it has been compared.
        compared: u32,
    },
    /// It did worse than asked for.
    #[error("its skill is {skill:.2}, below forecast-min-skill {min}")]
    Unskilled {
        /// Its skill.
        skill: f64,
        /// What was asked for.
        min: f64,
    },
}

impl Score {
    /// Nothing yet, for forecasts over `horizon`.
    #[must_use]
    pub fn new(horizon: Duration) -> Self {
        Self {
            horizon,
            pending: VecDeque::new(),
            newest: None,
            sums: Sums::default(),
            summed: Timestamp::from_millis(0),
            compared: 0,
        }
    }

    /// Keeps a forecast made at `now` until what it is about has come; `naive` is the last value. Left out if one was
    /// kept less than an eighth of the horizon ago.
    pub fn forecast(&mut self, now: Timestamp, model: f64, naive: f64) {
        let due = now.plus(self.horizon);
        let distance = self.horizon / PER_HORIZON;
        let is_new = self.pending.back().is_none_or(|last| due >= last.due.plus(distance));
        if is_new && model.is_finite() && naive.is_finite() && self.horizon > Duration::ZERO {
            // A clock that was set back may leave some that are never due.
            self.pending.truncate(PER_HORIZON as usize);
            self.pending.push_back(Pending { due, model, naive });
        }
    }

    /// Takes in the next value and compares what was said of its time, and of the time since the value
    /// before it: between two values lies the line from one to the other. What was said of a time around
    /// which nothing came for as long as the horizon is dropped.
    pub fn came(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() || self.newest.is_some_and(|(newest, _)| at <= newest) {
            return;
        }
        let before = self.newest.replace((at, value));
        while let Some(pending) = self.pending.front().copied().filter(|pending| pending.due <= at)
        {
            self.pending.pop_front();
            if let Some(actual) = between(before, (at, value), pending.due, self.horizon) {
                self.compare(pending, actual);
            }
        }
    }

    fn compare(&mut self, pending: Pending, actual: f64) {
        let (error, naive) = (pending.model - actual, pending.naive - actual);
        let half_lives = pending.due.since(self.summed).as_secs_f64() / HALF_LIFE.as_secs_f64();
        let keep = 0.5_f64.powf(half_lives);
        let sums = &mut self.sums;
        for (sum, new) in [
            (&mut sums.weight, 1.0),
            (&mut sums.absolute, error.abs()),
            (&mut sums.squares, error * error),
            (&mut sums.naive_absolute, naive.abs()),
            (&mut sums.naive_squares, naive * naive),
        ] {
            *sum = *sum * keep + new;
        }
        self.summed = self.summed.max(pending.due);
        self.compared = self.compared.saturating_add(1);
    }

    /// The bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.pending.capacity() * size_of::<Pending>()
    }

    /// Over what time ahead.
    #[must_use]
    pub fn horizon(&self) -> Duration {
        self.horizon
    }

    /// How many forecasts have been compared with what came.
    #[must_use]
    pub fn compared(&self) -> u32 {
        self.compared
    }

    /// The errors of late, once there are [`ENOUGH`] comparisons.
    #[must_use]
    pub fn errors(&self) -> Option<Errors> {
        let mean = |sum: f64| sum / self.sums.weight;
        (self.compared >= ENOUGH).then(|| Errors {
            mae: mean(self.sums.absolute),
            rmse: mean(self.sums.squares).sqrt(),
            naive_mae: mean(self.sums.naive_absolute),
            naive_rmse: mean(self.sums.naive_squares).sqrt(),
        })
    }

    /// Whether the model may be relied on where at least the skill `min` is asked for.
    ///
    /// # Errors
    ///
    /// [`Distrust`] where not.
    pub fn trust(&self, min: f64) -> Result<(), Distrust> {
        let Some(errors) = self.errors() else {
            return Err(Distrust::Untried { compared: self.compared });
        };
        let skill = errors.skill();
        if skill < min { Err(Distrust::Unskilled { skill, min }) } else { Ok(()) }
    }
}

/// The value at `due`, on the line between two values unless they are further apart than `widest`.
fn between(
    before: Option<(Timestamp, f64)>,
    after: (Timestamp, f64),
    due: Timestamp,
    widest: Duration,
) -> Option<f64> {
    if after.0 == due {
        return Some(after.1);
    }
    let before = before.filter(|(at, _)| *at <= due && after.0.since(*at) <= widest)?;
    let share = due.since(before.0).as_secs_f64() / after.0.since(before.0).as_secs_f64();
    Some(before.1 + (after.1 - before.1) * share)
}
