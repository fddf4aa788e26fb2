//! Machines, targets and histories to decide on.

use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::{
    Effect, GroupTargets, History, Observed, Plan, Policy, Reason, Recent, StopOrder, Targets,
    Wanted, decide,
};
use fly_autoscaler::model::{
    Bounds, HostStatus, Machine, MachineFacts, MachineId, MachineState, ProcessGroup, Region,
    Scope, ScopeBounds, SuspendObstacle, Timestamp,
};
use proptest::prelude::*;

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The process groups of the app: those that are scaled are the first of them.
const GROUPS: [&str; 3] = ["app", "worker", "web"];

/// The group that is always scaled.
pub(super) fn group() -> ProcessGroup {
    ProcessGroup::new(GROUPS[0])
}

fn a_machine(number: usize) -> impl Strategy<Value = Machine> {
    let state = prop_oneof![
        6 => Just("started"), 6 => Just("stopped"), 1 => Just("suspended"), 1 => Just("created"),
        1 => Just("starting"), 1 => Just("stopping"), 1 => Just("failed"), 1 => Just("destroying"),
        1 => Just("replacing"), 1 => Just("hibernating"), 1 => Just("suspending"),
    ];
    let host = prop_oneof![
        12 => Just(HostStatus::Ok), 1 => Just(HostStatus::Unknown), 1 => Just(HostStatus::Unreachable),
    ];
    let region = prop_oneof![Just("lhr"), Just("iad"), Just("fra"), Just("syd")];
    let own_group = prop_oneof![
        10 => Just(Some(GROUPS[0])), 6 => Just(Some(GROUPS[1])), 3 => Just(Some(GROUPS[2])),
        1 => Just(None),
    ];
    (
        (state, host, region, own_group, 0_i64..200),
        (any::<bool>(), 1_u64..4, prop::bool::weighted(0.05), prop::bool::weighted(0.05)),
        (prop::bool::weighted(0.9), prop::bool::weighted(0.1), prop::bool::weighted(0.1)),
        prop_oneof![
            4 => Just(None), 1 => Just(Some(SuspendObstacle::Memory)),
            1 => Just(Some(SuspendObstacle::Unknown)),
        ],
    )
        .prop_map(move |(seen, facts, config, suspend_obstacle)| {
            let (state, host_status, region, own_group, age) = seen;
            let (launched, release, is_standby, is_scheduled) = facts;
            let (has_config, is_cordoned, going) = config;
            Machine {
                id: MachineId::new(format!("m{number:03}")),
                state: MachineState::parse(state),
                region: Region::new(region),
                host_status,
                is_cordoned,
                created_at: Some(NOW.minus(Duration::from_secs(age.unsigned_abs()))),
                image: Some(Arc::from("registry.fly.io/app:v1")),
                facts: MachineFacts {
                    group: own_group.map(ProcessGroup::new),
                    is_standby,
                    is_scheduled,
                    suspend_obstacle,
                    release_version: Some(release),
                    bluegreen_tag: going.then(|| Arc::from("safe_to_destroy")),
                    launched_by_autoscaler: launched,
                    ..MachineFacts::default()
                },
                config: has_config.then(config_of),
            }
        })
}

pub(super) fn config_of() -> Arc<serde_json::value::RawValue> {
    let text = r#"{"image":"registry.fly.io/app:v1","metadata":{"fly_process_group":"app"}}"#;
    Arc::from(serde_json::value::RawValue::from_string(text.to_owned()).unwrap())
}

fn machines() -> impl Strategy<Value = Vec<Machine>> {
    (0_usize..24).prop_flat_map(|count| (0..count).map(a_machine).collect::<Vec<_>>())
}

