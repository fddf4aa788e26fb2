//! Machines, targets and histories to decide on.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use fly_autoscaler::decide::{
    Effect, GroupTargets, History, Limits, Loads, Observed, Plan, Policy, Reason, Recent,
    RegionTargets, StopOrder, Targets, Wanted, decide,
};
use fly_autoscaler::model::{
    Bounds, HostStatus, Kind, Kinds, Machine, MachineFacts, MachineId, MachineState, MetricName,
    ProcessGroup, Region, Scope, ScopeBounds, SuspendObstacle, Timestamp,
};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::damping::{after_another, changes, damping, region_damping};

pub(super) const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The process groups of the app: those that are scaled are the first of them.
const GROUPS: [&str; 3] = ["app", "worker", "web"];

/// The group that is always scaled.
pub(super) fn group() -> ProcessGroup {
    ProcessGroup::new(GROUPS[0])
}

/// The most machines of a case.
const MOST: usize = 24;

fn name_of(number: usize) -> MachineId {
    MachineId::new(format!("m{number:03}"))
}

/// A machine that has no name yet. Boxed, as all that follow: the values of so many strategies, one within
/// the other, are more than the stack of a test holds.
fn a_machine() -> BoxedStrategy<Machine> {
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
        cordon(),
        prop_oneof![
            4 => Just(None), 1 => Just(Some(SuspendObstacle::Memory)),
            1 => Just(Some(SuspendObstacle::Unknown)),
        ],
    )
        .prop_map(|(seen, facts, config, (is_cordoned, mark), suspend_obstacle)| {
            let (state, host_status, region, own_group, age) = seen;
            let (launched, release, is_standby, is_scheduled) = facts;
            let (has_config, is_managed, going) = config;
            Machine {
                id: name_of(0),
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
                    is_managed: launched || is_managed,
                    cordoned_at: mark.map(|age| NOW.minus(Duration::from_secs(age))),
                    ..MachineFacts::default()
                },
                config: has_config.then(config_of),
            }
        })
        .boxed()
}

/// Whether a machine is cordoned, and how long ago its mark says so.
fn cordon() -> BoxedStrategy<(bool, Option<u64>)> {
    let one = prop_oneof![
        8 => Just((false, None)),
        1 => Just((true, None)),
        3 => (0_u64..200).prop_map(|age| (true, Some(age))),
        1 => (0_u64..200).prop_map(|age| (false, Some(age))),
    ];
    one.boxed()
}

/// What the machines of a group have to do, as far as somebody has asked.
fn loads() -> BoxedStrategy<Option<Loads>> {
    let load = (0..MOST, -1.0..100.0_f64).prop_map(|(number, load)| (name_of(number), load));
    let known = prop::collection::vec(load, 0..MOST)
        .prop_map(|all| Loads::Known(all.into_iter().collect()));
    let one = prop_oneof![
        2 => Just(None),
        1 => Just(Some(Loads::Unreadable("no answer".into()))),
        4 => known.prop_map(Some),
    ];
    one.boxed()
}

pub(super) fn config_of() -> Arc<serde_json::value::RawValue> {
    static CONFIG: LazyLock<Arc<RawValue>> = LazyLock::new(|| {
        let text = r#"{"image":"registry.fly.io/app:v1","metadata":{"fly_process_group":"app"}}"#;
        Arc::from(RawValue::from_string(text.to_owned()).unwrap())
    });
    Arc::clone(&CONFIG)
}

fn machines() -> BoxedStrategy<Vec<Machine>> {
    let named = |mut all: Vec<Machine>| {
        all.iter_mut().enumerate().for_each(|(number, own)| own.id = name_of(number));
        all
    };
    prop::collection::vec(a_machine(), 0..MOST).prop_map(named).boxed()
}

fn bounds() -> BoxedStrategy<Bounds> {
    let one = prop_oneof![
        2 => Just(Bounds::default()),
        3 => (0_u32..20).prop_map(Bounds::exactly),
        3 => (0_u32..20, 0_u32..20).prop_map(|(a, b)| Bounds {
            min: Some(std::cmp::min(a, b)),
            max: Some(std::cmp::max(a, b)),
        }),
        1 => (prop::option::of(0_u32..20), prop::option::of(0_u32..20))
            .prop_map(|(min, max)| Bounds { min, max }),
    ];
    one.boxed()
}

