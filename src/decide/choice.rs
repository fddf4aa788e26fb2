//! Why this machine and no other: put down where it is chosen.

use std::fmt;

use serde::{Serialize, Serializer};

use super::targets::StopOrder;
use crate::model::{MachineId, MachineState, Region, Timestamp};

/// Why an action is for this machine and no other; of a new machine what it is made from, and where.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "rule", rename_all = "snake_case")]
pub enum Choice {
    /// Of those that can be started.
    Start {
        /// Where it stands among them.
        #[serde(flatten)]
        place: Place,
        /// Whether it is suspended, and so resumes at once.
        suspended: bool,
        /// Its release, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<u64>,
    },
    /// Of those that run: in the order in which they leave.
    Leave {
        /// Where it stands among them.
        #[serde(flatten)]
        place: Place,
        /// What is asked for.
        order: StopOrder,
        /// What puts it there.
        turn: Turn,
    },
    /// Of those that may be destroyed.
    Destroy {
        /// Where it stands among them.
        #[serde(flatten)]
        place: Place,
        /// Its state, which counts first.
        state: MachineState,
        /// What is asked for among equals.
        order: StopOrder,
        /// What puts it there.
        turn: Turn,
    },
    /// What a new machine is made from, and where it goes.
    Clone {
        /// The machine that is cloned.
        source: MachineId,
        /// Where that is.
        source_region: Region,
        /// Its release, if known.
        #[serde(skip_serializing_if = "Option::is_none")]
        release: Option<u64>,
        /// Where it stands among those that can be cloned.
        #[serde(flatten)]
        place: Place,
        /// Where the new one goes.
        #[serde(skip_serializing_if = "Option::is_none")]
        region: Option<Region>,
        /// Why there.
        placement: Placement,
    },
    /// It is done to every machine of which the action's reason is true.
    Every,
}

/// A place in an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Place {
    /// The first is 1.
    pub place: u32,
    /// How many there are.
    pub of: u32,
}

impl Place {
    /// The place of the one that `index` others come before, of `count`.
    #[must_use]
    pub(super) fn at(index: usize, count: usize) -> Self {
        let limited = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Self { place: limited(index.saturating_add(1)), of: limited(count) }
    }
}

/// What puts a machine where it stands in the order in which machines leave.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Turn {
    /// We have cordoned it: those go first, the longest cordoned before the others.
    Cordoned {
        /// Since when.
        since: Timestamp,
    },
    /// Its region is excluded: those go before all others.
    Excluded,
    /// Its id.
    Id,
    /// Its age.
    Age {
        /// When it was created; those of which that is not known go last.
        #[serde(skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
    },
    /// How much it has to do.
    Load {
        /// What `stop-metric` says of it; those of which it says nothing go last.
        #[serde(skip_serializing_if = "Option::is_none")]
        load: Option<f64>,
    },
}

/// Why a new machine goes where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Placement {
    /// The region has a number of its own, which is met there and nowhere else.
    Own,
    /// Of these regions it has the fewest machines, ties in the order of the list.
    Fewest {
        /// How many it has.
        machines: u32,
        /// Of how many regions.
        of: u32,
    },
    /// Where the machine is that is cloned: no region is asked for.
    Source,
    /// The first region in order for which there is a volume.
    Volume,
}

impl Choice {
    /// The order that was gone by: the same for all that were chosen together.
    #[must_use]
    pub fn rule(&self) -> String {
        let ways_out = |order| match order {
            StopOrder::Id => "by id",
            StopOrder::Newest => "the newest first, then by id",
            StopOrder::Oldest => "the oldest first, then by id",
            StopOrder::LeastLoaded => "the least loaded first, then by id",
        };
        match self {
            Self::Start { .. } => {
                "suspended before stopped, then the newest release, then by id".to_owned()
            }
            Self::Leave { turn: Turn::Cordoned { .. }, .. } => {
                "those cordoned to be stopped first, the longest cordoned before all".to_owned()
            }
            Self::Leave { order, turn: Turn::Excluded, .. } => {
                format!("those in excluded regions first, then {}", ways_out(*order))
            }
            Self::Leave { order, .. } => ways_out(*order).to_owned(),
            Self::Destroy { order, .. } => format!(
                "failed before stopped, suspended, created and started, then {}",
                ways_out(*order)
            ),
            Self::Clone { .. } => {
                "neither failed nor cordoned, then the newest release, then the same region, then by id"
                    .to_owned()
            }
            Self::Every => "every machine of which that is true".to_owned(),
        }
    }

