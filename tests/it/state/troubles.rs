//! A file that is torn, foreign, newer, locked, or not to be had: nothing of it stops the autoscaler, and
//! nothing is deleted.

use std::fs;
use std::path::Path;

use fly_autoscaler::decide::History;
use fly_autoscaler::ports::StateStore;
use fly_autoscaler::store::read;
use rusqlite::Connection;

use super::{Place, app, close, eventful, filled, state, store, wait_until};

/// A store that has just begun remembers, and its file takes what it is given.
fn works(place: &Place, what: &str) {
    let store = place.open("s2");
    assert!(place.is_ok(), "{what}");
    assert_eq!(store.load(&app("web")).history, History::new("s2"), "{what}: begins anew");
    store.save(&app("web"), state(eventful("s2", place.now())));
    close(&store);
    let found = place.open("s3").load(&app("web")).history;
    assert_eq!(found, eventful("s3", place.now()), "{what}");
}

fn foreign_database(path: &Path) {
    let file = Connection::open(path).unwrap();
    file.execute_batch("CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('me')")
        .unwrap();
}

#[test]
fn what_is_no_state_file_is_set_aside_and_kept_as_it_was() {
    type Spoil = fn(&Path);
    let table: [(&str, Spoil); 6] = [
        ("a text", |path| fs::write(path, "dear diary").unwrap()),
        ("a file whose beginning is lost", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[..16].fill(0);
            fs::write(path, bytes).unwrap();
        }),
        ("a file cut off within its first page", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..700]).unwrap();
        }),
        ("a file cut off after its first page", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..bytes.len() - 4096]).unwrap();
        }),
        ("a file with noise in a page", |path| {
            let mut bytes = fs::read(path).unwrap();
            let end = bytes.len();
            bytes[end - 4096..].fill(0xa5);
            fs::write(path, bytes).unwrap();
        }),
        ("a database of another program", |path| {
            fs::remove_file(path).unwrap();
            foreign_database(path);
        }),
    ];
    for (what, spoil) in table {
        let place = Place::new();
        filled(&place, "web");
        spoil(&place.path());
        let spoilt = fs::read(place.path()).unwrap();
        works(&place, what);
        let aside = "fas.db.set-aside-2026-08-21T10-00-00.000Z";
        let names = place.names();
        assert!(names.iter().any(|name| name == aside), "{what}: {names:?}");
        let kept = fs::read(place.directory.path().join(aside)).unwrap();
        assert!(kept == spoilt, "{what}: kept as it was");
    }
}

#[test]
fn a_second_file_that_is_set_aside_does_not_replace_the_first() {
    let place = Place::new();
    for text in ["one", "two"] {
        fs::write(place.path(), text).unwrap();
        close(&place.open("s1"));
    }
    let aside = place.directory.path().join("fas.db.set-aside-2026-08-21T10-00-00.000Z");
    assert_eq!(fs::read_to_string(&aside).unwrap(), "one");
    let second = aside.with_file_name("fas.db.set-aside-2026-08-21T10-00-00.000Z-1");
    assert_eq!(fs::read_to_string(second).unwrap(), "two");
}

#[test]
fn an_empty_file_and_one_that_was_hardly_begun_are_taken_over() {
    let begun: [fn(&Path); 2] = [
        |path| fs::write(path, "").unwrap(),
        // Killed between the first write to the file and the tables.
        |path| {
            let file = Connection::open(path).unwrap();
            file.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        },
    ];
    for begin in begun {
        let place = Place::new();
        begin(&place.path());
        works(&place, "hardly begun");
        assert!(!place.names().concat().contains("set-aside"), "{:?}", place.names());
    }
}

#[test]
fn the_file_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    filled(&place, "web");
    Connection::open(place.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(place.path()).unwrap();
    let store = place.open("s2");
    assert!(!place.is_ok());
    store.save(&app("web"), state(eventful("s2", place.now())));
    assert_eq!(store.load(&app("web")).history, eventful("s2", place.now()), "in memory");
    close(&store);
    assert!(fs::read(place.path()).unwrap() == before);
    let error = read(&place.path(), &"p".into(), place.now()).err().unwrap().to_string();
    assert_eq!(error, "a newer version of fly-autoscaler wrote it (tables 2, this one knows 1)");
}

