//! How many of the machines that are created run at once.

use std::cmp::min;
use std::collections::BTreeMap;

use crate::model::{Kind, Region};

use super::create::NewMachine;
use super::group::Deciding;
use super::part::{Part, Role};

/// How many machines may still be launched to run: beyond the most that should run they are created
/// stopped.
pub(super) struct LaunchRoom {
    overall: u32,
    /// Regions that have an upper end of their own.
    by_region: BTreeMap<Region, u32>,
}

impl LaunchRoom {
    /// The room that the starts of this tick leave.
    pub(super) fn new(parts: &[Part<'_, '_>], deciding: &Deciding<'_, '_>) -> Self {
        let policy = &deciding.targets.policy;
        if !policy.launch_created {
            return Self { overall: 0, by_region: BTreeMap::new() };
        }
        let starts: u32 = parts.iter().map(|part| part.started).sum();
        let mut overall = u32::MAX;
        let mut by_region = BTreeMap::new();
        for part in parts {
            let Some(max) = part.bounds.and_then(|own| own.started.max) else { continue };
            let left = max.saturating_sub(part.plan.observed.started);
            match (&part.plan.scope.region, part.role) {
                (None, _) => overall = min(overall, left.saturating_sub(starts)),
                (Some(region), Role::Region) => {
                    by_region.insert(region.clone(), left.saturating_sub(part.started));
                }
                (Some(_), _) => {}
            }
        }
        if parts.iter().any(|part| part.acts_on(Kind::Started)) {
            overall = min(overall, deciding.room(Kind::Started).saturating_sub(starts));
        }
        Self { overall, by_region }
    }

    /// Whether `new` runs at once; if so, there is room for one less.
    pub(super) fn take(&mut self, new: &NewMachine) -> bool {
        let mut own = new.regions.first().and_then(|region| self.by_region.get_mut(region));
        if self.overall == 0 || own.as_ref().is_some_and(|left| **left == 0) {
            return false;
        }
        if let Some(left) = own.as_mut() {
            **left -= 1;
        }
        self.overall = self.overall.saturating_sub(1);
        true
    }
}