    /// Where it stands in the order, if it was chosen by one.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self {
            Self::Start { place, .. }
            | Self::Leave { place, .. }
            | Self::Destroy { place, .. }
            | Self::Clone { place, .. } => Some(*place),
            Self::Every => None,
        }
    }

    /// Whether one sentence says why both were chosen: see [`Choice::together`].
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let source = |own: &Self| match own {
            Self::Clone { source, .. } => Some(source.clone()),
            _ => None,
        };
        self.rule() == other.rule() && source(self) == source(other)
    }

    /// Why `count` machines were chosen, of which this is the first and [all are alike](Choice::is_like);
    /// `None` where the action's reason says all.
    #[must_use]
    pub fn together(&self, count: usize) -> Option<String> {
        let of = self.place()?.of;
        Some(match self {
            _ if count == 1 => self.to_string(),
            Self::Clone { placement: Placement::Fewest { .. }, .. } => {
                format!("{}; each goes where there are the fewest", self.source())
            }
            Self::Clone { .. } => self.source(),
            _ => format!("{}: {count} of {of} {}", self.rule(), self.among()),
        })
    }

    /// The place in the order, and what put it there, without where a new machine goes.
    fn source(&self) -> String {
        match self {
            Self::Clone { source, source_region, release, place, .. } => {
                let of = match place.of {
                    1 => "the only one".to_owned(),
                    of => format!("{} of {of}", Ordinal(place.place)),
                };
                let release = release.map(|own| format!(", release {own}")).unwrap_or_default();
                let (rule, among) = (self.rule(), self.among());
                format!("{rule}: {source}, {of} {among} (in {source_region}{release})")
            }
            _ => self.to_string(),
        }
    }

    /// What the machines have in common among which it was chosen.
    #[must_use]
    fn among(&self) -> &'static str {
        match self {
            Self::Start { .. } => "that can be started",
            Self::Leave { .. } => "that run",
            Self::Destroy { .. } => "that may go",
            Self::Clone { .. } => "that can be cloned",
            Self::Every => "of which that is true",
        }
    }

    /// The same choice, of a machine that stands elsewhere in the order.
    #[must_use]
    pub(super) fn moved_to(mut self, to: Place) -> Self {
        if let Self::Start { place, .. } | Self::Leave { place, .. } | Self::Destroy { place, .. } =
            &mut self
        {
            *place = to;
        }
        self
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Clone { region, placement, .. } = self {
            f.write_str(&self.source())?;
            return region.as_ref().map_or(Ok(()), |region| write!(f, "; {region} {placement}"));
        }
        f.write_str(&self.rule())?;
        if let Some(Place { place, of }) = self.place() {
            match of {
                1 => write!(f, ": the only one {}", self.among())?,
                _ => write!(f, ": {} of {of} {}", Ordinal(place), self.among())?,
            }
        }
        match self {
            Self::Start { suspended, release, .. } => {
                f.write_str(if *suspended { " (suspended" } else { " (stopped" })?;
                release.map_or(Ok(()), |release| write!(f, ", release {release}"))?;
                f.write_str(")")
            }
            Self::Leave { turn, .. } => write!(f, "{turn}"),
            Self::Destroy { state, turn, .. } => write!(f, " ({state}){turn}"),
            Self::Clone { .. } | Self::Every => Ok(()),
        }
    }
}

impl fmt::Display for Turn {
    /// Reads on after a place in an order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cordoned { since } => write!(f, " (cordoned since {since})"),
            Self::Excluded | Self::Id => Ok(()),
            Self::Age { created_at: Some(at) } => write!(f, " (created {at})"),
            Self::Age { created_at: None } => f.write_str(" (of unknown age, which goes last)"),
            Self::Load { load: Some(load) } => write!(f, " (load {load})"),
            Self::Load { load: None } => f.write_str(" (of unknown load, which goes last)"),
        }
    }
}