#[test]
fn of_two_processes_on_one_file_the_second_takes_over_when_the_first_is_gone() {
    let place = Place::new();
    let first = place.open("s1");
    first.save(&app("web"), state(eventful("s1", place.now())));
    let second = place.open("s2");
    assert!(!place.is_ok());
    second.save(&app("worker"), state(eventful("s2", place.now())));
    close(&first);
    wait_until("the second has the file", || place.is_ok());
    // What the first has left, and its own of the time without a file.
    assert_eq!(second.load(&app("web")).history, eventful("s2", place.now()));
    close(&second);
    let third = place.open("s3");
    for name in ["web", "worker"] {
        assert_eq!(third.load(&app(name)).history, eventful("s3", place.now()), "{name}");
    }
}

#[test]
fn a_directory_that_comes_later_is_used_from_then_on() {
    let place = Place::new();
    let path = place.directory.path().join("volume").join("fas.db");
    let store = store(&path, "s1", place.clock.clone(), &place.metrics);
    assert!(!place.is_ok());
    store.save(&app("web"), state(eventful("s1", place.now())));
    let directory = path.parent().unwrap();
    assert!(!directory.exists(), "it is not made: a volume belongs there");
    fs::create_dir(directory).unwrap();
    wait_until("the file is used", || place.is_ok());
    close(&store);
    let kept = read(&path, &"p".into(), place.now()).unwrap().unwrap();
    assert_eq!(kept.load(&app("web")).history, eventful("p", place.now()));
}

#[tokio::test]
async fn where_nothing_can_be_written_memory_goes_on_and_nobody_waits() {
    // No place for files, for the superuser neither; and a directory in the file's place.
    let place = Place::new();
    let taken = place.directory.path().join("fas.db");
    fs::create_dir(&taken).unwrap();
    let web = app("web");
    for path in [Path::new("/sys/fas.db"), &taken] {
        let store = store(path, "s1", place.clock.clone(), &place.metrics);
        assert!(!place.is_ok(), "{}", path.display());
        let secured = store.secure(&web, state(eventful("s1", place.now())));
        futures::FutureExt::now_or_never(secured).expect("nobody waits for it");
        assert_eq!(store.load(&app("web")).history, eventful("s1", place.now()));
        close(&store);
    }
}

#[test]
fn a_row_that_cannot_be_read_is_one_apps_trouble() {
    let place = Place::new();
    let first = place.open("s1");
    for name in ["torn", "whole"] {
        first.save(&app(name), state(eventful("s1", place.now())));
    }
    close(&first);
    let file = Connection::open(place.path()).unwrap();
    file.execute("UPDATE kept SET value = substr(value, 1, 40) WHERE app = 'torn'", []).unwrap();
    drop(file);
    let second = place.open("s2");
    assert!(place.is_ok());
    assert_eq!(second.load(&app("torn")).history, History::new("s2"));
    assert_eq!(second.load(&app("whole")).history, eventful("s2", place.now()));
    second.save(&app("torn"), state(eventful("s2", place.now())));
    close(&second);
    assert_eq!(place.open("s3").load(&app("torn")).history, eventful("s3", place.now()));
}

#[test]
fn whoever_only_looks_sees_what_the_running_process_wrote_and_changes_nothing() {
    let place = Place::new();
    assert!(read(&place.path(), &"p".into(), place.now()).unwrap().is_none(), "no file yet");
    let running = place.open("s1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(running.secure(&app("web"), state(eventful("s1", place.now()))));
    let before = (fs::read(place.path()).unwrap(), place.names());
    for _ in 0..3 {
        let looked = read(&place.path(), &"p".into(), place.now()).unwrap().unwrap();
        assert_eq!(looked.load(&app("web")).history, eventful("p", place.now()));
    }
    assert!((fs::read(place.path()).unwrap(), place.names()) == before);
    assert!(place.is_ok());
    close(&running);
}
