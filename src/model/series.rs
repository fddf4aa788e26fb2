//! The past of one metric, as far back as one function looks: a ring of samples of bounded size.
//!
//! Each window has a ring of its own, so that a long one does not coarsen a short one of the same metric. A
//! ring whose window holds more samples than [`MAX_POINTS`] keeps several in one point: their number, sum,
//! least, greatest and deviation, from which every summary but the smoothed one is reckoned as if each were
//! there. What is inexact then: the old end of the window moves by points (a 250th of it at most), the
//! deviation is kept to seven digits, and a smoothed mean takes the samples of a point for equally old.

mod stored;

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration::format;
use super::{MetricName, Region, Timestamp};

/// The most points of one ring. One takes 16 bytes where it is one sample, and 40 where it is several.
pub const MAX_POINTS: usize = 512;

/// The longest window. It is also the longest duration of a setting.
pub const MAX_WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// What is left of an old sample's weight when a smoothed mean forgets it, all older ones included.
const FORGOTTEN: f64 = 0.01;

/// Whose past it is: a metric of a process group, over all regions or in one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SeriesKey {
    /// The metric.
    pub metric: MetricName,
    /// The region; `None` for the app as a whole.
    pub region: Option<Region>,
}

/// How much of the past is kept of one app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct SeriesSize {
    /// How many series: each is one window of one metric, of a process group and a region of it.
    pub series: usize,
    /// How many bytes of memory they take.
    pub bytes: usize,
}

/// What the samples of a window come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Summary {
    /// Their mean.
    Average,
    /// The least of them.
    Minimum,
    /// The greatest of them.
    Maximum,
    /// How far they lie from their mean: the standard deviation of exactly these.
    Deviation,
    /// A mean in which the newest sample has the weight `alpha`, and each interval of age takes `alpha` of
    /// what is left.
    Smoothed {
        /// Over 0 and at most 1.
        alpha: f64,
    },
}

impl Summary {
    /// How far back a smoothed mean with this `alpha` has to look at samples one `interval` apart.
    #[must_use]
    pub fn reach(alpha: f64, interval: Duration) -> Duration {
        let samples = (FORGOTTEN.ln() / (1.0 - alpha).ln()).ceil();
        let reach = interval.as_secs_f64() * if samples >= 1.0 { samples } else { 1.0 };
        Duration::try_from_secs_f64(reach).unwrap_or(MAX_WINDOW).min(MAX_WINDOW)
    }
}

/// The samples of one window.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored", into = "stored::Stored")]
pub struct Ring {
    /// In milliseconds, as are all times here.
    window: i64,
    /// How far apart samples are.
    interval: i64,
    /// When the first sample was, in the window or before.
    began: Option<i64>,
    points: Points,
}

#[derive(Clone, PartialEq)]
enum Points {
    /// Each is a sample: the time and the value.
    Single(VecDeque<(i64, f64)>),
    /// Each is all samples of one stretch of `width`.
    Several { width: i64, points: VecDeque<Point> },
}

/// Samples one after the other.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    /// The time of the last of them.
    at: i64,
    count: u32,
    /// Their standard deviation.
    deviation: f32,
    sum: f64,
    min: f64,
    max: f64,
}

/// Why a window says nothing yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooLittle {
    window: Duration,
    /// How many samples there are, how many would do, and how many the window has if none is missing.
    have: u64,
    need: u64,
    of: u64,
    /// How long ago the first was, and how long ago it has to be.
    age: Duration,
    need_age: Duration,
    /// When there will be enough, if every tick measures.
    ready_in: Duration,
}

impl Ring {
    /// Nothing yet of a `window` (at most [`MAX_WINDOW`]) whose samples are one `interval` apart.
    #[must_use]
    pub fn new(window: Duration, interval: Duration) -> Self {
        let window = millis(window.min(MAX_WINDOW));
        let interval = millis(interval).min(window);
        let most = i64::try_from(MAX_POINTS).unwrap_or(i64::MAX);
        // One point of the window stands for a part of a stretch at each end.
        let points = if window / interval < most {
            Points::Single(VecDeque::new())
        } else {
            let stretch = interval * (most - 2);
            let samples = (window + stretch - 1) / stretch;
            Points::Several { width: samples * interval, points: VecDeque::new() }
        };
        Self { window, interval, began: None, points }
    }

    /// Whether it was made for these.
    #[must_use]
    pub fn fits(&self, window: Duration, interval: Duration) -> bool {
        let other = Self::new(window, interval);
        (other.window, other.interval) == (self.window, self.interval)
    }

    /// Takes in what was measured at `at`. A time that is there already changes nothing. One that lies before
    /// what is there means that the clock was set back: what seems to come later is dropped.
    pub fn push(&mut self, at: Timestamp, value: f64) {
        if value.is_finite() {
            self.push_point(Point::of(at.as_millis(), value));
        }
    }

