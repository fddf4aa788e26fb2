//! A ring as plain lists, as it is written to a file.

use serde::{Deserialize, Serialize};

use super::{Point, Points, Ring, duration};

/// A ring as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    window: i64,
    interval: i64,
    began: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    single: Vec<(i64, f64)>,
    /// Time of the last, count, deviation, sum, least, greatest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    several: Vec<(i64, u32, f32, f64, f64, f64)>,
}

impl From<Ring> for Stored {
    fn from(ring: Ring) -> Self {
        let Ring { window, interval, began, points } = ring;
        let (single, several) = match points {
            Points::Single(points) => (points.into(), Vec::new()),
            Points::Several { points, .. } => {
                let own = |Point { at, count, deviation, sum, min, max }| {
                    (at, count, deviation, sum, min, max)
                };
                (Vec::new(), points.into_iter().map(own).collect())
            }
        };
        Self { window, interval, began, single, several }
    }
}

impl TryFrom<Stored> for Ring {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        if stored.window < 1 || stored.interval < 1 {
            return Err("a window or an interval of a series is no duration");
        }
        let mut ring = Self::new(duration(stored.window), duration(stored.interval));
        let single = stored.single.into_iter().map(|(at, value)| Point::of(at, value));
        let several = stored.several.into_iter().map(|(at, count, deviation, sum, min, max)| {
            Point { at, count, deviation, sum, min, max }
        });
        for point in single.chain(several) {
            let is_sound = point.count > 0
                && (point.sum + point.min + point.max).is_finite()
                && point.deviation.is_finite()
                && ring.points.last().is_none_or(|last| last < point.at);
            if !is_sound {
                return Err("a sample of a series is no number, or out of order");
            }
            ring.push_point(point);
        }
        ring.began = stored.began;
        Ok(ring)
    }
}
