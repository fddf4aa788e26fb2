//! Where new machines go.

use crate::model::{Region, Scope, Timestamp};

use super::choice::Placement;
use super::history::History;
use super::part::{Part, Role};
use super::reason::Reason;
use super::targets::GroupTargets;
use super::view::View;

/// The regions to try for each of several new machines.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Places {
    /// For each machine the regions to try.
    pub(super) orders: Vec<Order>,
    /// Why there are fewer, and which regions are left out.
    pub(super) reasons: Vec<Reason>,
}

/// The regions to try for one machine.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Order {
    /// The first one first; none stands for the region of the machine that is cloned.
    pub(super) regions: Vec<Region>,
    /// Why the first one.
    pub(super) why: Placement,
}

/// The regions for the `count` machines that `part` creates.
///
/// A region's own machines are made there and nowhere else. Those of all regions together go, each, to the
/// listed region with the fewest machines, ties in list order; the other regions follow by the same
/// rule, for the case that Fly has no room. A region that had no room a while ago is left alone.
pub(super) fn places(
    part: &Part<'_, '_>,
    whole: &View<'_>,
    targets: &GroupTargets,
    history: &History,
    count: u32,
    now: Timestamp,
) -> Places {
    let rest = |region: &Region| rest(targets, region, history, now);
    if let (Role::Region, Some(region)) = (part.role, &part.plan.scope.region) {
        let closed = targets.closed.contains(region);
        let closed = closed.then_some(Reason::RegionNotOffered { nearest: None });
        return match closed.or_else(|| rest(region).map(|own| own.waits_in(region))) {
            None => {
                let own = Order { regions: vec![region.clone()], why: Placement::Own };
                Places { orders: vec![own; count as usize], reasons: Vec::new() }
            }
            Some(reason) => Places { orders: Vec::new(), reasons: vec![reason] },
        };
    }
    let listed = match candidates(whole, targets) {
        Ok(listed) => listed,
        Err(reason) => return Places { orders: Vec::new(), reasons: vec![reason] },
    };
    if listed.is_empty() {
        let anywhere = Order { regions: Vec::new(), why: Placement::Source };
        return Places { orders: vec![anywhere; count as usize], reasons: Vec::new() };
    }
    let mut open = Vec::new();
    let mut resting = Vec::new();
    for region in listed {
        match rest(&region) {
            None => open.push(region),
            Some(rest) => resting.push((region, rest)),
        }
    }
    let say = if open.is_empty() { Rest::waits_in } else { Rest::passes_over };
    let reasons = resting.iter().map(|(region, rest)| say(rest, region)).collect();
    let orders = if open.is_empty() { Vec::new() } else { fewest_first(whole, &open, count) };
    Places { orders, reasons }
}

/// The regions for machines of all regions together; none: wherever the machine is that is
/// cloned.
fn candidates(whole: &View<'_>, targets: &GroupTargets) -> Result<Vec<Region>, Reason> {
    let policy = &targets.policy;
    let open: Vec<Region> =
        targets.regions.iter().filter(|own| !targets.closed.contains(own)).cloned().collect();
    if !open.is_empty() {
        return Ok(open);
    }
    if !policy.regions.listed().is_empty() {
        let listed: Vec<&str> = policy.regions.listed().iter().map(Region::as_str).collect();
        let detail = format!("Fly offers none of those that are listed ({})", listed.join(", "));
        return Err(Reason::NoRegion { detail });
    }
    if policy.excluded_regions.is_empty() {
        return Ok(Vec::new());
    }
    let mut inhabited: Vec<Region> = Vec::new();
    for seen in &whole.machines {
        let region = &seen.machine.region;
        if !policy.excluded_regions.contains(region) && !inhabited.contains(region) {
            inhabited.push(region.clone());
        }
    }
    if inhabited.is_empty() {
        let detail = "every machine is in an excluded region; list the regions for new ones in `regions` (FAS_REGIONS)";
        return Err(Reason::NoRegion { detail: detail.into() });
    }
    inhabited.sort();
    Ok(inhabited)
}

/// Fly had no room in a region a while ago.
struct Rest {
    answer: String,
    until: Timestamp,
}

impl Rest {
    /// Why nothing is created: it was to be in `region`.
    fn waits_in(&self, region: &Region) -> Reason {
        let (region, answer, until) = (region.clone(), self.answer.clone(), self.until);
        Reason::RegionResting { region, answer, until }
    }

    /// Why it is created elsewhere than in `region`.
    fn passes_over(&self, region: &Region) -> Reason {
        let (region, answer, until) = (region.clone(), self.answer.clone(), self.until);
        Reason::RegionPassedOver { region, answer, until }
    }
}

/// Whether no machine is asked for in `region`, since Fly had no room there.
fn rest(
    targets: &GroupTargets,
    region: &Region,
    history: &History,
    now: Timestamp,
) -> Option<Rest> {
    if history.resting.is_empty() {
        return None;
    }
    let scope = Scope { group: targets.group.clone(), region: Some(region.clone()) };
    let refusal = history.resting.get(&scope)?;
    let rest = targets.policy.region_backoff;
    refusal
        .at
        .is_within(rest, now)
        .then(|| Rest { answer: refusal.answer.to_string(), until: refusal.at.plus(rest) })
}

fn fewest_first(view: &View<'_>, listed: &[Region], count: u32) -> Vec<Order> {
    let mut load: Vec<(usize, &Region)> =
        listed.iter().map(|region| (view.count_in(region), region)).collect();
    (0..count)
        .map(|_| {
            // Stable, so that ties stay in list order.
            let mut order: Vec<usize> = (0..load.len()).collect();
            order.sort_by_key(|&index| load[index].0);
            let regions = order.iter().map(|&index| load[index].1.clone()).collect();
            let mut machines = 0;
            if let Some(&first) = order.first() {
                machines = load[first].0;
                load[first].0 += 1;
            }
            let (machines, of) = (super::part::count(machines), super::part::count(load.len()));
            Order { regions, why: Placement::Fewest { machines, of } }
        })
        .collect()
}
