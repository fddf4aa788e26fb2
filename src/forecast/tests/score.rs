//! What forecasts were worth.

use super::*;

const HORIZON: Duration = Duration::from_secs(600);

fn at(minutes: u32) -> Timestamp {
    START.plus(MINUTE * minutes)
}

/// A score after `ticks` of a minute, with a load and what the model says it will be in ten minutes.
fn scored(ticks: u32, load: impl Fn(u32) -> f64, said: impl Fn(u32) -> f64) -> Score {
    let mut score = Score::new(HORIZON);
    for tick in 0..ticks {
        score.came(at(tick), load(tick));
        score.forecast(at(tick), said(tick), load(tick));
    }
    score
}

#[test]
fn errors_are_those_of_the_model_and_of_the_last_value() {
    // The load grows by 1 each minute: the last value is 10 behind, and the model 2 ahead.
    let score = scored(200, f64::from, |tick| f64::from(tick) + 12.0);
    let errors = score.errors().expect("enough");
    let figures = [errors.mae, errors.rmse, errors.naive_mae, errors.naive_rmse];
    for (figure, expected) in figures.into_iter().zip([2.0, 2.0, 10.0, 10.0]) {
        assert!((figure - expected).abs() < 1e-9, "{figures:?}");
    }
    assert!((errors.skill() - 0.8).abs() < 1e-9);
}

#[test]
fn skill_is_told_for_every_pair_of_errors() {
    let cases = [
        (0.0, 10.0, 1.0),
        (5.0, 10.0, 0.5),
        (10.0, 10.0, 0.0),
        (15.0, 10.0, -0.5),
        (90.0, 10.0, -1.0),
        (0.0, 0.0, 0.0),
        (1.0, 0.0, -1.0),
    ];
    for (mae, naive_mae, skill) in cases {
        let errors = Errors { mae, rmse: mae, naive_mae, naive_rmse: naive_mae };
        assert!((errors.skill() - skill).abs() < 1e-12, "{mae} {naive_mae}");
    }
}

#[test]
fn nothing_is_said_before_enough_comparisons() {
    // Eight are kept in the time of a horizon, one each 75 s: with ticks of a minute each second one.
    let counted = |ticks| scored(ticks, f64::from, f64::from).compared();
    assert_eq!((counted(10), counted(11), counted(13)), (0, 1, 2));
    let score = scored(10 + 2 * (ENOUGH - 1), f64::from, f64::from);
    assert_eq!((score.compared(), score.errors()), (ENOUGH - 1, None));
    let why = score.trust(-1.0).expect_err("too early").to_string();
    assert_eq!(why, "31 of 32 forecasts have been compared with what came");
    let score = scored(10 + 2 * ENOUGH - 1, f64::from, f64::from);
    assert_eq!(score.compared(), ENOUGH);
    assert!(score.errors().is_some());
}

#[test]
fn a_skill_below_the_least_is_not_trusted() {
    let level = |tick: u32| 100.0 + 10.0 * noise(f64::from(tick));
    let score = scored(300, level, |tick| level(tick) + 10.0);
    assert!(score.errors().expect("enough").skill() < 0.0);
    let why = score.trust(0.0).expect_err("worse than the last value").to_string();
    assert!(why.ends_with(", below forecast-min-skill 0"), "{why}");
    assert_eq!(scored(300, level, |_| 100.0).trust(0.0), Ok(()));
}

#[test]
fn what_was_long_ago_counts_less() {
    // A day of perfect forecasts, then a day of ones that are off by 10: of the weight two thirds are new.
    let day = 24 * 60;
    let score = scored(2 * day, |_| 50.0, |tick| if tick < day { 50.0 } else { 60.0 });
    let mae = score.errors().expect("enough").mae;
    assert!((mae - 10.0 * 2.0 / 3.0).abs() < 0.1, "{mae}");
}

#[test]
fn between_two_values_lies_the_line_and_a_long_gap_is_skipped() {
    let mut score = Score::new(HORIZON);
    score.came(at(0), 0.0);
    score.forecast(at(0), 100.0, 0.0);
    // Due at 10: half way from 5 to 15.
    score.came(at(5), 0.0);
    score.came(at(15), 200.0);
    assert_eq!(score.compared(), 1);
    score.forecast(at(15), 100.0, 0.0);
    // Due at 25, in a gap from 15 to 26: longer than the horizon.
    score.came(at(26), 0.0);
    assert_eq!(score.compared(), 1);
    // A value of the very time counts, whatever the gap before it.
    score.forecast(at(26), 100.0, 0.0);
    score.came(at(36), 0.0);
    assert_eq!(score.compared(), 2);
}

#[test]
fn what_waits_is_bounded_and_survives_as_text() {
    let mut score = Score::new(HORIZON);
    for second in 0..3600 {
        score.forecast(START.plus(Duration::from_secs(second)), 1.0, 1.0);
    }
    let text = serde_json::to_string(&score).expect("text");
    assert!(text.matches("due").count() <= 9, "{text}");
    let mut read: Score = serde_json::from_str(&text).expect("read");
    assert_eq!(read, score);
    // A time before them, as after a clock was set back, does not end it.
    read.forecast(START.minus(DAY), 1.0, 1.0);
    read.came(at(200), 1.0);
    assert!(serde_json::to_string(&read).expect("text").matches("due").count() <= 9);
}
