//! Which ticks share a row, and that a tick in the middle of it is shown as it was.

use std::sync::atomic::{AtomicUsize, Ordering};

use fly_autoscaler::ports::BoxFuture;

use super::*;
use crate::http::events::bare_with;

#[tokio::test]
async fn quiet_ticks_are_one_row_and_each_of_them_has_what_it_measured() {
    let place = Place::new();
    for path in [None, Some(place.path())] {
        let journal = place.open_at(path.as_deref());
        for number in 0..200 {
            record(&journal, quiet(at(number), 100.0 + f64::from(number) / 3.0));
        }
        let all = all_passages(&journal).await;
        let [only] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((only.from, only.until, only.ticks), (at(0), at(199), 200));
        assert_eq!((only.at, traffic(only)), (at(0), 100.0));
        for number in [0, 1, 63, 64, 150, 199] {
            let shown = at_time(&journal, at(number).plus(Duration::from_secs(7))).await.unwrap();
            let measured = 100.0 + f64::from(number) / 3.0;
            assert_eq!((shown.at, shown.ticks), (at(number), 200));
            assert_eq!(shown.record.samples[0].value, Some(measured));
            assert_eq!(shown.record.samples[0].regions[&Region::new("lhr")], measured);
            let evaluated = &shown.record.evaluated[0];
            assert_eq!(evaluated.values.get("traffic"), Some(&Value::Number(measured)));
            assert_eq!(evaluated.gave, Some(measured / 50.0));
        }
        assert_eq!(at_time(&journal, start().minus(MINUTE)).await, None);
        assert_eq!(journal.passages(&AppName::new("x"), When::At(at(9)), 1).await, Ok(vec![]));
        close(&journal);
    }
}

#[tokio::test]
async fn what_comes_to_something_else_is_a_row_and_so_is_each_tick_that_acts() {
    let place = Place::new();
    let journal = place.open();
    let ticks = [
        quiet(at(0), 90.0),
        quiet(at(1), 91.0),
        started(quiet(at(2), 92.0), "m1"),
        started(quiet(at(3), 92.0), "m1"),
        quiet(at(4), 93.0),
        with_reason(quiet(at(5), 93.0), hold(1)),
        with_reason(quiet(at(6), 94.0), hold(1)),
        with_reason(quiet(at(7), 95.0), hold(2)),
        failed(at(8), "no route"),
        failed(at(9), "no route"),
    ];
    for tick in ticks {
        record(&journal, tick);
    }
    let runs = |all: &[Passage]| all.iter().map(|own| (own.from, own.ticks)).collect::<Vec<_>>();
    let all = all_passages(&journal).await;
    let expected =
        vec![(at(8), 2), (at(7), 1), (at(5), 2), (at(4), 1), (at(3), 1), (at(2), 1), (at(0), 2)];
    assert_eq!(runs(&all), expected);
    let outcomes = &all[4].record.outcomes;
    assert_eq!(outcomes[0].text, "start m1 in lhr: done");
    assert_eq!(all[0].record.error.as_deref(), Some("no route"));
    // The range takes what reaches into it, the newest of it first.
    let some = journal.passages(&web(), When::Between(at(1), at(3)), 9).await.unwrap();
    assert_eq!(runs(&some), &expected[4..]);
    let some = journal.passages(&web(), When::Between(at(1), at(3)), 1).await.unwrap();
    assert_eq!(runs(&some), &expected[4..5]);
}

