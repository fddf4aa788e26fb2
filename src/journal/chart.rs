//! Numbers over time.

use serde::{Deserialize, Serialize};

use crate::model::{AppName, Kind, MetricName, ProcessGroup, Region, Side, Timestamp};

/// Numbers of one app, all on the same times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// The app.
    pub app: AppName,
    /// The times, in milliseconds since the Unix epoch, oldest first.
    pub times: Vec<i64>,
    /// The curves.
    pub curves: Vec<Curve>,
}

/// One number over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Which number.
    #[serde(flatten)]
    pub line: Line,
    /// Its value at each of the times: of several ticks that share one, the last. `None`: there was none.
    pub values: Vec<Option<f64>>,
}

/// Which number a curve is of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// What was measured.
    Metric {
        /// The metric.
        metric: MetricName,
        /// The region; `None`: the app as a whole.
        region: Option<Region>,
    },
    /// What the target was after all limits.
    Target {
        /// The process group.
        group: ProcessGroup,
        /// The region; `None`: all of them.
        region: Option<Region>,
        /// Of which number.
        kind: Kind,
        /// Which end.
        side: Side,
    },
    /// How many machines there were, by the plan's count.
    Machines {
        /// The process group.
        group: ProcessGroup,
        /// The region; `None`: all of them.
        region: Option<Region>,
        /// Of which number.
        kind: Kind,
    },
}

/// Which numbers are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartQuery {
    /// Of this app.
    pub app: AppName,
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
    /// At most so many times; ticks between them are left out.
    pub most: usize,
}
