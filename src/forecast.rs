//! What a metric will be in a while: models of a series, what they were worth so far, and when to make
//! them anew. Pure: no clock, no threads.
//!
//! ```text
//!  points  ->  Fit::of  ->  Arc<Fit>  ->  Follower  ->  Forecast  ->  Score
//!              slow, at the pace of Refits  \------- Outlook, each tick ------/
//! ```
//!
//! A [`Fit`] is slow to make: it takes a hundred milliseconds and is made off the tick's path, in the order and at the
//! pace that [`Refits`] sets. A [`Follower`] is what a tick reads: it carries the level of the fitted model
//! on with each new value, so that a fit of yesterday forecasts from the load of now. A [`Score`] compares
//! what was said with what came, and with what the last value would have said. An [`Outlook`] is the two of
//! them for one series: a tick tells it the new value and asks it. A [`Record`] keeps the points for the next fit.

mod fit;
mod follow;
mod grid;
mod outlook;
mod record;
mod refits;
mod score;
mod season;
mod smooth;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use fit::{Fit, Seasons, Unfit};
pub use follow::{Follower, NoForecast};
pub use outlook::{Fallback, Forecast, Outlook};
pub use record::Record;
pub use refits::{Next, Refits};
pub use score::{Distrust, ENOUGH, Errors, Score};
pub use smooth::LEAST_VALUES;

/// How far back a fit looks: two weeks, which show the days of the week twice, and a day for what is
/// missing at the ends. It is also as far as Fly's Prometheus remembers.
pub const LOOKBACK: Duration = Duration::from_secs(15 * 24 * 3600);

/// What gave a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// A seasonal pattern (MSTL) on top of an exponential smoothing.
    Mstl,
    /// An exponential smoothing (ETS): a level and a damped slope.
    Ets,
    /// The last value, as it is.
    Last,
}

impl Model {
    /// The name of the model, as labels and texts have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mstl => "mstl",
            Self::Ets => "ets",
            Self::Last => "last",
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests;
