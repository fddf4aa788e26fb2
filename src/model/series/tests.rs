use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1000;
const INTERVAL: Duration = Duration::from_secs(15);
const START: i64 = 1_787_306_400_000;

fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(60 * minutes)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(START + seconds * SECOND)
}

/// A ring of `window` with a sample of each `(seconds, value)`.
fn ring(window: Duration, samples: &[(i64, f64)]) -> Ring {
    let mut ring = Ring::new(window, INTERVAL);
    samples.iter().for_each(|(seconds, value)| ring.push(at(*seconds), *value));
    ring
}

#[test]
fn summaries_are_of_the_samples_in_the_window() {
    // One minute: the four samples after its beginning, the fifth is out.
    let samples = [(0, 100.0), (15, 2.0), (30, 4.0), (45, 4.0), (60, 6.0)];
    for (how, want) in [
        (Summary::Average, 4.0),
        (Summary::Minimum, 2.0),
        (Summary::Maximum, 6.0),
        (Summary::Deviation, 2.0_f64.sqrt()),
        (Summary::Smoothed { alpha: 1.0 }, 6.0),
        // Weights 1, 1/2, 1/4, 1/8 from the newest on.
        (Summary::Smoothed { alpha: 0.5 }, (6.0 + 2.0 + 1.0 + 0.25) / 1.875),
    ] {
        let got = ring(minutes(1), &samples).summary(how, at(60));
        assert_eq!(got, Ok(want), "{how:?}");
    }
}

#[test]
fn too_little_is_said_with_when_it_will_be_enough() {
    // what | samples | now | what is said
    type Case<'a> = (&'a str, &'a [(i64, f64)], i64, Option<&'a str>);
    let half = [(0, 1.0), (60, 1.0)];
    let table: [Case<'_>; 8] = [
        (
            "none",
            &[],
            0,
            Some(
                "there are 0 samples of the last 1m, the first of them 0s ago; it takes 2 of 4, and a first one 45s ago: enough in 45s if every tick measures",
            ),
        ),
        (
            "one",
            &[(0, 1.0)],
            0,
            Some(
                "there are 1 samples of the last 1m, the first of them 0s ago; it takes 2 of 4, and a first one 45s ago: enough in 45s if every tick measures",
            ),
        ),
        (
            "enough, but too young",
            &[(0, 1.0), (15, 1.0), (30, 1.0)],
            30,
            Some(
                "there are 3 samples of the last 1m, the first of them 30s ago; it takes 2 of 4, and a first one 45s ago: enough in 15s if every tick measures",
            ),
        ),
        ("old enough", &[(0, 1.0), (15, 1.0), (30, 1.0), (45, 1.0)], 45, None),
        ("old enough but for a jitter", &[(0, 1.0), (15, 1.0), (30, 1.0)], 40, None),
        ("half of them are missing", &[(0, 1.0), (30, 1.0), (60, 1.0)], 60, None),
        (
            "more than half of them are missing",
            &half,
            60,
            Some(
                "there are 1 samples of the last 1m, the first of them 1m ago; it takes 2 of 4, and a first one 45s ago: enough in 15s if every tick measures",
            ),
        ),
        (
            "a gap at the old end is a gap like any other",
            &[(0, 1.0), (45, 1.0), (60, 1.0)],
            60,
            None,
        ),
    ];
    for (what, samples, now, want) in table {
        let got = ring(minutes(1), samples).summary(Summary::Average, at(now));
        assert_eq!(got.err().map(|why| why.to_string()).as_deref(), want, "{what}");
    }
}

#[test]
fn a_window_that_no_two_ticks_fall_into_needs_one() {
    let ring = ring(Duration::from_secs(5), &[(0, 1.0), (15, 3.0)]);
    assert_eq!(ring.summary(Summary::Average, at(15)), Ok(3.0));
    assert!(ring.summary(Summary::Average, at(21)).is_err());
}