    /// Puts older samples before those that are there: each `(time, value)`, in the order of time, stands for
    /// the `step` that ends with it, as if one had been taken at each interval.
    pub fn fill(&mut self, samples: impl IntoIterator<Item = (Timestamp, f64)>, step: Duration) {
        let none = self.points.none();
        let known = std::mem::replace(&mut self.points, none);
        let began = self.began.take();
        let until = known.first().unwrap_or(i64::MAX);
        let each = (millis(step) / self.interval).max(1);
        for (at, value) in samples {
            for before in (0..each).rev() {
                let at = at.as_millis().saturating_sub(before * self.interval);
                let is_older = self.points.last().is_none_or(|last| last < at);
                if at < until && is_older {
                    self.push(Timestamp::from_millis(at), value);
                }
            }
        }
        known.iter().for_each(|point| self.push_point(point));
        self.began = [self.began, began].into_iter().flatten().min();
    }

    /// Puts samples of the same kind behind those that are there, up to `until`: what a source remembers of the time in
    /// which nobody ticked.
    pub fn follow(
        &mut self,
        samples: impl IntoIterator<Item = (Timestamp, f64)>,
        step: Duration,
        until: Timestamp,
    ) {
        let Some(known) = self.points.last() else { return };
        let each = (millis(step) / self.interval).max(1);
        // What is nearer than half an interval is the same sample.
        let (after, before) = (known + self.interval / 2, until.as_millis() - self.interval / 2);
        for (at, value) in samples {
            for earlier in (0..each).rev() {
                let at = at.as_millis().saturating_sub(earlier * self.interval);
                if at > after && at < before && self.points.last().is_none_or(|last| last < at) {
                    self.push(Timestamp::from_millis(at), value);
                }
            }
        }
    }

    fn push_point(&mut self, new: Point) {
        if self.points.last() == Some(new.at) {
            return;
        }
        if self.points.last().is_some_and(|last| last > new.at) {
            self.points.drop_from(new.at);
        }
        let oldest = new.at.saturating_sub(self.window);
        self.points.drop_until(oldest);
        self.points.add(new);
        // Where the clock was set back behind the first sample, what follows begins anew.
        self.began = Some(self.began.filter(|began| *began <= new.at).unwrap_or(new.at));
    }

    /// What the samples of the window that ends at `now` come to.
    ///
    /// # Errors
    /// Where that would be a guess: the first sample is not one window (less one interval) old, or less than
    /// half of the window's samples are there.
    pub fn summary(&self, how: Summary, now: Timestamp) -> Result<f64, TooLittle> {
        let now = now.as_millis();
        self.enough(now)?;
        let within = || self.within(now);
        let count: f64 = within().map(|point| f64::from(point.count)).sum();
        let mean = within().map(|point| point.sum).sum::<f64>() / count;
        Ok(match how {
            Summary::Average => mean,
            Summary::Minimum => within().map(|point| point.min).fold(f64::INFINITY, f64::min),
            Summary::Maximum => within().map(|point| point.max).fold(f64::NEG_INFINITY, f64::max),
            Summary::Deviation => {
                let squares = within().map(|point| {
                    let own = f64::from(point.deviation).powi(2);
                    f64::from(point.count) * (own + (point.mean() - mean).powi(2))
                });
                (squares.sum::<f64>() / count).sqrt()
            }
            Summary::Smoothed { alpha } => self.smoothed(alpha, now),
        })
    }

    /// A mean by weights that fall with age. They are divided by their sum, so that the first sample has no
    /// more weight than its age gives it, and a gap none.
    fn smoothed(&self, alpha: f64, now: i64) -> f64 {
        let Some(newest) = self.points.last() else { return f64::NAN };
        let (mut sum, mut weights) = (0.0, 0.0);
        for point in self.within(now) {
            let half = f64::from(point.count - 1) / 2.0;
            let age = (newest - point.at) as f64 / self.interval as f64 + half;
            let weight = f64::from(point.count) * (1.0 - alpha).powf(age);
            sum += weight * point.mean();
            weights += weight;
        }
        sum / weights
    }

    fn enough(&self, now: i64) -> Result<(), TooLittle> {
        let have: u64 = self.within(now).map(|point| u64::from(point.count)).sum();
        let of = u64::try_from(self.window / self.interval).unwrap_or(1).max(1);
        let need = of.div_ceil(2);
        // Half an interval of grace: ticks are not punctual to the millisecond.
        let need_age = self.window - self.interval;
        let age = self.began.map_or(0, |began| now.saturating_sub(began)).max(0);
        if have >= need && age + self.interval / 2 >= need_age {
            return Ok(());
        }
        let missing = i64::try_from(need.saturating_sub(have)).unwrap_or(i64::MAX);
        let ready_in = (need_age - age).max(missing.saturating_mul(self.interval));
        let [window, age, need_age, ready_in] =
            [self.window, age, need_age, ready_in].map(duration);
        Err(TooLittle { window, have, need, of, age, need_age, ready_in })
    }

