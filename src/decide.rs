//! STAGE 3: from what is and what is wanted to what to do. Pure: no I/O, no clock, no randomness.
//!
//! The steps, in order, each in its file: [`view`] lays our own recent actions over the list and says
//! what each machine counts as; `bounds` settles the numbers of a process group, over all regions and in
//! each, with `grow_only`, [`damp`], [`limit`] and `split`; [`gate`] holds what must not be touched now; `place` chooses
//! regions;
//! [`select`] chooses machines; [`volumes`] what new ones mount; `launch` which of them run at once;
//! `leave` in which order machines leave, and by which steps; `rotation` which go back to serving;
//! `drain` what leaves excluded regions. `group` is the order of these steps, `part` one scope in the
//! making. Which regions there are to decide about says [`regions`].

pub mod advice;
mod bounds;
pub mod check;
mod choice;
mod create;
pub mod damp;
mod drain;
pub mod gate;
mod group;
mod grow_only;
pub mod history;
mod launch;
mod leave;
pub mod limit;
pub mod observed;
mod part;
mod place;
pub mod plan;
pub mod reason;
pub mod regions;
mod rotation;
pub mod select;
mod split;
pub mod targets;
pub mod template;
pub mod view;
pub mod volumes;

pub use advice::{Advice, advice};
pub use choice::{Choice, Place, Placement, Turn};
pub use damp::{Change, Damping, Eased, Millionths, Recommendations, RegionDamping, Rules, Step};
pub use gate::guard_release;
pub use history::{Cordoned, Effect, History, Recent, Refusal};
pub use observed::{LAUNCH_GRACE, Loads, Observed, Release, ReleaseState, Volumes};
pub use plan::{Action, Plan, PlannedAction, ScopePlan, Tally, Verb, Verdict};
pub use reason::{CordonEnd, Reason, Weight};
pub use regions::{ScaledRegions, scaled_regions};
pub use targets::{
    GroupTargets, Limits, Policy, RegionLimits, RegionTargets, StopOrder, Targets, Unlisted, Wanted,
};
pub use template::{CORDON_KEY, CREATE_ID_KEY, MANAGED_KEY, Template};
pub use volumes::{NewVolume, VolumeChoice};

use crate::model::Timestamp;

/// Decides what to do about an app's machines.
///
/// Total: whatever cannot be judged becomes a reason of weight [`Weight::Hold`] in its scope, never a
/// panic. The same arguments give the same plan, in whatever order the machines are listed.
pub fn decide(observed: &Observed, targets: &Targets, history: &History, now: Timestamp) -> Plan {
    let mut next = history.settled(observed, now);
    let mut supply = Supply {
        ids: CreateIds { scaler: &history.scaler, now, count: 0 },
        volumes: volumes::Pool::new(&observed.volumes, history, now),
    };
    let scopes: Vec<ScopePlan> = targets
        .groups
        .iter()
        .flat_map(|group| {
            group::decide_group(observed, group, history, &mut next, &mut supply, now)
        })
        .collect();
    // A region that is no longer decided about wishes for nothing.
    next.large_destroy_wishes.retain(|scope, _| scopes.iter().any(|own| own.scope == *scope));
    next.recommendations.retain(|scope, _| scopes.iter().any(|own| own.scope == *scope));
    next.changes.retain(|group, _| targets.groups.iter().any(|own| own.group == *group));
    Plan::new(scopes, next)
}

/// What the creates of one plan draw from.
struct Supply<'a> {
    ids: CreateIds<'a>,
    volumes: volumes::Pool<'a>,
}

/// Gives each create of a plan an id that no other plan of any scaler has.
struct CreateIds<'a> {
    scaler: &'a str,
    now: Timestamp,
    count: u32,
}

impl CreateIds<'_> {
    fn next(&mut self) -> std::sync::Arc<str> {
        self.count += 1;
        format!("{}-{:x}-{}", self.scaler, self.now.as_millis(), self.count).into()
    }
}