fn wanted() -> BoxedStrategy<Wanted> {
    let one = prop_oneof![
        12 => (bounds(), bounds())
            .prop_map(|(created, started)| Wanted::Bounds(ScopeBounds { created, started })),
        1 => (bounds(), bounds()).prop_map(|(created, started)| {
            let why = Reason::ScaleDownHeld {
                metric: MetricName::new("q"),
                since: Timestamp::default(),
                until: Timestamp::default(),
                message: "no answer".into(),
            };
            Wanted::GrowOnly(ScopeBounds { created, started }, vec![why])
        }),
        1 => Just(Wanted::Hold(vec![Reason::MetricFailed {
            metric: MetricName::new("queue_depth"),
            message: "no answer".into(),
        }])),
    ];
    one.boxed()
}

fn policy() -> BoxedStrategy<Policy> {
    let switches = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let order = prop_oneof![
        Just(StopOrder::Id),
        Just(StopOrder::Newest),
        Just(StopOrder::Oldest),
        Just(StopOrder::LeastLoaded),
    ];
    let cordon = prop_oneof![1 => Just(None), 1 => (20_u64..120).prop_map(Some)];
    let leave = (order, cordon, prop::bool::weighted(0.2));
    let damping = (damping(), region_damping());
    let all = (switches, leave, 0_u32..4, 4_u32..30, 0_usize..4, damping).prop_map(
        |(switches, leave, min_machines, max_machines, regions, damping)| {
            let (stop_order, cordon, destroy_managed) = leave;
            let (damping, region_damping) = damping;
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
                cordon_before_stop: cordon.map(Duration::from_secs),
                destroy_managed,
                create_volumes: false,
                damping,
                region_damping,
                ..Policy::default()
            }
        },
    );
    all.boxed()
}

/// What was done of late.
#[derive(Debug, Clone)]
struct Done {
    number: usize,
    kind: u8,
    age: u64,
    launched: bool,
    group: usize,
}

impl Done {
    /// To one of `count` machines, or to one that is gone.
    fn among(&self, count: usize) -> Recent {
        let &Self { number, kind, age, launched, group } = self;
        let number = number % (count + 3);
        let machine = name_of(number);
        let effect = match kind {
            0 => Effect::Created {
                create_id: format!("c{number}").into(),
                machine: launched.then_some(machine),
                group: ProcessGroup::new(GROUPS[group]),
                region: Region::new("lhr"),
                launched,
                volume: None,
            },
            1 => Effect::Started { machine },
            2 => Effect::Stopped { machine },
            3 => Effect::Suspended { machine },
            4 => Effect::Cordoned { machine },
            5 => Effect::Uncordoned { machine },
            _ => Effect::Destroyed { machine },
        };
        Recent { at: NOW.minus(Duration::from_secs(age)), effect }
    }
}

fn done() -> BoxedStrategy<Vec<Done>> {
    let one = (0..1000_usize, 0..7_u8, 0_u64..90, any::<bool>(), 0..GROUPS.len()).prop_map(
        |(number, kind, age, launched, group)| Done { number, kind, age, launched, group },
    );
    prop::collection::vec(one, 0..6).boxed()
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) observed: Observed,
    pub(super) targets: Targets,
    pub(super) history: History,
}

/// What is wanted in the regions of a group, and what holds there.
#[derive(Debug, Clone)]
struct Regional {
    /// The regions in some order: the first `listed` of them are scaled.
    order: Vec<Region>,
    listed: usize,
    wanted: Vec<Wanted>,
    kinds: Kinds,
    limits: Vec<Limits>,
    always: Vec<bool>,
    excluded: Vec<bool>,
    drain: bool,
}

fn regional() -> BoxedStrategy<Regional> {
    let regions: Vec<Region> = ["lhr", "iad", "fra", "syd"].map(Region::new).to_vec();
    let limits = (0_u32..3, 3_u32..12)
        .prop_map(|(min_machines, max_machines)| Limits { min_machines, max_machines });
    let limits = prop_oneof![3 => Just(Limits::default()), 1 => limits];
    let few = prop::collection::vec(prop::bool::weighted(0.3), 4);
    let all = (
        (Just(regions).prop_shuffle(), 1_usize..=4, prop::collection::vec(wanted(), 4)),
        (any::<bool>(), any::<bool>(), prop::collection::vec(limits, 4)),
        (few.clone(), few, any::<bool>()),
    );
    all.prop_map(|((order, listed, wanted), (created, started, limits), rest)| {
        let (always, excluded, drain) = rest;
        let kinds = Kinds { created, started };
        Regional { order, listed, wanted, kinds, limits, always, excluded, drain }
    })
    .boxed()
}