    /// The samples of the window that ends at `now`, oldest first, with the times in milliseconds and the
    /// means of those that are kept together.
    pub fn samples(&self, now: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
        let samples = self.within(now.as_millis());
        samples.map(|point| (Timestamp::from_millis(point.at), point.mean()))
    }

    fn within(&self, now: i64) -> impl Iterator<Item = Point> {
        let after = now.saturating_sub(self.window);
        self.points.iter().filter(move |point| point.at > after && point.at <= now)
    }

    /// The bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + match &self.points {
                Points::Single(points) => points.capacity() * size_of::<(i64, f64)>(),
                Points::Several { points, .. } => points.capacity() * size_of::<Point>(),
            }
    }
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = format(duration(self.window));
        write!(f, "Ring({} points of {window})", self.points.iter().count())
    }
}

impl Point {
    fn of(at: i64, value: f64) -> Self {
        Self { at, count: 1, deviation: 0.0, sum: value, min: value, max: value }
    }

    fn mean(&self) -> f64 {
        self.sum / f64::from(self.count)
    }

    /// These and `later` ones together.
    fn with(self, later: Self) -> Self {
        let [one, other] = [self, later].map(|point| f64::from(point.count));
        let own = |point: Self| f64::from(point.count) * f64::from(point.deviation).powi(2);
        let apart = (self.mean() - later.mean()).powi(2) * one * other / (one + other);
        let variance = (own(self) + own(later) + apart) / (one + other);
        Self {
            at: later.at,
            count: self.count.saturating_add(later.count),
            // Beyond what 32 bits hold no number of machines comes of it anyway.
            deviation: variance.sqrt().min(f64::from(f32::MAX)) as f32,
            sum: self.sum + later.sum,
            min: self.min.min(later.min),
            max: self.max.max(later.max),
        }
    }
}

impl Points {
    fn none(&self) -> Self {
        match self {
            Self::Single(_) => Self::Single(VecDeque::new()),
            Self::Several { width, .. } => Self::Several { width: *width, points: VecDeque::new() },
        }
    }

    fn iter(&self) -> impl Iterator<Item = Point> {
        let (single, several) = match self {
            Self::Single(points) => (Some(points), None),
            Self::Several { points, .. } => (None, Some(points)),
        };
        let single = single.into_iter().flatten().map(|(at, value)| Point::of(*at, *value));
        single.chain(several.into_iter().flatten().copied())
    }

    fn first(&self) -> Option<i64> {
        match self {
            Self::Single(points) => points.front().map(|(at, _)| *at),
            Self::Several { points, .. } => points.front().map(|point| point.at),
        }
    }

    fn last(&self) -> Option<i64> {
        match self {
            Self::Single(points) => points.back().map(|(at, _)| *at),
            Self::Several { points, .. } => points.back().map(|point| point.at),
        }
    }

    fn drop_from(&mut self, time: i64) {
        match self {
            Self::Single(points) => points.retain(|(at, _)| *at < time),
            Self::Several { points, .. } => points.retain(|point| point.at < time),
        }
    }

    fn drop_until(&mut self, time: i64) {
        match self {
            Self::Single(points) => {
                while points.front().is_some_and(|(at, _)| *at <= time) {
                    points.pop_front();
                }
            }
            Self::Several { points, .. } => {
                while points.front().is_some_and(|point| point.at <= time) {
                    points.pop_front();
                }
            }
        }
    }

    /// Adds what is later than all others.
    fn add(&mut self, new: Point) {
        match self {
            Self::Single(points) => {
                // Ticks that come faster than the interval.
                if points.len() >= MAX_POINTS {
                    points.pop_front();
                }
                points.push_back((new.at, new.mean()));
            }
            Self::Several { width, points } => {
                let stretch = |at: i64| at.div_euclid(*width);
                match points.back_mut() {
                    Some(last) if stretch(last.at) == stretch(new.at) => *last = last.with(new),
                    _ => {
                        if points.len() >= MAX_POINTS {
                            points.pop_front();
                        }
                        points.push_back(new);
                    }
                }
            }
        }
    }
}

impl fmt::Display for TooLittle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { window, have, need, of, age, need_age, ready_in } = self;
        let [window, need_age, ready_in] = [window, need_age, ready_in].map(|own| format(*own));
        let age = format(Duration::from_secs(age.as_secs()));
        write!(f, "there are {have} samples of the last {window}, the first of them {age} ago; ")?;
        write!(f, "it takes {need} of {of}, and a first one {need_age} ago: ")?;
        write!(f, "enough in {ready_in} if every tick measures")
    }
}

/// At least one, so that nothing is divided by zero.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests;
