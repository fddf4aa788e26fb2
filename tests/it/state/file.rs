//! What is in the file, what it costs, and how it is written.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use fly_autoscaler::decide::History;
use fly_autoscaler::ports::{AppState, Measured, StateStore};
use rusqlite::Connection;
use serde_json::value::RawValue;

use super::{Place, app, close, eventful, filled, state};

fn measured(place: &Place, text: &str) -> Option<Measured> {
    let memory = RawValue::from_string(text.to_owned()).unwrap();
    Some(Measured { at: place.now(), memory: Arc::from(memory) })
}

#[tokio::test]
async fn what_is_secured_is_on_the_disk_before_the_answer() {
    let place = Place::new();
    let store = place.open("s1");
    for round in 1..=20 {
        let mut history = eventful("s1", place.now());
        history.large_destroy_wishes.insert(super::iad(), round);
        store.secure(&app("web"), state(history)).await;
        // Another process, as it were: it sees only what is in the file.
        let file = Connection::open(place.path()).unwrap();
        let text: String = file
            .query_row("SELECT value FROM kept WHERE what = 'history'", [], |row| row.get(0))
            .unwrap();
        let read: History = serde_json::from_str(&text).unwrap();
        assert_eq!(read.large_destroy_wishes[&super::iad()], round);
    }
    close(&store);
}

#[test]
fn what_did_not_change_is_not_written() {
    let place = Place::new();
    let store = place.open("s1");
    let full = || AppState {
        history: eventful("s1", place.now()),
        measured: measured(&place, r#"{"x":1}"#),
    };
    store.save(&app("web"), full());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(store.secure(&app("web"), full()));
    let log = || fs::metadata(place.directory.path().join("fas.db-wal")).unwrap().len();
    let before = log();
    for _ in 0..100 {
        store.save(&app("web"), full());
        store.save(&app("other"), state(History::new("s1")));
        runtime.block_on(store.secure(&app("web"), full()));
    }
    assert_eq!(log(), before, "quiet ticks cost nothing");
    let mut changed = full();
    changed.history.resting.clear();
    runtime.block_on(store.secure(&app("web"), changed));
    assert!(log() > before);
    close(&store);
}

#[test]
fn what_collectors_remember_comes_back_as_it_was_given() {
    let place = Place::new();
    let store = place.open("s1");
    let memory = r#"{"load":{"lhr":0.30000000000000004}}"#;
    let own = AppState { history: History::new("s1"), measured: measured(&place, memory) };
    store.save(&app("web"), own);
    // A tick that has nothing new to say does not take it away.
    store.save(&app("web"), state(History::new("s1")));
    close(&store);
    let found = place.open("s2").load(&app("web"));
    let found = found.measured.unwrap();
    assert_eq!((found.memory.get(), found.at), (memory, place.now()));
}

#[test]
fn ten_thousand_apps_are_written_at_once_and_take_a_few_megabytes() {
    const COUNT: usize = 10_000;
    let place = Place::new();
    let store = place.open("s1");
    for number in 0..COUNT {
        store.save(&app(&format!("tenant-{number}")), state(eventful("s1", place.now())));
    }
    close(&store);
    let size = fs::metadata(place.path()).unwrap().len();
    assert!((2_000_000..12_000_000).contains(&size), "{size}");
    let again = place.open("s2");
    let last = again.load(&app("tenant-9999")).history;
    assert_eq!(last, eventful("s2", place.now()));
    close(&again);
}

#[test]
fn what_nobody_has_changed_for_a_month_is_forgotten() {
    let place = Place::new();
    filled(&place, "gone");
    let day = Duration::from_secs(24 * 3600);
    place.clock.advance(day * 29);
    let store = place.open("s2");
    store.save(&app("new"), state(eventful("s2", place.now())));
    close(&store);
    let apps = || -> Vec<String> {
        let file = Connection::open(place.path()).unwrap();
        let mut rows = file.prepare("SELECT app FROM kept ORDER BY app").unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(apps(), ["gone", "new"]);
    place.clock.advance(day * 2);
    close(&place.open("s3"));
    assert_eq!(apps(), ["new"]);
}