#[tokio::test]
async fn in_a_dry_run_the_same_plan_again_is_no_new_row() {
    let place = Place::new();
    let journal = place.open();
    for number in 0..5 {
        let mut tick = planned(quiet(at(number), 1.0), "m1");
        tick.dry_run = true;
        record(&journal, tick);
    }
    let all = all_passages(&journal).await;
    assert_eq!(all.iter().map(|own| own.ticks).collect::<Vec<_>>(), [5]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_begins_a_new_row() {
    let place = Place::new();
    let journal = place.open();
    for number in [10, 11, 12, 3, 4] {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    let all = all_passages(&journal).await;
    let runs: Vec<_> = all.iter().map(|own| (own.from, own.until, own.ticks)).collect();
    assert_eq!(runs, [(at(10), at(12), 3), (at(3), at(4), 2)]);
    assert_eq!(at_time(&journal, at(4)).await.map(|own| traffic(&own)), Some(4.0));
    assert_eq!(at_time(&journal, at(11)).await.map(|own| traffic(&own)), Some(11.0));
}

#[tokio::test]
async fn a_restart_keeps_everything() {
    let place = Place::new();
    let journal = place.open();
    for number in 0..100 {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    close(&journal);
    let closed = journal.passages(&web(), When::At(at(1)), 1).await;
    let message = "it is closed".to_owned();
    assert_eq!(closed, Err(JournalError::Unreadable { message }));

    let journal = place.open();
    for number in 100..110 {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    let runs: Vec<_> = all_passages(&journal).await.iter().map(|own| own.ticks).collect();
    assert_eq!(runs, [10, 100]);
    for number in [0, 99, 100, 109] {
        let shown = at_time(&journal, at(number)).await.unwrap();
        assert_eq!(traffic(&shown), f64::from(number));
    }
}

/// The journal behind it, and the most passages that were asked of it at once.
struct Asked(JournalStore, AtomicUsize);

impl Journal for Asked {
    fn record(&self, app: &AppName, tick: &Arc<Tick>) {
        self.0.record(app, tick);
    }

    fn note(&self, noted: Noted) {
        self.0.note(noted);
    }

    fn passages<'a>(
        &'a self,
        app: &'a AppName,
        when: When,
        most: usize,
    ) -> BoxFuture<'a, Result<Vec<Passage>, JournalError>> {
        self.1.fetch_max(most, Ordering::Relaxed);
        self.0.passages(app, when, most)
    }

    fn history<'a>(
        &'a self,
        query: &'a HistoryQuery,
    ) -> BoxFuture<'a, Result<Vec<Entry>, JournalError>> {
        self.0.history(query)
    }

    fn chart<'a>(&'a self, query: &'a ChartQuery) -> BoxFuture<'a, Result<Chart, JournalError>> {
        self.0.chart(query)
    }
}

#[tokio::test]
async fn a_tick_of_long_ago_is_found_page_by_page() {
    let place = Place::new();
    let asked = Arc::new(Asked(place.open(), AtomicUsize::new(0)));
    // Each is a row of its own: the first two act, and after them something else holds each time.
    for number in 0..2 {
        record(&*asked, started(quiet(at(number), 92.0), "m1"));
    }
    for number in 2..230 {
        record(&*asked, with_reason(quiet(at(number), 92.0), hold(number)));
    }
    let all = all_passages(&*asked).await;
    assert_eq!(all.len(), 230);
    let HistoryQuery { from, until, .. } = everything();
    let (mut left, mut paged) = (Some(When::Between(from, until)), Vec::new());
    while let Some(when) = left {
        let page = asked.passages(&web(), when, 23).await.unwrap();
        left = when.after(&page, 23);
        paged.extend(page);
    }
    assert!(paged == all, "no row is left out or there twice");

    asked.1.store(0, Ordering::Relaxed);
    place.clock.advance(INTERVAL * 230);
    let journal: Arc<dyn Journal> = asked.clone();
    let (address, _) = bare_with(journal, place.clock.clone(), Arc::clone(&place.metrics)).await;
    for (query, wanted) in [
        ("last=8760h&action=start", vec![at(1), at(0)]),
        ("last=8760h&action=start&limit=1", vec![at(1)]),
        ("last=8760h&action=stop", vec![]),
        ("last=8760h&limit=120", (110..230).rev().map(at).collect()),
        ("last=30s", vec![at(229), at(228)]),
        ("action=start", vec![]),
    ] {
        let url = format!("http://{address}/api/v1/explain?app=web&{query}");
        let (status, text) = crate::running::get(&url).await.unwrap();
        assert_eq!(status, 200, "{query}: {text}");
        let answer: serde_json::Value = serde_json::from_str(&text).unwrap();
        let explained = answer["explanations"].as_array().unwrap();
        let times: Vec<_> = explained.iter().map(|own| own["at"].as_str().unwrap()).collect();
        let wanted: Vec<_> = wanted.iter().map(Timestamp::to_string).collect();
        assert_eq!(times, wanted, "{query}");
    }
    assert_eq!(asked.1.load(Ordering::Relaxed), 50, "no more is in memory at once");
    close(&asked.0);
}
