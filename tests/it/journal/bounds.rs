//! What is too old goes, and what there is no room for.

use rusqlite::Connection;

use super::*;
use crate::faults::Random;

/// Has the clock go along with the ticks, and the thread keep up with them.
async fn live(
    place: &Place,
    journal: &JournalStore,
    at_once: usize,
    ticks: impl Iterator<Item = Tick>,
) {
    for (number, tick) in (1..).zip(ticks) {
        let behind = tick.at.since(place.clock.now());
        place.clock.advance(behind);
        record(journal, tick);
        if number % at_once == 0 {
            kept_up(journal).await;
        }
    }
    kept_up(journal).await;
    // What is too much goes after each answer.
    kept_up(journal).await;
}

async fn kept_up(journal: &JournalStore) {
    journal.history(&HistoryQuery { most: 1, ..everything() }).await.unwrap();
}

fn count(place: &Place, table: &str) -> i64 {
    let file = Connection::open(place.path()).unwrap();
    let read = format!("SELECT count(*) FROM {table}");
    file.query_row(&read, [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn nothing_is_kept_for_longer_than_wanted() {
    let place = Place { retention: HOUR, ..Place::new() };
    let journal = place.open();
    // Ten hours: an hour of each kind, so that all that is kept of ticks gets old.
    let ticks = (0..2400_u32).map(|number| {
        let tick = quiet(at(number), f64::from(number));
        if number / 240 % 2 == 0 { with_reason(tick, hold(number % 4)) } else { tick }
    });
    live(&place, &journal, 20, ticks).await;
    let oldest = at(2399).minus(HOUR + 17 * MINUTE);
    for passage in all_passages(&journal).await {
        assert!(passage.until >= oldest, "{} is too old", passage.until);
    }
    let chart = ChartQuery { app: web(), from: at(0), until: at(2399), most: 10_000 };
    let times = journal.chart(&chart).await.unwrap().times;
    assert!(times.len() >= 240 && times[0] >= oldest.as_millis(), "{} times", times.len());
    assert_eq!(at_time(&journal, at(2399)).await.map(|own| traffic(&own)), Some(2399.0));
    close(&journal);
    assert!(count(&place, "keys") <= 3, "keys that nothing needs are gone");
    assert!(count(&place, "entries") <= 1);
}

#[tokio::test]
async fn a_run_that_lasts_is_kept_though_it_began_long_ago() {
    let place = Place { retention: HOUR, ..Place::new() };
    let journal = place.open();
    live(&place, &journal, 20, (0..2400_u32).map(|number| quiet(at(number), 1.0))).await;
    let all = all_passages(&journal).await;
    assert_eq!((all[0].from, all[0].ticks, all.len()), (at(0), 2400, 1));
}

#[tokio::test]
async fn the_file_gets_no_larger_than_wanted_and_the_newest_is_in_it() {
    for path in [true, false] {
        let place = Place { size: 2_000_000, ..Place::new() };
        let journal = place.open_at(path.then(|| place.path()).as_deref());
        // Texts that resemble nothing: five thousand of them are some ten megabytes.
        let mut random = Random::new(1);
        let varied = |number: u32| {
            let noise: Vec<_> = (0..250).map(|_| random.below(u64::MAX).to_string()).collect();
            failed(at(number), &noise.concat())
        };
        live(&place, &journal, 500, (0..5_000).map(varied)).await;
        assert_eq!(at_time(&journal, at(4_999)).await.map(|own| own.at), Some(at(4_999)));
        let all = all_passages(&journal).await;
        assert!(all.len() >= 200, "there is room for {}", all.len());
        assert_eq!(at_time(&journal, at(10)).await, None, "the oldest is gone");
        close(&journal);
        if path {
            let size = std::fs::metadata(place.path()).unwrap().len();
            assert!(
                (1_000_000..=1_750_000).contains(&size),
                "{size} bytes: room is left for the log"
            );
        }
    }
}

#[tokio::test]
async fn a_label_whose_values_never_end_gets_no_more_columns() {
    let place = Place { retention: HOUR, ..Place::new() };
    let journal = place.open();
    let churning = |number: u32| {
        let mut tick = quiet(at(number), f64::from(number));
        let regions = (0..500_u32).map(|own| (Region::new(format!("r{number}-{own}")), 1.0));
        tick.samples[0].regions.extend(regions);
        tick
    };
    live(&place, &journal, 1, (0..12).map(churning)).await;
    let all = ChartQuery { app: web(), from: at(0), until: at(5000), most: 100 };
    let chart = journal.chart(&all).await.unwrap();
    assert!(chart.curves.len() <= 4096, "{} curves", chart.curves.len());
    let whole = Line::Metric { metric: MetricName::new("traffic"), region: None };
    let curve = chart.curves.iter().find(|own| own.line == whole).unwrap();
    let expected: Vec<_> = (0..12).map(|own| Some(f64::from(own))).collect();
    assert_eq!(curve.values, expected, "what was known goes on");
    assert_eq!(count(&place, "columns"), 4096);
    // The same with the numbers of a run that goes on, of which some have no column.
    let churned = churning(11);
    let again = (12..20).map(|own| Tick { at: at(own), ..churned.clone() });
    live(&place, &journal, 4, again).await;
    let chart = journal.chart(&all).await.unwrap();
    let machines = chart.curves.iter().find(|own| matches!(own.line, Line::Machines { .. }));
    assert!(machines.unwrap().values.iter().all(|own| matches!(own, Some(0.0 | 2.0))));
    let curve = chart.curves.iter().find(|own| own.line == whole).unwrap();
    assert_eq!(curve.values[11..], [Some(11.0); 9]);
    // Two hours later nothing uses them.
    live(&place, &journal, 20, (500..900).map(|number| quiet(at(number), 1.0))).await;
    close(&journal);
    let journal = place.open();
    kept_up(&journal).await;
    let left = count(&place, "columns");
    assert!(left < 20, "{left} columns");
    live(&place, &journal, 1, (900..901).map(churning)).await;
    assert!(count(&place, "columns") > 500, "there is room again");
    close(&journal);
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_left_keeps_nothing_older() {
    let place = Place { retention: HOUR, ..Place::new() };
    let journal = place.open();
    let ahead = start().plus(10_000 * HOUR);
    record(&journal, with_reason(quiet(ahead, 1.0), hold(1)));
    kept_up(&journal).await;
    let ticks = (0..2400_u32).map(|number| {
        let tick = quiet(at(number), f64::from(number));
        if number / 240 % 2 == 0 { with_reason(tick, hold(number % 4)) } else { tick }
    });
    live(&place, &journal, 20, ticks).await;
    let oldest = at(2399).minus(HOUR + 17 * MINUTE);
    let passages = all_passages(&journal).await;
    assert!(passages.iter().all(|own| own.until >= oldest));
    assert_eq!(at_time(&journal, at(2399)).await.map(|own| traffic(&own)), Some(2399.0));
    close(&journal);
}
