//! What happened, one thing at a time.

use fly_autoscaler::decide::Verb;
use fly_autoscaler::journal::{EntryKind, ResultKind};

use super::*;

fn short(entries: &[Entry]) -> Vec<(EntryKind, Timestamp, Timestamp)> {
    entries.iter().map(|own| (own.kind, own.at, own.until)).collect()
}

#[tokio::test]
async fn an_action_says_what_was_done_and_why() {
    let place = Place::new();
    let journal = place.open();
    record(&journal, quiet(at(0), 1.0));
    record(&journal, started(quiet(at(1), 2.0), "m1"));
    let entries = journal.history(&everything()).await.unwrap();
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    let expected = Entry {
        app: Some(web()),
        at: at(1),
        until: at(1),
        kind: EntryKind::Action,
        would: false,
        group: Some(ProcessGroup::new("app")),
        region: Some(Region::new("lhr")),
        verb: Some(Verb::Start),
        machine: Some(MachineId::new("m1")),
        result: Some(ResultKind::Done),
        code: Some("below_min".into()),
        text: "start m1 in lhr: done".into(),
        reason: Some(starting("m1").reason.to_string()),
    };
    assert_eq!(entry, &expected);
}

#[tokio::test]
async fn a_hold_that_lasts_is_one_entry_whatever_happens_beside_it() {
    let place = Place::new();
    let journal = place.open();
    let ticks = [
        quiet(at(0), 1.0),
        with_reason(quiet(at(1), 1.0), hold(1)),
        with_reason(quiet(at(2), 1.0), hold(1)),
        with_reason(started(quiet(at(3), 1.0), "m1"), hold(1)),
        with_reason(quiet(at(4), 1.0), hold(2)),
        quiet(at(5), 1.0),
        with_reason(quiet(at(6), 1.0), hold(1)),
    ];
    for tick in ticks {
        record(&journal, tick);
    }
    let entries = journal.history(&everything()).await.unwrap();
    let expected = [
        (EntryKind::Hold, at(6), at(6)),
        (EntryKind::Action, at(3), at(3)),
        (EntryKind::Hold, at(1), at(4)),
    ];
    assert_eq!(short(&entries), expected);
    assert_eq!(entries[2].text, hold(1).to_string(), "of the first of them");
    // It still applied at the time in question, though it had begun before.
    let query = HistoryQuery { from: at(4), until: at(4), ..everything() };
    assert_eq!(short(&journal.history(&query).await.unwrap()), expected[2..]);
    // Newer ticks of the same are in it without being written.
    record(&journal, with_reason(quiet(at(7), 1.0), hold(1)));
    let query = HistoryQuery { most: 1, ..everything() };
    let newest = journal.history(&query).await.unwrap();
    assert_eq!(short(&newest), [(EntryKind::Hold, at(6), at(7))]);
}

#[tokio::test]
async fn failures_are_one_as_long_as_they_say_the_same() {
    let place = Place::new();
    let journal = place.open();
    for (number, error) in (0..).zip(["503 after 12 s", "503 after 11 s", "401", "401"]) {
        record(&journal, failed(at(number), error));
    }
    let entries = journal.history(&everything()).await.unwrap();
    let failure = EntryKind::Failure;
    assert_eq!(short(&entries), [(failure, at(2), at(3)), (failure, at(0), at(1))]);
}

#[tokio::test]
async fn what_is_only_shown_says_so_and_is_said_once() {
    let place = Place::new();
    let journal = place.open();
    for number in 0..4 {
        // Two alike: neither stands for the other.
        let mut tick = planned(planned(quiet(at(number), 1.0), "m1"), "m1");
        if number == 3 {
            tick = quiet(at(number), 1.0);
        }
        tick.paused = true;
        record(&journal, tick);
    }
    let entries = journal.history(&everything()).await.unwrap();
    assert_eq!(short(&entries), [(EntryKind::Action, at(0), at(2)); 2]);
    assert!(entries.iter().all(|own| own.would && own.result.is_none()));
}

#[tokio::test]
async fn notes_are_entries_and_those_to_all_are_in_the_history_of_each() {
    let place = Place::new();
    let journal = place.open();
    let noted = |number, app: Option<&str>, kind, text: &str| {
        let app = app.map(AppName::new);
        journal.note(Noted { at: at(number), app, kind, text: text.into() });
    };
    noted(0, None, EntryKind::Start, "version 1 began");
    noted(1, Some("web"), EntryKind::Pause, "somebody paused it");
    noted(2, Some("other"), EntryKind::Pause, "somebody paused the other");
    let of = |app: &str| HistoryQuery { app: Some(AppName::new(app)), ..everything() };
    let texts = |entries: Vec<Entry>| entries.into_iter().map(|own| own.text).collect::<Vec<_>>();
    let web = journal.history(&of("web")).await.unwrap();
    assert_eq!(web[1].app, None);
    assert_eq!(texts(web), ["somebody paused it", "version 1 began"]);
    assert_eq!(texts(journal.history(&of("new")).await.unwrap()), ["version 1 began"]);
    assert_eq!(journal.history(&everything()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn filters_leave_what_they_name() {
    let place = Place::new();
    let journal = place.open();
    let mut elsewhere = started(quiet(at(1), 1.0), "m2");
    if let ActionResult::Done { region, .. } = &mut elsewhere.outcomes[0].result {
        *region = Region::new("iad");
    }
    for tick in [
        with_reason(started(quiet(at(0), 1.0), "m1"), hold(1)),
        elsewhere,
        failed(at(2), "no route"),
    ] {
        record(&journal, tick);
    }
    let all = everything;
    let table = [
        (all(), 4),
        // And what is about all of them: the failure.
        (HistoryQuery { region: Some(Region::new("lhr")), ..all() }, 3),
        (HistoryQuery { region: Some(Region::new("iad")), ..all() }, 2),
        (HistoryQuery { kind: Some(EntryKind::Action), ..all() }, 2),
        (HistoryQuery { kind: Some(EntryKind::Failure), ..all() }, 1),
        (HistoryQuery { kind: Some(EntryKind::Reload), ..all() }, 0),
        (HistoryQuery { verb: Some(Verb::Start), ..all() }, 2),
        (HistoryQuery { verb: Some(Verb::Stop), ..all() }, 0),
        (HistoryQuery { from: at(1), ..all() }, 2),
        (HistoryQuery { until: at(1), ..all() }, 3),
        (HistoryQuery { most: 3, ..all() }, 3),
    ];
    for (query, count) in table {
        let entries = journal.history(&query).await.unwrap();
        assert_eq!(entries.len(), count, "{query:?}");
        assert!(entries.is_sorted_by_key(|own| std::cmp::Reverse(own.at)), "{query:?}");
    }
}
