//! What is kept of a series for fits: the last hours finely, what was before them coarsely.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;

use super::LOOKBACK;

/// How long a cell of the older past is.
const COARSE: Duration = Duration::from_secs(15 * 60);
/// How far the fine past reaches back.
const RECENT: Duration = Duration::from_secs(4 * 3600);
/// The most cells of the fine past: those of four hours at the usual 15 s.
const MOST_RECENT: u64 = 960;

/// The past of one series, thinned. It takes at most 10 KB, however often something is added.
///
/// Values are means over cells, in single precision: seven digits are more than a forecast has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    coarse: Track,
    fine: Track,
    newest: Option<Timestamp>,
}

/// Means over cells of one length, without a gap between them. Cell `n` lies around `n * width`, where the steps
/// of a range query are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
struct Track {
    width: i64,
    most: usize,
    /// The number of the first cell.
    first: i64,
    /// NaN where nothing is known.
    cells: VecDeque<f32>,
    /// How many values are in the last cell.
    count: u32,
}

/// A track as it is written: NaN is no JSON.
#[derive(Serialize, Deserialize)]
struct Stored {
    width: i64,
    most: usize,
    first: i64,
    cells: Vec<Option<f32>>,
    count: u32,
}

impl Record {
    /// Nothing yet of a series that is measured once in an `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        let [coarse, fine] = Self::wants(interval);
        let track = |(window, step): (Duration, Duration)| {
            Track::new(millis(step), (window.as_millis() / step.as_millis()) as usize)
        };
        Self { coarse: track(coarse), fine: track(fine), newest: None }
    }

    /// Which stretches of the past it has room for, and how finely: those to ask a source for at the start.
    #[must_use]
    pub fn wants(interval: Duration) -> [(Duration, Duration); 2] {
        let least = RECENT.as_millis() as u64 / MOST_RECENT;
        let fine = interval.max(Duration::from_millis(least)).min(COARSE);
        [(LOOKBACK, COARSE), (RECENT.max(fine), fine)]
    }

    /// Whether it was made for this `interval`.
    #[must_use]
    pub fn fits(&self, interval: Duration) -> bool {
        let other = Self::new(interval);
        let shape = |own: &Self| [&own.coarse, &own.fine].map(|track| (track.width, track.most));
        shape(self) == shape(&other)
    }

    /// Takes in what was measured at `at`. A time that is there already changes nothing. One that lies before
    /// it means that the clock was set back: what seems to come later is dropped.
    pub fn push(&mut self, at: Timestamp, value: f64) {
        if !value.is_finite() || self.newest == Some(at) {
            return;
        }
        for track in [&mut self.coarse, &mut self.fine] {
            if self.newest.is_some_and(|newest| at < newest) {
                track.drop_from(at);
            }
            track.add(at, value);
        }
        self.newest = Some(at);
    }

    /// Puts what a source remembers where nothing is known.
    pub fn fill(&mut self, values: &[(Timestamp, f64)]) {
        for (at, value) in values.iter().filter(|(_, value)| value.is_finite()) {
            for track in [&mut self.coarse, &mut self.fine] {
                track.fill(*at, *value);
            }
        }
    }

    /// What there is to fit a model to, oldest first.
    #[must_use]
    pub fn points(&self) -> Vec<(Timestamp, f64)> {
        let begin = self.fine.values().next().map_or(Timestamp::from_millis(i64::MAX), |own| own.0);
        let before = begin.minus(Duration::from_millis(self.coarse.width.unsigned_abs() / 2));
        let older = self.coarse.values().take_while(|(at, _)| *at < before);
        older.chain(self.fine.values()).collect()
    }

    /// How many points there are, and how far the first and the last are apart.
    #[must_use]
    pub fn extent(&self) -> (usize, Duration) {
        let points = self.points();
        let span = points.first().zip(points.last()).map(|(first, last)| last.0.since(first.0));
        (points.len(), span.unwrap_or_default())
    }

    /// What came after `at`, as finely as it is kept.
    pub fn since(&self, at: Timestamp) -> impl Iterator<Item = (Timestamp, f64)> {
        self.fine.values().filter(move |own| own.0 > at)
    }

    /// The bytes of memory that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let cells = self.coarse.cells.capacity() + self.fine.cells.capacity();
        size_of::<Self>() + cells * size_of::<f32>()
    }
}

