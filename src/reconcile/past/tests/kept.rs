//! What outlives a process.

use super::ahead::Ahead;
use super::*;

/// The texts that a process leaves.
fn texts(past: &Past) -> Vec<String> {
    let series = past.to_kept().unwrap_or_default();
    series.into_iter().map(|own| (own.text)().expect("written")).collect()
}

#[tokio::test]
async fn a_window_goes_on_after_a_restart_where_the_source_has_no_past() {
    let mut world = World::new("q", r#"avg_over("q", "2m") + avg_over("q", "1m")"#, "", |_| {});
    world.says(Ok(plain(10.0)));
    for tick in 0..8 {
        world.tick(at(15 * tick)).await;
    }
    let mut texts = texts(&world.past);
    assert_eq!(texts.len(), 2);

    let groups = [world.group.clone()];
    let fresh = || Past::new(&groups, Arc::clone(&world.collectors), INTERVAL);
    let mut past = fresh();
    texts.iter().for_each(|text| past.restore(text, at(120)).expect("a series"));
    world.past = past;
    world.says(Ok(plain(20.0)));
    // Eight of the last two minutes, four of the last one.
    assert_eq!(world.tick(at(120)).await, ["24"], "11.25 + 12.5");

    // One that is torn is missing, and only that one.
    let mut past = Past::new(&groups, Arc::clone(&world.collectors), INTERVAL);
    texts[0].truncate(40);
    assert!(past.restore(&texts[0], at(120)).is_err());
    past.restore(&texts[1], at(120)).expect("a series");
    assert_eq!(past.size().series, 1);
    world.past = past;
    let got = world.tick(at(120)).await;
    let calls = [r#"avg_over("q", "2m")"#, r#"avg_over("q", "1m")"#];
    let held = calls.iter().filter(|call| got[0].contains(**call)).count();
    assert_eq!(held, 1, "{got:?}");
}

#[tokio::test]
async fn the_time_in_which_nobody_ticked_is_filled_from_the_source() {
    let mut world = World::new("q", r#"avg_over("q", "2m")"#, "", |_| {});
    world.says(Ok(plain(10.0)));
    for tick in 0..8 {
        world.tick(at(15 * tick)).await;
    }
    let texts = texts(&world.past);
    let groups = [world.group.clone()];
    world.past = Past::new(&groups, Arc::clone(&world.collectors), INTERVAL);
    texts.iter().for_each(|text| world.past.restore(text, at(165)).expect("a series"));
    // From 60 s to 105 s it was 10, as was recorded; the source says 40 all along.
    world.remembers((-3..=11).map(|tick| (at(15 * tick), plain(40.0))).collect());
    assert_eq!(world.tick(at(165)).await, ["21"], "(4 * 10 + 3 * 40 + 10) / 8");
}

#[tokio::test]
async fn a_text_of_another_time_or_interval_is_left_and_nonsense_is_an_error() {
    let mut world = World::new("q", r#"avg_over("q", "1m")"#, "", |_| {});
    world.says(Ok(plain(10.0)));
    world.tick(at(0)).await;
    let text = texts(&world.past).remove(0);
    let groups = [world.group.clone()];
    let mut past = Past::new(&groups, Arc::clone(&world.collectors), INTERVAL);
    past.restore(&text, at(61)).expect("a series");
    assert_eq!(past.size().series, 0, "it is all too old");
    let mut past = Past::new(&groups, Arc::clone(&world.collectors), 2 * INTERVAL);
    past.restore(&text, at(0)).expect("a series");
    assert_eq!(past.size().series, 0);
    for text in ["", "{}", "null", r#"{"group":"app"}"#, &text.replace("10.0", "null")] {
        assert!(past.restore(text, at(0)).is_err(), "{text}");
    }
}

#[tokio::test]
async fn a_forecast_goes_on_after_a_restart_with_its_past_and_its_measured_errors() {
    let value = |tick: i64| 100.0 + tick.rem_euclid(40) as f64;
    let mut ahead = Ahead::new(Some(-1.0));
    ahead.world.remembers((-960..0).map(|tick| (at(15 * tick), plain(value(tick)))).collect());
    for tick in 0..200 {
        ahead.tick(at(15 * tick), value(tick)).await;
        ahead.fit(at(15 * tick + 1)).await;
    }
    let compared = |past: &Past, now| past.forecasts(now)[0].score.compared();
    let before = compared(&ahead.world.past, at(15 * 199));
    assert!(before > 10, "{before}");
    let texts = texts(&ahead.world.past);
    assert_eq!(texts.len(), 1);

    ahead.restart();
    ahead.world.source.1.lock().expect("no panic").past = Err(SourceError::NoPast);
    ahead.world.past.restore(&texts[0], at(15 * 200)).expect("a series");
    ahead.tick(at(15 * 200), value(200)).await;
    assert!(compared(&ahead.world.past, at(15 * 200)) >= before);
    // All that a model is made from is there: it comes with the first fit.
    ahead.fit(at(15 * 200 + 1)).await;
    ahead.tick(at(15 * 201), value(201)).await;
    let forecasts = ahead.world.past.forecasts(at(15 * 201));
    assert_eq!(forecasts[0].forecast.fallback, None);
}
