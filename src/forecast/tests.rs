//! What the forecasts of made-up series are.

mod outlook;
mod properties;
mod record;
mod refits;
mod score;
mod series;

use std::sync::Arc;
use std::time::Duration;

use crate::model::Timestamp;

use super::*;

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A point each `step` for as long as `span`, that end included.
fn points(span: Duration, step: Duration, value: impl Fn(f64) -> f64) -> Vec<(Timestamp, f64)> {
    let count = u32::try_from(span.as_millis() / step.as_millis()).expect("few");
    let point = |at: u32| (START.plus(step * at), value((step * at).as_secs_f64()));
    (0..=count).map(point).collect()
}

/// From 0 to 1 and back in the course of a day.
fn daily(seconds: f64) -> f64 {
    (1.0 - (seconds / DAY.as_secs_f64() * std::f64::consts::TAU).cos()) / 2.0
}

/// Something between -0.5 and 0.5 that looks random and is the same for the same time.
fn noise(seconds: f64) -> f64 {
    let mut bits = (seconds as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    bits ^= bits >> 29;
    bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits ^= bits >> 32;
    (bits >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
}

fn fit(points: &[(Timestamp, f64)]) -> Fit {
    Fit::of(points, &Seasons::Detected).expect("fitted")
}

/// What the fit of `points` says of the time `horizon` after the last of them.
fn ahead(points: &[(Timestamp, f64)], horizon: Duration) -> f64 {
    let fit = Arc::new(fit(points));
    let until = fit.until();
    Follower::new(fit).value_at(until.plus(horizon)).expect("a forecast")
}