fn bounds() -> impl Strategy<Value = Bounds> {
    prop_oneof![
        2 => Just(Bounds::default()),
        3 => (0_u32..20).prop_map(Bounds::exactly),
        3 => (0_u32..20, 0_u32..20).prop_map(|(a, b)| Bounds {
            min: Some(std::cmp::min(a, b)),
            max: Some(std::cmp::max(a, b)),
        }),
        1 => (prop::option::of(0_u32..20), prop::option::of(0_u32..20))
            .prop_map(|(min, max)| Bounds { min, max }),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![
        12 => (bounds(), bounds())
            .prop_map(|(created, started)| Wanted::Bounds(ScopeBounds { created, started })),
        1 => Just(Wanted::Hold(vec![Reason::MetricFailed {
            metric: fly_autoscaler::model::MetricName::new("queue_depth"),
            message: "no answer".into(),
        }])),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let order = prop_oneof![Just(StopOrder::Id), Just(StopOrder::Newest), Just(StopOrder::Oldest)];
    (switches, order, 0_u32..4, 4_u32..30, 0_usize..4).prop_map(
        |(switches, stop_order, min_machines, max_machines, regions)| {
            let (launch_created, destroy_brake, destroy_force, suspend) = switches;
            let regions: Vec<_> =
                ["lhr", "iad", "fra"][..regions].iter().map(Region::new).collect();
            Policy {
                regions: regions.into(),
                launch_created,
                min_machines,
                max_machines,
                destroy_brake,
                destroy_force,
                suspend,
                stop_order,
                create_volumes: false,
                ..Policy::default()
            }
        },
    )
}

fn effects(count: usize) -> impl Strategy<Value = Vec<Recent>> {
    let one = (0..count + 3, 0..5_u8, 0_u64..90, any::<bool>(), 0..GROUPS.len()).prop_map(
        |(number, kind, age, launched, own)| {
            let machine = MachineId::new(format!("m{number:03}"));
            let effect = match kind {
                0 => Effect::Created {
                    create_id: format!("c{number}").into(),
                    machine: launched.then_some(machine),
                    group: ProcessGroup::new(GROUPS[own]),
                    region: Region::new("lhr"),
                    launched,
                    volume: None,
                },
                1 => Effect::Started { machine },
                2 => Effect::Stopped { machine },
                3 => Effect::Suspended { machine },
                _ => Effect::Destroyed { machine },
            };
            Recent { at: NOW.minus(Duration::from_secs(age)), effect }
        },
    );
    prop::collection::vec(one, 0..6)
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) observed: Observed,
    pub(super) targets: Targets,
    pub(super) history: History,
}

/// What is wanted of one to three groups, and for how many ticks each has wished for a large destroy.
fn targets() -> impl Strategy<Value = Vec<(GroupTargets, u32)>> {
    prop::collection::vec((wanted(), policy(), 0_u32..4), 1..=GROUPS.len()).prop_map(|all| {
        let groups = GROUPS.iter().map(ProcessGroup::new);
        let all = groups.zip(all).map(|(group, (app_wide, policy, wishes))| {
            (GroupTargets::app_wide(group, Arc::new(policy), app_wide), wishes)
        });
        all.collect()
    })
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let refused = prop::collection::btree_set(0_usize..24, 0..3);
    (machines(), targets(), prop::option::of(0_usize..24), refused)
        .prop_flat_map(|(machines, targets, own, refused)| {
            let history = effects(machines.len());
            (Just((machines, targets, own, refused)), history)
        })
        .prop_map(|((machines, targets, own, refused), recent)| {
            let own_machine = own.map(|number| MachineId::new(format!("m{number:03}")));
            let mut history = History::new("scaler");
            // As ticks do it, which keep one action for each machine.
            recent.into_iter().for_each(|recent| history.record(recent.at, recent.effect));
            let refused = refused.into_iter().map(|number| format!("m{number:03}"));
            history.refused_suspends = refused.map(|id| (MachineId::new(id), NOW)).collect();
            for (target, wishes) in targets.iter().filter(|(_, wishes)| *wishes > 0) {
                let scope = Scope::app_wide(target.group.clone());
                history.large_destroy_wishes.insert(scope, *wishes);
            }
            Case {
                observed: Observed { machines, own_machine, ..Observed::default() },
                targets: Targets { groups: targets.into_iter().map(|(own, _)| own).collect() },
                history,
            }
        })
}

impl Case {
    pub(super) fn decide(&self) -> Plan {
        decide(&self.observed, &self.targets, &self.history, NOW)
    }
}
