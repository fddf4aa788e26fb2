//! A file that is torn, foreign, newer, locked, full or not to be had: scaling never waits, and as soon as it can
//! be written again, what was kept in memory goes into it.

use std::fs;
use std::process::Command;

use fly_autoscaler::store::JournalReader;
use fly_autoscaler::store::journal::path_beside;
use rusqlite::Connection;

use super::*;
use crate::state::wait_until;

fn is_ok(place: &Place) -> bool {
    place.shows("fas_journal_ok 1")
}

/// Records one tick, and waits until it is taken in.
async fn lives(journal: &JournalStore, number: u32) {
    record(journal, quiet(at(number), f64::from(number)));
    let shown = at_time(journal, at(number)).await.unwrap();
    assert_eq!((shown.at, traffic(&shown)), (at(number), f64::from(number)));
}

#[test]
fn the_file_is_beside_that_of_the_state() {
    for (state, journal) in [
        ("/data/fas.db", "/data/fas-journal.db"),
        ("/data/x.y.z", "/data/x.y-journal.z"),
        ("/a", "/a-journal"),
    ] {
        assert_eq!(path_beside(Path::new(state)), Path::new(journal));
    }
}

#[tokio::test]
async fn what_is_no_journal_is_set_aside_and_kept_as_it_was() {
    type Spoil = fn(&Path);
    let table: [(&str, Spoil); 4] = [
        ("a text", |path| fs::write(path, "dear diary").unwrap()),
        ("a file cut off after its first page", |path| {
            let bytes = fs::read(path).unwrap();
            fs::write(path, &bytes[..8192]).unwrap();
        }),
        ("a file with noise in each page but the first", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[4096..].fill(0xa5);
            fs::write(path, bytes).unwrap();
        }),
        ("a state file", |path| {
            fs::remove_file(path).unwrap();
            let file = Connection::open(path).unwrap();
            file.execute_batch("CREATE TABLE kept (app TEXT); PRAGMA application_id = 1180787539")
                .unwrap();
        }),
    ];
    for (what, spoil) in table {
        let place = Place::new();
        let journal = place.open();
        lives(&journal, 0).await;
        close(&journal);
        spoil(&place.path());
        let spoilt = fs::read(place.path()).unwrap();
        let journal = place.open();
        lives(&journal, 1).await;
        assert!(is_ok(&place), "{what}");
        assert_eq!(all_passages(&journal).await.len(), 1, "{what}: begins anew");
        close(&journal);
        let aside = "fas-journal.db.set-aside-2026-08-21T10-00-00.000Z";
        assert!(fs::read(place.directory.path().join(aside)).unwrap() == spoilt, "{what}");
    }
}

#[tokio::test]
async fn of_journals_that_are_set_aside_the_newest_is_kept() {
    let place = Place::new();
    for number in 0..3 {
        fs::write(place.path(), format!("dear diary {number}")).unwrap();
        let journal = place.open();
        lives(&journal, number).await;
        close(&journal);
        place.clock.advance(HOUR);
    }
    let aside = "fas-journal.db.set-aside-2026-08-21T12-00-00.000Z";
    assert_eq!(place.names(), ["fas-journal.db", "fas-journal.db-lock", aside]);
    assert_eq!(fs::read(place.directory.path().join(aside)).unwrap(), b"dear diary 2");
}

