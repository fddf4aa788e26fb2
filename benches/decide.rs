//! How long a decision takes on 10, 1,000 and 10,000 machines: one with nothing to do, and one that
//! starts a tenth of them; with a number over all regions, with the same and every rule of damping, and with one for
//! each of four.

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use fly_autoscaler::decide::{
    Change, Damping, GroupTargets, History, Millionths, Observed, Policy, RegionTargets, Rules,
    Step, Targets, Wanted, decide,
};
use fly_autoscaler::model::{
    Bounds, Calendar, HostStatus, Kind, Kinds, Machine, MachineFacts, MachineId, MachineState,
    ProcessGroup, Region, ScopeBounds, Timestamp,
};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Half of the machines run, in the scrambled order in which a list comes.
fn observed(count: usize) -> Observed {
    let machines = (0..count)
        .map(|number| Machine {
            id: MachineId::new(format!("{:014x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
            state: if number % 2 == 0 { MachineState::Started } else { MachineState::Stopped },
            region: Region::new(["lhr", "iad", "fra", "syd"][number % 4]),
            host_status: HostStatus::Ok,
            is_cordoned: false,
            created_at: Some(NOW),
            image: Some(Arc::from("registry.fly.io/app:v1")),
            facts: MachineFacts {
                group: Some(ProcessGroup::new("app")),
                release_version: Some(7),
                ..MachineFacts::default()
            },
            config: None,
        })
        .collect();
    Observed { machines, ..Observed::default() }
}

fn targets(started: usize) -> Targets {
    let count = u32::try_from(started).expect("a small count");
    Targets {
        groups: vec![GroupTargets::app_wide(
            ProcessGroup::new("app"),
            Arc::new(Policy { max_machines: 100_000, ..Policy::default() }),
            Wanted::Bounds(ScopeBounds {
                started: Bounds::exactly(count),
                ..ScopeBounds::default()
            }),
        )],
    }
}

/// The same numbers, region by region: half of the machines run, all of them in two of the four.
fn targets_by_region(count: usize, more: usize) -> Targets {
    let mut targets = targets(0);
    let own = &mut targets.groups[0];
    own.app_wide = Wanted::Bounds(ScopeBounds::default());
    own.regional = Kinds { started: true, ..Kinds::default() };
    let wanted = [("lhr", count / 4), ("iad", more), ("fra", count / 4), ("syd", 0)];
    for (region, count) in wanted {
        let started = Bounds::exactly(u32::try_from(count).expect("a small count"));
        own.regions.push(Region::new(region));
        own.by_region.push(RegionTargets {
            region: Region::new(region),
            wanted: Wanted::Bounds(ScopeBounds { started, ..ScopeBounds::default() }),
        });
    }
    targets
}

/// The same numbers with every rule of damping, where each scope has wanted and done a lot before.
fn damped(mut targets: Targets) -> (Targets, History) {
    let rules = Rules {
        tolerance: Millionths::from_fraction(0.001),
        window: MINUTE * 5,
        step: NonZeroU32::new(50).map(Step::Percent),
        step_interval: MINUTE,
        cooldown: MINUTE,
        only_during: Calendar::parse("Mon-Sun 00:00-24:00 Europe/London").ok().map(Arc::new),
    };
    let damping = Damping { up: rules.clone(), down: rules, gap: MINUTE };
    for own in &mut targets.groups {
        Arc::make_mut(&mut own.policy).damping = damping.clone();
    }
    let mut history = History::new("bench");
    let all = (0..1000).map(|number| Change {
        at: NOW.minus(MINUTE - Duration::from_millis(50 * number)),
        region: Region::new("lhr"),
        kind: Kind::Created,
        by: 1,
    });
    history.changes.insert(ProcessGroup::new("app"), Arc::new(all.collect()));
    (targets, history)
}

const MINUTE: Duration = Duration::from_secs(60);

fn decisions(criterion: &mut Criterion) {
    let history = History::new("bench");
    let mut group = criterion.benchmark_group("decide");
    for count in [10, 1_000, 10_000] {
        let observed = observed(count);
        let free = |targets: Targets| (targets, history.clone());
        for (name, (targets, history)) in [
            ("quiet", free(targets(count / 2))),
            ("start a tenth", free(targets(count / 2 + count / 10))),
            ("quiet, damped", damped(targets(count / 2))),
            ("start a tenth, damped", damped(targets(count / 2 + count / 10))),
            ("four regions, quiet", free(targets_by_region(count, 0))),
            ("four regions, start a tenth", free(targets_by_region(count, count / 10))),
        ] {
            group.bench_with_input(BenchmarkId::new(name, count), &count, |bencher, _| {
                bencher.iter(|| black_box(decide(black_box(&observed), &targets, &history, NOW)));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, decisions);
criterion_main!(benches);
