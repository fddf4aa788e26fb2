//! One series of each kind.

use super::*;

type Points = Vec<(Timestamp, f64)>;

/// A forecast, what it should be, and how far it may be off.
struct Case {
    name: &'static str,
    points: Vec<(Timestamp, f64)>,
    horizon: Duration,
    expected: f64,
    within: f64,
    model: Model,
}

fn cases() -> Vec<Case> {
    let six_days = |value: fn(f64) -> f64| points(6 * DAY, 15 * MINUTE, value);
    vec![
        Case {
            name: "a line goes on, a little flatter",
            points: points(2 * HOUR, MINUTE, |at| 100.0 + at / 60.0),
            horizon: 10 * MINUTE,
            expected: 230.0,
            within: 2.5,
            model: Model::Ets,
        },
        Case {
            name: "a level with noise stays in its middle",
            points: points(4 * HOUR, MINUTE, |at| 100.0 + 20.0 * noise(at)),
            horizon: 30 * MINUTE,
            expected: 100.0,
            within: 3.0,
            model: Model::Ets,
        },
        Case {
            name: "after a shift the new level counts",
            points: points(4 * HOUR, MINUTE, |at| {
                (if at < 3.0 * 3600.0 { 100.0 } else { 300.0 }) + noise(at)
            }),
            horizon: 10 * MINUTE,
            expected: 300.0,
            within: 5.0,
            model: Model::Ets,
        },
        Case {
            name: "a day's wave rises six hours after its low",
            points: six_days(|at| 100.0 + 200.0 * daily(at) + 5.0 * noise(at)),
            horizon: 6 * HOUR,
            expected: 200.0,
            within: 10.0,
            model: Model::Mstl,
        },
        Case {
            name: "half a day after the low is the peak",
            points: six_days(|at| 100.0 + 200.0 * daily(at) + 5.0 * noise(at)),
            horizon: 12 * HOUR,
            expected: 300.0,
            within: 10.0,
            model: Model::Mstl,
        },
        Case {
            name: "a wave of a day that was seen once is no season",
            points: points(DAY, 15 * MINUTE, |at| 100.0 + 200.0 * daily(at)),
            horizon: 15 * MINUTE,
            expected: 100.0,
            within: 5.0,
            model: Model::Ets,
        },
        Case {
            name: "a load that falls to nothing is never negative",
            points: points(2 * HOUR, MINUTE, |at| (7200.0 - at) / 60.0),
            horizon: 30 * MINUTE,
            expected: 0.0,
            within: 0.0,
            model: Model::Ets,
        },
        Case {
            name: "what was negative may be so again",
            points: points(2 * HOUR, MINUTE, |at| 20.0 - at / 60.0),
            horizon: 10 * MINUTE,
            expected: -110.0,
            within: 2.0,
            model: Model::Ets,
        },
        Case {
            name: "numbers far from zero keep their small changes",
            points: six_days(|at| 1e9 + 200.0 * daily(at) + 5.0 * noise(at)),
            horizon: 12 * HOUR,
            expected: 1e9 + 200.0,
            within: 15.0,
            model: Model::Mstl,
        },
        Case {
            name: "numbers near zero are not taken for none",
            points: six_days(|at| 1e-6 * (1.0 + daily(at))),
            horizon: 12 * HOUR,
            expected: 2e-6,
            within: 1e-7,
            model: Model::Mstl,
        },
    ]
}

#[test]
fn each_kind_of_series_goes_on_as_it_should() {
    for case in cases() {
        let value = ahead(&case.points, case.horizon);
        let model = fit(&case.points).model();
        let off = (value - case.expected).abs();
        assert!(off <= case.within, "{}: {value}, not {}", case.name, case.expected);
        assert_eq!(model, case.model, "{}", case.name);
    }
}

