//! A fitted model carried on with each new value.

use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;

use super::fit::Fit;
use super::grid;
use super::smooth::State;

/// Why a fitted model gives no forecast, so that the last value has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoForecast {
    /// It is too far ahead of what is known.
    #[error("it is asked further ahead than {} minutes, half of what it was fitted to", reach.as_secs() / 60)]
    BeyondReach {
        /// How far it may be asked.
        reach: Duration,
    },
    /// It is not known what will be when the outage is over.
    #[error("the last value is zero, in a series that otherwise has none")]
    Silent,
    /// The model went astray.
    #[error("the model gave no finite number")]
    NotFinite,
}

/// A [`Fit`] with what came after it. Each value moves the level as the fitted smoothing says; the seasons and
/// the parameters stay as they were fitted. A value costs some ten multiplications.
#[derive(Debug, Clone)]
pub struct Follower {
    fit: Arc<Fit>,
    /// The last cell of which all is known, and the state after it.
    cell: i64,
    state: State,
    /// The cell that values now fall into, their sum and how many they are.
    open: Option<(i64, f64, u32)>,
    /// When the newest value came.
    newest: Timestamp,
    is_silent: bool,
    lowest: f64,
    highest: f64,
}

impl Follower {
    /// Begins where the fit ends.
    #[must_use]
    pub fn new(fit: Arc<Fit>) -> Self {
        Self {
            cell: 0,
            state: fit.state,
            open: None,
            newest: fit.anchor,
            is_silent: false,
            lowest: fit.lowest,
            highest: fit.highest,
            fit,
        }
    }

    /// The fit that it carries on.
    #[must_use]
    pub fn fit(&self) -> &Arc<Fit> {
        &self.fit
    }

    /// Takes in the next value. One that is not finite, or not newer than the last one, is left out.
    pub fn observe(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() || at <= self.newest {
            return;
        }
        self.newest = at;
        self.is_silent = value == 0.0 && self.fit.zero_is_foreign;
        if self.is_silent {
            return;
        }
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        let cell = grid::cell_of(grid::millis_between(self.fit.anchor, at), self.fit.step_ms);
        match &mut self.open {
            Some((open, sum, count)) if *open == cell => {
                *sum += value;
                *count += 1;
            }
            // Half a cell may come after the point at which the fit ends; it is in the fit already.
            _ if cell > self.cell => {
                (self.cell, self.state) = self.reached();
                self.open = Some((cell, value, 1));
            }
            _ => {}
        }
    }

    /// The newest cell and the state after it, with what has come of it so far.
    fn reached(&self) -> (i64, State) {
        let Some((cell, sum, count)) = self.open else { return (self.cell, self.state) };
        let smoothing = &self.fit.smoothing;
        let missed = (cell - self.cell - 1) as f64;
        let state = smoothing.unobserved(self.state, missed);
        let season = self.fit.seasonal(cell * self.fit.step_ms);
        (cell, smoothing.observed(state, sum / f64::from(count) - season))
    }

    /// The value at `at`, which is not before the newest value. It is not negative where no value ever was, and not
    /// further from what was seen than the distance of the lowest and the highest of it.
    ///
    /// # Errors
    ///
    /// [`NoForecast`].
    pub fn value_at(&self, at: Timestamp) -> Result<f64, NoForecast> {
        let reach = self.fit.reach;
        if at.since(self.newest) > reach {
            return Err(NoForecast::BeyondReach { reach });
        }
        if self.is_silent {
            return Err(NoForecast::Silent);
        }
        let (cell, state) = self.reached();
        let offset = grid::millis_between(self.fit.anchor, at);
        let steps = (offset as f64 / self.fit.step_ms as f64 - cell as f64).max(0.0);
        let value = self.fit.smoothing.ahead(state, steps) + self.fit.seasonal(offset);
        if !value.is_finite() {
            return Err(NoForecast::NotFinite);
        }
        let range = self.highest - self.lowest;
        let least =
            if self.lowest >= 0.0 { (self.lowest - range).max(0.0) } else { self.lowest - range };
        Ok(value.max(least).min(self.highest + range))
    }
}
