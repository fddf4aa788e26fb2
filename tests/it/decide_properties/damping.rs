//! Damping at random: rules, what was changed before, and what was wanted before.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::{
    Change, Damping, Eased, Millionths, Reason, RegionDamping, Rules, Step, Targets, Wanted, decide,
};
use fly_autoscaler::model::{Calendar, Kind, Region, ScopeBounds};
use proptest::prelude::*;

use super::cases::{Case, NOW};

fn seconds() -> impl Strategy<Value = Duration> {
    prop_oneof![2 => Just(0_u64), 1 => 1_u64..600].prop_map(Duration::from_secs)
}

/// Boxed, as all that follow: the tree of a whole case would not fit the stack of a test.
fn rules() -> BoxedStrategy<Rules> {
    let step = prop_oneof![
        2 => Just(None),
        1 => (1_u32..6).prop_map(|count| NonZeroU32::new(count).map(Step::Machines)),
        1 => (1_u32..150).prop_map(|percent| NonZeroU32::new(percent).map(Step::Percent)),
    ];
    // Those of a whole week in UTC, so that they are the same in any other week.
    let hours =
        prop_oneof![4 => Just(None), 1 => Just(Some("Mon-Wed")), 1 => Just(Some("Thu-Sun"))];
    let hours = hours.prop_map(|text| text.map(|text| Arc::new(Calendar::parse(text).unwrap())));
    let tolerance = prop_oneof![2 => Just(0.0), 1 => 0.0..0.5].prop_map(Millionths::from_fraction);
    (tolerance, seconds(), step, seconds(), seconds(), hours)
        .prop_map(|(tolerance, window, step, step_interval, cooldown, only_during)| Rules {
            tolerance,
            window,
            step,
            step_interval,
            cooldown,
            only_during,
        })
        .boxed()
}

/// Half of the time there is none.
pub(super) fn damping() -> BoxedStrategy<Damping> {
    let some = (rules(), rules()).prop_map(|(up, down)| Damping {
        up,
        down,
        gap: Duration::from_secs(45),
    });
    prop_oneof![Just(Damping::default()), some].boxed()
}

/// The rules of some of these regions.
pub(super) fn region_damping() -> BoxedStrategy<RegionDamping> {
    let own = || prop::option::weighted(0.3, damping().prop_map(Arc::new));
    let both = (own(), own()).prop_map(|(every, lhr)| RegionDamping {
        every,
        own: lhr.into_iter().map(|own| (Region::new("lhr"), own)).collect(),
    });
    both.boxed()
}

/// What was changed before.
pub(super) fn changes() -> BoxedStrategy<Vec<Change>> {
    let region = prop_oneof![Just("lhr"), Just("iad"), Just("fra"), Just("syd")];
    let one = (region, any::<bool>(), prop_oneof![-4_i32..0, 1_i32..5], 0_u64..700);
    let one = one.prop_map(|(region, created, by, age)| Change {
        at: NOW.minus(Duration::from_secs(age)),
        region: Region::new(region),
        kind: if created { Kind::Created } else { Kind::Started },
        by,
    });
    prop::collection::vec(one, 0..5).boxed()
}

/// The case after a tick a while ago in which something else was wanted.
pub(super) fn after_another(mut case: Case, wanted: ScopeBounds, age: u64) -> Case {
    let mut before = case.targets.clone();
    for own in &mut before.groups {
        own.app_wide = Wanted::Bounds(wanted);
        own.by_region.iter_mut().for_each(|own| own.wanted = Wanted::Bounds(wanted));
    }
    let then = NOW.minus(Duration::from_secs(age));
    case.history.recommendations =
        decide(&case.observed, &before, &case.history, then).next.recommendations;
    case
}

/// The same without times, which move with the clock.
pub(super) fn without_times(reason: &mut Reason) {
    match reason {
        Reason::WithinTolerance(eased)
        | Reason::Stabilized(eased)
        | Reason::LimitedByStep(eased)
        | Reason::CoolingDown(eased)
        | Reason::OutsideHours(eased) => eased.until = None,
        _ => {}
    }
}

/// The same targets without any rules.
pub(super) fn undamped(targets: &Targets) -> Targets {
    let mut targets = targets.clone();
    for own in &mut targets.groups {
        let policy = Arc::make_mut(&mut own.policy);
        policy.damping = Damping::default();
        policy.region_damping = RegionDamping::default();
    }
    targets
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, ..ProptestConfig::default()
    })]

    /// Each rule leaves less of the way than the one before it, and never turns back.
    #[test]
    fn rules_only_shorten_the_way(case in super::cases::case()) {
        for scope in case.decide().scopes {
            let mut before: Option<&Eased> = None;
            for own in scope.reasons.iter().filter_map(Reason::eased) {
                let there = scope.observed.of(own.kind);
                let (near, far) = (own.limit.abs_diff(there), own.wanted.abs_diff(there));
                prop_assert!(near < far && (own.limit >= there) == (own.wanted > there) || own.limit == there);
                if let Some(before) = before.filter(|before| (before.kind, before.side) == (own.kind, own.side)) {
                    prop_assert_eq!(before.limit, own.wanted, "each rule goes on from the one before");
                }
                before = Some(own);
            }
        }
    }

    /// Where no rule says that it changed something, there is nothing that differs from no rules at all.
    #[test]
    fn what_no_rule_changed_is_as_without_rules(case in super::cases::case()) {
        let plan = case.decide();
        if plan.scopes.iter().all(|scope| !scope.reasons.iter().any(|own| own.eased().is_some())) {
            let free = decide(&case.observed, &undamped(&case.targets), &case.history, NOW);
            prop_assert_eq!(plan.scopes, free.scopes);
        }
    }
}
