//! STAGE 3: from what is and what is wanted to what to do. Pure: no I/O, no clock, no randomness.

pub mod history;
pub mod observed;
pub mod plan;
pub mod reason;
pub mod targets;
pub mod template;

pub use history::{Effect, History, Recent};
pub use observed::{LAUNCH_GRACE, Observed, Release, ReleaseState};
pub use plan::{Action, Plan, PlannedAction, ScopePlan, Tally, Verb, Verdict};
pub use reason::{Reason, Weight};
pub use targets::{GroupTargets, Policy, Targets, Wanted};
pub use template::{CREATE_ID_KEY, MANAGED_KEY, Template};