#[test]
fn a_clock_that_was_set_back_drops_what_lies_ahead() {
    let mut ring = ring(minutes(1), &[(0, 1.0), (15, 1.0), (30, 1.0), (45, 9.0), (60, 9.0)]);
    ring.push(at(44), 2.0);
    let left: Vec<_> = ring.samples(at(60)).collect();
    assert_eq!(left, [(at(15), 1.0), (at(30), 1.0), (at(44), 2.0)]);
    // Behind all of it: as at the start.
    ring.push(at(-3600), 5.0);
    assert_eq!(ring.samples(at(-3600)).collect::<Vec<_>>(), [(at(-3600), 5.0)]);
    assert!(ring.summary(Summary::Average, at(-3600)).is_err());
}

#[test]
fn the_same_time_twice_is_one_sample() {
    let ring = ring(minutes(1), &[(0, 1.0), (15, 1.0), (15, 9.0), (30, 1.0), (45, 1.0)]);
    assert_eq!(ring.summary(Summary::Maximum, at(45)), Ok(1.0));
}

#[test]
fn what_is_filled_in_stands_before_what_is_there() {
    let mut ring = ring(minutes(10), &[(600, 7.0), (615, 7.0)]);
    assert!(ring.summary(Summary::Average, at(615)).is_err());
    // Every minute: each stands for the four ticks up to it. What overlaps is as it was measured.
    let past = (0..=11).map(|minute| (at(60 * minute), 1.0));
    ring.fill(past, minutes(1));
    assert_eq!(ring.samples(at(615)).count(), 40);
    assert_eq!(ring.summary(Summary::Average, at(615)), Ok((38.0 + 14.0) / 40.0));
}

#[test]
fn a_filled_gap_stays_a_gap() {
    let mut ring = Ring::new(minutes(10), INTERVAL);
    let past = [0, 60, 120, 420, 480, 540].map(|seconds| (at(seconds), 1.0));
    ring.fill(past, minutes(1));
    assert_eq!(ring.samples(at(540)).count(), 24);
    assert_eq!(ring.summary(Summary::Average, at(540)), Ok(1.0));
    // The gap is as long as it was, and grows by what is not measured after it.
    assert!(ring.summary(Summary::Average, at(780)).is_err());
}

#[test]
fn a_smoothed_mean_reaches_as_far_as_its_weights() {
    for (alpha, samples) in [(1.0, 1.0), (0.99, 1.0), (0.5, 7.0), (0.3, 13.0), (0.01, 459.0)] {
        assert_eq!(Summary::reach(alpha, INTERVAL), INTERVAL.mul_f64(samples), "{alpha}");
    }
    assert_eq!(Summary::reach(1e-12, INTERVAL), MAX_WINDOW);
}

#[test]
fn memory_is_bounded_however_long_the_window_and_however_fast_the_ticks() {
    for (window, interval) in
        [(minutes(10), 15), (minutes(128), 15), (MAX_WINDOW, 15), (MAX_WINDOW, 1)]
    {
        let mut ring = Ring::new(window, Duration::from_secs(interval));
        for second in 0..20_000 {
            ring.push(at(second), second as f64);
        }
        assert!(ring.points.iter().count() <= MAX_POINTS, "{window:?}");
        // A deque doubles as it grows.
        assert!(ring.bytes() <= 2 * 40 * MAX_POINTS + 200, "{window:?}: {}", ring.bytes());
    }
    assert_eq!((size_of::<(i64, f64)>(), size_of::<Point>()), (16, 40));
}

#[test]
fn a_ring_is_read_as_it_was_written() {
    for window in [minutes(10), minutes(600)] {
        let mut ring = Ring::new(window, INTERVAL);
        (0..3000).for_each(|tick| ring.push(at(15 * tick), (tick % 7) as f64 / 3.0));
        let text = serde_json::to_string(&ring).expect("a ring can be written");
        assert_eq!(serde_json::from_str::<Ring>(&text).expect("and read"), ring);
    }
    for broken in [
        r#"{"window":0,"interval":15000,"began":null}"#,
        r#"{"window":60000,"interval":15000,"began":1,"single":[[5,1.0],[4,1.0]]}"#,
        r#"{"window":60000,"interval":15000,"began":1,"several":[[5,0,0.0,1.0,1.0,1.0]]}"#,
        r#"{"window":60000,"interval":15000,"began":1,"single":[[5,null]]}"#,
    ] {
        assert!(serde_json::from_str::<Ring>(broken).is_err(), "{broken}");
    }
}