#[test]
fn what_cannot_be_modelled_says_why() {
    let wave = |at: f64| 100.0 + 200.0 * daily(at) + noise(at);
    let holes = |points: Vec<(Timestamp, f64)>, from: Duration, to: Duration| {
        let hole = START.plus(from)..START.plus(to);
        points.into_iter().filter(|(at, _)| !hole.contains(at)).collect::<Vec<_>>()
    };
    let few = points(18 * MINUTE, MINUTE, |at| at);
    let cases =
        [
            ("nothing", Vec::new(), "too little history: 0 values, and 20 are needed"),
            ("one", few[..1].to_vec(), "too little history: 1 values, and 20 are needed"),
            ("19", few, "too little history: 19 values, and 20 are needed"),
            ("constant", points(2 * HOUR, MINUTE, |_| 7.0), "the values are all the same"),
            ("zeros", points(2 * HOUR, MINUTE, |_| 0.0), "the values are all the same"),
            (
                "half is missing",
                holes(points(6 * DAY, 15 * MINUTE, wave), DAY, 4 * DAY),
                "gaps: 288 of 577 values are missing, and at most a quarter may be",
            ),
            (
                "down since an hour",
                points(6 * DAY, 15 * MINUTE, |at| {
                    if at > 6.0 * 86_400.0 - 3600.0 { 0.0 } else { wave(at) }
                }),
                "only zeros of late, in a series that otherwise has none",
            ),
            (
                "no number",
                points(2 * HOUR, MINUTE, |_| f64::NAN),
                "too little history: 0 values, and 20 are needed",
            ),
        ];
    for (name, points, why) in cases {
        let unfit = Fit::of(&points, &Seasons::Detected).expect_err(name);
        assert_eq!(unfit.to_string(), why, "{name}");
    }
}

#[test]
fn a_gap_and_an_outage_change_little_of_what_is_forecast() {
    let wave = |at: f64| 100.0 + 200.0 * daily(at) + 5.0 * noise(at);
    let whole = points(6 * DAY, 15 * MINUTE, wave);
    let expected = ahead(&whole, 8 * HOUR);
    // Thirteen hours from the middle of the fourth day on, which a straight line would flatten.
    let hole = START.plus(3 * DAY + 6 * HOUR)..START.plus(3 * DAY + 19 * HOUR);
    let gap: Vec<_> = whole.iter().filter(|(at, _)| !hole.contains(at)).copied().collect();
    let outage: Vec<_> =
        whole.iter().map(|(at, v)| (*at, if hole.contains(at) { 0.0 } else { *v })).collect();
    for (name, points) in [("gap", gap), ("outage", outage)] {
        let value = ahead(&points, 8 * HOUR);
        assert!((value - expected).abs() < 15.0, "{name}: {value}, not {expected}");
    }
}

#[test]
fn a_season_is_found_if_it_repeats_and_not_in_noise() {
    let week = |at: f64| f64::from(at / 86_400.0 % 7.0 >= 5.0);
    let every_90_minutes = |at: f64| f64::from(at % 5400.0 < 1800.0);
    let cases: [(&str, Points, &[Duration]); 6] = [
        ("noise", points(15 * DAY, 15 * MINUTE, |at| 100.0 + 50.0 * noise(at)), &[]),
        ("growth", points(15 * DAY, 15 * MINUTE, |at| 100.0 + at / 1000.0 + noise(at)), &[]),
        ("a day", points(4 * DAY, 15 * MINUTE, |at| 100.0 * daily(at) + 30.0 * noise(at)), &[DAY]),
        (
            "a day and a week",
            points(15 * DAY, 15 * MINUTE, |at| {
                100.0 * daily(at) - 50.0 * week(at) + 10.0 * noise(at)
            }),
            &[DAY, Duration::from_secs(7 * 24 * 3600)],
        ),
        (
            "a job each 90 minutes",
            points(DAY, MINUTE, |at| 10.0 + 50.0 * every_90_minutes(at) + 5.0 * noise(at)),
            &[Duration::from_secs(5400)],
        ),
        (
            "a day that is known for less than two",
            points(DAY + 22 * HOUR, 15 * MINUTE, |at| 100.0 * daily(at)),
            &[],
        ),
    ];
    for (name, points, expected) in cases {
        assert_eq!(fit(&points).seasons(), expected, "{name}");
    }
}

