//! What is said about what happens: one struct for each thing, which logs and counts it in one place.
//!
//! Stages emit [`events`]; nothing else in the library calls tracing's macros for its own news or touches
//! a counter. [`Standing`] tells news from what was said before, so that a failure that lasts is one line
//! and not one for each tick.

#[cfg(test)]
mod capture;
mod crowd;
pub mod events;
mod forecasts;
pub mod logging;
pub mod metrics;
mod names;
mod per_app;
mod standing;

pub use forecasts::Forecasted;
pub use logging::Chain;
pub use metrics::Metrics;
pub use standing::{Failing, Standing};
