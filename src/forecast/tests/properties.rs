//! What holds for every series.

use proptest::prelude::*;

use super::*;

/// Anything that a source may give: also numbers that are none, outages and jumps, at any distances.
fn any_points() -> impl Strategy<Value = Vec<(Timestamp, f64)>> {
    let value = prop_oneof![
        6 => 0.0..1000.0,
        2 => Just(0.0),
        1 => -1e3..1e3,
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::MAX), Just(f64::MIN), Just(1e-300), -1e300..1e300],
    ];
    let distance = prop_oneof![8 => Just(60_000_i64), 1 => 0..120_000_i64, 1 => 0..100_000_000_i64];
    prop::collection::vec((distance, value), 0..120).prop_map(|steps| {
        let mut at = START.as_millis();
        let mut point = |(distance, value)| {
            at += distance;
            (Timestamp::from_millis(at), value)
        };
        steps.into_iter().map(&mut point).collect()
    })
}

/// A series that a model is fitted to: noise and a wave, in minutes.
fn fair_points() -> impl Strategy<Value = Vec<(Timestamp, f64)>> {
    (prop::collection::vec(0.0..100.0, 25..200), 1.0..50.0).prop_map(|(noise, size)| {
        let wave = |at: usize| size * (at as f64 / 15.0).sin() + 2.0 * size;
        let point = |(at, noise): (usize, f64)| {
            (START.plus(MINUTE * u32::try_from(at).expect("few")), wave(at) + noise)
        };
        noise.into_iter().enumerate().map(point).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_forecast_is_finite_and_not_negative_where_no_value_was(
        points in any_points(),
        since in any_points(),
        minutes in 0_u32..100_000,
    ) {
        if let Ok(fit) = Fit::of(&points, &Seasons::Detected) {
            let fit = Arc::new(fit);
            let mut follower = Follower::new(Arc::clone(&fit));
            let mut newest = fit.until();
            for (at, value) in since {
                follower.observe(at, value);
                newest = newest.max(at);
            }
            if let Ok(value) = follower.value_at(newest.plus(MINUTE * minutes)) {
                prop_assert!(value.is_finite());
            }
        }
    }

    #[test]
    fn the_order_of_points_does_not_matter(points in fair_points(), seed in 0_u64..1000) {
        let mut shuffled = points.clone();
        shuffled.sort_by_key(|(at, _)| (at.as_millis() as u64).wrapping_mul(seed * 2 + 1) % 10_007);
        prop_assert_eq!(
            Fit::of(&points, &Seasons::Detected),
            Fit::of(&shuffled, &Seasons::Detected)
        );
    }

    #[test]
    fn moving_all_times_moves_the_answer(points in fair_points(), millis in -1_000_000_000_000_i64..1_000_000_000_000) {
        let moved = |at: Timestamp| Timestamp::from_millis(at.as_millis() + millis);
        let shifted: Vec<_> = points.iter().map(|(at, value)| (moved(*at), *value)).collect();
        let one = Fit::of(&points, &Seasons::Detected).map(Arc::new);
        let other = Fit::of(&shifted, &Seasons::Detected).map(Arc::new);
        prop_assert_eq!(one.is_ok(), other.is_ok());
        if let (Ok(one), Ok(other)) = (one, other) {
            let at = one.until().plus(10 * MINUTE);
            prop_assert_eq!(
                Follower::new(one).value_at(at),
                Follower::new(other).value_at(moved(at))
            );
        }
    }

    #[test]
    fn a_load_that_never_was_negative_is_forecast_as_none(points in fair_points(), minutes in 0_u32..60) {
        if let Ok(fit) = Fit::of(&points, &Seasons::Detected) {
            let at = fit.until().plus(MINUTE * minutes);
            let value = Follower::new(Arc::new(fit)).value_at(at);
            prop_assert!(value.map_or(true, |value| value >= 0.0), "{:?}", value);
        }
    }
}