impl Track {
    fn new(width: i64, most: usize) -> Self {
        Self { width, most: most.max(1), first: 0, cells: VecDeque::new(), count: 0 }
    }

    fn cell_of(&self, at: Timestamp) -> i64 {
        at.as_millis().saturating_add(self.width / 2).div_euclid(self.width)
    }

    /// The number of the cell after the last one.
    fn end(&self) -> i64 {
        self.first + self.cells.len() as i64
    }

    /// Takes in the newest value.
    fn add(&mut self, at: Timestamp, value: f64) {
        let (cell, end) = (self.cell_of(at), self.end());
        if self.cells.is_empty() || cell >= end {
            self.append(cell, value);
        } else if let Some(last) = self.cells.back_mut().filter(|_| cell + 1 == end) {
            self.count = self.count.saturating_add(1);
            let mean = f64::from(*last);
            *last = (mean + (value - mean) / f64::from(self.count)) as f32;
        }
    }

    fn append(&mut self, cell: i64, value: f64) {
        if self.cells.is_empty() || cell - self.end() >= self.most as i64 {
            self.cells.clear();
            self.first = cell;
        }
        self.cells.extend((self.end()..cell).map(|_| f32::NAN));
        self.cells.push_back(value as f32);
        self.count = 1;
        let surplus = self.cells.len().saturating_sub(self.most);
        self.cells.drain(..surplus);
        self.first += surplus as i64;
    }

    /// Takes in an older value where there is none.
    fn fill(&mut self, at: Timestamp, value: f64) {
        let cell = self.cell_of(at);
        if cell >= self.end() || self.cells.is_empty() {
            return self.append(cell, value);
        }
        if self.end() - cell > self.most as i64 {
            return;
        }
        while cell < self.first {
            self.cells.push_front(f32::NAN);
            self.first -= 1;
        }
        let index = usize::try_from(cell - self.first).unwrap_or(usize::MAX);
        if let Some(own) = self.cells.get_mut(index).filter(|own| own.is_nan()) {
            *own = value as f32;
        }
    }

    fn drop_from(&mut self, at: Timestamp) {
        let kept = usize::try_from(self.cell_of(at) - self.first).unwrap_or(0);
        self.cells.truncate(kept);
        // The last cell is one that something is known of.
        while self.cells.back().is_some_and(|value| value.is_nan()) {
            self.cells.pop_back();
        }
        self.count = 1;
    }

    fn values(&self) -> impl Iterator<Item = (Timestamp, f64)> {
        let cells = (self.first..).zip(&self.cells).filter(|(_, value)| !value.is_nan());
        cells.map(|(cell, value)| (Timestamp::from_millis(cell * self.width), f64::from(*value)))
    }
}

impl From<Track> for Stored {
    fn from(track: Track) -> Self {
        let Track { width, most, first, cells, count } = track;
        let cells = cells.into_iter().map(|value| (!value.is_nan()).then_some(value)).collect();
        Self { width, most, first, cells, count }
    }
}

impl TryFrom<Stored> for Track {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { width, most, first, cells, count } = stored;
        // What is beyond it is no time, and would not fit into one.
        let is_time = first.unsigned_abs() < u64::from(u32::MAX) << 20;
        if width < 1 || !is_time || cells.len() > most {
            return Err("the past of a series has no such cells");
        }
        let cells = cells.into_iter().map(|value| value.unwrap_or(f32::NAN)).collect();
        Ok(Self { width, most, first, cells, count })
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).max(1)
}
