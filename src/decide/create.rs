//! What new machines are cloned from, where they go and what they mount.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Machine, MachineId, Region, Scope};

use super::choice::{Choice, Place, Placement};
use super::observed::Observed;
use super::part::count;
use super::place::Order;
use super::reason::Reason;
use super::targets::Policy;
use super::template::Template;
use super::view::View;
use super::volumes::{NewVolume, VolumeChoice};
use super::{Supply, select};

/// A machine to be created.
pub(super) struct NewMachine {
    pub(super) template: Arc<Template>,
    pub(super) regions: Vec<Region>,
    /// What it has to mount, if anything.
    needed: Option<NewVolume>,
    /// One for each region, where a volume is needed.
    pub(super) volumes: Vec<VolumeChoice>,
    /// What it is made from, and why there.
    pub(super) choice: Choice,
}

/// What each new machine is cloned from and what it mounts, given for each the regions to try; fewer
/// where there can be no more, and why. `view` has all machines of the group.
pub(super) fn planned_creates(
    observed: &Observed,
    view: &View<'_>,
    policy: &Policy,
    scope: &Scope,
    orders: Vec<Order>,
    supply: &mut Supply<'_>,
) -> (Vec<NewMachine>, Option<Reason>) {
    let mut templates = BTreeMap::new();
    let mut creates = Vec::with_capacity(orders.len());
    let mut refused = None;
    let cloneable = count(select::count_cloneable(view));
    for order in orders {
        let planned = select::clone_source(view, order.regions.first())
            .ok_or_else(|| {
                let detail = select::why_no_source(view, observed, &scope.group);
                Reason::NoMachineToClone { detail }
            })
            .and_then(|source| {
                let template = template_of(source, &mut templates)?;
                planned_create(source, template, order, cloneable, policy, supply)
            });
        match planned {
            Ok(create) => creates.push(create),
            Err(reason) => {
                refused = Some(reason);
                break;
            }
        }
    }
    // The other regions, for the case that Fly has no room in the first: only once each create has a
    // volume, or the first one would take the others' away.
    for create in &mut creates {
        let Some(needed) = &create.needed else { continue };
        let mut regions = create.regions.drain(..);
        let first: Vec<Region> = regions.next().into_iter().collect();
        let rest: Vec<Region> = regions.collect();
        create.regions = first;
        for region in rest {
            if let Some(volume) = supply.volumes.take(needed, &region, policy.create_volumes) {
                create.regions.push(region);
                create.volumes.push(volume);
            }
        }
    }
    (creates, refused)
}

/// The template that `source` makes, made once for all its clones.
fn template_of<'a>(
    source: &'a Machine,
    templates: &mut BTreeMap<&'a MachineId, Arc<Template>>,
) -> Result<Arc<Template>, Reason> {
    if let Some(template) = templates.get(&source.id) {
        return Ok(Arc::clone(template));
    }
    if source.config.is_none() && source.facts.config_left_out {
        return Err(Reason::ConfigUnread { source: source.id.clone() });
    }
    let template = Template::from_machine(source).map(Arc::new).map_err(|missing| {
        Reason::NoMachineToClone { detail: format!("machine {} {missing}", source.id) }
    })?;
    templates.insert(&source.id, Arc::clone(&template));
    Ok(template)
}

/// A clone of `source`, of `of` that could be one, in the first region of `order` that has a volume for it,
/// if it needs one.
fn planned_create(
    source: &Machine,
    template: Arc<Template>,
    order: Order,
    of: u32,
    policy: &Policy,
    supply: &mut Supply<'_>,
) -> Result<NewMachine, Reason> {
    let Order { mut regions, why: mut placement } = order;
    if regions.is_empty() {
        regions.push(source.region.clone());
    }
    let needed = supply.volumes.needed(source, &template)?;
    let mut volumes = Vec::new();
    if let Some(needed) = &needed {
        let taken = supply.volumes.take_first(needed, &regions, policy.create_volumes);
        let Some((index, volume)) = taken else {
            let (source, volume) = (source.id.clone(), needed.name.to_string());
            return Err(Reason::VolumesNeeded { source, volume, regions });
        };
        regions[..=index].rotate_right(1);
        if index > 0 {
            placement = Placement::Volume;
        }
        volumes.push(volume);
    }
    let choice = Choice::Clone {
        source: source.id.clone(),
        source_region: source.region.clone(),
        release: source.facts.release_version,
        place: Place { place: 1, of },
        region: regions.first().cloned(),
        placement,
    };
    Ok(NewMachine { template, regions, needed, volumes, choice })
}
