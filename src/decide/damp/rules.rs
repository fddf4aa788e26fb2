//! The rules that slow scaling, as they are configured.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::model::{Calendar, Region};

/// The rules of one scope, for growing and for shrinking. None is set by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Damping {
    /// For creating and starting.
    pub up: Rules,
    /// For stopping and destroying.
    pub down: Rules,
    /// With nothing recorded for this long, what was wanted meanwhile is not known, however short the
    /// stabilization windows are.
    pub gap: Duration,
}

/// The rules of one direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    /// Nothing is done while the target is within this share of what is there.
    pub tolerance: Millionths,
    /// The most cautious of what was wanted in this time counts; zero: only what is wanted now.
    pub window: Duration,
    /// The most in one step.
    pub step: Option<Step>,
    /// How long a step lasts; zero: each decision is one.
    pub step_interval: Duration,
    /// How long nothing follows a change; zero: no time.
    pub cooldown: Duration,
    /// When there is anything to do at all; `None`: at all times.
    pub only_during: Option<Arc<Calendar>>,
}

impl Rules {
    /// How long a change of ours matters to them.
    #[must_use]
    pub fn memory(&self) -> Duration {
        let step = if self.step.is_some() { self.step_interval } else { Duration::ZERO };
        step.max(self.cooldown)
    }
}

impl Damping {
    /// How long a change of ours matters to them.
    #[must_use]
    pub fn memory(&self) -> Duration {
        self.up.memory().max(self.down.memory())
    }
}

/// The rules of single regions, where they are not those of the process group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionDamping {
    /// Those of a region that has none of its own.
    pub every: Option<Arc<Damping>>,
    /// Those of single regions.
    pub own: BTreeMap<Region, Arc<Damping>>,
}

impl RegionDamping {
    /// The rules of `region`; `None`: those of the group.
    #[must_use]
    pub fn of(&self, region: &Region) -> Option<&Damping> {
        self.own.get(region).or(self.every.as_ref()).map(Arc::as_ref)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Damping> {
        self.every.iter().chain(self.own.values()).map(Arc::as_ref)
    }
}

/// How much may change at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many machines.
    Machines(NonZeroU32),
    /// So many of a hundred, rounded up.
    Percent(NonZeroU32),
}

impl Step {
    /// How many machines it is of `size`: always at least one.
    #[must_use]
    pub fn of(self, size: u32) -> u32 {
        match self {
            Self::Machines(machines) => machines.get(),
            Self::Percent(percent) => {
                let share = (u64::from(size) * u64::from(percent.get())).div_ceil(100);
                u32::try_from(share).unwrap_or(u32::MAX).max(1)
            }
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Machines(machines) => write!(f, "{machines}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl Serialize for Step {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A fraction in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Millionths(u32);

impl Millionths {
    /// The fraction `number`, from 0 to 1; what is outside is taken as the end that it is beyond.
    #[must_use]
    pub fn from_fraction(number: f64) -> Self {
        Self((number.clamp(0.0, 1.0) * 1e6).round() as u32)
    }

    /// Whether `part` is no more than this share of `whole`.
    #[must_use]
    pub fn covers(self, part: u32, whole: u32) -> bool {
        u64::from(part) * 1_000_000 <= u64::from(self.0) * u64::from(whole)
    }
}

impl fmt::Display for Millionths {
    /// As percent: `12.5 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.0) / 1e4)
    }
}

impl Serialize for Millionths {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(self.0) / 1e6)
    }
}
