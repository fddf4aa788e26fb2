//! What damping keeps, whatever the rules, the numbers and the times between ticks.

use std::time::Duration;

use fly_autoscaler::decide::{Damping, History, Policy, Step};
use proptest::prelude::*;

use super::{Fleet, START, policy, started};

/// Rules as one would write them.
fn rules() -> impl Strategy<Value = String> {
    let direction = |name: &'static str| {
        let step = prop_oneof![
            2 => Just(String::new()),
            1 => (1_u32..6).prop_map(|count| count.to_string()),
            1 => (1_u32..120).prop_map(|percent| format!("{percent}%")),
        ];
        let seconds = || prop_oneof![2 => Just(0_u32), 1 => 1_u32..200];
        let tolerance = prop_oneof![2 => Just(0.0), 1 => 0.0..0.4];
        let hours = prop_oneof![4 => Just(""), 1 => Just("00:02-00:00"), 1 => Just("00:00-00:03,00:05-24:00")];
        (step, seconds(), seconds(), seconds(), tolerance, hours).prop_map(
            move |(step, interval, window, cooldown, tolerance, hours)| {
                let mut rules = format!(
                    "scale-{name}-stabilization-window={window}s scale-{name}-cooldown={cooldown}s scale-{name}-tolerance={tolerance:.3} "
                );
                if !step.is_empty() {
                    rules += &format!("scale-{name}-step-size={step} ");
                    if interval > 0 {
                        rules += &format!("scale-{name}-step-interval={interval}s ");
                    }
                }
                if !hours.is_empty() {
                    rules += &format!("scale-{name}-only-during={hours} ");
                }
                rules
            },
        )
    };
    (direction("up"), direction("down")).prop_map(|(up, down)| up + &down)
}

/// The times between ticks, and what is wanted in each.
fn script() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let wanted = prop_oneof![3 => 0_u32..30, 1 => Just(10_u32)];
    prop::collection::vec((prop_oneof![4 => Just(15_u64), 1 => 1_u64..300], wanted), 1..40)
}

/// What there was after each tick, by its seconds; first what there was at the start.
fn numbers(policy: &Policy, script: &[(u64, u32)]) -> Vec<(u64, u32, u32)> {
    let mut fleet = Fleet::new(10, 30, policy.clone());
    let mut seconds = 0;
    let mut all = vec![(0, 10, 10)];
    for (distance, wanted) in script {
        seconds += distance;
        fleet.pass(*wanted, START.plus(Duration::from_secs(seconds)));
        all.push((seconds, *wanted, fleet.started()));
    }
    all
}

/// How many machines a step is of `size`.
fn step(step: Option<Step>, size: u32) -> u32 {
    step.map_or(u32::MAX, |step| step.of(size))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 256, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn nothing_goes_against_what_is_wanted_nor_beyond_it(rules in rules(), script in script()) {
        let all = numbers(&policy(&rules), &script);
        for pair in all.windows(2) {
            let [(_, _, before), (_, wanted, after)] = pair else { unreachable!() };
            let (low, high) = (before.min(wanted), before.max(wanted));
            prop_assert!((low..=high).contains(&after), "{before} to {after}, wanted {wanted}");
        }
    }

    #[test]
    fn the_limits_hold_from_the_first_tick_on(
        rules in rules(), script in script(), min in 0_u32..15, more in 1_u32..15
    ) {
        let limits = format!("{rules} min-machines={min} max-machines={}", min + more);
        for (_, _, after) in &numbers(&policy(&limits), &script)[1..] {
            prop_assert!((min..=min + more).contains(after), "{after} machines");
        }
    }

    #[test]
    fn no_step_leads_further_than_one_from_where_its_interval_began(rules in rules(), script in script()) {
        let policy = policy(&rules);
        let all = numbers(&policy, &script);
        let Damping { up, down, .. } = &policy.damping;
        for (last, (end, _, count)) in all.iter().enumerate().skip(1) {
            for (way, own) in [(1, up), (-1, down)] {
                if way * (i64::from(*count) - i64::from(all[last - 1].2)) <= 0 {
                    continue;
                }
                // What there was when the interval began: after the last tick that lies before it.
                let span = own.step_interval.as_secs();
                let is_before = |at: &(u64, u32, u32)| at.0 + span <= *end || span == 0;
                let first = all[..last].iter().rposition(is_before).unwrap_or(0);
                let before = all[first].2;
                let moved = way * (i64::from(*count) - i64::from(before));
                let most = i64::from(step(own.step, before));
                prop_assert!(moved <= most, "{before} to {count} at {end}s: {rules}");
            }
        }
    }

    #[test]
    fn what_is_wanted_for_long_comes_about(rules in rules(), target in 0_u32..40, script in script()) {
        let policy = policy(&rules);
        let mut fleet = Fleet::new(10, 30, policy.clone());
        let mut now = START;
        for (distance, wanted) in &script {
            now = now.plus(Duration::from_secs(*distance));
            fleet.pass(*wanted, now);
        }
        // Each of forty machines may take a step, a cooldown and a closed window of hours.
        for _ in 0..600 {
            now = now.plus(Duration::from_secs(60));
            fleet.pass(target, now);
        }
        let there = fleet.started();
        let own = if target > there { &policy.damping.up } else { &policy.damping.down };
        prop_assert!(own.tolerance.covers(target.abs_diff(there), there), "{there}, wanted {target}");
    }

    #[test]
    fn moving_every_time_by_weeks_changes_nothing(rules in rules(), script in script(), weeks in 0_u64..500) {
        let policy = policy(&rules);
        let run = |shift: Duration| {
            let mut fleet = Fleet::new(10, 30, policy.clone());
            let mut now = START.plus(shift);
            let mut all = Vec::new();
            for (distance, wanted) in &script {
                now = now.plus(Duration::from_secs(*distance));
                fleet.pass(*wanted, now);
                all.push(fleet.started());
            }
            all
        };
        prop_assert_eq!(run(Duration::ZERO), run(Duration::from_secs(weeks * 7 * 24 * 3600)));
    }

    #[test]
    fn a_restart_with_what_was_saved_decides_the_same(rules in rules(), script in script(), wanted in 0_u32..30) {
        let mut fleet = Fleet::new(10, 30, policy(&rules));
        let mut now = START;
        for (distance, wanted) in &script {
            now = now.plus(Duration::from_secs(*distance));
            fleet.pass(*wanted, now);
        }
        let saved = serde_json::to_string(&fleet.history.changes).unwrap();
        let pairs: Vec<_> = fleet.history.recommendations.iter().collect();
        let kept: Vec<_> = pairs.iter().map(|(_, own)| serde_json::to_string(own).unwrap()).collect();
        let mut history = History::new("s1");
        history.changes = serde_json::from_str(&saved).unwrap();
        history.recommendations = pairs
            .iter()
            .zip(&kept)
            .map(|((scope, _), text)| ((*scope).clone(), serde_json::from_str(text).unwrap()))
            .collect();
        let again = Fleet { history, ..fleet.clone() };
        let now = now.plus(Duration::from_secs(15));
        let wanted = || started(&wanted.to_string());
        prop_assert_eq!(again.decide(wanted(), now), fleet.decide(wanted(), now));
    }
}
