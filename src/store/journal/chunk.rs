//! The numbers of some ticks in a row of one app, column by column.

use std::collections::HashMap;

use super::codec::{
    put_column, put_number, put_signed, take_byte, take_column, take_number, take_signed,
};
use crate::model::Timestamp;

/// How many ticks a chunk has at most.
pub(super) const MOST_TICKS: usize = 64;
/// More numbers than any app has: what goes beyond it is not kept.
const MOST_COLUMNS: usize = 4096;
/// The first byte: how the rest is to be read.
const VERSION: u8 = 1;
/// A column that is the same as another: its place.
const SAME: u8 = 0x40;

/// Numbers of ticks. A number that is missing is NaN.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Chunk {
    times: Vec<i64>,
    /// By the ids of the columns, in the order in which ticks have them.
    columns: Vec<(u32, Series)>,
}

/// One number, tick by tick.
#[derive(Debug, PartialEq)]
enum Series {
    /// It has been the same in all ticks so far.
    Constant(f64),
    Varying(Vec<f64>),
}

impl Series {
    fn push(&mut self, count: usize, value: f64) {
        match self {
            Self::Constant(same) if same.to_bits() == value.to_bits() => {}
            Self::Constant(same) => {
                let mut values = vec![*same; count];
                values.push(value);
                *self = Self::Varying(values);
            }
            Self::Varying(values) => values.push(value),
        }
    }
}

impl Chunk {
    pub(super) fn is_full(&self) -> bool {
        self.times.len() >= MOST_TICKS
    }

    pub(super) fn from(&self) -> Option<Timestamp> {
        self.times.first().copied().map(Timestamp::from_millis)
    }

    pub(super) fn until(&self) -> Option<Timestamp> {
        self.times.last().copied().map(Timestamp::from_millis)
    }

    /// Adds a tick: the ids of its columns, and their values.
    pub(super) fn push(&mut self, at: Timestamp, columns: &[u32], values: &[f64]) {
        let count = self.times.len();
        self.times.push(at.as_millis());
        let known = self.columns.iter().map(|(column, _)| column);
        if known.eq(columns) {
            for ((_, series), value) in self.columns.iter_mut().zip(values) {
                series.push(count, *value);
            }
            return;
        }
        let mut new: HashMap<u32, f64> =
            columns.iter().copied().zip(values.iter().copied()).collect();
        for (column, series) in &mut self.columns {
            series.push(count, new.remove(column).unwrap_or(f64::NAN));
        }
        for column in columns {
            let Some(value) = new.remove(column) else { continue };
            if self.columns.len() < MOST_COLUMNS {
                let mut series = Series::Constant(if count == 0 { value } else { f64::NAN });
                series.push(count, value);
                self.columns.push((*column, series));
            }
        }
    }

    /// As bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_number(&mut out, self.times.len() as u64);
        let (mut before, mut step) = (0, 0);
        for time in &self.times {
            let own = time.wrapping_sub(before);
            put_signed(&mut out, own.wrapping_sub(step));
            // The first is a time and no step.
            step = if before == 0 { 0 } else { own };
            before = *time;
        }
        put_number(&mut out, self.columns.len() as u64);
        let mut id = 0;
        let mut seen: HashMap<Vec<u64>, u64> = HashMap::new();
        for (place, (column, series)) in (0..).zip(&self.columns) {
            put_signed(&mut out, i64::from(*column) - i64::from(id));
            id = *column;
            match series {
                Series::Constant(value) => put_column(&mut out, &vec![*value; self.times.len()]),
                Series::Varying(values) => {
                    // What expressions read is mostly what was measured.
                    let bits = values.iter().map(|value| value.to_bits()).collect();
                    let first = *seen.entry(bits).or_insert(place);
                    if first == place {
                        put_column(&mut out, values);
                    } else {
                        out.push(SAME);
                        put_number(&mut out, first);
                    }
                }
            }
        }
        out
    }
}

/// A chunk that was read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Numbers {
    /// When the ticks began.
    pub(super) times: Vec<i64>,
    /// The values of each column at these times; NaN where there was none.
    pub(super) columns: Vec<(u32, Vec<f64>)>,
}

/// The times of the chunk in `bytes`; these stand behind them then. `None` where they are torn.
pub(super) fn take_times(bytes: &mut &[u8]) -> Option<Vec<i64>> {
    if take_byte(bytes)? != VERSION {
        return None;
    }
    let count = usize::try_from(take_number(bytes)?).ok().filter(|count| *count <= MOST_TICKS)?;
    let (mut before, mut step) = (0_i64, 0);
    let mut times = Vec::with_capacity(count);
    for _ in 0..count {
        let own = take_signed(bytes)?.wrapping_add(step);
        step = if before == 0 { 0 } else { own };
        before = before.wrapping_add(own);
        times.push(before);
    }
    Some(times)
}

impl Numbers {
    /// The chunk in `bytes`; `None` where they are torn.
    pub(super) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let times = take_times(bytes)?;
        let count =
            usize::try_from(take_number(bytes)?).ok().filter(|count| *count <= MOST_COLUMNS)?;
        let mut columns: Vec<(u32, Vec<f64>)> = Vec::with_capacity(count);
        let mut id = 0_u32;
        for _ in 0..count {
            let own = i64::from(id).checked_add(take_signed(bytes)?)?;
            id = u32::try_from(own).ok()?;
            let values = match take_byte(bytes)? {
                SAME => columns.get(usize::try_from(take_number(bytes)?).ok()?)?.1.clone(),
                tag => take_column(tag, bytes, times.len())?,
            };
            columns.push((id, values));
        }
        Some(Self { times, columns })
    }

    /// The value of `column` in the tick at `place`.
    pub(super) fn value(&self, column: u32, place: usize) -> Option<f64> {
        let (_, values) = self.columns.iter().find(|(id, _)| *id == column)?;
        let value = *values.get(place)?;
        (!value.is_nan()).then_some(value)
    }
}
