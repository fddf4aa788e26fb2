//! The nouns that every stage shares. No I/O and no clock; imports nothing else of ours.

pub mod app;
pub mod bounds;
pub mod calendar;
pub mod catalog;
pub mod collector;
pub mod duration;
mod failure;
pub mod log_format;
pub mod machine;
pub mod outcome;
pub mod pairs;
pub mod region;
pub mod sample;
pub mod scope;
pub mod series;
pub mod time;
pub mod volume;

pub use app::{AppName, AppPattern, AppSelection, ProcessGroup};
pub use bounds::{Bounds, Kind, Kinds, ScopeBounds, Side};
pub use calendar::{Calendar, CalendarError};
pub use catalog::{Catalog, Site};
pub use collector::{By, OnFailure, SeriesRule};
pub use failure::{Failure, GrowOnly, Instead};
pub use log_format::LogFormat;
pub use machine::{HostStatus, Machine, MachineFacts, MachineId, MachineState, SuspendObstacle};
pub use outcome::TickOutcome;
pub use region::{Region, RegionList};
pub use sample::{MetricName, Sample, Value, VariableTable};
pub use scope::Scope;
pub use series::{Ring, SeriesKey, SeriesSize, Summary, TooLittle};
pub use time::Timestamp;
pub use volume::{Volume, VolumeId};

/// Declares a newtype over `Arc<str>`: cheap to clone, ordered, printed as its text.
macro_rules! text_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Wraps `text` as it is.
            #[must_use]
            pub fn new(text: impl AsRef<str>) -> Self {
                Self(std::sync::Arc::from(text.as_ref()))
            }

            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(&self.0, f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str>>::deserialize(deserializer).map(Self::new)
            }
        }
    };
}
pub(crate) use text_newtype;