#[tokio::test]
async fn the_file_of_a_newer_version_is_left_alone() {
    let place = Place::new();
    close(&place.open());
    Connection::open(place.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(place.path()).unwrap();
    let journal = place.open();
    lives(&journal, 0).await;
    assert!(!is_ok(&place));
    close(&journal);
    assert!(fs::read(place.path()).unwrap() == before);
    let error = JournalReader::open(&place.path()).err().unwrap().to_string();
    assert_eq!(error, "a newer version of fly-autoscaler wrote it (tables 2, this one knows 1)");
}

#[tokio::test]
async fn where_nothing_can_be_written_memory_goes_on() {
    let place = Place::new();
    let taken = place.directory.path().join("fas-journal.db");
    fs::create_dir(&taken).unwrap();
    let missing = place.directory.path().join("volume").join("fas-journal.db");
    for path in [Path::new("/sys/fas-journal.db"), &taken, &missing] {
        let journal = place.open_at(Some(path));
        lives(&journal, 0).await;
        assert!(!is_ok(&place), "{}", path.display());
        close(&journal);
    }
    assert_eq!(place.names(), ["fas-journal.db", "fas-journal.db-lock"], "nothing is made");
}

#[tokio::test]
async fn what_came_while_another_process_had_the_file_is_in_it_later() {
    let place = Place::new();
    let first = place.open();
    lives(&first, 0).await;
    let second = place.open();
    wait_until("the second finds it locked", || !is_ok(&place));
    for number in 1..100 {
        record(&second, quiet(at(number), f64::from(number)));
    }
    record(&second, started(quiet(at(100), 100.0), "m1"));
    lives(&second, 101).await;
    close(&first);
    assert!(!is_ok(&place), "it is not tried before it is time");
    place.clock.advance(Duration::from_secs(30));
    wait_until("the second has the file", || is_ok(&place));
    lives(&second, 102).await;
    let runs: Vec<_> = all_passages(&second).await.iter().map(|own| own.ticks).collect();
    assert_eq!(runs, [1, 1, 1, 99, 1]);
    for number in [0, 1, 64, 65, 99, 100, 101] {
        assert_eq!(
            at_time(&second, at(number)).await.map(|own| traffic(&own)),
            Some(number.into())
        );
    }
    let entries = second.history(&everything()).await.unwrap();
    assert_eq!(
        entries.iter().map(|own| own.text.as_str()).collect::<Vec<_>>(),
        ["start m1 in lhr: done"]
    );
    close(&second);
}

#[tokio::test]
async fn a_lock_that_somebody_holds_in_a_shell_costs_nothing_but_a_warning() {
    let place = Place::new();
    let journal = place.open();
    lives(&journal, 0).await;
    let shell = Connection::open(place.path()).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    record(&journal, quiet(at(1), 1.0));
    wait_until("the file is given up", || !is_ok(&place));
    lives(&journal, 2).await;
    let all = all_passages(&journal).await;
    assert_eq!((all[0].from, all[0].ticks), (at(1), 2), "what the file did not take is in memory");
    shell.execute_batch("COMMIT").unwrap();
    place.clock.advance(Duration::from_secs(30));
    wait_until("the file is used again", || is_ok(&place));
    lives(&journal, 3).await;
    let runs: Vec<_> = all_passages(&journal).await.iter().map(|own| own.ticks).collect();
    assert_eq!(runs, [1, 2, 1]);
    close(&journal);
}

#[tokio::test]
async fn whoever_only_looks_sees_what_was_written_and_changes_nothing() {
    let place = Place::new();
    assert!(JournalReader::open(&place.path()).unwrap().is_none(), "no file yet");
    let journal = place.open();
    for number in 0..100 {
        record(&journal, quiet(at(number), f64::from(number)));
    }
    lives(&journal, 100).await;
    let before = (fs::read(place.path()).unwrap(), place.names());
    for _ in 0..3 {
        let reader = JournalReader::open(&place.path()).unwrap().unwrap();
        let shown = reader.passages(&web(), When::At(at(70)), 1).unwrap();
        assert_eq!((shown[0].at, traffic(&shown[0])), (at(70), 70.0));
        assert_eq!(reader.history(&everything()), Ok(Vec::new()));
        let all = ChartQuery { app: web(), from: at(0), until: at(100), most: 10 };
        assert_eq!(reader.chart(&all), journal.chart(&all).await);
    }
    assert!((fs::read(place.path()).unwrap(), place.names()) == before);
    close(&journal);
}

/// A full disk takes a file system of its own, which the test makes in a namespace of its own; a system that
/// refuses that has to do with the others.
#[test]
fn a_full_disk_is_a_warning_and_what_comes_meanwhile_is_kept() {
    let place = Place::new();
    let disk = place.directory.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let mount = format!("mount -t tmpfs -o size=600k none {}", disk.display());
    let namespace = |command: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--user", "--map-root-user", "--mount", "sh", "-c", command]);
        unshare
    };
    let is_possible = namespace(&mount).output().is_ok_and(|output| output.status.success());
    let test = "journal::troubles::within_a_small_disk";
    let exe = std::env::current_exe().unwrap();
    let again = format!("{mount} && exec {} --exact {test} --ignored", exe.display());
    let output = namespace(&again).env("SMALL_DISK", &disk).output();
    assert!(
        !is_possible || output.as_ref().is_ok_and(|own| own.status.success()),
        "{}",
        String::from_utf8_lossy(&output.unwrap().stdout)
    );
}

#[tokio::test]
#[ignore = "the test above runs it where there is such a disk"]
async fn within_a_small_disk() {
    #[expect(
        clippy::disallowed_methods,
        reason = "it is how the test above tells where the disk is"
    )]
    let disk = PathBuf::from(std::env::var("SMALL_DISK").unwrap());
    let place = Place::new();
    let journal = place.open_at(Some(&disk.join("fas-journal.db")));
    lives(&journal, 0).await;
    assert!(is_ok(&place));
    let ballast = disk.join("ballast");
    // As much as there is room for.
    drop(fs::write(&ballast, vec![7; 600 << 10]));
    let mut number = 0;
    while is_ok(&place) {
        number += 1;
        assert!(number < 20_000, "the disk is never full");
        record(&journal, failed(at(number), &format!("{number:x}").repeat(50)));
        // Answered by the file, or by memory.
        at_time(&journal, at(number)).await;
    }
    lives(&journal, number + 1).await;
    fs::remove_file(&ballast).unwrap();
    place.clock.advance(Duration::from_secs(30));
    wait_until("the file is used again", || is_ok(&place));
    lives(&journal, number + 2).await;
    // What was written before is there, and what was not.
    for own in [0, 1, number / 2, number, number + 1, number + 2] {
        assert_eq!(at_time(&journal, at(own)).await.map(|own| own.at), Some(at(own)));
    }
    close(&journal);
}
