//! One struct for each thing that happens. `emit` writes the log line and moves the counters, so that
//! neither can be forgotten or say something else than the other.
//!
//! Levels follow what somebody has to do: `error`, now; `warn`, if it lasts; `info`, nothing, it is
//! what the autoscaler is for; `debug`, nothing, ever. What repeats with every tick is `debug`.

mod action;
mod advice;
mod control;
mod fleet;
mod forecast;
mod hold;
mod journal;
mod measure;
mod platform;
mod reload;
mod state;
mod tick;
mod token;

pub use action::{ActionDone, ActionFailed, ApiCall, WouldAct};
pub use advice::Advised;
pub use control::{
    HttpTokenRefused, PauseRecalled, PauseUnreadable, PausesUnread, ScalingPaused, TickOrdered,
};
pub use fleet::{
    AppListFailing, AppListRecovered, AppsChanged, FleetBehind, NoAppMatches, OrgListFailing,
    OrgListRecovered, TickPanicked,
};
pub use forecast::SeriesFitted;
pub use hold::{HoldBegan, HoldEnded, ReleaseTakenAsAbandoned};
pub use journal::{
    JournalBehind, JournalCaughtUp, JournalKept, JournalLeavesOut, JournalNotKept, JournalPanicked,
    JournalSetAside, JournalTorn, JournalUnflushed,
};
pub use measure::{
    CollectEnded, CollectFailed, CollectRecovered, EvaluateFailed, LastValueRanOut, PastUnread,
    StopMetricFailed, StopMetricRecovered,
};
pub use platform::{RegionDoubtful, RegionListFailing, RegionListRecovered};
pub(super) use reload::Reloaded;
pub use reload::{ConfigRejected, ConfigTakenOver, ConfigUnchanged, NeedsRestart, NothingToReload};
pub use state::{
    SeriesUnreadable, StateKept, StateNotKept, StateSetAside, StateSlow, StateUnflushed,
    StateUnreadable,
};
pub use tick::{
    AppFailing, AppRecovered, BackingOff, NotAwaited, TickBegan, TickEnded, TickSkipped,
};
pub use token::{TokenDoubtful, TokenFits, TokenUnchecked};

#[cfg(test)]
mod tests;