/// The samples of the window, kept one by one.
fn naive(samples: &[(i64, f64)], window: i64, now: i64) -> Vec<f64> {
    let within = samples.iter().filter(|(at, _)| *at > now - window && *at <= now);
    within.map(|(_, value)| *value).collect()
}

fn close(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-5 * (1.0 + other.abs())
}

proptest! {
    /// Steps of up to a minute, so that there are gaps, and some back in time.
    #[test]
    fn a_ring_gives_what_a_list_gives(
        steps in prop::collection::vec((-20_i64..60, -1000.0_f64..1000.0), 1..400),
        window in 1_u64..1500,
    ) {
        let window = Duration::from_secs(15 * window);
        let mut ring = Ring::new(window, INTERVAL);
        let mut list: Vec<(i64, f64)> = Vec::new();
        let kept = i64::try_from(window.as_secs()).expect("short");
        // Where several samples are one point, what is left of the oldest point may reach out of the window.
        let is_exact = matches!(ring.points, Points::Single(_));
        let margin = if is_exact { 0 } else { kept / 200 };
        let (mut now, mut began) = (0, i64::MAX);
        for (step, value) in steps {
            now += step;
            if list.last().is_none_or(|(at, _)| *at != now) {
                // What a clock that ran ahead made too old does not come back.
                list.retain(|(at, _)| *at < now && *at > now - kept - margin);
                list.push((now, value));
            }
            began = began.min(now);
            ring.push(at(now), value);
        }
        let got = |how| ring.summary(how, at(now));
        let want = naive(&list, kept, now);
        let kept_first = naive(&list, kept + margin, now);
        if let (Ok(mean), Ok(least), Ok(most), Ok(deviation)) = (
            got(Summary::Average), got(Summary::Minimum), got(Summary::Maximum), got(Summary::Deviation)
        ) {
            let own = |list: &[f64]| {
                let mean = list.iter().sum::<f64>() / list.len() as f64;
                let squares = list.iter().map(|own| (own - mean).powi(2)).sum::<f64>();
                (mean, (squares / list.len() as f64).sqrt())
            };
            if is_exact {
                let (list_mean, list_deviation) = own(&want);
                prop_assert!(close(mean, list_mean) && close(deviation, list_deviation));
                prop_assert_eq!(least, want.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(most, want.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            } else {
                let floor = kept_first.iter().copied().fold(f64::INFINITY, f64::min);
                let ceiling = kept_first.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                prop_assert!(floor <= least && least <= mean && mean <= most && most <= ceiling);
            }
        } else {
            let first_ago = now - began;
            let of = window.as_secs() / 15;
            let is_enough = want.len() as u64 >= of.div_ceil(2) && first_ago >= kept;
            prop_assert!(!is_enough, "{} of {of}, {first_ago} s", want.len());
        }
    }

    /// Whole numbers in whole stretches: nothing is lost by keeping them together.
    #[test]
    fn samples_that_are_kept_together_come_to_the_same(values in prop::collection::vec(0_u32..1000, 2000)) {
        let window = INTERVAL * 1500;
        let mut ring = Ring::new(window, INTERVAL);
        for (tick, value) in (0..).zip(&values) {
            ring.push(at(15 * tick), f64::from(*value));
        }
        let is_thinned = matches!(ring.points, Points::Several { .. });
        prop_assert!(is_thinned);
        let now = at(15 * 1999);
        let count: usize = ring.within(now.as_millis()).map(|point| point.count as usize).sum();
        prop_assert!((1500..1504).contains(&count), "{count}");
        let list = &values[2000 - count..];
        let mean = list.iter().map(|own| f64::from(*own)).sum::<f64>() / count as f64;
        let squares = list.iter().map(|own| (f64::from(*own) - mean).powi(2)).sum::<f64>();
        prop_assert_eq!(ring.summary(Summary::Average, now), Ok(mean));
        prop_assert_eq!(ring.summary(Summary::Maximum, now), Ok(f64::from(*list.iter().max().expect("some"))));
        prop_assert_eq!(ring.summary(Summary::Minimum, now), Ok(f64::from(*list.iter().min().expect("some"))));
        let deviation = ring.summary(Summary::Deviation, now).expect("enough");
        prop_assert!(close(deviation, (squares / count as f64).sqrt()));
    }
}
