//! Several process groups of one app: each with its own expressions, limits and regions, and all of them
//! in one tick.

mod commands;
mod ticks;

use fly_autoscaler::model::{AppName, MachineState, ProcessGroup, Region};
use fly_autoscaler::sim::{AppSpec, MachineSpec, WorldHandle, deployed_config};

/// Adds machines of `group` to an app: this many that run and this many that wait.
pub(crate) fn add(
    world: &WorldHandle,
    app: &AppName,
    group: &str,
    region: &str,
    started: usize,
    stopped: usize,
) {
    let states = [(started, MachineState::Started), (stopped, MachineState::Stopped)];
    for state in states.into_iter().flat_map(|(count, state)| vec![state; count]) {
        let config = Some(deployed_config(app, &ProcessGroup::new(group), 1));
        let region = Region::new(region);
        world.add_machine(app, MachineSpec { region, state, config }).unwrap();
    }
}

/// How many machines of `group` are in which region and state, as `iad started 2, lhr stopped 1`.
pub(crate) fn fleet(world: &WorldHandle, app: &AppName, group: &str) -> String {
    let machines = world.machines(app).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for machine in machines {
        let is_own = machine.config["metadata"]["fly_process_group"] == group;
        if is_own && machine.state != MachineState::Destroying {
            *counts.entry(format!("{} {}", machine.region, machine.state)).or_insert(0) += 1;
        }
    }
    let counts: Vec<_> = counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
    counts.join(", ")
}

/// An app without machines: those of its groups come by [`add`].
pub(crate) fn empty(name: &str, org: &str) -> AppSpec {
    AppSpec::new(name, org)
}
