//! What a tick reads.

use super::*;

const HORIZON: Duration = Duration::from_secs(900);

/// An outlook that was told `days` of `value` and asked in each tick of five minutes, with a fit every six hours.
fn watched(
    days: u32,
    value: impl Fn(f64) -> f64,
    min_skill: Option<f64>,
) -> (Outlook, Vec<Forecast>) {
    let all = points(DAY * days, 5 * MINUTE, value);
    let mut outlook = Outlook::default();
    let mut said = Vec::new();
    for (index, (at, value)) in all.iter().enumerate() {
        outlook.observe(*at, *value);
        if index % 72 == 0 {
            outlook.fitted(Fit::of(&all[..=index], &Seasons::Detected).map(Arc::new), []);
        }
        said.extend(outlook.forecast(*at, HORIZON, min_skill));
    }
    (outlook, said)
}

#[test]
fn before_the_first_value_there_is_nothing_and_before_the_first_fit_the_last_value() {
    let mut outlook = Outlook::default();
    assert_eq!(outlook.forecast(START, HORIZON, None), None);
    outlook.observe(START, 7.0);
    let expected = Forecast { value: 7.0, model: Model::Last, fallback: Some(Fallback::NotFitted) };
    assert_eq!(outlook.forecast(START, HORIZON, None), Some(expected));
    outlook.fitted(Err(Unfit::Constant), []);
    let fallback = outlook.forecast(START, HORIZON, None).expect("a value").fallback;
    let text = fallback.expect("a reason").to_string();
    assert_eq!(text, "the last value is used: the values are all the same");
}

#[test]
fn a_wave_is_forecast_better_than_by_its_last_value() {
    let (outlook, said) = watched(4, |at| 100.0 + 500.0 * daily(at) + 5.0 * noise(at), Some(0.0));
    let skill = outlook.score(HORIZON).and_then(Score::errors).expect("enough").skill();
    assert!(skill > 0.5, "{skill}");
    let last = said.last().expect("asked");
    assert_eq!((last.model, &last.fallback), (Model::Mstl, &None));
}

/// A load that jumps each hour and stays, so that no model does better than its last value.
fn jumping(at: f64) -> f64 {
    100.0 + 100.0 * noise((at / 3600.0).floor())
}

#[test]
fn where_the_model_is_worse_the_last_value_stands_in_only_if_asked_for() {
    for (min_skill, stands_in) in [(None, false), (Some(-1.0), false), (Some(0.3), true)] {
        let (outlook, said) = watched(3, jumping, min_skill);
        let skill = outlook.score(HORIZON).and_then(Score::errors).expect("enough").skill();
        assert!(skill < 0.3, "{skill}");
        let last = said.last().expect("asked");
        assert_eq!(last.model == Model::Last, stands_in, "{min_skill:?}: {last:?}");
        if stands_in {
            assert!(matches!(last.fallback, Some(Fallback::Distrust(Distrust::Unskilled { .. }))));
        }
    }
}

#[test]
fn noise_gives_a_model_that_carries_its_errors_on_a_skill_below_zero_and_the_last_value_then_counts()
 {
    // Fitted to a steady climb, it follows a load that goes up and down by chance.
    let climb = points(4 * HOUR, 5 * MINUTE, |at| 100.0 + at / 10.0);
    let fit = Arc::new(fit(&climb));
    let mut outlook = Outlook::default();
    outlook.fitted(Ok(Arc::clone(&fit)), []);
    let mut last = None;
    for tick in 1..200_u32 {
        let at = fit.until().plus(5 * MINUTE * tick);
        outlook.observe(at, 100.0 + 3.0 * noise(f64::from(tick)));
        last = outlook.forecast(at, HORIZON, Some(0.0));
    }
    let skill = outlook.score(HORIZON).and_then(Score::errors).expect("enough").skill();
    assert!(skill < 0.0, "{skill}");
    assert_eq!(last.expect("asked").model, Model::Last);
}

#[test]
fn until_enough_is_compared_a_least_skill_means_the_last_value() {
    let (_, said) = watched(1, |at| 100.0 + 500.0 * daily(at), Some(-1.0));
    let is_trusted = |forecast: &Forecast| forecast.model != Model::Last;
    let first = said.iter().position(is_trusted).expect("trusted in the end");
    // The first fit that succeeds is that after six hours; from then on each tick is compared, three ticks later.
    assert_eq!(first, 72 + 3 + ENOUGH as usize - 1);
    let untried = &said[first - 1].fallback;
    assert!(
        matches!(untried, Some(Fallback::Distrust(Distrust::Untried { compared: 31 }))),
        "{untried:?}"
    );
}

#[test]
fn a_fit_that_fails_leaves_the_last_one_unless_it_is_out_of_date_or_nothing_moves_any_more() {
    let wave = points(4 * DAY, 15 * MINUTE, |at| 100.0 + 500.0 * daily(at));
    let fit = Arc::new(fit(&wave));
    let gaps = || Err(Unfit::Gaps { missing: 9, of: 10 });
    let cases =
        [(HOUR, gaps(), true), (HOUR, Err(Unfit::Constant), false), (16 * DAY, gaps(), false)];
    for (later, result, is_kept) in cases {
        let mut outlook = Outlook::default();
        outlook.fitted(Ok(Arc::clone(&fit)), []);
        outlook.observe(fit.until().plus(later), 200.0);
        outlook.fitted(result.clone(), []);
        assert_eq!(outlook.fit().is_some(), is_kept, "{later:?} {result:?}");
    }
}

#[test]
fn a_new_fit_follows_what_came_while_it_was_made() {
    let all = points(4 * DAY + HOUR, 15 * MINUTE, |at| 100.0 + 500.0 * daily(at) + noise(at));
    let (known, since) = all.split_at(all.len() - 4);
    let fit = Arc::new(fit(known));
    let now = all.last().expect("points").0;
    let mut slowly = Outlook::default();
    let mut at_once = Outlook::default();
    at_once.fitted(Ok(Arc::clone(&fit)), []);
    for (at, value) in since {
        slowly.observe(*at, *value);
        at_once.observe(*at, *value);
    }
    slowly.fitted(Ok(fit), since.iter().copied());
    let said = slowly.forecast(now, HORIZON, None);
    assert_eq!(said, at_once.forecast(now, HORIZON, None));
    assert_eq!(said.expect("a value").model, Model::Mstl);
}

#[test]
fn what_was_measured_survives_a_restart_and_horizons_nobody_asks_for_go() {
    let (mut outlook, _) = watched(2, |at| 100.0 + 500.0 * daily(at), None);
    let text = serde_json::to_string(&outlook).expect("text");
    let read: Outlook = serde_json::from_str(&text).expect("read");
    let skill =
        |outlook: &Outlook| outlook.score(HORIZON).and_then(Score::errors).map(|own| own.skill());
    let (before, after) = (skill(&outlook).expect("enough"), skill(&read).expect("kept"));
    assert!((before - after).abs() < 1e-9, "{before} {after}");
    assert!(read.fit().is_none() && outlook.fit().is_some());
    outlook.keep_horizons(|horizon| horizon != HORIZON);
    assert_eq!(outlook.score(HORIZON), None);
}