impl fmt::Display for Placement {
    /// Reads on after a region.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own => f.write_str("by its own number"),
            Self::Fewest { of: 1, .. } => f.write_str("is the only region to create in"),
            Self::Fewest { machines, of } => {
                write!(f, "has the fewest machines ({machines}) of {of} regions")
            }
            Self::Source => f.write_str("is where that one is"),
            Self::Volume => f.write_str("is the first region in order with a volume for it"),
        }
    }
}

/// A number that says which of several.
struct Ordinal(u32);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ending = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{ending}", self.0)
    }
}

/// A choice as data together with its sentence.
pub(super) fn with_text<S: Serializer>(choice: &Choice, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Form<'a> {
        #[serde(flatten)]
        choice: &'a Choice,
        text: String,
    }
    Form { choice, text: choice.to_string() }.serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_a_sentence() {
        let place = Place { place: 1, of: 4 };
        let start = |place, suspended, release| Choice::Start { place, suspended, release };
        let leave = |order, turn| Choice::Leave { place, order, turn };
        let at = Timestamp::from_millis(0);
        let clone = |region: Option<&str>, placement| Choice::Clone {
            source: MachineId::new("m1"),
            source_region: Region::new("lhr"),
            release: Some(12),
            place: Place { place: 1, of: 3 },
            region: region.map(Region::new),
            placement,
        };
        let destroy = Choice::Destroy {
            place: Place { place: 3, of: 12 },
            state: MachineState::Stopped,
            order: StopOrder::Id,
            turn: Turn::Id,
        };
        for (choice, text) in [
            (
                start(place, true, Some(12)),
                "suspended before stopped, then the newest release, then by id: 1st of 4 that can be started (suspended, release 12)",
            ),
            (
                start(Place { place: 1, of: 1 }, false, None),
                "suspended before stopped, then the newest release, then by id: the only one that can be started (stopped)",
            ),
            (leave(StopOrder::Id, Turn::Id), "by id: 1st of 4 that run"),
            (
                leave(StopOrder::LeastLoaded, Turn::Load { load: Some(0.25) }),
                "the least loaded first, then by id: 1st of 4 that run (load 0.25)",
            ),
            (
                leave(StopOrder::LeastLoaded, Turn::Load { load: None }),
                "the least loaded first, then by id: 1st of 4 that run (of unknown load, which goes last)",
            ),
            (
                leave(StopOrder::Newest, Turn::Age { created_at: Some(at) }),
                "the newest first, then by id: 1st of 4 that run (created 1970-01-01T00:00:00.000Z)",
            ),
            (
                leave(StopOrder::Id, Turn::Cordoned { since: at }),
                "those cordoned to be stopped first, the longest cordoned before all: 1st of 4 that run (cordoned since 1970-01-01T00:00:00.000Z)",
            ),
            (
                leave(StopOrder::Oldest, Turn::Excluded),
                "those in excluded regions first, then the oldest first, then by id: 1st of 4 that run",
            ),
            (
                destroy,
                "failed before stopped, suspended, created and started, then by id: 3rd of 12 that may go (stopped)",
            ),
            (
                clone(Some("iad"), Placement::Fewest { machines: 2, of: 3 }),
                "neither failed nor cordoned, then the newest release, then the same region, then by id: m1, 1st of 3 that can be cloned (in lhr, release 12); iad has the fewest machines (2) of 3 regions",
            ),
            (
                clone(Some("lhr"), Placement::Own),
                "neither failed nor cordoned, then the newest release, then the same region, then by id: m1, 1st of 3 that can be cloned (in lhr, release 12); lhr by its own number",
            ),
            (Choice::Every, "every machine of which that is true"),
        ] {
            assert_eq!(choice.to_string(), text);
        }
    }

    #[test]
    fn places_are_counted_as_people_do() {
        let said = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(|own| Ordinal(own).to_string());
        assert_eq!(
            said,
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
        );
    }
}
