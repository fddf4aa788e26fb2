//! What is kept of a series for fits.

use super::*;

const TICK: Duration = Duration::from_secs(15);

fn record(points: &[(Timestamp, f64)]) -> Record {
    let mut record = Record::new(TICK);
    points.iter().for_each(|(at, value)| record.push(*at, *value));
    record
}

#[test]
fn the_last_hours_are_fine_and_what_was_before_them_is_coarse() {
    let value = |seconds: f64| (seconds / 900.0).floor();
    let record = record(&points(20 * DAY, TICK, value));
    let kept = record.points();
    let distances: Vec<_> = kept.windows(2).map(|pair| pair[1].0.since(pair[0].0)).collect();
    let fine = distances.iter().filter(|own| **own == TICK).count();
    let coarse = distances.iter().filter(|own| **own == 15 * MINUTE).count();
    // Four hours by 15 s, and by 15 min what is left of fifteen days, without cells that reach into those hours.
    assert_eq!((fine, coarse), (959, 1440 - 16 - 2));
    assert_eq!(distances.len(), fine + coarse + 1);
    for (at, kept) in kept {
        let should = value(at.since(START).as_secs_f64());
        assert!((kept - should).abs() <= 1.0, "{at}: {kept} for {should}");
    }
    assert!(record.bytes() < 16_000, "{}", record.bytes());
}

#[test]
fn filled_and_ticked_it_is_the_same_past() {
    let value = |seconds: f64| 10.0 + daily(seconds);
    let [coarse, fine] = Record::wants(TICK);
    let mut filled = Record::new(TICK);
    // A source answers at whole steps, from the one after it began.
    let end = Timestamp::from_millis((START.as_millis() + 15 * 86_400_000) / 900_000 * 900_000);
    for (window, step) in [coarse, fine] {
        let count = u32::try_from(window.as_millis() / step.as_millis()).expect("few");
        let at = |number: u32| end.minus(step * (count - 1 - number));
        let values: Vec<_> =
            (0..count).map(|own| (at(own), value(at(own).since(START).as_secs_f64()))).collect();
        filled.fill(&values);
        filled.fill(&values);
    }
    let kept = filled.points();
    assert!(kept.len() > 2300, "{}", kept.len());
    for (at, kept) in &kept {
        assert!((kept - value(at.since(START).as_secs_f64())).abs() < 1e-3, "{at}");
    }
    assert_eq!(kept.last().map(|own| own.0), Some(end));
    // What was measured stays, whatever a source says of that time later.
    filled.push(end.plus(TICK), 99.0);
    filled.fill(&[(end.plus(TICK), 1.0), (end.plus(2 * TICK), 5.0)]);
    let last: Vec<_> = filled.since(end).map(|own| own.1).collect();
    assert_eq!(last, [99.0, 5.0]);
}

#[test]
fn twice_the_same_time_counts_once_and_a_clock_set_back_drops_what_seems_later() {
    let mut record = record(&points(HOUR, TICK, |seconds| seconds));
    let end = START.plus(HOUR);
    record.push(end, 7.0);
    assert_eq!(record.points().last().map(|own| own.1), Some(3600.0));
    record.push(end.plus(TICK), f64::NAN);
    record.push(START.plus(30 * MINUTE), 5.0);
    let points = record.points();
    assert!(points.iter().all(|(at, _)| *at <= START.plus(30 * MINUTE + TICK)), "{points:?}");
    assert_eq!(points.last().map(|own| own.1), Some(5.0));
}

#[test]
fn a_jump_of_years_forgets_what_was() {
    let mut record = record(&points(HOUR, TICK, |seconds| seconds));
    let later = START.plus(1000 * DAY);
    record.push(later, 3.0);
    assert_eq!(record.points().len(), 1);
    record.push(START, 4.0);
    assert_eq!(record.points().len(), 1);
    // Whatever the interval, there is room for what is asked for.
    for interval in [Duration::from_millis(1), MINUTE, HOUR, 10 * DAY] {
        let mut record = Record::new(interval);
        record.push(START, 1.0);
        assert!(record.fits(interval) && record.points().len() == 1, "{interval:?}");
    }
    assert!(!Record::new(MINUTE).fits(HOUR));
}

#[test]
fn it_can_be_written_and_read_and_nonsense_is_refused() {
    let record = record(&points(2 * DAY, 7 * TICK, noise));
    let text = serde_json::to_string(&record).expect("written");
    assert!(text.len() < 32_000, "{}", text.len());
    let read: Record = serde_json::from_str(&text).expect("read");
    assert_eq!(read.points(), record.points());
    assert!(serde_json::to_string(&read).expect("written") == text);
    let wide = |key: &str, by: &str| {
        let at = text.find(key).expect("there") + key.len();
        let end = at + text[at..].find(',').expect("more");
        format!("{}{by}{}", &text[..at], &text[end..])
    };
    for torn in [
        wide("\"width\":", "0"),
        wide("\"most\":", "1"),
        wide("\"first\":", "9223372036854775807"),
        text[..text.len() / 2].to_owned(),
    ] {
        assert!(serde_json::from_str::<Record>(&torn).is_err(), "{}", &torn[..60]);
    }
}