impl Regional {
    /// Adds what holds in the regions to what holds over all of them.
    fn add_to(self, targets: &mut GroupTargets) {
        let (listed, others) = self.order.split_at(self.listed);
        let chosen = |regions: &[Region], flags: &[bool]| -> Vec<Region> {
            let pairs = regions.iter().zip(flags).filter(|(_, flag)| **flag);
            pairs.map(|(region, _)| region.clone()).collect()
        };
        let mut policy = (*targets.policy).clone();
        policy.regions = listed.to_vec().into();
        policy.always_running = chosen(listed, &self.always);
        policy.excluded_regions = chosen(others, &self.excluded);
        policy.drain_excluded = self.drain;
        policy.region_limits.own = listed.iter().cloned().zip(self.limits).collect();
        // As the configuration sees to it: the ceiling has room for what must be there.
        let least: u32 = policy.region_limits.own.values().map(|own| own.min_machines + 1).sum();
        policy.max_machines = std::cmp::max(policy.max_machines, least);
        if self.kinds.any() {
            targets.by_region = listed
                .iter()
                .zip(self.wanted)
                .map(|(region, mut wanted)| {
                    if let Wanted::Bounds(bounds) | Wanted::GrowOnly(bounds, _) = &mut wanted {
                        for kind in [Kind::Created, Kind::Started] {
                            if !self.kinds.has(kind) {
                                *bounds.of_mut(kind) = Bounds::default();
                            }
                        }
                    }
                    RegionTargets { region: region.clone(), wanted }
                })
                .collect();
        }
        targets.regional = self.kinds;
        targets.regions = listed.to_vec();
        targets.skipped = policy
            .excluded_regions
            .iter()
            .map(|region| (region.clone(), Reason::RegionExcluded { nearest: None }))
            .collect();
        targets.policy = Arc::new(policy);
    }
}

/// What is wanted of one to three groups, and for how many ticks each has wished for a large destroy.
fn targets() -> BoxedStrategy<Vec<(GroupTargets, u32)>> {
    let own = (wanted(), policy(), prop::option::of(regional()), 0_u32..4);
    let all = prop::collection::vec(own.boxed(), 1..=GROUPS.len()).prop_map(|all| {
        let groups = GROUPS.iter().map(ProcessGroup::new);
        let all = groups.zip(all).map(|(group, (app_wide, policy, regional, wishes))| {
            let mut targets = GroupTargets::app_wide(group, Arc::new(policy), app_wide);
            if let Some(regional) = regional {
                regional.add_to(&mut targets);
            }
            (targets, wishes)
        });
        all.collect()
    });
    all.boxed()
}

pub(super) fn case() -> BoxedStrategy<Case> {
    let refused = prop::collection::btree_set(0..MOST, 0..3);
    let loads = prop::collection::vec(loads(), GROUPS.len());
    let before = (changes(), bounds(), bounds(), 0_u64..700);
    let seen = (machines(), prop::option::of(0..MOST), loads);
    let history = (done(), refused, before.boxed());
    (seen.boxed(), targets(), history.boxed())
        .prop_map(|((machines, own, loads), targets, (done, refused, before))| {
            let groups = GROUPS.iter().map(ProcessGroup::new);
            let loads = groups.zip(loads).filter_map(|(group, own)| Some((group, own?))).collect();
            let (changes, created, started, age) = before;
            let own_machine = own.map(name_of);
            let mut history = History::new("scaler");
            // As ticks do it, which keep one action for each machine.
            for Recent { at, effect } in done.iter().map(|own| own.among(machines.len())) {
                history.record(at, effect);
            }
            history.refused_suspends =
                refused.into_iter().map(|number| (name_of(number), NOW)).collect();
            for (target, wishes) in targets.iter().filter(|(_, wishes)| *wishes > 0) {
                let scope = Scope::app_wide(target.group.clone());
                history.large_destroy_wishes.insert(scope, *wishes);
            }
            history.changes.insert(group(), Arc::new(changes));
            let case = Case {
                observed: Observed { machines, own_machine, loads, ..Observed::default() },
                targets: Targets { groups: targets.into_iter().map(|(own, _)| own).collect() },
                history,
            };
            after_another(case, ScopeBounds { created, started }, age)
        })
        .boxed()
}

impl Case {
    pub(super) fn decide(&self) -> Plan {
        decide(&self.observed, &self.targets, &self.history, NOW)
    }
}