#[test]
fn seasons_that_are_given_are_taken_where_they_were_seen_twice() {
    let wave = points(6 * DAY, 15 * MINUTE, |at| 100.0 * daily(at) + noise(at));
    let of = |lengths: &[Duration]| {
        Fit::of(&wave, &Seasons::Given(lengths.to_vec())).expect("fitted").seasons()
    };
    assert!(of(&[]).is_empty());
    assert_eq!(of(&[DAY, 7 * DAY]), [DAY]);
}

#[test]
fn old_points_may_be_further_apart_than_new_ones() {
    let wave = |at: f64| 100.0 + 200.0 * daily(at) + 5.0 * noise(at);
    let mut kept = points(6 * DAY, 15 * MINUTE, wave);
    let from = 6 * DAY - 4 * HOUR;
    kept.retain(|(at, _)| *at < START.plus(from));
    let recent = points(6 * DAY, Duration::from_secs(15), wave);
    kept.extend(recent.into_iter().filter(|(at, _)| *at >= START.plus(from)));
    let fit = fit(&kept);
    assert_eq!((fit.model(), fit.seasons()), (Model::Mstl, vec![DAY]));
    let value = ahead(&kept, 12 * HOUR);
    assert!((value - 300.0).abs() < 15.0, "{value}");
}

#[test]
fn a_fit_of_yesterday_forecasts_from_the_load_of_today() {
    let wave = |at: f64| 100.0 + 200.0 * daily(at) + 5.0 * noise(at);
    let fit = Arc::new(fit(&points(6 * DAY, 15 * MINUTE, wave)));
    let mut follower = Follower::new(Arc::clone(&fit));
    // A day and a quarter later, with 500 more than ever, in ticks of half a minute.
    let later = 30 * HOUR;
    let since = points(6 * DAY + later, Duration::from_secs(30), |at| wave(at) + 500.0);
    for (at, value) in since.into_iter().filter(|(at, _)| *at > fit.until()) {
        follower.observe(at, value);
    }
    let value = follower.value_at(fit.until().plus(later + 6 * HOUR)).expect("a forecast");
    assert!((value - 800.0).abs() < 40.0, "{value}");
}

#[test]
fn an_outage_after_the_fit_is_no_level() {
    let wave = |at: f64| 100.0 + 200.0 * daily(at) + noise(at);
    let fit = Arc::new(fit(&points(6 * DAY, 15 * MINUTE, wave)));
    let mut follower = Follower::new(Arc::clone(&fit));
    let at = |minutes: u32| fit.until().plus(MINUTE * minutes);
    for minutes in (15..=120).step_by(15) {
        follower.observe(at(minutes), 0.0);
    }
    assert_eq!(follower.value_at(at(130)), Err(NoForecast::Silent));
    follower.observe(at(135), wave(6.0 * 86_400.0 + 135.0 * 60.0));
    let value = follower.value_at(at(240)).expect("a forecast");
    let expected = wave(6.0 * 86_400.0 + 240.0 * 60.0);
    assert!((value - expected).abs() < 15.0, "{value}, not {expected}");
}

#[test]
fn further_than_half_of_what_is_known_is_not_forecast() {
    let wave = points(4 * HOUR, MINUTE, |at| 100.0 + 20.0 * noise(at));
    let fit = Arc::new(fit(&wave));
    let until = fit.until();
    let follower = Follower::new(Arc::clone(&fit));
    assert!(follower.value_at(until.plus(2 * HOUR)).is_ok());
    let beyond = follower.value_at(until.plus(2 * HOUR + MINUTE)).expect_err("too far");
    assert_eq!(
        beyond.to_string(),
        "it is asked further ahead than 120 minutes, half of what it was fitted to"
    );
    let long = points(40 * DAY, HOUR, |at| 100.0 * daily(at));
    assert_eq!(super::fit(&long).reach(), 7 * DAY);
}
